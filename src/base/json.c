/* The check comes first and jsmn second: jsmn then sees only valid documents,
 * whose tokens have been counted, and can neither fail nor run out of room.
 *
 * jsmn climbs from the last token up to what a bracket closes: one level more
 * with each bracket in a row, n^2 / 2 steps for n of them. Where more than
 * CLOSING_MAX stand in a row it gets only the first, and the others are closed
 * here. That stop costs a walk back over the tokens of the innermost container
 * that is open; since such rows close many levels at once, no token is walked
 * over more than LIMIT_DEPTH / CLOSING_MAX times.
 *
 *   {"a":[1,true]}    token 0 object 0..14, size 1
 *                     token 1 string "a", its parent 0, size 1
 *                     token 2 array, its parent 1 (the key), size 2
 *                     token 3, 4 primitives, their parent 2
 *
 * Tokens stand in the order of their first bytes. So what follows a container
 * is found by a search for the first token beyond its end, in steps that
 * double: walking over all members of an object is linear in its size. */
#include "json.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "json_check.h"
#include "json_string.h"
#include "limits.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

/* Tokens that stay in memory for good, and how many documents in a row have to
 * get by with them before the memory of a larger one is given back. */
#define KEPT_TOKENS 4096
#define CALM_DOCUMENTS 256
/* Closing brackets in a row that are left to jsmn. */
#define CLOSING_MAX 32
/* Longer numbers are not read as doubles. */
#define DOUBLE_BYTES 511

_Static_assert(LIMIT_FRAME_MAX <= INT_MAX, "jsmn counts bytes in int");

struct json {
    const char *bytes; /* the parsed document */
    jsmntok_t *tokens;
    size_t count;
    size_t room;
    size_t touched; /* tokens that may be in memory */
    unsigned calm;
};

struct json *json_create(void)
{
    return calloc(1, sizeof(struct json));
}

void json_destroy(struct json **json)
{
    if (!*json)
        return;
    free((*json)->tokens);
    free(*json);
    *json = NULL;
}

/* Nothing of the old array is needed: it is not copied. */
static bool make_room(struct json *json, size_t count)
{
    if (count <= json->room)
        return true;
    free(json->tokens);
    json->room = 0;
    json->touched = 0;
    json->tokens = malloc(count * sizeof *json->tokens);
    if (!json->tokens)
        return false;
    json->room = count;
    return true;
}

bool json_reserve(struct json *json, size_t size)
{
    assert(size <= LIMIT_FRAME_MAX);
    json->count = 0;
    return make_room(json, (size + 1) / 2);
}

/* Gives the pages behind the first KEPT_TOKENS back to the system, but not the
 * addresses: what was reserved can't be refused later. */
static void give_back(struct json *json)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)(json->tokens + KEPT_TOKENS);
    uintptr_t to = (uintptr_t)(json->tokens + json->touched);

    from = (from + page - 1) / page * page;
    to = to / page * page;
    /* Advice: if it is not taken, the memory stays. */
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
    json->touched = KEPT_TOKENS;
}

