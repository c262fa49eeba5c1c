/* Goal: every verdict of the decoder, and that of several reasons the
 * documented one wins. The hard frames and what must become of each stand in
 * tests/golden; the rest is spelled out here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "decode_kit.h"
#include "json.h"
#include "limits.h"

/* What is expected of a frame with damage behind its fields. */
static void expect_behind(const struct decode_options *options, const char *bytes,
                          enum reject fast, enum reject strict)
{
    struct message message = message_of(bytes);
    struct decode_options asked = *options;

    for (int i = 0; i < 2; i++) {
        enum reject reason = i ? strict : fast, found;

        asked.strict = i;
        found = decode_once(&asked, &message, NULL);
        ck_assert_msg(found == reason, "%.60s: %s instead of %s, strict %d", bytes,
                      reject_name(found), reject_name(reason), i);
    }
}

static void expect(const struct decode_options *options, const char *bytes, enum reject reason)
{
    expect_behind(options, bytes, reason, reason);
}

/* A member of an expectation. */
static int member(const struct json *json, const char *name)
{
    return json_member(json, 0, name, strlen(name));
}

static void check_expectation(const struct json *json, bool strict, enum reject reason,
                              const struct frame *frame, int line)
{
    bool only_strict = json_string_is(json, member(json, "mode"), "strict", 6);
    int64_t number;

    ck_assert(json_int64(json, member(json, "line"), &number));
    ck_assert_int_eq(number, line);
    if (only_strict && !strict) {
        /* All of these say the same before the damage. */
        ck_assert_msg(reason == REJECT_NONE, "line %d: %s", line, reject_name(reason));
        ck_assert_uint_eq(frame->user_size, 1);
        ck_assert_mem_eq(frame->user, "a", 1);
        ck_assert_int_eq(frame->time_s, 1468244385);
        return;
    }
    if (member(json, "reject") >= 0) {
        const char *name = reject_name(reason);

        ck_assert_msg(json_string_is(json, member(json, "reject"), name, strlen(name)),
                      "line %d: %s", line, name);
        return;
    }
    ck_assert_msg(reason == REJECT_NONE, "line %d: %s", line, reject_name(reason));
    ck_assert_msg(json_string_is(json, member(json, "user"), frame->user, frame->user_size),
                  "line %d: user %.*s", line, (int)frame->user_size, frame->user);
    ck_assert(json_int64(json, member(json, "minute"), &number));
    ck_assert_int_eq(frame->time_s - frame->time_s % 60, number);
}

START_TEST(hard_frames_have_the_expected_verdicts)
{
    struct decode_options options = plain;
    FILE *frames = fopen(TEST_DATA "/golden/hard.jsonl", "r");
    FILE *expected = fopen(TEST_DATA "/golden/hard.expected.jsonl", "r");
    struct decoder *decoder;
    struct json *json = json_create();
    char *line = NULL, *want = NULL;
    size_t line_room = 0, want_room = 0;
    ssize_t size;
    int lines = 0;

    options.strict = _i;
    decoder = create(&options);
    ck_assert(frames && expected && json);
    while ((size = getline(&line, &line_room, frames)) >= 0) {
        struct message message = {.bytes = line, .timestamp_ms = MESSAGE_NO_TIMESTAMP};
        ssize_t want_size = getline(&want, &want_room, expected);
        struct frame frame = {0};
        enum reject reason;

        message.size = (size_t)size - (line[size - 1] == '\n');
        reason = decoder_decode(decoder, &message, &frame);
        ck_assert(want_size > 0);
        ck_assert_int_eq(json_parse(json, want, (size_t)want_size), JSON_OK);
        check_expectation(json, options.strict, reason, &frame, ++lines);
    }
    ck_assert_int_eq(lines, 80);
    free(line);
    free(want);
    json_destroy(&json);
    decoder_destroy(&decoder);
    fclose(expected);
    fclose(frames);
}
END_TEST

