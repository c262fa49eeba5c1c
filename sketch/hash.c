/* The hashes of the profiles, as their engines compute them.
 *
 * MurmurHash64A and MurmurHash3 (x64, 128 bits) are Austin Appleby's, public
 * domain. Fingerprint2011 is Google's: murmur with a seed of its own up to 32
 * bytes, CityHash's mixing beyond, and the first and the last eight bytes mixed
 * in once more. SipHash-2-4 is Aumasson's and Bernstein's (ePrint 2012/351).
 *
 * All of them read the input in little-endian words of eight bytes, whatever
 * the machine; the last one to seven bytes make a shorter word. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "profile.h"

#define MURMUR_FACTOR UINT64_C(0xc6a4a7935bd1e995)
#define MURMUR_SHIFT 47
#define REDIS_SEED UINT64_C(0xadc83b19)

#define MURMUR3_FIRST UINT64_C(0x87c37b91114253d5)
#define MURMUR3_SECOND UINT64_C(0x4cf5ad432745937f)
#define DATASKETCHES_SEED 9001

#define FINGER_0 UINT64_C(0xa5b85c5e198ed849)
#define FINGER_1 UINT64_C(0x8d58ac26afe12e47)
#define FINGER_2 UINT64_C(0xc47b6e9e3a970ed3)

/* What a key hashes to get its id. No text begins with this byte, so that the
 * id is no user's hash. */
#define KEY_NAME "\xffheadcount key id"

/* Eight bytes, or four, as a little-endian number. */
static inline uint64_t load(const unsigned char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static inline uint64_t load_half(const unsigned char *bytes)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof word);
    return le32toh(word);
}

/* The last `size` bytes, fewer than 8, as a number: two halves that overlap, or
 * up to three bytes of which some are the same. No loop, and no call. */
static inline uint64_t hash_word(const unsigned char *bytes, size_t size)
{
    if (size >= 4)
        return load_half(bytes) | load_half(bytes + size - 4) << 8 * (size - 4);
    if (size == 0)
        return 0;
    return bytes[0] | (uint64_t)bytes[size / 2] << 8 * (size / 2) |
           (uint64_t)bytes[size - 1] << 8 * (size - 1);
}

static inline uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline uint64_t rotate_right(uint64_t word, unsigned bits)
{
    return word >> bits | word << (64 - bits);
}

static uint64_t murmur64a(const unsigned char *bytes, size_t size, uint64_t seed)
{
    uint64_t hash = seed ^ (size * MURMUR_FACTOR);

    for (; size >= 8; bytes += 8, size -= 8) {
        uint64_t word = load(bytes) * MURMUR_FACTOR;

        word ^= word >> MURMUR_SHIFT;
        hash = (hash ^ word * MURMUR_FACTOR) * MURMUR_FACTOR;
    }
    if (size > 0)
        hash = (hash ^ hash_word(bytes, size)) * MURMUR_FACTOR;
    hash = (hash ^ hash >> MURMUR_SHIFT) * MURMUR_FACTOR;
    return hash ^ hash >> MURMUR_SHIFT;
}

static inline uint64_t murmur3_scramble_first(uint64_t word)
{
    return rotate_left(word * MURMUR3_FIRST, 31) * MURMUR3_SECOND;
}

static inline uint64_t murmur3_scramble_second(uint64_t word)
{
    return rotate_left(word * MURMUR3_SECOND, 33) * MURMUR3_FIRST;
}

