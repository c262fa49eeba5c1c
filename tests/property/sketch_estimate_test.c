/* Goal: estimates are as good as theory says, and so are their intervals.
 *
 * Ids come from a fixed generator, so every run sees the same numbers; the
 * bounds are those of the statistics, wide enough that only a wrong estimator
 * falls outside. At each point, some of them where a form or a term of the
 * formula takes over: the mean error is within 4 standard errors of the bias
 * of the method (about 1.1 / m), the root mean square is that of theory, the
 * claimed error is the real one, and the intervals hold the truth as often as
 * they say: 95 to 96 % from one id a register on, at least 95 % below. */
#include <math.h>

#include "check_main.h"
#include "estimate.h"
#include "sketch_kit.h"

/* Trials of `n` ids at a precision. */
struct point {
    unsigned precision;
    unsigned trials;
    double n;
    double error; /* the relative standard error of theory */
};

/* sqrt(m) times the error of theory, from x^2 (2 ln 2)^2 V - 1 / x, at n / m of
 * 1/4, 1, 2.5, 4, 10 and 60: computed apart, in Python, from numerical
 * derivatives of the estimator. */
#define QUARTER 0.7332
#define ONE 0.7854
#define MANY 0.8611
#define FOUR 0.9148
#define TEN 0.9897
#define SIXTY 1.0309
/* Linear counting in 2^25 places: 1 / sqrt(2^26). */
#define SPARSE_ERROR (1 / 8192.0)

static const struct point points[] = {
    {8, 4000, 65, QUARTER / 16},     {8, 4000, 256, ONE / 16},     {8, 4000, 640, MANY / 16},
    {8, 4000, 1024, FOUR / 16},      {8, 2000, 15360, SIXTY / 16},
    {10, 2000, 257, QUARTER / 32},   {10, 2000, 1024, ONE / 32},   {10, 2000, 2560, MANY / 32},
    {10, 1000, 10240, TEN / 32},     {10, 500, 61440, SIXTY / 32},
    {12, 1000, 1030, QUARTER / 64},  {12, 1000, 4096, ONE / 64},   {12, 1000, 10240, MANY / 64},
    {14, 1000, 1000, SPARSE_ERROR},  {14, 1000, 3070, SPARSE_ERROR},
    {14, 500, 4110, QUARTER / 128},  {14, 500, 16384, ONE / 128},  {14, 300, 40960, MANY / 128},
    {18, 200, 20000, SPARSE_ERROR},  {18, 100, 56000, SPARSE_ERROR},
    {18, 100, 65700, QUARTER / 512},
};

#define POINTS (sizeof points / sizeof points[0])

/* What the trials of a point came to. */
struct outcome {
    double mean, square; /* of the relative error */
    double claimed;      /* mean standard error */
    double covered;      /* share of intervals that hold n */
    unsigned sparse;     /* trials that ended in the sparse form */
};

static struct outcome outcome_of(const struct point *point, uint64_t first)
{
    struct outcome outcome = {0, 0, 0, 0, 0};
    uint64_t n = (uint64_t)point->n;

    for (unsigned trial = 0; trial < point->trials; trial++) {
        struct hc_sketch *sketch = kit_range(point->precision, first + trial * n,
                                             first + (trial + 1) * n);
        struct hc_estimate estimate = hc_sketch_estimate(sketch);
        double error = estimate.value / point->n - 1;

        outcome.mean += error / point->trials;
        outcome.square += error * error / point->trials;
        outcome.claimed += estimate.error / point->trials;
        outcome.covered += (estimate.low <= point->n && point->n <= estimate.high) /
                           (double)point->trials;
        outcome.sparse += (unsigned)hc_sketch_is_sparse(sketch);
        hc_sketch_destroy(&sketch);
    }
    return outcome;
}

/* 95 to 96 % from one id a register on, 95 or more below, each but for four
 * standard errors of the measurement. */
static void coverage_is_right(const struct point *point, const struct outcome *outcome)
{
    double spread = 4 * sqrt(0.045 * 0.955 / point->trials);
    double m = ldexp(1, (int)point->precision), most = point->n > m ? 0.96 : 1;

    if (outcome->covered < 0.95 - spread || outcome->covered > most + spread)
        ck_abort_msg("p %u, n %g: %g of the intervals hold it", point->precision, point->n,
                     outcome->covered);
}

