/* Goal: what two sketches have in common, and what they have not, is as near to
 * the truth as theory says, its intervals hold that truth, and where too little
 * is known nothing is said.
 *
 * Sets are exact: ids are numbers. Coverage is judged by how unlikely it would
 * be with true intervals of 95 %: a bound stands for one false alarm in a
 * million runs of a point, and as ids come from a fixed generator every run
 * sees the same. The maximum of the likelihood is compared in
 * sketch_likelihood_test.c, with another way to write and to find it. */
#include <math.h>

#include "check_main.h"
#include "headcount/overlap.h"
#include "pair.h"
#include "sketch_kit.h"

/* One false alarm in a million, in deviations of a normal distribution. */
#define MILLION 4.753

/* Two sets at their precisions: ids in the first alone, the second alone, both. */
struct point {
    enum hc_profile profile;
    unsigned precision[2];
    double ids[PAIR_PARTS];
    unsigned trials;
    double ratio; /* ours over inclusion and exclusion's error of the intersection, at most */
};

static const struct point points[] = {
    /* Both dense. Jaccard 1/2, 1/3, 1/10, 0, 1; a subset; sizes 1 : 30. */
    {HC_PROFILE_REDIS, {10, 10}, {2500, 2500, 5000}, 800, 0.95},
    {HC_PROFILE_REDIS, {10, 10}, {5000, 5000, 5000}, 800, 0.9},
    {HC_PROFILE_TRINO, {10, 10}, {4500, 4500, 1000}, 800, 0.7},
    {HC_PROFILE_POSTGRES, {10, 10}, {4000, 4000, 0}, 600, 0.5},
    {HC_PROFILE_DATASKETCHES, {10, 10}, {0, 0, 8000}, 600, 1.02},
    {HC_PROFILE_ZETASKETCH, {10, 10}, {0, 4000, 800}, 600, 1.02},
    {HC_PROFILE_DATASKETCHES, {10, 10}, {500, 30000, 500}, 300, 1.02},
    {HC_PROFILE_REDIS, {10, 12}, {1000, 3000, 1500}, 600, 0.9},
    {HC_PROFILE_REDIS, {4, 4}, {40, 60, 50}, 1500, 1.02},
    {HC_PROFILE_REDIS, {14, 14}, {6000, 6000, 3000}, 150, 1.02},
    /* One sparse. */
    {HC_PROFILE_REDIS, {10, 10}, {50, 1000, 50}, 1000, 0.9},
    {HC_PROFILE_DATASKETCHES, {10, 10}, {60, 3000, 60}, 800, 0.9},
    {HC_PROFILE_POSTGRES, {10, 10}, {20, 1500, 130}, 800, 0.9},
    {HC_PROFILE_TRINO, {12, 10}, {300, 800, 100}, 800, 0.9},
    {HC_PROFILE_ZETASKETCH, {14, 14}, {1000, 9000, 1000}, 150, 0.95},
    {HC_PROFILE_REDIS, {4, 4}, {1, 60, 1}, 1500, 1.02},
    /* Both sparse. */
    {HC_PROFILE_REDIS, {14, 14}, {1000, 1500, 1000}, 300, 1.02},
    {HC_PROFILE_DATASKETCHES, {18, 12}, {20000, 200, 100}, 60, 1.02},
    {HC_PROFILE_REDIS, {18, 18}, {20000, 20000, 1000}, 60, 1.02},
    {HC_PROFILE_TRINO, {18, 18}, {20000, 20000, 20000}, 60, 1.02},
};

#define POINTS (sizeof points / sizeof points[0])

struct pair {
    struct hc_sketch *first, *second;
};

static struct pair pair_of(const struct point *point, uint64_t from)
{
    uint64_t alone = (uint64_t)point->ids[PAIR_FIRST], both = (uint64_t)point->ids[PAIR_BOTH];
    struct pair pair = {kit_create_as(point->profile, point->precision[0], NULL),
                        kit_create_as(point->profile, point->precision[1], NULL)};

    kit_add(pair.first, from, from + alone + both);
    kit_add(pair.second, from + alone, from + alone + both + (uint64_t)point->ids[PAIR_SECOND]);
    return pair;
}

