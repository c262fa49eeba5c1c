/* A member's producers, and the way of their records to the topics. See sim.h.
 *
 * A record waits in the member's queue until its time has come, and arrives;
 * the broker may answer that it did not take it (it is sent again, later, so
 * that others overtake it), its answer may get lost (it is sent again, and the
 * topic has it twice), or the member gives it up, whether it arrived or not. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define QUEUE 96
#define RETRY_MS 60
#define ATTEMPTS 6

static bool is_checkpoint(const struct sim_flight *flight)
{
    return !flight->rejects && flight->token >> 63;
}

static int64_t delay(struct sim *sim)
{
    return (int64_t)sim_random(sim, (uint64_t)sim->faults.delay_ms + 1);
}

static void flight_due(struct sim *sim, struct sim_flight *flight, int64_t at_ms)
{
    flight->at_ms = at_ms;
    if (at_ms < sim->flights_due_ms)
        sim->flights_due_ms = at_ms;
}

static void flight_end(struct sim *sim, size_t i)
{
    struct sim_flight *flight = &sim->flights[i];
    if (flight->from)
        flight->from->in_flight--;
    free(flight->value);
    *flight = sim->flights[--sim->flights_count];
}

static void fail(struct sim_flight *flight)
{
    flight->answered = flight->failed = true;
}

/* A topic refuses a reject for its size, or for that of others that came with
 * it. One that doesn't even take headers would lose it, as is documented. */
static bool is_too_large(struct sim *sim, struct sim_flight *flight)
{
    if (!flight->rejects || sim->sink_lines || flight->size == 0 ||
        sim->faults.large_rejects == 0)
        return false;
    uint64_t *refused = &sim->partitions[flight->partition].too_large;
    bool again = *refused >> flight->position & 1;
    if (!sim_happens(sim, again ? 700 : sim->faults.large_rejects))
        return false;
    flight->too_large = true;
    *refused |= UINT64_C(1) << flight->position;
    return true;
}

/* It reached the broker, or would have. */
static void arrive(struct sim *sim, struct sim_flight *flight)
{
    bool goes_on = flight->from != NULL;
    if (goes_on && is_too_large(sim, flight)) {
        fail(flight);
        return;
    }
    if (goes_on && !flight->rejects && sim->fail_next > 0) {
        sim->fail_next--;
        fail(flight);
        return;
    }
    if (goes_on && sim_happens(sim, sim->faults.retry)) {
        if (++flight->attempts == ATTEMPTS || sim_happens(sim, sim->faults.fail_record))
            fail(flight);
        else
            flight_due(sim, flight, sim->now_ms + RETRY_MS + delay(sim));
        return;
    }
    sim->counts.twice += flight->attempts > 0;
    sim_delivered(sim, flight);
    if (goes_on && sim_happens(sim, sim->faults.lose_ack)) {
        if (++flight->attempts == ATTEMPTS || sim_happens(sim, sim->faults.fail_record))
            fail(flight);
        else
            flight_due(sim, flight, sim->now_ms + RETRY_MS + delay(sim));
        return;
    }
    flight->answered = true;
    flight->failed = goes_on && sim_happens(sim, sim->faults.fail_record / 4);
    flight_due(sim, flight, sim->now_ms + delay(sim));
}

void sim_output_pass(struct sim *sim)
{
    if (sim->now_ms < sim->flights_due_ms)
        return;
    sim->flights_due_ms = INT64_MAX;
    for (size_t i = 0; i < sim->flights_count;) {
        struct sim_flight *flight = &sim->flights[i];
        bool cut = sim_is_cut(&sim->members[flight->member]) && flight->from;
        if (!flight->answered && flight->at_ms <= sim->now_ms && !cut)
            arrive(sim, flight);
        else if (!flight->answered)
            flight_due(sim, flight, flight->at_ms > sim->now_ms ? flight->at_ms
                                                                : sim->now_ms + 1);
        if (flight->answered && !flight->from)
            flight_end(sim, i);
        else
            i++;
    }
}

uint64_t sim_lost(const struct sim_member *member)
{
    struct pipeline_status status;
    pipeline_status(member->pipeline, &status);
    return status.counters.rejects_lost;
}

/* What its process was like when the record was produced. */
static void flight_note(struct sim_flight *flight, const struct sim_member *member)
{
    const struct sim *sim = member->sim;
    flight->member = member->index;
    flight->start = member->start;
    flight->folded_count = sim->starts[member->start].folded_count;
    flight->turn = sim->counts.turns;
    flight->partitions_total = member->source.assignment.partitions_total;
    flight->assignment = member->source.number;
    flight->lost = sim_lost(member);
    flight->lost_untold = flight->lost - member->lost_told;
}

