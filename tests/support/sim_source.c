/* A member's consumer. See sim.h, and source.h for what it promises. */
#include <string.h>

#include "sim.h"

#define COMMIT_DEADLINE_MS 400

static struct sim_slot *slot_of(struct sim_source *s, uint32_t slot)
{
    SIM_CHECK(s->member->sim, slot < s->slots_count, "slot %u is not assigned", slot);
    return &s->slots[slot];
}

/* Takes a partition up where the group's commit says. */
static void assign_one(struct sim_source *s, int32_t partition, size_t slot)
{
    const struct sim_partition *p = &s->member->sim->partitions[partition];
    const struct pipeline_options *o = &s->member->options;
    bool resumed = p->committed >= 0;
    bool known = resumed && p->metadata && *p->metadata;
    int64_t start = resumed ? p->committed : p->low;
    s->partitions[slot] = (struct source_partition){
        partition, start, resumed, resumed ? p->metadata : NULL};
    s->slots[slot] = (struct sim_slot){
        .partition = partition, .start = start, .next = start, .consumed = start,
        .asked_commit = start, .confirmed = start, .eof = -1, .high = -1, .asked_ms = -1,
        .value_s = INT64_MIN, .slept_s = INT64_MIN, .lone_s = INT64_MIN};
    if (known && strcmp(p->metadata, o->fingerprint) != 0 && !o->adopt)
        s->foreign = true;
    SIM_NOTE(s->member->sim, s->member->index, "assigned %d from %lld", partition,
             (long long)start);
}

/* What the process may know from it. */
static void assign_note(struct sim_source *s)
{
    struct sim_start *process = &s->member->sim->starts[s->member->start];
    bool resumed = false;
    for (size_t i = 0; i < s->slots_count; i++) {
        const char *metadata = s->partitions[i].metadata;
        resumed = resumed || s->partitions[i].resumed;
        process->proven = process->proven ||
                          (metadata && strcmp(metadata, s->member->options.fingerprint) == 0);
    }
    if (!process->assigned && s->slots_count > 0)
        process->resumed = resumed;
    process->assigned = process->assigned || s->slots_count > 0;
}

static void assign(struct sim_source *s, struct source_step *step)
{
    struct sim *sim = s->member->sim;
    unsigned mine = sim->group.members[s->member->index].partitions;
    s->slots_count = 0;
    s->foreign = false;
    for (int32_t i = 0; i < (int32_t)sim->partitions_count; i++)
        if (mine >> i & 1)
            assign_one(s, i, s->slots_count++);
    if (!s->foreign)
        assign_note(s);
    sim->counts.foreign += s->foreign;
    s->assignment = (struct source_assignment){.cluster = "sim",
                                               .topic = "frames",
                                               .partitions_total = (int32_t)sim->partitions_count,
                                               .partitions = s->partitions,
                                               .count = s->slots_count};
    s->state = SIM_ASSIGNED;
    s->number++;
    s->member->lost_told = sim_lost(s->member);
    s->generation = sim->group.generation;
    s->remade = s->lost = false;
    s->calm = sim->calm;
    s->run_count = s->run_next = 0;
    sim->group.members[s->member->index].assigned = false;
    sim->counts.assignments++;
    step->kind = SOURCE_ASSIGNED;
    step->assignment = &s->assignment;
}

/* Goes over what the broker does not hand over; true with a step when something
 * is gone for good. */
static bool skip_step(struct sim_source *s, uint32_t slot, struct source_step *step)
{
    struct sim_slot *at = &s->slots[slot];
    const struct sim_partition *p = &s->member->sim->partitions[at->partition];
    if (at->next >= p->low)
        return false;
    *step = (struct source_step){
        .kind = SOURCE_MISSING, .slot = slot, .from = at->next, .to = p->low};
    SIM_NOTE(s->member->sim, s->member->index, "missing %d from %lld to %lld", at->partition,
             (long long)at->next, (long long)p->low);
    s->member->seen.missing += (uint64_t)(p->low - at->next);
    at->next = p->low;
    return true;
}

