/* Goal: the buffer holds what was put into it at every size, its writers agree
 * with independent readings, and a failed allocation is told once, at the end. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "json.h"
#include "limits.h"
#include "text.h"

/* A huge request is refused, not fatal, where a sanitizer allocates. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

START_TEST(pieces_add_up)
{
    struct text text = {0};
    size_t size = 0;

    for (size_t piece = 0; piece < 300; piece++) {
        char bytes[300];

        memset(bytes, (int)('a' + piece % 26), sizeof bytes);
        text_bytes(&text, bytes, piece);
        size += piece;
        ck_assert_uint_eq(text.size, size);
        ck_assert_int_eq(text.bytes[size], '\0');
        ck_assert(text.room > text.size);
    }
    for (size_t piece = 0, at = 0; piece < 300; piece++) {
        for (size_t i = 0; i < piece; i++)
            ck_assert_int_eq(text.bytes[at++], 'a' + (int)(piece % 26));
    }
    text_clear(&text);
    ck_assert_str_eq(text.bytes, "");
    ck_assert_uint_eq(text.size, 0);
    text_free(&text);
    ck_assert_ptr_null(text.bytes);
    text_free(&text);
}
END_TEST

START_TEST(the_caller_may_write_in_place)
{
    struct text text = {0};

    for (size_t i = 1; i < 1000; i += 37) {
        char *at = text_reserve(&text, i);

        ck_assert_ptr_eq(at, text.bytes + text.size);
        memset(at, 'x', i);
        text_added(&text, i - 1);
        ck_assert_uint_eq(strlen(text.bytes), text.size);
    }
    text_free(&text);
}
END_TEST

START_TEST(formats_are_written_whole)
{
    for (int before = 0; before < 130; before++) {
        for (int width = 1; width < 200; width += 13) {
            struct text text = {0};
            char want[512];

            text_format(&text, "%*s", before, "");
            text_format(&text, "<%*d>", width, -5);
            snprintf(want, sizeof want, "%*s<%*d>", before, "", width, -5);
            ck_assert_str_eq(text.bytes, want);
            text_free(&text);
        }
    }
}
END_TEST

START_TEST(failure_sticks_until_it_is_cleared)
{
    struct text text = {0};

    text_string(&text, "kept");
    ck_assert_ptr_null(text_reserve(&text, SIZE_MAX / 4));
    ck_assert(text.failed);
    text_string(&text, "not written");
    text_format(&text, "%d", 5);
    text_int(&text, 5);
    text_json_string(&text, "a\n", 2);
    text_base64(&text, "abc", 3);
    text_hex(&text, "abc", 3);
    text_utc(&text, 0);
    ck_assert(!text_from_base64(&text, "AAAA", 4));
    ck_assert_ptr_null(text_reserve(&text, 1));
    ck_assert_str_eq(text.bytes, "kept");
    text_clear(&text);
    ck_assert(!text.failed);
    ck_assert_ptr_null(text_reserve(&text, SIZE_MAX));
    ck_assert(text.failed);
    text_free(&text);
    ck_assert(!text.failed);
}
END_TEST

START_TEST(integers_are_written)
{
    struct text text = {0};

    text_int(&text, INT64_MIN);
    text_char(&text, ' ');
    text_int(&text, INT64_MAX);
    ck_assert_str_eq(text.bytes, "-9223372036854775808 9223372036854775807");
    text_free(&text);
}
END_TEST

START_TEST(json_strings_are_escaped)
{
    static const struct {
        const char *bytes, *json;
    } cases[] = {{"", "\"\""},
                 {"plain \x7f/", "\"plain \x7f/\""},
                 {"\"\\\b\f\n\r\t\x01\x1f", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\""},
                 {"\xd0\xbf\xe2\x82\xac", "\"\xd0\xbf\xe2\x82\xac\""},
                 {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
                 {"a\x80z", "\"a\xef\xbf\xbdz\""},
                 {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                 {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                 {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}};
    struct text text = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_clear(&text);
        text_json_string(&text, cases[i].bytes, strlen(cases[i].bytes));
        ck_assert_str_eq(text.bytes, cases[i].json);
    }
    text_clear(&text);
    text_json_string(&text, "a\0b", 3);
    ck_assert_str_eq(text.bytes, "\"a\\u0000b\"");
    text_free(&text);
}
END_TEST

/* Any bytes make a valid JSON string; valid UTF-8 comes back as it was. */
START_TEST(json_strings_are_valid_whatever_the_bytes)
{
    struct json *json = json_create();
    struct text text = {0};

    for (unsigned i = 0; i < 1 << 16; i++) {
        char bytes[3] = {(char)(i >> 8), (char)i, 'z'}, back[16];
        size_t size;

        text_clear(&text);
        text_json_string(&text, bytes, sizeof bytes);
        if (json_parse(json, text.bytes, text.size) != JSON_OK ||
            !json_string(json, 0, back, sizeof back, &size) || back[size - 1] != 'z')
            ck_abort_msg("%#x: %s", i, text.bytes);
        if ((i >> 8) < 0x80 && (i & 0xff) < 0x80 && (size != 3 || memcmp(back, bytes, 3) != 0))
            ck_abort_msg("%#x: %s", i, text.bytes);
    }
    text_free(&text);
    json_destroy(&json);
}
END_TEST

