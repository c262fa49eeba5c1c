/* Goal: the maximum that joint.c finds is the maximum of the right likelihood.
 *
 * Here the likelihood is written down register by register, from the joint
 * distribution alone, in long doubles and without a simplification; and its
 * maximum is found by trying steps that get smaller. Slow, and with nothing in
 * common with joint.c but the model. The error that is claimed is compared with
 * the curvature of this likelihood. */
#include <math.h>

#include "check_main.h"
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

struct likelihood_case {
    unsigned precision;
    uint64_t ids[PAIR_PARTS];
    int sparse;     /* the first, which must then have few ids */
    unsigned shift; /* ranks are so much larger: as with 2^shift times the ids */
};

static const struct likelihood_case cases[] = {
    {10, {2000, 3000, 1000}, 0, 0}, {10, {500, 400, 600}, 0, 0}, {10, {300, 30000, 1000}, 0, 0},
    {6, {50, 200, 70}, 0, 0},       {12, {5000, 900, 900}, 0, 0}, {8, {1000, 1000, 150}, 0, 0},
    {4, {30, 30, 30}, 0, 0},        {8, {12, 300, 20}, 1, 0},    {8, {4, 60, 25}, 1, 0},
    {10, {60, 2000, 60}, 1, 0},     {6, {3, 50, 5}, 1, 0},       {10, {20000, 30000, 10000}, 0, 24},
    {10, {20000, 10000, 20000}, 0, 26},
};

/* Registers of five bits, in which large ranks end. */
#define CAPPED HC_PROFILE_POSTGRES
#define CAP 31

/* The hash of an id of this case: as it is, or with more zeros before its rank. */
static struct hc_hash case_hash(const struct likelihood_case *c, uint64_t id)
{
    uint64_t hash = kit_hash(id).first, index = hash & ((UINT64_C(1) << c->precision) - 1);
    unsigned zeros = (unsigned)__builtin_ctzll(hash >> c->precision | UINT64_C(1) << 63);

    if (c->shift == 0)
        return kit_hash(id);
    zeros = zeros + c->shift > 50 ? 50 : zeros + c->shift;
    return (struct hc_hash){index | UINT64_C(1) << (c->precision + zeros), 0};
}

static struct hc_sketch *case_sketch(const struct likelihood_case *c, uint64_t from, uint64_t to)
{
    struct hc_sketch *sketch =
        kit_create_as(c->shift == 0 ? HC_PROFILE_REDIS : CAPPED, c->precision, NULL);

    for (uint64_t id = from; id < to; id++)
        ck_assert_int_eq(hc_sketch_add_hash(sketch, case_hash(c, id), NULL), HC_OK);
    return sketch;
}

/* Registers and coupons by their definition. */
static void sample_take(struct sample *sample, const struct likelihood_case *c)
{
    uint64_t all = c->ids[PAIR_FIRST] + c->ids[PAIR_BOTH];

    memset(sample, 0, sizeof *sample);
    sample->precision = c->precision;
    sample->rank_max = c->shift == 0 ? 65 - (int)c->precision : CAP;
    sample->is_sparse = c->sparse;
    for (uint64_t id = 0; id < all + c->ids[PAIR_SECOND]; id++) {
        uint64_t hash = case_hash(c, id).first, rest = hash >> c->precision;
        uint32_t index = (uint32_t)(hash & ((UINT64_C(1) << c->precision) - 1));
        uint32_t rank = (uint32_t)__builtin_ctzll(rest) + 1;

        if (id < all)
            kit_model_add(sample->first, c->precision, hash);
        if (id >= c->ids[PAIR_FIRST])
            kit_model_add(sample->second, c->precision, hash);
        if (c->sparse && id < all)
            sample->coupons[sample->count++] = index << 6 | rank;
    }
    for (size_t r = 0; r < (size_t)1 << c->precision; r++) {
        if (sample->first[r] > sample->rank_max)
            sample->first[r] = (uint8_t)sample->rank_max;
        if (sample->second[r] > sample->rank_max)
            sample->second[r] = (uint8_t)sample->rank_max;
    }
}

/* The error that theory gives the numbers of ids, from second differences of
 * the likelihood: the inverse of the information, less the rates' own share. */
static void theory_errors(const struct sample *sample, const double *rates, double m,
                          double *errors)
{
    double h[3][3], determinant, best = likelihood(sample, rates);

    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            double up[3], left[3], right[3], step_i = rates[i] * 1e-3, step_j = rates[j] * 1e-3;

            memcpy(up, rates, sizeof up);
            memcpy(left, rates, sizeof left);
            memcpy(right, rates, sizeof right);
            up[i] += step_i;
            up[j] += step_j;
            left[i] += step_i;
            right[j] += step_j;
            h[i][j] = -(likelihood(sample, up) - likelihood(sample, left) -
                        likelihood(sample, right) + best) / (step_i * step_j);
        }
    }
    determinant = h[0][0] * (h[1][1] * h[2][2] - h[1][2] * h[2][1]) -
                  h[0][1] * (h[1][0] * h[2][2] - h[1][2] * h[2][0]) +
                  h[0][2] * (h[1][0] * h[2][1] - h[1][1] * h[2][0]);
    for (int i = 0; i < 3; i++) {
        int a = (i + 1) % 3, b = (i + 2) % 3;
        double variance = (h[a][a] * h[b][b] - h[a][b] * h[b][a]) / determinant;

        errors[i] = m * sqrt(fmax(variance - rates[i] / m, 0));
    }
}

START_TEST(maximum_is_found)
{
    static struct sample sample;
    const struct likelihood_case *c = &cases[_i];
    uint64_t all = c->ids[PAIR_FIRST] + c->ids[PAIR_BOTH];
    struct hc_sketch *first = case_sketch(c, 0, all);
    struct hc_sketch *second = case_sketch(c, c->ids[PAIR_FIRST], all + c->ids[PAIR_SECOND]);
    double m = ldexp(1, (int)c->precision), rates[PAIR_PARTS], ours[PAIR_PARTS];
    double errors[PAIR_PARTS], claimed[PAIR_PARTS];

    ck_assert_int_eq(hc_sketch_is_sparse(first), c->sparse);
    ck_assert(!hc_sketch_is_sparse(second));
    sample_take(&sample, c);
    for (int i = 0; i < PAIR_PARTS; i++) {
        struct hc_estimate estimate;

        rates[i] = ldexp((double)c->ids[i], (int)c->shift) / m;
        ck_assert_int_eq(pair_estimate(first, second, (enum pair_part)i, &estimate), HC_OK);
        ours[i] = estimate.value / m;
        claimed[i] = estimate.error * estimate.value;
    }
    search(&sample, rates);
    theory_errors(&sample, rates, m, errors);
    for (int i = 0; i < PAIR_PARTS; i++) {
        ck_assert_msg(fabs(ours[i] / rates[i] - 1) < 1e-3, "part %d: %.9g, but %.9g is likelier",
                      i, ours[i] * m, rates[i] * m);
        if (errors[i] < 0.1 * rates[i] * m && errors[i] > 5)
            ck_assert_msg(fabs(claimed[i] / errors[i] - 1) < 0.1, "part %d: %g, but %g in theory",
                          i, claimed[i], errors[i]);
    }
    ck_assert_double_ge(likelihood(&sample, ours), likelihood(&sample, rates) - 1e-5);
    hc_sketch_destroy(&first);
    hc_sketch_destroy(&second);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, maximum_is_found, 0, sizeof cases / sizeof cases[0]);
}
