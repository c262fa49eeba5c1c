/* The sparse form: insertion, union, iteration. The layout is in sparse.h. */
#include "sparse.h"

#include <assert.h>
#include <string.h>

/* The longest recent run: its moves and the merges cost about the same. */
#define SPARSE_RECENT 64

_Static_assert(SPARSE_RECENT <= UINT8_MAX, "the length of the recent run is a byte");

/* The coupon without its rank where the index alone decides the register. */
static inline uint32_t sparse_trim(const struct profile *profile, uint32_t coupon,
                                   unsigned precision)
{
    if (place_keeps_rank(profile, sparse_index(coupon), profile->sparse_bits, precision))
        return coupon;
    return coupon & ~SPARSE_RANK_MASK;
}

uint32_t sparse_pack(const struct profile *profile, struct place place, unsigned precision)
{
    assert(place.index >> profile->sparse_bits == 0 && place.rank <= SPARSE_RANK_MASK);
    return sparse_trim(profile, place.index << SPARSE_RANK_BITS | place.rank, precision);
}

struct place sparse_place(const struct profile *profile, uint32_t coupon, unsigned precision)
{
    uint32_t rank = coupon & SPARSE_RANK_MASK;
    struct place place = {sparse_index(coupon), rank == 0 ? 1 : rank};

    return place_fold(profile, place, profile->sparse_bits, precision);
}

/* The position of the first coupon of an ascending run that is not below. */
static inline size_t sparse_find(const uint32_t *run, size_t count, uint32_t coupon)
{
    const uint32_t *base = run;

    if (count == 0)
        return 0;
    while (count > 1) {
        size_t half = count / 2;

        base += (base[half - 1] < coupon) * half; /* no branch to mispredict */
        count -= half;
    }
    return (size_t)(base - run) + (*base < coupon);
}

/* Whether the run has this coupon's index at `position`; keeps the larger rank
 * there, and says in *answer whether that was a change. */
static bool sparse_raise(uint32_t *run, size_t count, size_t position, uint32_t coupon,
                         enum sparse_answer *answer)
{
    if (position == count || sparse_index(run[position]) != sparse_index(coupon))
        return false;
    *answer = coupon > run[position] ? SPARSE_ADDED : SPARSE_KNOWN;
    if (coupon > run[position])
        run[position] = coupon;
    return true;
}

/* Merges the recent run into the main one, from the back, in place. */
static void sparse_settle(struct hc_sketch *sketch)
{
    uint32_t recent[SPARSE_RECENT];
    size_t left = sketch->recent;
    size_t main = sketch->count - left;

    assert(left <= SPARSE_RECENT);
    memcpy(recent, sketch->coupons + main, left * sizeof recent[0]);
    while (left > 0) {
        uint32_t coupon = recent[left - 1];
        size_t position = sparse_find(sketch->coupons, main, coupon);

        memmove(sketch->coupons + position + left, sketch->coupons + position,
                (main - position) * sizeof coupon);
        sketch->coupons[position + left - 1] = coupon;
        main = position;
        left--;
    }
    sketch->recent = 0;
}

/* Room for one more coupon, growing by an eighth: memory is for users. */
static bool sparse_grow(struct hc_sketch *sketch)
{
    struct hc_allocator *allocator = &sketch->allocator;
    uint32_t limit = sparse_limit(sketch->profile, sketch->precision);
    uint32_t capacity = sketch->capacity + sketch->capacity / 8 + SPARSE_FEW;
    void *old = sketch->coupons == sketch->few ? NULL : sketch->coupons;
    uint32_t *coupons;

    if (capacity > limit)
        capacity = limit;
    assert(capacity > sketch->count);
    coupons = allocator->resize(allocator->context, old, capacity * sizeof *coupons);
    if (coupons == NULL)
        return false;
    if (old == NULL)
        memcpy(coupons, sketch->few, sketch->count * sizeof *coupons);
    sketch->coupons = coupons;
    sketch->capacity = capacity;
    return true;
}

enum sparse_answer sparse_insert(struct hc_sketch *sketch, uint32_t coupon)
{
    uint32_t floor = coupon & ~SPARSE_RANK_MASK;
    size_t main = sketch->count - sketch->recent;
    size_t position = sparse_find(sketch->coupons, main, floor);
    enum sparse_answer answer;
    uint32_t *run;

    assert(!sketch->dense);
    if (sparse_raise(sketch->coupons, main, position, coupon, &answer))
        return answer;
    run = sketch->coupons + main;
    position = sparse_find(run, sketch->recent, floor);
    if (sparse_raise(run, sketch->recent, position, coupon, &answer))
        return answer;
    if (sketch->count >= sparse_limit(sketch->profile, sketch->precision))
        return SPARSE_FULL;
    if (sketch->count == sketch->capacity && !sparse_grow(sketch))
        return SPARSE_NO_MEMORY;
    if (sketch->recent == SPARSE_RECENT) {
        sparse_settle(sketch);
        position = 0;
    }
    run = sketch->coupons + (sketch->count - sketch->recent);
    memmove(run + position + 1, run + position, (sketch->recent - position) * sizeof *run);
    run[position] = coupon;
    sketch->count++;
    sketch->recent++;
    return SPARSE_ADDED;
}

