/* Goal: numbers that people type are read as a whole or not at all, within their
 * bounds; and times agree with the C library's calendar over ten thousand years. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check_main.h"
#include "limits.h"
#include "number.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef bool reader(const char *text, int64_t min, int64_t max, int64_t *out);

static void expect(reader *read, const char *text, int64_t want)
{
    int64_t number = ~want;

    ck_assert_msg(read(text, INT64_MIN, INT64_MAX, &number), "%s", text);
    ck_assert_msg(number == want, "%s: %lld", text, (long long)number);
    /* Right at its bounds it passes, and beyond each it does not. */
    ck_assert(read(text, want, want, &number));
    if (want < INT64_MAX)
        ck_assert(!read(text, want + 1, INT64_MAX, &number));
    if (want > INT64_MIN)
        ck_assert(!read(text, INT64_MIN, want - 1, &number));
}

static void refuse(reader *read, const char *text)
{
    int64_t number = 77;

    ck_assert_msg(!read(text, INT64_MIN, INT64_MAX, &number), "'%s'", text);
    ck_assert_int_eq(number, 77);
}

START_TEST(integers_are_read)
{
    static const char *const bad[] = {"",    "-",   "+1",   " 1",  "1 ", "1.0",
                                      "1e3", "--1", "0x10", "1-1", "1,0", "abc",
                                      "\t1", "1\n", "9223372036854775808",
                                      "-9223372036854775809", "18446744073709551616",
                                      "99999999999999999999999999"};

    expect(number_int64, "0", 0);
    expect(number_int64, "-0", 0);
    expect(number_int64, "007", 7);
    expect(number_int64, "-12", -12);
    expect(number_int64, "9223372036854775807", INT64_MAX);
    expect(number_int64, "-9223372036854775808", INT64_MIN);
    for (size_t i = 0; i < COUNT(bad); i++)
        refuse(number_int64, bad[i]);
}
END_TEST

START_TEST(doubles_are_read)
{
    static const char *const bad[] = {"", ".", "-", "+1", " 1", "1 ", "inf", "nan", "-inf", "0x1p3",
                                      "1e", "1e400", "1.5.5", "1,5", "e5", "--1", "1_0"};
    double number = 7;

    ck_assert(number_double("1.5e-3", 0, 1, &number) && number == 1.5e-3);
    ck_assert(number_double("-2", -2, 1, &number) && number == -2);
    ck_assert(number_double(".5", 0, 1, &number) && number == 0.5);
    ck_assert(!number_double("1.0001", 0, 1, &number));
    ck_assert(!number_double("-0.0001", 0, 1, &number));
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!number_double(bad[i], -1e300, 1e300, &number), "%s", bad[i]);
    ck_assert_double_eq(number, 0.5);
}
END_TEST

START_TEST(durations_are_read_in_milliseconds)
{
    static const char *const bad[] = {"", "5", "s", "-5s", "+5s", "5 s", "5S", "5sec", "1.5s",
                                      "5w", "1h30m", "5ms ", "00s ", "9223372036854775807s",
                                      "106751991168d", "99999999999999999999ms"};

    expect(number_duration_ms, "0", 0);
    expect(number_duration_ms, "0d", 0);
    expect(number_duration_ms, "250ms", 250);
    expect(number_duration_ms, "5s", 5000);
    expect(number_duration_ms, "1m", 60000);
    expect(number_duration_ms, "2h", 7200000);
    expect(number_duration_ms, "30d", INT64_C(2592000000));
    expect(number_duration_ms, "9223372036854775807ms", INT64_MAX);
    expect(number_duration_ms, "106751991167d", INT64_C(106751991167) * 86400000);
    for (size_t i = 0; i < COUNT(bad); i++)
        refuse(number_duration_ms, bad[i]);
}
END_TEST

START_TEST(sizes_are_read_in_bytes)
{
    static const char *const bad[] = {"", "KiB", "1K", "1KB", "1kib", "1 KiB", "-1KiB", "1.5MiB",
                                      "1B", "1TiB", "8589934592GiB", "0x10", "1MiBx"};

    expect(number_size, "0", 0);
    expect(number_size, "4096", 4096);
    expect(number_size, "64KiB", 65536);
    expect(number_size, "16MiB", 16777216);
    expect(number_size, "3GiB", INT64_C(3221225472));
    expect(number_size, "8589934591GiB", INT64_C(8589934591) << 30);
    for (size_t i = 0; i < COUNT(bad); i++)
        refuse(number_size, bad[i]);
}
END_TEST

