#include "store_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define STATE_VERSION 1

void store_stream_destroy(struct store_stream **stream)
{
    struct store_stream *old = *stream;

    if (!old)
        return;
    for (size_t i = 0; old->series && i < old->series->count; i++)
        free(old->series->items[i]);
    if (old->series)
        free(old->series->items);
    free(old->series);
    rollup_profiles_destroy(&old->profiles);
    coverage_destroy(&old->coverage);
    free(old->fields);
    free(old->name);
    free(old);
    *stream = NULL;
}

struct series_key {
    enum hc_profile profile;
    const char *group;
};

static int series_compare(const void *item, const void *key)
{
    const struct store_series *series = item;
    const struct series_key *other = key;

    if (series->profile != other->profile)
        return series->profile < other->profile ? -1 : 1;
    return strcmp(series->group, other->group);
}

/* A series of that id at its place. NULL: no memory. */
static struct store_series *insert(struct store_stream *stream, size_t at,
                                   const struct series_key *key, int64_t id)
{
    size_t room = strlen(key->group) + 1;
    struct store_series *series = calloc(1, sizeof *series + room);

    if (!series)
        return NULL;
    series->id = id;
    series->profile = key->profile;
    memcpy(series->group, key->group, room);
    if (sorted_insert(stream->series, at, series))
        return series;
    free(series);
    return NULL;
}

struct store_series *store_stream_series(struct store_stream *stream, enum hc_profile profile,
                                         const char *group, int64_t *last_id)
{
    const struct series_key key = {profile, group};
    bool found;
    size_t at;

    if (stream->last && series_compare(stream->last, &key) == 0)
        return stream->last;
    at = sorted_find(stream->series, &key, series_compare, &found);
    if (found)
        return stream->last = stream->series->items[at];
    if (*last_id == STORE_OWNER_MAX || !(stream->last = insert(stream, at, &key, *last_id + 1)))
        return NULL;
    ++*last_id;
    stream->changed = true;
    return stream->last;
}

static bool add_series(void *context, const struct store_series_row *row)
{
    struct store_stream *stream = context;
    const struct series_key key = {(enum hc_profile)row->profile, row->group};
    bool found;
    size_t at = sorted_find(stream->series, &key, series_compare, &found);
    struct store_series *series = found ? NULL : insert(stream, at, &key, row->id);

    if (series)
        series->saved = true;
    return series != NULL;
}

/* False: damaged, or no memory. */
static bool load_state(struct store_stream *stream, const struct store_stream_row *row)
{
    struct state_reader reader = state_open(row->state, row->state_size);

    state_expect(&reader, state_get_uint(&reader) == STATE_VERSION);
    if (!rollup_profiles_load(stream->profiles, &reader))
        return false;
    stream->coverage = coverage_load(&reader);
    return stream->coverage != NULL;
}

static bool load_row(struct store_stream *stream, const struct store_stream_row *row)
{
    stream->id = row->id;
    stream->key_id = (uint64_t)row->key_id;
    if (*row->fields && !(stream->fields = strdup(row->fields)))
        return false;
    return load_state(stream, row);
}

static struct store_stream *stream_make(const char *name)
{
    struct store_stream *stream = calloc(1, sizeof *stream);

    if (!stream)
        return NULL;
    stream->name = strdup(name);
    stream->profiles = rollup_profiles_create();
    stream->series = calloc(1, sizeof *stream->series);
    if (!stream->name || !stream->profiles || !stream->series)
        store_stream_destroy(&stream);
    return stream;
}

struct store_stream *store_stream_load(struct store_file *file, const char *name, char *error,
                                       size_t error_size)
{
    struct store_stream *stream = stream_make(name);
    struct store_stream_row row;
    int found = stream ? store_file_get_stream(file, name, &row) : 0;

    if (!stream) {
        snprintf(error, error_size, "%s", hc_status_text(HC_ENOMEM));
        return NULL;
    }
    if (found == 1 && !load_row(stream, &row)) {
        snprintf(error, error_size, "what is kept of the stream %.200s is damaged, or there is no "
                 "memory for it", name);
        goto failed;
    }
    store_file_rest(file);
    if (found < 0 || (found == 1 && !store_file_series(file, stream->id, add_series, stream))) {
        snprintf(error, error_size, "%s", store_file_error(file));
        goto failed;
    }
    if (found == 0 && !(stream->coverage = coverage_kept())) {
        snprintf(error, error_size, "%s", hc_status_text(HC_ENOMEM));
        goto failed;
    }
    return stream;

failed:
    store_file_rest(file);
    store_stream_destroy(&stream);
    return NULL;
}

static bool save_series(struct store_stream *stream, struct store_file *file)
{
    for (size_t i = 0; i < stream->series->count; i++) {
        const struct store_series *series = stream->series->items[i];
        const struct store_series_row row = {series->id, stream->id, (int)series->profile,
                                             series->group};

        if (!series->saved && !store_file_put_series(file, &row))
            return false;
    }
    return true;
}

/* The shelf of the stream's coverage is a table. */
struct shelf {
    struct store_file *file;
    int64_t stream;
};

static int shelf_put(void *context, const struct coverage_shelved *one)
{
    const struct shelf *shelf = context;

    return store_file_put_waiting(shelf->file, shelf->stream, one);
}

static bool shelf_take(void *context, const struct coverage_shelved *of, int64_t to,
                       bool (*each)(void *each_context, const struct coverage_shelved *one),
                       void *each_context)
{
    const struct shelf *shelf = context;

    return store_file_take_waiting(shelf->file, shelf->stream, of, to, each, each_context);
}

enum hc_status store_stream_save(struct store_stream *stream, struct store_file *file,
                                 struct text *scratch)
{
    struct store_stream_row row = {.id = stream->id, .name = stream->name,
                                   .fields = stream->fields ? stream->fields : "",
                                   .key_id = (int64_t)stream->key_id};
    struct shelf table = {file, stream->id};
    const struct coverage_shelf shelf = {&table, shelf_put, shelf_take};
    enum hc_status status;

    if (!stream->changed)
        return HC_OK;
    text_clear(scratch);
    state_put_uint(scratch, STATE_VERSION);
    rollup_profiles_save(stream->profiles, scratch);
    status = coverage_save(stream->coverage, &shelf, scratch);
    if (status != HC_OK)
        return status;
    state_seal(scratch, 0);
    if (scratch->failed)
        return HC_ENOMEM;
    row.state = scratch->bytes;
    row.state_size = scratch->size;
    return store_file_put_stream(file, &row) && save_series(stream, file) ? HC_OK : HC_EROOM;
}

void store_stream_saved(struct store_stream *stream)
{
    if (!stream->changed)
        return;
    for (size_t i = 0; i < stream->series->count; i++)
        ((struct store_series *)stream->series->items[i])->saved = true;
    coverage_saved(stream->coverage);
    stream->changed = false;
}
