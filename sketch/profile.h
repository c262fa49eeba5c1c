/* Profiles: whose hash fills a sketch, and how a hash becomes a register.
 *
 * A place is what one hash says: the register it falls into and the rank it
 * proposes. Every form keeps, for each index, the largest rank; rank 0 means
 * that nothing fell there. A profile is a row of functions, so that another
 * engine's arithmetic is one more row. */
#ifndef SKETCH_PROFILE_H
#define SKETCH_PROFILE_H

#include "headcount/hash.h"

struct place {
    uint32_t index;
    uint32_t rank;
};

struct profile {
    enum hc_profile id;
    const char *name;
    struct hc_hash (*hash)(const void *id, size_t size);
    /* The place of a hash among 2^precision registers. */
    struct place (*place)(struct hc_hash hash, unsigned precision);
    /* Where a place at precision `from` lies at the lower or equal precision
     * `to`. Nothing (rank 0) stays nothing. */
    struct place (*fold)(struct place place, unsigned from, unsigned to);
    /* The largest rank that `place` gives at this precision. */
    unsigned (*rank_max)(unsigned precision);
};

/* The row of a profile, or NULL when the value is unknown. Static. */
const struct profile *profile_find(enum hc_profile id);

struct hc_hash hash_redis(const void *id, size_t size);

#endif
