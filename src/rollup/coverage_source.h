/* One source of a stream: its partitions, and what counting checkpoints say of
 * them. Private to coverage. */
#ifndef ROLLUP_COVERAGE_SOURCE_H
#define ROLLUP_COVERAGE_SOURCE_H

#include "coverage.h"
#include "range_set.h"

#define NO_WATERMARK INT64_MIN

/* Positions read without a gap, and the clock on both sides. */
struct span {
    int64_t from, to;
    int64_t first_s;    /* watermark of the first checkpoint in it: nothing before is later */
    int64_t first_from; /* where that begins */
    int64_t last_s;     /* watermark of the last */
    int64_t last_to;    /* where that ends */
    int64_t time_ms;    /* when it was taken */
};

/* Spans as ranges in a range_set: the first `settled` are sorted and apart. */
struct span_set {
    struct span *spans;
    size_t count, room, settled;
};

struct part {
    bool seen, end;
    int64_t first, last;      /* what any checkpoint has seen */
    struct span_set read;
    struct range_set missing;
    uint64_t positions;       /* read, each as often as it was */
    struct range_set holes, lost; /* after source_judge */
    struct coverage_span *spans;  /* after source_judge, [read.count] */
};

struct source {
    char *stream, *cluster, *topic, *input_group; /* owned */
    struct part *parts; /* by partition number */
    size_t parts_count;
    struct coverage_source found; /* sums; the rest after source_judge */
    struct coverage_partition *partitions;
    struct coverage_unmet *unmet;
    size_t unmet_room;
    struct range_set hidden; /* starts of minutes that a hole concerns, in seconds */
    int64_t passed_s;  /* minutes that end here or earlier are over; INT64_MAX: all */
    int64_t reached_s; /* the smallest watermark, ends of files aside */
};

struct source *source_create(const struct record_checkpoint *record); /* NULL: no memory */
void source_destroy(struct source *source);
/* Order of (stream, cluster, topic, input group). */
int source_compare(const struct source *source, const struct record_checkpoint *record);

/* Notes what `record` has seen, whether it counts or not. False: no memory. */
bool source_see(struct source *source, const struct record_checkpoint *record);
/* `record` counts, for the first time. False: no memory. */
bool source_count(struct source *source, const struct record_checkpoint *record);
/* All that `from`, the same source of another coverage, has seen and counted
 * happened to `into`, too. False: no memory. */
bool source_join(struct source *into, const struct source *from);
/* `unmet` does not count. The strings are borrowed for the source's life. */
bool source_unmet(struct source *source, const struct coverage_unmet *unmet);
/* Everything is there: fills in `found` and the rest. False: no memory. */
bool source_judge(struct source *source);

#endif
