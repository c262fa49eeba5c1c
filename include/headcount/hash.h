/* The hash of each profile.
 *
 * A sketch merges with an engine only if it was filled with that engine's
 * hash: the profile names the engine. Pure functions, any thread. */
#ifndef HEADCOUNT_HASH_H
#define HEADCOUNT_HASH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values are pinned: they are written into encoded sketches. */
enum hc_profile {
    HC_PROFILE_REDIS = 1 /* MurmurHash64A, seed 0xadc83b19: Redis and Valkey PFADD */
};

/* The hash of one id. Profiles with a 64-bit hash leave `second` zero. */
struct hc_hash {
    uint64_t first;
    uint64_t second;
};

/* The profile's name in lower case ("redis"), or NULL for an unknown value. */
const char *hc_profile_name(enum hc_profile profile);

/* The profile called `name` into *profile; 0 when there is none, else 1. */
int hc_profile_by_name(const char *name, enum hc_profile *profile);

/* Hashes `size` bytes at `id` (may be NULL when size is 0) as `profile` does.
 * `profile` must be a value of the enum. */
struct hc_hash hc_hash_bytes(enum hc_profile profile, const void *id, size_t size);

#ifdef __cplusplus
}
#endif
#endif
