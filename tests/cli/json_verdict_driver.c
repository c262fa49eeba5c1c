/* What the JSON reader makes of documents, for a comparison with other readers.
 *
 * Each line on stdin is a document in hexadecimal. The answer is a line: the
 * verdict, and for a valid document its meaning:
 *
 *   {2:S6100;N1.50;...}   object of 2 members: key (its bytes in hexadecimal), value
 *   [1:t]                 array of 1 element: true; f and n likewise
 *   S0a;  N-1e5;          a string's decoded bytes; a number as it was written */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

static const char *const names[] = {"ok",         "empty",    "not_json", "too_deep",
                                    "bad_escape", "bad_utf8", "no_memory"};

static void tell_string(const struct json *json, int token, struct text *told)
{
    size_t size;
    char *into;
    bool fits;

    json_text(json, token, &size);
    into = malloc(size + 1);
    assert(into);
    fits = json_string(json, token, into, size, &size);
    assert(fits);
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
        text_char(told, 'N');
        text_bytes(told, text, size);
        text_char(told, ';');
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

static unsigned char from_hex(const char *digits)
{
    char byte[3] = {digits[0], digits[1], '\0'};

    return (unsigned char)strtoul(byte, NULL, 16);
}

/* The line's bytes in a block of just their size: a read beyond it is seen. */
static void answer(struct json *json, const char *line, size_t size, struct text *told)
{
    char *document = malloc(size ? size : 1);
    enum json_status status;

    assert(document);
    for (size_t i = 0; i < size; i++)
        document[i] = (char)from_hex(line + 2 * i);
    text_clear(told);
    status = json_parse(json, document, size);
    if (status == JSON_OK)
        tell(json, 0, told);
    assert(!told->failed);
    printf("%s %s\n", names[status], told->bytes ? told->bytes : "");
    free(document);
}

int main(void)
{
    struct json *json = json_create();
    struct text told = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    assert(json);
    while ((size = getline(&line, &room, stdin)) > 0)
        answer(json, line, (size_t)(size - 1) / 2, &told);
    free(line);
    text_free(&told);
    json_destroy(&json);
    return fflush(stdout) != 0;
}
