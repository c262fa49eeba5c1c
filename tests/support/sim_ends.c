/* The source and the outputs of the simulated world. See sim.h. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool happens(struct sim *sim, unsigned per_mille)
{
    return sim_random(sim, 1000) < per_mille;
}

static void assign(struct sim *sim, struct sim_source *s, struct source_step *step)
{
    size_t count = 0;
    for (int32_t partition = 0; partition < SIM_PARTITIONS; partition++) {
        if (sim->faults.revoke > 0 && sim_random(sim, 4) == 0)
            continue; /* somebody else's for now */
        bool resumed = sim->committed[partition] >= 0;
        s->partitions[count] = (struct source_partition){
            .partition = partition,
            .start = resumed ? sim->committed[partition] : 0,
            .resumed = resumed,
            .metadata = resumed ? sim->metadata : NULL};
        s->position[count] = s->partitions[count].start;
        s->told_end[count] = false;
        count++;
    }
    s->assignment = (struct source_assignment){.cluster = "sim",
                                               .topic = "frames",
                                               .partitions_total = SIM_PARTITIONS,
                                               .partitions = s->partitions,
                                               .count = count};
    s->state = SIM_ASSIGNED;
    sim->rebalances++;
    step->kind = SOURCE_ASSIGNED;
    step->assignment = &s->assignment;
}

/* A run over all slots, each in order. */
static void hand_over(struct sim *sim, struct sim_source *s, struct source_step *step)
{
    size_t count = 0;
    uint64_t room = sim_random(sim, 3) ? 0 : 1 + sim_random(sim, sim_random(sim, 8) ? 3 : 40);
    for (uint32_t slot = 0; slot < s->assignment.count; slot++) {
        int32_t partition = s->partitions[slot].partition;
        for (uint64_t i = 0; i < room && s->position[slot] < SIM_FRAMES; i++) {
            struct sim_frame *frame = &sim->log[partition][s->position[slot]];
            s->messages[count++] = (struct message){.bytes = frame->bytes,
                                                    .size = strlen(frame->bytes),
                                                    .position = s->position[slot],
                                                    .next = s->position[slot] + 1,
                                                    .timestamp_ms = MESSAGE_NO_TIMESTAMP,
                                                    .slot = slot};
            s->position[slot]++;
            if (count == SIM_FRAMES)
                break;
        }
        if (count == SIM_FRAMES)
            break;
    }
    if (count > 0) {
        step->kind = SOURCE_MESSAGES;
        step->messages = s->messages;
        step->count = count;
    }
}

static bool say_end(struct sim_source *s, struct source_step *step)
{
    for (uint32_t slot = 0; slot < s->assignment.count; slot++)
        if (s->position[slot] == SIM_FRAMES && !s->told_end[slot]) {
            s->told_end[slot] = true;
            step->kind = SOURCE_AT_END;
            step->slot = slot;
            step->position = SIM_FRAMES;
            return true;
        }
    return false;
}

/* The group's coordinator takes it; once, whenever the answer arrives. */
static void apply_commit(struct sim *sim, struct sim_source *s)
{
    for (size_t i = 0; i < s->commit_count; i++)
        sim_committed(sim, s->commit_partition[i], s->commit[i].position);
    s->commit_count = 0;
}

static bool answer_commit(struct sim *sim, struct sim_source *s, struct source_step *step)
{
    if (!s->committing || sim->now_ms < s->commit_at_ms)
        return false;
    s->committing = false;
    step->kind = SOURCE_COMMITTED;
    step->error = s->commit_refused ? "refused" : NULL;
    if (!s->commit_refused)
        apply_commit(sim, s);
    return true;
}

static void sim_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct sim_source *s = (struct sim_source *)source;
    struct sim *sim = s->sim;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    sim->now_ms += (int64_t)sim_random(sim, (uint64_t)timeout_ms + 2);
    if (answer_commit(sim, s, step))
        return;
    switch (s->state) {
    case SIM_APART:
        if (s->closing)
            s->state = SIM_DONE;
        else if (sim_random(sim, 3) == 0)
            assign(sim, s, step);
        break;
    case SIM_ASSIGNED:
        if (s->closing || happens(sim, sim->faults.revoke)) {
            s->state = SIM_LEAVING;
            step->kind = SOURCE_REVOKED;
        } else if (happens(sim, sim->faults.lose)) {
            s->state = SIM_LEAVING;
            s->commit_refused = true;
            step->kind = SOURCE_LOST;
        } else if (!s->held && !say_end(s, step)) {
            hand_over(sim, s, step);
        }
        break;
    case SIM_LEAVING:
        break;
    case SIM_DONE:
        step->kind = SOURCE_FINISHED;
        break;
    }
}

