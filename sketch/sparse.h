/* The sparse form: a set of coupons.
 *
 * A coupon is a place among 2^25 registers (2^26 in the split layout), packed
 * so that coupons sort by index:
 *
 *   31 30                      6 5      0
 *   +-+------------------------+--------+
 *   |   index (25 or 26 bits)  |  rank  |
 *   +-+------------------------+--------+
 *
 * The rank is kept only where it can matter at the sketch's precision: in all
 * layouts but the split one the index mostly decides what the register there
 * becomes, and then rank is 0. So equal sets have equal coupons, and four bytes a user suffice.
 *
 * In memory they are two ascending runs in one block, without a common index:
 * a long one, and a short one of the most recent. A new coupon moves only the
 * short run; when that is full, it is merged into the long one. Whatever the
 * runs, the set is the same, and nothing outside sparse.c sees them. */
#ifndef SKETCH_SPARSE_H
#define SKETCH_SPARSE_H

#include <stdbool.h>

#include "sketch_body.h"

#define SPARSE_RANK_BITS 6
#define SPARSE_RANK_MASK ((UINT32_C(1) << SPARSE_RANK_BITS) - 1)

/* The most coupons at a precision: one more, and the sketch is dense.
 *
 * Up to here a sparse sketch is nowhere larger than the dense one of many ids.
 * Encoded, each of those registers takes 2.8 bits or more. A coupon takes one
 * and a half bits more than the logarithm of the mean gap, 2^sparse_bits /
 * count, and where every coupon has a rank two more for that; ranks scatter, so
 * reckon with three. At this count the divisor is what a coupon takes, with a
 * little in reserve, and 3 is what a register takes.
 * In memory a coupon has four bytes and a register one: 4 * 3 <= divisor. */
static inline uint32_t sparse_limit(const struct profile *profile, unsigned precision)
{
    unsigned rank_bits = profile->layout == PROFILE_SPLIT ? 3 : 0;

    return (UINT32_C(3) << precision) / (profile->sparse_bits + rank_bits + 5 - precision);
}

static inline uint32_t sparse_index(uint32_t coupon)
{
    return coupon >> SPARSE_RANK_BITS;
}

/* The coupon of a place among the profile's 2^sparse_bits, as a sketch of `precision` keeps it. */
uint32_t sparse_pack(const struct profile *profile, struct place place, unsigned precision);
/* Where a coupon lies among 2^precision registers; `precision` is at most the
 * one that it was packed for. */
struct place sparse_place(const struct profile *profile, uint32_t coupon, unsigned precision);

enum sparse_answer {
    SPARSE_KNOWN, /* nothing new */
    SPARSE_ADDED,
    SPARSE_FULL, /* over the limit: the sketch must become dense */
    SPARSE_NO_MEMORY
};
/* Adds one coupon. The last two answers leave the sketch as it was. */
enum sparse_answer sparse_insert(struct hc_sketch *sketch, uint32_t coupon);

/* Makes `into` the union of both at `precision`, which is not above either's.
 * The last two answers leave `into` as it was. */
enum sparse_answer sparse_union(struct hc_sketch *into, const struct hc_sketch *from,
                                unsigned precision);

/* Moves to a lower precision without a change of form. */
void sparse_fold(struct hc_sketch *sketch, unsigned precision);

/* Gives the block of coupons back, if there is one. */
void sparse_release(struct hc_sketch *sketch);

/* The coupons in ascending order: the two runs, merged. */
struct sparse_cursor {
    const uint32_t *next[2];
    const uint32_t *end[2];
};
struct sparse_cursor sparse_cursor(const struct hc_sketch *sketch);
/* The next coupon into *coupon; false at the end. */
bool sparse_next(struct sparse_cursor *cursor, uint32_t *coupon);

#endif
