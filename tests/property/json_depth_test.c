/* Goal: documents with any rows of closing brackets have the tokens that jsmn
 * alone gives them, who climbs level by level, and the same members in order.
 *
 * A document is a list of spines: containers in each other, objects and arrays,
 * with small values before and behind the inner one, seldom or often, so that
 * rows are short, long, broken by white space, or begin within a row's levels. */
#include <stdlib.h>
#include <string.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#include "check_main.h"
#include "json.h"
#include "limits.h"
#include "text.h"

#define DOCUMENTS 80
#define TOKENS_MAX (64 * 1024)

struct writer {
    uint64_t random;
    struct text document;
    unsigned siblings; /* one level in so many has some; 0: none */
    unsigned spaces;
};

static unsigned draw(struct writer *w, unsigned below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 33) % below;
}

static bool happens(struct writer *w, unsigned one_in)
{
    return one_in && draw(w, one_in) == 0;
}

static void write_space(struct writer *w)
{
    while (happens(w, w->spaces))
        text_char(&w->document, " \t\r\n"[draw(w, 4)]);
}

#define TEN_ENDS "]}]}]]]}}]"

/* An element or member; brackets in strings are none. */
static void write_sibling(struct writer *w, bool object)
{
    static const char *const values[] = {"1", "\"]}]\"", "[]", "{}", "[[]]", "{\"\":[null]}",
                                         "\"\\\"]\\\\\"", "true",
                                         "\"" TEN_ENDS TEN_ENDS TEN_ENDS TEN_ENDS "\""};

    if (object)
        text_string(&w->document, "\"]\" :");
    text_string(&w->document, values[draw(w, sizeof values / sizeof *values)]);
}

static void open_level(struct writer *w, bool object)
{
    text_char(&w->document, object ? '{' : '[');
    write_space(w);
    while (happens(w, w->siblings)) {
        write_sibling(w, object);
        text_char(&w->document, ',');
    }
    if (object)
        text_string(&w->document, "\"k\":");
}

static void close_level(struct writer *w, bool object)
{
    write_space(w);
    while (happens(w, w->siblings)) {
        text_char(&w->document, ',');
        write_sibling(w, object);
    }
    text_char(&w->document, object ? '}' : ']');
}

static void write_spine(struct writer *w, unsigned depth)
{
    bool objects[LIMIT_DEPTH];

    for (unsigned level = 0; level < depth; level++) {
        objects[level] = draw(w, 2);
        open_level(w, objects[level]);
    }
    write_sibling(w, false);
    for (unsigned level = depth; level-- > 0;)
        close_level(w, objects[level]);
}

/* Two levels are left to the values. */
static void write_document(struct writer *w)
{
    static const unsigned often[] = {0, 0, 3, 40, 300};
    unsigned spines = 1 + draw(w, 4);

    text_clear(&w->document);
    text_char(&w->document, '[');
    for (unsigned i = 0; i < spines; i++) {
        w->siblings = often[draw(w, 5)];
        w->spaces = often[draw(w, 5)];
        if (i)
            text_char(&w->document, ',');
        write_spine(w, draw(w, 2) ? draw(w, 80) : draw(w, LIMIT_DEPTH - 2));
    }
    text_char(&w->document, ']');
    write_space(w);
    ck_assert(!w->document.failed);
}

static void check_token(const struct json *json, int token, const jsmntok_t *expected,
                        const char *bytes)
{
    size_t size;
    const char *text = json_text(json, token, &size);
    enum json_kind kind = json_kind(json, token);
    bool container = expected->type == JSMN_OBJECT || expected->type == JSMN_ARRAY;

    ck_assert_int_eq(text - bytes, expected->start);
    ck_assert_int_eq((int)size, expected->end - expected->start);
    ck_assert_int_eq(kind == JSON_OBJECT, expected->type == JSMN_OBJECT);
    ck_assert_int_eq(kind == JSON_ARRAY, expected->type == JSMN_ARRAY);
    ck_assert_int_eq(kind == JSON_STRING, expected->type == JSMN_STRING);
    ck_assert_int_eq(json_size(json, token), container ? expected->size : 0);
}

/* The walk through each container meets the tokens whose parent it is. */
static void check_members(const struct json *json, int token, const jsmntok_t *tokens, int count)
{
    int at = json_first(json, token), left = json_size(json, token);

    for (int i = token + 1; i < count && tokens[i].start < tokens[token].end; i++) {
        if (tokens[i].parent != token)
            continue;
        ck_assert_int_eq(at, i);
        at = json_next(json, at);
        left--;
    }
    ck_assert_int_eq(at, -1);
    ck_assert_int_eq(left, 0);
}

START_TEST(rows_of_brackets_close_what_jsmn_closes)
{
    struct writer w = {.random = 0x2545f4914f6cdd1d};
    jsmntok_t *tokens = calloc(TOKENS_MAX, sizeof *tokens);
    struct json *json = json_create();

    for (int i = 0; i < DOCUMENTS; i++) {
        jsmn_parser parser;
        int count;

        write_document(&w);
        ck_assert_int_eq(json_parse(json, w.document.bytes, w.document.size), JSON_OK);
        jsmn_init(&parser);
        count = jsmn_parse(&parser, w.document.bytes, w.document.size, tokens, TOKENS_MAX);
        ck_assert_int_gt(count, 0);
        for (int token = 0; token < count; token++) {
            check_token(json, token, &tokens[token], w.document.bytes);
            /* Each of them in turn costs the depth again. */
            if (tokens[token].type != JSMN_STRING && token % 7 == i % 7)
                check_members(json, token, tokens, count);
        }
    }
    json_destroy(&json);
    text_free(&w.document);
    free(tokens);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, rows_of_brackets_close_what_jsmn_closes);
}
