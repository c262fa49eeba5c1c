/* Goal: the reader takes exactly the documents of RFC 8259 and names the first
 * damage of the others, in linear time and bounded memory however they are
 * built. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_main.h"
#include "json.h"
#include "limits.h"
#include "text.h"

struct verdict {
    enum json_status status;
    const char *document;
};

static const struct verdict verdicts[] = {
    /* Values. */
    {JSON_OK, "{}"}, {JSON_OK, "[]"}, {JSON_OK, "\"\""}, {JSON_OK, "0"}, {JSON_OK, "-0"},
    {JSON_OK, "true"}, {JSON_OK, "false"}, {JSON_OK, "null"}, {JSON_OK, " \t\r\n1 \t\r\n"},
    {JSON_OK, "[1,\"a\",[],{},true,false,null]"}, {JSON_OK, "{\"a\":{\"a\":[{\"a\":1}]}}"},
    {JSON_OK, "{\"a\" : 1 , \"a\" : 2 }"}, {JSON_OK, "{\"\":\"\"}"},
    {JSON_EMPTY, ""}, {JSON_EMPTY, " "}, {JSON_EMPTY, "\r\n\t "},
    {JSON_NOT_JSON, "\v1"}, {JSON_NOT_JSON, "\f1"}, {JSON_NOT_JSON, "\xc2\xa0" "1"},
    {JSON_NOT_JSON, "\xef\xbb\xbf{}"}, {JSON_NOT_JSON, "'a'"}, {JSON_NOT_JSON, "/**/1"},
    /* Words and numbers. */
    {JSON_NOT_JSON, "t"}, {JSON_NOT_JSON, "tru"}, {JSON_NOT_JSON, "True"},
    {JSON_NOT_JSON, "truee"}, {JSON_NOT_JSON, "nul"}, {JSON_NOT_JSON, "NaN"},
    {JSON_NOT_JSON, "Infinity"}, {JSON_NOT_JSON, "-Infinity"}, {JSON_NOT_JSON, "falsy"},
    {JSON_OK, "1.0"}, {JSON_OK, "-1.5e-3"}, {JSON_OK, "1E+2"}, {JSON_OK, "0e0"},
    {JSON_OK, "0.00"}, {JSON_OK, "1e999"}, {JSON_OK, "123456789012345678901234567890"},
    {JSON_NOT_JSON, "01"}, {JSON_NOT_JSON, "-01"}, {JSON_NOT_JSON, "1."},
    {JSON_NOT_JSON, ".5"}, {JSON_NOT_JSON, "-.5"}, {JSON_NOT_JSON, "+1"}, {JSON_NOT_JSON, "-"},
    {JSON_NOT_JSON, "--1"}, {JSON_NOT_JSON, "1e"}, {JSON_NOT_JSON, "1e+"},
    {JSON_NOT_JSON, "1e1.5"}, {JSON_NOT_JSON, "1.e1"}, {JSON_NOT_JSON, "0x1"},
    {JSON_NOT_JSON, "1a"}, {JSON_NOT_JSON, "1_000"}, {JSON_NOT_JSON, "[1a]"},
    {JSON_NOT_JSON, "[-]"}, {JSON_NOT_JSON, "[1.]"}, {JSON_NOT_JSON, "{\"a\":00}"},
    /* Marks. */
    {JSON_NOT_JSON, "[1,]"}, {JSON_NOT_JSON, "[,1]"}, {JSON_NOT_JSON, "[1,,2]"},
    {JSON_NOT_JSON, "[1 2]"}, {JSON_NOT_JSON, "[1;2]"}, {JSON_NOT_JSON, "[1:2]"},
    {JSON_NOT_JSON, "[\"a\":2]"}, {JSON_NOT_JSON, "[\"a\"\"b\"]"}, {JSON_NOT_JSON, "[,]"},
    {JSON_NOT_JSON, "{\"a\"}"}, {JSON_NOT_JSON, "{\"a\":}"}, {JSON_NOT_JSON, "{:1}"},
    {JSON_NOT_JSON, "{\"a\":1,}"}, {JSON_NOT_JSON, "{,\"a\":1}"}, {JSON_NOT_JSON, "{\"a\",1}"},
    {JSON_NOT_JSON, "{\"a\":1 \"b\":2}"}, {JSON_NOT_JSON, "{\"a\"::1}"},
    {JSON_NOT_JSON, "{\"a\":1:2}"}, {JSON_NOT_JSON, "{\"a\":\"b\":1}"},
    {JSON_NOT_JSON, "{1:2}"}, {JSON_NOT_JSON, "{true:2}"}, {JSON_NOT_JSON, "{[]:2}"},
    {JSON_NOT_JSON, "{{}:2}"}, {JSON_NOT_JSON, "{a:2}"}, {JSON_NOT_JSON, "{\"a\" 1}"},
    {JSON_NOT_JSON, "{\"a\":1,2}"}, {JSON_NOT_JSON, "{\"a\":1,\"b\"}"},
    /* Ends. */
    {JSON_NOT_JSON, "{"}, {JSON_NOT_JSON, "["}, {JSON_NOT_JSON, "}"}, {JSON_NOT_JSON, "]"},
    {JSON_NOT_JSON, "[}"}, {JSON_NOT_JSON, "{]"}, {JSON_NOT_JSON, "[1}"},
    {JSON_NOT_JSON, "{\"a\":1]"}, {JSON_NOT_JSON, "[[]"}, {JSON_NOT_JSON, "[]]"},
    {JSON_NOT_JSON, "{}}"}, {JSON_NOT_JSON, "{\"a\":[1}"}, {JSON_NOT_JSON, "[1,"},
    {JSON_NOT_JSON, "{\"a\""}, {JSON_NOT_JSON, "{\"a\":"}, {JSON_NOT_JSON, "{\"a\":1"},
    {JSON_NOT_JSON, "{\"a\":1,"}, {JSON_NOT_JSON, "{} {}"}, {JSON_NOT_JSON, "{}{}"},
    {JSON_NOT_JSON, "1 2"}, {JSON_NOT_JSON, "{},"}, {JSON_NOT_JSON, "{}x"},
    {JSON_NOT_JSON, "\"a\" \"b\""}, {JSON_NOT_JSON, "\"a\":1"},
    /* Strings. */
    {JSON_OK, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDE00\""}, {JSON_OK, "\"\x7f\""},
    {JSON_OK, "\"\xd0\xbf\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\""},
    {JSON_OK, "\"\\u0000\""}, {JSON_OK, "\"\\uFFFF\\ufffe\""}, {JSON_OK, "\"\\ud7ff\\ue000\""},
    {JSON_NOT_JSON, "\""}, {JSON_NOT_JSON, "\"a"}, {JSON_NOT_JSON, "\"a\\"},
    {JSON_NOT_JSON, "\"a\\\""}, {JSON_NOT_JSON, "\"\\u"}, {JSON_NOT_JSON, "\"\\u00"},
    {JSON_NOT_JSON, "\"\\ud83d"}, {JSON_NOT_JSON, "\"\\ud83d\\"},
    {JSON_NOT_JSON, "\"\\ud83d\\ude0"}, {JSON_NOT_JSON, "\"\n\""}, {JSON_NOT_JSON, "\"\t\""},
    {JSON_NOT_JSON, "\"\x1f\""}, {JSON_NOT_JSON, "\"12345678\x01\""},
    {JSON_BAD_ESCAPE, "\"\\x\""}, {JSON_BAD_ESCAPE, "\"\\'\""}, {JSON_BAD_ESCAPE, "\"\\0\""},
    {JSON_BAD_ESCAPE, "\"\\U0041\""}, {JSON_BAD_ESCAPE, "\"\\u12\""},
    {JSON_BAD_ESCAPE, "\"\\u004g\""}, {JSON_BAD_ESCAPE, "\"\\u 041\""},
    {JSON_BAD_ESCAPE, "\"\\ud800\""}, {JSON_BAD_ESCAPE, "\"\\udc00\""},
    {JSON_BAD_ESCAPE, "\"\\ud800x\""}, {JSON_BAD_ESCAPE, "\"\\ud800\\n\""},
    {JSON_BAD_ESCAPE, "\"\\ud800\\ud800\""}, {JSON_BAD_ESCAPE, "\"\\ud800\\u0041\""},
    {JSON_BAD_ESCAPE, "\"\\udbff\\ue000\""}, {JSON_BAD_ESCAPE, "\"\\udc00\\udc00\""},
    {JSON_BAD_ESCAPE, "{\"\\q\":1}"},
    {JSON_BAD_ESCAPE, "\"\\\n\""},
    /* UTF-8. */
    {JSON_BAD_UTF8, "\"\x80\""}, {JSON_BAD_UTF8, "\"\xbf\""}, {JSON_BAD_UTF8, "\"\xc0\x80\""},
    {JSON_BAD_UTF8, "\"\xc1\xbf\""}, {JSON_BAD_UTF8, "\"\xc3\""}, {JSON_BAD_UTF8, "\"\xc3("},
    {JSON_BAD_UTF8, "\"\xe0\x9f\xbf\""}, {JSON_BAD_UTF8, "\"\xe2\x82\""},
    {JSON_BAD_UTF8, "\"\xed\xa0\x80\""}, {JSON_BAD_UTF8, "\"\xed\xbf\xbf\""},
    {JSON_BAD_UTF8, "\"\xf0\x8f\xbf\xbf\""}, {JSON_BAD_UTF8, "\"\xf4\x90\x80\x80\""},
    {JSON_BAD_UTF8, "\"\xf5\x80\x80\x80\""}, {JSON_BAD_UTF8, "\"\xf0\x9f\x98\""},
    {JSON_BAD_UTF8, "\"\xff\""}, {JSON_BAD_UTF8, "\"\xe2\x82"}, {JSON_BAD_UTF8, "\xff"},
    {JSON_BAD_UTF8, "{}\xff"}, {JSON_BAD_UTF8, "{\xff"}, {JSON_BAD_UTF8, "1\xff"},
    {JSON_BAD_UTF8, "tr\xff"}, {JSON_BAD_UTF8, "{\"a\"\xff"}, {JSON_BAD_UTF8, "[1\xff"},
    {JSON_NOT_JSON, "[1\xc3\xa9]"}, {JSON_NOT_JSON, "{}\xd0\xbf"},
};

