/* The buckets of a roll-up: one sketch for each (start, group, profile). Private
 * to rollup.
 *
 * Memory: 100 bytes and the group's text a bucket, and LIMIT_ROLLUP_BYTES of
 * sketches; beyond that the buckets that were not used for longest are put
 * aside in a temporary file. */
#ifndef ROLLUP_TABLE_H
#define ROLLUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headcount/sketch.h"
#include "record.h"

/* The most frames that one start of an instance has claimed for a bucket. */
struct rollup_claim {
    uint64_t owner; /* hash of instance, epoch and wholeness */
    uint64_t frames;
};

struct rollup_bucket {
    int64_t start_s, end_s;
    enum hc_profile profile;
    enum record_state state;      /* of all records: late only if all of them are */
    struct rollup_claim *claims;  /* [claims_count]; kept only if asked for */
    size_t claims_count;
    struct hc_estimate estimate;  /* if is_number: there is no sketch, only this */
    bool is_number;
    struct hc_sketch *sketch;     /* private from here on: what is in memory, or NULL */
    size_t sketch_bytes;
    int64_t aside;                /* what is in the file */
    struct rollup_bucket *colder, *hotter;
    char group[];
};

struct rollup_table;

/* `folder` of the temporary file may be NULL: rollup_spill.h. NULL: no memory. */
struct rollup_table *rollup_table_create(size_t sketch_bytes_max, const char *folder);
void rollup_table_destroy(struct rollup_table **table);

/* The bucket of a key, made if there is none; NULL when there is no memory. */
struct rollup_bucket *rollup_table_get(struct rollup_table *table, int64_t start_s, int64_t end_s,
                                       const char *group, enum hc_profile profile);

/* Unites a sketch with the bucket's. HC_EPROFILE, HC_ENOMEM; any failure to
 * put others aside is HC_EROOM, with a message in rollup_table_error. */
enum hc_status rollup_bucket_union(struct rollup_table *table, struct rollup_bucket *bucket,
                                   const struct hc_sketch *sketch);
/* The same, and takes *sketch over, which becomes NULL, where that saves a copy. */
enum hc_status rollup_bucket_give(struct rollup_table *table, struct rollup_bucket *bucket,
                                  struct hc_sketch **sketch);
/* A record of this state is in it: a minute that somebody counted in time is no
 * late one, and closed is more than open. */
void rollup_bucket_label(struct rollup_bucket *bucket, enum record_state state);
/* Notes that `owner` has claimed so many frames. False when there is no memory. */
bool rollup_bucket_claim(struct rollup_bucket *bucket, uint64_t owner, uint64_t frames);
uint64_t rollup_bucket_frames(const struct rollup_bucket *bucket);

/* The bucket's whole sketch, borrowed until the next call. NULL on failure,
 * with a message in rollup_table_error. Needs a bucket that was united with
 * something. */
const struct hc_sketch *rollup_bucket_sketch(struct rollup_table *table,
                                             struct rollup_bucket *bucket);

/* Moves all buckets of `from`, with what was noted of them, to `into`. HC_ENOMEM,
 * or HC_EROOM with a message in rollup_table_error of `into`. `from` is of no use
 * after, but to be destroyed. Neither was sorted. */
enum hc_status rollup_table_join(struct rollup_table *into, struct rollup_table *from);

/* Puts the buckets in the order of (start, group, profile), the total first. No
 * bucket can be made after. */
void rollup_table_sort(struct rollup_table *table);
size_t rollup_table_count(const struct rollup_table *table);
/* By index in that order. */
struct rollup_bucket *rollup_table_bucket(const struct rollup_table *table, size_t index);

const char *rollup_table_error(const struct rollup_table *table);

#endif
