/* Any bytes: the reader takes them or names a damage. What it takes can be
 * walked and decoded to the last token, every token is met once, and the same
 * document with anything but white space behind it is none. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes a string, and finds it equal to itself. */
static void visit_string(const struct json *json, int token)
{
    size_t raw_size, size;
    char *decoded;
    bool fits;

    json_text(json, token, &raw_size);
    decoded = malloc(raw_size + 1);
    assert(decoded);
    fits = json_string(json, token, decoded, raw_size, &size);
    assert(fits && size <= raw_size);
    assert(json_string_is(json, token, decoded, size));
    assert(size == 0 || !json_string_is(json, token, decoded, size - 1));
    if (size > 0)
        assert(!json_string(json, token, decoded, size - 1, &size));
    free(decoded);
}

static void visit_number(const struct json *json, int token)
{
    int64_t integer;
    double real;

    if (json_int64(json, token, &integer)) {
        assert(json_double(json, token, &real));
        assert(real == (double)integer);
    }
}

/* Returns the number of tokens of a value. Levels are limited by the reader. */
static int visit(const struct json *json, int token)
{
    enum json_kind kind = json_kind(json, token);
    int members = 0, tokens = 1;

    if (kind == JSON_STRING)
        visit_string(json, token);
    if (kind == JSON_NUMBER)
        visit_number(json, token);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return 1;
    for (int at = json_first(json, token); at >= 0; at = json_next(json, at), members++) {
        assert(at == token + tokens);
        if (kind == JSON_OBJECT) {
            visit_string(json, at);
            tokens++;
            tokens += visit(json, json_value(json, at));
        } else {
            tokens += visit(json, at);
        }
    }
    assert(members == json_size(json, token));
    return tokens;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *json = json_create();
    enum json_status status;
    char *longer = malloc(size + 1);

    assert(json && longer);
    if (size > 0)
        memcpy(longer, data, size);
    longer[size] = ']';
    status = json_parse(json, (const char *)data, size);
    assert(status != JSON_NO_MEMORY);
    if (status == JSON_OK) {
        visit(json, 0);
        assert(json_parse(json, longer, size + 1) != JSON_OK);
    }
    free(longer);
    json_destroy(&json);
    return 0;
}