static inline uint64_t murmur3_finish(uint64_t hash)
{
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

/* Inlined: its seeds are constants, and it is called for every id. */
static inline __attribute__((always_inline)) struct hc_hash
murmur3(const unsigned char *bytes, size_t size, uint64_t seed)
{
    uint64_t first = seed, second = seed;
    size_t left = size;

    for (; left >= 16; bytes += 16, left -= 16) {
        first = rotate_left(first ^ murmur3_scramble_first(load(bytes)), 27) + second;
        first = first * 5 + UINT64_C(0x52dce729);
        second = rotate_left(second ^ murmur3_scramble_second(load(bytes + 8)), 31) + first;
        second = second * 5 + UINT64_C(0x38495ab5);
    }
    if (left > 8)
        second ^= murmur3_scramble_second(hash_word(bytes + 8, left - 8));
    if (left > 0)
        first ^= murmur3_scramble_first(left < 8 ? hash_word(bytes, left) : load(bytes));
    first ^= size;
    second ^= size;
    first += second;
    second += first;
    first = murmur3_finish(first);
    second = murmur3_finish(second);
    first += second;
    return (struct hc_hash){first, second + first};
}

static inline uint64_t finger_mix(uint64_t word)
{
    return word ^ word >> MURMUR_SHIFT;
}

static inline uint64_t finger_join(uint64_t high, uint64_t low)
{
    uint64_t mixed = finger_mix((low ^ high) * MURMUR_FACTOR);

    return finger_mix((high ^ mixed) * MURMUR_FACTOR) * MURMUR_FACTOR;
}

/* Two words that stand for 32 bytes. */
struct finger_pair {
    uint64_t first;
    uint64_t second;
};

static struct finger_pair finger_half(const unsigned char *bytes, uint64_t last, uint64_t start)
{
    uint64_t sum = start, turned, tail;

    turned = rotate_right(sum + last, 52);
    tail = rotate_right(sum, 37);
    sum += load(bytes + 8);
    tail += rotate_right(sum, 7);
    sum += load(bytes + 16);
    return (struct finger_pair){sum + last, turned + rotate_right(sum, 31) + tail};
}

/* 33 to 64 bytes: the first and the last 32 of them. */
static uint64_t finger_middle(const unsigned char *bytes, size_t size)
{
    const unsigned char *back = bytes + size - 32;
    uint64_t start = load(bytes) + (size + load(back + 16)) * FINGER_0;
    struct finger_pair v = finger_half(bytes, load(bytes + 24), start);
    struct finger_pair w = finger_half(back, load(back + 24), load(bytes + 16) + load(back));
    uint64_t mixed = finger_mix((v.first + w.second) * FINGER_2 + (w.first + v.second) * FINGER_0);

    return finger_mix(mixed * FINGER_0 + v.second) * FINGER_2;
}

static struct finger_pair finger_weak(const unsigned char *bytes, uint64_t a, uint64_t b)
{
    uint64_t last = load(bytes + 24), start;

    a += load(bytes);
    b = rotate_right(b + a + last, 51);
    start = a;
    a += load(bytes + 8) + load(bytes + 16);
    b += rotate_right(a, 23);
    return (struct finger_pair){a + last, b + start};
}

/* More than 64 bytes, in blocks of 64; the last one may overlap the one before. */
static uint64_t finger_long(const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;
    uint64_t x = load(bytes), y = load(end - 16) ^ FINGER_1, z = load(end - 56) ^ FINGER_0;
    struct finger_pair v = finger_weak(end - 64, size, y);
    struct finger_pair w = finger_weak(end - 32, size * FINGER_1, FINGER_0);

    z += finger_mix(v.second) * FINGER_1;
    x = rotate_right(z + x, 39) * FINGER_1;
    y = rotate_right(y, 33) * FINGER_1;
    for (size_t left = (size - 1) & ~(size_t)63; left > 0; left -= 64, bytes += 64) {
        uint64_t swap;

        x = rotate_right(x + y + v.first + load(bytes + 16), 37) * FINGER_1;
        y = rotate_right(y + v.second + load(bytes + 48), 42) * FINGER_1;
        x ^= w.second;
        y ^= v.first;
        z = rotate_right(z ^ w.first, 33);
        v = finger_weak(bytes, v.second * FINGER_1, x + w.first);
        w = finger_weak(bytes + 32, z + w.second, y);
        swap = z;
        z = x;
        x = swap;
    }
    return finger_join(finger_join(v.first, w.first) + finger_mix(y) * FINGER_1 + z,
                       finger_join(v.second, w.second) + x);
}

static uint64_t fingerprint2011(const unsigned char *bytes, size_t size)
{
    uint64_t first = size >= 8 ? load(bytes) : FINGER_0;
    uint64_t last = size >= 9 ? load(bytes + size - 8) : FINGER_0;
    uint64_t hash;

    if (size <= 32)
        hash = murmur64a(bytes, size, FINGER_0 ^ FINGER_1 ^ FINGER_2);
    else
        hash = size <= 64 ? finger_middle(bytes, size) : finger_long(bytes, size);
    hash = finger_join(hash + last, first);
    return hash <= 1 ? hash - 2 : hash;
}

static void sip_rounds(uint64_t *v, int count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotate_left(v[1], 13) ^ v[0];
        v[0] = rotate_left(v[0], 32);
        v[2] += v[3];
        v[3] = rotate_left(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate_left(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate_left(v[1], 17) ^ v[2];
        v[2] = rotate_left(v[2], 32);
    }
}

static uint64_t siphash(const struct hash_key *key, const unsigned char *bytes, size_t size)
{
    uint64_t v[4] = {
        key->first ^ UINT64_C(0x736f6d6570736575),
        key->second ^ UINT64_C(0x646f72616e646f6d),
        key->first ^ UINT64_C(0x6c7967656e657261),
        key->second ^ UINT64_C(0x7465646279746573),
    };
    uint64_t word;
    size_t left = size;

    for (; left >= 8; bytes += 8, left -= 8) {
        word = load(bytes);
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    word = hash_word(bytes, left) | (uint64_t)size << 56;
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct hc_hash hash_redis(const struct hash_key *key, const void *id, size_t size)
{
    (void)key;
    return (struct hc_hash){murmur64a(id, size, REDIS_SEED), 0};
}

struct hc_hash hash_datasketches(const struct hash_key *key, const void *id, size_t size)
{
    (void)key;
    return murmur3(id, size, DATASKETCHES_SEED);
}

struct hc_hash hash_murmur3(const struct hash_key *key, const void *id, size_t size)
{
    (void)key;
    return (struct hc_hash){murmur3(id, size, 0).first, 0};
}

struct hc_hash hash_zetasketch(const struct hash_key *key, const void *id, size_t size)
{
    (void)key;
    return (struct hc_hash){fingerprint2011(id, size), 0};
}

struct hc_hash hash_keyed(const struct hash_key *key, const void *id, size_t size)
{
    return (struct hc_hash){siphash(key, id, size), 0};
}

struct hash_key hash_key(const uint8_t *bytes)
{
    struct hash_key key = {load(bytes), load(bytes + 8), 0};
    uint64_t id = siphash(&key, (const unsigned char *)KEY_NAME, sizeof KEY_NAME - 1);

    key.id = id == 0 ? 1 : id;
    return key;
}

uint64_t hc_key_id(const uint8_t *key)
{
    assert(key != NULL);
    return hash_key(key).id;
}

struct hc_hash hc_hash_bytes(enum hc_profile profile, const void *id, size_t size)
{
    const struct profile *row = profile_find(profile);

    assert(row != NULL && !row->is_keyed);
    assert(id != NULL || size == 0);
    return row->hash(NULL, id, size);
}

struct hc_hash hc_hash_keyed(const uint8_t *key, const void *id, size_t size)
{
    struct hash_key words;

    assert(key != NULL);
    assert(id != NULL || size == 0);
    words = (struct hash_key){load(key), load(key + 8), 0};
    return hash_keyed(&words, id, size);
}
