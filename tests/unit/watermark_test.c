/* Goal: every sentence about the clock of a partition and the watermark of a
 * pipeline, each as an example worked out by hand. */
#include "check_main.h"
#include "watermark.h"

#define LAG_S 10
#define IDLE_AFTER_MS 60000
#define BASE_S INT64_C(1468244340)

/* A clock that has read `count` frames, one second apart from BASE_S on. */
static struct watermark_clock clock_with(uint32_t count)
{
    struct watermark_clock clock;

    watermark_clock_init(&clock);
    for (uint32_t i = 0; i < count; i++)
        watermark_clock_note(&clock, BASE_S + i, 0);
    return clock;
}

/* A clock that stands at `value_s`. */
static struct watermark_clock clock_at(int64_t value_s)
{
    struct watermark_clock clock;

    watermark_clock_init(&clock);
    watermark_clock_note(&clock, value_s, 0);
    watermark_clock_note(&clock, value_s, 0);
    watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, value_s);
    return clock;
}

static struct watermark_clock clock_new(void)
{
    return clock_with(0);
}

static struct watermark_clock clock_idle(int64_t value_s)
{
    struct watermark_clock clock = clock_at(value_s);

    watermark_clock_sleep(&clock);
    return clock;
}

static struct watermark_clock clock_ended(int64_t value_s)
{
    struct watermark_clock clock = clock_at(value_s);

    clock.ended = true;
    return clock;
}

static int64_t update_one(struct watermark *watermark, struct watermark_clock clock, int64_t now_ms)
{
    watermark_update(watermark, &clock, 1, LAG_S, now_ms);
    return watermark->value_s;
}

START_TEST(one_timestamp_has_no_support)
{
    struct watermark_clock clock = clock_new();

    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 0);
    ck_assert_int_eq(clock.value_s, WATERMARK_NONE);
    watermark_clock_note(&clock, BASE_S, 0);
    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 0);
    ck_assert_int_eq(clock.value_s, WATERMARK_NONE);
    watermark_clock_note(&clock, BASE_S + 1000000, 0);
    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 0);
    ck_assert_int_eq(clock.value_s, BASE_S);
}
END_TEST

START_TEST(the_clock_is_a_quarter_down_and_at_least_the_second)
{
    static const struct {
        uint32_t count, rank;
    } rows[] = {{2, 2},   {3, 2},   {4, 2},   {5, 2},   {7, 2},   {8, 2},
                {9, 3},   {12, 3},  {13, 4},  {16, 4},  {17, 5},  {20, 5},
                {21, 6},  {32, 8},  {33, 9},  {60, 15}, {61, 16}, {64, 16},
                {65, 16}, {128, 16}, {200, 16}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct watermark_clock clock = clock_with(rows[i].count);

        watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
        ck_assert_int_eq(clock.value_s, BASE_S + rows[i].count - rows[i].rank);
    }
}
END_TEST

START_TEST(only_the_last_64_timestamps_count)
{
    struct watermark_clock clock = clock_new();

    for (int i = 0; i < 100; i++)
        watermark_clock_note(&clock, BASE_S + 1000000, 0);
    for (int i = 0; i < 48; i++)
        watermark_clock_note(&clock, BASE_S, 0);
    watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, BASE_S + 1000000); /* 16 of 64 still support it */
    watermark_clock_note(&clock, BASE_S, 0);
    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 1000000);
    ck_assert_int_eq(clock.value_s, BASE_S);
}
END_TEST

START_TEST(the_order_of_arrival_does_not_matter)
{
    struct watermark_clock clock = clock_new();

    for (int64_t i = 0; i < 64; i++)
        watermark_clock_note(&clock, BASE_S + i * 37 % 64, 0);
    watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, BASE_S + 48);
}
END_TEST

