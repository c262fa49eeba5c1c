/* The dense form: how other sketches flow into an array of registers. */
#include "dense.h"

#include <assert.h>
#include <string.h>

#include "dense_simd.h"
#include "sparse.h"

/* The fewest registers there are. Inner loops of this constant length are what
 * compilers turn into vector instructions. */
#define DENSE_BLOCK 16

_Static_assert(1 << HC_PRECISION_MIN == DENSE_BLOCK, "every array is a number of whole blocks");

uint8_t *dense_allocate(const struct hc_allocator *allocator, unsigned precision)
{
    uint8_t *registers = sketch_allocate(allocator, dense_size(precision));

    if (registers != NULL)
        memset(registers, 0, dense_size(precision));
    return registers;
}

static bool dense_add_equal(uint8_t *registers, const uint8_t *from, size_t count)
{
    const struct dense_way *ways;
    size_t best = dense_ways(&ways) - 1;

    return ways[best].raise(registers, from, count);
}

static bool dense_add_folded(uint8_t *registers, unsigned precision, const struct hc_sketch *from)
{
    bool risen = false;

    for (size_t i = 0; i < dense_size(from->precision); i++) {
        struct place place = {(uint32_t)i, from->registers[i]};

        place = place_fold(from->profile, place, from->precision, precision);
        risen |= dense_raise(registers, place);
    }
    return risen;
}

bool dense_add_sketch(uint8_t *registers, unsigned precision, const struct hc_sketch *from)
{
    struct sparse_cursor coupons;
    bool risen = false;
    uint32_t coupon;

    assert(precision <= from->precision);
    if (from->dense) {
        if (from->registers == registers)
            return false;
        if (from->precision == precision)
            return dense_add_equal(registers, from->registers, dense_size(precision));
        return dense_add_folded(registers, precision, from);
    }
    coupons = sparse_cursor(from);
    while (sparse_next(&coupons, &coupon))
        risen |= dense_raise(registers, sparse_place(from->profile, coupon, precision));
    return risen;
}

bool dense_is_bounded(const uint8_t *registers, unsigned precision, unsigned rank_max)
{
    uint8_t largest[DENSE_BLOCK] = {0};

    for (size_t i = 0; i < dense_size(precision); i += DENSE_BLOCK) {
        for (size_t j = 0; j < DENSE_BLOCK; j++)
            largest[j] = registers[i + j] > largest[j] ? registers[i + j] : largest[j];
    }
    for (size_t j = 0; j < DENSE_BLOCK; j++) {
        if (largest[j] > rank_max)
            return false;
    }
    return true;
}
