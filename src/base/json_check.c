/* The shape check: a scanner with a stack of one bit a level.
 *
 * `due` is what may come next; each step reads one token or one mark and sets
 * it anew. There is no recursion, and the work is linear in the bytes whatever
 * they hold. Strings are passed over eight bytes at a time as long as those are
 * plain: no quote, no backslash, no control character, ASCII. */
#include "json_check.h"

#include <string.h>

#include "json_string.h"
#include "limits.h"
#include "utf8.h"

enum due {
    DUE_VALUE,
    DUE_VALUE_OR_END, /* behind '[' */
    DUE_KEY,
    DUE_KEY_OR_END,   /* behind '{' */
    DUE_COMMA_OR_END, /* behind a value */
    DUE_NOTHING       /* behind the root */
};

struct check {
    const char *at;
    const char *end;
    enum due due;
    size_t tokens;
    size_t closed_at; /* the tokens when a bracket closed last */
    unsigned closing; /* how many have closed in a row, up to that one */
    unsigned most_closing;
    unsigned depth;
    uint64_t is_object[(LIMIT_DEPTH + 63) / 64]; /* bit d: the container at depth d + 1 */
};

static bool in_object(const struct check *check)
{
    unsigned level = check->depth - 1;

    return check->is_object[level / 64] >> (level % 64) & 1;
}

/* What to call the byte at `at`, where it has no business. */
static enum json_status misplaced(const struct check *check)
{
    if (check->at == check->end || utf8_length(check->at, (size_t)(check->end - check->at)))
        return JSON_NOT_JSON;
    return JSON_BAD_UTF8;
}

static void skip_space(struct check *check)
{
    while (check->at < check->end &&
           (*check->at == ' ' || *check->at == '\n' || *check->at == '\r' || *check->at == '\t'))
        check->at++;
}

