/* Goal: whatever document is written, the reader finds in it what was meant;
 * and a document that is damaged anywhere is judged as a plain reading of the
 * grammar judges it.
 *
 * A generator writes random documents (white space, escapes, numbers in all
 * forms) and, beside each, its meaning in a simple notation; a walk through the
 * reader must give the same notation. The judge of damaged documents is a
 * recursive descent over RFC 8259 that shares no code with the reader. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "json.h"
#include "text.h"

#define DOCUMENTS 3000
#define DAMAGED_DOCUMENTS 150

struct writer {
    uint64_t random;
    struct text document;
    struct text meaning;
};

static unsigned draw(struct writer *w, unsigned below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (unsigned)(w->random >> 33) % below;
}

static void write_space(struct writer *w)
{
    while (draw(w, 5) == 0)
        text_char(&w->document, " \t\r\n"[draw(w, 4)]);
}

/* UTF-8 by the definition, for the meaning. */
static void mean_point(struct writer *w, unsigned point)
{
    if (point < 0x80)
        text_format(&w->meaning, "%02x", point);
    else if (point < 0x800)
        text_format(&w->meaning, "%02x%02x", 0xc0 + point / 64, 0x80 + point % 64);
    else if (point < 0x10000)
        text_format(&w->meaning, "%02x%02x%02x", 0xe0 + point / 4096, 0x80 + point / 64 % 64,
                    0x80 + point % 64);
    else
        text_format(&w->meaning, "%02x%02x%02x%02x", 0xf0 + point / 262144,
                    0x80 + point / 4096 % 64, 0x80 + point / 64 % 64, 0x80 + point % 64);
}

static void write_unit(struct writer *w, unsigned unit)
{
    text_format(&w->document, draw(w, 2) ? "\\u%04x" : "\\u%04X", unit);
}

static void write_escaped(struct writer *w, unsigned point)
{
    if (point >= 0x10000) {
        write_unit(w, 0xd7c0 + point / 1024);
        point = 0xdc00 + point % 1024;
    }
    write_unit(w, point);
}

/* The last bytes of the meaning are the character's, in hexadecimal. */
static void write_plain(struct writer *w, size_t from)
{
    for (size_t at = from; at < w->meaning.size; at += 2) {
        char byte[3] = {w->meaning.bytes[at], w->meaning.bytes[at + 1], '\0'};

        text_char(&w->document, (char)strtol(byte, NULL, 16));
    }
}

static void write_character(struct writer *w)
{
    static const char letters[] = "\"\\/\b\f\n\r\t", names[] = "\"\\/bfnrt";
    static const unsigned tops[] = {0x80, 0x80, 0x80, 0x800, 0x10000, 0x110000};
    unsigned point = draw(w, tops[draw(w, 6)]);
    size_t from = w->meaning.size;
    const char *letter;

    if (draw(w, 12) == 0)
        point = (unsigned char)letters[draw(w, 8)];
    if (point >= 0xd800 && point < 0xe000)
        point -= 0x800;
    mean_point(w, point);
    letter = point ? strchr(letters, (int)point) : NULL;
    if (point < 0x80 && letter && draw(w, 4))
        text_format(&w->document, "\\%c", names[letter - letters]);
    else if (point < 0x20 || point == '"' || point == '\\' || draw(w, 8) == 0)
        write_escaped(w, point);
    else
        write_plain(w, from);
}

static void write_string(struct writer *w)
{
    unsigned length = draw(w, draw(w, 4) ? 6 : 40);

    text_char(&w->document, '"');
    text_char(&w->meaning, 'S');
    while (length--)
        write_character(w);
    text_char(&w->document, '"');
    text_char(&w->meaning, ';');
}

static void write_digits(struct writer *w, struct text *number)
{
    for (unsigned i = draw(w, 12) + 1; i > 0; i--)
        text_char(number, (char)('0' + draw(w, 10)));
}

static void write_number(struct writer *w)
{
    struct text number = {0};

    if (draw(w, 3) == 0)
        text_char(&number, '-');
    if (draw(w, 4) == 0) {
        text_char(&number, '0');
    } else {
        text_char(&number, (char)('1' + draw(w, 9)));
        write_digits(w, &number);
    }
    if (draw(w, 3) == 0) {
        text_char(&number, '.');
        write_digits(w, &number);
    }
    if (draw(w, 3) == 0) {
        text_char(&number, "eE"[draw(w, 2)]);
        if (draw(w, 2))
            text_char(&number, "+-"[draw(w, 2)]);
        write_digits(w, &number);
    }
    text_bytes(&w->document, number.bytes, number.size);
    text_format(&w->meaning, "N%s;", number.bytes);
    text_free(&number);
}

