/* Goal: the buckets of a calendar cut all of time into pieces, and nest.
 *
 * For random instants, zones, grains and week starts: the bucket holds its
 * instant; every instant of it finds the same bucket; the next begins where it
 * ends; a day lies in one week and one month, a month in one year; and, the
 * other opinion, glibc's own reading of the first second is a local midnight,
 * or the instant at which the offset changed. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calendar.h"
#include "check_main.h"
#include "limits.h"
#include "test_random.h"

static const char *const zones[] = {
    "UTC", "Europe/Zurich", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Beirut", "Pacific/Apia", "Pacific/Kwajalein",
    "Pacific/Chatham", "Africa/Casablanca", "Antarctica/Troll", "Africa/Monrovia", "Asia/Gaza"};
#define ZONES (sizeof zones / sizeof *zones)
#define ROUNDS 400

static uint64_t random_state;

static uint64_t draw(void)
{
    return random_next(&random_state);
}

/* Mostly years that live; now and then anywhere up to 9999. */
static int64_t random_time(void)
{
    uint64_t range = draw() % 16 ? UINT64_C(2524608000) : (uint64_t)LIMIT_TIME_S + 1;

    return (int64_t)(draw() % range);
}

static int64_t clamp(int64_t time_s)
{
    return time_s < 0 ? 0 : time_s > LIMIT_TIME_S ? LIMIT_TIME_S : time_s;
}

static struct calendar *calendar_of(const char *zone, int grain, int week)
{
    struct calendar_options options = {.grain = (enum calendar_grain)grain,
                                       .week_start = (enum calendar_week)week,
                                       .zone = zone};
    char error[200];
    struct calendar *calendar = calendar_create(&options, error, sizeof error);

    ck_assert_ptr_nonnull(calendar);
    return calendar;
}

static struct calendar_bucket find(struct calendar *calendar, int64_t time_s)
{
    struct calendar_bucket bucket;

    ck_assert(calendar_find(calendar, time_s, &bucket));
    ck_assert_int_le(bucket.start_s, time_s);
    ck_assert_int_gt(bucket.end_s, time_s);
    return bucket;
}

static void expect_same(struct calendar *calendar, int64_t time_s, struct calendar_bucket expected)
{
    struct calendar_bucket bucket = find(calendar, clamp(time_s));

    ck_assert_int_eq(bucket.start_s, expected.start_s);
    ck_assert_int_eq(bucket.end_s, expected.end_s);
}

START_TEST(buckets_follow_each_other)
{
    const char *zone = zones[_i];

    random_state = (uint64_t)_i;
    for (int grain = CALENDAR_MINUTE; grain <= CALENDAR_ALL; grain++) {
        struct calendar *calendar = calendar_of(zone, grain, (int)(draw() % 3));

        for (int round = 0; round < ROUNDS; round++) {
            struct calendar_bucket bucket = find(calendar, random_time());
            uint64_t length = (uint64_t)(bucket.end_s - bucket.start_s);

            expect_same(calendar, bucket.start_s, bucket);
            expect_same(calendar, bucket.end_s - 1, bucket);
            expect_same(calendar, bucket.start_s + (int64_t)(draw() % length), bucket);
            if (bucket.end_s <= LIMIT_TIME_S)
                ck_assert_int_eq(find(calendar, bucket.end_s).start_s, bucket.end_s);
            if (grain == CALENDAR_HOUR)
                ck_assert_int_le(bucket.end_s - bucket.start_s, 3600);
        }
        calendar_destroy(&calendar);
    }
}
END_TEST

static void expect_inside(struct calendar *inner, struct calendar *outer, int64_t time_s)
{
    struct calendar_bucket in = find(inner, time_s);
    struct calendar_bucket out = find(outer, time_s);

    ck_assert_int_ge(in.start_s, out.start_s);
    ck_assert_int_le(in.end_s, out.end_s);
}

START_TEST(grains_nest)
{
    const char *zone = zones[_i];
    struct calendar *hour = calendar_of(zone, CALENDAR_HOUR, 0);
    struct calendar *day = calendar_of(zone, CALENDAR_DAY, 0);
    struct calendar *week = calendar_of(zone, CALENDAR_WEEK, (int)_i % 3);
    struct calendar *month = calendar_of(zone, CALENDAR_MONTH, 0);
    struct calendar *year = calendar_of(zone, CALENDAR_YEAR, 0);

    random_state = 1000 + (uint64_t)_i;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t time_s = random_time();

        expect_inside(hour, day, time_s);
        expect_inside(day, week, time_s);
        expect_inside(day, month, time_s);
        expect_inside(month, year, time_s);
    }
    calendar_destroy(&hour);
    calendar_destroy(&day);
    calendar_destroy(&week);
    calendar_destroy(&month);
    calendar_destroy(&year);
}
END_TEST

/* What glibc reads off the wall clock of TZ. */
static struct tm wall(int64_t time_s)
{
    time_t time = time_s;
    struct tm tm;

    ck_assert_ptr_nonnull(localtime_r(&time, &tm));
    return tm;
}

static bool is_change(int64_t time_s)
{
    return wall(time_s).tm_gmtoff != wall(time_s - 1).tm_gmtoff;
}

START_TEST(days_begin_at_midnight)
{
    struct calendar *calendars[] = {calendar_of(zones[_i], CALENDAR_DAY, 0),
                                    calendar_of(zones[_i], CALENDAR_WEEK, CALENDAR_SUNDAY),
                                    calendar_of(zones[_i], CALENDAR_MONTH, 0),
                                    calendar_of(zones[_i], CALENDAR_YEAR, 0)};

    random_state = 2000 + (uint64_t)_i;
    for (int round = 0; round < ROUNDS; round++) {
        struct calendar_bucket buckets[4];
        int64_t time_s = random_time();

        for (int i = 0; i < 4; i++)
            buckets[i] = find(calendars[i], time_s);
        setenv("TZ", zones[_i], 1);
        tzset();
        for (int i = 0; i < 4; i++) {
            struct tm tm = wall(buckets[i].start_s);
            bool change = is_change(buckets[i].start_s);

            ck_assert(change || tm.tm_hour + tm.tm_min + tm.tm_sec == 0);
            ck_assert(change || i != 1 || tm.tm_wday == 0);
            ck_assert(change || i < 2 || tm.tm_mday == 1);
            ck_assert(change || i < 3 || tm.tm_mon == 0);
        }
        unsetenv("TZ");
        tzset();
    }
    for (int i = 0; i < 4; i++)
        calendar_destroy(&calendars[i]);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, buckets_follow_each_other, 0, ZONES);
    tcase_add_loop_test(tcase, grains_nest, 0, ZONES);
    tcase_add_loop_test(tcase, days_begin_at_midnight, 0, ZONES);
}