static bool take(struct check *check, char c)
{
    if (check->at == check->end || *check->at != c)
        return false;
    check->at++;
    return true;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (EACH_BYTE * 0x80)

/* Not zero if a byte of `word` is below `limit` (at most 0x80). A byte above
 * 0x7f may hide behind a borrow, but then its own high bit speaks. */
static uint64_t has_below(uint64_t word, uint64_t limit)
{
    return (word - EACH_BYTE * limit) & ~word & HIGH_BITS;
}

/* How many of the eight bytes that were loaded into `word` are plain, up to the
 * first that is not. Borrows only reach bytes behind the first hit. */
static unsigned count_plain(uint64_t word)
{
    uint64_t special;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    special = (word & HIGH_BITS) | has_below(word, 0x20) | has_below(word ^ EACH_BYTE * '"', 1) |
              has_below(word ^ EACH_BYTE * '\\', 1);
    return special ? (unsigned)__builtin_ctzll(special) / 8 : 8;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void skip_plain(struct check *check)
{
    const char *at = check->at;
    unsigned plain = 8;
    uint64_t word;

    while (plain == 8 && check->end - at >= 8) {
        memcpy(&word, at, 8);
        plain = count_plain(word);
        at += plain;
    }
    if (plain == 8) {
        while (at < check->end && is_plain(*at))
            at++;
    }
    check->at = at;
}

/* Characters that are not ASCII, up to one that is. */
static bool skip_wide(struct check *check)
{
    const char *at = check->at;

    while (at < check->end && (unsigned char)*at >= 0x80) {
        size_t length = utf8_length(at, (size_t)(check->end - at));

        if (length == 0)
            return false;
        at += length;
    }
    check->at = at;
    return true;
}

/* Four hexadecimal digits. */
static enum json_status check_hex4(struct check *check, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, check->at++) {
        int digit;

        if (check->at == check->end)
            return JSON_NOT_JSON;
        digit = json_hex_value(*check->at);
        if (digit < 0)
            return JSON_BAD_ESCAPE;
        *unit = *unit << 4 | (unsigned)digit;
    }
    return JSON_OK;
}

/* Behind "\u". A high surrogate needs its low one, and none stands alone. */
static enum json_status check_code_unit(struct check *check)
{
    unsigned unit;
    enum json_status status = check_hex4(check, &unit);

    if (status || unit < 0xd800 || unit > 0xdfff)
        return status;
    if (unit > 0xdbff)
        return JSON_BAD_ESCAPE;
    for (const char *mark = "\\u"; *mark; mark++) {
        if (check->at == check->end)
            return JSON_NOT_JSON;
        if (!take(check, *mark))
            return JSON_BAD_ESCAPE;
    }
    status = check_hex4(check, &unit);
    if (!status && (unit < 0xdc00 || unit > 0xdfff))
        return JSON_BAD_ESCAPE;
    return status;
}

static enum json_status check_escape(struct check *check)
{
    char letter;

    check->at++;
    if (check->at == check->end)
        return JSON_NOT_JSON;
    letter = *check->at++;
    if (letter == 'u')
        return check_code_unit(check);
    return json_escape_values[(unsigned char)letter] ? JSON_OK : JSON_BAD_ESCAPE;
}

/* Behind the opening quote. */
static enum json_status check_string(struct check *check)
{
    check->tokens++;
    for (;;) {
        skip_plain(check);
        if (check->at == check->end)
            return JSON_NOT_JSON;
        if (*check->at == '"') {
            check->at++;
            return JSON_OK;
        }
        if (*check->at == '\\') {
            enum json_status status = check_escape(check);

            if (status)
                return status;
        } else if ((unsigned char)*check->at < 0x20) {
            return JSON_NOT_JSON;
        } else if (!skip_wide(check)) {
            return JSON_BAD_UTF8;
        }
    }
}

static bool take_digits(struct check *check)
{
    const char *first = check->at;

    while (check->at < check->end && *check->at >= '0' && *check->at <= '9')
        check->at++;
    return check->at > first;
}

static enum json_status check_number(struct check *check)
{
    take(check, '-');
    if (!take(check, '0') && !take_digits(check))
        return misplaced(check);
    if (take(check, '.') && !take_digits(check))
        return misplaced(check);
    if (take(check, 'e') || take(check, 'E')) {
        if (!take(check, '+'))
            take(check, '-');
        if (!take_digits(check))
            return misplaced(check);
    }
    return JSON_OK;
}

static enum json_status check_word(struct check *check, const char *word)
{
    for (; *word; word++) {
        if (!take(check, *word))
            return misplaced(check);
    }
    return JSON_OK;
}

static enum json_status open_container(struct check *check, bool object)
{
    uint64_t bit = UINT64_C(1) << (check->depth % 64);
    uint64_t *word;

    if (check->depth == LIMIT_DEPTH)
        return JSON_TOO_DEEP;
    word = &check->is_object[check->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    check->depth++;
    check->tokens++;
    check->at++;
    check->due = object ? DUE_KEY_OR_END : DUE_VALUE_OR_END;
    return JSON_OK;
}

static void value_ended(struct check *check)
{
    check->due = check->depth ? DUE_COMMA_OR_END : DUE_NOTHING;
}

static void close_container(struct check *check)
{
    check->at++;
    check->depth--;
    check->closing = check->tokens == check->closed_at ? check->closing + 1 : 1;
    check->closed_at = check->tokens;
    if (check->closing > check->most_closing)
        check->most_closing = check->closing;
    value_ended(check);
}

static enum json_status check_value(struct check *check)
{
    switch (*check->at) {
    case '{':
        return open_container(check, true);
    case '[':
        return open_container(check, false);
    case '"':
        check->at++;
        value_ended(check);
        return check_string(check);
    case 't':
        check->tokens++;
        value_ended(check);
        return check_word(check, "true");
    case 'f':
        check->tokens++;
        value_ended(check);
        return check_word(check, "false");
    case 'n':
        check->tokens++;
        value_ended(check);
        return check_word(check, "null");
    default:
        check->tokens++;
        value_ended(check);
        return check_number(check);
    }
}

static enum json_status check_key(struct check *check)
{
    enum json_status status;

    if (!take(check, '"'))
        return misplaced(check);
    status = check_string(check);
    if (status)
        return status;
    skip_space(check);
    if (!take(check, ':'))
        return misplaced(check);
    check->due = DUE_VALUE;
    return JSON_OK;
}

static enum json_status check_comma(struct check *check)
{
    bool object = in_object(check);

    if (take(check, ',')) {
        check->due = object ? DUE_KEY : DUE_VALUE;
        return JSON_OK;
    }
    if (*check->at != (object ? '}' : ']'))
        return misplaced(check);
    close_container(check);
    return JSON_OK;
}

/* One token or mark; there is at least one byte. */
static enum json_status check_step(struct check *check)
{
    switch (check->due) {
    case DUE_KEY_OR_END:
    case DUE_VALUE_OR_END:
        if (*check->at == (check->due == DUE_KEY_OR_END ? '}' : ']')) {
            close_container(check);
            return JSON_OK;
        }
        return check->due == DUE_KEY_OR_END ? check_key(check) : check_value(check);
    case DUE_KEY:
        return check_key(check);
    case DUE_VALUE:
        return check_value(check);
    case DUE_COMMA_OR_END:
        return check_comma(check);
    case DUE_NOTHING:
        break;
    }
    return misplaced(check);
}

enum json_status json_check(const char *bytes, size_t size, struct json_shape *shape)
{
    struct check check;
    enum json_status status = JSON_OK;

    /* The stack's bits are written before they are read. */
    check.at = bytes;
    check.end = bytes + size;
    check.due = DUE_VALUE;
    check.tokens = 0;
    check.closed_at = 0;
    check.most_closing = 0;
    check.depth = 0;
    skip_space(&check);
    if (check.at == check.end)
        return JSON_EMPTY;
    while (status == JSON_OK && check.at < check.end) {
        status = check_step(&check);
        skip_space(&check);
    }
    if (status)
        return status;
    if (check.due != DUE_NOTHING)
        return JSON_NOT_JSON;
    *shape = (struct json_shape){.tokens = check.tokens, .closing = check.most_closing};
    return JSON_OK;
}