static struct json *json;

static void set_up(void)
{
    json = json_create();
    ck_assert_ptr_nonnull(json);
}

static void tear_down(void)
{
    json_destroy(&json);
    ck_assert_ptr_null(json);
    json_destroy(&json);
}

/* Parses a copy that ends where the document does, so that a sanitizer sees a
 * read beyond it. The copy is the caller's. */
static enum json_status parse_copy(const char *bytes, size_t size, char **copy)
{
    *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(*copy);
    memcpy(*copy, bytes, size);
    return json_parse(json, *copy, size);
}

static void parse(const char *document)
{
    ck_assert_msg(json_parse(json, document, strlen(document)) == JSON_OK, "%s", document);
}

START_TEST(documents_have_their_verdict)
{
    const struct verdict *verdict = &verdicts[_i];
    char *copy;
    enum json_status status = parse_copy(verdict->document, strlen(verdict->document), &copy);

    ck_assert_msg(status == verdict->status, "%s: %d instead of %d", verdict->document, status,
                  verdict->status);
    free(copy);
}
END_TEST

/* The same at every place in an eight-byte step, and within a document. */
START_TEST(verdicts_do_not_depend_on_the_place)
{
    const struct verdict *verdict = &verdicts[_i];
    size_t size;

    for (size_t shift = 0; shift < 9; shift++) {
        char document[256];
        enum json_status status;
        char *copy;

        memset(document, 'p', sizeof document);
        memcpy(document, "{\"", 2);
        size = (size_t)snprintf(document + 2 + shift, sizeof document - 2 - shift,
                                "\":%s,\"\":\"12345678\"}", verdict->document);
        size += 2 + shift;
        status = parse_copy(document, size, &copy);
        /* What was cut short goes on with the comma, and is not valid either way. */
        if (verdict->status == JSON_OK)
            ck_assert_int_eq(status, JSON_OK);
        else
            ck_assert_int_ne(status, JSON_OK);
        free(copy);
    }
}
END_TEST

