/* Goal: times are reckoned exactly from whatever text a frame holds: integers
 * beyond 64 bits, fractions and exponents of any length, all units, RFC 3339;
 * and what is no time is told from what is out of range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "decode_kit.h"
#include "limits.h"

static void expect(const struct decode_options *options, const char *bytes, enum reject reason)
{
    struct message message = message_of(bytes);
    enum reject found = decode_once(options, &message, NULL);

    ck_assert_msg(found == reason, "%.60s: %s instead of %s", bytes, reject_name(found),
                  reject_name(reason));
}

/* A time's text as a number and as a string: verdict and seconds. */
static void expect_time(enum decode_time_unit unit, const char *text, enum reject reason,
                        int64_t time_s)
{
    struct decode_options options = plain;
    char bytes[256];

    options.time_unit = unit;
    for (int quoted = unit == DECODE_RFC3339; quoted < 2; quoted++) {
        const char *quote = quoted ? "\"" : "";
        struct message message;
        enum reject found;
        int64_t seconds;

        snprintf(bytes, sizeof bytes, "{\"uid\":\"u\",\"ts\":%s%s%s}", quote, text, quote);
        message = message_of(bytes);
        found = decode_once(&options, &message, &seconds);
        ck_assert_msg(found == reason, "%s: %s", bytes, reject_name(found));
        if (!reason)
            ck_assert_msg(seconds == time_s, "%s: %lld", bytes, (long long)seconds);
    }
}

START_TEST(times_are_reckoned_exactly)
{
    expect_time(DECODE_S, "0", REJECT_NONE, 0);
    expect_time(DECODE_S, "-0", REJECT_NONE, 0);
    expect_time(DECODE_S, "-0.00e7", REJECT_NONE, 0);
    expect_time(DECODE_S, "0e999999999999999999999", REJECT_NONE, 0);
    expect_time(DECODE_S, "-0.5", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "-1e-400", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "0.9999999999999999999999999999", REJECT_NONE, 0);
    expect_time(DECODE_S, "253402300799", REJECT_NONE, 253402300799);
    expect_time(DECODE_S, "253402300799.999", REJECT_NONE, 253402300799);
    expect_time(DECODE_S, "253402300799.99999999999999999999", REJECT_NONE, 253402300799);
    expect_time(DECODE_S, "253402300800", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "2534023007999e-1", REJECT_NONE, 253402300799);
    expect_time(DECODE_S, "9223372036854775808", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "18446744073709551617", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "1e308", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "1E99999999999999999999999999", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_S, "1e-99999999999999999999999999", REJECT_NONE, 0);
    expect_time(DECODE_S, "1.468244385e9", REJECT_NONE, 1468244385);
    expect_time(DECODE_S, "1.468244385E+0009", REJECT_NONE, 1468244385);
    expect_time(DECODE_S, "0.00001468244385e14", REJECT_NONE, 1468244385);
    expect_time(DECODE_S, "146824438599999999999999999999e-20", REJECT_NONE, 1468244385);
    expect_time(DECODE_S, "14e2", REJECT_NONE, 1400);
    expect_time(DECODE_S, "1400000000000000000000e-18", REJECT_NONE, 1400);
}
END_TEST

START_TEST(units_only_shift_the_point)
{
    expect_time(DECODE_MS, "1468244385999", REJECT_NONE, 1468244385);
    expect_time(DECODE_MS, "1468244385000.5", REJECT_NONE, 1468244385);
    expect_time(DECODE_MS, "999", REJECT_NONE, 0);
    expect_time(DECODE_MS, "253402300799999", REJECT_NONE, 253402300799);
    expect_time(DECODE_MS, "253402300799999.9", REJECT_NONE, 253402300799);
    expect_time(DECODE_MS, "253402300800000", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_MS, "-1", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_US, "1468244385999999", REJECT_NONE, 1468244385);
    expect_time(DECODE_US, "253402300799999999", REJECT_NONE, 253402300799);
    expect_time(DECODE_US, "253402300800000000", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_NS, "1468244385999999999", REJECT_NONE, 1468244385);
    expect_time(DECODE_NS, "253402300799999999999", REJECT_NONE, 253402300799);
    expect_time(DECODE_NS, "253402300800000000000", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_NS, "1.468244385e18", REJECT_NONE, 1468244385);
}
END_TEST

