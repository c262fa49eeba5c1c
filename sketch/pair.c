/* Intersection and difference: what two sketches show, counted, estimated, and
 * refused where it says too little.
 *
 * Two sparse sketches share coupons or they don't: coincidence.c. Where one is
 * sparse its coupons are looked up in the registers of the other, and where none
 * is the registers are compared: joint.c. Sketches of different precision meet
 * at the lower one, for which a dense sketch is folded into an array that lives
 * as long as the call; coupons hold an index of 25 bits at any precision. */
#include "headcount/overlap.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "dense.h"
#include "pair.h"
#include "sparse.h"

static void count_coupons(const struct hc_sketch *first, const struct hc_sketch *second,
                          double coupons[PAIR_PARTS])
{
    struct sparse_cursor left = sparse_cursor(first), right = sparse_cursor(second);
    uint32_t a = 0, b = 0;
    bool has_a = sparse_next(&left, &a), has_b = sparse_next(&right, &b);

    while (has_a || has_b) {
        bool take_a = has_a && (!has_b || sparse_index(a) <= sparse_index(b));
        bool take_b = has_b && (!has_a || sparse_index(b) <= sparse_index(a));

        coupons[take_a && take_b ? PAIR_BOTH : take_a ? PAIR_FIRST : PAIR_SECOND]++;
        if (take_a)
            has_a = sparse_next(&left, &a);
        if (take_b)
            has_b = sparse_next(&right, &b);
    }
}

/* The weight of a rate in the exponent at this rank. */
static double weight(const struct pair_counts *counts, unsigned rank)
{
    return rank < counts->rank_max ? ldexp(1, -(int)rank) : 0;
}

/* n registers that have rank i in `first` and j in `second`. */
static void count_pair(struct pair_counts *counts, unsigned i, unsigned j, double n)
{
    counts->linear[PAIR_FIRST] += n * weight(counts, i);
    counts->linear[PAIR_SECOND] += n * weight(counts, j);
    counts->linear[PAIR_BOTH] += n * weight(counts, i < j ? i : j);
    if (i == j) {
        counts->equal[i] += n;
        return;
    }
    counts->single[i < j ? PAIR_RATE_FIRST_ALL : PAIR_RATE_FIRST][i] += n;
    counts->single[i < j ? PAIR_RATE_SECOND : PAIR_RATE_SECOND_ALL][j] += n;
    counts->certain[i < j ? PAIR_SECOND : PAIR_FIRST] += n;
}

static void count_registers(struct pair_counts *counts, const uint8_t *first,
                            const uint8_t *second)
{
    static_assert(PAIR_RANKS <= 1 << 6, "a rank has six bits");
    uint32_t pairs[PAIR_RANKS][PAIR_RANKS];

    memset(pairs, 0, sizeof pairs);
    for (size_t i = 0; i < (size_t)counts->registers; i++)
        pairs[first[i] % PAIR_RANKS][second[i] % PAIR_RANKS]++;
    for (unsigned i = 0; i <= counts->rank_max; i++) {
        for (unsigned j = 0; j <= counts->rank_max; j++) {
            if (pairs[i][j] > 0)
                count_pair(counts, i, j, pairs[i][j]);
        }
    }
}

static enum pair_part swapped(enum pair_part part)
{
    return part == PAIR_BOTH ? part : part == PAIR_FIRST ? PAIR_SECOND : PAIR_FIRST;
}

/* Whether to see the second sketch as the first: so that rounding does not
 * depend on which is called what. */
static bool is_reversed(const struct pair_counts *counts)
{
    int order = memcmp(counts->single[PAIR_RATE_FIRST], counts->single[PAIR_RATE_SECOND],
                       sizeof counts->single[0]);

    if (order == 0)
        order = memcmp(counts->single[PAIR_RATE_FIRST_ALL], counts->single[PAIR_RATE_SECOND_ALL],
                       sizeof counts->single[0]);
    return order < 0;
}

/* Looks the coupons up in the registers. `matches` are as many zeros as there
 * are registers, for the number of coupons that have their register's rank. */
static void count_lookups(struct pair_counts *counts, const struct hc_sketch *coupons,
                          const uint8_t *registers, unsigned precision, uint8_t *matches)
{
    struct sparse_cursor cursor = sparse_cursor(coupons);
    uint32_t coupon;

    while (sparse_next(&cursor, &coupon)) {
        struct place place = sparse_place(coupons->profile, coupon, precision);
        unsigned rank = registers[place.index];

        if (place.rank > rank)
            counts->above++;
        else if (place.rank < rank || matches[place.index] == PAIR_MATCHES_MAX)
            counts->below++;
        else
            matches[place.index]++;
    }
    for (size_t i = 0; i < dense_size(precision); i++) {
        unsigned rank = registers[i] % PAIR_RANKS;

        counts->linear[PAIR_SECOND] += weight(counts, rank);
        if (matches[i] > 0)
            counts->matches[rank][matches[i]]++;
        else
            counts->single[PAIR_RATE_SECOND][rank]++;
    }
    counts->linear[PAIR_FIRST] = counts->linear[PAIR_BOTH] = counts->registers;
    counts->certain[PAIR_FIRST] = counts->above;
}

/* The registers of a dense sketch at a precision not above its own: in *folded
 * if they had to be made (else that is NULL). NULL when there is no memory. */