START_TEST(a_nul_is_no_end)
{
    ck_assert_int_eq(json_parse(json, "{}\0", 3), JSON_NOT_JSON);
    ck_assert_int_eq(json_parse(json, "{}\0}", 4), JSON_NOT_JSON);
    ck_assert_int_eq(json_parse(json, "\0", 1), JSON_NOT_JSON);
    ck_assert_int_eq(json_parse(json, "\"a\0b\"", 5), JSON_NOT_JSON);
    ck_assert_int_eq(json_parse(json, "[1\0]", 4), JSON_NOT_JSON);
    ck_assert_int_eq(json_parse(json, NULL, 0), JSON_EMPTY);
}
END_TEST

START_TEST(a_document_cut_short_is_none)
{
    static const char document[] = "{\"a\\u00e9\\ud83d\\ude00\":[true,{\"b\":-1.5e-3,\"c\":\"\xd0"
                                   "\xbf\\n\"},null,[],{}]}";
    char *copy;

    for (size_t size = 1; size < sizeof document - 1; size++) {
        ck_assert_msg(parse_copy(document, size, &copy) != JSON_OK, "%.*s", (int)size, document);
        free(copy);
    }
    ck_assert_int_eq(parse_copy(document, sizeof document - 1, &copy), JSON_OK);
    free(copy);
}
END_TEST

