/* Ids that are numbered, and how they end: where a hash is not quite like
 * chance, counts of them are off by more than the estimator claims. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweeps.h"
#include "tally.h"

#define RATIO 2.5 /* n / 2^precision, where the largest error was seen */

/* An id is text, the trial in hexadecimal, text, and its number among the ids
 * of the trial, both numbers in at least so many digits. */
struct form {
    const char *before;
    int trial_digits;
    const char *between;
    int number_digits;
};

static const struct form forms[] = {
    {"", 8, "", 7}, /* the first one goes through all hashes */
    {"", 8, "", 6},
    {"", 8, "", 5},
    {"", 8, "", 1},
    {"", 8, "", 8},
    {"", 8, "abc", 1},
    {"user-", 8, "-", 1},
    {"site", 8, ":visitor:", 7},
    {"", 8, "-0000-4000-8000-", 12},
};

static size_t id_write(char *id, size_t room, const struct form *form, uint64_t trial,
                       unsigned number)
{
    int size = snprintf(id, room, "%s%0*llx%s%0*u", form->before, form->trial_digits,
                        (unsigned long long)trial, form->between, form->number_digits, number);

    if (size < 0 || (size_t)size >= room)
        abort();
    return (size_t)size;
}

static void trial(const struct form *form, const struct hc_sketch_options *options,
                  uint64_t number, struct tally *tally)
{
    unsigned n = (unsigned)ldexp(RATIO, (int)options->precision);
    struct hc_sketch *sketch = NULL;
    struct hc_estimate estimate;
    char id[80];

    if (hc_sketch_create(options, &sketch) != HC_OK)
        abort();
    for (unsigned i = 0; i < n; i++) {
        size_t size = id_write(id, sizeof id, form, number, i);

        if (hc_sketch_add(sketch, id, size, NULL) != HC_OK)
            abort();
    }
    estimate = hc_sketch_estimate(sketch);
    tally_add(tally, &estimate, n, 0);
    hc_sketch_destroy(&sketch);
}

static void measure(const struct sweep *sweep, const struct form *form, enum hc_profile profile)
{
    static const uint8_t key[HC_KEY_SIZE] = "accuracy of ids";
    struct hc_sketch_options options = {.profile = profile, .precision = sweep->precision};
    struct tally_key line = {.how = "ids", .profile = hc_profile_name(profile),
                             .precision = sweep->precision,
                             .n = ldexp(RATIO, (int)sweep->precision)};
    struct tally tally = {0};
    char id[80];

    if (profile == HC_PROFILE_KEYED)
        options.key = key;
    for (uint64_t number = 0; number < sweep->trials; number++)
        trial(form, &options, sweep->seed * sweep->trials + number, &tally);
    id_write(id, sizeof id, form, 0x4d, 1234);
    line.what = id;
    tally_print(&line, &tally);
}

void sweep_ids(const struct sweep *sweep)
{
    static const enum hc_profile others[] = {HC_PROFILE_POSTGRES, HC_PROFILE_ZETASKETCH,
                                             HC_PROFILE_TRINO, HC_PROFILE_KEYED};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        measure(sweep, &forms[i], HC_PROFILE_REDIS);
        measure(sweep, &forms[i], HC_PROFILE_DATASKETCHES);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        measure(sweep, &forms[0], others[i]);
}
