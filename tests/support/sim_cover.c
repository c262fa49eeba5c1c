/* Which positions are covered, reckoned from scratch. See sim.h.
 *
 * Each checkpoint in the topic is held to what the logs hold: it counts exactly
 * the frames of its ranges, rests on records that are there, and all that it
 * covers is told. Then all of them go, in a random order, to the product's
 * coverage (what `headcount verify` reports), and its findings are compared
 * with sets of positions that are kept bit by bit. */
#include "sim.h"

#include <string.h>

#include "coverage.h"

static uint64_t bits(int64_t from, int64_t to)
{
    uint64_t below = to >= 64 ? UINT64_MAX : (UINT64_C(1) << to) - 1;
    return from >= 64 ? 0 : below & ~((UINT64_C(1) << from) - 1);
}

static uint64_t missing_bits(const struct record_partition *partition,
                             const struct record_range **missing)
{
    uint64_t set = 0;
    for (size_t i = 0; i < partition->missing_count; i++)
        set |= bits((*missing)[i].from, (*missing)[i].to);
    *missing += partition->missing_count;
    return set;
}

static bool is_replaced(const struct sim_told *told, uint64_t sequence)
{
    for (size_t i = 0; i < told->replaced_count; i++)
        if (told->replaced[i] == sequence)
            return true;
    return false;
}

/* What it says it counted, and what there was to count. */
static void judge_counts(struct sim *sim, const struct sim_told *told)
{
    uint64_t frames = 0, rejected[REJECT_COUNT] = {0};
    const struct record_range *missing = told->missing;
    for (size_t i = 0; i < told->partitions_count; i++) {
        const struct record_partition *range = &told->partitions[i];
        uint64_t lost = missing_bits(range, &missing);
        const struct sim_partition *p = &sim->partitions[range->partition];
        for (int64_t k = range->from; k < range->to; k++) {
            if ((lost >> k & 1) || p->log[k].hidden)
                continue;
            frames += p->log[k].reason == REJECT_NONE;
            rejected[p->log[k].reason]++;
        }
    }
    SIM_CHECK(sim, told->frames == frames, "checkpoint %llu.%llu counts %llu frames of %llu",
              (unsigned long long)told->start, (unsigned long long)told->number,
              (unsigned long long)told->frames, (unsigned long long)frames);
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++)
        SIM_CHECK(sim, told->rejected[reason] == rejected[reason],
                  "checkpoint %llu.%llu counts %llu rejected of %llu",
                  (unsigned long long)told->start, (unsigned long long)told->number,
                  (unsigned long long)told->rejected[reason],
                  (unsigned long long)rejected[reason]);
}

/* Where the sink may drop rejects, those that are not there are called lost. */
static void judge_lost(struct sim *sim, const struct sim_told *told)
{
    struct sim_start *start = &sim->starts[told->start];
    uint64_t absent = 0;
    start->lost += told->rejects_lost;
    sim->counts.rejects_lost += told->rejects_lost;
    SIM_CHECK(sim, told->rejects_lost == 0 || (sim->sink && sim->sink_drops),
              "checkpoint %llu.%llu calls rejects lost", (unsigned long long)told->start,
              (unsigned long long)told->number);
    for (size_t i = 0; sim->sink && sim->sink_drops && i < sim->partitions_count; i++)
        for (int64_t k = 0; k < SIM_FRAMES; k++) {
            const struct sim_partition *p = &sim->partitions[i];
            absent += (start->covered[i] >> k & 1) && !(p->set_aside >> k & 1) &&
                      !p->log[k].hidden && p->log[k].reason != REJECT_NONE;
        }
    SIM_CHECK(sim, absent <= start->lost, "%llu rejects are not there, %llu are called lost",
              (unsigned long long)absent, (unsigned long long)start->lost);
}

static bool has_stood(const struct sim_start *start, const struct record_partition *told)
{
    const struct sim_mark *marks = start->marks[told->partition];
    size_t count = start->marks_count[told->partition];
    for (size_t i = 0; i < count && i < SIM_MARKS; i++)
        if (marks[i].consumed == told->to && marks[i].watermark_s == told->watermark_s &&
            marks[i].idle == told->idle)
            return true;
    return false;
}

/* Its watermarks are where the clocks stood when this much had been read. */
void sim_cover_marks(struct sim *sim, const struct sim_told *told)
{
    const struct sim_start *start = &sim->starts[told->start];
    for (size_t i = 0; i < told->partitions_count; i++)
        SIM_CHECK(sim, has_stood(start, &told->partitions[i]),
                  "checkpoint %llu.%llu has %d at %lld%s, where it never stood at %lld",
                  (unsigned long long)told->start, (unsigned long long)told->number,
                  told->partitions[i].partition, (long long)told->partitions[i].watermark_s,
                  told->partitions[i].idle ? ", idle" : "", (long long)told->partitions[i].to);
}