static void pair_free(struct pair *pair)
{
    hc_sketch_destroy(&pair->first);
    hc_sketch_destroy(&pair->second);
}

/* Inclusion and exclusion's intersection. */
static double plain_intersection(const struct pair *pair)
{
    struct hc_sketch *all = kit_copy(pair->first);
    double sum;

    ck_assert_int_eq(hc_sketch_union(all, pair->second, NULL), HC_OK);
    sum = hc_sketch_estimate(pair->first).value + hc_sketch_estimate(pair->second).value -
          hc_sketch_estimate(all).value;
    hc_sketch_destroy(&all);
    return fmax(sum, 0);
}

static int is_sane(const struct hc_estimate *estimate)
{
    return 0 <= estimate->low && estimate->low <= estimate->value &&
           estimate->value <= estimate->high && isfinite(estimate->high) &&
           isfinite(estimate->error) && estimate->error >= 0;
}

START_TEST(intervals_hold)
{
    const struct point *point = &points[_i];
    double square[PAIR_PARTS] = {0}, claimed[PAIR_PARTS] = {0}, plain = 0;
    unsigned held[PAIR_PARTS] = {0};

    for (unsigned trial = 0; trial < point->trials; trial++) {
        struct pair pair = pair_of(point, (uint64_t)(_i * 100000 + (int)trial) << 24);
        double by_plain = plain_intersection(&pair) - point->ids[PAIR_BOTH];

        for (int part = 0; part < PAIR_PARTS; part++) {
            struct hc_estimate estimate;
            double truth = point->ids[part], error;

            if (pair_estimate(pair.first, pair.second, (enum pair_part)part, &estimate) != HC_OK ||
                !is_sane(&estimate))
                ck_abort_msg("trial %u, part %d", trial, part);
            error = estimate.value - truth;
            square[part] += error * error;
            claimed[part] += pow(estimate.error * estimate.value, 2);
            held[part] += estimate.low <= truth && truth <= estimate.high;
        }
        plain += by_plain * by_plain;
        pair_free(&pair);
    }
    ck_assert_double_le(sqrt(square[PAIR_BOTH] / plain), point->ratio);
    for (int part = 0; part < PAIR_PARTS; part++) {
        double trials = point->trials, spread = MILLION * sqrt(0.95 * 0.05 * trials);

        ck_assert_msg(held[part] >= 0.95 * trials - spread, "part %d: %u", part, held[part]);
        /* Where an answer is given, its error is the one that is claimed. */
        if (sqrt(claimed[part]) < 0.2 * point->ids[part] * sqrt(trials) && square[part] > trials)
            ck_assert_double_le(fabs(sqrt(square[part] / claimed[part]) - 1),
                                MILLION / sqrt(2 * trials) + 0.05);
    }
}
END_TEST

/* No part is above what it is a part of. */
static void is_within(const struct pair *pair, enum pair_part part)
{
    struct hc_estimate estimate, first = hc_sketch_estimate(pair->first);
    struct hc_estimate second = hc_sketch_estimate(pair->second);

    if (pair_estimate(pair->first, pair->second, part, &estimate) != HC_OK ||
        (part != PAIR_SECOND && estimate.value > first.value) ||
        (part != PAIR_FIRST && estimate.value > second.value))
        ck_abort_msg("part %d: %g of %g and %g", part, estimate.value, first.value, second.value);
}

/* Sizes 10 to 10^6, 1 : 1 to 1 : 1000, Jaccard 0 to 1, every precision and
 * layout: what is answered is near the truth, and order does not matter. */
