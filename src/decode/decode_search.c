#include "decode_search.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "decode_fast.h"
#include "json_string.h"

/* From an opening quote to its closing one is seen within a block. */
#define REACH_MAX 63

static void prepare(struct search_step *step, struct json_step from)
{
    /* A name with a backslash or quote in it is written otherwise. */
    *step = (struct search_step){.step = from,
                                 .first = from.size ? from.name[0] : '"',
                                 .reach = (unsigned char)(from.size < REACH_MAX ? from.size + 1
                                                                                : REACH_MAX),
                                 .plain = from.size < REACH_MAX &&
                                          !memchr(from.name, '\\', from.size) &&
                                          !memchr(from.name, '"', from.size)};
}

bool search_path_create(struct search_path *path, const struct json_pointer *pointer)
{
    *path = (struct search_path){.steps = NULL};
    if (!pointer)
        return true;
    path->count = json_pointer_steps(pointer);
    path->steps = calloc(path->count, sizeof *path->steps);
    if (!path->steps)
        return false;
    for (size_t i = 0; i < path->count; i++)
        prepare(&path->steps[i], json_pointer_step(pointer, i));
    return true;
}

void search_path_destroy(struct search_path *path)
{
    free(path->steps);
    *path = (struct search_path){.steps = NULL};
}

static bool is_named(const struct search *search, unsigned field)
{
    return search->due[field] && search->step[field]->plain && !search->array[field];
}

/* After each change of what is due. */
static void look_ahead(struct search *search)
{
    search->unnamed = false;
    search->deepest = 0;
    for (unsigned i = 0; i < FIELDS; i++) {
        bool named = is_named(search, i);

        search->named[i] = named ? ~UINT64_C(0) : 0;
        search->unnamed |= search->due[i] && !named;
        search->first[i] = named ? search->step[i]->first : '\0';
        search->reach[i] = named ? search->step[i]->reach : 1;
        search->beyond[i] = ~UINT64_C(0) << (64 - search->reach[i]);
        if (search->due[i] > search->deepest)
            search->deepest = search->due[i];
    }
}

void search_start(struct search *search, const struct search_path paths[FIELDS],
                  const char *bytes, size_t size, struct field fields[FIELDS])
{
    search->bytes = bytes;
    search->end = bytes + size;
    search->fields = fields;
    search->left = 0;
    search->stop = 0;
    for (unsigned i = 0; i < FIELDS; i++) {
        fields[i].kind = FIELD_MISSING;
        search->step[i] = paths[i].steps;
        search->steps[i] = paths[i].count;
        search->due[i] = paths[i].count > 0;
        search->array[i] = false;
        search->left += paths[i].count > 0;
    }
    look_ahead(search);
    assert(search->left > 0);
}

static const char *skip_space(const struct search *search, const char *at)
{
    while (at < search->end && fast_is_space(*at))
        at++;
    return at;
}

/* The highest bits of bytes that are zero: the lowest of them is exact. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH) & ~word & EACH * 0x80;
}

/* From behind an opening quote to the closing one, or the end. */
static const char *string_end(const struct search *search, const char *at)
{
    while (search->end - at >= 8) {
        uint64_t word = fast_load(at);
        uint64_t quotes = zero_bytes(word ^ EACH * '"'), escapes = zero_bytes(word ^ EACH * '\\');

        if (!(quotes | escapes)) {
            at += 8;
            continue;
        }
        at += __builtin_ctzll(quotes | escapes) / 8;
        if (*at == '"')
            return at;
        at += 2; /* may be one too far: behind the end nothing is read */
    }
    while (at < search->end && *at != '"')
        at += *at == '\\' ? 2 : 1;
    return at < search->end ? at : search->end;
}

static const char *other_end(const struct search *search, const char *at)
{
    while (at < search->end && !fast_ends_value[(unsigned char)*at])
        at++;
    return at;
}

/* The field's value, which is no container; its end is at the mark behind it. */
static const char *take_text(const struct search *search, struct field *field, const char *at)
{
    const char *end;

    if (*at == '"') {
        end = string_end(search, at + 1);
        *field = (struct field){FIELD_STRING, at + 1, (size_t)(end - at - 1)};
        return end < search->end ? skip_space(search, end + 1) : end;
    }
    end = other_end(search, at);
    *field = (struct field){.kind = FIELD_OTHER, .text = at, .size = (size_t)(end - at)};
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        field->kind = FIELD_NUMBER;
    return skip_space(search, end);
}

static void take(struct search *search, unsigned field, const char *at)
{
    struct field *found = &search->fields[field];
    size_t stop;

    if (at == search->end || *at == '{' || *at == '[')
        *found = (struct field){.kind = FIELD_OTHER, .text = at};
    else
        at = take_text(search, found, at);
    stop = (size_t)(at - search->bytes);
    if (stop > search->stop)
        search->stop = stop;
    search->left--;
}

/* The value of a step, or the white space before it. Where a container is wanted
 * and none there, the path is lost. */
static void follow(struct search *search, unsigned field, const char *at)
{
    for (;;) {
        at = skip_space(search, at);
        search->step[field]++;
        if (--search->steps[field] == 0) {
            search->due[field] = 0;
            take(search, field, at);
            break;
        }
        if (at == search->end || (*at != '{' && *at != '[')) {
            search->due[field] = 0;
            break;
        }
        search->due[field]++;
        search->array[field] = *at == '[';
        search->elements[field] = 0;
        if (!search->array[field])
            break;
        if (search->step[field]->step.index != 0) {
            if (search->step[field]->step.index < 0)
                search->due[field] = 0;
            break;
        }
        at = skip_space(search, at + 1);
        if (at == search->end || *at == ']') {
            search->due[field] = 0;
            break;
        }
    }
    look_ahead(search);
}

/* Behind a key that is the one: if it is a key. */
static void follow_key(struct search *search, unsigned field, const char *at)
{
    at = skip_space(search, at);
    if (at < search->end && *at == ':')
        follow(search, field, at + 1);
}

void search_at_opening(struct search *search, unsigned field, size_t at)
{
    const struct json_step *step = &search->step[field]->step;
    const char *key = search->bytes + at + 1;

    if ((size_t)(search->end - key) > step->size && key[step->size] == '"' &&
        memcmp(key, step->name, step->size) == 0)
        follow_key(search, field, key + step->size + 1);
}

/* Back to the opening quote: the first that isn't escaped. */
static const char *string_begin(const char *closing)
{
    for (;;) {
        const char *before;

        do
            closing--;
        while (*closing != '"');
        for (before = closing; before[-1] == '\\'; before--)
            ;
        if ((closing - before) % 2 == 0)
            return closing;
    }
}

void search_at_closing(struct search *search, unsigned field, size_t at)
{
    const struct json_step *step = &search->step[field]->step;
    const char *closing = search->bytes + at, *key = string_begin(closing) + 1;

    if (json_string_equals(key, (size_t)(closing - key), step->name, step->size))
        follow_key(search, field, closing + 1);
}

void search_at_comma(struct search *search, unsigned field, size_t at)
{
    if (++search->elements[field] == search->step[field]->step.index)
        follow(search, field, search->bytes + at + 1);
}

void search_leave(struct search *search, unsigned depth)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        if (search->due[i] > depth)
            search->due[i] = 0;
    }
    look_ahead(search);
}