START_TEST(errors_are_those_of_theory)
{
    const struct point *point = &points[_i];
    struct outcome outcome = outcome_of(point, (uint64_t)_i << 40);
    double m = ldexp(1, (int)point->precision), trials = point->trials;
    int is_sparse = point->error == SPARSE_ERROR;
    double bias = is_sparse ? 0 : 1.2 / m, rms = sqrt(outcome.square);
    double spread;

    ck_assert_double_le(fabs(outcome.mean), bias + 4 * point->error / sqrt(trials));
    if (!is_sparse)
        ck_assert_double_le(rms, 1.04 / sqrt(m) * (1 + 3 / sqrt(2 * trials)));
    /* Few collisions are far from normal: four more of their own deviations. */
    spread = (is_sparse ? 8 : 4) / sqrt(2 * trials) + 0.02;
    ck_assert_double_le(fabs(rms / point->error - 1), spread);
    ck_assert_double_le(fabs(outcome.claimed / point->error - 1), 0.02);
    ck_assert_int_eq(outcome.sparse, is_sparse ? point->trials : 0);
    coverage_is_right(point, &outcome);
}
END_TEST

/* In order, finite, and within 7 standard errors of the truth. */
static void estimate_is_sane(const struct hc_estimate *estimate, unsigned precision, double n)
{
    double sigma = 1.04 / sqrt(ldexp(1, (int)precision));

    if (!(0 <= estimate->low && estimate->low <= estimate->value &&
          estimate->value <= estimate->high && isfinite(estimate->high)))
        ck_abort_msg("p %u, n %g: %g %g %g", precision, n, estimate->low, estimate->value,
                     estimate->high);
    if (fabs(estimate->value - n) > 7 * sigma * n + 1)
        ck_abort_msg("p %u: %g for %g", precision, estimate->value, n);
}

/* With few registers estimates are far from normal, and with few ids they are
 * far from continuous: the intervals are still right at every n. */
START_TEST(few_registers)
{
    unsigned precision = (unsigned)_i;

    for (unsigned n = 2; n < 6u << precision; n += 1 + (n << 3 >> precision)) {
        struct point point = {precision, 4000, n, 0};
        struct outcome outcome = outcome_of(&point, (uint64_t)(precision * 1000 + n) << 32);

        coverage_is_right(&point, &outcome);
    }
}
END_TEST

/* At some 768 sizes through all switches: sane, and most intervals hold. */
START_TEST(sweep)
{
    for (unsigned precision = HC_PRECISION_MIN; precision <= 12; precision++) {
        uint64_t step = precision > 8 ? UINT64_C(1) << (precision - 8) : 1;
        unsigned held = 0, seen = 0;

        for (unsigned trial = 0; trial < 60; trial++) {
            struct hc_sketch *sketch = kit_create(precision, NULL);
            uint64_t first = (uint64_t)(precision * 100 + trial) << 32;

            for (uint64_t n = 0; n < UINT64_C(3) << precision; n += step) {
                struct hc_estimate estimate = hc_sketch_estimate(sketch);

                estimate_is_sane(&estimate, precision, (double)n);
                held += estimate.low <= (double)n && (double)n <= estimate.high;
                seen++;
                kit_add(sketch, first + n, first + n + step);
            }
            hc_sketch_destroy(&sketch);
        }
        ck_assert_double_ge((double)held / seen, 0.93); /* steps of a trial are alike */
    }
}
END_TEST

START_TEST(first_ids_are_exact)
{
    struct hc_sketch *sketch = kit_create(14, NULL);

    for (uint64_t n = 0; n <= 500; n++) {
        struct hc_estimate estimate = hc_sketch_estimate(sketch);

        ck_assert_double_eq_tol(estimate.value, (double)n, 0.005);
        ck_assert_double_eq(estimate.low, (double)n);
        ck_assert_double_le(estimate.high, (double)n + 0.005);
        ck_assert_double_le(estimate.error, n < 2 ? 0 : SPARSE_ERROR);
        kit_add(sketch, n, n + 1);
    }
    hc_sketch_destroy(&sketch);
}
END_TEST