START_TEST(times_are_unix_or_rfc3339)
{
    static const char *const bad[] = {
        "", "-1", "253402300800", "1468244385.5", "2016-07-11", "2016-07-11T13:39Z",
        "1969-12-31T23:59:59Z", "2016-07-11T13:39:45", "2016-7-11T13:39:45Z",
        "2016-07-11T24:00:00Z", "2016-07-11T13:60:00Z", "2016-07-11T13:39:61Z",
        "2016-13-11T13:39:45Z", "2016-00-11T13:39:45Z", "2016-07-00T13:39:45Z",
        "2016-07-32T13:39:45Z", "2016-06-31T13:39:45Z", "2015-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2016-07-11T13:39:45.Z", "2016-07-11T13:39:45,5Z",
        "2016-07-11T13:39:45+2:00", "2016-07-11T13:39:45+0200", "2016-07-11T13:39:45+24:00",
        "2016-07-11T13:39:45+02:60", "2016-07-11T13:39:45Z ", " 2016-07-11T13:39:45Z",
        "2016-07-11T13:39:45ZZ", "2016-07-11T13:39:60Z", "2016-12-31T22:59:60Z",
        "+2016-07-11T13:39:45Z", "12016-07-11T13:39:45Z", "9999-12-31T23:59:59-01:00"};
    static const struct {
        const char *text;
        int64_t time_s;
    } good[] = {{"0", 0},
                {"253402300799", LIMIT_TIME_S},
                {"1970-01-01T00:00:00Z", 0},
                {"1970-01-01T00:00:00-00:00", 0},
                {"2016-07-11T13:39:45Z", 1468244385},
                {"2016-07-11t13:39:45.999999999999z", 1468244385},
                {"2016-07-11T19:24:45+05:45", 1468244385},
                {"2016-07-11T03:39:45-10:00", 1468244385},
                {"2000-02-29T00:00:00Z", 951782400},
                {"2016-12-31T23:59:60Z", 1483228800},
                {"2017-01-01T00:59:60+01:00", 1483228800},
                {"9999-12-31T23:59:59Z", LIMIT_TIME_S}};
    int64_t time_s = 77;

    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!number_time_s(bad[i], &time_s), "%s", bad[i]);
    ck_assert_int_eq(time_s, 77);
    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert_msg(number_time_s(good[i].text, &time_s), "%s", good[i].text);
        ck_assert_msg(time_s == good[i].time_s, "%s: %lld", good[i].text, (long long)time_s);
    }
}
END_TEST

START_TEST(a_size_ends_the_text)
{
    static const char text[] = "2016-07-11T13:39:45Z5";
    int64_t time_s;

    for (size_t size = 0; size < sizeof text; size++)
        ck_assert_int_eq(number_rfc3339_s(text, size, &time_s), size == 20);
}
END_TEST

START_TEST(milliseconds_are_kept)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00.5Z", 500},     {"1970-01-01T00:00:00.05Z", 50},
                {"1970-01-01T00:00:00.0059Z", 5},    {"1970-01-01T00:00:01.999999Z", 1999},
                {"1969-12-31T23:59:59.25Z", -750},   {"0000-01-01T00:00:00Z", -62167219200000},
                {"0000-03-01T00:00:00Z", -62162035200000}};
    int64_t ms;

    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert(number_rfc3339_ms(good[i].text, strlen(good[i].text), &ms));
        ck_assert_msg(ms == good[i].ms, "%s: %lld", good[i].text, (long long)ms);
    }
}
END_TEST

/* Every day from the year 0 to 9999. Check's assertions write a mark each, which
 * is slow: only a failure calls one. */
START_TEST(days_agree_with_the_library)
{
    for (int64_t day = -719528; day <= LIMIT_TIME_S / 86400; day++) {
        time_t seconds = (time_t)(day * 86400 + (day & 0x3fff));
        struct tm tm;
        char text[64];
        int64_t ms = 0;

        gmtime_r(&seconds, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        /* The library does not fill years up with zeros. */
        if (tm.tm_year + 1900 < 1000)
            snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (!number_rfc3339_ms(text, 20, &ms) || ms != seconds * 1000)
            ck_abort_msg("%s: %lld", text, (long long)ms);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, integers_are_read);
    tcase_add_test(tcase, doubles_are_read);
    tcase_add_test(tcase, durations_are_read_in_milliseconds);
    tcase_add_test(tcase, sizes_are_read_in_bytes);
    tcase_add_test(tcase, times_are_unix_or_rfc3339);
    tcase_add_test(tcase, a_size_ends_the_text);
    tcase_add_test(tcase, milliseconds_are_kept);
    tcase_add_test(tcase, days_agree_with_the_library);
}
