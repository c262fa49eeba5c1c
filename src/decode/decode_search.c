#include "decode_search.h"

#include <assert.h>
#include <stdlib.h>

#include "json_string.h"

static void prepare(struct search_step *step, struct json_step from)
{
    char head[sizeof step->head] = {0}, mask[sizeof step->mask] = {0};
    /* A name with a backslash or quote in it is written otherwise. */
    bool whole = from.size < sizeof head && !memchr(from.name, '\\', from.size) &&
                 !memchr(from.name, '"', from.size);

    for (size_t i = 0; i < sizeof head && i <= from.size; i++) {
        head[i] = i < from.size ? from.name[i] : '"';
        mask[i] = '\xff';
    }
    *step = (struct search_step){
        .step = from, .head = search_load(head), .mask = search_load(mask), .whole = whole};
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

void search_start(struct search *search, const struct search_path paths[FIELDS],
                  struct field fields[FIELDS])
{
    *search = (struct search){.fields = fields};
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = (struct field){.kind = FIELD_MISSING};
        search->step[i] = paths[i].steps;
        search->steps[i] = paths[i].count;
        search->due[i] = paths[i].count > 0;
        search->left += paths[i].count > 0;
    }
    assert(search->left > 0);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Before the white space, and the mark behind it, that ends a value or key. */
static const char *back_over_space(const char *mark)
{
    while (is_space(mark[-1]))
        mark--;
    return mark;
}

unsigned search_compare(const struct search *search, unsigned met, const char *key,
                        const char *behind)
{
    size_t size = (size_t)(back_over_space(behind) - 1 - key);

    for (unsigned i = 0; i < FIELDS; i++) {
        const struct json_step *step;

        if (!(met >> i & 1))
            continue;
        step = &search->step[i]->step;
        if (!json_string_equals(key, size, step->name, step->size))
            met &= ~(1U << i);
    }
    return met;
}

unsigned search_element(struct search *search, unsigned depth)
{
    unsigned met = 0;

    for (unsigned i = 0; i < FIELDS; i++) {
        if (search->due[i] == depth && search->elements[i]++ == search->step[i]->step.index)
            met |= 1U << i;
    }
    return met;
}

/* The step is done: whether it was the path's last. */
static bool advance(struct search *search, unsigned field)
{
    search->due[field] = 0;
    search->step[field]++;
    return --search->steps[field] == 0;
}

bool search_enter(struct search *search, unsigned met, unsigned depth, const char *at)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!(met >> i & 1))
            continue;
        if (advance(search, i)) {
            search->fields[i] = (struct field){.kind = FIELD_OTHER, .text = at};
            search->left--;
        } else {
            search->due[i] = depth + 1;
            search->elements[i] = 0;
        }
    }
    return search->left == 0;
}

static enum field_kind kind_of(char first)
{
    if (first == '"')
        return FIELD_STRING;
    return first == '-' || (first >= '0' && first <= '9') ? FIELD_NUMBER : FIELD_OTHER;
}

void search_begin(struct search *search, unsigned met, const char *at)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!(met >> i & 1) || !advance(search, i))
            continue;
        search->fields[i] = (struct field){.kind = kind_of(*at), .text = at};
        search->pending |= 1U << i;
    }
}

bool search_end(struct search *search, const char *mark)
{
    const char *end = back_over_space(mark);

    for (unsigned i = 0; i < FIELDS; i++) {
        struct field *field = &search->fields[i];
        bool quoted = field->kind == FIELD_STRING;

        if (!(search->pending >> i & 1))
            continue;
        field->text += quoted;
        field->size = (size_t)(end - field->text) - quoted;
        search->left--;
    }
    search->pending = 0;
    return search->left == 0;
}
