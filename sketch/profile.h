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
 * them.
 *
 * The high layout is its mirror image: the index is the top p bits, the rank
 * counts the zeros below them downwards, and folding keeps the top q bits.
 *
 * The split layout takes the index from the low end of one word and the rank,
 * leading zeros + 1 and at most 63, from another. Folding drops index bits and
 * leaves the rank alone.
 *
 * The capped layout is the low one in registers of five bits: ranks end at 31,
 * and a hash without a bit above its index is not counted. */
#ifndef SKETCH_PROFILE_H
#define SKETCH_PROFILE_H

#include <assert.h>
#include <stdbool.h>

#include "headcount/hash.h"

#define PROFILE_CAP 31
#define PROFILE_SPLIT_RANK_MAX 63

struct place {
    uint32_t index;
    uint32_t rank;
};

enum profile_layout { PROFILE_LOW, PROFILE_HIGH, PROFILE_SPLIT, PROFILE_CAPPED };

/* A secret key as its hash reads it, and the name by which it may be known. */
struct hash_key {
    uint64_t first;
    uint64_t second;
    uint64_t id; /* hc_key_id */
};

struct profile {
    enum hc_profile id;
    enum profile_layout layout;
    unsigned sparse_bits; /* index bits of a coupon */
    bool is_keyed;
    bool skips_empty; /* the id without a byte is not counted */
    const char *name;
    struct hc_hash (*hash)(const struct hash_key *key, const void *id, size_t size);
};

/* The row of a profile, or NULL when the value is unknown. Static. */
const struct profile *profile_find(enum hc_profile id);

/* The hashes of the rows: hash.c. Only the last one looks at the key. */
struct hc_hash hash_redis(const struct hash_key *key, const void *id, size_t size);
struct hc_hash hash_datasketches(const struct hash_key *key, const void *id, size_t size);
struct hc_hash hash_murmur3(const struct hash_key *key, const void *id, size_t size);
struct hc_hash hash_zetasketch(const struct hash_key *key, const void *id, size_t size);
struct hc_hash hash_keyed(const struct hash_key *key, const void *id, size_t size);

/* A key of HC_KEY_SIZE bytes, with its id. */
struct hash_key hash_key(const uint8_t *bytes);

static inline struct place place_low(uint64_t hash, unsigned precision)
{
    uint64_t rest = hash >> precision | UINT64_C(1) << (64 - precision);

    return (struct place){
        .index = (uint32_t)(hash & ((UINT64_C(1) << precision) - 1)),
        .rank = (uint32_t)__builtin_ctzll(rest) + 1,
    };
}

static inline struct place place_high(uint64_t hash, unsigned precision)
{
    uint64_t rest = hash << precision | UINT64_C(1) << (precision - 1);

    return (struct place){
        .index = (uint32_t)(hash >> (64 - precision)),
        .rank = (uint32_t)__builtin_clzll(rest) + 1,
    };
}

static inline struct place place_split(struct hc_hash hash, unsigned precision)
{
    return (struct place){
        .index = (uint32_t)(hash.first & ((UINT64_C(1) << precision) - 1)),
        .rank = (uint32_t)__builtin_clzll(hash.second | 2) + 1,
    };
}

static inline struct place place_cap(struct place place)
{
    if (place.rank > PROFILE_CAP)
        place.rank = PROFILE_CAP;
    return place;
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

static inline struct place place_fold_high(struct place place, unsigned from, unsigned to)
{
    uint32_t dropped = place.index & ((UINT32_C(1) << (from - to)) - 1);

    place.index >>= from - to;
    if (place.rank == 0)
        return place;
    if (dropped != 0)
        place.rank = (uint32_t)__builtin_clz(dropped) - (32 - (from - to)) + 1;
    else
        place.rank += from - to;
    return place;
}

static inline struct place place_fold_split(struct place place, unsigned to)
{
    place.index &= (UINT32_C(1) << to) - 1;
    return place;
}

/* The place of a hash among 2^precision registers. */
static inline struct place place_of(const struct profile *profile, struct hc_hash hash,
                                    unsigned precision)
{
    switch (profile->layout) {
    case PROFILE_HIGH:
        return place_high(hash.first, precision);
    case PROFILE_SPLIT:
        return place_split(hash, precision);
    case PROFILE_CAPPED:
        return place_cap(place_low(hash.first, precision));
    case PROFILE_LOW:
        break;
    }
    return place_low(hash.first, precision);
}

/* Whether a sketch of this precision leaves the hash alone. */
static inline bool place_is_void(const struct profile *profile, struct hc_hash hash,
                                 unsigned precision)
{
    return profile->layout == PROFILE_CAPPED && hash.first >> precision == 0;
}

/* Where a place at precision `from` lies at the lower or equal precision `to`.
 * Nothing (rank 0) stays nothing. */
static inline struct place place_fold(const struct profile *profile, struct place place,
                                      unsigned from, unsigned to)
{
    assert(to <= from);
    switch (profile->layout) {
    case PROFILE_HIGH:
        return place_fold_high(place, from, to);
    case PROFILE_SPLIT:
        return place_fold_split(place, to);
    case PROFILE_CAPPED:
        return place_cap(place_fold_low(place, from, to));
    case PROFILE_LOW:
        break;
    }
    return place_fold_low(place, from, to);
}

/* Whether folding from `from` to `to` hands on the rank of the places at this
 * index. Of all others the index alone decides what the rank becomes. */
static inline bool place_keeps_rank(const struct profile *profile, uint32_t index, unsigned from,
                                    unsigned to)
{
    if (profile->layout == PROFILE_SPLIT)
        return true;
    if (profile->layout == PROFILE_HIGH)
        return (index & ((UINT32_C(1) << (from - to)) - 1)) == 0;
    return index >> to == 0;
}

/* The largest rank that a place has at this precision. */
static inline unsigned place_rank_max(const struct profile *profile, unsigned precision)
{
    if (profile->layout == PROFILE_SPLIT)
        return PROFILE_SPLIT_RANK_MAX;
    return profile->layout == PROFILE_CAPPED ? PROFILE_CAP : 65 - precision;
}

#endif
