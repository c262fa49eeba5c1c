/* Goal: buckets begin and end on the right second, in the zones that are hard.
 *
 * By hand: cases that one can look up. By the golden file: what Python's
 * zoneinfo says of 3,000 instants around changes (tests/support/
 * calendar_oracle.py). And: a zone that does not exist is refused, and TZ is
 * what it was. */
#include "calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "limits.h"
#include "number.h"

static int64_t utc(const char *text)
{
    int64_t time_s;

    ck_assert_msg(number_time_s(text, &time_s), "%s", text);
    return time_s;
}

static struct calendar *calendar_of(const char *zone, enum calendar_grain grain,
                                    enum calendar_week week)
{
    struct calendar_options options = {.grain = grain, .week_start = week, .zone = zone};
    char error[200] = "";
    struct calendar *calendar = calendar_create(&options, error, sizeof error);

    ck_assert_msg(calendar != NULL, "%s", error);
    return calendar;
}

struct known {
    const char *zone;
    enum calendar_grain grain;
    enum calendar_week week;
    const char *at, *start, *end;
};

static const struct known known[] = {
    {NULL, CALENDAR_MINUTE, 0, "2016-07-11T13:39:59Z", "2016-07-11T13:39:00Z",
     "2016-07-11T13:40:00Z"},
    {"Asia/Kathmandu", CALENDAR_MINUTE, 0, "2016-07-11T13:39:59Z", "2016-07-11T13:39:00Z",
     "2016-07-11T13:40:00Z"},
    {"UTC", CALENDAR_HOUR, 0, "2016-07-11T13:39:59Z", "2016-07-11T13:00:00Z",
     "2016-07-11T14:00:00Z"},
    /* 23 and 25 hours, to the second. */
    {"Europe/Zurich", CALENDAR_DAY, 0, "2016-03-26T22:59:59Z", "2016-03-25T23:00:00Z",
     "2016-03-26T23:00:00Z"},
    {"Europe/Zurich", CALENDAR_DAY, 0, "2016-03-26T23:00:00Z", "2016-03-26T23:00:00Z",
     "2016-03-27T22:00:00Z"},
    {"Europe/Zurich", CALENDAR_DAY, 0, "2016-10-30T22:59:59Z", "2016-10-29T22:00:00Z",
     "2016-10-30T23:00:00Z"},
    {"America/New_York", CALENDAR_DAY, 0, "2016-11-06T12:00:00Z", "2016-11-06T04:00:00Z",
     "2016-11-07T05:00:00Z"},
    /* The hour that is shown twice is two hours. */
    {"Europe/Zurich", CALENDAR_HOUR, 0, "2016-10-30T00:59:59Z", "2016-10-30T00:00:00Z",
     "2016-10-30T01:00:00Z"},
    {"Europe/Zurich", CALENDAR_HOUR, 0, "2016-10-30T01:00:00Z", "2016-10-30T01:00:00Z",
     "2016-10-30T02:00:00Z"},
    /* A week across the change, each way of starting it. */
    {"Europe/Zurich", CALENDAR_WEEK, CALENDAR_MONDAY, "2016-10-30T22:59:59Z",
     "2016-10-23T22:00:00Z", "2016-10-30T23:00:00Z"},
    {"Europe/Zurich", CALENDAR_WEEK, CALENDAR_SUNDAY, "2016-10-30T22:59:59Z",
     "2016-10-29T22:00:00Z", "2016-11-05T23:00:00Z"},
    {"Europe/Zurich", CALENDAR_WEEK, CALENDAR_SATURDAY, "2016-10-30T22:59:59Z",
     "2016-10-28T22:00:00Z", "2016-11-04T23:00:00Z"},
    {"Europe/Zurich", CALENDAR_MONTH, 0, "2016-10-31T22:59:59Z", "2016-09-30T22:00:00Z",
     "2016-10-31T23:00:00Z"},
    {"Europe/Zurich", CALENDAR_YEAR, 0, "2016-12-31T22:59:59Z", "2015-12-31T23:00:00Z",
     "2016-12-31T23:00:00Z"},
    /* Leap years: 2016 is one, 2100 is none, 2000 is one. */
    {"UTC", CALENDAR_MONTH, 0, "2016-02-29T23:59:59Z", "2016-02-01T00:00:00Z",
     "2016-03-01T00:00:00Z"},
    {"UTC", CALENDAR_MONTH, 0, "2100-02-28T23:59:59Z", "2100-02-01T00:00:00Z",
     "2100-03-01T00:00:00Z"},
    {"UTC", CALENDAR_MONTH, 0, "2000-02-29T00:00:00Z", "2000-02-01T00:00:00Z",
     "2000-03-01T00:00:00Z"},
    {"UTC", CALENDAR_MONTH, 0, "2016-12-31T23:59:59Z", "2016-12-01T00:00:00Z",
     "2017-01-01T00:00:00Z"},
    /* Half an hour: 60 + 30 minutes in autumn, 30 in spring. */
    {"Australia/Lord_Howe", CALENDAR_DAY, 0, "2016-04-03T00:00:00Z", "2016-04-02T13:00:00Z",
     "2016-04-03T13:30:00Z"},
    {"Australia/Lord_Howe", CALENDAR_HOUR, 0, "2016-04-02T14:59:59Z", "2016-04-02T14:00:00Z",
     "2016-04-02T15:00:00Z"},
    {"Australia/Lord_Howe", CALENDAR_HOUR, 0, "2016-04-02T15:00:00Z", "2016-04-02T15:00:00Z",
     "2016-04-02T15:30:00Z"},
    {"Australia/Lord_Howe", CALENDAR_HOUR, 0, "2016-04-02T15:30:00Z", "2016-04-02T15:30:00Z",
     "2016-04-02T16:30:00Z"},
    {"Australia/Lord_Howe", CALENDAR_HOUR, 0, "2016-10-01T15:30:00Z", "2016-10-01T15:30:00Z",
     "2016-10-01T16:00:00Z"},
    {"Australia/Lord_Howe", CALENDAR_DAY, 0, "2016-10-01T15:30:00Z", "2016-10-01T13:30:00Z",
     "2016-10-02T13:00:00Z"},
    /* Offsets of :45. */
    {"Asia/Kathmandu", CALENDAR_DAY, 0, "2016-07-11T18:14:59Z", "2016-07-10T18:15:00Z",
     "2016-07-11T18:15:00Z"},
    {"Asia/Kathmandu", CALENDAR_HOUR, 0, "2016-07-11T18:14:59Z", "2016-07-11T17:15:00Z",
     "2016-07-11T18:15:00Z"},
    /* Samoa has no 30 December 2011. */
    {"Pacific/Apia", CALENDAR_DAY, 0, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z",
     "2011-12-30T10:00:00Z"},
    {"Pacific/Apia", CALENDAR_DAY, 0, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z",
     "2011-12-31T10:00:00Z"},
    {"Pacific/Apia", CALENDAR_WEEK, CALENDAR_MONDAY, "2011-12-30T10:00:00Z",
     "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"},
    /* No midnight that day. */
    {"America/Sao_Paulo", CALENDAR_DAY, 0, "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z",
     "2018-11-05T02:00:00Z"},
    {"America/Sao_Paulo", CALENDAR_DAY, 0, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z",
     "2018-11-04T03:00:00Z"},
    {"Asia/Beirut", CALENDAR_DAY, 0, "2022-03-27T12:00:00Z", "2022-03-26T22:00:00Z",
     "2022-03-27T21:00:00Z"},
    /* Set back at 00:01: the day has begun and stays in one piece of 25 hours. */
    {"America/St_Johns", CALENDAR_DAY, 0, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z",
     "2010-11-08T03:30:00Z"},
    {"America/St_Johns", CALENDAR_DAY, 0, "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z",
     "2010-11-08T03:30:00Z"},
    {"America/St_Johns", CALENDAR_HOUR, 0, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z",
     "2010-11-07T02:31:00Z"},
    /* An offset of -0:44:30. */
    {"Africa/Monrovia", CALENDAR_DAY, 0, "1971-06-01T12:00:00Z", "1971-06-01T00:44:30Z",
     "1971-06-02T00:44:30Z"},
};