static void note_need(struct json *json, size_t count)
{
    if (count > json->touched)
        json->touched = count;
    if (json->touched <= KEPT_TOKENS)
        return;
    json->calm = count <= KEPT_TOKENS ? json->calm + 1 : 0;
    if (json->calm == CALM_DOCUMENTS) {
        give_back(json);
        json->calm = 0;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* jsmn wants a mark behind a number or a word, and a root has none. */
static bool tokenise_scalar(struct json *json, const char *bytes, size_t size)
{
    size_t start = 0;

    while (is_space(bytes[start]))
        start++;
    if (bytes[start] == '{' || bytes[start] == '[' || bytes[start] == '"')
        return false;
    while (is_space(bytes[size - 1]))
        size--;
    json->tokens[0] = (jsmntok_t){
        .type = JSMN_PRIMITIVE, .start = (int)start, .end = (int)size, .size = 0, .parent = -1};
    return true;
}

/* From between two tokens: just behind the first bracket of the next row of more
 * than CLOSING_MAX, or NULL. */
static const char *find_row(const char *at, const char *end)
{
    const char *first = NULL;
    unsigned closing = 0;

    for (; at < end; at++) {
        if (*at == ']' || *at == '}') {
            first = closing++ ? first : at;
            if (closing > CLOSING_MAX)
                return first + 1;
        } else if (!is_space(*at)) {
            closing = 0;
        }
        if (*at == '"') {
            for (at++; *at != '"'; at++)
                at += *at == '\\';
        }
    }
    return NULL;
}

/* What jsmn does at a closing bracket, with the container known: what is open is
 * above all, or holds the key that is. */
static void close_row(struct json *json, jsmn_parser *parser, size_t size)
{
    for (; parser->pos < size; parser->pos++) {
        char c = json->bytes[parser->pos];
        jsmntok_t *open;

        if (is_space(c))
            continue;
        if (c != ']' && c != '}')
            return;
        assert(parser->toksuper >= 0);
        open = &json->tokens[parser->toksuper];
        if (open->type == JSMN_STRING)
            open = &json->tokens[open->parent];
        open->end = (int)parser->pos + 1;
        parser->toksuper = open->parent;
    }
}

static void tokenise(struct json *json, size_t size, unsigned closing)
{
    const char *bytes = json->bytes, *row = bytes;
    unsigned room = (unsigned)json->count;
    jsmn_parser parser;
    int found;

    jsmn_init(&parser);
    while (closing > CLOSING_MAX && (row = find_row(row, bytes + size))) {
        found = jsmn_parse(&parser, bytes, (size_t)(row - bytes), json->tokens, room);
        assert(found == JSMN_ERROR_PART);
        close_row(json, &parser, size);
        row = bytes + parser.pos;
    }
    found = jsmn_parse(&parser, bytes, size, json->tokens, room);
    assert(found >= 0 && (size_t)found == json->count);
}

enum json_status json_parse(struct json *json, const char *bytes, size_t size)
{
    struct json_shape shape;
    enum json_status status;

    assert(size <= LIMIT_FRAME_MAX);
    json->count = 0;
    if (size == 0)
        return JSON_EMPTY;
    status = json_check(bytes, size, &shape);
    if (status)
        return status;
    /* Twice the need, so that documents that grow slowly don't allocate each. */
    if (shape.tokens > json->room && !make_room(json, shape.tokens * 2) &&
        !make_room(json, shape.tokens))
        return JSON_NO_MEMORY;
    note_need(json, shape.tokens);
    json->bytes = bytes;
    json->count = shape.tokens;
    if (!tokenise_scalar(json, bytes, size))
        tokenise(json, size, shape.closing);
    return JSON_OK;
}

static const jsmntok_t *token_at(const struct json *json, int token)
{
    assert(token >= 0 && (size_t)token < json->count);
    return &json->tokens[token];
}

enum json_kind json_kind(const struct json *json, int token)
{
    const jsmntok_t *t = token_at(json, token);

    if (t->type == JSMN_OBJECT)
        return JSON_OBJECT;
    if (t->type == JSMN_ARRAY)
        return JSON_ARRAY;
    if (t->type == JSMN_STRING)
        return JSON_STRING;
    switch (json->bytes[t->start]) {
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

int json_size(const struct json *json, int token)
{
    const jsmntok_t *t = token_at(json, token);

    return t->type == JSMN_OBJECT || t->type == JSMN_ARRAY ? t->size : 0;
}

/* The first token behind all that a value holds; may be `count`. */
static size_t token_behind(const struct json *json, size_t token)
{
    const jsmntok_t *tokens = json->tokens;
    size_t low = token + 1, step = 1, high;
    int end = tokens[token].end;

    if (tokens[token].size == 0)
        return low;
    /* Tokens below `low` lie inside; those from `high` on do not. */
    while (low + step < json->count && tokens[low + step].start < end) {
        low += step;
        step *= 2;
    }
    high = low + step < json->count ? low + step : json->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tokens[middle].start < end)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_key(const struct json *json, int token)
{
    int parent = json->tokens[token].parent;

    return parent >= 0 && json->tokens[parent].type == JSMN_OBJECT;
}

int json_first(const struct json *json, int token)
{
    return json_size(json, token) > 0 ? token + 1 : -1;
}

int json_value(const struct json *json, int key)
{
    (void)token_at(json, key);
    assert(is_key(json, key));
    return key + 1;
}

int json_next(const struct json *json, int token)
{
    const jsmntok_t *t = token_at(json, token);
    size_t next = token_behind(json, is_key(json, token) ? (size_t)token + 1 : (size_t)token);

    if (next == json->count || json->tokens[next].parent != t->parent)
        return -1;
    return (int)next;
}

int json_member(const struct json *json, int object, const char *key, size_t key_size)
{
    assert(json_kind(json, object) == JSON_OBJECT);
    for (int at = json_first(json, object); at >= 0; at = json_next(json, at)) {
        if (json_string_is(json, at, key, key_size))
            return json_value(json, at);
    }
    return -1;
}

const char *json_text(const struct json *json, int token, size_t *size)
{
    const jsmntok_t *t = token_at(json, token);

    *size = (size_t)(t->end - t->start);
    return json->bytes + t->start;
}

bool json_string(const struct json *json, int token, char *into, size_t room, size_t *size)
{
    size_t raw_size;
    const char *raw = json_text(json, token, &raw_size);

    assert(json_kind(json, token) == JSON_STRING);
    return json_string_decode(raw, raw_size, into, room, size);
}

bool json_string_is(const struct json *json, int token, const char *bytes, size_t size)
{
    size_t raw_size;
    const char *raw = json_text(json, token, &raw_size);

    assert(json_kind(json, token) == JSON_STRING);
    return json_string_equals(raw, raw_size, bytes, size);
}

bool json_int64(const struct json *json, int token, int64_t *number)
{
    size_t size;
    const char *at = json_text(json, token, &size);
    const char *end = at + size;
    bool negative = *at == '-';
    int64_t value = 0;

    if (json_kind(json, token) != JSON_NUMBER)
        return false;
    for (at += negative; at < end; at++) {
        int digit = *at - '0';

        /* Built from below zero, where there is room for INT64_MIN. */
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *number = negative ? value : -value;
    return true;
}

bool json_double(const struct json *json, int token, double *number)
{
    char copy[DOUBLE_BYTES + 1];
    size_t size;
    const char *text = json_text(json, token, &size);
    double value;

    if (json_kind(json, token) != JSON_NUMBER || size > DOUBLE_BYTES)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    value = strtod(copy, NULL);
    if (!isfinite(value))
        return false;
    *number = value;
    return true;
}