static enum emit_result sim_produce(struct emit *emit, const struct emit_record *record)
{
    struct sim_emit *e = (struct sim_emit *)emit;
    struct sim_member *member = e->member;
    struct sim *sim = member->sim;
    sim_yield(member);
    if (e->in_flight == QUEUE || sim->flights_count == SIM_FLIGHTS ||
        sim->now_ms < e->down_until_ms || sim_happens(sim, sim->faults.full))
        return EMIT_FULL;
    int32_t partition = -1;
    int64_t position = -1;
    if (e->rejects)
        sim_reject_judge(sim, record, &partition, &position);
    if (record->value_size > 0 && sim_happens(sim, sim->faults.too_large)) {
        if (e->rejects)
            sim->partitions[partition].too_large |= UINT64_C(1) << position;
        return EMIT_TOO_LARGE;
    }
    struct sim_flight *flight = &sim->flights[sim->flights_count++];
    *flight = (struct sim_flight){.from = e,
                                  .rejects = e->rejects,
                                  .token = record->token,
                                  .partition = partition,
                                  .position = position,
                                  .value = malloc(record->value_size + 1),
                                  .size = record->value_size};
    if (record->value_size)
        memcpy(flight->value, record->value, record->value_size);
    flight->value[record->value_size] = '\0';
    flight_note(flight, member);
    if (!e->rejects && !is_checkpoint(flight))
        sim_labels_note(member, flight->value);
    member->seen.records += !e->rejects && !is_checkpoint(flight);
    e->in_flight++;
    flight_due(sim, flight, sim->now_ms + delay(sim));
    SIM_NOTE(sim, member->index, "produces %s%llu %.*s", e->rejects ? "reject " : "",
             (unsigned long long)record->token, (int)record->value_size, flight->value);
    return EMIT_OK;
}

static size_t sim_acks(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct sim_emit *e = (struct sim_emit *)emit;
    struct sim *sim = e->member->sim;
    size_t count = 0;
    sim_yield(e->member);
    if (timeout_ms > 0)
        sim_wait(sim, (int64_t)sim_random(sim, (uint64_t)timeout_ms + 1));
    else
        sim_output_pass(sim);
    for (size_t i = 0; e->in_flight > 0 && i < sim->flights_count && count < room;) {
        struct sim_flight *flight = &sim->flights[i];
        if (flight->from != e || !flight->answered || flight->at_ms > sim->now_ms) {
            i++;
            continue;
        }
        acks[count++] = (struct emit_ack){.token = flight->token,
                                          .error = flight->failed ? "failed" : NULL,
                                          .too_large = flight->too_large};
        if (is_checkpoint(flight) && !flight->failed &&
            flight->assignment == e->member->source.number)
            e->member->lost_told = flight->lost;
        e->member->seen.records_failed +=
            flight->failed && !flight->rejects && !is_checkpoint(flight);
        sim->counts.failed += flight->failed;
        SIM_NOTE(sim, e->member->index, "%llu %s", (unsigned long long)flight->token,
                 flight->failed ? "failed" : "acknowledged");
        flight_end(sim, i);
    }
    return count;
}

static const char *sim_failed(struct emit *emit)
{
    struct sim_emit *e = (struct sim_emit *)emit;
    sim_yield(e->member);
    e->broken = e->broken || sim_happens(e->member->sim, e->member->sim->faults.break_sink);
    return e->broken ? "broken" : NULL;
}

/* An outage of the rejects sink: it says so, for a while. */
static const char *sim_down(struct emit *emit)
{
    struct sim_emit *e = (struct sim_emit *)emit;
    struct sim *sim = e->member->sim;
    sim_yield(e->member);
    if (sim_happens(sim, sim->faults.sink_down))
        e->down_until_ms = sim->now_ms + (int64_t)sim_random(sim, 2000);
    return sim->now_ms < e->down_until_ms ? "down" : NULL;
}

static void sim_forget(struct emit *emit)
{
    struct sim_emit *e = (struct sim_emit *)emit;
    struct sim *sim = e->member->sim;
    sim_yield(e->member);
    for (size_t i = 0; i < sim->flights_count; i++) {
        struct sim_flight *flight = &sim->flights[i];
        if (flight->from != e || flight->answered)
            continue;
        if (sim_random(sim, 2))
            sim_delivered(sim, flight);
        fail(flight);
        flight->at_ms = sim->now_ms;
    }
}

static void sim_free(struct emit *emit)
{
    (void)emit;
}

static void init(struct sim_emit *emit, struct sim_member *member, bool rejects)
{
    static const struct emit_ops ops = {.produce = sim_produce,
                                        .poll = sim_acks,
                                        .failed = sim_failed,
                                        .destroy = sim_free};
    static const struct emit_ops ops_of_sink = {.produce = sim_produce,
                                                .poll = sim_acks,
                                                .failed = sim_failed,
                                                .destroy = sim_free,
                                                .down = sim_down,
                                                .forget = sim_forget};
    emit->emit.ops = rejects ? &ops_of_sink : &ops;
    emit->member = member;
    emit->rejects = rejects;
    emit->broken = false;
    emit->down_until_ms = 0;
    emit->in_flight = 0;
}

void sim_output_init(struct sim_member *member)
{
    init(&member->output, member, false);
    init(&member->rejects, member, true);
}

/* The process is gone: what it had sent may arrive, once. */
void sim_output_crash(struct sim_member *member)
{
    struct sim *sim = member->sim;
    for (size_t i = 0; i < sim->flights_count;) {
        struct sim_flight *flight = &sim->flights[i];
        bool mine = flight->from == &member->output || flight->from == &member->rejects;
        if (mine && (flight->answered || sim_random(sim, 2))) {
            flight_end(sim, i);
            continue;
        }
        if (mine)
            flight->from = NULL;
        i++;
    }
}

void sim_output_clear(struct sim *sim)
{
    while (sim->flights_count > 0)
        flight_end(sim, 0);
    sim->flights_due_ms = INT64_MAX;
}
