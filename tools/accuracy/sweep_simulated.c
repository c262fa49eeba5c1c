/* Sweeps over simulated sketches: real registers for the library's estimators,
 * but no hashing. One trial grows through all points, so the points of a run
 * are not independent of each other; the trials are. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate.h"
#include "growth.h"
#include "points.h"
#include "rivals.h"
#include "sweeps.h"
#include "tally.h"

#define SPARSE_BITS 25
/* Trials behind the table of HyperLogLog++. Its error is one for all trials, so
 * it has to be small against that of the measurement. */
#define LEARN_TRIALS 10000
#define LEARN_SEED UINT64_C(0x6c6561726e)
#define REGISTERS_MAX (1 << HC_PRECISION_MAX)

static uint8_t *registers_new(void)
{
    uint8_t *registers = malloc(REGISTERS_MAX);

    if (registers == NULL)
        abort();
    return registers;
}

static struct hc_estimate estimate_growth(const struct growth *growth, uint8_t *registers)
{
    growth_registers(growth, registers);
    return estimate_dense(registers, growth->precision, growth->rank_max);
}

static void print_all(const struct tally_key *like, const struct points *points,
                      const struct tally *tallies)
{
    struct tally_key key = *like;

    for (size_t i = 0; i < points->count; i++) {
        key.n = points->n[i];
        if (tallies[i].trials > 0)
            tally_print(&key, &tallies[i]);
    }
}

/* One sketch through all points, sparse up to `limit` ids and dense from
 * `dense` on; what lies between may be either and is left out. */
static void trial(const struct sweep *sweep, const struct points *points, double limit,
                  double dense, uint64_t number, uint8_t *registers, struct tally *tallies)
{
    struct growth_random random = growth_random(sweep->seed, sweep->precision, number);
    struct crowd crowd = {random, SPARSE_BITS, 0, 0};
    struct growth growth;

    growth_start(&growth, sweep->precision, 65 - sweep->precision, random);
    growth.random.state ^= UINT64_C(1) << 63;
    for (size_t i = 0; i < points->count; i++) {
        double n = points->n[i];
        struct hc_estimate estimate;

        if (n <= limit) {
            crowd_to(&crowd, (uint64_t)n);
            estimate = estimate_sparse((double)crowd.taken, ldexp(1, SPARSE_BITS));
            tally_add(&tallies[i], &estimate, n, 1);
        } else if (n >= dense) {
            growth_to(&growth, n);
            estimate = estimate_growth(&growth, registers);
            tally_add(&tallies[i], &estimate, n, 0);
        }
    }
}

void sweep_simulated(const struct sweep *sweep)
{
    struct tally_key key = {"simulated", "library", "redis", sweep->precision, 0};
    uint64_t limit = points_sparse_limit(HC_PROFILE_REDIS, sweep->precision);
    double dense = points_dense_start(limit, ldexp(1, SPARSE_BITS));
    struct tally tallies[POINTS_MAX];
    uint8_t *registers = registers_new();
    struct points points;

    memset(tallies, 0, sizeof tallies);
    points_of_sweep(&points, sweep->precision, limit, sweep->n_max);
    for (uint64_t number = 0; number < sweep->trials; number++)
        trial(sweep, &points, (double)limit, dense, number, registers, tallies);
    print_all(&key, &points, tallies);
    free(registers);
}

/* 10^9 to 10^17 ids, in registers that end at `rank_max`, as far as they can
 * count: up to four ids a register for each of the largest rank. */
static void far(const struct sweep *sweep, const char *profile, unsigned rank_max)
{
    struct tally_key key = {"simulated", "far", profile, sweep->precision, 0};
    double end = ldexp(2, (int)(rank_max + sweep->precision));
    struct tally tallies[POINTS_MAX];
    uint8_t *registers = registers_new();
    struct points points = {0};

    memset(tallies, 0, sizeof tallies);
    for (double n = 1e9; n <= 1e17 && n <= end; n *= 10)
        points.n[points.count++] = n;
    if (end <= 1e17)
        points.n[points.count++] = end;
    for (uint64_t number = 0; number < sweep->trials; number++) {
        struct growth growth;

        growth_start(&growth, sweep->precision, rank_max,
                     growth_random(sweep->seed + rank_max, sweep->precision, number));
        for (size_t i = 0; i < points.count; i++) {
            struct hc_estimate estimate;

            growth_to(&growth, points.n[i]);
            estimate = estimate_growth(&growth, registers);
            tally_add(&tallies[i], &estimate, points.n[i], 0);
        }
    }
    print_all(&key, &points, tallies);
    free(registers);
}

void sweep_far(const struct sweep *sweep)
{
    far(sweep, "redis", 65 - sweep->precision);
    far(sweep, "datasketches", 63);
    far(sweep, "postgres", 31);
}

void sweep_rivals(const struct sweep *sweep)
{
    static const char *const names[] = {"dense", "classic", "plus"};
    unsigned rank_max = 65 - sweep->precision;
    struct tally tallies[3][POINTS_MAX];
    uint8_t *registers = registers_new();
    struct rivals_bias bias;
    struct points points;

    assert(sweep->precision >= 7);
    memset(tallies, 0, sizeof tallies);
    points_of_rivals(&points, sweep->precision);
    rivals_learn(&bias, sweep->precision, rank_max, LEARN_SEED, LEARN_TRIALS);
    for (uint64_t number = 0; number < sweep->trials; number++) {
        struct growth growth;

        growth_start(&growth, sweep->precision, rank_max,
                     growth_random(sweep->seed, sweep->precision, number));
        for (size_t i = 0; i < points.count; i++) {
            struct hc_estimate estimate;

            growth_to(&growth, points.n[i]);
            estimate = estimate_growth(&growth, registers);
            tally_add(&tallies[0][i], &estimate, points.n[i], 0);
            estimate = (struct hc_estimate){rivals_classic(&growth), 0, 0, 0};
            tally_add(&tallies[1][i], &estimate, points.n[i], 0);
            estimate.value = rivals_plus(&growth, &bias);
            tally_add(&tallies[2][i], &estimate, points.n[i], 0);
        }
    }
    for (size_t rival = 0; rival < 3; rival++) {
        struct tally_key key = {"simulated", names[rival], "redis", sweep->precision, 0};

        print_all(&key, &points, tallies[rival]);
    }
    free(registers);
}
