/* Are the input positions covered without a hole, and which minutes are
 * complete? Worked out from checkpoints and from the sequences of the sketch
 * records that were read, in whatever order and however often they come.
 *
 * Judged apart for each source: (stream, cluster, topic, input group).
 *  - A checkpoint counts when every sequence it names was read, or is named as
 *    replaced. The same (instance, epoch, number) read twice counts once.
 *  - What counting checkpoints read is covered. Every partition must be covered
 *    from the first to the last position that any checkpoint, counting or not,
 *    has seen; a file from its beginning to its end.
 *  - A minute is complete when every partition's latest watermark has passed
 *    its end and no hole can hold frames of it. Late frames excepted, those of
 *    a hole lie between the watermarks on either side of it.
 *
 * Memory: a set of intervals per instance start and per partition, and what
 * coverage_hold says of checkpoints whose sequences have not all come yet; of a
 * record at most the bit that says that its sequence was read.
 * Not for concurrent use. */
#ifndef ROLLUP_COVERAGE_H
#define ROLLUP_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

struct coverage;
struct coverage *coverage_create(void); /* NULL: no memory */
void coverage_destroy(struct coverage **coverage);

/* Checkpoints that wait for their sequences take `bytes` of memory, and what is
 * beyond that waits in a nameless file in `folder` (borrowed; NULL: TMPDIR, else
 * /tmp), or in memory if there is no room for one. Before anything is added;
 * without it LIMIT_WAITING_BYTES. */
void coverage_hold(struct coverage *coverage, size_t bytes, const char *folder);
/* Why a call returned HC_EROOM: what is wrong with that file. */
const char *coverage_error(const struct coverage *coverage);

/* Note a record that was read and accepted. Everything needed is copied; the
 * sketch itself is not looked at. HC_ENOMEM. Not after coverage_judge. */
enum hc_status coverage_add_sketch(struct coverage *coverage, const struct record_sketch *record);
enum hc_status coverage_add_checkpoint(struct coverage *coverage,
                                       const struct record_checkpoint *record);

/* Whether coverage_join of these two is possible: no checkpoint was counted in
 * both, since sums can't tell what they have in common. */
bool coverage_joins(struct coverage *into, struct coverage *from);
/* Adds all that was noted in `from`, as if its records had been noted in `into`.
 * HC_ENOMEM, HC_EROOM. `from` is of no use after, but to be destroyed. */
enum hc_status coverage_join(struct coverage *into, struct coverage *from);

/* All was read: works out what the calls below answer. Once. HC_ENOMEM,
 * HC_EROOM. */
enum hc_status coverage_judge(struct coverage *coverage);

/* Positions that counting checkpoints have read without a gap, and the
 * watermarks of the first checkpoint in it and at its end. Who writes coverage
 * down again (an archive) writes both, so that its reader knows which minutes
 * the holes between spans concern. */
struct coverage_span {
    int64_t from, to;
    int64_t first_s;     /* INT64_MIN: none */
    int64_t watermark_s; /* INT64_MIN: none */
};

/* One partition's findings; ranges are sorted and apart from each other. */
struct coverage_partition {
    int32_t partition;
    bool seen;                        /* some checkpoint names it */
    bool end;                         /* a file that was read to its end */
    int64_t first, last;              /* [first, last): all positions that were seen */
    const struct coverage_span *spans; /* within it, what is covered */
    size_t spans_count;
    const struct record_range *holes; /* within it, nobody covers these */
    size_t holes_count;
    const struct record_range *lost;  /* within it, the broker did not deliver these */
    size_t lost_count;
    bool open_end;                    /* a file whose end was not reached: a hole from `last` on */
    int64_t watermark_s;              /* the latest; INT64_MIN: none */
    uint64_t covered;                 /* positions, each once */
    uint64_t again;                   /* positions that were read more than once, per reading */
};

/* A checkpoint that does not count, and the first sequence that it lacks. */
struct coverage_unmet {
    const char *instance;
    int64_t epoch_ms;
    uint64_t number;
    uint64_t sequence;         /* the first that was not read */
    uint64_t sequences;        /* how many were not read */
};

struct coverage_source {
    const char *stream, *cluster, *topic, *input_group;
    const struct coverage_partition *partitions; /* [partitions_count], all that there should be */
    size_t partitions_count;
    const struct coverage_unmet *unmet; /* [unmet_count] */
    size_t unmet_count;
    uint64_t checkpoints;               /* that count */
    uint64_t repeated;                  /* checkpoint records read again */
    uint64_t frames;                    /* sums over the checkpoints that count */
    uint64_t rejected[REJECT_COUNT];
    uint64_t rejects_lost;
    bool whole; /* all partitions seen, no hole, nothing lost, no open end */
};

/* After coverage_judge. Sources in the order of (stream, cluster, topic, input
 * group). All borrowed from the coverage. */
size_t coverage_sources_count(const struct coverage *coverage);
const struct coverage_source *coverage_source(const struct coverage *coverage, size_t index);

/* Sketch records of one start of an instance that no checkpoint names. With
 * `tail` they come after its last checkpoint: the instance was cut off, and
 * others have read its last positions again. Without, later checkpoints are
 * there: at least one was lost, whatever the positions say. */
struct coverage_loose {
    const char *instance;
    int64_t epoch_ms;
    uint64_t sequence;  /* the first */
    uint64_t sequences; /* how many */
    bool tail;
};

/* After coverage_judge, in the order of (instance, epoch). */
size_t coverage_loose_count(const struct coverage *coverage);
const struct coverage_loose *coverage_loose(const struct coverage *coverage, size_t index);

/* After coverage_judge: what is known of the minute that begins at `minute_s`.
 *  - `complete`: each of the stream's topics has been counted past it by some
 *    input group, without a hole that concerns it. A file that was read to its
 *    end holds nothing back.
 *  - `reached`: some source's watermark has passed it, and it is not before
 *    the first minute of the stream that was not counted late. A minute that
 *    is reached and complete, and that no record names, is a zero. */
struct coverage_minute {
    bool reached;
    bool complete;
};
struct coverage_minute coverage_minute(const struct coverage *coverage, const char *stream,
                                       int64_t minute_s);
/* The same, and the answer for all minutes up to *until_s, which is later. */
struct coverage_minute coverage_minutes(const struct coverage *coverage, const char *stream,
                                        int64_t minute_s, int64_t *until_s);

#endif
