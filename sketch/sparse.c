/* The sparse form: insertion, union, iteration. The layout is in sparse.h. */
#include "sparse.h"

#include <assert.h>
#include <string.h>

struct place sparse_place(const struct profile *profile, uint32_t coupon, unsigned precision)
{
    uint32_t rank = coupon & SPARSE_RANK_MASK;
    struct place place = {sparse_index(coupon), rank == 0 ? 1 : rank};

    return place_fold(profile, place, profile->sparse_bits, precision);
}

/* The fuller a table, the longer coupons shift and search; the emptier, the more
 * memory goes to gaps. A table for a known number of coupons has a fifth more
 * slots; one that fills grows by half when a tenth is left. */
static uint32_t sparse_capacity(uint32_t count)
{
    return count + count / 5 + 4;
}

static bool sparse_is_crowded(const struct hc_sketch *sketch)
{
    return sketch->count + sketch->count / 9 >= sketch->capacity;
}

static inline uint32_t home_of(uint32_t coupon, uint32_t capacity, unsigned shift)
{
    return (uint32_t)((uint64_t)(coupon & ~SPARSE_RANK_MASK) * capacity >> shift);
}

static inline unsigned home_shift(const struct hc_sketch *sketch)
{
    return sketch->profile->sparse_bits + SPARSE_RANK_BITS;
}

uint32_t sparse_home(const struct hc_sketch *sketch, uint32_t coupon)
{
    return home_of(coupon, sketch->capacity, home_shift(sketch));
}

static struct sparse_layer layer_over(const struct hc_sketch *sketch, uint32_t *slots,
                                      uint32_t capacity, uint32_t count)
{
    assert(count <= capacity);
    return (struct sparse_layer){slots, capacity, 0, count, home_shift(sketch)};
}

/* At home if that is free, otherwise behind the one before; but not so far back
 * that those to come have too few slots. A gap (0) takes no slot. */
static inline void layer_put(struct sparse_layer *layer, uint32_t coupon)
{
    uint32_t at = home_of(coupon, layer->capacity, layer->home_shift);
    uint32_t last = layer->capacity - layer->left, taken = coupon != 0;

    at = at < last ? at : last;
    at = at > layer->next ? at : layer->next;
    layer->slots[at] = coupon;
    layer->next = at + taken;
    layer->left -= taken;
}

void sparse_lay(struct sparse_layer *layer, uint32_t coupon)
{
    assert(layer->left > 0 && coupon != 0);
    layer_put(layer, coupon);
}

/* A table of its own, all gaps; NULL when there is no memory. */
static uint32_t *sparse_allocate(const struct hc_sketch *sketch, uint32_t capacity)
{
    uint32_t *slots = sketch_allocate(&sketch->allocator, capacity * sizeof *slots);

    if (slots != NULL)
        memset(slots, 0, capacity * sizeof *slots);
    return slots;
}

bool sparse_reserve(struct hc_sketch *sketch, uint32_t count, struct sparse_layer *layer)
{
    assert(!sketch->dense && sketch->count == 0 && sketch->coupons == sketch->few);
    if (count > SPARSE_FEW) {
        uint32_t capacity = sparse_capacity(count);
        uint32_t *slots = sparse_allocate(sketch, capacity);

        if (slots == NULL)
            return false;
        sketch->coupons = slots;
        sketch->capacity = capacity;
    }
    sketch->count = count;
    *layer = layer_over(sketch, sketch->coupons, sketch->capacity, count);
    return true;
}

/* A larger table for the same coupons, unless it would be larger than the
 * registers: there is a free slot then. */
static bool sparse_grow(struct hc_sketch *sketch)
{
    uint32_t capacity = sketch->capacity + sketch->capacity / 2 + SPARSE_FEW;
    uint32_t capacity_max = UINT32_C(1) << (sketch->precision - 2);
    struct sparse_layer layer;
    uint32_t *slots;

    if (capacity > capacity_max)
        capacity = capacity_max;
    if (capacity <= sketch->capacity)
        return true;
    slots = sparse_allocate(sketch, capacity);
    if (slots == NULL)
        return false;
    layer = layer_over(sketch, slots, capacity, sketch->count);
    for (uint32_t i = 0; layer.left > 0; i++)
        layer_put(&layer, sketch->coupons[i]);
    sparse_release(sketch);
    sketch->coupons = slots;
    sketch->capacity = capacity;
    return true;
}

/* Where a coupon with this index is, or would be: the first slot, as one walks
 * from its home, that is a gap or not below. The end of the table is a gap. */
static inline uint32_t sparse_seek(const struct hc_sketch *sketch, uint32_t floor)
{
    const uint32_t *slots = sketch->coupons;
    uint32_t at = home_of(floor, sketch->capacity, home_shift(sketch));

    if (slots[at] >= floor) {
        while (at > 0 && slots[at - 1] >= floor)
            at--;
    } else {
        while (at < sketch->capacity && slots[at] - 1 < floor - 1) /* not 0, and below */
            at++;
    }
    return at;
}