static void sim_release(struct source *source)
{
    struct sim_source *s = (struct sim_source *)source;
    ck_assert_int_eq(s->state, SIM_LEAVING);
    s->state = SIM_APART;
    if (s->committing && !s->commit_refused && sim_random(s->sim, 2))
        apply_commit(s->sim, s); /* done, and the answer is still on its way */
    else
        s->commit_refused = true;
}

static bool sim_commit(struct source *source, const struct source_position *positions,
                       size_t count, const char *metadata)
{
    struct sim_source *s = (struct sim_source *)source;
    ck_assert(!s->committing && count > 0 && count <= s->assignment.count);
    ck_assert(s->state == SIM_ASSIGNED || s->state == SIM_LEAVING);
    ck_assert_uint_lt(strlen(metadata), sizeof s->sim->metadata);
    memcpy(s->sim->metadata, metadata, strlen(metadata) + 1);
    for (size_t i = 0; i < count; i++) {
        s->commit[i] = positions[i];
        s->commit_partition[i] = s->partitions[positions[i].slot].partition;
    }
    s->commit_count = count;
    s->committing = true;
    s->commit_refused = happens(s->sim, s->sim->faults.refuse_commit);
    s->commit_at_ms = s->sim->now_ms + (int64_t)sim_random(s->sim, 60);
    return true;
}

static void sim_hold(struct source *source, bool held)
{
    ((struct sim_source *)source)->held = held;
}

static int64_t sim_end_confirmed(struct source *source, uint32_t slot)
{
    struct sim_source *s = (struct sim_source *)source;
    return s->told_end[slot] ? s->sim->now_ms : -1;
}

static int64_t sim_lag(struct source *source, uint32_t slot)
{
    return SIM_FRAMES - ((struct sim_source *)source)->position[slot];
}

static void sim_close(struct source *source)
{
    ((struct sim_source *)source)->closing = true;
}

static void sim_destroy(struct source *source)
{
    (void)source;
}

void sim_source_reset(struct sim *sim)
{
    static const struct source_ops ops = {sim_poll,          sim_release, sim_commit, sim_hold,
                                          sim_end_confirmed, sim_lag,     sim_close,  sim_destroy};
    memset(&sim->source, 0, sizeof sim->source);
    sim->source.source.ops = &ops;
    sim->source.sim = sim;
}

static enum emit_result sim_produce(struct emit *emit, const struct emit_record *record)
{
    struct sim_output *o = (struct sim_output *)emit;
    if (o->count == SIM_IN_FLIGHT || happens(o->sim, o->sim->faults.full))
        return EMIT_FULL;
    struct sim_sent *sent = &o->sent[o->count++];
    ck_assert_uint_le(record->value_size, sizeof sent->value);
    sent->token = record->token;
    sent->size = record->value_size;
    sent->at_ms = o->sim->now_ms + (int64_t)sim_random(o->sim, 80);
    memcpy(sent->value, record->value, record->value_size);
    return EMIT_OK;
}

static size_t sim_acks(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct sim_output *o = (struct sim_output *)emit;
    size_t count = 0;
    o->sim->now_ms += timeout_ms;
    for (size_t i = 0; i < o->count && count < room;) {
        if (o->sent[i].at_ms > o->sim->now_ms) {
            i++;
            continue;
        }
        bool failed = !o->rejects && happens(o->sim, o->sim->faults.fail_record);
        acks[count++] = (struct emit_ack){o->sent[i].token, failed ? "failed" : NULL};
        o->sim->failures += failed;
        if (!failed || sim_random(o->sim, 2)) /* a failure may have been delivered */
            sim_delivered(o->sim, o, &o->sent[i]);
        o->sent[i] = o->sent[--o->count];
    }
    return count;
}

static const char *sim_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static void sim_emit_destroy(struct emit *emit)
{
    (void)emit;
}

void sim_output_reset(struct sim *sim, struct sim_output *output, bool rejects)
{
    static const struct emit_ops ops = {sim_produce, sim_acks, sim_failed, sim_emit_destroy};
    output->emit.ops = &ops;
    output->sim = sim;
    output->rejects = rejects;
    output->count = 0;
}

void sim_output_crash(struct sim_output *output)
{
    for (size_t i = 0; i < output->count; i++)
        if (sim_random(output->sim, 2))
            sim_delivered(output->sim, output, &output->sent[i]);
    output->count = 0;
}
