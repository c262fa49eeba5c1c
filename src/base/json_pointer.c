/* Places in a document: a path of decoded reference tokens (RFC 6901). */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

struct json_pointer {
    struct json_step *steps; /* their names lie in `names` */
    size_t count;
    char *names;
};

/* "0", or digits without a leading zero that fit an int; else -1. */
static int index_of(const char *name, size_t size)
{
    int index = 0;

    if (size == 0 || (size > 1 && name[0] == '0'))
        return -1;
    for (size_t i = 0; i < size; i++) {
        if (name[i] < '0' || name[i] > '9' || __builtin_mul_overflow(index, 10, &index) ||
            __builtin_add_overflow(index, name[i] - '0', &index))
            return -1;
    }
    return index;
}

/* Decodes ~0 and ~1 of one reference token, up to '/' or the end. Returns where
 * that is, NULL for any other use of '~'. */
static const char *decode_name(const char *text, char *into, size_t *size)
{
    size_t length = 0;

    for (; *text && *text != '/'; text++) {
        char c = *text;

        if (c == '~') {
            text++;
            if (*text != '0' && *text != '1')
                return NULL;
            c = *text == '0' ? '~' : '/';
        }
        into[length++] = c;
    }
    *size = length;
    return text;
}

static bool decode_steps(struct json_pointer *pointer, const char *text)
{
    char *name = pointer->names;

    while (*text) {
        struct json_step *step = &pointer->steps[pointer->count++];

        text = decode_name(text + 1, name, &step->size);
        if (!text)
            return false;
        step->name = name;
        step->index = index_of(name, step->size);
        name += step->size;
    }
    return true;
}

static void whole_name(struct json_pointer *pointer, const char *text)
{
    size_t size = strlen(text);

    memcpy(pointer->names, text, size);
    pointer->steps[0] = (struct json_step){.name = pointer->names, .size = size, .index = -1};
    pointer->count = 1;
}

struct json_pointer *json_pointer_create(const char *text, const char **error)
{
    struct json_pointer *pointer;
    size_t steps = 1;

    *error = "out of memory";
    for (const char *at = text; *at; at++)
        steps += *at == '/';
    pointer = calloc(1, sizeof *pointer);
    if (!pointer)
        return NULL;
    pointer->steps = calloc(steps, sizeof *pointer->steps);
    pointer->names = malloc(strlen(text) + 1);
    if (!pointer->steps || !pointer->names)
        goto failed;
    if (!*text) {
        *error = "an empty name (\"/\" names the key \"\")";
        goto failed;
    }
    if (*text != '/') {
        whole_name(pointer, text);
    } else if (!decode_steps(pointer, text)) {
        *error = "'~' stands only before 0 or 1 in a JSON pointer";
        goto failed;
    }
    return pointer;

failed:
    json_pointer_destroy(&pointer);
    return NULL;
}

void json_pointer_destroy(struct json_pointer **pointer)
{
    if (!*pointer)
        return;
    free((*pointer)->names);
    free((*pointer)->steps);
    free(*pointer);
    *pointer = NULL;
}

size_t json_pointer_steps(const struct json_pointer *pointer)
{
    return pointer->count;
}

struct json_step json_pointer_step(const struct json_pointer *pointer, size_t number)
{
    assert(number < pointer->count);
    return pointer->steps[number];
}

static int element_at(const struct json *json, int array, int index)
{
    int element;

    if (index < 0 || index >= json_size(json, array))
        return -1;
    element = json_first(json, array);
    while (index-- > 0)
        element = json_next(json, element);
    return element;
}

int json_pointer_find(const struct json *json, const struct json_pointer *pointer)
{
    int token = 0;

    assert(pointer->count > 0);
    for (size_t i = 0; i < pointer->count && token >= 0; i++) {
        const struct json_step *step = &pointer->steps[i];

        switch (json_kind(json, token)) {
        case JSON_OBJECT:
            token = json_member(json, token, step->name, step->size);
            break;
        case JSON_ARRAY:
            token = element_at(json, token, step->index);
            break;
        default:
            token = -1;
        }
    }
    return token;
}