START_TEST(timestamps_read_longer_ago_than_idle_after_do_not_count)
{
    struct watermark_clock clock = clock_new();

    watermark_clock_note(&clock, BASE_S + 500, 0);
    watermark_clock_note(&clock, BASE_S + 400, 1);
    watermark_clock_note(&clock, BASE_S + 300, 2);
    watermark_clock_note(&clock, BASE_S + 200, 3);
    watermark_clock_update(&clock, IDLE_AFTER_MS, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, BASE_S + 400);
    ck_assert_int_eq(watermark_clock_update(&clock, IDLE_AFTER_MS + 1, IDLE_AFTER_MS), 100);
    ck_assert_int_eq(clock.value_s, BASE_S + 300);
    ck_assert_int_eq(watermark_clock_update(&clock, IDLE_AFTER_MS + 2, IDLE_AFTER_MS), 100);
    ck_assert_int_eq(clock.value_s, BASE_S + 200);
    for (int64_t after_ms = 3; after_ms < 100000; after_ms += 3333) {
        ck_assert_int_eq(
            watermark_clock_update(&clock, IDLE_AFTER_MS + after_ms, IDLE_AFTER_MS), 0);
        ck_assert_int_eq(clock.value_s, BASE_S + 200); /* one or none: it stays */
    }
}
END_TEST

START_TEST(a_slow_stream_does_not_lag_by_64_frames)
{
    struct watermark_clock clock = clock_new();

    for (int64_t i = 0; i < 200; i++) { /* one frame in 5 s: 13 of them within a minute */
        watermark_clock_note(&clock, BASE_S + 5 * i, 5000 * i);
        watermark_clock_update(&clock, 5000 * i, IDLE_AFTER_MS);
    }
    ck_assert_int_eq(clock.value_s, BASE_S + 5 * (199 - 3));
}
END_TEST

START_TEST(the_clock_may_go_back_and_says_by_how_much)
{
    struct watermark_clock clock = clock_at(BASE_S + 7200);

    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 0);
    for (int i = 0; i < 7; i++)
        watermark_clock_note(&clock, BASE_S, 0);
    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 7200);
    ck_assert_int_eq(clock.value_s, BASE_S);
    watermark_clock_note(&clock, BASE_S + 60, 0);
    ck_assert_int_eq(watermark_clock_update(&clock, 0, IDLE_AFTER_MS), 0); /* no fall */
    ck_assert_int_eq(clock.value_s, BASE_S + 60);
}
END_TEST

START_TEST(a_quiet_night_is_a_genuine_jump)
{
    struct watermark_clock clock = clock_with(64);

    watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
    watermark_clock_note(&clock, BASE_S + 28800, 28800000);
    watermark_clock_update(&clock, 28800000, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, BASE_S + 48);
    watermark_clock_note(&clock, BASE_S + 28801, 28801000);
    watermark_clock_update(&clock, 28801000, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, BASE_S + 28800);
}
END_TEST

START_TEST(a_clock_that_slept_begins_anew)
{
    struct watermark_clock clock = clock_with(64);

    watermark_clock_update(&clock, 0, IDLE_AFTER_MS);
    watermark_clock_sleep(&clock);
    ck_assert(clock.idle);
    ck_assert_int_eq(clock.value_s, WATERMARK_NONE);
    ck_assert_int_eq(clock.slept_s, BASE_S + 48);
    watermark_clock_sleep(&clock);
    ck_assert_int_eq(clock.slept_s, BASE_S + 48); /* twice is once */
    watermark_clock_note(&clock, BASE_S + 900, 1);
    ck_assert(!clock.idle);
    watermark_clock_update(&clock, 1, IDLE_AFTER_MS);
    ck_assert_int_eq(clock.value_s, WATERMARK_NONE); /* the 64 are forgotten */
    watermark_clock_sleep(&clock);
    ck_assert_int_eq(clock.slept_s, BASE_S + 48); /* one sample has no support */
    watermark_clock_note(&clock, BASE_S + 950, 2);
    watermark_clock_sleep(&clock);
    ck_assert_int_eq(clock.slept_s, BASE_S + 900); /* two in a row have */
    watermark_clock_note(&clock, BASE_S - 1, 2);
    watermark_clock_sleep(&clock);
    ck_assert_int_eq(clock.slept_s, BASE_S - 1);
}
END_TEST

