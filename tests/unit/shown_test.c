/* Goal: nothing that others wrote moves a terminal's cursor, ends a line, hides
 * or turns text around, whatever bytes it is made of; what can be shown stays as
 * it is. Every character of Unicode and random bytes are tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "shown.h"
#include "utf8.h"

static struct text out;

static const char *shown(const char *bytes, size_t size)
{
    text_clear(&out);
    text_shown(&out, bytes, size);
    ck_assert(!out.failed);
    return out.bytes ? out.bytes : "";
}

static const char *quoted(const char *bytes, size_t size)
{
    text_clear(&out);
    text_shown_string(&out, bytes, size);
    ck_assert(!out.failed);
    return out.bytes;
}

START_TEST(escapes_what_moves_hides_or_turns)
{
    static const char *const cases[][2] = {
        {"plain text", "plain text"}, {"", ""}, {"Тоска 日本語 😀 é", "Тоска 日本語 😀 é"},
        {"a\nb", "a\\u000ab"}, {"a\r\033[2Kb", "a\\u000d\\u001b[2Kb"}, {"\x7f", "\\u007f"},
        {"\t", "\\u0009"},
        {"\xc2\x9b" "31m", "\\u009b31m"},              /* a control of eight bits */
        {"\xe2\x80\xae" "evil", "\\u202eevil"},        /* from right to left */
        {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\x8b", "\\u200b"}, {"\xef\xbb\xbf", "\\ufeff"},
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41"},        /* a letter that is not seen */
        {"\xff\xc0\x80", "\\xff\\xc0\\x80"}, {"\xe2\x80", "\\xe2\\x80"},
        {"back\\slash \"quotes\"", "back\\slash \"quotes\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(shown(cases[i][0], strlen(cases[i][0])), cases[i][1]);
    ck_assert_str_eq(shown("a\0b", 3), "a\\u0000b");
    ck_assert_str_eq(quoted("a\"\n\033\xc2\x9b\xff", 7), "\"a\\\"\\n\\u001b\\u009b\xef\xbf\xbd\"");
}
END_TEST

/* Unicode 15's categories Cc, Cf (but for signs that are seen), Zl and Zp: a
 * table of the test's own. */
static bool must_hide(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

START_TEST(every_character)
{
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t size;

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        size = utf8_encode(c, bytes);
        if (shown_length(bytes, size) != (must_hide(c) ? 0 : size) ||
            (must_hide(c) && strncmp(shown(bytes, size), "\\u", 2) != 0))
            ck_abort_msg("U+%04X", (unsigned)c);
    }
}
END_TEST

/* Whatever comes in, what goes out can be shown, and more of it changes nothing. */
START_TEST(random_bytes)
{
    unsigned short seed[3] = {1, 2, (unsigned short)_i};

    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t size = (size_t)(erand48(seed) * sizeof bytes);

        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)(nrand48(seed) >> 8);
        shown(bytes, size);
        ck_assert_uint_eq(shown_length(out.bytes ? out.bytes : "", out.size), out.size);
        quoted(bytes, size);
        ck_assert_uint_eq(shown_length(out.bytes, out.size), out.size);
    }
}
END_TEST

START_TEST(says_one_line)
{
    char said[256] = "";
    FILE *file = tmpfile();

    say_on(file, "%s: %s\n", "name\nforged: line", "\033[31mred");
    say_on(file, "half");
    say_on(file, "%s", "");
    rewind(file);
    ck_assert_uint_lt(fread(said, 1, sizeof said - 1, file), sizeof said);
    ck_assert_str_eq(said, "name\\u000aforged: line: \\u001b[31mred\nhalf");
    ck_assert_int_eq(fclose(file), 0);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_test(cases, escapes_what_moves_hides_or_turns);
    tcase_add_test(cases, every_character);
    tcase_add_loop_test(cases, random_bytes, 0, 5);
    tcase_add_test(cases, says_one_line);
}