static void write_value(struct writer *w, unsigned room);

static void write_container(struct writer *w, unsigned room, bool object)
{
    unsigned count = draw(w, 5);

    text_char(&w->document, object ? '{' : '[');
    text_format(&w->meaning, "%c%u:", object ? '{' : '[', count);
    for (unsigned i = 0; i < count; i++) {
        if (i)
            text_char(&w->document, ',');
        if (object) {
            write_space(w);
            write_string(w);
            write_space(w);
            text_char(&w->document, ':');
        }
        write_value(w, room - 1);
    }
    if (count == 0)
        write_space(w);
    text_char(&w->document, object ? '}' : ']');
    text_char(&w->meaning, object ? '}' : ']');
}

static void write_value(struct writer *w, unsigned room)
{
    static const char *const words[] = {"true", "false", "null"};
    unsigned kind = draw(w, room ? 9 : 5);

    write_space(w);
    if (kind < 3) {
        write_string(w);
    } else if (kind == 3) {
        write_number(w);
    } else if (kind == 4) {
        const char *word = words[draw(w, 3)];

        text_string(&w->document, word);
        text_char(&w->meaning, *word);
    } else {
        write_container(w, room, kind % 2);
    }
    write_space(w);
}

static void tell_string(const struct json *json, int token, struct text *told)
{
    size_t size;
    char *into;

    json_text(json, token, &size);
    into = malloc(size + 1);
    ck_assert_ptr_nonnull(into);
    ck_assert(json_string(json, token, into, size, &size));
    ck_assert(json_string_is(json, token, into, size));
    into[size] = 'x';
    ck_assert(!json_string_is(json, token, into, size + 1));
    text_char(told, 'S');
    text_hex(told, into, size);
    text_char(told, ';');
    free(into);
}

static void tell(const struct json *json, int token, struct text *told)
{
    enum json_kind kind = json_kind(json, token);
    size_t size;
    const char *text = json_text(json, token, &size);

    if (kind == JSON_STRING) {
        tell_string(json, token, told);
    } else if (kind == JSON_NUMBER) {
        text_format(told, "N%.*s;", (int)size, text);
    } else if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        text_format(told, "%c%d:", *text, json_size(json, token));
        for (int at = json_first(json, token); at >= 0; at = json_next(json, at)) {
            if (kind == JSON_OBJECT)
                tell_string(json, at, told);
            tell(json, kind == JSON_OBJECT ? json_value(json, at) : at, told);
        }
        text_char(told, text[size - 1]);
    } else {
        text_char(told, *text);
    }
}

static void write_document(struct writer *w, unsigned depth)
{
    text_clear(&w->document);
    text_clear(&w->meaning);
    write_value(w, depth);
    ck_assert(!w->document.failed && !w->meaning.failed);
}

START_TEST(what_is_written_is_found)
{
    struct writer w = {.random = 0x9e3779b97f4a7c15};
    struct json *json = json_create();
    struct text told = {0};

    for (int i = 0; i < DOCUMENTS; i++) {
        write_document(&w, 6);
        ck_assert_msg(json_parse(json, w.document.bytes, w.document.size) == JSON_OK, "%s",
                      w.document.bytes);
        text_clear(&told);
        tell(json, 0, &told);
        ck_assert_str_eq(told.bytes, w.meaning.bytes);
    }
    text_free(&told);
    text_free(&w.document);
    text_free(&w.meaning);
    json_destroy(&json);
}
END_TEST

/* The judge. Each takes text that ends with a NUL which is no part of it (the
 * damage puts no other there) and returns what is left behind, or NULL. */
static const char *skip(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *judge_character(const char *at)
{
    unsigned first = (unsigned char)at[0], point = 0, rest;
    int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    static const unsigned least[] = {0x20, 0x80, 0x800, 0x10000};

    point = more == 0 ? first : first & (0x3fu >> more);
    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8)
        return NULL;
    for (int i = 1; i <= more; i++) {
        rest = (unsigned char)at[i];
        if (rest / 64 != 2)
            return NULL;
        point = point * 64 + rest % 64;
    }
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return NULL;
    return at + 1 + more;
}

