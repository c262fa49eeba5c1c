/* The profile table.
 *
 * "Low" profiles read a 64-bit hash from its low end: at precision p
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
#include "profile.h"

#include <assert.h>
#include <string.h>

static struct place low_place(struct hc_hash hash, unsigned precision)
{
    uint64_t rest = hash.first >> precision | UINT64_C(1) << (64 - precision);

    return (struct place){
        .index = (uint32_t)(hash.first & ((UINT64_C(1) << precision) - 1)),
        .rank = (uint32_t)__builtin_ctzll(rest) + 1,
    };
}

static struct place low_fold(struct place place, unsigned from, unsigned to)
{
    uint32_t dropped = place.index >> to;

    assert(to <= from);
    place.index &= (UINT32_C(1) << to) - 1;
    if (place.rank == 0)
        return place;
    if (dropped != 0)
        place.rank = (uint32_t)__builtin_ctz(dropped) + 1;
    else
        place.rank += from - to;
    return place;
}

static unsigned low_rank_max(unsigned precision)
{
    return 65 - precision;
}

static const struct profile profiles[] = {
    {HC_PROFILE_REDIS, "redis", hash_redis, low_place, low_fold, low_rank_max},
};

#define PROFILES (sizeof profiles / sizeof profiles[0])

const struct profile *profile_find(enum hc_profile id)
{
    for (size_t i = 0; i < PROFILES; i++) {
        if (profiles[i].id == id)
            return &profiles[i];
    }
    return NULL;
}

const char *hc_profile_name(enum hc_profile profile)
{
    const struct profile *row = profile_find(profile);

    return row == NULL ? NULL : row->name;
}

int hc_profile_by_name(const char *name, enum hc_profile *profile)
{
    assert(name != NULL && profile != NULL);
    for (size_t i = 0; i < PROFILES; i++) {
        if (strcmp(profiles[i].name, name) == 0) {
            *profile = profiles[i].id;
            return 1;
        }
    }
    return 0;
}
