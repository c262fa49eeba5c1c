/* Sweeps with real ids: text through hc_sketch_add, hashed, in parts that are
 * united, in sketches that are folded. Slower than the simulations by far, and
 * there to see that these tell the truth, and that ways to a sketch which must
 * give the same registers give the same estimates. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "growth.h"
#include "points.h"
#include "sweeps.h"
#include "tally.h"

#define PARTS_MAX 1440

/* A way to a sketch of n ids at some precision. */
struct way {
    const char *name;
    enum hc_profile profile;
    unsigned parts;  /* sketches that are united */
    unsigned copies; /* how many of them each id is added to */
    unsigned finer;  /* by how much their precision is above, until it is folded */
    int is_mixed;    /* every second part only: the union meets at the lower */
};

static const struct way ways[] = {
    {"added", HC_PROFILE_REDIS, 1, 1, 0, 0},
    {"added", HC_PROFILE_DATASKETCHES, 1, 1, 0, 0},
    {"added", HC_PROFILE_POSTGRES, 1, 1, 0, 0},
    {"added", HC_PROFILE_ZETASKETCH, 1, 1, 0, 0},
    {"added", HC_PROFILE_TRINO, 1, 1, 0, 0},
    {"added", HC_PROFILE_KEYED, 1, 1, 0, 0},
    {"2 parts", HC_PROFILE_REDIS, 2, 1, 0, 0},
    {"60 parts", HC_PROFILE_REDIS, 60, 1, 0, 0},
    {"1440 parts", HC_PROFILE_REDIS, 1440, 1, 0, 0},
    {"60 parts, each id in 3", HC_PROFILE_REDIS, 60, 3, 0, 0},
    {"1440 parts, each id in 3", HC_PROFILE_REDIS, 1440, 3, 0, 0},
    {"folded by 4", HC_PROFILE_REDIS, 1, 1, 4, 0},
    {"folded by 4", HC_PROFILE_DATASKETCHES, 1, 1, 4, 0},
    {"folded by 4", HC_PROFILE_ZETASKETCH, 1, 1, 4, 0},
    {"60 parts of two precisions", HC_PROFILE_REDIS, 60, 1, 2, 1},
};

static void require(enum hc_status status)
{
    if (status != HC_OK) {
        fprintf(stderr, "accuracy: %s\n", hc_status_text(status));
        exit(EXIT_FAILURE);
    }
}

static void make_parts(const struct way *way, unsigned precision, struct hc_sketch **parts)
{
    static const uint8_t key[HC_KEY_SIZE] = "accuracy sweeps";

    for (unsigned i = 0; i < way->parts; i++) {
        struct hc_sketch_options options = {.profile = way->profile, .precision = precision};

        if (!way->is_mixed || i % 2 == 0)
            options.precision += way->finer;
        if (way->profile == HC_PROFILE_KEYED)
            options.key = key;
        require(hc_sketch_create(&options, &parts[i]));
    }
}

static void add_ids(const struct way *way, const char *prefix, uint64_t n,
                    struct hc_sketch **parts, struct growth_random *random)
{
    char id[64];

    for (uint64_t i = 0; i < n; i++) {
        int size = snprintf(id, sizeof id, "%s-%" PRIu64, prefix, i);

        for (unsigned copy = 0; copy < way->copies; copy++) {
            size_t part = way->parts == 1 ? 0 : growth_bits(random) % way->parts;

            require(hc_sketch_add(parts[part], id, (size_t)size, NULL));
        }
    }
}

static void trial(const struct sweep *sweep, const struct way *way, uint64_t n, uint64_t number,
                  struct tally *tally)
{
    struct growth_random random = growth_random(sweep->seed, sweep->precision, number);
    struct hc_sketch *parts[PARTS_MAX];
    struct hc_estimate estimate;
    char prefix[40];

    snprintf(prefix, sizeof prefix, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, sweep->seed, number, n);
    make_parts(way, sweep->precision, parts);
    add_ids(way, prefix, n, parts, &random);
    for (unsigned i = 1; i < way->parts; i++)
        require(hc_sketch_union(parts[0], parts[i], NULL));
    require(hc_sketch_fold(parts[0], sweep->precision));
    estimate = hc_sketch_estimate(parts[0]);
    tally_add(tally, &estimate, (double)n, hc_sketch_is_sparse(parts[0]));
    for (unsigned i = 0; i < way->parts; i++)
        hc_sketch_destroy(&parts[i]);
}

/* The form's last and first n, and some of those of the simulated sweep. */
static void real_points(struct points *points, const struct way *way, unsigned precision,
                        double n_max)
{
    static const double ratios[] = {0.5, 1, 2.5, 4, 20};
    double limit = (double)points_sparse_limit(way->profile, precision);

    points->count = 0;
    points->n[points->count++] = limit;
    points->n[points->count++] = limit + 1;
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++) {
        double n = ldexp(ratios[i], (int)precision);

        if (n <= n_max)
            points->n[points->count++] = n;
    }
}

void sweep_real(const struct sweep *sweep)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct way *way = &ways[i];
        struct tally_key key = {"real", way->name, hc_profile_name(way->profile),
                                sweep->precision, 0};
        struct points points;

        if (sweep->precision + way->finer > HC_PRECISION_MAX)
            continue;
        real_points(&points, way, sweep->precision, sweep->n_max);
        for (size_t point = 0; point < points.count; point++) {
            struct tally tally = {0};

            key.n = points.n[point];
            for (uint64_t number = 0; number < sweep->trials; number++)
                trial(sweep, way, (uint64_t)key.n, number + (i << 32), &tally);
            tally_print(&key, &tally);
        }
    }
}
