/* What a coverage has noted, as bytes: kept in a store from one run to the next,
 * and read again whenever somebody asks, since judging uses a coverage up.
 * Private to rollup.
 *
 * Checkpoints whose sequences have not come yet are no part of these bytes, since there
 * may be any number of them, some for ever. They go to a shelf, and are taken from it
 * when the first sequence that they lack has come. */
#ifndef ROLLUP_COVERAGE_STATE_H
#define ROLLUP_COVERAGE_STATE_H

#include "coverage.h"
#include "state_bytes.h"

/* One checkpoint that waits; all is borrowed. */
struct coverage_shelved {
    const char *instance;
    int64_t epoch_ms, number;
    int64_t lacks;     /* the first sequence that it lacks */
    const void *bytes; /* the rest of it */
    size_t size;
};

/* Where they wait, changed in the same transaction as the bytes are written. */
struct coverage_shelf {
    void *context;
    /* 1; 0: there is one of its instance, epoch and number, which stays; -1. */
    int (*put)(void *context, const struct coverage_shelved *one);
    /* Erases those of `of`'s instance and epoch that lack a sequence in [of->lacks, to),
     * and calls `each` for them; false of it is a failure. False on failure. */
    bool (*take)(void *context, const struct coverage_shelved *of, int64_t to,
                 bool (*each)(void *each_context, const struct coverage_shelved *one),
                 void *each_context);
};

/* One that can be saved: checkpoints that wait do so in memory until then. NULL: no
 * memory. */
struct coverage *coverage_kept(void);
/* Whether so many wait in memory that it should be saved. */
bool coverage_is_full(const struct coverage *coverage);
/* Appends all that was noted, which is not judged yet. Checkpoints whose sequences have
 * come are counted first. HC_ENOMEM, HC_EROOM: the shelf failed. Tell it with
 * coverage_saved that this was committed; otherwise it is to be saved again. */
enum hc_status coverage_save(struct coverage *coverage, const struct coverage_shelf *shelf,
                             struct text *text);
void coverage_saved(struct coverage *coverage);
/* A coverage that goes on where the saved one was; owned by the caller. NULL:
 * reader->failed, or no memory. As it does not know what is on the shelf, it tells no
 * coverage_unmet of those, and sequences as loose that only they name. */
struct coverage *coverage_load(struct state_reader *reader);
/* It waits in memory again. HC_ENOMEM, HC_ECORRUPT. */
enum hc_status coverage_unshelve(struct coverage *coverage, const struct coverage_shelved *one);

#endif
