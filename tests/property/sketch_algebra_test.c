/* Goal: union is commutative, associative and idempotent, and merge(a, b) is
 * the sketch of a u b to the last byte, at all precisions and forms mixed.
 *
 * The sizes lie around every switch: the coupons in the struct, the tables that
 * follow, the promotion of each precision. */
#include "check_main.h"
#include "sketch_kit.h"

static const uint64_t sizes[] = {0, 1, 2, 3, 5, 6, 33, 34, 35, 63, 64, 65, 152, 153, 154, 200,
                                 681, 682, 683, 1025, 3071, 3072, 3073, 9000};
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

/* Ids that were chosen to lie side by side: from `first` on, spread places apart. */
static void add_neighbours(struct hc_sketch *sketch, uint64_t first, uint64_t spread,
                           uint64_t count, uint64_t stride)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = (first + i * stride % count * spread) & ((1 << 25) - 1);
        struct hc_hash hash = {place | UINT64_C(1) << 40, 0};

        ck_assert_int_eq(hc_sketch_add_hash(sketch, hash, NULL), HC_OK);
        if (i < 100 || i % 29 == 0)
            kit_check(sketch);
    }
}

/* Coupons crowd at the ends and in the middle of the table, and shift to gaps on
 * either side; the order of arrival is still nothing. */
START_TEST(neighbours)
{
    const uint64_t firsts[] = {0, 1 << 24, (1 << 25) - 1, (1 << 25) - 700, 12345678};
    const uint64_t strides[] = {1, 676, 337, 401}; /* prime to 677; 676: backwards */

    for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++) {
        for (uint64_t spread = 1; spread < 100000; spread *= 40) {
            struct hc_sketch *forth = kit_create(12, NULL);

            add_neighbours(forth, firsts[f], spread, 677, 1);
            for (size_t s = 1; s < sizeof strides / sizeof strides[0]; s++) {
                struct hc_sketch *other = kit_create(12, NULL);

                add_neighbours(other, firsts[f], spread, 677, strides[s]);
                kit_same(forth, other);
                unite(other, forth);
                kit_same(forth, other);
                hc_sketch_destroy(&other);
            }
            hc_sketch_destroy(&forth);
        }
    }
}
END_TEST

/* An id at one of 16 places, half of which need a rank. */
static struct hc_hash ranked_hash(uint64_t *state)
{
    uint64_t random = part_random(state);
    uint64_t index = random & 7, rank = (random >> 6) % 40 + 1;

    if (random >> 20 & 1)
        index |= UINT64_C(1) << 20; /* here the index decides */
    return (struct hc_hash){index | (rank == 40 ? 0 : UINT64_C(1) << (24 + rank)), 0};
}

static void add_ranked(struct hc_sketch *sketch, struct hc_hash hash)
{
    uint64_t digest = hc_digest(sketch);
    int changed = 7;

    ck_assert_int_eq(hc_sketch_add_hash(sketch, hash, &changed), HC_OK);
    ck_assert_int_eq(changed, digest != hc_digest(sketch));
}

/* Coupons of equal index: the larger rank stays, and `changed` knows. */
START_TEST(ranks_unite)
{
    uint64_t state = 2000000;

    for (int round = 0; round < 200; round++) {
        unsigned left_precision = round % 2 == 0 ? 14 : 16, right_precision = 14 + round % 3;
        struct hc_sketch *left = kit_create(left_precision, NULL);
        struct hc_sketch *right = kit_create(right_precision, NULL), *both;
        struct hc_sketch *all = kit_create(
            left_precision < right_precision ? left_precision : right_precision, NULL);

        for (int i = 0; i < round; i++) {
            struct hc_hash hash = ranked_hash(&state);

            add_ranked(i % 3 == 0 ? left : right, hash);
            add_ranked(all, hash);
        }
        both = kit_copy(right);
        unite(both, left);
        unite(left, right);
        kit_same(left, all);
        kit_same(both, all);
        hc_sketch_destroy(&left);
        hc_sketch_destroy(&right);
        hc_sketch_destroy(&both);
        hc_sketch_destroy(&all);
    }
}
END_TEST

#define CROWD_PLACES (UINT32_C(1) << 25)
#define CROWD 900

/* Ids that were chosen: most of them in one stretch of the places, at the end,
 * the beginning or between, so that the table there overflows to either side,
 * the others anywhere around it. */
static void crowd_draw(uint32_t *places, uint64_t *state)
{
    const uint32_t sizes_of_stretch[] = {1000, 30000, 1000000};
    uint32_t size = sizes_of_stretch[part_random(state) % 3];
    uint32_t starts[] = {0, CROWD_PLACES - size, CROWD_PLACES / 5 * 4};
    uint32_t start = starts[part_random(state) % 3];
    uint64_t share = part_random(state) % 10;

    for (size_t i = 0; i < CROWD; i++) {
        uint64_t random = part_random(state);

        places[i] = (uint32_t)(random % CROWD_PLACES);
        if (part_random(state) % 10 < share)
            places[i] = start + (uint32_t)(random % size);
    }
}

static void crowd_add(struct hc_sketch *sketch, uint32_t place)
{
    int changed;

    if (hc_sketch_add_hash(sketch, (struct hc_hash){place | UINT64_C(1) << 25, 0}, &changed) !=
        HC_OK)
        ck_abort_msg("place %u could not be added", place);
}

static int descending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a < b) - (a > b);
}

START_TEST(crowds)
{
    uint64_t state = 77000;

    for (int round = 0; round < 40; round++) {
        struct hc_sketch *drawn = kit_create(14, NULL), *falling = kit_create(14, NULL);
        struct hc_sketch *parts[2] = {kit_create(14, NULL), kit_create(14, NULL)};
        uint32_t places[CROWD];

        crowd_draw(places, &state);
        for (size_t i = 0; i < CROWD; i++) {
            crowd_add(drawn, places[i]);
            crowd_add(parts[i % 2], places[i]);
            if (i % 50 == 0)
                kit_check(drawn);
        }
        qsort(places, CROWD, sizeof places[0], descending);
        for (size_t i = 0; i < CROWD; i++)
            crowd_add(falling, places[i]);
        unite(parts[0], parts[1]);
        kit_same(drawn, falling);
        kit_same(drawn, parts[0]);
        hc_sketch_destroy(&drawn);
        hc_sketch_destroy(&falling);
        hc_sketch_destroy(&parts[0]);
        hc_sketch_destroy(&parts[1]);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, two_parts);
    tcase_add_test(cases, three_parts);
    tcase_add_test(cases, adding_goes_on);
    tcase_add_test(cases, order_is_nothing);
    tcase_add_test(cases, neighbours);
    tcase_add_test(cases, ranks_unite);
    tcase_add_test(cases, crowds);
}