START_TEST(a_clock_that_wakes_up_behind_says_so)
{
    struct watermark_clock clock = clock_idle(BASE_S + 3600);

    watermark_clock_note(&clock, BASE_S, 1);
    ck_assert_int_eq(watermark_clock_update(&clock, 1, IDLE_AFTER_MS), 0);
    watermark_clock_note(&clock, BASE_S, 1);
    ck_assert_int_eq(watermark_clock_update(&clock, 1, IDLE_AFTER_MS), 3600);
    ck_assert_int_eq(watermark_clock_update(&clock, 1, IDLE_AFTER_MS), 0);
}
END_TEST

/* Frames so rare that each stands alone; the first is a year off. */
START_TEST(a_damaged_first_frame_is_got_over)
{
    struct watermark watermark;
    struct watermark_clock clock = clock_new();

    watermark_init(&watermark);
    for (int64_t i = 0; i < 6; i++) {
        int64_t now_ms = 100000 * i, off_s = i == 0 ? 365 * 86400 : 0;

        watermark_clock_note(&clock, BASE_S + 100 * i - off_s, now_ms);
        watermark_clock_update(&clock, now_ms, IDLE_AFTER_MS);
        update_one(&watermark, clock, now_ms);
        watermark_clock_sleep(&clock);
        update_one(&watermark, clock, now_ms + IDLE_AFTER_MS);
    }
    ck_assert_int_ge(watermark.value_s, BASE_S + 400 - LAG_S);
    ck_assert_int_le(watermark.value_s, BASE_S + 600);
}
END_TEST

START_TEST(the_watermark_is_the_smallest_clock_minus_max_lag)
{
    struct watermark watermark;
    struct watermark_clock clocks[] = {clock_at(BASE_S + 30), clock_at(BASE_S),
                                       clock_idle(BASE_S - 600), clock_ended(BASE_S - 900)};

    watermark_init(&watermark);
    ck_assert_int_eq(watermark.value_s, WATERMARK_NONE);
    watermark_update(&watermark, clocks, 4, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, BASE_S - LAG_S);
    clocks[1] = clock_at(BASE_S + 100);
    watermark_update(&watermark, clocks, 4, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, BASE_S + 30 - LAG_S);
    clocks[0] = clock_at(BASE_S - 5); /* it may go back */
    watermark_update(&watermark, clocks, 4, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, BASE_S - 5 - LAG_S);
}
END_TEST

START_TEST(a_new_partition_holds_it_until_it_has_a_clock_or_is_idle)
{
    struct watermark watermark;
    struct watermark_clock clocks[] = {clock_at(BASE_S), clock_new()};

    watermark_init(&watermark);
    watermark_update(&watermark, clocks, 2, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, WATERMARK_NONE);
    watermark_update(&watermark, clocks, 1, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, BASE_S - LAG_S);
    clocks[0] = clock_at(BASE_S + 600);
    watermark_update(&watermark, clocks, 2, LAG_S, 600000);
    ck_assert_int_eq(watermark.value_s, BASE_S - LAG_S);
    watermark_clock_note(&clocks[1], BASE_S + 1, 600000); /* one is not enough */
    watermark_clock_update(&clocks[1], 600000, IDLE_AFTER_MS);
    watermark_update(&watermark, clocks, 2, LAG_S, 600000);
    ck_assert_int_eq(watermark.value_s, BASE_S - LAG_S);
    watermark_clock_note(&clocks[1], BASE_S + 60, 600000);
    watermark_clock_update(&clocks[1], 600000, IDLE_AFTER_MS);
    watermark_update(&watermark, clocks, 2, LAG_S, 600000);
    ck_assert_int_eq(watermark.value_s, BASE_S + 1 - LAG_S);
    watermark_clock_init(&clocks[1]);
    watermark_clock_sleep(&clocks[1]);
    watermark_update(&watermark, clocks, 2, LAG_S, 600000);
    ck_assert_int_eq(watermark.value_s, BASE_S + 600 - LAG_S);
}
END_TEST

