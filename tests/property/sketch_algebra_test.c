/* Goal: union is commutative, associative and idempotent, and merge(a, b) is
 * the sketch of a u b to the last byte, at all precisions and forms mixed.
 *
 * The sizes lie around every switch: the coupons in the struct, the recent run
 * (64), the promotion of each precision. */
#include "sketch_kit.h"

static const uint64_t sizes[] = {0, 1, 2, 5, 6, 63, 64, 65, 200, 255, 256, 257, 1023, 1024, 1025,
                                 3000, 9000};
static const unsigned precisions[] = {4, 5, 8, 10, 12, 14, 18};

#define SIZES (sizeof sizes / sizeof sizes[0])
#define PRECISIONS (sizeof precisions / sizeof precisions[0])

/* A stretch of ids at a precision. */
struct part {
    unsigned precision;
    uint64_t from, to;
};

static uint64_t part_random(uint64_t *state)
{
    return kit_hash((*state)++).first;
}

/* Stretches that begin within the first few thousand, so that they overlap. */
static struct part part_draw(uint64_t *state)
{
    struct part part;

    part.precision = precisions[part_random(state) % PRECISIONS];
    part.from = part_random(state) % 3 * 150;
    part.to = part.from + sizes[part_random(state) % SIZES];
    return part;
}

static struct hc_sketch *part_sketch(struct part part)
{
    return kit_range(part.precision, part.from, part.to);
}

/* The sketch that all ids of the parts give at the lowest precision. */
static struct hc_sketch *part_all(const struct part *parts, size_t count)
{
    unsigned precision = HC_PRECISION_MAX;
    struct hc_sketch *sketch;

    for (size_t i = 0; i < count; i++)
        precision = parts[i].precision < precision ? parts[i].precision : precision;
    sketch = kit_create(precision, NULL);
    for (size_t i = 0; i < count; i++)
        kit_add(sketch, parts[i].from, parts[i].to);
    return sketch;
}

/* Adds `from` to `into` and holds `changed` to the truth. */
static void unite(struct hc_sketch *into, const struct hc_sketch *from)
{
    uint64_t digest = hc_digest(into);
    int changed = 7;

    ck_assert_int_eq(hc_sketch_union(into, from, &changed), HC_OK);
    ck_assert_int_eq(changed, digest != hc_digest(into));
}

START_TEST(two_parts)
{
    uint64_t state = 1;

    for (int round = 0; round < 400; round++) {
        struct part parts[2] = {part_draw(&state), part_draw(&state)};
        struct hc_sketch *a = part_sketch(parts[0]), *b = part_sketch(parts[1]);
        struct hc_sketch *ab = kit_copy(a), *ba = kit_copy(b), *all = part_all(parts, 2);
        struct hc_sketch *b_before = kit_copy(b);

        unite(ab, b);
        unite(ba, a);
        kit_same(ab, all);
        kit_same(ba, all);
        kit_same(b, b_before); /* the source is only read */
        unite(ab, b);
        unite(ab, ab);
        kit_same(ab, all);
        hc_sketch_destroy(&a);
        hc_sketch_destroy(&b);
        hc_sketch_destroy(&ab);
        hc_sketch_destroy(&ba);
        hc_sketch_destroy(&all);
        hc_sketch_destroy(&b_before);
    }
}
END_TEST

START_TEST(three_parts)
{
    uint64_t state = 1000000;

    for (int round = 0; round < 300; round++) {
        struct part parts[3] = {part_draw(&state), part_draw(&state), part_draw(&state)};
        struct hc_sketch *a = part_sketch(parts[0]), *b = part_sketch(parts[1]);
        struct hc_sketch *c = part_sketch(parts[2]), *left = kit_copy(a), *right = kit_copy(b);
        struct hc_sketch *all = part_all(parts, 3);

        unite(left, b);
        unite(left, c);  /* (a u b) u c */
        unite(right, c);
        unite(a, right); /* a u (b u c) */
        kit_same(left, all);
        kit_same(a, all);
        hc_sketch_destroy(&a);
        hc_sketch_destroy(&b);
        hc_sketch_destroy(&c);
        hc_sketch_destroy(&left);
        hc_sketch_destroy(&right);
        hc_sketch_destroy(&all);
    }
}
END_TEST

/* After a union, a fold or a decoding, a sketch goes on like any other. */
START_TEST(adding_goes_on)
{
    for (size_t s = 0; s < SIZES; s++) {
        struct hc_sketch *a = kit_range(12, 0, sizes[s]), *b = kit_range(10, 100, 200), *decoded;
        struct hc_sketch *all = kit_range(10, 0, sizes[s] + 2000);
        size_t size;
        uint8_t *bytes;

        kit_add(all, 100, 200);
        unite(a, b);
        bytes = kit_encode(a, &size);
        ck_assert_int_eq(hc_decode(bytes, size, NULL, &decoded), HC_OK);
        kit_add(a, sizes[s], sizes[s] + 2000);
        kit_add(decoded, sizes[s], sizes[s] + 2000);
        kit_same(a, all);
        kit_same(decoded, all);
        free(bytes);
        hc_sketch_destroy(&a);
        hc_sketch_destroy(&b);
        hc_sketch_destroy(&all);
        hc_sketch_destroy(&decoded);
    }
}
END_TEST

/* Any order of arrival gives the same sketch. */
START_TEST(order_is_nothing)
{
    for (size_t s = 0; s < SIZES; s++) {
        struct hc_sketch *forth = kit_range(12, 0, sizes[s]), *back = kit_create(12, NULL);
        struct hc_sketch *mixed = kit_create(12, NULL);

        for (uint64_t i = sizes[s]; i > 0; i--)
            kit_add(back, i - 1, i);
        for (uint64_t i = 0; i < 7 * sizes[s]; i++)
            kit_add(mixed, i * 7919 % sizes[s], i * 7919 % sizes[s] + 1);
        kit_same(forth, back);
        kit_same(forth, mixed);
        hc_sketch_destroy(&forth);
        hc_sketch_destroy(&back);
        hc_sketch_destroy(&mixed);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_parts, three_parts, adding_goes_on, order_is_nothing};

    return KIT_RUN("sketch_algebra", tests);
}