static void sweep_pair(enum hc_profile profile, unsigned precision, uint64_t small, uint64_t large,
                       double share)
{
    uint64_t both = (uint64_t)((double)small * share);
    const struct point point = {.profile = profile, .precision = {precision, precision},
                                .ids = {(double)(small - both), (double)(large - both),
                                        (double)both}};
    struct pair pair = pair_of(&point, (small * 7919 + large * 31 + both) << 24);
    struct hc_estimate answers[PAIR_PARTS + 1];
    enum hc_status statuses[PAIR_PARTS + 1];

    statuses[PAIR_FIRST] = hc_sketch_difference(pair.first, pair.second, &answers[PAIR_FIRST]);
    statuses[PAIR_SECOND] = hc_sketch_difference(pair.second, pair.first, &answers[PAIR_SECOND]);
    statuses[PAIR_BOTH] = hc_sketch_intersection(pair.first, pair.second, &answers[PAIR_BOTH]);
    statuses[PAIR_PARTS] = hc_sketch_intersection(pair.second, pair.first, &answers[PAIR_PARTS]);
    for (int part = 0; part < PAIR_PARTS; part++) {
        const struct hc_estimate *answer = &answers[part];
        double reach;

        is_within(&pair, (enum pair_part)part);
        if (statuses[part] != HC_OK && statuses[part] != HC_EWIDE)
            ck_abort_msg("%s", hc_status_name(statuses[part]));
        if (statuses[part] != HC_OK)
            continue;
        reach = 2.5 * fmax(answer->high - answer->value, answer->value - answer->low) + 2;
        if (!is_sane(answer) || fabs(answer->value - point.ids[part]) > reach ||
            answer->high - answer->low > answer->value)
            ck_abort_msg("p %u, %g %g %g, part %d: %g in %g .. %g", precision, point.ids[0],
                         point.ids[1], point.ids[2], part, answer->value, answer->low,
                         answer->high);
    }
    ck_assert_int_eq(statuses[PAIR_BOTH], statuses[PAIR_PARTS]);
    if (statuses[PAIR_BOTH] == HC_OK)
        ck_assert_double_le(fabs(answers[PAIR_BOTH].value - answers[PAIR_PARTS].value),
                            1e-3 * answers[PAIR_BOTH].error * answers[PAIR_BOTH].value + 1e-6);
    pair_free(&pair);
}

START_TEST(sweep)
{
    static const enum hc_profile profiles[] = {HC_PROFILE_REDIS, HC_PROFILE_DATASKETCHES,
                                               HC_PROFILE_POSTGRES, HC_PROFILE_TRINO};
    static const unsigned precisions[] = {4, 10, 14, 18};
    static const double shares[] = {0, 0.1, 0.5, 1};
    enum hc_profile profile = profiles[_i % 4];
    unsigned precision = precisions[_i / 4];

    for (uint64_t small = 10; small <= 100000; small *= 10) {
        for (uint64_t times = 1; times <= 1000 && small * times <= 1000000; times *= 10) {
            for (size_t i = 0; i < 4 && (small * times < 1000000 || i % 2 == _i % 2u); i++)
                sweep_pair(profile, precision, small, small * times, shares[i]);
        }
    }
}
END_TEST

/* Swapped arguments give the very same intersection, and folding first too. */
START_TEST(order_and_precision)
{
    static const unsigned precisions[][2] = {{10, 10}, {12, 10}, {10, 12}, {14, 4}, {4, 18}};

    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
        for (uint64_t ids = 3; ids < 30000; ids *= 7) {
            const struct point point = {.profile = HC_PROFILE_REDIS,
                                        .precision = {precisions[i][0], precisions[i][1]},
                                        .ids = {(double)ids, 3000, (double)ids * 2}};
            unsigned lower = precisions[i][0] < precisions[i][1] ? precisions[i][0]
                                                                  : precisions[i][1];
            struct pair pair = pair_of(&point, (uint64_t)i << 40);
            struct hc_estimate there, back, folded;

            ck_assert_int_eq(pair_estimate(pair.first, pair.second, PAIR_BOTH, &there), HC_OK);
            ck_assert_int_eq(pair_estimate(pair.second, pair.first, PAIR_BOTH, &back), HC_OK);
            ck_assert_mem_eq(&there, &back, sizeof there);
            if (!hc_sketch_is_sparse(pair.first) && !hc_sketch_is_sparse(pair.second)) {
                ck_assert_int_eq(hc_sketch_fold(pair.first, lower), HC_OK);
                ck_assert_int_eq(hc_sketch_fold(pair.second, lower), HC_OK);
                ck_assert_int_eq(pair_estimate(pair.first, pair.second, PAIR_BOTH, &folded), HC_OK);
                ck_assert_double_eq_tol(folded.value, there.value, 1e-9 * there.value);
            }
            pair_free(&pair);
        }
    }
}
END_TEST

