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
 * slots; one that fills grows by a third when it has no more than that. */
static uint32_t sparse_capacity(uint32_t count)
{
    return count + count / 5 + 4;
}

static bool sparse_is_crowded(const struct hc_sketch *sketch)
{
    return sketch->count + sketch->count / 5 >= sketch->capacity;
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
    uint32_t capacity = sketch->capacity + sketch->capacity / 3 + SPARSE_FEW + 1;
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

static bool sparse_has_room(const struct hc_sketch *sketch)
{
    return (sketch->count + 1) * sparse_divisor(sketch->profile, sketch->precision) <=
           UINT32_C(3) << sketch->precision;
}

/* Any coupon into any table, step by step. */
static enum sparse_answer sparse_insert_walking(struct hc_sketch *sketch, uint32_t coupon)
{
    uint32_t floor = coupon & ~SPARSE_RANK_MASK;
    uint32_t at = sparse_seek(sketch, floor);
    uint32_t *slot = &sketch->coupons[at];

    if (at < sketch->capacity && *slot != 0 && sparse_index(*slot) == sparse_index(coupon)) {
        if (coupon <= *slot)
            return SPARSE_KNOWN;
        *slot = coupon;
        return SPARSE_ADDED;
    }
    if (!sparse_has_room(sketch))
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

/* Walking costs little but its turns: where a walk ends is chance, and what a
 * processor guessed wrong takes it as long as a hash. So where the slots from a
 * coupon's home on are those of most coupons, all of the window is looked at and
 * shifted at once, in vectors that compilers know on every processor, and
 * nothing is guessed. The plain way is sparse_insert_walking. */
#define WINDOW 16

typedef uint32_t quad __attribute__((vector_size(16)));
typedef int32_t quad_signed __attribute__((vector_size(16)));

static inline quad quad_of(uint32_t value)
{
    return (quad){value, value, value, value};
}

static inline quad quad_load(const uint32_t *slots)
{
    quad value;

    memcpy(&value, slots, sizeof value);
    return value;
}

/* All ones where left is below right, as signed numbers: processors have that. */
static inline quad quad_below(quad left, quad right)
{
    return (quad)((quad_signed)left < (quad_signed)right);
}

/* Of four slots: bit 0 to 3 where there is a gap, 16 to 19 where there is a
 * coupon below `floor`. Less one, a gap is above all. */
static inline quad quad_look(const uint32_t *slots, uint32_t floor)
{
    const quad bits = {1, 2, 4, 8}, less_one = quad_of(INT32_MAX); /* and signed */
    quad here = quad_load(slots);
    quad gaps = (quad)(here == quad_of(0)) & bits;
    quad below = quad_below(here + less_one, quad_of(floor) + less_one) & bits << 16;

    return gaps | below;
}

/* The same of all slots of the window. `floor` is not 0. */
static inline uint32_t window_look(const uint32_t *slots, uint32_t floor)
{
    quad seen = quad_look(slots, floor) | quad_look(slots + 4, floor) << 4 |
                quad_look(slots + 8, floor) << 8 | quad_look(slots + 12, floor) << 12;

    seen |= (quad){seen[2], seen[3], seen[0], seen[1]};
    return seen[0] | seen[1];
}

/* Slots number..number+3 of a window, as they are when those from `at` on have
 * moved up by one, to `gap`. */
static inline quad quad_shift(const uint32_t *slots, uint32_t number, uint32_t at, uint32_t gap)
{
    quad numbers = {number, number + 1, number + 2, number + 3};
    quad moved = quad_below(quad_of(at), numbers) & ~quad_below(quad_of(gap), numbers);

    return (quad_load(slots + number - 1) & moved) | (quad_load(slots + number) & ~moved);
}

/* Loads all before it stores any. */
static inline void window_shift(uint32_t *slots, uint32_t at, uint32_t gap)
{
    quad made[WINDOW / 4] = {quad_shift(slots, 0, at, gap), quad_shift(slots, 4, at, gap),
                             quad_shift(slots, 8, at, gap), quad_shift(slots, 12, at, gap)};

    memcpy(slots, made, sizeof made);
}

/* Whether one of the first eight slots is this coupon. */
static inline bool window_has(const uint32_t *slots, uint32_t coupon)
{
    quad wanted = quad_of(coupon);
    quad hits = (quad)(quad_load(slots) == wanted) | (quad)(quad_load(slots + 4) == wanted);
    uint64_t halves[2];

    memcpy(halves, &hits, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* Looks from home upwards only: a coupon before its home is one that the table's
 * end pushed back, there is no gap from it to that end, and so one walks.
 * A function of its own: what one calls costs it registers, used or not, and
 * the coupons that are known don't come here. */
static __attribute__((noinline)) enum sparse_answer
sparse_insert_window(struct hc_sketch *sketch, uint32_t *slots, uint32_t coupon)
{
    uint32_t floor = coupon & ~SPARSE_RANK_MASK;
    uint32_t seen = window_look(slots, floor);
    uint32_t at = (uint32_t)__builtin_ctz(~(seen >> WINDOW));
    uint32_t gap = (uint32_t)__builtin_ctz(seen | UINT32_C(1) << WINDOW);

    if (gap == WINDOW || sparse_index(slots[at]) == sparse_index(coupon) ||
        !sparse_has_room(sketch) || sparse_is_crowded(sketch))
        return sparse_insert_walking(sketch, coupon);
    assert(at <= gap);
    window_shift(slots, at, gap);
    slots[at] = coupon;
    sketch->count++;
    return SPARSE_ADDED;
}

enum sparse_answer sparse_insert(struct hc_sketch *sketch, uint32_t coupon)
{
    uint32_t home = home_of(coupon, sketch->capacity, home_shift(sketch));
    uint32_t *slots = sketch->coupons + home;

    assert(!sketch->dense && coupon != 0);
    if (home == 0 || home + WINDOW > sketch->capacity)
        return sparse_insert_walking(sketch, coupon);
    if (window_has(slots, coupon))
        return SPARSE_KNOWN;
    return sparse_insert_window(sketch, slots, coupon);
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
