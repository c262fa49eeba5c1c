/* The profile table. */
#include "profile.h"

#include <string.h>

static const struct profile profiles[] = {
    {HC_PROFILE_REDIS, PROFILE_LOW, "redis", hash_redis},
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
