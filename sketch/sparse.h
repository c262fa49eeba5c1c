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
 * becomes, and then rank is 0. So equal sets have equal coupons, and four bytes
 * a user suffice. No coupon is 0: index 0 is one of those that keep their rank.
 *
 * In memory they lie in a table of slots, in ascending order, with gaps (0)
 * between them. Indexes are hashes: a coupon's home, where one looks for it, is
 * the slot as far along the table as its index is along all places.
 *
 *   home of      21    41 43           81
 *   +----+----+----+----+----+----+----+----+----+----+
 *   |    |    | 21 |    | 41 | 43 |    |    | 81 |    |
 *   +----+----+----+----+----+----+----+----+----+----+
 *
 * One that finds others there shifts them to the nearest gap on either side. So
 * there is never a gap between a coupon and its home, and looking takes a few
 * steps from home, up or down, to the coupon or to where it would be. It is an
 * open hash table whose hash keeps the order: found as fast, and read in order
 * without sorting. Where the coupons lie depends on how they came, the order
 * does not; and ids that were chosen to have one home cost a walk along the
 * table each, no more. */
#ifndef SKETCH_SPARSE_H
#define SKETCH_SPARSE_H

#include <assert.h>
#include <stdbool.h>

#include "sketch_body.h"

#define SPARSE_RANK_BITS 6
#define SPARSE_RANK_MASK ((UINT32_C(1) << SPARSE_RANK_BITS) - 1)

/* The least divisor of the limit: see there. */
#define SPARSE_DIVISOR_MIN 14

/* The most coupons at a precision: one more, and the sketch is dense.
 *
 * Up to here a sparse sketch is nowhere larger than the dense one of many ids.
 * Encoded, each of those registers takes 2.8 bits or more. A coupon takes one
 * and a half bits more than the logarithm of the mean gap, 2^sparse_bits /
 * count, and where every coupon has a rank two more for that; ranks scatter, so
 * reckon with three. At this count the divisor is what a coupon takes, with a
 * little in reserve, and 3 is what a register takes.
 * In memory a coupon takes four bytes, and a table of 2^(precision - 2) slots
 * as much as the registers: of those at most 12 in 14 are taken. */
static inline uint32_t sparse_divisor(const struct profile *profile, unsigned precision)
{
    unsigned rank_bits = profile->layout == PROFILE_SPLIT ? 3 : 0;
    uint32_t divisor = profile->sparse_bits + rank_bits + 5 - precision;

    return divisor < SPARSE_DIVISOR_MIN ? SPARSE_DIVISOR_MIN : divisor;
}

static inline uint32_t sparse_limit(const struct profile *profile, unsigned precision)
{
    return (UINT32_C(3) << precision) / sparse_divisor(profile, precision);
}

static inline uint32_t sparse_index(uint32_t coupon)
{
    return coupon >> SPARSE_RANK_BITS;
}

/* The coupon without its rank where the index alone decides the register. */
static inline uint32_t sparse_trim(const struct profile *profile, uint32_t coupon,
                                   unsigned precision)
{
    if (place_keeps_rank(profile, sparse_index(coupon), profile->sparse_bits, precision))
        return coupon;
    return coupon & ~SPARSE_RANK_MASK;
}

/* The coupon of a place among the profile's 2^sparse_bits, as a sketch of
 * `precision` keeps it. */
static inline uint32_t sparse_pack(const struct profile *profile, struct place place,
                                   unsigned precision)
{
    assert(place.index >> profile->sparse_bits == 0 && place.rank <= SPARSE_RANK_MASK);
    return sparse_trim(profile, place.index << SPARSE_RANK_BITS | place.rank, precision);
}

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

/* Makes room for a number of coupons in an empty sketch, whose table sparse_lay
 * then fills with just as many. */
struct sparse_layer {
    uint32_t *slots;
    uint32_t capacity;
    uint32_t next; /* slot: those before it are done with */
    uint32_t left; /* coupons to come */
    unsigned home_shift;
};
bool sparse_reserve(struct hc_sketch *sketch, uint32_t count, struct sparse_layer *layer);
/* Lays down the next coupon, which is above the ones before. */
void sparse_lay(struct sparse_layer *layer, uint32_t coupon);

/* The slot where this coupon belongs in a table of `capacity`. */
uint32_t sparse_home(const struct hc_sketch *sketch, uint32_t coupon);

/* The coupons in ascending order. */
struct sparse_cursor {
    const uint32_t *next;
    const uint32_t *end;
};
struct sparse_cursor sparse_cursor(const struct hc_sketch *sketch);
/* The next coupon into *coupon; false at the end. */
bool sparse_next(struct sparse_cursor *cursor, uint32_t *coupon);

#endif
