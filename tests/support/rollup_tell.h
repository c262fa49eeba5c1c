/* All that a finished roll-up says, as text to compare: rows with the digests of
 * their sketches, and its coverage to the last number. */
#ifndef SUPPORT_ROLLUP_TELL_H
#define SUPPORT_ROLLUP_TELL_H

#include <check.h>

#include "coverage.h"
#include "headcount/codec.h"
#include "rollup.h"

/* rollup.h hides it; what verify prints is part of what must be the same. */
#include "rollup_inside.h"

static inline void tell_sums(struct text *text, const struct coverage_source *source)
{
    text_format(text, "source %s %s %s %s %d: %llu %llu %llu %llu\n", source->stream,
                source->cluster, source->topic, source->input_group, source->whole,
                (unsigned long long)source->checkpoints, (unsigned long long)source->repeated,
                (unsigned long long)source->frames, (unsigned long long)source->rejects_lost);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        text_format(text, " %llu", (unsigned long long)source->rejected[reason]);
    for (size_t i = 0; i < source->unmet_count; i++)
        text_format(text, " unmet %s %llu %llu %llu", source->unmet[i].instance,
                    (unsigned long long)source->unmet[i].number,
                    (unsigned long long)source->unmet[i].sequence,
                    (unsigned long long)source->unmet[i].sequences);
}

static inline void tell_partition(struct text *text, const struct coverage_partition *partition)
{
    text_format(text, "\npartition %d %d %d: %lld %lld %llu %llu %lld", partition->partition,
                partition->seen, partition->end, (long long)partition->first,
                (long long)partition->last, (unsigned long long)partition->covered,
                (unsigned long long)partition->again, (long long)partition->watermark_s);
    for (size_t i = 0; i < partition->spans_count; i++)
        text_format(text, " [%lld %lld %lld %lld]", (long long)partition->spans[i].from,
                    (long long)partition->spans[i].to, (long long)partition->spans[i].first_s,
                    (long long)partition->spans[i].watermark_s);
    for (size_t i = 0; i < partition->holes_count; i++)
        text_format(text, " hole %lld %lld", (long long)partition->holes[i].from,
                    (long long)partition->holes[i].to);
    for (size_t i = 0; i < partition->lost_count; i++)
        text_format(text, " lost %lld %lld", (long long)partition->lost[i].from,
                    (long long)partition->lost[i].to);
}

static inline void tell_coverage(struct text *text, const struct coverage *coverage)
{
    for (size_t i = 0; i < coverage_sources_count(coverage); i++) {
        const struct coverage_source *source = coverage_source(coverage, i);

        tell_sums(text, source);
        for (size_t p = 0; p < source->partitions_count; p++)
            tell_partition(text, &source->partitions[p]);
    }
    for (size_t i = 0; i < coverage_loose_count(coverage); i++) {
        const struct coverage_loose *loose = coverage_loose(coverage, i);

        text_format(text, "\nloose %s %lld %llu %llu %d", loose->instance,
                    (long long)loose->epoch_ms, (unsigned long long)loose->sequence,
                    (unsigned long long)loose->sequences, loose->tail);
    }
}

static inline void tell_rows(struct text *text, struct rollup *rollup)
{
    struct rollup_row row;

    while (rollup_next(rollup, &row) > 0)
        text_format(text, "%lld %lld %s %llx %.17g %llu %s\n", (long long)row.start_s,
                    (long long)row.end_s, row.group,
                    row.sketch ? (unsigned long long)hc_digest(row.sketch) : 0ULL,
                    row.estimate.value, (unsigned long long)row.minutes,
                    rollup_state_name(row.state));
}

static inline void same_text(const struct text *got, const struct text *expected)
{
    size_t same = 0, shown;

    while (same < got->size && same < expected->size && got->bytes[same] == expected->bytes[same])
        same++;
    shown = same > 100 ? same - 100 : 0;
    if (same < got->size || same < expected->size)
        ck_abort_msg("got: %.300s\nexpected: %.300s", got->bytes + shown,
                     expected->bytes + shown);
}

#endif