static void is_exactly(enum hc_status status, const struct hc_estimate *estimate, double number)
{
    ck_assert_int_eq(status, HC_OK);
    ck_assert_double_eq_tol(estimate->value, number, 1e-3);
    ck_assert(estimate->low <= number && number <= estimate->high + 1e-9);
    ck_assert_double_le(estimate->high - estimate->low, 1e-3);
}

START_TEST(few_ids_are_exact)
{
    struct hc_sketch *empty = kit_create(14, NULL), *other = kit_create(18, NULL);
    struct hc_sketch *some = kit_range(14, 0, 100), *more = kit_range(12, 40, 200);
    struct hc_estimate estimate;

    is_exactly(hc_sketch_intersection(some, more, &estimate), &estimate, 60);
    is_exactly(hc_sketch_difference(some, more, &estimate), &estimate, 40);
    is_exactly(hc_sketch_difference(more, some, &estimate), &estimate, 100);
    is_exactly(hc_sketch_difference(some, some, &estimate), &estimate, 0);
    is_exactly(hc_sketch_intersection(some, some, &estimate), &estimate, 100);
    kit_add(other, 500, 600);
    is_exactly(hc_sketch_intersection(some, other, &estimate), &estimate, 0);
    is_exactly(hc_sketch_intersection(empty, some, &estimate), &estimate, 0);
    is_exactly(hc_sketch_intersection(empty, empty, &estimate), &estimate, 0);
    is_exactly(hc_sketch_difference(some, empty, &estimate), &estimate, 100);
    is_exactly(hc_sketch_difference(empty, some, &estimate), &estimate, 0);
    hc_sketch_destroy(&empty);
    hc_sketch_destroy(&other);
    hc_sketch_destroy(&some);
    hc_sketch_destroy(&more);
}
END_TEST

/* Nothing is written but with HC_OK. */
static void is_refused(enum hc_status status, enum hc_status expected,
                       const struct hc_estimate *estimate)
{
    ck_assert_int_eq(status, expected);
    ck_assert(estimate->value == -1 && estimate->low == -2);
}

START_TEST(refusals)
{
    struct hc_sketch *first = kit_range(12, 0, 50000), *same = kit_copy(first);
    struct hc_sketch *apart = kit_range(12, 50000, 100000), *near = kit_range(12, 49800, 99800);
    struct hc_sketch *alien = kit_create_as(HC_PROFILE_TRINO, 12, NULL);
    struct hc_sketch *keyed = kit_create_as(HC_PROFILE_KEYED, 12, NULL), *other_key = NULL;
    struct hc_sketch *empty = kit_create(12, NULL);
    const uint8_t key[HC_KEY_SIZE] = {7};
    const struct hc_sketch_options options = {HC_PROFILE_KEYED, 12, NULL, key};
    struct hc_estimate estimate = {-1, -2, -3, -4};

    is_refused(hc_sketch_difference(first, same, &estimate), HC_EWIDE, &estimate);
    is_refused(hc_sketch_intersection(first, apart, &estimate), HC_EWIDE, &estimate);
    is_refused(hc_sketch_intersection(first, near, &estimate), HC_EWIDE, &estimate);
    is_refused(hc_sketch_intersection(first, alien, &estimate), HC_EPROFILE, &estimate);
    is_refused(hc_sketch_difference(alien, first, &estimate), HC_EPROFILE, &estimate);
    ck_assert_int_eq(hc_sketch_create(&options, &other_key), HC_OK);
    is_refused(hc_sketch_intersection(keyed, other_key, &estimate), HC_EPROFILE, &estimate);
    ck_assert_int_eq(hc_sketch_difference(first, near, &estimate), HC_OK);
    is_exactly(hc_sketch_intersection(first, empty, &estimate), &estimate, 0);
    hc_sketch_destroy(&first);
    hc_sketch_destroy(&same);
    hc_sketch_destroy(&apart);
    hc_sketch_destroy(&near);
    hc_sketch_destroy(&alien);
    hc_sketch_destroy(&keyed);
    hc_sketch_destroy(&other_key);
    hc_sketch_destroy(&empty);
}
END_TEST