/* Puts the coupon before the one at `at`: those from there on move up by one, to
 * the first gap. Where there is none, those before move down instead. */
static void sparse_put(struct hc_sketch *sketch, uint32_t at, uint32_t coupon)
{
    uint32_t *slots = sketch->coupons, *end = slots + sketch->capacity;
    uint32_t down = at;

    for (uint32_t *slot = slots + at; slot < end; slot++) {
        uint32_t next = *slot;

        *slot = coupon;
        coupon = next;
        if (coupon == 0)
            return;
    }
    while (slots[down - 1] != 0)
        down--;
    memmove(slots + down - 1, slots + down, (sketch->capacity - down) * sizeof *slots);
    end[-1] = coupon;
}

enum sparse_answer sparse_insert(struct hc_sketch *sketch, uint32_t coupon)
{
    uint32_t floor = coupon & ~SPARSE_RANK_MASK;
    uint32_t at = sparse_seek(sketch, floor);
    uint32_t *slot = &sketch->coupons[at];

    assert(!sketch->dense && coupon != 0);
    if (at < sketch->capacity && *slot != 0 && sparse_index(*slot) == sparse_index(coupon)) {
        if (coupon <= *slot)
            return SPARSE_KNOWN;
        *slot = coupon;
        return SPARSE_ADDED;
    }
    if ((sketch->count + 1) * sparse_divisor(sketch->profile, sketch->precision) >
        UINT32_C(3) << sketch->precision)
        return SPARSE_FULL;
    if (sparse_is_crowded(sketch)) {
        if (!sparse_grow(sketch))
            return SPARSE_NO_MEMORY;
        at = sparse_seek(sketch, floor);
    }
    assert(sketch->count < sketch->capacity);
    sparse_put(sketch, at, coupon);
    sketch->count++;
    return SPARSE_ADDED;
}

struct sparse_cursor sparse_cursor(const struct hc_sketch *sketch)
{
    assert(!sketch->dense);
    return (struct sparse_cursor){sketch->coupons, sketch->coupons + sketch->capacity};
}

bool sparse_next(struct sparse_cursor *cursor, uint32_t *coupon)
{
    while (cursor->next != cursor->end) {
        *coupon = *cursor->next++;
        if (*coupon != 0)
            return true;
    }
    return false;
}

/* What a union comes to, and where it goes. */
struct sparse_merge {
    const struct profile *profile;
    unsigned precision;
    struct sparse_layer *layer; /* NULL: only count */
    uint32_t count;
    bool raised; /* a coupon of `into` got a larger rank */
};

static void sparse_merge_put(struct sparse_merge *merge, uint32_t coupon)
{
    if (merge->layer != NULL)
        sparse_lay(merge->layer, sparse_trim(merge->profile, coupon, merge->precision));
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

enum sparse_answer sparse_union(struct hc_sketch *into, const struct hc_sketch *from,
                                unsigned precision)
{
    struct sparse_merge merge = {.profile = into->profile, .precision = precision};
    uint32_t few[SPARSE_FEW] = {0}, capacity = SPARSE_FEW, *slots = few;
    struct sparse_layer layer;

    assert(precision <= into->precision && precision <= from->precision);
    sparse_merge_run(&merge, into, from);
    if (merge.count > sparse_limit(into->profile, precision))
        return SPARSE_FULL;
    if (merge.count == into->count && !merge.raised && precision == into->precision)
        return SPARSE_KNOWN;
    if (merge.count > SPARSE_FEW) {
        capacity = sparse_capacity(merge.count);
        slots = sparse_allocate(into, capacity);
    }
    if (slots == NULL)
        return SPARSE_NO_MEMORY;
    layer = layer_over(into, slots, capacity, merge.count);
    merge.layer = &layer;
    sparse_merge_run(&merge, into, from);
    sparse_release(into);
    if (slots == few)
        slots = memcpy(into->few, few, sizeof few);
    into->coupons = slots;
    into->capacity = capacity;
    into->count = merge.count;
    into->precision = (uint8_t)precision;
    return SPARSE_ADDED;
}

void sparse_fold(struct hc_sketch *sketch, unsigned precision)
{
    assert(!sketch->dense && precision <= sketch->precision);
    assert(sketch->count <= sparse_limit(sketch->profile, precision));
    for (uint32_t i = 0; i < sketch->capacity; i++)
        sketch->coupons[i] = sparse_trim(sketch->profile, sketch->coupons[i], precision);
    sketch->precision = (uint8_t)precision;
}

void sparse_release(struct hc_sketch *sketch)
{
    assert(!sketch->dense);
    if (sketch->coupons != sketch->few)
        sketch_release(&sketch->allocator, sketch->coupons);
}