static bool message_add(struct sim_source *s, uint32_t slot)
{
    struct sim_slot *at = &s->slots[slot];
    const struct sim_partition *p = &s->member->sim->partitions[at->partition];
    while (at->next < p->stable && p->log[at->next].hidden)
        at->next++;
    if (at->next == p->stable || s->run_count == SIM_RUN)
        return false;
    const struct sim_frame *frame = &p->log[at->next];
    s->messages[s->run_count++] =
        (struct message){.bytes = frame->size ? frame->bytes : NULL,
                         .size = frame->size,
                         .key = *frame->key ? frame->key : NULL,
                         .key_size = strlen(frame->key),
                         .position = at->next,
                         .next = at->next + 1,
                         .timestamp_ms = frame->timestamp_ms,
                         .slot = slot};
    at->next++;
    at->eof = -1;
    return true;
}

static bool end_step(struct sim_source *s, uint32_t slot, struct source_step *step)
{
    struct sim_slot *at = &s->slots[slot];
    const struct sim_partition *p = &s->member->sim->partitions[at->partition];
    if (at->next != p->stable || at->eof == at->next || sim_random(s->member->sim, 2))
        return false;
    at->eof = at->next;
    *step = (struct source_step){.kind = SOURCE_AT_END, .slot = slot, .position = at->next};
    return true;
}

/* A run over some slots, each in order, or one fact. */
static void data_step(struct sim_source *s, struct source_step *step)
{
    struct sim *sim = s->member->sim;
    uint64_t room = sim_random(sim, sim_random(sim, 8) ? 8 : 60);
    s->run_count = s->run_next = 0;
    for (uint32_t slot = 0; slot < s->slots_count; slot++) {
        if (skip_step(s, slot, step))
            return;
        if (end_step(s, slot, step))
            return;
    }
    for (uint32_t slot = 0; slot < s->slots_count; slot++)
        for (uint64_t i = 0; i < room && message_add(s, slot); i++)
            ;
    if (s->run_count == 0)
        return;
    step->kind = SOURCE_MESSAGES;
    step->messages = s->messages;
    step->count = s->run_count;
    SIM_NOTE(sim, s->member->index, "reads %zu", s->run_count);
}

static bool commit_step(struct sim_source *s, struct source_step *step)
{
    struct sim *sim = s->member->sim;
    struct sim_commit *commit = &s->commit;
    bool answered = !commit->travels && !commit->answer_lost &&
                    sim->now_ms >= commit->answered_ms && !sim_is_cut(s->member);
    if (!commit->waits || (!answered && sim->now_ms < commit->deadline_ms))
        return false;
    commit->waits = false;
    step->kind = SOURCE_COMMITTED;
    step->error = !answered ? "no answer" : commit->refused ? "refused" : NULL;
    ++*(step->error ? &s->member->seen.commits_failed : &s->member->seen.commits);
    SIM_NOTE(sim, s->member->index, "commit ended: %s", step->error ? step->error : "done");
    for (size_t i = 0; !step->error && commit->same_assignment && i < commit->count; i++)
        for (size_t slot = 0; slot < s->slots_count; slot++)
            if (s->slots[slot].partition == commit->partition[i])
                s->slots[slot].confirmed = commit->position[i];
    return true;
}

/* Asks for the end of a partition. */
static void ask_ends(struct sim_source *s)
{
    struct sim *sim = s->member->sim;
    for (size_t i = 0; i < s->slots_count && sim_random(sim, 4); i++) {
        s->slots[i].high = sim->partitions[s->slots[i].partition].high;
        s->slots[i].asked_ms = sim->now_ms;
    }
}

static void leave(struct sim_source *s, struct source_step *step, enum source_kind kind)
{
    s->state = SIM_LEAVING;
    s->lost = kind == SOURCE_LOST;
    s->run_count = s->run_next = 0;
    step->kind = kind;
    step->final = s->closing;
    s->leave_by_ms = s->closing || kind == SOURCE_LOST
                         ? INT64_MAX
                         : s->member->sim->now_ms + s->member->options.release_wait_ms;
    SIM_NOTE(s->member->sim, s->member->index, kind == SOURCE_LOST ? "lost" : "revoked");
}

