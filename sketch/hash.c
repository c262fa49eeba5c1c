/* The hashes of the profiles.
 *
 * MurmurHash64A is Austin Appleby's (public domain). It reads the input in
 * little-endian words of eight bytes, whatever the machine; the last one to
 * seven bytes make a shorter word. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "profile.h"

#define MURMUR_FACTOR UINT64_C(0xc6a4a7935bd1e995)
#define MURMUR_SHIFT 47
#define REDIS_SEED UINT64_C(0xadc83b19)

/* `size` bytes, at most 8, as a little-endian number. */
static inline uint64_t hash_word(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, bytes, size);
    return le64toh(word);
}

static uint64_t murmur64a(const unsigned char *bytes, size_t size, uint64_t seed)
{
    uint64_t hash = seed ^ (size * MURMUR_FACTOR);

    for (; size >= 8; bytes += 8, size -= 8) {
        uint64_t word = hash_word(bytes, 8) * MURMUR_FACTOR;

        word ^= word >> MURMUR_SHIFT;
        hash = (hash ^ word * MURMUR_FACTOR) * MURMUR_FACTOR;
    }
    if (size > 0)
        hash = (hash ^ hash_word(bytes, size)) * MURMUR_FACTOR;
    hash = (hash ^ hash >> MURMUR_SHIFT) * MURMUR_FACTOR;
    return hash ^ hash >> MURMUR_SHIFT;
}

struct hc_hash hash_redis(const void *id, size_t size)
{
    return (struct hc_hash){murmur64a(id, size, REDIS_SEED), 0};
}

struct hc_hash hc_hash_bytes(enum hc_profile profile, const void *id, size_t size)
{
    const struct profile *row = profile_find(profile);

    assert(row != NULL);
    assert(id != NULL || size == 0);
    return row->hash(id, size);
}
