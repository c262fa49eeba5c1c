/* Goal: users get the accuracy that docs/ACCURACY.md promises, whatever way
 * their ids took: real ids as text through the public functions, at several
 * precisions, on both sides of each switch, through unions and folds, with the
 * hash and the layout of every profile. tools/accuracy measures the same with
 * many more trials; this is the part that is fast enough to run each time.
 *
 * Bounds follow from theory alone. With s the standard error there, k trials:
 *   mean error   within s^2 (the bias of the method) and 4.5 s / sqrt(k)
 *   RMS error    s, within 4.5 of its own standard errors
 *   intervals    hold 95 to 96 % of n, within 4.5 standard errors; at least
 *                95 % where there are fewer ids than registers
 * A right estimator breaks one such bound with probability 7 in a million, any
 * of all here with one in 1,500. The ids are fixed: what is green stays so.
 * Rows with most trials notice a bias of 0.1 % and intervals of 93 %. */
#include <math.h>

#include "check_main.h"
#include "sketch_kit.h"

#define SIGMAS 4.5
#define PARTS_MAX 1440
/* n: as many ids as a sparse sketch may hold, or the first that can't. */
#define LAST_SPARSE (-1.0)
#define FIRST_DENSE (-2.0)

/* A way to a sketch, and where on it to look. */
struct row {
    enum hc_profile profile;
    unsigned precision;
    double ratio; /* n / 2^precision, or one of the two above */
    unsigned trials;
    unsigned parts;  /* sketches that are united */
    unsigned copies; /* how many of them each id is added to */
    unsigned finer;  /* by how much their precision is higher, until the end */
    int is_mixed;    /* only that of every second one is */
};