/* A sketch with ids that no hash gives: ranks up to the largest everywhere. */
static struct hc_sketch *hostile(enum hc_profile profile, unsigned precision, unsigned seed,
                                 unsigned rank_max)
{
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);

    for (uint64_t i = 0; i < UINT64_C(1) << precision; i++) {
        unsigned rank = seed == 0 ? rank_max : kit_hash(i + seed).first % (rank_max + 1);
        uint64_t rest = rank == 0 ? 0 : UINT64_C(1) << (rank - 1);
        struct hc_hash hash = {i | rest << precision, 0};

        if (rank > 0 && hc_sketch_add_hash(sketch, hash, NULL) != HC_OK)
            ck_abort_msg("rank %u", rank);
    }
    return sketch;
}

/* Any registers: an answer in order, or none. */
START_TEST(hostile_registers)
{
    const unsigned precision = _i % 2 == 0 ? 6 : 12, other = _i / 2 % 2 == 0 ? 6 : 12;
    struct hc_sketch *sketches[] = {
        hostile(HC_PROFILE_REDIS, precision, 0, 64 - precision),
        hostile(HC_PROFILE_REDIS, other, 1, 64 - other),
        hostile(HC_PROFILE_REDIS, precision, 1000, 5),
        hostile(HC_PROFILE_REDIS, other, 2, 1),
        kit_range(precision, 0, 10),
        kit_range(other, 5, 3000),
        kit_range(precision, 0, 1),
    };
    const size_t count = sizeof sketches / sizeof sketches[0];

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            for (int part = 0; part < PAIR_PARTS; part++) {
                struct hc_estimate estimate;
                uint64_t before = hc_digest(sketches[i]) ^ hc_digest(sketches[j]);

                ck_assert_int_eq(pair_estimate(sketches[i], sketches[j], (enum pair_part)part,
                                               &estimate), HC_OK);
                ck_assert_msg(is_sane(&estimate), "%zu %zu %d: %g %g %g %g", i, j, part,
                              estimate.value, estimate.low, estimate.high, estimate.error);
                ck_assert_uint_eq(hc_digest(sketches[i]) ^ hc_digest(sketches[j]), before);
            }
        }
    }
    for (size_t i = 0; i < count; i++)
        hc_sketch_destroy(&sketches[i]);
}
END_TEST

/* Whether the question is answered with `left` allocations. */
static int answered(unsigned first_precision, unsigned second_precision, uint64_t ids, long left)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch *first = kit_create(first_precision, &allocator);
    struct hc_sketch *second = kit_create(second_precision, &allocator);
    struct hc_estimate estimate = {-1, -2, -3, -4};
    enum hc_status status;
    size_t bytes;

    kit_add(first, 0, ids);
    kit_add(second, 0, 3000);
    bytes = memory.bytes;
    memory.left = left;
    status = hc_sketch_intersection(first, second, &estimate);
    memory.left = -1;
    ck_assert_uint_eq(memory.bytes, bytes);
    if (status != HC_OK)
        is_refused(status, HC_ENOMEM, &estimate);
    hc_sketch_destroy(&first);
    hc_sketch_destroy(&second);
    ck_assert_uint_eq(memory.blocks, 0);
    return status == HC_OK;
}

START_TEST(every_allocation_fails)
{
    static const struct {
        unsigned precision[2];
        uint64_t ids;
        long allocations;
    } cases[] = {{{10, 10}, 3000, 0}, {{12, 10}, 6000, 1}, {{10, 12}, 6000, 1},
                 {{10, 10}, 100, 1},  {{10, 12}, 100, 2},  {{14, 10}, 100, 1},
                 {{18, 18}, 3000, 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (long left = 0; left <= cases[i].allocations; left++)
            ck_assert_int_eq(answered(cases[i].precision[0], cases[i].precision[1], cases[i].ids,
                                      left), left == cases[i].allocations);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, intervals_hold, 0, POINTS);
    tcase_add_loop_test(tcase, sweep, 0, 16);
    tcase_add_test(tcase, order_and_precision);
    tcase_add_test(tcase, few_ids_are_exact);
    tcase_add_test(tcase, refusals);
    tcase_add_loop_test(tcase, hostile_registers, 0, 4);
    tcase_add_test(tcase, every_allocation_fails);
}
