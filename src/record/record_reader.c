#include "record_reader.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool reader_fail(struct record_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error, sizeof(reader->error), format, arguments);
    va_end(arguments);
    return false;
}

bool reader_room(struct record_reader *reader, void **array, size_t *room, size_t count,
                 size_t element_size)
{
    if (*array && count <= *room)
        return true;
    size_t enough = count ? count : 1;
    void *larger = realloc(*array, enough * element_size);
    if (!larger)
        return reader_fail(reader, "out of memory");
    *array = larger;
    *room = enough;
    return true;
}

static const char *kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_NUMBER:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "known";
}

static void list_members(struct record_reader *reader, struct reader_members *members, int object)
{
    *members = (struct reader_members){.object = object};
    for (int key = json_first(reader->json, object); key >= 0;
         key = json_next(reader->json, key)) {
        struct reader_member *member = &members->list[members->count];
        members->searched = members->count == READER_MEMBERS;
        if (members->searched)
            return;
        member->name = json_text(reader->json, key, &member->size);
        members->searched =
            reader->escapes && memchr(member->name, '\\', member->size) != NULL;
        if (members->searched)
            return;
        member->value = json_value(reader->json, key);
        members->count++;
    }
}

int reader_find(struct record_reader *reader, int object, const char *name)
{
    struct reader_members *members = object == 0 ? &reader->root : &reader->inner;
    size_t size = strlen(name);
    if (members->object != object)
        list_members(reader, members, object);
    if (members->searched)
        return json_member(reader->json, object, name, size);
    for (size_t i = 0; i < members->count; i++) {
        const struct reader_member *member = &members->list[i];
        /* The first letter spares most of the calls. */
        if (member->size == size && member->name[0] == name[0] &&
            memcmp(member->name, name, size) == 0)
            return member->value;
    }
    return -1;
}

/* -1, and the message, when there is none. */
static int find_member(struct record_reader *reader, int object, const char *name)
{
    int found = reader_find(reader, object, name);
    if (found < 0)
        reader_fail(reader, "\"%s\" is missing", name);
    return found;
}

bool need_member(struct record_reader *reader, int object, const char *name, enum json_kind kind,
                 int *token)
{
    int found = find_member(reader, object, name);
    if (found < 0)
        return false;
    if (json_kind(reader->json, found) != kind)
        return reader_fail(reader, "\"%s\" is not %s", name, kind_name(kind));
    *token = found;
    return true;
}

bool need_bool(struct record_reader *reader, int object, const char *name, bool *value)
{
    int token = find_member(reader, object, name);
    if (token < 0)
        return false;
    enum json_kind kind = json_kind(reader->json, token);
    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return reader_fail(reader, "\"%s\" is not %s", name, kind_name(JSON_TRUE));
    *value = kind == JSON_TRUE;
    return true;
}

bool need_int_token(struct record_reader *reader, int token, const char *name, int64_t min,
                    int64_t max, int64_t *value)
{
    int64_t found;
    if (json_kind(reader->json, token) != JSON_NUMBER ||
        !json_int64(reader->json, token, &found) || found < min || found > max)
        return reader_fail(reader, "\"%s\" is not an integer from %" PRId64 " to %" PRId64, name,
                           min, max);
    *value = found;
    return true;
}

bool need_int(struct record_reader *reader, int object, const char *name, int64_t min,
              int64_t max, int64_t *value)
{
    int token = find_member(reader, object, name);
    return token >= 0 && need_int_token(reader, token, name, min, max, value);
}

bool need_count(struct record_reader *reader, int object, const char *name, uint64_t *value)
{
    int64_t found = 0;
    if (!need_int(reader, object, name, 0, RECORD_COUNT_MAX, &found))
        return false;
    *value = (uint64_t)found;
    return true;
}

bool need_number(struct record_reader *reader, int object, const char *name, double *value)
{
    int token = -1;
    double found;
    if (!need_member(reader, object, name, JSON_NUMBER, &token))
        return false;
    if (!json_double(reader->json, token, &found) || !isfinite(found) || found < 0)
        return reader_fail(reader, "\"%s\" is not a number from 0 on", name);
    *value = found;
    return true;
}

bool need_string(struct record_reader *reader, int object, const char *name, size_t max,
                 const char **string)
{
    int token = -1;
    size_t size;
    if (!need_member(reader, object, name, JSON_STRING, &token))
        return false;
    struct text *strings = &reader->strings;
    assert(strings->room - strings->size > max + 1);
    char *at = strings->bytes + strings->size;
    if (!json_string(reader->json, token, at, max, &size))
        return reader_fail(reader, "\"%s\" is longer than %zu bytes", name, max);
    if (memchr(at, '\0', size))
        return reader_fail(reader, "\"%s\" holds a NUL", name);
    text_added(strings, size);
    text_char(strings, '\0');
    *string = at;
    return true;
}
