/* The topics, and what must hold after each event. See sim.h.
 *
 * The invariant: each frame below a committed position is in a record that is
 * in the topic; or, when it is not valid, it was set aside; or there is no sink
 * and it was counted, which sim_cover.c holds checkpoints to. What is in the
 * topic is known by its registers: the largest of each, as the product's own
 * reader decodes them. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool is_in_topic(const struct sim *sim, const struct sim_frame *frame)
{
    for (size_t profile = 0; profile < sim->profiles; profile++) {
        struct sim_rank rank = sim_rank(sim, profile, frame->user);
        if (sim->topic[frame->minute][profile][rank.index] < rank.rank)
            return false;
    }
    return true;
}

int64_t sim_untold(struct sim *sim, int32_t partition, int64_t from, int64_t to)
{
    struct sim_partition *p = &sim->partitions[partition];
    for (int64_t i = from; i < to; i++) {
        const struct sim_frame *frame = &p->log[i];
        uint64_t bit = UINT64_C(1) << i;
        if (frame->hidden || (p->told & bit))
            continue;
        bool aside = !sim->sink || sim->sink_drops || (p->set_aside & bit);
        if (frame->reason == REJECT_NONE ? !is_in_topic(sim, frame) : !aside)
            return i;
        p->told |= bit;
    }
    return -1;
}

static void *room(void *items, size_t count, size_t *most, size_t size)
{
    if (count < *most)
        return items;
    *most = *most ? 2 * *most : 256;
    return realloc(items, *most * size);
}

static size_t profile_of(const struct sim *sim, const struct hc_sketch *sketch)
{
    size_t profile = 0;
    while (profile < sim->profiles &&
           sim_profiles[profile].profile != hc_sketch_profile(sketch))
        profile++;
    return profile;
}

/* How many frames of a minute a process has folded, of its first `count`. */
static uint64_t folded_of(const struct sim *sim, uint64_t start, size_t count, int minute)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned at = sim->starts[start].folded[i];
        frames += sim->partitions[at / SIM_FRAMES].log[at % SIM_FRAMES].minute == minute;
    }
    return frames;
}

/* A whole record holds all that its process had counted of the minute. */
static void judge_whole(struct sim *sim, const struct sim_flight *flight, int minute,
                        size_t profile, const uint8_t *registers)
{
    const struct sim_start *start = &sim->starts[flight->start];
    for (size_t i = 0; i < flight->folded_count; i++) {
        unsigned at = start->folded[i];
        const struct sim_frame *frame = &sim->partitions[at / SIM_FRAMES].log[at % SIM_FRAMES];
        struct sim_rank rank = sim_rank(sim, profile, frame->user);
        SIM_CHECK(sim, frame->minute != minute || registers[rank.index] >= rank.rank,
                  "record %llu calls itself whole and lacks frame %u/%u",
                  (unsigned long long)flight->token, at / SIM_FRAMES, at % SIM_FRAMES);
    }
}

/* One that is not whole goes on from one that was let go, and so was there. */
static void judge_part(struct sim *sim, const struct sim_flight *flight, int64_t minute_s,
                       size_t profile)
{
    for (size_t i = 0; i < sim->sketches_count; i++) {
        const struct sim_sketch *sketch = &sim->sketches[i];
        if (sketch->start == flight->start && sketch->minute_s == minute_s &&
            sketch->profile == profile && sketch->sequence < flight->token)
            return;
    }
    sim_violation(sim, "record %llu does not call itself whole, and is the first",
                  (unsigned long long)flight->token);
}

/* The frames are those of the minute: while it was whole, all of them. What the
 * turn folded after the record was produced may not be in it. */
static void judge_frames(struct sim *sim, const struct sim_flight *flight, int minute,
                         const struct record_sketch *record)
{
    const struct sim_start *start = &sim->starts[flight->start];
    uint64_t least = folded_of(sim, flight->start, flight->folded_count, minute);
    uint64_t most = folded_of(sim, flight->start, start->folded_count, minute);
    SIM_CHECK(sim, (!record->whole || record->frames >= least) &&
                       (record->frames <= most || start->marked_turn < flight->turn),
              "record %llu of %llu frames, not of %llu to %llu",
              (unsigned long long)flight->token, (unsigned long long)record->frames,
              (unsigned long long)least, (unsigned long long)most);
}