/* In registers that end at rank 31, as PostgreSQL's do, the largest rank is
 * reached by counts of today. Whatever such ids are, the interval holds them. */
static void full_registers_leave_the_end_open(uint8_t *registers, unsigned precision)
{
    size_t m = (size_t)1 << precision;
    struct hc_estimate estimate;

    memset(registers, 31, m);
    estimate = estimate_dense(registers, precision, 31);
    ck_assert_double_eq(estimate.high, ldexp(1, 64));
    ck_assert_double_le(estimate.low, ldexp((double)m, 33));
    ck_assert(isfinite(estimate.error));
    registers[0] = 30;
    estimate = estimate_dense(registers, precision, 31);
    ck_assert_double_gt(estimate.low, (double)m / 2);
    ck_assert_double_le(estimate.high, ldexp(1, 64));
    ck_assert(estimate.low <= estimate.value && estimate.value <= estimate.high);
}

/* Registers that no stream gives, but that a decoder may: all numbers finite
 * and in order, and more registers never count less. */
START_TEST(extremes)
{
    static uint8_t registers[KIT_REGISTERS_MAX];

    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision += 7) {
        unsigned rank_max = 65 - precision;
        size_t m = (size_t)1 << precision;
        double before = -1;

        for (unsigned rank = 0; rank <= rank_max; rank++) {
            struct hc_estimate estimate;

            memset(registers, (int)rank, m);
            estimate = estimate_dense(registers, precision, rank_max);
            ck_assert(isfinite(estimate.value) && isfinite(estimate.high));
            ck_assert(isfinite(estimate.error) && estimate.error >= 0);
            ck_assert_double_gt(estimate.value, before);
            ck_assert_double_ge(estimate.low, 0);
            ck_assert_double_le(estimate.low, estimate.value);
            ck_assert_double_ge(estimate.high, estimate.value);
            ck_assert_double_le(estimate.value, ldexp(1, 64));
            before = estimate.value;
        }
        ck_assert_double_eq(before, ldexp(1, 64));
        full_registers_leave_the_end_open(registers, precision);
        memset(registers, 0, m);
        registers[m - 1] = (uint8_t)rank_max;
        ck_assert_double_eq_tol(estimate_dense(registers, precision, rank_max).value, 1, 0.05);
    }
}
END_TEST

/* Any ranks at all, near each other or not: numbers in order, none infinite. */
START_TEST(any_registers)
{
    static const unsigned precisions[] = {4, 10};
    uint8_t registers[1 << 10];

    for (uint64_t round = 0; round < 30000; round++) {
        unsigned precision = precisions[round % 50 == 0];
        unsigned rank_max = round % 3 == 0 ? 31 : round % 3 == 1 ? 63 : 65 - precision;
        uint64_t seed = kit_hash(round).first;
        unsigned least = seed % (rank_max + 1), width = rank_max + 1 - least;
        struct hc_estimate estimate;

        width = 1 + (seed >> 8) % width;
        for (size_t i = 0; i < (size_t)1 << precision; i++)
            registers[i] = (uint8_t)(least + kit_hash(seed + i).first % width);
        estimate = estimate_dense(registers, precision, rank_max);
        if (!(0 <= estimate.low && estimate.low <= estimate.value &&
              estimate.value <= estimate.high && estimate.high <= ldexp(1, 64) &&
              0 <= estimate.error && isfinite(estimate.error)))
            ck_abort_msg("p %u, ranks from %u to %u of %u: %g %g %g, error %g", precision, least,
                         least + width - 1, rank_max, estimate.low, estimate.value,
                         estimate.high, estimate.error);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, errors_are_those_of_theory, 0, (int)POINTS);
    tcase_add_loop_test(tcase, few_registers, HC_PRECISION_MIN, 8);
    tcase_add_test(tcase, sweep);
    tcase_add_test(tcase, first_ids_are_exact);
    tcase_add_test(tcase, extremes);
    tcase_add_test(tcase, any_registers);
}