static void assigned_step(struct sim_source *s, struct source_step *step)
{
    struct sim *sim = s->member->sim;
    bool cut = sim_is_cut(s->member);
    if (s->remade) {
        leave(s, step, SOURCE_LOST);
    } else if (s->closing || (!cut && sim->group.rebalancing && sim_group_knows(s->member))) {
        leave(s, step, SOURCE_REVOKED);
    } else if (!cut && !sim_group_knows(s->member) && sim_random(sim, 16) == 0) {
        leave(s, step, SOURCE_LOST); /* a heartbeat was answered at last */
    } else if (s->slots_count > 0 && sim_happens(sim, sim->faults.remake)) {
        s->remade = true;
        step->kind = SOURCE_REMADE;
    } else if (!s->held && !cut) {
        data_step(s, step);
    }
}

static void take_step(struct sim_source *s, struct source_step *step)
{
    struct sim_member *member = s->member;
    if (commit_step(s, step))
        return;
    if (s->broken) {
        step->kind = SOURCE_FAILED;
        step->error = "broken";
        return;
    }
    switch (s->state) {
    case SIM_APART:
        if (s->closing)
            s->state = SIM_DONE;
        else if (!sim_is_cut(member) && member->sim->group.members[member->index].assigned &&
                 member->sim->group.members[member->index].start == member->start)
            assign(s, step);
        else if (!sim_is_cut(member))
            sim_group_join(member);
        break;
    case SIM_ASSIGNED:
        assigned_step(s, step);
        break;
    case SIM_LEAVING:
        break;
    case SIM_DONE:
        step->kind = SOURCE_FINISHED;
        break;
    }
}

static void sim_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct sim_source *s = (struct sim_source *)source;
    struct sim_member *member = s->member;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    sim_yield(member);
    sim_wait(member->sim, (int64_t)sim_random(member->sim, (uint64_t)timeout_ms + 2));
    if (!sim_is_cut(member)) {
        sim_group_heard(member);
        ask_ends(s);
    }
    s->broken = s->broken || sim_happens(member->sim, member->sim->faults.break_source);
    take_step(s, step);
    member->step = step->kind;
    member->step_slot = step->slot;
    member->step_position = step->kind == SOURCE_MISSING ? step->to : step->position;
}

static void sim_release(struct source *source)
{
    struct sim_source *s = (struct sim_source *)source;
    sim_yield(s->member);
    SIM_CHECK(s->member->sim, s->state == SIM_LEAVING, "released what was not to be given up");
    SIM_NOTE(s->member->sim, s->member->index, "released");
    s->state = SIM_APART;
    s->commit.same_assignment = false;
}

/* What the next commit must not wait for. */
void sim_source_forget(struct sim_member *member)
{
    struct sim *sim = member->sim;
    struct sim_commit *commit = &member->source.commit;
    commit->waits = commit->same_assignment = false;
    for (size_t i = 0; commit->travels && i < SIM_LATE; i++)
        if (!sim->late[i].travels) {
            sim->late[i] = *commit;
            break;
        }
    commit->travels = false;
}

static void pass(struct sim *sim, struct sim_commit *commit, bool now)
{
    const struct sim_member *member = &sim->members[commit->member];
    if (commit->travels &&
        (now || (sim->now_ms >= commit->arrives_ms && !sim_is_cut(member))))
        sim_group_commit(sim, commit);
}

void sim_source_pass(struct sim *sim, bool all)
{
    for (size_t m = 0; m < sim->members_count; m++)
        pass(sim, &sim->members[m].source.commit, false);
    for (size_t i = 0; i < SIM_LATE; i++)
        pass(sim, &sim->late[i], all);
}

static int64_t delay(struct sim *sim)
{
    return (int64_t)sim_random(sim, (uint64_t)sim->faults.delay_ms + 1);
}

static void commit_send(struct sim_source *s, size_t count)
{
    struct sim *sim = s->member->sim;
    sim_source_forget(s->member);
    s->commit = (struct sim_commit){.member = s->member->index,
                                    .start = s->member->start,
                                    .generation = s->generation,
                                    .waits = true,
                                    .travels = true,
                                    .same_assignment = true,
                                    .metadata = s->member->options.fingerprint,
                                    .arrives_ms = sim->now_ms + delay(sim),
                                    .deadline_ms = sim->now_ms + COMMIT_DEADLINE_MS,
                                    .count = count};
    s->commit.answered_ms = s->commit.arrives_ms + delay(sim);
    if (sim_happens(sim, sim->faults.lose_commit)) {
        s->commit.answer_lost = true;
        s->commit.travels = sim_random(sim, 2);
    }
}