START_TEST(of_several_reasons_the_documented_one_wins)
{
    char deep[LIMIT_DEPTH * 2 + 64];
    struct decode_options options = plain;

    /* Damage goes by position. */
    expect(&plain, "{\"uid\":\"\xff\",\"x\":\"\\x\",}", REJECT_BAD_UTF8);
    expect(&plain, "{\"uid\":\"\\x\",\"x\":\"\xff\",}", REJECT_BAD_ESCAPE);
    expect(&plain, "{,\"uid\":\"\\x\",\"x\":\"\xff\"}", REJECT_NOT_JSON);
    memset(deep, '[', LIMIT_DEPTH + 1);
    memcpy(deep + LIMIT_DEPTH + 1, "\xff", 2);
    expect(&plain, deep, REJECT_TOO_DEEP);
    deep[LIMIT_DEPTH] = ',';
    expect(&plain, deep, REJECT_NOT_JSON);
    /* Damage before shape, shape before fields, the user before the time. */
    expect(&plain, "[\"\\ud800\"]", REJECT_BAD_ESCAPE);
    expect(&plain, "[]", REJECT_NOT_OBJECT);
    expect(&plain, "{\"ts\":-1}", REJECT_NO_USER);
    expect(&plain, "{\"uid\":{},\"ts\":-1}", REJECT_USER_TYPE);
    expect(&plain, "{\"uid\":\"\"}", REJECT_USER_EMPTY);
    expect(&plain, "{\"ts\":\"x\",\"uid\":\"a\"}", REJECT_TIME_TYPE);
    options.ahead_max_ms = options.late_max_ms = 0;
    options.now_ms = 5000;
    expect(&options, "{\"ts\":9}", REJECT_NO_USER);
    expect(&options, "{\"ts\":-9,\"uid\":\"a\"}", REJECT_TIME_RANGE);
    expect_behind(&options, "{\"ts\":9,\"uid\":\"a\",}", REJECT_TIME_AHEAD, REJECT_NOT_JSON);
    expect(&options, "{\"ts\":9,\"uid\":\"a\"}", REJECT_TIME_AHEAD);
    expect(&options, "{\"ts\":1,\"uid\":\"a\"}", REJECT_TIME_LATE);
    expect(&options, "{\"ts\":5,\"uid\":\"a\"}", REJECT_NONE);
}
END_TEST

START_TEST(size_is_judged_before_all_else)
{
    struct decode_options options = plain;
    struct message message = message_of("{\"uid\":\"a\",\"ts\":5}");

    options.frame_max = message.size;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    options.frame_max = message.size - 1;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TOO_LARGE);
    /* The source does not keep what is too large. */
    message.bytes = NULL;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TOO_LARGE);
    options.user_from = DECODE_USER_KEY;
    options.time_from = DECODE_TIME_RECORD;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TOO_LARGE);
}
END_TEST

START_TEST(nothing_is_empty)
{
    struct message message = {.timestamp_ms = 7000};
    struct decode_options options = plain;

    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_EMPTY);
    expect(&options, " \t\r\n", REJECT_EMPTY);
    expect(&options, "\xef\xbb\xbf{\"uid\":\"a\",\"ts\":5}", REJECT_NOT_JSON);
    options.user_from = DECODE_USER_VALUE;
    options.time_from = DECODE_TIME_RECORD;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_EMPTY);
}
END_TEST

START_TEST(depth_is_limited)
{
    char bytes[2 * LIMIT_DEPTH + 64], open[LIMIT_DEPTH + 1], shut[LIMIT_DEPTH + 1];

    memset(open, '[', sizeof open);
    memset(shut, ']', sizeof shut);
    for (int levels = LIMIT_DEPTH - 1; levels <= LIMIT_DEPTH + 1; levels++) {
        snprintf(bytes, sizeof bytes, "{\"uid\":\"a\",\"ts\":5,\"x\":%.*s%.*s}", levels - 1, open,
                 levels - 1, shut);
        expect_behind(&plain, bytes, REJECT_NONE,
                      levels > LIMIT_DEPTH ? REJECT_TOO_DEEP : REJECT_NONE);
        snprintf(bytes, sizeof bytes, "{\"x\":%.*s%.*s,\"uid\":\"a\",\"ts\":5}", levels - 1, open,
                 levels - 1, shut);
        expect(&plain, bytes, levels > LIMIT_DEPTH ? REJECT_TOO_DEEP : REJECT_NONE);
    }
}
END_TEST

