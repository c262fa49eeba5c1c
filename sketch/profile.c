/* The profile table. */
#include "profile.h"

#include <string.h>

static const struct profile profiles[] = {
    {HC_PROFILE_REDIS, PROFILE_LOW, 25, false, false, "redis", hash_redis},
    {HC_PROFILE_DATASKETCHES, PROFILE_SPLIT, 26, false, true, "datasketches", hash_datasketches},
    {HC_PROFILE_POSTGRES, PROFILE_CAPPED, 25, false, false, "postgres", hash_murmur3},
    {HC_PROFILE_ZETASKETCH, PROFILE_HIGH, 25, false, false, "zetasketch", hash_zetasketch},
    {HC_PROFILE_TRINO, PROFILE_HIGH, 26, false, false, "trino", hash_murmur3},
    {HC_PROFILE_KEYED, PROFILE_LOW, 25, true, false, "keyed", hash_keyed},
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