static const struct row rows[] = {
    /* Bias to 0.013 %. */
    {HC_PROFILE_REDIS, 14, 1, 2200, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, 0.25, 1000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, 2.5, 200, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, 4, 100, 1, 1, 0, 0},
    /* Intervals. */
    {HC_PROFILE_REDIS, 10, 2.5, 4000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 8, 60, 600, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 10, 10, 500, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 4, 60, 4000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 4, 4, 4000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 5, 10, 4000, 1, 1, 0, 0},
    /* Both sides of the switch. */
    {HC_PROFILE_REDIS, 8, LAST_SPARSE, 2000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 8, FIRST_DENSE, 4000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, LAST_SPARSE, 2000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, FIRST_DENSE, 1000, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 18, LAST_SPARSE, 50, 1, 1, 0, 0},
    {HC_PROFILE_REDIS, 18, FIRST_DENSE, 50, 1, 1, 0, 0},
    {HC_PROFILE_DATASKETCHES, 18, LAST_SPARSE, 50, 1, 1, 0, 0},
    {HC_PROFILE_DATASKETCHES, 12, FIRST_DENSE, 1000, 1, 1, 0, 0},
    /* Every hash, every layout. */
    {HC_PROFILE_DATASKETCHES, 12, 1, 400, 1, 1, 0, 0},
    {HC_PROFILE_POSTGRES, 12, 1, 400, 1, 1, 0, 0},
    {HC_PROFILE_ZETASKETCH, 12, 1, 400, 1, 1, 0, 0},
    {HC_PROFILE_TRINO, 12, 1, 400, 1, 1, 0, 0},
    {HC_PROFILE_KEYED, 12, 1, 400, 1, 1, 0, 0},
    /* Unions of parts that share nothing, or two thirds. */
    {HC_PROFILE_REDIS, 14, 1, 150, 60, 1, 0, 0},
    {HC_PROFILE_REDIS, 14, LAST_SPARSE, 150, 1440, 3, 0, 0},
    {HC_PROFILE_REDIS, 12, 4, 150, 1440, 1, 0, 0},
    {HC_PROFILE_REDIS, 12, 4, 150, 1440, 3, 0, 0},
    {HC_PROFILE_DATASKETCHES, 10, 10, 150, 2, 1, 0, 0},
    {HC_PROFILE_ZETASKETCH, 10, 10, 150, 2, 1, 0, 0},
    /* Folds, of one sketch and of parts that differ. */
    {HC_PROFILE_REDIS, 14, 1, 150, 1, 1, 4, 0},
    {HC_PROFILE_REDIS, 14, LAST_SPARSE, 150, 1, 1, 4, 0},
    {HC_PROFILE_REDIS, 4, 60, 1000, 1, 1, 8, 0},
    {HC_PROFILE_DATASKETCHES, 10, 10, 200, 1, 1, 3, 0},
    {HC_PROFILE_POSTGRES, 10, 10, 200, 1, 1, 3, 0},
    {HC_PROFILE_TRINO, 10, 10, 200, 1, 1, 3, 0},
    {HC_PROFILE_REDIS, 12, 4, 200, 60, 1, 2, 1},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* sqrt(m) s for n / m: what theory says of this estimator, computed apart from
 * numerical derivatives. Between them, straight lines in the logarithm. */
static double dense_theory(double ratio, double m)
{
    static const double known[][2] = {
        {0.1, 0.7197}, {0.13, 0.7222}, {0.2, 0.7274}, {0.25, 0.7332}, {0.5, 0.7532},
        {1, 0.7854},   {2.5, 0.8611},  {4, 0.9148},   {10, 0.9897},   {60, 1.0309},
    };
    size_t i = 1;

    while (known[i][0] < ratio)
        i++;
    ck_assert_uint_lt(i, sizeof known / sizeof known[0]);
    return (known[i - 1][1] + (known[i][1] - known[i - 1][1]) * log(ratio / known[i - 1][0]) /
                                  log(known[i][0] / known[i - 1][0])) /
           sqrt(m);
}

/* The bits of the index of a coupon. */
static double sparse_places(enum hc_profile profile)
{
    return ldexp(1, profile == HC_PROFILE_DATASKETCHES ? 26 : 25);
}

/* Adds id number `i`: 16 hexadecimal digits, as many logs have them. */
static void add_id(struct hc_sketch *sketch, uint64_t i)
{
    char id[16];

    for (unsigned digit = 0; digit < sizeof id; digit++)
        id[digit] = "0123456789abcdef"[i >> (60 - 4 * digit) & 15];
    if (hc_sketch_add(sketch, id, sizeof id, NULL) != HC_OK)
        ck_abort_msg("an id could not be added");
}

/* What the library itself says, with hashes that all differ. */
static uint64_t sparse_limit_of(const struct row *row)
{
    struct hc_sketch *sketch = kit_create_as(row->profile, row->precision, NULL);
    uint64_t n = 0;

    for (; hc_sketch_is_sparse(sketch); n++) {
        uint64_t word = n | n << 39 | UINT64_C(1) << 32;

        if (hc_sketch_add_hash(sketch, (struct hc_hash){word, word}, NULL) != HC_OK)
            ck_abort_msg("a hash could not be added");
    }
    hc_sketch_destroy(&sketch);
    return n - 1;
}

/* A number of ids, and for a switch beyond what the ids that collide hide. */
static uint64_t ids_of(const struct row *row)
{
    double limit, collisions;

    if (row->ratio > 0)
        return (uint64_t)ldexp(row->ratio, (int)row->precision);
    limit = (double)sparse_limit_of(row);
    collisions = limit * limit / (2 * sparse_places(row->profile));
    if (row->ratio == LAST_SPARSE)
        return (uint64_t)limit;
    return (uint64_t)(limit + 1 + collisions * 1.02 + 7 * sqrt(collisions) + 3);
}

static struct hc_sketch *sketch_by(const struct row *row, uint64_t n, uint64_t first)
{
    struct hc_sketch *parts[PARTS_MAX];

    for (unsigned i = 0; i < row->parts; i++) {
        unsigned finer = row->is_mixed && i % 2 == 1 ? 0 : row->finer;

        parts[i] = kit_create_as(row->profile, row->precision + finer, NULL);
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t part = row->parts == 1 ? 0 : kit_hash(first + i).first;

        for (unsigned copy = 0; copy < row->copies; copy++)
            add_id(parts[(part + copy * 7) % row->parts], first + i);
    }
    for (unsigned i = 1; i < row->parts; i++) {
        if (hc_sketch_union(parts[0], parts[i], NULL) != HC_OK)
            ck_abort_msg("part %u could not be united", i);
        hc_sketch_destroy(&parts[i]);
    }
    ck_assert_int_eq(hc_sketch_fold(parts[0], row->precision), HC_OK);
    return parts[0];
}

/* What the trials of a row came to. */
struct outcome {
    double mean, square; /* of the relative error */
    double covered;      /* share of intervals that hold n */
};

static struct outcome outcome_of(const struct row *row, uint64_t n, uint64_t first)
{
    struct outcome outcome = {0, 0, 0};
    double trials = row->trials;

    for (unsigned trial = 0; trial < row->trials; trial++) {
        struct hc_sketch *sketch = sketch_by(row, n, first + trial * n);
        struct hc_estimate estimate = hc_sketch_estimate(sketch);
        double error = estimate.value / (double)n - 1;

        if (hc_sketch_is_sparse(sketch) != (row->ratio == LAST_SPARSE))
            ck_abort_msg("%g ids have the wrong form", (double)n);
        outcome.mean += error / trials;
        outcome.square += error * error / trials;
        outcome.covered += (estimate.low <= (double)n && (double)n <= estimate.high) / trials;
        hc_sketch_destroy(&sketch);
    }
    return outcome;
}

static void require_near(const char *what, int row, double value, double low, double high)
{
    if (!(low <= value && value <= high))
        ck_abort_msg("row %d: %s %g is not within %g .. %g", row, what, value, low, high);
}

START_TEST(errors_and_intervals)
{
    const struct row *row = &rows[_i];
    uint64_t n = ids_of(row);
    struct outcome outcome = outcome_of(row, n, (uint64_t)(_i + 1) << 40);
    double m = ldexp(1, (int)row->precision), places = sparse_places(row->profile);
    int is_sparse = row->ratio == LAST_SPARSE;
    double collisions = (double)n * (double)n / (2 * places);
    double s = is_sparse ? 1 / sqrt(2 * places) : dense_theory((double)n / m, m);
    double reach = SIGMAS / sqrt(row->trials), square = s * s, tail, most;

    /* An estimate is the inverse of a mean: that of a gamma distribution. */
    double bias = is_sparse ? 0 : square / (1 - square);
    double rms = is_sparse ? s : s * sqrt((1 + 2 * square) / ((1 - square) * (1 - 2 * square)));

    require_near("mean", _i, outcome.mean, -reach * s - 0.3 * bias, reach * s + 1.4 * bias);
    /* Few collisions scatter as Poisson's law has it; theory is rounded. */
    tail = is_sparse ? sqrt(0.5 + 0.25 / collisions) : sqrt(0.5 + 4 * square);
    require_near("rms / theory", _i, sqrt(outcome.square) / rms, 1 - reach * tail - 0.01,
                 1 + reach * tail + 0.01);
    tail = reach * sqrt(0.045 * 0.955);
    most = !is_sparse && (double)n > m ? 0.96 : 1;
    require_near("coverage", _i, outcome.covered, 0.95 - tail, most + tail);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, errors_and_intervals, 0, (int)ROWS);
}