void sim_cover_told(struct sim *sim, const struct sim_told *told)
{
    struct sim_start *start = &sim->starts[told->start];
    const struct record_range *missing = told->missing;
    for (uint64_t k = told->first; k <= told->last; k++)
        SIM_CHECK(sim, (start->sequences[k / 64] >> k % 64 & 1) || is_replaced(told, k),
                  "checkpoint %llu.%llu rests on record %llu, which is not there",
                  (unsigned long long)told->start, (unsigned long long)told->number,
                  (unsigned long long)k);
    for (size_t i = 0; i < told->partitions_count; i++) {
        const struct record_partition *range = &told->partitions[i];
        struct sim_partition *p = &sim->partitions[range->partition];
        SIM_CHECK(sim, range->from >= 0 && range->from <= range->to && range->to <= p->stable,
                  "checkpoint %llu.%llu covers %d from %lld to %lld",
                  (unsigned long long)told->start, (unsigned long long)told->number,
                  range->partition, (long long)range->from, (long long)range->to);
        uint64_t lost = missing_bits(range, &missing);
        uint64_t covered = bits(range->from, range->to) & ~lost;
        for (int64_t k = range->from; k < range->to; k++)
            SIM_CHECK(sim, !(covered >> k & 1) ||
                               sim_untold(sim, range->partition, k, k + 1) < 0,
                      "checkpoint %llu.%llu covers frame %d/%lld, which is told nowhere",
                      (unsigned long long)told->start, (unsigned long long)told->number,
                      range->partition, (long long)k);
        p->covered |= covered;
        p->missing |= lost;
        start->covered[range->partition] |= covered;
    }
    judge_counts(sim, told);
    judge_lost(sim, told);
    if (told->turn <= start->marked_turn) /* or later; of a turn that crashed, never */
        sim_cover_marks(sim, told);
}

/* Findings bit by bit. */
struct model {
    bool seen[SIM_PARTITIONS];
    int64_t first[SIM_PARTITIONS], last[SIM_PARTITIONS];
    uint64_t read[SIM_PARTITIONS], missing[SIM_PARTITIONS], positions[SIM_PARTITIONS];
    uint64_t checkpoints, repeated, frames, rejected;
};

static bool is_first(const struct sim *sim, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (sim->told[i].start == sim->told[at].start &&
            sim->told[i].number == sim->told[at].number)
            return false;
    return true;
}

static void model_add(struct model *m, const struct sim_told *told)
{
    const struct record_range *missing = told->missing;
    m->checkpoints++;
    m->frames += told->frames;
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++)
        m->rejected += told->rejected[reason];
    for (size_t i = 0; i < told->partitions_count; i++) {
        const struct record_partition *range = &told->partitions[i];
        int32_t p = range->partition;
        uint64_t lost = missing_bits(range, &missing);
        uint64_t read = bits(range->from, range->to) & ~lost;
        m->first[p] = !m->seen[p] || range->from < m->first[p] ? range->from : m->first[p];
        m->last[p] = !m->seen[p] || range->to > m->last[p] ? range->to : m->last[p];
        m->seen[p] = true;
        m->read[p] |= read;
        m->missing[p] |= lost;
        m->positions[p] += (uint64_t)__builtin_popcountll(read);
    }
}

static uint64_t range_bits(const struct record_range *ranges, size_t count)
{
    uint64_t set = 0;
    for (size_t i = 0; i < count; i++)
        set |= bits(ranges[i].from, ranges[i].to);
    return set;
}

static void judge_partition(struct sim *sim, const struct model *m,
                            const struct coverage_partition *found)
{
    int32_t p = found->partition;
    uint64_t all = bits(m->first[p], m->last[p]);
    uint64_t gaps = all & ~m->read[p];
    uint64_t covered = (uint64_t)__builtin_popcountll(m->read[p]);
    SIM_CHECK(sim, found->seen == m->seen[p], "verify: partition %d seen", p);
    if (!found->seen)
        return;
    SIM_CHECK(sim, found->first == m->first[p] && found->last == m->last[p],
              "verify: partition %d from %lld to %lld", p, (long long)found->first,
              (long long)found->last);
    SIM_CHECK(sim, range_bits(found->holes, found->holes_count) == (gaps & ~m->missing[p]),
              "verify: holes of partition %d", p);
    SIM_CHECK(sim, range_bits(found->lost, found->lost_count) == (gaps & m->missing[p]),
              "verify: losses of partition %d", p);
    SIM_CHECK(sim, found->covered == covered, "verify: %llu positions of partition %d covered, "
              "%llu in truth", (unsigned long long)found->covered, p,
              (unsigned long long)covered);
    SIM_CHECK(sim, found->again == m->positions[p] - covered,
              "verify: %llu positions of partition %d read again, %llu in truth",
              (unsigned long long)found->again, p,
              (unsigned long long)(m->positions[p] - covered));
}

