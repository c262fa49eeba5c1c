/* What the files of coverage share. Private to coverage. */
#ifndef ROLLUP_COVERAGE_INSIDE_H
#define ROLLUP_COVERAGE_INSIDE_H

#include "coverage.h"
#include "coverage_source.h"
#include "sequence_set.h"
#include "sorted.h"

/* One start of one instance: who numbers sketches and checkpoints. */
struct start {
    char *instance; /* owned */
    int64_t epoch_ms;
    struct sequence_set sequences; /* read */
    struct range_set claimed;   /* sequences that checkpoints name, counting or not */
    struct range_set numbers;   /* of checkpoints that count */
};

struct stream {
    char *name;         /* owned */
    int64_t begin_s;    /* first minute that was not counted late; INT64_MAX: none */
    int64_t reached_s;  /* after coverage_judge */
    size_t sources, sources_count; /* after coverage_judge: where its sources stand */
};

/* A checkpoint whose sequences have not all been read: a copy in one block. */
struct waiting {
    struct start *start;
    struct source *source;
    struct record_checkpoint record; /* strings NULL */
    bool repeated;
};

struct coverage {
    struct sorted starts, streams, sources;
    struct start *start;   /* the last used */
    struct stream *stream; /* the last used */
    struct waiting **waiting;
    size_t waiting_count, waiting_room;
    size_t waiting_most; /* look at them when so many wait */
    struct coverage_loose *loose; /* after coverage_judge, in the order of the starts */
    size_t loose_count;
    bool judged;
};

/* NULL: there is none. */
struct start *coverage_known_start(struct coverage *coverage, const char *instance,
                                   int64_t epoch_ms);
/* Each is made when there is none; NULL: no memory. */
struct start *coverage_find_start(struct coverage *coverage, const char *instance,
                                  int64_t epoch_ms);
struct stream *coverage_find_stream(struct coverage *coverage, const char *name);
struct source *coverage_find_source(struct coverage *coverage,
                                    const struct record_checkpoint *record);
/* Takes `waiting` over, but for want of memory: false. */
bool coverage_wait(struct coverage *coverage, struct waiting *waiting);
/* Counts whatever can be counted, when enough wait. HC_ENOMEM. */
enum hc_status coverage_look_again(struct coverage *coverage);

#endif