/* What stands before the user's further bytes (sevens) and behind them: a plain
 * string, one with an escape, a number. It counts as one byte. */
static const char *const user_forms[][2] = {{"\"7", "\""}, {"\"\\u0041", "\""}, {"1", ""}};

static void expect_user_size(int form, int size, enum reject reason)
{
    char sevens[LIMIT_USER_BYTES + 1], bytes[LIMIT_USER_BYTES + 64];

    memset(sevens, '7', sizeof sevens);
    snprintf(bytes, sizeof bytes, "{\"ts\":5,\"uid\":%s%.*s%s}", user_forms[form][0], size - 1,
             sevens, user_forms[form][1]);
    expect(&plain, bytes, reason);
}

START_TEST(users_have_1_to_4096_bytes)
{
    for (int form = 0; form < 3; form++) {
        expect_user_size(form, 1, REJECT_NONE);
        expect_user_size(form, LIMIT_USER_BYTES, REJECT_NONE);
        expect_user_size(form, LIMIT_USER_BYTES + 1, REJECT_USER_TOO_LONG);
    }
}
END_TEST

START_TEST(users_come_from_key_or_value)
{
    struct decode_options options = plain;
    struct message message = message_of("{\"ts\":60}");
    struct decoder *decoder;
    struct frame frame;

    options.user_from = DECODE_USER_KEY;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NO_USER);
    message.key = "\xff\0k";
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_USER_EMPTY);
    message.key_size = LIMIT_USER_BYTES + 1;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_USER_TOO_LONG);
    message.key_size = 3;
    decoder = create(&options);
    ck_assert_int_eq(decoder_decode(decoder, &message, &frame), REJECT_NONE);
    ck_assert_int_eq(frame.time_s, 60);
    ck_assert_uint_eq(frame.user_size, 3);
    ck_assert_mem_eq(frame.user, "\xff\0k", 3);
    decoder_destroy(&decoder);

    options.user_from = DECODE_USER_VALUE;
    decoder = create(&options);
    ck_assert_int_eq(decoder_decode(decoder, &message, &frame), REJECT_NONE);
    ck_assert_uint_eq(frame.user_size, message.size);
    ck_assert_mem_eq(frame.user, message.bytes, message.size);
    decoder_destroy(&decoder);
}
END_TEST

START_TEST(no_json_is_read_where_none_is_needed)
{
    struct decode_options options = plain;
    struct message message = {.bytes = "\xff{", .size = 2, .timestamp_ms = 61999};
    int64_t time_s;

    options.time_from = DECODE_TIME_RECORD;
    options.user_field = options.time_field = NULL;
    options.user_from = DECODE_USER_VALUE;
    /* The record's time is not measured against itself. */
    options.ahead_max_ms = options.late_max_ms = 0;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_NONE);
    ck_assert_int_eq(time_s, 61);
    options.user_from = DECODE_USER_KEY;
    message.key = "k";
    message.key_size = 1;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_NONE);
}
END_TEST

START_TEST(times_come_from_the_record)
{
    struct decode_options options = plain;
    struct message message = message_of("{\"uid\":\"u\",\"ts\":\"ignored\"}");
    int64_t time_s;

    options.time_from = DECODE_TIME_RECORD;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_NO_TIME);
    message.timestamp_ms = -2;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_TIME_RANGE);
    message.timestamp_ms = LIMIT_TIME_S * 1000 + 1000;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_TIME_RANGE);
    message.timestamp_ms--;
    ck_assert_int_eq(decode_once(&options, &message, &time_s), REJECT_NONE);
    ck_assert_int_eq(time_s, LIMIT_TIME_S);
}
END_TEST