START_TEST(when_all_are_idle_it_runs_on)
{
    struct watermark watermark;

    watermark_init(&watermark);
    update_one(&watermark, clock_at(BASE_S), 1000);
    for (int64_t i = 1; i <= 100; i++) /* parts of a second add up */
        ck_assert_int_eq(update_one(&watermark, clock_idle(BASE_S), 1000 + 700 * i),
                         BASE_S - LAG_S + 700 * i / 1000);
}
END_TEST

START_TEST(time_that_it_was_held_is_made_up_for)
{
    struct watermark watermark;

    watermark_init(&watermark);
    update_one(&watermark, clock_at(BASE_S), 0);
    ck_assert_int_eq(update_one(&watermark, clock_idle(BASE_S), 100000), BASE_S + 100 - LAG_S);
    ck_assert_int_eq(update_one(&watermark, clock_with(1), 100001), BASE_S + 100 - LAG_S);
    ck_assert_int_eq(update_one(&watermark, clock_with(1), 160000), BASE_S + 100 - LAG_S);
    ck_assert_int_eq(update_one(&watermark, clock_idle(BASE_S), 160001), BASE_S + 160 - LAG_S);
    watermark_update(&watermark, NULL, 0, LAG_S, 170000); /* between two assignments: as it was */
    ck_assert_int_eq(watermark.value_s, BASE_S + 160 - LAG_S);
    ck_assert_int_eq(update_one(&watermark, clock_idle(BASE_S), 200000), BASE_S + 200 - LAG_S);
}
END_TEST

START_TEST(a_first_frame_before_idleness_is_where_it_begins)
{
    struct watermark watermark;
    struct watermark_clock clocks[] = {clock_with(1), clock_idle(BASE_S + 40), clock_new()};

    watermark_clock_sleep(&clocks[0]);
    watermark_clock_sleep(&clocks[2]);
    watermark_init(&watermark);
    watermark_update(&watermark, &clocks[2], 1, LAG_S, 0); /* nothing was ever read */
    ck_assert_int_eq(watermark.value_s, WATERMARK_NONE);
    watermark_update(&watermark, clocks, 3, LAG_S, 5000);
    ck_assert_int_eq(watermark.value_s, BASE_S - LAG_S);
    watermark_update(&watermark, clocks, 3, LAG_S, 75000);
    ck_assert_int_eq(watermark.value_s, BASE_S + 70 - LAG_S);
}
END_TEST

START_TEST(what_has_ended_closes_everything)
{
    struct watermark watermark;
    struct watermark_clock clocks[] = {clock_ended(BASE_S), clock_ended(BASE_S + 9)};

    watermark_init(&watermark);
    watermark_update(&watermark, clocks, 2, LAG_S, 0);
    ck_assert_int_eq(watermark.value_s, WATERMARK_ALL);
    watermark_update(&watermark, NULL, 0, LAG_S, 1000); /* before the next file */
    ck_assert_int_eq(watermark.value_s, WATERMARK_ALL);
}
END_TEST