/* Levels of arrays, or of objects, closed or not. */
static struct text nested(int levels, const char *open, const char *shut)
{
    struct text text = {0};

    for (int i = 0; i < levels; i++)
        text_string(&text, open);
    text_string(&text, "1");
    for (int i = 0; i < levels; i++)
        text_string(&text, shut);
    ck_assert(!text.failed);
    return text;
}

START_TEST(depth_is_limited)
{
    static const char *const forms[][2] = {
        {"[", "]"}, {"{\"a\":", "}"}, {"[", ""}, {"[{\"\":", "}]"}};
    static const enum json_status at_limit[] = {JSON_OK, JSON_OK, JSON_NOT_JSON, JSON_OK};

    for (int form = 0; form < 4; form++) {
        int levels = form == 3 ? LIMIT_DEPTH / 2 : LIMIT_DEPTH;
        struct text text = nested(levels, forms[form][0], forms[form][1]);

        ck_assert_int_eq(json_parse(json, text.bytes, text.size), at_limit[form]);
        text_free(&text);
        text = nested(levels + 1, forms[form][0], forms[form][1]);
        ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_TOO_DEEP);
        text_free(&text);
    }
}
END_TEST

/* These take hours where a step costs the size of what was read before it. */
START_TEST(large_documents_are_read_in_linear_time)
{
    struct text text = {0};
    int members = 0;

    for (int i = 0; i < 1 << 20; i++)
        text_char(&text, '[');
    ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_TOO_DEEP);
    text_clear(&text);
    text_char(&text, '[');
    for (int i = 0; i < 350000; i++)
        text_string(&text, "[],");
    text_string(&text, "[]]");
    ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_OK);
    ck_assert_int_eq(json_size(json, 0), 350001);
    text_clear(&text);
    for (int i = 0; i < 500000; i++)
        text_format(&text, "%c\"%d\":%s", i ? ',' : '{', i, i % 5 ? "0" : "[{\"a\":[1,2]},{}]");
    text_char(&text, '}');
    ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_OK);
    ck_assert_int_ge(json_member(json, 0, "499999", 6), 0);
    for (int key = json_first(json, 0); key >= 0; key = json_next(json, key))
        members++;
    ck_assert_int_eq(members, 500000);
    text_free(&text);
}
END_TEST