static void sketch_delivered(struct sim *sim, const struct sim_flight *flight,
                             const struct record_sketch *record)
{
    uint8_t registers[SIM_REGISTERS];
    int minute = sim_minute_of(record->minute_s);
    size_t profile = profile_of(sim, record->sketch);
    SIM_CHECK(sim, minute >= 0 && profile < sim->profiles, "nobody asked for record %llu",
              (unsigned long long)flight->token);
    SIM_CHECK(sim, hc_sketch_precision(record->sketch) == sim->precision &&
                       hc_sketch_registers(record->sketch, registers, sizeof registers) == HC_OK,
              "record %llu has another precision", (unsigned long long)flight->token);
    if (record->whole)
        judge_whole(sim, flight, minute, profile, registers);
    else
        judge_part(sim, flight, record->minute_s, profile);
    judge_frames(sim, flight, minute, record);
    for (size_t i = 0; i < (size_t)1 << sim->precision; i++)
        if (registers[i] > sim->topic[minute][profile][i])
            sim->topic[minute][profile][i] = registers[i];
    SIM_CHECK(sim, record->sequence == flight->token && record->sequence < SIM_SEQUENCES &&
                       (uint64_t)record->epoch_ms == flight->start,
              "sequence %llu of record %llu", (unsigned long long)record->sequence,
              (unsigned long long)flight->token);
    struct sim_start *start = &sim->starts[flight->start];
    start->sequences[record->sequence / 64] |= UINT64_C(1) << record->sequence % 64;
    if (record->sequence > start->sequence_max)
        start->sequence_max = record->sequence;
    sim->sketches = room(sim->sketches, sim->sketches_count, &sim->sketches_room,
                         sizeof *sim->sketches);
    sim->sketches[sim->sketches_count++] = (struct sim_sketch){
        flight->start, record->sequence, record->minute_s, profile, record->state};
    sim->counts.records++;
    sim->counts.late += record->state == RECORD_LATE;
}

static void checkpoint_delivered(struct sim *sim, const struct sim_flight *flight,
                                 const struct record_checkpoint *record)
{
    sim->told = room(sim->told, sim->told_count, &sim->told_room, sizeof *sim->told);
    struct sim_told *told = &sim->told[sim->told_count++];
    size_t missing = 0;
    SIM_CHECK(sim, record->partitions_count <= SIM_PARTITIONS, "a checkpoint of %zu partitions",
              record->partitions_count);
    SIM_CHECK(sim, record->partitions_total == flight->partitions_total,
              "a checkpoint of %d partitions in all", record->partitions_total);
    SIM_CHECK(sim, record->rejects_lost == flight->lost_untold,
              "a checkpoint calls %llu rejects lost of %llu",
              (unsigned long long)record->rejects_lost, (unsigned long long)flight->lost_untold);
    *told = (struct sim_told){.start = (uint64_t)record->epoch_ms,
                              .turn = flight->turn,
                              .number = record->number,
                              .first = record->sequence_first,
                              .last = record->sequence_last,
                              .replaced_count = record->replaced_count,
                              .partitions_count = record->partitions_count,
                              .frames = record->frames,
                              .rejects_lost = record->rejects_lost,
                              .time_ms = record->time_ms,
                              .partitions_total = record->partitions_total};
    told->replaced = malloc((record->replaced_count + 1) * sizeof *told->replaced);
    if (record->replaced_count)
        memcpy(told->replaced, record->replaced, record->replaced_count * sizeof *told->replaced);
    memcpy(told->rejected, record->rejected, sizeof told->rejected);
    for (size_t i = 0; i < record->partitions_count; i++) {
        told->partitions[i] = record->partitions[i];
        for (size_t k = 0; k < record->partitions[i].missing_count; k++) {
            SIM_CHECK(sim, missing < SIM_FRAMES, "too much is missing");
            told->missing[missing++] = record->partitions[i].missing[k];
        }
    }
    sim->counts.checkpoints++;
    sim_cover_told(sim, told);
}

void sim_delivered(struct sim *sim, const struct sim_flight *flight)
{
    struct record record;
    const char *error = "";
    SIM_NOTE(sim, flight->member, "%s%llu arrives", flight->rejects ? "reject " : "",
             (unsigned long long)flight->token);
    if (flight->rejects) {
        sim->partitions[flight->partition].set_aside |= UINT64_C(1) << flight->position;
        sim->counts.rejected++;
        return;
    }
    enum record_kind kind = record_read(sim->reader, flight->value, flight->size, &record, &error);
    SIM_CHECK(sim, kind != RECORD_NONE, "a record that cannot be read: %s", error);
    if (sim->rollup)
        SIM_CHECK(sim, rollup_add(sim->rollup, &record) <= ROLLUP_OTHER_PROFILE,
                  "a record that is refused: %s", rollup_error(sim->rollup));
    if (kind == RECORD_CHECKPOINT)
        checkpoint_delivered(sim, flight, &record.checkpoint);
    else
        sketch_delivered(sim, flight, &record.sketch);
}

