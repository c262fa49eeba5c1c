/* Goal: what is in a document is found, decoded, measured and walked: members
 * by decoded key, strings into bounded room, numbers exactly, and places by JSON
 * Pointer. */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "json.h"

static struct json *json;

static void set_up(void)
{
    json = json_create();
    ck_assert_ptr_nonnull(json);
}

static void tear_down(void)
{
    json_destroy(&json);
}

static void parse(const char *document)
{
    ck_assert_msg(json_parse(json, document, strlen(document)) == JSON_OK, "%s", document);
}

START_TEST(kinds_and_sizes_are_told)
{
    static const enum json_kind kinds[] = {JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER,
                                           JSON_NUMBER, JSON_TRUE,  JSON_FALSE,  JSON_NULL};
    int at, i = 0;

    parse("[{\"a\":[1,2],\"b\":3},[4,[5]],\"s\",-1,2e1,true,false,null]");
    ck_assert_int_eq(json_size(json, 0), 8);
    for (at = json_first(json, 0); at >= 0; at = json_next(json, at))
        ck_assert_int_eq(json_kind(json, at), kinds[i++]);
    ck_assert_int_eq(i, 8);
    at = json_first(json, 0);
    ck_assert_int_eq(json_size(json, at), 2);
    ck_assert_int_eq(json_size(json, json_value(json, json_first(json, at))), 2);
    at = json_next(json, at);
    ck_assert_int_eq(json_size(json, at), 2);
    at = json_next(json, at);
    ck_assert_int_eq(json_size(json, at), 0);
    ck_assert_int_eq(json_first(json, at), -1);
    parse("[]");
    ck_assert_int_eq(json_first(json, 0), -1);
    ck_assert_int_eq(json_next(json, 0), -1);
    parse(" true ");
    ck_assert_int_eq(json_kind(json, 0), JSON_TRUE);
    parse("\n-12.5e1\n");
    ck_assert_int_eq(json_kind(json, 0), JSON_NUMBER);
}
END_TEST

START_TEST(members_are_found_by_decoded_key)
{
    size_t size;

    parse("{\"x\":{\"uid\":1},\"u\\u0069d\":\"first\",\"uid\":\"second\",\"a\\\\nb\":2,"
          "\"\\ud83d\\ude00\":3,\"\":4,\"n\\u0000l\":5}");
    ck_assert_int_eq(strncmp(json_text(json, json_member(json, 0, "uid", 3), &size), "first", 5),
                     0);
    ck_assert_int_eq(size, 5);
    ck_assert_int_eq(*json_text(json, json_member(json, 0, "a\\nb", 4), &size), '2');
    ck_assert_int_eq(*json_text(json, json_member(json, 0, "\xf0\x9f\x98\x80", 4), &size), '3');
    ck_assert_int_eq(*json_text(json, json_member(json, 0, "", 0), &size), '4');
    ck_assert_int_eq(*json_text(json, json_member(json, 0, "n\0l", 3), &size), '5');
    ck_assert_int_eq(json_member(json, 0, "ui", 2), -1);
    ck_assert_int_eq(json_member(json, 0, "uidd", 4), -1);
    ck_assert_int_eq(json_member(json, 0, "a\\\\nb", 5), -1);
    ck_assert_int_eq(json_member(json, 0, "n", 1), -1);
    parse("{}");
    ck_assert_int_eq(json_member(json, 0, "uid", 3), -1);
}
END_TEST

START_TEST(strings_are_decoded_into_the_room_there_is)
{
    static const char decoded[] = "a\"\\/\b\f\n\r\t\0\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80z";
    size_t length = sizeof decoded - 1, size;
    char into[64];

    parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u0080\\u0800\\uD800\\uDC00z\"");
    for (size_t room = 0; room <= length + 1; room++) {
        memset(into, '!', sizeof into);
        ck_assert_int_eq(json_string(json, 0, into, room, &size), room >= length);
        ck_assert_int_eq(into[room], '!');
    }
    ck_assert_uint_eq(size, length);
    ck_assert_mem_eq(into, decoded, length);
    ck_assert(json_string_is(json, 0, decoded, length));
    ck_assert(!json_string_is(json, 0, decoded, length - 1));
    ck_assert(!json_string_is(json, 0, "a\"\\/\b\f\n\r\t", 9));
    parse("\"plain\"");
    ck_assert(json_string(json, 0, into, 5, &size) && size == 5);
    ck_assert(!json_string(json, 0, into, 4, &size));
    parse("\"\"");
    ck_assert(json_string(json, 0, into, 0, &size) && size == 0);
    ck_assert(json_string_is(json, 0, "", 0));
}
END_TEST

/* Every code point, as \u escapes, against an encoder of the test's own. */
START_TEST(every_escape_is_decoded)
{
    for (unsigned point = 0; point <= 0x10ffff; point += point < 0x3000 ? 1 : 61) {
        char document[16], want[4], into[4];
        size_t size, length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        unsigned rest = point;

        if (point >= 0xd800 && point < 0xe000)
            continue;
        for (size_t i = length; i-- > 1; rest >>= 6)
            want[i] = (char)(0x80 + rest % 64);
        want[0] = (char)(rest + (length == 1 ? 0 : 0xf00 >> length & 0xff));
        if (point < 0x10000)
            snprintf(document, sizeof document, "\"\\u%04x\"", point);
        else
            snprintf(document, sizeof document, "\"\\u%04X\\u%04X\"",
                     0xd7c0 + (point >> 10), 0xdc00 + point % 1024);
        parse(document);
        if (!json_string(json, 0, into, sizeof into, &size) || size != length ||
            memcmp(into, want, length) != 0)
            ck_abort_msg("%s", document);
    }
}
END_TEST

