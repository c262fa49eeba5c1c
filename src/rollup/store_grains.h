/* The sketches of a store as a writer has them: each record is united with those of
 * all that it lies in. Private to rollup. */
#ifndef ROLLUP_STORE_GRAINS_H
#define ROLLUP_STORE_GRAINS_H

#include "store_hot.h"
#include "store_stream.h"
#include "store_warm.h"

/* Hours that one call settles at most. */
#define STORE_SETTLE_MOST 32

struct hc_codec;

struct store_grains {
    struct store_file *file; /* borrowed */
    struct store_hot *hot;   /* owned, as all below */
    struct hc_codec *codec;
    struct text scratch;
    struct store_warm warm;
    int64_t minutes_from_s;  /* the first minute that is kept as one */
    char error[STORE_ERROR_MAX];
};

/* False: no memory. store_grains_free in any case. */
bool store_grains_make(struct store_grains *grains, size_t memory_bytes);
void store_grains_free(struct store_grains *grains);

/* False on failure: then it is to be added again. */
bool store_grains_add(struct store_grains *grains, struct store_stream *stream,
                      const struct store_series *series, const struct record_sketch *record);
/* Unites minutes that are pending with what they lie in: of the first `most` (up to
 * STORE_SETTLE_MOST) hours in
 * the file that begin before `to_s` (INT64_MAX: any). How many hours, or -1. What is
 * written of them is to be flushed when store_hot_is_full. */
int store_grains_settle(struct store_grains *grains, int64_t to_s, int most);
/* Writes these, in the transaction under way. False on failure. */
bool store_grains_write(struct store_grains *grains, struct store_hot_entry *const *entries,
                        size_t count);

#endif
