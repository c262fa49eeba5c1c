/* What an error means to who reads the numbers: how often a count is within one
 * standard error or 0.8 % of the truth, and how far apart two days seem that
 * have equally many users. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "estimate.h"
#include "growth.h"
#include "points.h"
#include "sweeps.h"
#include "tally.h"

#define SHARE 0.008
#define DAY 100000

/* Counts as covered when the estimate is within `share` of n. */
static void tally_within(struct tally *tally, struct hc_estimate estimate, double n, double share)
{
    estimate.low = fabs(estimate.value - n) <= share * n ? n : n + 1;
    estimate.high = estimate.low;
    tally_add(tally, &estimate, n, 0);
}

static void shares(const struct sweep *sweep, double n)
{
    struct tally_key key = {"simulated", "within one error", "redis", sweep->precision, n};
    struct tally one = {0}, fixed = {0};
    uint8_t *registers = malloc((size_t)1 << sweep->precision);

    if (registers == NULL)
        abort();
    for (uint64_t number = 0; number < sweep->trials; number++) {
        struct growth growth;
        struct hc_estimate estimate;

        growth_start(&growth, sweep->precision, 65 - sweep->precision,
                     growth_random(sweep->seed, sweep->precision, number));
        growth_to(&growth, n);
        growth_registers(&growth, registers);
        estimate = estimate_dense(registers, sweep->precision, growth.rank_max);
        tally_within(&one, estimate, n, estimate.error);
        tally_within(&fixed, estimate, n, SHARE);
    }
    tally_print(&key, &one);
    key.what = "within 0.8 %";
    tally_print(&key, &fixed);
    free(registers);
}

static struct hc_sketch *sketch_new(unsigned precision)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = precision};
    struct hc_sketch *sketch = NULL;

    if (hc_sketch_create(&options, &sketch) != HC_OK)
        abort();
    return sketch;
}

/* Two days of DAY users each, some of whom come on both. */
static void days(const struct sweep *sweep, const char *name, unsigned shared)
{
    struct tally_key key = {"real", name, "redis", sweep->precision, DAY};
    struct tally tally = {0};

    for (uint64_t number = 0; number < sweep->trials; number++) {
        struct growth_random random = growth_random(sweep->seed + shared, 0, number);
        struct hc_sketch *today = sketch_new(sweep->precision);
        struct hc_sketch *before = sketch_new(sweep->precision);
        struct hc_estimate apart;

        for (unsigned i = 0; i < DAY; i++) {
            struct hc_hash hash = {growth_bits(&random), 0};
            struct hc_hash other = i < shared ? hash : (struct hc_hash){growth_bits(&random), 0};

            if (hc_sketch_add_hash(today, hash, NULL) != HC_OK ||
                hc_sketch_add_hash(before, other, NULL) != HC_OK)
                abort();
        }
        apart = hc_sketch_estimate(today);
        apart.value += DAY - hc_sketch_estimate(before).value;
        tally_add(&tally, &apart, DAY, 0);
        hc_sketch_destroy(&today);
        hc_sketch_destroy(&before);
    }
    tally_print(&key, &tally);
}

void sweep_words(const struct sweep *sweep)
{
    shares(sweep, DAY);
    shares(sweep, 10 * DAY);
    days(sweep, "days that share no user", 0);
    days(sweep, "days that share half their users", DAY / 2);
    days(sweep, "days that share 9 of 10 users", DAY / 10 * 9);
}