START_TEST(known_buckets)
{
    const struct known *k = &known[_i];
    struct calendar *calendar = calendar_of(k->zone, k->grain, k->week);
    struct calendar_bucket bucket;

    ck_assert(calendar_find(calendar, utc(k->at), &bucket));
    ck_assert_msg(bucket.start_s == utc(k->start), "%s at %s: start %lld", k->zone, k->at,
                  (long long)bucket.start_s);
    ck_assert_msg(bucket.end_s == utc(k->end), "%s at %s: end %lld", k->zone, k->at,
                  (long long)bucket.end_s);
    calendar_destroy(&calendar);
    ck_assert_ptr_null(calendar);
}
END_TEST

/* The first and the last second that a frame can have, where the buckets
 * reach out of that range. */
START_TEST(ends_of_time)
{
    struct calendar_bucket bucket;
    struct calendar *calendar = calendar_of("Etc/GMT+12", CALENDAR_YEAR, CALENDAR_MONDAY);

    ck_assert(calendar_find(calendar, 0, &bucket));
    ck_assert_int_eq(bucket.start_s, -364 * 86400 - 43200);
    ck_assert_int_eq(bucket.end_s, 43200);
    calendar_destroy(&calendar);

    calendar = calendar_of("Pacific/Kiritimati", CALENDAR_YEAR, CALENDAR_MONDAY);
    ck_assert(calendar_find(calendar, LIMIT_TIME_S, &bucket));
    ck_assert_int_eq(bucket.start_s, LIMIT_TIME_S + 1 - 14 * 3600);
    ck_assert_int_eq(bucket.end_s, LIMIT_TIME_S + 1 - 14 * 3600 + 366 * 86400);
    calendar_destroy(&calendar);

    calendar = calendar_of(NULL, CALENDAR_ALL, CALENDAR_MONDAY);
    ck_assert(calendar_find(calendar, 1, &bucket));
    ck_assert_int_eq(bucket.start_s, 0);
    ck_assert_int_eq(bucket.end_s, LIMIT_TIME_S + 1);
    calendar_destroy(&calendar);
}
END_TEST