START_TEST(an_input_after_the_last_one_opens_minutes_again)
{
    struct watermark watermark;

    watermark_init(&watermark);
    update_one(&watermark, clock_ended(BASE_S), 0);
    ck_assert_int_eq(update_one(&watermark, clock_new(), 1000), WATERMARK_NONE);
    ck_assert_int_eq(update_one(&watermark, clock_at(BASE_S - 600), 2000), BASE_S - 600 - LAG_S);

    update_one(&watermark, clock_ended(BASE_S), 3000); /* its frames come at once */
    ck_assert_int_eq(update_one(&watermark, clock_at(BASE_S - 600), 4000), BASE_S - 600 - LAG_S);

    update_one(&watermark, clock_ended(BASE_S), 5000); /* it is idle at once */
    ck_assert_int_eq(update_one(&watermark, clock_idle(BASE_S - 600), 9000),
                     BASE_S - 600 - LAG_S);
}
END_TEST

START_TEST(an_ended_input_does_not_stop_idle_ones)
{
    struct watermark watermark;
    struct watermark_clock clocks[] = {clock_at(BASE_S), clock_at(BASE_S + 9)};

    watermark_init(&watermark);
    watermark_update(&watermark, clocks, 2, LAG_S, 0);
    clocks[0].ended = true;
    watermark_clock_sleep(&clocks[1]);
    watermark_update(&watermark, clocks, 2, LAG_S, 30000);
    ck_assert_int_eq(watermark.value_s, BASE_S + 30 - LAG_S);
}
END_TEST

START_TEST(a_partition_reports_its_own_clock_and_an_idle_one_the_pipelines)
{
    struct watermark watermark = {.value_s = BASE_S};
    struct watermark_clock clock = clock_at(BASE_S + 100);

    ck_assert_int_eq(watermark_of_partition(&watermark, &clock, LAG_S), BASE_S + 100 - LAG_S);
    watermark_clock_sleep(&clock);
    ck_assert_int_eq(watermark_of_partition(&watermark, &clock, LAG_S), BASE_S);
    watermark.value_s = WATERMARK_NONE;
    ck_assert_int_eq(watermark_of_partition(&watermark, &clock, LAG_S), WATERMARK_NONE);
    clock = clock_new();
    ck_assert_int_eq(watermark_of_partition(&watermark, &clock, LAG_S), WATERMARK_NONE);
}
END_TEST

static void add_clock_tests(TCase *tcase)
{
    tcase_add_test(tcase, one_timestamp_has_no_support);
    tcase_add_test(tcase, the_clock_is_a_quarter_down_and_at_least_the_second);
    tcase_add_test(tcase, only_the_last_64_timestamps_count);
    tcase_add_test(tcase, the_order_of_arrival_does_not_matter);
    tcase_add_test(tcase, timestamps_read_longer_ago_than_idle_after_do_not_count);
    tcase_add_test(tcase, a_slow_stream_does_not_lag_by_64_frames);
    tcase_add_test(tcase, the_clock_may_go_back_and_says_by_how_much);
    tcase_add_test(tcase, a_quiet_night_is_a_genuine_jump);
    tcase_add_test(tcase, a_clock_that_slept_begins_anew);
    tcase_add_test(tcase, a_clock_that_wakes_up_behind_says_so);
    tcase_add_test(tcase, a_damaged_first_frame_is_got_over);
}

void add_cases(TCase *tcase)
{
    add_clock_tests(tcase);
    tcase_add_test(tcase, the_watermark_is_the_smallest_clock_minus_max_lag);
    tcase_add_test(tcase, a_new_partition_holds_it_until_it_has_a_clock_or_is_idle);
    tcase_add_test(tcase, when_all_are_idle_it_runs_on);
    tcase_add_test(tcase, time_that_it_was_held_is_made_up_for);
    tcase_add_test(tcase, a_first_frame_before_idleness_is_where_it_begins);
    tcase_add_test(tcase, what_has_ended_closes_everything);
    tcase_add_test(tcase, an_input_after_the_last_one_opens_minutes_again);
    tcase_add_test(tcase, an_ended_input_does_not_stop_idle_ones);
    tcase_add_test(tcase, a_partition_reports_its_own_clock_and_an_idle_one_the_pipelines);
}