/* A process that found nothing but rejects may have the wrong settings: it must
 * not take them away from one with the right ones. */
static void judge_proof(const struct sim_source *s, const struct sim_slot *slot, int64_t position)
{
    struct sim *sim = s->member->sim;
    const struct sim_start *process = &sim->starts[s->member->start];
    if (process->proven || process->folded_count > 0)
        return;
    for (int64_t i = slot->start; i < position; i++)
        SIM_CHECK(sim, sim->partitions[slot->partition].log[i].hidden ||
                           i < sim->partitions[slot->partition].low,
                  "commits %d beyond %lld without a valid frame", slot->partition, (long long)i);
}

static bool sim_commit(struct source *source, const struct source_position *positions,
                       size_t count, const char *metadata)
{
    struct sim_source *s = (struct sim_source *)source;
    struct sim *sim = s->member->sim;
    sim_yield(s->member);
    SIM_CHECK(sim, s->state == SIM_ASSIGNED || s->state == SIM_LEAVING,
              "commit without partitions");
    SIM_CHECK(sim, !s->remade && !s->lost, "commit of what was lost or made again");
    SIM_CHECK(sim, !s->foreign, "commit over that of other settings");
    SIM_CHECK(sim, count > 0 && count <= s->slots_count, "commit of %zu positions", count);
    SIM_CHECK(sim, strcmp(metadata, s->member->options.fingerprint) == 0, "commit with '%s'",
              metadata);
    if (s->commit.waits || sim_happens(sim, sim->faults.refuse_commit / 4)) {
        s->member->seen.commits_failed++;
        return false;
    }
    commit_send(s, count);
    for (size_t i = 0; i < count; i++) {
        struct sim_slot *slot = slot_of(s, positions[i].slot);
        SIM_CHECK(sim, positions[i].position <= slot->next, "commit beyond what was read");
        SIM_CHECK(sim, positions[i].position >= slot->asked_commit, "commit goes back");
        SIM_CHECK(sim, positions[i].position > slot->confirmed, "commits %d up to %lld again",
                  slot->partition, (long long)positions[i].position);
        judge_proof(s, slot, positions[i].position);
        slot->asked_commit = positions[i].position;
        s->commit.partition[i] = slot->partition;
        s->commit.position[i] = positions[i].position;
        SIM_NOTE(sim, s->member->index, "commits %d up to %lld", slot->partition,
                 (long long)positions[i].position);
    }
    return true;
}

static void sim_hold(struct source *source, bool held)
{
    struct sim_source *s = (struct sim_source *)source;
    sim_yield(s->member);
    s->held = held;
    s->member->sim->counts.held += held;
    SIM_NOTE(s->member->sim, s->member->index, held ? "held" : "goes on");
}

static int64_t sim_end_confirmed(struct source *source, uint32_t slot)
{
    struct sim_source *s = (struct sim_source *)source;
    const struct sim_slot *at = slot_of(s, slot);
    sim_yield(s->member);
    return at->eof >= 0 && at->high == at->eof ? at->asked_ms : -1;
}

static int64_t sim_lag(struct source *source, uint32_t slot)
{
    struct sim_source *s = (struct sim_source *)source;
    const struct sim_slot *at = slot_of(s, slot);
    return at->high < 0 ? -1 : at->high > at->next ? at->high - at->next : 0;
}

static void sim_close(struct source *source)
{
    struct sim_source *s = (struct sim_source *)source;
    sim_yield(s->member);
    s->closing = true;
}

static void sim_free(struct source *source)
{
    (void)source;
}

void sim_source_init(struct sim_member *member)
{
    static const struct source_ops ops = {sim_poll,          sim_release, sim_commit, sim_hold,
                                          sim_end_confirmed, sim_lag,     sim_close,  sim_free};
    struct sim_source *s = &member->source;
    s->source.ops = &ops;
    s->member = member;
    s->state = SIM_APART;
    s->generation = s->number = 0;
    s->slots_count = s->run_count = s->run_next = 0;
    s->held = s->closing = s->remade = s->lost = s->broken = false;
    s->calm = s->foreign = false;
    s->commit = (struct sim_commit){.member = member->index};
}
