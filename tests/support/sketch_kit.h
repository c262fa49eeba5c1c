/* What the tests of the sketch library share: sketches to make, a slow model to
 * compare them with, and an allocator that counts and fails on purpose.
 *
 * The model knows nothing of forms: it is the definition of a register.
 * Checks that run a million times are an if, as libcheck notes each ck_assert
 * in a file. */
#ifndef SUPPORT_SKETCH_KIT_H
#define SUPPORT_SKETCH_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/codec.h"
#include "test_random.h"

#define KIT_REGISTERS_MAX (1 << HC_PRECISION_MAX)

/* The hash of id number `i`: counters, mixed. */
static inline struct hc_hash kit_hash(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return (struct hc_hash){random_mix(z), random_mix(~z)};
}

/* The key of keyed sketches here. */
#define KIT_KEY ((const uint8_t *)"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17")

static inline struct hc_sketch *kit_create_as(enum hc_profile profile, unsigned precision,
                                              const struct hc_allocator *allocator)
{
    const uint8_t *key = profile == HC_PROFILE_KEYED ? KIT_KEY : NULL;
    struct hc_sketch_options options = {profile, precision, allocator, key};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    return sketch;
}

static inline struct hc_sketch *kit_create(unsigned precision,
                                           const struct hc_allocator *allocator)
{
    return kit_create_as(HC_PROFILE_REDIS, precision, allocator);
}

/* The most coupons of a sparse sketch, as docs/FORMAT.md has it. */
static inline uint64_t kit_limit(enum hc_profile profile, unsigned precision)
{
    const unsigned sizes[] = {0, 30, 34, 30, 30, 31, 30};
    unsigned divisor = sizes[profile] - precision;

    return (UINT64_C(3) << precision) / (divisor < 14 ? 14 : divisor);
}

/* Where the hash lies among the places of a sparse sketch. */
static inline uint32_t kit_place(enum hc_profile profile, struct hc_hash hash)
{
    if (profile == HC_PROFILE_DATASKETCHES)
        return (uint32_t)(hash.first & ((1 << 26) - 1));
    if (profile == HC_PROFILE_TRINO)
        return (uint32_t)(hash.first >> 38);
    if (profile == HC_PROFILE_ZETASKETCH)
        return (uint32_t)(hash.first >> 39);
    return (uint32_t)(hash.first & ((1 << 25) - 1));
}

/* Adds the ids from..to-1. */
static inline void kit_add(struct hc_sketch *sketch, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        if (hc_sketch_add_hash(sketch, kit_hash(i), NULL) != HC_OK)
            ck_abort_msg("id %llu could not be added", (unsigned long long)i);
    }
}

static inline struct hc_sketch *kit_range(unsigned precision, uint64_t from, uint64_t to)
{
    struct hc_sketch *sketch = kit_create(precision, NULL);

    kit_add(sketch, from, to);
    return sketch;
}

static inline struct hc_sketch *kit_copy(const struct hc_sketch *from)
{
    struct hc_sketch *copy = NULL;

    ck_assert_int_eq(hc_sketch_copy(from, &copy), HC_OK);
    return copy;
}

static inline void kit_check(const struct hc_sketch *sketch)
{
    const char *reason = "";

    if (!hc_sketch_check(sketch, &reason))
        ck_abort_msg("%s", reason);
}

/* The native form; the caller frees it. */
static inline uint8_t *kit_encode(const struct hc_sketch *sketch, size_t *size)
{
    size_t room = hc_encode_size_max(sketch);
    uint8_t *bytes = malloc(room);

    if (bytes == NULL || hc_encode(sketch, bytes, room, size) != HC_OK || *size > room)
        ck_abort_msg("a sketch could not be encoded");
    return bytes;
}

/* Both are well, and the same to the last byte. */
static inline void kit_same(const struct hc_sketch *left, const struct hc_sketch *right)
{
    size_t left_size, right_size;
    uint8_t *left_bytes = kit_encode(left, &left_size);
    uint8_t *right_bytes = kit_encode(right, &right_size);

    kit_check(left);
    kit_check(right);
    if (left_size != right_size || memcmp(left_bytes, right_bytes, left_size) != 0)
        ck_abort_msg("two sketches of %zu and %zu bytes differ", left_size, right_size);
    if (hc_digest(left) != hc_digest(right))
        ck_abort_msg("equal bytes with different digests");
    free(left_bytes);
    free(right_bytes);
}

/* A register is the largest number of trailing zeros, plus one, of what is
 * above the index in the hashes that have its index below. */
static inline void kit_model_add(uint8_t *registers, unsigned precision, uint64_t hash)
{
    uint64_t index = hash & ((UINT64_C(1) << precision) - 1);
    unsigned rank = 1;

    for (unsigned bit = precision; bit < 64 && (hash >> bit & 1) == 0; bit++)
        rank++;
    if (registers[index] < rank)
        registers[index] = (uint8_t)rank;
}

static inline void kit_model_range(uint8_t *registers, unsigned precision, uint64_t from,
                                   uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        kit_model_add(registers, precision, kit_hash(i).first);
}

/* The sketch is well and has these registers. */
static inline void kit_registers_are(const struct hc_sketch *sketch, const uint8_t *expected)
{
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = malloc(size);

    ck_assert_ptr_nonnull(registers);
    kit_check(sketch);
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, size), HC_OK);
    ck_assert_mem_eq(registers, expected, size);
    free(registers);
}

/* Counts what is held, and fails for good after `left` allocations. */
struct kit_memory {
    long left; /* negative: no end */
    size_t blocks;
    size_t bytes;
    size_t allocations;
};

static inline void *kit_memory_resize(void *context, void *pointer, size_t size)
{
    struct kit_memory *memory = context;
    size_t *block = pointer == NULL ? NULL : (size_t *)pointer - 2;
    size_t old = block == NULL ? 0 : *block;

    if (size == 0)
        ck_abort_msg("an allocation of nothing");
    if (memory->left == 0)
        return NULL;
    if (memory->left > 0)
        memory->left--;
    memory->allocations++;
    memory->blocks += block == NULL;
    memory->bytes += size - old;
    block = realloc(block, size + 2 * sizeof *block);
    if (block == NULL)
        abort();
    *block = size;
    return block + 2;
}

static inline void kit_memory_release(void *context, void *pointer)
{
    struct kit_memory *memory = context;

    if (pointer == NULL)
        return;
    memory->blocks--;
    memory->bytes -= ((size_t *)pointer)[-2];
    free((size_t *)pointer - 2);
}

static inline struct hc_allocator kit_allocator(struct kit_memory *memory)
{
    return (struct hc_allocator){kit_memory_resize, kit_memory_release, memory};
}

#endif