static struct record_checkpoint as_record(const struct sim_told *told,
                                          struct record_partition *partitions)
{
    const struct record_range *missing = told->missing;
    struct record_checkpoint record = {.stream = "frames",
                                       .instance = "sim/0000000000000000/0",
                                       .epoch_ms = (int64_t)told->start,
                                       .number = told->number,
                                       .time_ms = told->time_ms,
                                       .cluster = "sim",
                                       .topic = "frames",
                                       .partitions_total = told->partitions_total,
                                       .input_group = "group",
                                       .sequence_first = told->first,
                                       .sequence_last = told->last,
                                       .replaced = told->replaced,
                                       .replaced_count = told->replaced_count,
                                       .partitions = partitions,
                                       .partitions_count = told->partitions_count,
                                       .frames = told->frames};
    memcpy(record.rejected, told->rejected, sizeof record.rejected);
    for (size_t i = 0; i < told->partitions_count; i++) {
        partitions[i] = told->partitions[i];
        partitions[i].missing = missing;
        missing += partitions[i].missing_count;
    }
    return record;
}

/* All that is in the topic, in the order of a walk with a random stride. */
static void feed(struct sim *sim, struct coverage *coverage)
{
    size_t count = sim->told_count + sim->sketches_count;
    size_t at = count ? sim_random(sim, count) : 0, stride = 1;
    static const size_t strides[] = {1, 7, 31, 101, 997};
    size_t wanted = strides[sim_random(sim, 5)];
    if (count % wanted)
        stride = wanted; /* a prime that does not divide it: every one gets its turn */
    for (size_t i = 0; i < count; i++, at = (at + stride) % count) {
        enum hc_status status;
        if (at < sim->told_count) {
            struct record_partition partitions[SIM_PARTITIONS];
            struct record_checkpoint record = as_record(&sim->told[at], partitions);
            status = coverage_add_checkpoint(coverage, &record);
        } else {
            const struct sim_sketch *sketch = &sim->sketches[at - sim->told_count];
            const struct record_sketch record = {.stream = "frames",
                                                 .instance = "sim/0000000000000000/0",
                                                 .epoch_ms = (int64_t)sketch->start,
                                                 .sequence = sketch->sequence,
                                                 .minute_s = sketch->minute_s,
                                                 .state = sketch->state};
            status = coverage_add_sketch(coverage, &record);
        }
        SIM_CHECK(sim, status == HC_OK, "verify: no memory");
    }
}

static void judge_source(struct sim *sim, const struct coverage_source *source)
{
    struct model m = {0};
    uint64_t rejected = 0;
    for (size_t i = 0; i < sim->told_count; i++) {
        if (is_first(sim, i))
            model_add(&m, &sim->told[i]);
        else
            m.repeated++;
    }
    for (size_t i = 0; i < source->partitions_count; i++)
        judge_partition(sim, &m, &source->partitions[i]);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        rejected += source->rejected[reason];
    SIM_CHECK(sim, source->unmet_count == 0, "verify: %zu checkpoints lack records",
              source->unmet_count);
    SIM_CHECK(sim, source->checkpoints == m.checkpoints && source->repeated == m.repeated,
              "verify: %llu checkpoints, %llu repeated", (unsigned long long)source->checkpoints,
              (unsigned long long)source->repeated);
    SIM_CHECK(sim, source->frames == m.frames && rejected == m.rejected,
              "verify: %llu frames, %llu rejected", (unsigned long long)source->frames,
              (unsigned long long)rejected);
}

void sim_cover_judge(struct sim *sim)
{
    struct coverage *coverage = coverage_create();
    SIM_CHECK(sim, coverage, "verify: no memory");
    feed(sim, coverage);
    SIM_CHECK(sim, coverage_judge(coverage) == HC_OK, "verify: no memory");
    SIM_CHECK(sim, coverage_sources_count(coverage) == (sim->told_count > 0),
              "verify: %zu sources", coverage_sources_count(coverage));
    if (sim->told_count > 0)
        judge_source(sim, coverage_source(coverage, 0));
    for (size_t i = 0; i < coverage_loose_count(coverage); i++)
        SIM_CHECK(sim, coverage_loose(coverage, i)->tail,
                  "verify: record %llu of process %lld is named by no checkpoint",
                  (unsigned long long)coverage_loose(coverage, i)->sequence,
                  (long long)coverage_loose(coverage, i)->epoch_ms);
    coverage_destroy(&coverage);
}