static bool int64_of(const char *document, int64_t *number)
{
    parse(document);
    return json_int64(json, 0, number);
}

START_TEST(integers_are_exact_or_refused)
{
    static const char *const others[] = {"9223372036854775808", "-9223372036854775809", "1.0",
                                         "1e2", "\"1\"", "true", "[1]", "1e0", "null",
                                         "100000000000000000000000"};
    int64_t number;

    ck_assert(int64_of("0", &number) && number == 0);
    ck_assert(int64_of("-0", &number) && number == 0);
    ck_assert(int64_of("9223372036854775807", &number) && number == INT64_MAX);
    ck_assert(int64_of("-9223372036854775808", &number) && number == INT64_MIN);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        number = 77;
        ck_assert_msg(!int64_of(others[i], &number), "%s", others[i]);
        ck_assert_int_eq(number, 77);
    }
}
END_TEST

START_TEST(doubles_are_the_nearest)
{
    char digits[700];
    double number;

    parse("-1.5e-3");
    ck_assert(json_double(json, 0, &number));
    ck_assert_double_eq(number, -1.5e-3);
    parse("4.9e-324");
    ck_assert(json_double(json, 0, &number));
    ck_assert_double_eq(number, 0x1p-1074);
    parse("1e400");
    ck_assert(!json_double(json, 0, &number));
    parse("\"1\"");
    ck_assert(!json_double(json, 0, &number));
    snprintf(digits, sizeof digits, "1.%0*d", 509, 0);
    parse(digits);
    ck_assert(json_double(json, 0, &number));
    ck_assert_double_eq(number, 1.0);
    snprintf(digits, sizeof digits, "1.%0*d", 510, 0);
    parse(digits);
    ck_assert(!json_double(json, 0, &number));
}
END_TEST

/* A pointer's result as raw text, "-" for none. */
static void expect_pointer(const char *text, const char *want)
{
    const char *error, *found;
    struct json_pointer *pointer = json_pointer_create(text, &error);
    size_t size = 1;
    int token;

    ck_assert_msg(pointer != NULL, "%s: %s", text, error);
    token = json_pointer_find(json, pointer);
    found = token < 0 ? "-" : json_text(json, token, &size);
    ck_assert_msg(size == strlen(want) && memcmp(found, want, size) == 0, "%s: %.*s", text,
                  (int)size, found);
    json_pointer_destroy(&pointer);
    ck_assert_ptr_null(pointer);
    json_pointer_destroy(&pointer);
}

START_TEST(pointers_are_those_of_rfc_6901)
{
    /* The document of the RFC's section 5, which names what each one finds. */
    parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
          "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    expect_pointer("/foo", "[\"bar\",\"baz\"]");
    expect_pointer("/foo/0", "bar");
    expect_pointer("/", "0");
    expect_pointer("/a~1b", "1");
    expect_pointer("/c%d", "2");
    expect_pointer("/e^f", "3");
    expect_pointer("/g|h", "4");
    expect_pointer("/i\\j", "5");
    expect_pointer("/k\"l", "6");
    expect_pointer("/ ", "7");
    expect_pointer("/m~0n", "8");
    expect_pointer("/foo/1", "baz");
    expect_pointer("/foo/2", "-");
    expect_pointer("/foo/-", "-");
    expect_pointer("/foo/00", "-");
    expect_pointer("/foo/01", "-");
    expect_pointer("/foo/", "-");
    expect_pointer("/foo/99999999999999999999", "-");
    expect_pointer("/foo/0/0", "-");
    expect_pointer("/m~01n", "-");
    expect_pointer("m~n", "8");
    expect_pointer("a/b", "1");
    expect_pointer("foo", "[\"bar\",\"baz\"]");
    expect_pointer("nothing", "-");
    parse("{\"a\":{\"x\":1},\"a\":{\"b\":2},\"d\":{\"0\":3,\"\":{\"\":4}}}");
    expect_pointer("/a/b", "-");
    expect_pointer("/d/0", "3");
    expect_pointer("/d//", "4");
    parse("[[1,[2,3]],4]");
    expect_pointer("/0/1/1", "3");
    expect_pointer("0", "-");
    parse("7");
    expect_pointer("/a", "-");
}
END_TEST

START_TEST(malformed_pointers_are_refused)
{
    const char *error = NULL;

    ck_assert_ptr_null(json_pointer_create("", &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_null(json_pointer_create("/~", &error));
    ck_assert_ptr_null(json_pointer_create("/a/~2/b", &error));
    ck_assert_ptr_nonnull(strchr(error, '~'));
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, kinds_and_sizes_are_told);
    tcase_add_test(tcase, members_are_found_by_decoded_key);
    tcase_add_test(tcase, strings_are_decoded_into_the_room_there_is);
    tcase_add_test(tcase, every_escape_is_decoded);
    tcase_add_test(tcase, integers_are_exact_or_refused);
    tcase_add_test(tcase, doubles_are_the_nearest);
    tcase_add_test(tcase, pointers_are_those_of_rfc_6901);
    tcase_add_test(tcase, malformed_pointers_are_refused);
}
