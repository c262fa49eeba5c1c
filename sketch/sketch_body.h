/* What a sketch is made of: private to the library.
 *
 *   struct hc_sketch                          few[] holds the first coupons, so
 *   +-----------------------------------+     that a window of a few users is
 *   | allocator | coupons, or registers |     one block of 72 bytes; beyond
 *   | count capacity ...         few[5] |     them `coupons` is a block of its
 *   +-----------------------------------+     own, and then `registers`. */
#ifndef SKETCH_BODY_H
#define SKETCH_BODY_H

#include "headcount/sketch.h"
#include "profile.h"

#define SPARSE_FEW 5

struct hc_sketch {
    struct hc_allocator allocator;
    const struct profile *profile;
    union {
        uint32_t *coupons;  /* sparse: sparse.h */
        uint8_t *registers; /* dense: 2^precision ranks */
    };
    uint32_t count;    /* sparse: coupons held; dense: 0 */
    uint32_t capacity; /* sparse: slots for them; dense: 0 */
    uint8_t precision;
    uint8_t dense;
    uint8_t has_key; /* keyed, and the words of the key are known */
    uint32_t few[SPARSE_FEW];
    struct hash_key key[]; /* one when the profile is keyed, otherwise none */
};

_Static_assert(sizeof(struct hc_sketch) <= 72, "a million small windows pay for every byte");

/* The key's id, or 0 for a profile without one. */
static inline uint64_t sketch_key_id(const struct hc_sketch *sketch)
{
    return sketch->profile->is_keyed ? sketch->key[0].id : 0;
}

/* What the struct takes, with its key. */
static inline size_t sketch_size(const struct profile *profile)
{
    return sizeof(struct hc_sketch) + (profile->is_keyed ? sizeof(struct hash_key) : 0);
}

/* A new, empty, sparse sketch; NULL when there is no memory. A keyed one has
 * yet to be given its key. */
struct hc_sketch *sketch_new(const struct profile *profile, unsigned precision,
                             const struct hc_allocator *allocator);

/* Adds a place among the profile's 2^sparse_bits; as hc_sketch_add_hash. */
enum hc_status sketch_add_place(struct hc_sketch *sketch, struct place place, int *changed);

static inline void *sketch_allocate(const struct hc_allocator *allocator, size_t size)
{
    return allocator->resize(allocator->context, NULL, size);
}

static inline void sketch_release(const struct hc_allocator *allocator, void *block)
{
    if (block != NULL)
        allocator->release(allocator->context, block);
}

/* The caller's allocator, or the C library's for NULL. */
struct hc_allocator sketch_allocator(const struct hc_allocator *allocator);

#endif
