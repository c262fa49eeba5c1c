/* Profiles: whose hash fills a sketch, and how a hash becomes a register.
 *
 * A place is what one hash says: the register it falls into and the rank it
 * proposes. Every form keeps, for each index, the largest rank; rank 0 means
 * that nothing fell there. A profile is a hash and a layout, the rule by which
 * places follow from hashes. Another engine is one more row of the table, and
 * at most one more layout.
 *
 * The low layout reads a 64-bit hash from its low end: at precision p
 *
 *   63                    p p-1           0
 *   +----------------------+---------------+
 *   |  rank: zeros from    |     index     |
 *   |  here upwards, + 1 <-|               |
 *   +----------------------+---------------+
 *
 * A bit set just above the hash ends a run of zeros, so that ranks go from 1
 * to 65 - p. Folding from p to q < p keeps the low q bits of the index. The
 * p - q bits that it drops are the first bits of the new rank: unless all of
 * them are zero they alone decide it; otherwise the old rank goes on after
 * them. */
#ifndef SKETCH_PROFILE_H
#define SKETCH_PROFILE_H

#include <assert.h>

#include "headcount/hash.h"

struct place {
    uint32_t index;
    uint32_t rank;
};

enum profile_layout { PROFILE_LOW };

struct profile {
    enum hc_profile id;
    enum profile_layout layout;
    const char *name;
    struct hc_hash (*hash)(const void *id, size_t size);
};

/* The row of a profile, or NULL when the value is unknown. Static. */
const struct profile *profile_find(enum hc_profile id);

/* The hashes of the rows: hash.c. */
struct hc_hash hash_redis(const void *id, size_t size);

static inline struct place place_low(uint64_t hash, unsigned precision)
{
    uint64_t rest = hash >> precision | UINT64_C(1) << (64 - precision);

    return (struct place){
        .index = (uint32_t)(hash & ((UINT64_C(1) << precision) - 1)),
        .rank = (uint32_t)__builtin_ctzll(rest) + 1,
    };
}

static inline struct place place_fold_low(struct place place, unsigned from, unsigned to)
{
    uint32_t dropped = place.index >> to;

    place.index &= (UINT32_C(1) << to) - 1;
    if (place.rank == 0)
        return place;
    if (dropped != 0)
        place.rank = (uint32_t)__builtin_ctz(dropped) + 1;
    else
        place.rank += from - to;
    return place;
}

/* The place of a hash among 2^precision registers. */
static inline struct place place_of(const struct profile *profile, struct hc_hash hash,
                                    unsigned precision)
{
    assert(profile->layout == PROFILE_LOW);
    return place_low(hash.first, precision);
}

/* Where a place at precision `from` lies at the lower or equal precision `to`.
 * Nothing (rank 0) stays nothing. */
static inline struct place place_fold(const struct profile *profile, struct place place,
                                      unsigned from, unsigned to)
{
    assert(profile->layout == PROFILE_LOW && to <= from);
    return place_fold_low(place, from, to);
}

/* The largest rank that a place has at this precision. */
static inline unsigned place_rank_max(const struct profile *profile, unsigned precision)
{
    assert(profile->layout == PROFILE_LOW);
    return 65 - precision;
}

#endif