static int choice(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    ck_abort_msg("no such name: %s", name);
    return -1;
}

START_TEST(golden_file)
{
    FILE *file = fopen(TEST_DATA "/golden/calendar.txt", "r");
    char zone[64], grain[16], week[16], last[128] = "", now[128];
    struct calendar *calendar = NULL;
    struct calendar_bucket bucket;
    long long at, start, end;
    size_t lines = 0;

    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "%63s %15s %15s %lld %lld %lld", zone, grain, week, &at, &start, &end)
           == 6) {
        snprintf(now, sizeof now, "%s %s %s", zone, grain, week);
        if (strcmp(now, last) != 0) {
            calendar_destroy(&calendar);
            calendar = calendar_of(zone, (enum calendar_grain)choice(calendar_grain_names, grain),
                                   (enum calendar_week)choice(calendar_week_names, week));
            memcpy(last, now, sizeof last);
        }
        ck_assert(calendar_find(calendar, at, &bucket));
        ck_assert_msg(bucket.start_s == start && bucket.end_s == end, "%s at %lld: %lld %lld", now,
                      at, (long long)bucket.start_s, (long long)bucket.end_s);
        lines++;
    }
    ck_assert(feof(file));
    ck_assert_uint_gt(lines, 1000);
    calendar_destroy(&calendar);
    fclose(file);
}
END_TEST