void sim_committed(struct sim *sim, int32_t partition, int64_t position, const char *metadata)
{
    struct sim_partition *p = &sim->partitions[partition];
    SIM_NOTE(sim, -1, "committed %d up to %lld", partition, (long long)position);
    SIM_CHECK(sim, position >= 0 && position <= p->stable, "committed %d beyond its end",
              partition);
    for (int64_t i = 0; i < position; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (p->exempt & bit)
            continue;
        SIM_CHECK(sim, sim_untold(sim, partition, i, i + 1) < 0,
                  "INVARIANT: frame %d/%lld is below the committed position %lld, and is told "
                  "nowhere", partition, (long long)i, (long long)position);
        SIM_CHECK(sim, (p->covered | p->missing) & bit,
                  "position %d/%lld is below the committed one %lld, and no checkpoint covers it",
                  partition, (long long)i, (long long)position);
    }
    p->committed = position;
    p->metadata = metadata;
    sim->counts.commits++;
}

void sim_truth_init(struct sim *sim)
{
    memset(sim->topic, 0, sizeof sim->topic);
    for (size_t i = 0; i < sim->told_count; i++)
        free(sim->told[i].replaced);
    sim->told_count = sim->sketches_count = 0;
    sim->starts_count = 0;
}

/* What the product's own reader makes of all records is what they hold. */
static void judge_rollup(struct sim *sim)
{
    struct rollup_row row;
    uint8_t registers[SIM_REGISTERS];
    unsigned seen = 0;
    if (!sim->rollup)
        return;
    SIM_CHECK(sim, rollup_finish(sim->rollup), "rollup: %s", rollup_error(sim->rollup));
    while (rollup_next(sim->rollup, &row) == 1) {
        int minute = sim_minute_of(row.start_s);
        if (!row.sketch)
            continue;
        SIM_CHECK(sim, minute >= 0, "a row of minute %lld", (long long)row.start_s);
        SIM_CHECK(sim, hc_sketch_registers(row.sketch, registers, sizeof registers) == HC_OK &&
                           memcmp(registers, sim->topic[minute][sim->rollup_profile],
                                  (size_t)1 << sim->precision) == 0,
                  "the union of minute %d is not that of its records", minute);
        seen |= 1u << minute;
    }
    for (int minute = 0; minute < SIM_MINUTES; minute++) {
        bool any = false;
        for (size_t i = 0; i < SIM_REGISTERS; i++)
            any = any || sim->topic[minute][sim->rollup_profile][i];
        SIM_CHECK(sim, !any || (seen >> minute & 1), "no row of minute %d", minute);
    }
}

static void add(const struct sim *sim, uint8_t into[SIM_MINUTES][SIM_PROFILES][SIM_REGISTERS],
                const struct sim_frame *frame)
{
    for (size_t profile = 0; profile < sim->profiles; profile++) {
        struct sim_rank rank = sim_rank(sim, profile, frame->user);
        uint8_t *at = &into[frame->minute][profile][rank.index];
        *at = *at < rank.rank ? rank.rank : *at;
    }
}

/* All is counted: the registers are those of the frames, no more and no less.
 * What was deleted before it was committed may be in them. */
void sim_truth_judge(struct sim *sim)
{
    static uint8_t most[SIM_MINUTES][SIM_PROFILES][SIM_REGISTERS];
    bool exact = true;
    memset(most, 0, sizeof most);
    for (size_t i = 0; i < sim->partitions_count; i++) {
        struct sim_partition *p = &sim->partitions[i];
        for (int64_t k = 0; k < p->stable; k++) {
            uint64_t bit = UINT64_C(1) << k;
            bool needed = !(p->exempt & bit) || (p->covered & bit);
            exact = exact && needed;
            sim->counts.exempt += !needed;
            SIM_CHECK(sim, !needed || sim_untold(sim, (int32_t)i, k, k + 1) < 0,
                      "frame %zu/%lld was never told", i, (long long)k);
            if (!p->log[k].hidden && p->log[k].reason == REJECT_NONE)
                add(sim, most, &p->log[k]);
        }
    }
    for (size_t m = 0; m < SIM_MINUTES; m++)
        for (size_t profile = 0; profile < sim->profiles; profile++)
            for (size_t i = 0; i < SIM_REGISTERS; i++)
                SIM_CHECK(sim, sim->topic[m][profile][i] <= most[m][profile][i] &&
                                   (!exact || sim->topic[m][profile][i] == most[m][profile][i]),
                          "register %zu of minute %zu is %u in the topic, %u in truth", i, m,
                          sim->topic[m][profile][i], most[m][profile][i]);
    judge_rollup(sim);
}