START_TEST(distance_is_measured_from_the_record_or_from_now)
{
    struct decode_options options = plain;
    struct message message = message_of("{\"uid\":\"u\",\"ts\":100.25}");

    options.ahead_max_ms = 250;
    options.late_max_ms = 1000;
    options.now_ms = 100000;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    options.now_ms = 99999;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TIME_AHEAD);
    options.now_ms = 101250;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    options.now_ms = 101251;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TIME_LATE);
    message.timestamp_ms = 100000;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    message.timestamp_ms = 0;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TIME_AHEAD);
    options.ahead_max_ms = DECODE_UNLIMITED;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    /* Limits beyond the numbers are none. */
    options.ahead_max_ms = INT64_MAX;
    options.late_max_ms = INT64_MAX;
    message.timestamp_ms = 1000;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_NONE);
    message.timestamp_ms = INT64_MIN;
    ck_assert_int_eq(decode_once(&options, &message, NULL), REJECT_TIME_AHEAD);
}
END_TEST

START_TEST(fields_may_be_pointers)
{
    struct decode_options options = plain;

    options.user_field = "/context/user/1";
    options.time_field = "/a~1b";
    expect(&options, "{\"context\":{\"user\":[0,\"u\"]},\"a/b\":5}", REJECT_NONE);
    expect(&options, "{\"context\":{\"user\":[0]},\"a/b\":5}", REJECT_NO_USER);
    expect(&options, "{\"context\":{\"user\":{\"1\":\"u\"}},\"a\":{\"b\":5}}", REJECT_NO_TIME);
    options.user_field = "/0";
    expect(&options, "[\"u\"]", REJECT_NOT_OBJECT);
}
END_TEST

START_TEST(malformed_fields_are_refused)
{
    static const char *const bad[] = {"", "/~", "/a~2", "/~0/~"};
    char error[256];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct decode_options options = plain;

        options.user_field = bad[i];
        ck_assert_ptr_null(decoder_create(&options, error, sizeof error));
        ck_assert_ptr_nonnull(strstr(error, "user field"));
        options = plain;
        options.time_field = bad[i];
        ck_assert_ptr_null(decoder_create(&options, error, sizeof error));
        ck_assert_ptr_nonnull(strstr(error, "time field"));
    }
}
END_TEST

START_TEST(a_rejected_frame_leaves_the_output_alone)
{
    struct decoder *decoder = create(&plain);
    struct message message = message_of("{\"uid\":\"a\",\"ts\":-1}");
    struct frame frame = {.user = "before", .user_size = 6, .time_s = 77};

    ck_assert_int_eq(decoder_decode(decoder, &message, &frame), REJECT_TIME_RANGE);
    ck_assert_str_eq(frame.user, "before");
    ck_assert_int_eq(frame.time_s, 77);
    decoder_destroy(&decoder);
    decoder_destroy(&decoder);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_loop_test(tcase, hard_frames_have_the_expected_verdicts, 0, 2);
    tcase_add_test(tcase, of_several_reasons_the_documented_one_wins);
    tcase_add_test(tcase, size_is_judged_before_all_else);
    tcase_add_test(tcase, nothing_is_empty);
    tcase_add_test(tcase, depth_is_limited);
    tcase_add_test(tcase, users_have_1_to_4096_bytes);
    tcase_add_test(tcase, users_come_from_key_or_value);
    tcase_add_test(tcase, no_json_is_read_where_none_is_needed);
    tcase_add_test(tcase, times_come_from_the_record);
    tcase_add_test(tcase, distance_is_measured_from_the_record_or_from_now);
    tcase_add_test(tcase, fields_may_be_pointers);
    tcase_add_test(tcase, malformed_fields_are_refused);
    tcase_add_test(tcase, a_rejected_frame_leaves_the_output_alone);
}