START_TEST(strings_hold_a_number_and_nothing_else)
{
    static const char *const bad[] = {"",    " 5",  "5 ",  "+5",    "05",  ".5",  "5.",   "5e",
                                      "5e+", "--5", "0x5", "5\\n", "5,0", "NaN", "null",
                                      "5\\u0000"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char bytes[64];

        snprintf(bytes, sizeof bytes, "{\"uid\":\"u\",\"ts\":\"%s\"}", bad[i]);
        expect(&plain, bytes, REJECT_TIME_TYPE);
    }
    expect(&plain, "{\"uid\":\"u\",\"ts\":\"\\u0035\\u002e\\u0035\"}", REJECT_NONE);
    expect(&plain, "{\"uid\":\"u\",\"ts\":false}", REJECT_TIME_TYPE);
    expect(&plain, "{\"uid\":\"u\",\"ts\":{}}", REJECT_TIME_TYPE);
}
END_TEST

/* One digit as an escape, a point, zeros, digits: one significant digit or none
 * in front makes 1e500011 or 14682443851.2 of it. */
static enum reject decode_long_time(int first, int64_t *time_s)
{
    int zeros = 500000;
    size_t room = (size_t)zeros + 100;
    char *bytes = malloc(room);
    struct message message;
    enum reject reason;

    ck_assert_ptr_nonnull(bytes);
    snprintf(bytes, room, "{\"uid\":\"u\",\"ts\":\"\\u003%d.%0*d146824438512e500011\"}", first,
             zeros, 0);
    message = message_of(bytes);
    reason = decode_once(&plain, &message, time_s);
    free(bytes);
    return reason;
}

START_TEST(times_of_any_length_are_read)
{
    int64_t time_s;

    ck_assert_int_eq(decode_long_time(1, &time_s), REJECT_TIME_RANGE);
    ck_assert_int_eq(decode_long_time(0, &time_s), REJECT_NONE);
    ck_assert_int_eq(time_s, 14682443851);
}
END_TEST

START_TEST(rfc3339_times_are_read)
{
    expect_time(DECODE_RFC3339, "2016-07-11T13:39:45Z", REJECT_NONE, 1468244385);
    expect_time(DECODE_RFC3339, "2016-07-11t15:39:45.999999+02:00", REJECT_NONE, 1468244385);
    expect_time(DECODE_RFC3339, "2016-07-11T13:39\\u003a45\\u005a", REJECT_NONE, 1468244385);
    expect_time(DECODE_RFC3339, "1970-01-01T00:00:00z", REJECT_NONE, 0);
    expect_time(DECODE_RFC3339, "1969-12-31T23:59:59.999Z", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_RFC3339, "1970-01-01T00:00:00+00:01", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_RFC3339, "9999-12-31T23:59:59.9Z", REJECT_NONE, LIMIT_TIME_S);
    expect_time(DECODE_RFC3339, "9999-12-31T23:59:59-00:01", REJECT_TIME_RANGE, 0);
    expect_time(DECODE_RFC3339, "2015-02-29T00:00:00Z", REJECT_TIME_TYPE, 0);
    expect_time(DECODE_RFC3339, "2016-07-11 13:39:45Z", REJECT_TIME_TYPE, 0);
    expect_time(DECODE_RFC3339, "2016-07-11T13:39:45", REJECT_TIME_TYPE, 0);
    expect_time(DECODE_RFC3339, "1468244385", REJECT_TIME_TYPE, 0);
    expect_time(DECODE_RFC3339, "", REJECT_TIME_TYPE, 0);
}
END_TEST

START_TEST(an_rfc3339_time_is_a_string)
{
    struct decode_options options = plain;

    options.time_unit = DECODE_RFC3339;
    expect(&options, "{\"uid\":\"u\",\"ts\":1468244385}", REJECT_TIME_TYPE);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, times_are_reckoned_exactly);
    tcase_add_test(tcase, units_only_shift_the_point);
    tcase_add_test(tcase, strings_hold_a_number_and_nothing_else);
    tcase_add_test(tcase, times_of_any_length_are_read);
    tcase_add_test(tcase, rfc3339_times_are_read);
    tcase_add_test(tcase, an_rfc3339_time_is_a_string);
}