START_TEST(unknown_zones)
{
    static const char *const names[] = {
        "", "Europe", "Europe/Zuerich", "europe/zurich", "CEST-2", "../zoneinfo/UTC",
        "/usr/share/zoneinfo/UTC", "right/Europe/Zurich", ":UTC", "zone.tab", "Europe/Zurich ",
        "Europe/Zurich/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct calendar_options options = {.grain = CALENDAR_DAY, .zone = names[i]};
        char error[200] = "";

        ck_assert_msg(!calendar_create(&options, error, sizeof error), "%s", names[i]);
        ck_assert_msg(strstr(error, "zone"), "%s", error);
    }
}
END_TEST

/* The table is kept in leaves of 366 days; no hour may be cut where they meet. */
START_TEST(leaves_join)
{
    struct calendar *calendar = calendar_of("Asia/Kathmandu", CALENDAR_HOUR, CALENDAR_MONDAY);
    int64_t leaf_s = INT64_C(366) * 86400;
    struct calendar_bucket bucket;

    for (int64_t edge = 17 * leaf_s; edge < LIMIT_TIME_S; edge += leaf_s) {
        for (int64_t at = edge - 3600; at <= edge + 3600; at += 900) {
            ck_assert(calendar_find(calendar, at, &bucket));
            ck_assert_int_eq(bucket.end_s - bucket.start_s, 3600);
            ck_assert_int_eq(bucket.start_s % 3600, 900);
        }
    }
    calendar_destroy(&calendar);
}
END_TEST

/* With and without TZ: the process's own local time does not change. */
START_TEST(tz_is_restored)
{
    struct calendar *calendar = calendar_of("Asia/Kathmandu", CALENDAR_DAY, CALENDAR_MONDAY);
    struct calendar_bucket bucket;

    setenv("TZ", "America/New_York", 1);
    ck_assert(calendar_find(calendar, utc("2016-07-11T13:39:00Z"), &bucket));
    ck_assert_str_eq(getenv("TZ"), "America/New_York");
    unsetenv("TZ");
    ck_assert(calendar_find(calendar, utc("1999-07-11T13:39:00Z"), &bucket));
    ck_assert_ptr_null(getenv("TZ"));
    ck_assert_int_eq(bucket.start_s, utc("1999-07-10T18:15:00Z"));
    calendar_destroy(&calendar);
}
END_TEST

static void expect_text(const char *zone, int64_t time_s, const char *local, const char *in_utc)
{
    struct calendar *calendar = calendar_of(zone, CALENDAR_DAY, CALENDAR_MONDAY);
    struct text text = {0};

    calendar_text_local(calendar, time_s, &text);
    ck_assert_str_eq(text.bytes, local);
    text_clear(&text);
    calendar_text_utc(time_s, &text);
    ck_assert_str_eq(text.bytes, in_utc);
    text_free(&text);
    calendar_destroy(&calendar);
}

START_TEST(texts)
{
    expect_text("Europe/Zurich", 1468244340, "2016-07-11 15:39:00+02:00", "2016-07-11T13:39:00Z");
    expect_text("America/New_York", 1468244340, "2016-07-11 09:39:00-04:00",
                "2016-07-11T13:39:00Z");
    expect_text("Asia/Kathmandu", 1468244340, "2016-07-11 19:24:00+05:45", "2016-07-11T13:39:00Z");
    expect_text("UTC", -1, "1969-12-31 23:59:59+00:00", "1969-12-31T23:59:59Z");
    expect_text("Africa/Monrovia", 2670, "1970-01-01 00:00:00-00:44:30", "1970-01-01T00:44:30Z");
    expect_text("UTC", LIMIT_TIME_S + 1, "10000-01-01 00:00:00+00:00", "10000-01-01T00:00:00Z");
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, known_buckets, 0, sizeof known / sizeof *known);
    tcase_add_test(tcase, ends_of_time);
    tcase_add_test(tcase, golden_file);
    tcase_add_test(tcase, unknown_zones);
    tcase_add_test(tcase, leaves_join);
    tcase_add_test(tcase, tz_is_restored);
    tcase_add_test(tcase, texts);
}