struct sparse_cursor sparse_cursor(const struct hc_sketch *sketch)
{
    const uint32_t *middle = sketch->coupons + (sketch->count - sketch->recent);

    assert(!sketch->dense);
    return (struct sparse_cursor){
        .next = {sketch->coupons, middle},
        .end = {middle, sketch->coupons + sketch->count},
    };
}

bool sparse_next(struct sparse_cursor *cursor, uint32_t *coupon)
{
    int run = 0;

    if (cursor->next[0] == cursor->end[0]) {
        if (cursor->next[1] == cursor->end[1])
            return false;
        run = 1;
    } else if (cursor->next[1] != cursor->end[1]) {
        run = *cursor->next[1] < *cursor->next[0];
    }
    *coupon = *cursor->next[run]++;
    return true;
}

/* What a union comes to, and where it goes. */
struct sparse_merge {
    const struct profile *profile;
    unsigned precision;
    uint32_t *coupons; /* NULL: only count */
    uint32_t count;
    bool raised; /* a coupon of `into` got a larger rank */
};

static void sparse_merge_put(struct sparse_merge *merge, uint32_t coupon)
{
    if (merge->coupons != NULL)
        merge->coupons[merge->count] = sparse_trim(merge->profile, coupon, merge->precision);
    merge->count++;
}

static void sparse_merge_run(struct sparse_merge *merge, const struct hc_sketch *into,
                             const struct hc_sketch *from)
{
    struct sparse_cursor left = sparse_cursor(into), right = sparse_cursor(from);
    uint32_t a = 0, b = 0;
    bool has_a = sparse_next(&left, &a), has_b = sparse_next(&right, &b);

    merge->count = 0;
    while (has_a || has_b) {
        bool take_a = has_a && (!has_b || sparse_index(a) <= sparse_index(b));
        bool take_b = has_b && (!has_a || sparse_index(b) <= sparse_index(a));

        if (take_a && take_b && b > a && sparse_trim(merge->profile, b, merge->precision) > a)
            merge->raised = true;
        sparse_merge_put(merge, !take_b || (take_a && a > b) ? a : b);
        if (take_a)
            has_a = sparse_next(&left, &a);
        if (take_b)
            has_b = sparse_next(&right, &b);
    }
}

/* Makes the block of a finished merge the sketch's own. */
static void sparse_adopt(struct hc_sketch *sketch, const struct sparse_merge *merge,
                         const uint32_t *few)
{
    sparse_release(sketch);
    sketch->coupons = sketch->few;
    sketch->capacity = SPARSE_FEW;
    if (merge->coupons == few) {
        memcpy(sketch->few, few, merge->count * sizeof few[0]);
    } else {
        sketch->coupons = merge->coupons;
        sketch->capacity = merge->count;
    }
    sketch->count = merge->count;
    sketch->recent = 0;
    sketch->precision = (uint8_t)merge->precision;
}

enum sparse_answer sparse_union(struct hc_sketch *into, const struct hc_sketch *from,
                                unsigned precision)
{
    struct sparse_merge merge = {.profile = into->profile, .precision = precision};
    uint32_t few[SPARSE_FEW];

    assert(precision <= into->precision && precision <= from->precision);
    sparse_merge_run(&merge, into, from);
    if (merge.count > sparse_limit(into->profile, precision))
        return SPARSE_FULL;
    if (merge.count == into->count && !merge.raised && precision == into->precision)
        return SPARSE_KNOWN;
    merge.coupons = few;
    if (merge.count > SPARSE_FEW)
        merge.coupons = sketch_allocate(&into->allocator, merge.count * sizeof few[0]);
    if (merge.coupons == NULL)
        return SPARSE_NO_MEMORY;
    sparse_merge_run(&merge, into, from);
    sparse_adopt(into, &merge, few);
    return SPARSE_ADDED;
}

void sparse_fold(struct hc_sketch *sketch, unsigned precision)
{
    assert(!sketch->dense && precision <= sketch->precision);
    assert(sketch->count <= sparse_limit(sketch->profile, precision));
    for (uint32_t i = 0; i < sketch->count; i++)
        sketch->coupons[i] = sparse_trim(sketch->profile, sketch->coupons[i], precision);
    sketch->precision = (uint8_t)precision;
}

void sparse_release(struct hc_sketch *sketch)
{
    assert(!sketch->dense);
    if (sketch->coupons != sketch->few)
        sketch_release(&sketch->allocator, sketch->coupons);
}
