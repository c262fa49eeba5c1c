/* Goal: the interval of a share holds the truth: of a day's users in those of 28 days
 * (stickiness), and of a cohort's that come again (retention), for small sets and large,
 * sparse sketches and dense, shares from nearly none to all.
 *
 * Sets are exact: ids are numbers. Coverage is judged by how unlikely it would be with
 * true intervals of 95 %: a bound stands for one false alarm in a million runs, and as
 * ids come from a fixed generator every run sees the same. */
#include <math.h>

#include "api_share.h"
#include "check_main.h"
#include "sketch_kit.h"

#define MILLION 4.753

struct point {
    unsigned precision;
    uint64_t part, whole; /* of stickiness: ids; of retention: both, and the cohort's */
    uint64_t later;       /* of retention: the later bucket's */
    unsigned trials;
};

static const struct point points[] = {
    {10, 0, 5000, 3000, 300},     {10, 100, 20000, 2000, 300}, {10, 5000, 20000, 9000, 500},
    {10, 20000, 20000, 30000, 500}, {10, 19000, 20000, 20000, 300},
    {10, 50, 60, 100, 500},       {14, 1000, 2000, 3000, 150}, {14, 3000, 40000, 4000, 60},
    {14, 30, 40000, 400, 100},    {4, 40, 80, 60, 1500}};

#define POINTS (sizeof points / sizeof points[0])

static bool is_sane(const struct api_share *share)
{
    return share->known && 0 <= share->low && share->low <= share->value &&
           share->value <= share->high && share->high <= 1;
}

static void enough(unsigned held, unsigned trials, const char *what)
{
    double least = 0.95 - MILLION * sqrt(0.95 * 0.05 / trials);

    ck_assert_msg(held >= least * trials, "%s: %u of %u", what, held, trials);
}

START_TEST(stickiness_holds)
{
    const struct point *point = &points[_i];
    double truth = (double)point->part / (double)point->whole;
    unsigned held = 0;

    for (unsigned trial = 0; trial < point->trials; trial++) {
        uint64_t from = (uint64_t)((unsigned)_i * 100000 + trial) << 24;
        struct hc_sketch *part = kit_create(point->precision, NULL);
        struct hc_sketch *whole = kit_create(point->precision, NULL);
        struct hc_estimate one, other;
        struct api_share share;

        kit_add(part, from, from + point->part);
        kit_add(whole, from, from + point->whole);
        one = hc_sketch_estimate(part);
        other = hc_sketch_estimate(whole);
        share = api_share_of(&one, &other);
        ck_assert(is_sane(&share));
        held += share.low <= truth && truth <= share.high;
        hc_sketch_destroy(&part);
        hc_sketch_destroy(&whole);
    }
    enough(held, point->trials, "stickiness");
}
END_TEST

/* What is refused counts as held: it says nothing that is false. */
START_TEST(retention_holds)
{
    const struct point *point = &points[_i];
    double truth = (double)point->part / (double)point->whole;
    unsigned held = 0;

    for (unsigned trial = 0; trial < point->trials; trial++) {
        uint64_t from = (uint64_t)((unsigned)_i * 100000 + trial) << 24;
        uint64_t later = from + point->whole - point->part;
        struct hc_sketch *cohort = kit_create(point->precision, NULL);
        struct hc_sketch *again = kit_create(point->precision, NULL);
        struct hc_estimate of;
        struct api_part part;
        struct api_share share;

        kit_add(cohort, from, from + point->whole);
        kit_add(again, later, later + (point->later > point->part ? point->later : point->part));
        ck_assert(api_part_both(cohort, again, &part));
        of = hc_sketch_estimate(cohort);
        share = api_share_of(&part.estimate, &of);
        ck_assert(part.refused || is_sane(&share));
        held += part.refused || (share.low <= truth && truth <= share.high);
        hc_sketch_destroy(&cohort);
        hc_sketch_destroy(&again);
    }
    enough(held, point->trials, "retention");
}
END_TEST

/* Estimates with nothing in them, and with all there is. */
START_TEST(the_edges_are_sane)
{
    const struct hc_estimate none = {0, 0, 0, 0}, few = {3, 2, 5, 0.1}, vague = {3, 0, 9, 1};
    struct api_share share = api_share_of(&few, &none);

    ck_assert(!share.known);
    share = api_share_of(&none, &few);
    ck_assert(is_sane(&share) && share.value == 0 && share.high == 0);
    share = api_share_of(&vague, &vague);
    ck_assert(is_sane(&share) && share.value == 1 && share.low == 0);
    share = api_share_of(&few, &vague);
    ck_assert(is_sane(&share) && share.high == 1);
    share = api_share_of(&none, &vague);
    ck_assert(is_sane(&share));
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, stickiness_holds, 0, POINTS);
    tcase_add_loop_test(tests, retention_holds, 0, POINTS);
    tcase_add_test(tests, the_edges_are_sane);
}
