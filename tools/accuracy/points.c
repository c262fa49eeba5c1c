/* The points of the sweeps. */
#include "points.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static void points_add(struct points *points, double n)
{
    assert(points->count < POINTS_MAX);
    points->n[points->count++] = floor(n + 0.5);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void points_sort(struct points *points)
{
    size_t kept = 0;

    qsort(points->n, points->count, sizeof points->n[0], compare);
    for (size_t i = 0; i < points->count; i++) {
        if (kept == 0 || points->n[i] != points->n[kept - 1])
            points->n[kept++] = points->n[i];
    }
    points->count = kept;
}

/* Hashes that differ in both ends and in their second half: one place each. */
static struct hc_hash distinct(uint64_t i)
{
    uint64_t word = i | i << 39;

    return (struct hc_hash){word | UINT64_C(1) << 32, word};
}

uint64_t points_sparse_limit(enum hc_profile profile, unsigned precision)
{
    static const uint8_t key[HC_KEY_SIZE];
    struct hc_sketch_options options = {.profile = profile, .precision = precision};
    struct hc_sketch *sketch = NULL;
    uint64_t count = 0;

    if (profile == HC_PROFILE_KEYED)
        options.key = key;
    if (hc_sketch_create(&options, &sketch) != HC_OK)
        abort();
    while (hc_sketch_is_sparse(sketch)) {
        if (hc_sketch_add_hash(sketch, distinct(++count), NULL) != HC_OK)
            abort();
    }
    hc_sketch_destroy(&sketch);
    return count - 1;
}

double points_dense_start(uint64_t limit, double places)
{
    double collisions = (double)limit * (double)limit / (2 * places);

    return (double)limit + 1 + ceil(1.02 * collisions + 7 * sqrt(collisions) + 3);
}

void points_of_sweep(struct points *points, unsigned precision, uint64_t limit, double n_max)
{
    static const double ratios[] = {0.1, 0.2, 0.25, 0.35, 0.5, 0.7,  1.1, 1, 1.4, 2,
                                    2.5, 3,   4,    5,    7,   10.0, 20,  60};
    double m = ldexp(1, (int)precision);

    points->count = 0;
    for (double n = 1; n <= n_max; n *= 10) {
        points_add(points, n);
        points_add(points, fmin(2 * n, n_max));
        points_add(points, fmin(5 * n, n_max));
    }
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
        points_add(points, fmax(ratios[i] * m, 1));
    points_add(points, (double)limit);
    points_add(points, points_dense_start(limit, 0x1p25));
    points_sort(points);
}

void points_of_rivals(struct points *points, unsigned precision)
{
    double m = ldexp(1, (int)precision);

    points->count = 0;
    for (int step = -32; step <= 24; step++)
        points_add(points, m * exp2(step / 8.));
    for (int step = 7; step <= 12; step++)
        points_add(points, m * exp2(step / 2.));
    points_sort(points);
}
