/* What the files of coverage share. Private to coverage. */
#ifndef ROLLUP_COVERAGE_INSIDE_H
#define ROLLUP_COVERAGE_INSIDE_H

#include "coverage.h"
#include "coverage_pile.h"
#include "coverage_source.h"
#include "sequence_set.h"
#include "sorted.h"

/* One start of one instance: who numbers sketches and checkpoints. */
struct start {
    char *instance; /* owned */
    int64_t epoch_ms;
    struct sequence_set sequences; /* read */
    struct range_set claimed;   /* sequences that checkpoints name which don't wait */
    struct range_set numbers;   /* of checkpoints that were counted, see coverage_look_again */
    bool aside;                 /* a checkpoint of it waits in the file */
    struct range_set fresh;     /* sequences since coverage_saved, if it is kept */
};

struct stream {
    char *name;         /* owned */
    int64_t begin_s;    /* first minute that was not counted late; INT64_MAX: none */
    int64_t reached_s;  /* after coverage_judge */
    size_t sources, sources_count; /* after coverage_judge: where its sources stand */
};

struct coverage {
    struct sorted starts, streams, sources;
    struct start *start;   /* the last used */
    struct stream *stream; /* the last used */
    struct pile pile;   /* checkpoints that wait */
    size_t pile_most;   /* look at those in memory when they are so many, */
    size_t pile_bytes;  /* or take so much */
    size_t pile_held;   /* what they may take after that; SIZE_MAX: there is no file */
    size_t gaps;        /* checkpoints that were counted before their neighbours */
    struct coverage_loose *loose; /* after coverage_judge, in the order of the starts */
    size_t loose_count;
    bool judged;
    bool kept;          /* see coverage_kept */
};

/* NULL: there is none. */
struct start *coverage_known_start(struct coverage *coverage, const char *instance,
                                   int64_t epoch_ms);
const struct stream *coverage_known_stream(const struct coverage *coverage, const char *name);
/* Each is made when there is none; NULL: no memory. */
struct start *coverage_find_start(struct coverage *coverage, const char *instance,
                                  int64_t epoch_ms);
struct stream *coverage_find_stream(struct coverage *coverage, const char *name);
struct source *coverage_find_source(struct coverage *coverage,
                                    const struct record_checkpoint *record);
/* Takes `waiting` over, in any case; counts whatever can be counted when enough
 * wait. HC_ENOMEM. */
enum hc_status coverage_wait(struct coverage *coverage, struct waiting *waiting);
/* Everything was read: counts all that wait, or names what they lack. HC_ENOMEM,
 * HC_EROOM. */
enum hc_status coverage_resolve(struct coverage *coverage);
/* The order of (instance, epoch). */
int start_compare(const void *item, const void *key);
/* Which sequences `waiting` lacks, into `unmet`; its `sequences` is 0 when it lacks
 * none. False: no memory. */
bool coverage_lacks(const struct waiting *waiting, struct coverage_unmet *unmet);
/* `waiting` is counted, or repeated, or waits no more for what it lacks. False: no
 * memory. */
bool coverage_let_go(struct waiting *waiting, const struct coverage_unmet *unmet);
/* Counts what can be counted of those that wait in memory, however few they are.
 * HC_ENOMEM. */
enum hc_status coverage_settle(struct coverage *coverage);

#endif