static const uint8_t *registers_at(const struct hc_sketch *sketch, unsigned precision,
                                   uint8_t **folded)
{
    *folded = NULL;
    if (sketch->precision == precision)
        return sketch->registers;
    *folded = dense_allocate(&sketch->allocator, precision);
    if (*folded != NULL)
        dense_add_sketch(*folded, precision, sketch);
    return *folded;
}

static struct pair_counts counts_at(const struct hc_sketch *sketch, unsigned precision)
{
    return (struct pair_counts){.registers = ldexp(1, (int)precision),
                                .rank_max = place_rank_max(sketch->profile, precision)};
}

/* One sparse, one dense. */
static enum hc_status estimate_mixed(const struct hc_sketch *sparse, const struct hc_sketch *dense,
                                     enum pair_part part, struct hc_estimate *estimate)
{
    unsigned precision =
        sparse->precision < dense->precision ? sparse->precision : dense->precision;
    struct pair_counts counts = counts_at(dense, precision);
    uint8_t *matches = dense_allocate(&dense->allocator, precision), *folded = NULL;
    const uint8_t *registers = NULL;

    if (matches != NULL)
        registers = registers_at(dense, precision, &folded);
    if (registers != NULL) {
        count_lookups(&counts, sparse, registers, precision, matches);
        *estimate = joint_estimate(&counts, part);
    }
    sketch_release(&dense->allocator, folded);
    sketch_release(&dense->allocator, matches);
    return registers != NULL ? HC_OK : HC_ENOMEM;
}

static enum hc_status estimate_dense_pair(const struct hc_sketch *first,
                                          const struct hc_sketch *second, enum pair_part part,
                                          struct hc_estimate *estimate)
{
    unsigned precision =
        first->precision < second->precision ? first->precision : second->precision;
    struct pair_counts counts = counts_at(first, precision);
    uint8_t *first_folded = NULL, *second_folded = NULL;
    const uint8_t *left = registers_at(first, precision, &first_folded);
    const uint8_t *right = registers_at(second, precision, &second_folded);

    if (left != NULL && right != NULL) {
        count_registers(&counts, left, right);
        if (is_reversed(&counts)) {
            counts = counts_at(first, precision);
            count_registers(&counts, right, left);
            part = swapped(part);
        }
        *estimate = joint_estimate(&counts, part);
    }
    sketch_release(&second->allocator, second_folded);
    sketch_release(&first->allocator, first_folded);
    return left != NULL && right != NULL ? HC_OK : HC_ENOMEM;
}

/* Neither sketch is empty. */
static enum hc_status estimate_pair(const struct hc_sketch *first, const struct hc_sketch *second,
                                    enum pair_part part, struct hc_estimate *estimate)
{
    double coupons[PAIR_PARTS] = {0};

    if (first->dense && second->dense)
        return estimate_dense_pair(first, second, part, estimate);
    if (second->dense)
        return estimate_mixed(first, second, part, estimate);
    if (first->dense)
        return estimate_mixed(second, first, swapped(part), estimate);
    count_coupons(first, second, coupons);
    *estimate = coincidence_estimate(coupons, ldexp(1, (int)first->profile->sparse_bits), part);
    return HC_OK;
}

/* No part is larger than what it is a part of. */
static void limit_to(struct hc_estimate *estimate, const struct hc_estimate *whole)
{
    estimate->value = fmin(estimate->value, whole->value);
    estimate->low = fmin(estimate->low, estimate->value);
    estimate->high = fmax(fmin(estimate->high, whole->high), estimate->value);
}

enum hc_status pair_estimate(const struct hc_sketch *first, const struct hc_sketch *second,
                             enum pair_part part, struct hc_estimate *estimate)
{
    struct hc_estimate whole[2], found = {0, 0, 0, 0};
    enum hc_status status = HC_OK;

    assert(first != NULL && second != NULL && estimate != NULL);
    if (first->profile != second->profile || sketch_key_id(first) != sketch_key_id(second))
        return HC_EPROFILE;
    whole[0] = hc_sketch_estimate(first);
    whole[1] = hc_sketch_estimate(second);
    if (whole[0].value > 0 && whole[1].value > 0)
        status = estimate_pair(first, second, part, &found);
    else if (part != PAIR_BOTH)
        found = whole[part == PAIR_SECOND];
    if (status != HC_OK)
        return status;
    if (part != PAIR_SECOND)
        limit_to(&found, &whole[0]);
    if (part != PAIR_FIRST)
        limit_to(&found, &whole[1]);
    *estimate = found;
    return HC_OK;
}

/* An interval wider than what it is of would make any number look like one. */
static enum hc_status answer(const struct hc_sketch *first, const struct hc_sketch *second,
                             enum pair_part part, struct hc_estimate *estimate)
{
    struct hc_estimate found;
    enum hc_status status = pair_estimate(first, second, part, &found);

    assert(status != HC_OK || (0 <= found.low && found.low <= found.value &&
                               found.value <= found.high && isfinite(found.high)));
    if (status == HC_OK && found.high - found.low > found.value)
        status = HC_EWIDE;
    if (status == HC_OK)
        *estimate = found;
    return status;
}

enum hc_status hc_sketch_intersection(const struct hc_sketch *first,
                                      const struct hc_sketch *second, struct hc_estimate *estimate)
{
    assert(estimate != NULL);
    return answer(first, second, PAIR_BOTH, estimate);
}

enum hc_status hc_sketch_difference(const struct hc_sketch *first, const struct hc_sketch *second,
                                    struct hc_estimate *estimate)
{
    assert(estimate != NULL);
    return answer(first, second, PAIR_FIRST, estimate);
}
