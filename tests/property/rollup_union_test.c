/* Goal: a row is the sketch of exactly the users that its minutes had.
 *
 * For random lives of a stream around the hard days of several zones, at every
 * grain: the rows, and each row's sketch, are what a sketch says to which the
 * users of the bucket's minutes were added one by one; nothing changes when
 * lines come in another order, several times, or from two instances with
 * different precision. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "headcount/codec.h"
#include "rollup_history.h"

static const struct {
    const char *zone;
    int64_t start_s;
} places[] = {
    {"UTC", 0},
    {"Europe/Zurich", 1459033200},       /* 2016-03-27, 23 hours */
    {"Europe/Zurich", 1477778400},       /* 2016-10-30, 25 hours */
    {"Australia/Lord_Howe", 1459591200}, /* 2016-04-03, 24.5 hours */
    {"Pacific/Apia", 1325152800},        /* 2011-12-29, before the day that is left out */
    {"Asia/Kathmandu", 1483206300},      /* a new year */
};
#define PLACES (sizeof places / sizeof *places)
#define REGISTERS 4096

/* Ids differ between precisions in more than registers, so those are compared
 * at the lower of the two. */
static void expect_same_sketch(const struct hc_sketch *row, const struct hc_sketch *expected)
{
    uint8_t ours[REGISTERS], theirs[REGISTERS];
    struct hc_sketch *a = NULL, *b = NULL;

    ck_assert_ptr_nonnull(row);
    ck_assert(hc_sketch_check(row, NULL));
    ck_assert_int_eq(hc_sketch_copy(row, &a), HC_OK);
    ck_assert_int_eq(hc_sketch_copy(expected, &b), HC_OK);
    ck_assert_int_eq(hc_sketch_fold(a, 12), HC_OK);
    ck_assert_int_eq(hc_sketch_fold(b, 12), HC_OK);
    ck_assert_int_eq(hc_sketch_registers(a, ours, sizeof ours), HC_OK);
    ck_assert_int_eq(hc_sketch_registers(b, theirs, sizeof theirs), HC_OK);
    ck_assert_mem_eq(ours, theirs, sizeof ours);
    hc_sketch_destroy(&a);
    hc_sketch_destroy(&b);
}

static int truth_compare(const void *left, const void *right)
{
    const struct history_truth *a = left, *b = right;

    if (a->minute_s != b->minute_s)
        return a->minute_s < b->minute_s ? -1 : 1;
    return (a->user > b->user) - (a->user < b->user);
}

/* Walks rows and sorted truth side by side. */
static void expect_truth(struct history *history, struct calendar *calendar,
                         enum calendar_grain grain)
{
    struct rollup *rollup = history_rollup(history, calendar, false);
    struct rollup_row row;
    size_t i = 0;
    int more;

    while ((more = rollup_next(rollup, &row)) > 0) {
        struct hc_sketch *expected = history_sketch(14);
        struct calendar_bucket bucket;
        size_t begin = i;

        if (!row.sketch) { /* a zero is a bucket in which nobody was */
            ck_assert(i == history->truth_count || history->truth[i].minute_s >= row.end_s);
            hc_sketch_destroy(&expected);
            continue;
        }
        ck_assert(calendar_find(calendar, history->truth[i].minute_s, &bucket));
        if (grain != CALENDAR_ALL) {
            ck_assert_int_eq(row.start_s, bucket.start_s);
            ck_assert_int_eq(row.end_s, bucket.end_s);
        }
        for (; i < history->truth_count && history->truth[i].minute_s < bucket.end_s; i++)
            history_add_user(expected, history->truth[i].user);
        ck_assert_uint_gt(i, begin);
        expect_same_sketch(row.sketch, expected);
        hc_sketch_destroy(&expected);
    }
    ck_assert_int_eq(more, 0);
    ck_assert_uint_eq(i, history->truth_count);
    rollup_destroy(&rollup);
}

START_TEST(rows_hold_their_users)
{
    struct history history = {0};
    uint64_t random = (uint64_t)_i + 77;

    history_make(&history, &(struct history_options){.seed = (uint64_t)_i,
                                                     .start_s = places[_i].start_s,
                                                     .steps = 24,
                                                     .frames = 100,
                                                     .step_minutes = 97,
                                                     .users = 3000,
                                                     .precisions = _i % 2 == 1});
    history_shuffle(&history, &random);
    qsort(history.truth, history.truth_count, sizeof(*history.truth), truth_compare);
    for (int grain = CALENDAR_MINUTE; grain <= CALENDAR_ALL; grain++) {
        struct calendar *calendar =
            history_calendar((enum calendar_grain)grain, places[_i].zone);

        expect_truth(&history, calendar, (enum calendar_grain)grain);
        calendar_destroy(&calendar);
    }
    history_free(&history);
}
END_TEST

/* Everything that a row says. */
static struct text rows_text(const struct history *history, enum calendar_grain grain)
{
    struct calendar *calendar = history_calendar(grain, "Europe/Zurich");
    struct rollup *rollup = history_rollup(history, calendar, false);
    struct text text = {0};
    struct rollup_row row;

    while (rollup_next(rollup, &row) > 0)
        text_format(&text, "%lld %lld %s %llx %.17g %llu %s\n", (long long)row.start_s,
                    (long long)row.end_s, row.group,
                    row.sketch ? (unsigned long long)hc_digest(row.sketch) : 0ULL,
                    row.estimate.value, (unsigned long long)row.minutes,
                    rollup_state_name(row.state));
    ck_assert(!text.failed && text.size > 0);
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
    return text;
}

START_TEST(order_and_copies_do_not_matter)
{
    struct history history = {0};
    uint64_t random = (uint64_t)_i;

    history_make(&history, &(struct history_options){.seed = 900 + (uint64_t)_i,
                                                     .start_s = 1477778400,
                                                     .steps = 15,
                                                     .frames = 200,
                                                     .step_minutes = 150,
                                                     .users = 100000,
                                                     .lost_percent = _i % 2 ? 2 : 0,
                                                     .missing_percent = 5,
                                                     .precisions = true});
    for (int grain = CALENDAR_MINUTE; grain <= CALENDAR_ALL; grain++) {
        struct text before = rows_text(&history, (enum calendar_grain)grain);
        size_t count = history.count;
        struct text after;

        for (size_t i = 0; i < count; i += 1 + random_below(&random, 5))
            history_add_line(&history, history.lines[i].bytes, history.lines[i].size);
        history_shuffle(&history, &random);
        after = rows_text(&history, (enum calendar_grain)grain);
        ck_assert_str_eq(before.bytes, after.bytes);
        text_free(&before);
        text_free(&after);
    }
    history_free(&history);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, rows_hold_their_users, 0, PLACES);
    tcase_add_loop_test(tcase, order_and_copies_do_not_matter, 0, 4);
}
