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
    HC_PROFILE_REDIS = 1,        /* MurmurHash64A, seed 0xadc83b19: Redis and Valkey PFADD */
    HC_PROFILE_DATASKETCHES = 2, /* MurmurHash3 x64 128, seed 9001: Apache DataSketches, Spark */
    HC_PROFILE_POSTGRES = 3,     /* MurmurHash3 x64 128, seed 0: postgresql-hll */
    HC_PROFILE_ZETASKETCH = 4,   /* Fingerprint2011: ZetaSketch, BigQuery HLL_COUNT */
    HC_PROFILE_TRINO = 5,        /* MurmurHash3 x64 128, seed 0: Trino and Presto approx_set */
    HC_PROFILE_KEYED = 6         /* SipHash-2-4: nobody without the key can choose ids to fake */
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
 * `profile` must be a value of the enum other than HC_PROFILE_KEYED. */
struct hc_hash hc_hash_bytes(enum hc_profile profile, const void *id, size_t size);

/* The bytes of a key of HC_PROFILE_KEYED. They should be random. */
#define HC_KEY_SIZE 16

/* The same as HC_PROFILE_KEYED does, with the HC_KEY_SIZE bytes at `key`. */
struct hc_hash hc_hash_keyed(const uint8_t *key, const void *id, size_t size);

/* The name of a key, never 0: SipHash-2-4 of a constant with that key. Sketches
 * carry it; it says whether two keys are equal and nothing else about them. */
uint64_t hc_key_id(const uint8_t *key);

#ifdef __cplusplus
}
#endif
#endif