START_TEST(doubles_are_json_and_come_back)
{
    static const double numbers[] = {0, -0.0, 1, 0.1, -1.5e-3, 1e21, 1e300, DBL_MIN, DBL_MAX,
                                     0x1p-1074, 638.25, 1.0 / 3};
    struct json *json = json_create();
    struct text text = {0};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double back;

        text_clear(&text);
        text_json_double(&text, numbers[i], 17);
        ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_OK);
        ck_assert(json_double(json, 0, &back));
        ck_assert_mem_eq(&back, &numbers[i], sizeof back);
    }
    text_clear(&text);
    text_json_double(&text, 0.0081249, 2);
    ck_assert_str_eq(text.bytes, "0.0081");
    text_free(&text);
    json_destroy(&json);
}
END_TEST

START_TEST(base64_is_that_of_rfc_4648)
{
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"}};
    struct text text = {0}, back = {0};

    text_string(&back, "kept:");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_clear(&text);
        text_base64(&text, cases[i][0], strlen(cases[i][0]));
        ck_assert_str_eq(text.bytes ? text.bytes : "", cases[i][1]);
        back.size = 5;
        ck_assert(text_from_base64(&back, cases[i][1], strlen(cases[i][1])));
        ck_assert_str_eq(back.bytes + 5, cases[i][0]);
    }
    text_free(&text);
    text_free(&back);
}
END_TEST

START_TEST(base64_of_any_bytes_comes_back)
{
    struct text text = {0}, back = {0};
    unsigned char bytes[259];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 167);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        text_clear(&text);
        text_clear(&back);
        text_base64(&text, bytes, size);
        ck_assert_uint_eq(text.size, (size + 2) / 3 * 4);
        ck_assert(text_from_base64(&back, text.bytes, text.size));
        ck_assert_uint_eq(back.size, size);
        ck_assert_mem_eq(back.bytes, bytes, size);
    }
    text_free(&text);
    text_free(&back);
}
END_TEST

START_TEST(what_is_no_base64_changes_nothing)
{
    static const char *const bad[] = {"A", "AA", "AAA", "AAAAA", "A===", "====", "AA=A", "=AAA",
                                      "AA==AAAA", "AAA=AAAA", "AAA ", "A\nAA", "AA-_", "AAA\x80",
                                      "AB==", "AAB=", "AAAAAAAA====", "AAAA\xffzzz"};
    struct text text = {0};

    text_string(&text, "before");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!text_from_base64(&text, bad[i], strlen(bad[i])), "%s", bad[i]);
        ck_assert(!text.failed);
        ck_assert_str_eq(text.bytes, "before");
    }
    ck_assert(!text_from_base64(&text, "AA\0A", 4));
    text_free(&text);
}
END_TEST

START_TEST(hex_is_written)
{
    struct text text = {0};

    text_hex(&text, "\x00\x0f\xf0\xff\x5a", 5);
    ck_assert_str_eq(text.bytes, "000ff0ff5a");
    text_free(&text);
}
END_TEST

START_TEST(times_are_written)
{
    static const struct {
        int64_t time_s;
        const char *utc;
    } cases[] = {{0, "1970-01-01T00:00:00Z"},
                 {951782399, "2000-02-28T23:59:59Z"},
                 {951782400, "2000-02-29T00:00:00Z"},
                 {1468244385, "2016-07-11T13:39:45Z"},
                 {4107542400, "2100-03-01T00:00:00Z"},
                 {LIMIT_TIME_S, "9999-12-31T23:59:59Z"}};
    struct text text = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_clear(&text);
        text_utc(&text, cases[i].time_s);
        ck_assert_str_eq(text.bytes, cases[i].utc);
    }
    text_free(&text);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, pieces_add_up);
    tcase_add_test(tcase, the_caller_may_write_in_place);
    tcase_add_test(tcase, formats_are_written_whole);
    tcase_add_test(tcase, failure_sticks_until_it_is_cleared);
    tcase_add_test(tcase, integers_are_written);
    tcase_add_test(tcase, json_strings_are_escaped);
    tcase_add_test(tcase, json_strings_are_valid_whatever_the_bytes);
    tcase_add_test(tcase, doubles_are_json_and_come_back);
    tcase_add_test(tcase, base64_is_that_of_rfc_4648);
    tcase_add_test(tcase, base64_of_any_bytes_comes_back);
    tcase_add_test(tcase, what_is_no_base64_changes_nothing);
    tcase_add_test(tcase, hex_is_written);
    tcase_add_test(tcase, times_are_written);
}