/* Minutes where closing a bracket costs the levels below it; seconds here. */
START_TEST(deep_documents_are_read_in_linear_time)
{
    struct text text = {0};

    text_char(&text, '[');
    for (int i = 0; i < 512; i++) {
        if (i)
            text_char(&text, ',');
        for (int level = 1; level < LIMIT_DEPTH; level++)
            text_char(&text, '[');
        for (int level = 1; level < LIMIT_DEPTH; level++)
            text_char(&text, ']');
    }
    text_char(&text, ']');
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_OK);
    ck_assert_int_eq(json_size(json, 0), 512);
    text_free(&text);
}
END_TEST

static long resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void parse_many(struct text *text, int elements)
{
    text_clear(text);
    for (int i = 0; i < elements; i++)
        text_string(text, i ? ",1" : "[1");
    text_char(text, ']');
    ck_assert_int_eq(json_parse(json, text->bytes, text->size), JSON_OK);
    ck_assert_int_eq(json_size(json, 0), elements);
}

START_TEST(memory_of_a_large_document_is_given_back)
{
    struct text text = {0};
    long before, large, after;

    ck_assert(json_reserve(json, 8 << 20));
    parse_many(&text, 2 << 20);
    parse_many(&text, 100);
    before = resident_bytes();
    parse_many(&text, 2 << 20);
    large = resident_bytes();
    for (int i = 0; i < 300; i++)
        parse_many(&text, 100);
    after = resident_bytes();
    /* 2 Mi tokens of 20 bytes. The reservation costs nothing. */
    ck_assert_int_gt(large - after, 30 << 20);
    ck_assert_int_le(before, large);
    /* And what was given back is there when it is needed. */
    parse_many(&text, 2 << 20);
    text_free(&text);
}
END_TEST

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
static const char small_memory[] = "allocator_may_return_null=1:max_allocation_size_mb=300";
const char *__asan_default_options(void)
{
    return small_memory;
}
const char *__tsan_default_options(void)
{
    return small_memory;
}
static void limit_memory(void)
{
}
#else
static void limit_memory(void)
{
    struct rlimit limit = {300 << 20, 300 << 20};

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}
#endif

START_TEST(too_little_memory_is_told)
{
    struct text text = {0};

    limit_memory();
    ck_assert(!json_reserve(json, LIMIT_FRAME_MAX));
    parse("[1,2]");
    ck_assert_int_eq(json_size(json, 0), 2);
    /* Twice the room does not fit, but the need does. */
    for (int i = 0; i < 8 << 20; i++)
        text_string(&text, i ? ",1" : "[1");
    text_char(&text, ']');
    ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_OK);
    text_bytes(&text, ",", 1);
    text.bytes[text.size - 2] = ',';
    for (int i = 0; i < 8 << 20; i++)
        text_string(&text, i ? ",1" : "1");
    text_char(&text, ']');
    text.bytes[(16 << 20) + 1] = ' ';
    ck_assert_int_eq(json_parse(json, text.bytes, text.size), JSON_NO_MEMORY);
    parse("[1,2]");
    text_free(&text);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, documents_have_their_verdict, 0,
                        sizeof verdicts / sizeof *verdicts);
    tcase_add_loop_test(tcase, verdicts_do_not_depend_on_the_place, 0,
                        sizeof verdicts / sizeof *verdicts);
    tcase_add_test(tcase, a_nul_is_no_end);
    tcase_add_test(tcase, a_document_cut_short_is_none);
    tcase_add_test(tcase, depth_is_limited);
    tcase_add_test(tcase, large_documents_are_read_in_linear_time);
    tcase_add_test(tcase, deep_documents_are_read_in_linear_time);
    tcase_add_test(tcase, memory_of_a_large_document_is_given_back);
    tcase_add_test(tcase, too_little_memory_is_told);
}