static long judge_unit(const char *at)
{
    char digits[5] = {0};

    if (at[0] != '\\' || at[1] != 'u' || strspn(at + 2, "0123456789abcdefABCDEF") < 4)
        return -1;
    memcpy(digits, at + 2, 4);
    return strtol(digits, NULL, 16);
}

static const char *judge_escape(const char *at)
{
    long unit = judge_unit(at), low;

    if (unit < 0)
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    if (unit < 0xd800 || unit > 0xdfff)
        return at + 6;
    low = judge_unit(at + 6);
    return unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff ? at + 12 : NULL;
}

static const char *judge_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (at && *at != '"')
        at = *at == '\\' ? judge_escape(at) : judge_character(at);
    return at ? at + 1 : NULL;
}

static const char *judge_number(const char *at)
{
    size_t digits;

    at += *at == '-';
    digits = strspn(at, "0123456789");
    if (digits == 0 || (*at == '0' && digits > 1))
        return NULL;
    at += digits;
    if (*at == '.') {
        digits = strspn(++at, "0123456789");
        if (digits == 0)
            return NULL;
        at += digits;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        digits = strspn(at, "0123456789");
        if (digits == 0)
            return NULL;
        at += digits;
    }
    return at;
}

static const char *judge_value(const char *at);

static const char *judge_container(const char *at, bool object)
{
    char shut = object ? '}' : ']';

    at = skip(at + 1);
    if (*at == shut)
        return at + 1;
    for (;;) {
        if (object) {
            at = judge_string(skip(at));
            if (!at || *(at = skip(at)) != ':')
                return NULL;
            at++;
        }
        at = judge_value(at);
        if (!at || (*at != ',' && *at != shut))
            return NULL;
        if (*at++ == shut)
            return at;
    }
}

/* With the white space around it. */
static const char *judge_value(const char *at)
{
    at = skip(at);
    if (*at == '{' || *at == '[')
        at = judge_container(at, *at == '{');
    else if (*at == '"')
        at = judge_string(at);
    else if (strncmp(at, "true", 4) == 0 || strncmp(at, "null", 4) == 0)
        at += 4;
    else if (strncmp(at, "false", 5) == 0)
        at += 5;
    else
        at = judge_number(at);
    return at ? skip(at) : NULL;
}

static unsigned long agreed[2];

static void compare(struct json *json, const char *bytes, size_t size)
{
    /* Without the NUL, so that a read behind the end is seen. */
    char *copy = malloc(size ? size : 1);
    const char *end = judge_value(bytes);
    bool valid = end == bytes + size;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    ck_assert_msg((json_parse(json, copy, size) == JSON_OK) == valid, "%d: %s", valid, bytes);
    agreed[valid]++;
    free(copy);
}

/* Every byte removed, doubled, replaced by marks, and flipped. */
static void damage(struct json *json, struct writer *w, char *work)
{
    static const char marks[] = "{}[]:,\"\\0-.eu \x1f\x80\xc2\xed\xff";
    const char *bytes = w->document.bytes;
    size_t size = w->document.size;

    for (size_t at = 0; at < size; at++) {
        memcpy(work, bytes, at);
        memcpy(work + at, bytes + at + 1, size - at);
        compare(json, work, size - 1);
        memcpy(work + at + 1, bytes + at, size - at + 1);
        for (const char *mark = marks; *mark; mark++) {
            work[at] = *mark;
            compare(json, work, size + 1);
        }
        memcpy(work, bytes, size + 1);
        work[at] = (char)(bytes[at] ^ 1 << draw(w, 8));
        if (work[at])
            compare(json, work, size);
    }
}

START_TEST(damage_is_judged_as_the_grammar_says)
{
    struct writer w = {.random = 0xd1b54a32d192ed03};
    struct json *json = json_create();
    char work[1024];

    for (int i = 0; i < DAMAGED_DOCUMENTS;) {
        write_document(&w, 3);
        if (w.document.size > sizeof work - 2 || w.document.size < 2)
            continue;
        compare(json, w.document.bytes, w.document.size);
        damage(json, &w, work);
        i++;
    }
    /* Both verdicts were seen often. */
    ck_assert_uint_gt(agreed[0], 1000);
    ck_assert_uint_gt(agreed[1], 1000);
    text_free(&w.document);
    text_free(&w.meaning);
    json_destroy(&json);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, what_is_written_is_found);
    tcase_add_test(tcase, damage_is_judged_as_the_grammar_says);
}
