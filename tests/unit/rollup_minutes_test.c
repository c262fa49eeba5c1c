/* Goal: the set of minutes is a set. Against a sorted list of what was added:
 * membership and the next one, for lone minutes all over time and for runs that
 * cross words, days and blocks. */
#include "rollup_minutes.h"

#include <stdlib.h>

#include "check_main.h"
#include "limits.h"
#include "test_random.h"

#define ADDED 3000

static uint64_t random_state = 5;

static uint64_t number_below(uint64_t bound)
{
    return random_below(&random_state, bound);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

static void expect_list(const struct rollup_minutes *minutes, const int64_t *sorted, size_t count)
{
    int64_t from_s = 0;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && sorted[i] == sorted[i - 1])
            continue;
        ck_assert_int_eq(rollup_minutes_next(minutes, from_s), sorted[i]);
        ck_assert_int_eq(rollup_minutes_next(minutes, sorted[i]), sorted[i]);
        ck_assert(rollup_minutes_has(minutes, sorted[i]));
        if (from_s < sorted[i])
            ck_assert(!rollup_minutes_has(minutes, from_s));
        from_s = sorted[i] + 60;
    }
    if (from_s <= LIMIT_TIME_S)
        ck_assert_int_eq(rollup_minutes_next(minutes, from_s), INT64_MAX);
}

/* Different ones in [from, to). */
static uint64_t distinct(const int64_t *sorted, size_t count, int64_t from_s, int64_t to_s)
{
    uint64_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += sorted[i] >= from_s && sorted[i] < to_s && (i == 0 || sorted[i] != sorted[i - 1]);
    return found;
}

/* How many lie between any two of them and their neighbours, and in all of time. */
static void expect_counts(const struct rollup_minutes *minutes, const int64_t *sorted,
                          size_t count)
{
    ck_assert_uint_eq(rollup_minutes_count(minutes, 0, LIMIT_TIME_S + 1),
                      distinct(sorted, count, 0, LIMIT_TIME_S + 1));
    for (int i = 0; i < 2000; i++) {
        int64_t from_s = sorted[number_below(count)] + 60 * ((int64_t)number_below(3) - 1);
        int64_t to_s = sorted[number_below(count)] + 60 * ((int64_t)number_below(3) - 1);

        from_s = from_s < 0 ? 0 : from_s;
        to_s = to_s < 0 ? 0 : to_s;
        ck_assert_uint_eq(rollup_minutes_count(minutes, from_s, to_s),
                          distinct(sorted, count, from_s, to_s));
    }
}

START_TEST(is_a_set)
{
    struct rollup_minutes *minutes = rollup_minutes_create();
    int64_t added[ADDED];

    ck_assert_ptr_nonnull(minutes);
    ck_assert_int_eq(rollup_minutes_next(minutes, 0), INT64_MAX);
    for (size_t i = 0; i < ADDED; i++) {
        uint64_t most = i % 3 == 0 ? (uint64_t)LIMIT_TIME_S / 60 + 1 : UINT64_C(200000);

        added[i] = (int64_t)number_below(most) * 60;
        if (i > 0 && i % 5 == 0 && added[i - 1] + 60 <= LIMIT_TIME_S)
            added[i] = added[i - 1] + 60;
        ck_assert(rollup_minutes_add(minutes, added[i]));
        ck_assert(rollup_minutes_add(minutes, added[i]));
    }
    qsort(added, ADDED, sizeof *added, compare);
    expect_list(minutes, added, ADDED);
    expect_counts(minutes, added, ADDED);
    rollup_minutes_destroy(&minutes);
    ck_assert_ptr_null(minutes);
}
END_TEST

START_TEST(first_and_last)
{
    struct rollup_minutes *minutes = rollup_minutes_create();
    const int64_t ends[] = {0, LIMIT_TIME_S - 59};

    ck_assert(rollup_minutes_add(minutes, ends[1]));
    ck_assert(rollup_minutes_add(minutes, ends[0]));
    expect_list(minutes, ends, 2);
    expect_counts(minutes, ends, 2);
    rollup_minutes_destroy(&minutes);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, is_a_set);
    tcase_add_test(tcase, first_and_last);
}
