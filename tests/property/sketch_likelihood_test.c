/* Goal: the maximum that joint.c finds is the maximum of the right likelihood.
 *
 * Here the likelihood is written down register by register, from the joint
 * distribution alone, in long doubles and without a simplification; and its
 * maximum is found by trying steps that get smaller. Slow, and with nothing in
 * common with joint.c but the model. */
#include <math.h>

#include "pair.h"
#include "sketch_kit.h"

#define RANKS 64

/* What a register holds, as a distribution: the rate of ids to it, and the
 * largest rank. */
static long double below(double rate, int rank, int rank_max)
{
    if (rank < 0)
        return 0;
    return rank >= rank_max ? 1 : expl(-(long double)rate * ldexpl(1, -rank));
}

/* What is compared: all registers of both, or the coupons of one. */
struct sample {
    unsigned precision;
    int rank_max;
    uint8_t first[1 << 12], second[1 << 12];
    int is_sparse; /* the first is: then the ranks of its coupons are below */
    uint32_t coupons[1 << 10];
    size_t count;
};

static long double pair_below(const struct sample *sample, const double *rates, int i, int j)
{
    int lower = i < j ? i : j;

    return below(rates[PAIR_FIRST], i, sample->rank_max) *
           below(rates[PAIR_SECOND], j, sample->rank_max) *
           below(rates[PAIR_BOTH], lower, sample->rank_max);
}

static double dense_likelihood(const struct sample *sample, const double *rates)
{
    static uint32_t seen[RANKS][RANKS];
    long double sum = 0;

    memset(seen, 0, sizeof seen);
    for (size_t r = 0; r < (size_t)1 << sample->precision; r++)
        seen[sample->first[r]][sample->second[r]]++;
    for (int i = 0; i < RANKS; i++) {
        for (int j = 0; j < RANKS; j++) {
            if (seen[i][j] > 0)
                sum += seen[i][j] * logl(pair_below(sample, rates, i, j) -
                                         pair_below(sample, rates, i - 1, j) -
                                         pair_below(sample, rates, i, j - 1) +
                                         pair_below(sample, rates, i - 1, j - 1));
        }
    }
    return (double)sum;
}

/* P(register <= rank), given the coupons there: each that is above must be of
 * an id that the second set does not have. */
static long double given_below(const struct sample *sample, const double *rates, size_t r,
                               int rank)
{
    long double alone = rates[PAIR_FIRST] / (rates[PAIR_FIRST] + rates[PAIR_BOTH]);
    long double product = below(rates[PAIR_SECOND], rank, sample->rank_max);

    for (size_t i = 0; i < sample->count; i++) {
        if (sample->coupons[i] >> 6 == r && (int)(sample->coupons[i] & 63) > rank)
            product *= alone;
    }
    return product;
}

static double sparse_likelihood(const struct sample *sample, const double *rates)
{
    size_t registers = (size_t)1 << sample->precision;
    double all = (rates[PAIR_FIRST] + rates[PAIR_BOTH]) * (double)registers;
    long double sum = (double)sample->count * logl(all) - all;

    for (size_t r = 0; r < registers; r++) {
        int rank = sample->second[r];

        sum += logl(given_below(sample, rates, r, rank) -
                    (rank > 0 ? given_below(sample, rates, r, rank - 1) : 0));
    }
    return (double)sum;
}

static double likelihood(const struct sample *sample, const double *rates)
{
    return sample->is_sparse ? sparse_likelihood(sample, rates)
                             : dense_likelihood(sample, rates);
}

/* Steps along each rate and along each pair of them, until none gains. */
static void search(const struct sample *sample, double *rates)
{
    double best = likelihood(sample, rates);

    for (double step = 0.5; step > 1e-6; step /= 2) {
        for (int tries = 0, moved = 1; moved && tries < 50; tries++) {
            moved = 0;
            for (int move = 0; move < 27; move++) {
                double next[PAIR_PARTS], value;

                for (int i = 0, rest = move; i < PAIR_PARTS; i++, rest /= 3)
                    next[i] = rates[i] * exp((rest % 3 - 1) * step);
                value = likelihood(sample, next);
                if (value > best) {
                    memcpy(rates, next, sizeof next);
                    best = value;
                    moved = 1;
                }
            }
        }
    }
}

/* The sample of two sketches of the redis profile, with the model's registers
 * and coupons. */
static void sample_take(struct sample *sample, unsigned precision, const uint64_t *ids, int sparse)
{
    uint64_t all = ids[PAIR_FIRST] + ids[PAIR_BOTH];

    memset(sample, 0, sizeof *sample);
    sample->precision = precision;
    sample->rank_max = 65 - (int)precision;
    sample->is_sparse = sparse;
    kit_model_range(sample->first, precision, 0, all);
    kit_model_range(sample->second, precision, ids[PAIR_FIRST], all + ids[PAIR_SECOND]);
    for (uint64_t i = 0; sparse && i < all; i++) {
        uint64_t hash = kit_hash(i).first;
        uint64_t rest = hash >> precision;

        sample->coupons[sample->count++] =
            (uint32_t)((hash & ((UINT64_C(1) << precision) - 1)) << 6) |
            ((uint32_t)__builtin_ctzll(rest) + 1);
    }
}

static const struct {
    unsigned precision;
    uint64_t ids[PAIR_PARTS];
    int sparse; /* the first, which must then have few ids */
} cases[] = {
    {10, {2000, 3000, 1000}, 0}, {10, {500, 400, 600}, 0}, {10, {300, 30000, 1000}, 0},
    {6, {50, 200, 70}, 0},       {12, {5000, 900, 900}, 0}, {8, {1000, 1000, 150}, 0},
    {4, {30, 30, 30}, 0},        {8, {12, 300, 20}, 1},    {8, {4, 60, 25}, 1},
    {10, {60, 2000, 60}, 1},     {6, {3, 50, 5}, 1},
};

START_TEST(maximum_is_found)
{
    static struct sample sample;
    const uint64_t *ids = cases[_i].ids;
    uint64_t all = ids[PAIR_FIRST] + ids[PAIR_BOTH];
    struct hc_sketch *first = kit_range(cases[_i].precision, 0, all);
    struct hc_sketch *second =
        kit_range(cases[_i].precision, ids[PAIR_FIRST], all + ids[PAIR_SECOND]);
    double m = ldexp(1, (int)cases[_i].precision), rates[PAIR_PARTS], ours[PAIR_PARTS];

    ck_assert_int_eq(hc_sketch_is_sparse(first), cases[_i].sparse);
    ck_assert(!hc_sketch_is_sparse(second));
    sample_take(&sample, cases[_i].precision, ids, cases[_i].sparse);
    for (int i = 0; i < PAIR_PARTS; i++) {
        struct hc_estimate estimate;

        rates[i] = (double)ids[i] / m;
        ck_assert_int_eq(pair_estimate(first, second, (enum pair_part)i, &estimate), HC_OK);
        ours[i] = estimate.value / m;
    }
    search(&sample, rates);
    for (int i = 0; i < PAIR_PARTS; i++)
        ck_assert_msg(fabs(ours[i] / rates[i] - 1) < 1e-3, "part %d: %.9g, but %.9g is likelier",
                      i, ours[i] * m, rates[i] * m);
    ck_assert_double_ge(likelihood(&sample, ours), likelihood(&sample, rates) - 1e-5);
    hc_sketch_destroy(&first);
    hc_sketch_destroy(&second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sketch likelihood");
    TCase *tcase = tcase_create("likelihood");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, maximum_is_found, 0, sizeof cases / sizeof cases[0]);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
