/* Records go to what is in memory of their stream: sketches (store_grains.c), coverage,
 * profiles. A flush writes all of that which is new, in one transaction. */
#include "store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "sorted.h"
#include "store_dues.h"
#include "store_grains.h"
#include "store_places.h"
#include "store_stream.h"

/* Rows of minutes that one call lets go. */
#define ERASE_MOST 4000

struct store {
    struct store_file *file;
    struct store_grains grains;
    struct sorted streams;       /* by name */
    struct store_stream *stream; /* the last used */
    int64_t last_stream_id, last_series_id;
    struct store_places places;
    struct store_dues dues;
    bool changed;                /* since the last flush */
    bool spoiled;                /* see store_is_spoiled */
    struct text scratch;
    char error[STORE_ERROR_MAX];
};

const char *store_error(const struct store *store)
{
    return store->error;
}

static bool fail(struct store *store, const char *what)
{
    snprintf(store->error, sizeof store->error, "%s", what);
    return false;
}

static bool no_memory(struct store *store)
{
    return fail(store, hc_status_text(HC_ENOMEM));
}

/* Without memory a coverage may have taken half of something. */
static bool spoil(struct store *store)
{
    store->spoiled = true;
    return fail(store, "there was no memory: what was read since the last flush is to be read "
                       "again");
}

bool store_is_spoiled(const struct store *store)
{
    return store->spoiled;
}

static bool fail_file(struct store *store)
{
    return fail(store, store_file_error(store->file));
}

struct store *store_open(const struct store_options *options, char *error, size_t error_size)
{
    struct store *store = calloc(1, sizeof *store);
    bool done = store != NULL;

    if (done)
        done = store_grains_make(&store->grains, options->memory_bytes ? options->memory_bytes
                                                                       : LIMIT_STORE_BYTES);
    if (!done) {
        snprintf(error, error_size, "%s: %s", options->path, hc_status_text(HC_ENOMEM));
        store_close(&store);
        return NULL;
    }
    store->file = store->grains.file =
        store_file_open(options->path, STORE_WRITE, error, error_size);
    if (store->file &&
        store_file_last_ids(store->file, &store->last_stream_id, &store->last_series_id) &&
        store_file_get_setting(store->file, STORE_MINUTES_FROM, &store->grains.minutes_from_s) &&
        store_dues_begin(&store->dues, store->file, options->dues))
        return store;
    if (store->file)
        snprintf(error, error_size, "%s", store_file_error(store->file));
    store_close(&store);
    return NULL;
}

void store_close(struct store **store)
{
    if (!*store)
        return;
    store_places_free(&(*store)->places);
    store_dues_free(&(*store)->dues);
    for (size_t i = 0; i < (*store)->streams.count; i++) {
        struct store_stream *stream = (*store)->streams.items[i];

        store_stream_destroy(&stream);
    }
    free((*store)->streams.items);
    text_free(&(*store)->scratch);
    store_grains_free(&(*store)->grains);
    store_file_close(&(*store)->file);
    free(*store);
    *store = NULL;
}

static int stream_compare(const void *item, const void *key)
{
    return strcmp(((const struct store_stream *)item)->name, key);
}

/* NULL on failure. */
static struct store_stream *stream_of(struct store *store, const char *name)
{
    struct store_stream *stream;
    bool found;
    size_t at;

    if (store->stream && strcmp(store->stream->name, name) == 0)
        return store->stream;
    at = sorted_find(&store->streams, name, stream_compare, &found);
    if (found)
        return store->stream = store->streams.items[at];
    stream = store_stream_load(store->file, name, store->error,
                               sizeof store->error);
    if (!stream)
        return NULL;
    if (!sorted_insert(&store->streams, at, stream)) {
        store_stream_destroy(&stream);
        no_memory(store);
        return NULL;
    }
    if (stream->id == 0) {
        assert(store->last_stream_id < STORE_STREAMS_MAX);
        stream->id = ++store->last_stream_id;
        stream->changed = true;
    }
    return store->stream = stream;
}

/* What defines the count is what the first record says that says it. */
static enum store_result check_fields(struct store *store, struct store_stream *stream,
                                      const char *fields)
{
    if (!*fields)
        return STORE_TAKEN;
    if (!stream->fields) {
        stream->fields = strdup(fields);
        return stream->fields || no_memory(store) ? STORE_TAKEN : STORE_FAILED;
    }
    if (strcmp(stream->fields, fields) == 0)
        return STORE_TAKEN;
    snprintf(store->error, sizeof store->error,
             "it counts other fields (%.80s) than the stream's first record (%.80s)", fields,
             stream->fields);
    return STORE_REFUSED;
}

static enum store_result check_key(struct store *store, struct store_stream *stream,
                                   const struct hc_sketch *sketch)
{
    uint64_t key_id = hc_sketch_key_id(sketch);

    if (key_id == 0)
        return STORE_TAKEN;
    if (stream->key_id == 0)
        stream->key_id = key_id;
    if (stream->key_id == key_id)
        return STORE_TAKEN;
    snprintf(store->error, sizeof store->error,
             "its sketch has another key (id %016" PRIx64 ") than the stream's first keyed one "
             "(id %016" PRIx64 ")", key_id, stream->key_id);
    return STORE_REFUSED;
}

static enum store_result add_sketch(struct store *store, struct store_stream *stream,
                                    const struct record_sketch *record)
{
    enum store_result result = check_fields(store, stream, record->fields);
    struct store_series *series;

    if (result == STORE_TAKEN)
        result = check_key(store, stream, record->sketch);
    if (result != STORE_TAKEN)
        return result;
    series = store_stream_series(stream, hc_sketch_profile(record->sketch), record->group,
                                 &store->last_series_id);
    if (!series) {
        no_memory(store);
        return STORE_FAILED;
    }
    if (!store_grains_add(&store->grains, stream, series, record)) {
        fail(store, store->grains.error);
        return STORE_FAILED;
    }
    if (coverage_add_sketch(stream->coverage, record) == HC_OK &&
        rollup_profiles_add(stream->profiles, record))
        return STORE_TAKEN;
    spoil(store);
    return STORE_FAILED;
}

enum store_result store_add(struct store *store, const struct record *record)
{
    bool is_sketch = record->kind == RECORD_SKETCH;
    enum store_result result = STORE_TAKEN;
    struct store_stream *stream;

    assert(record->kind != RECORD_NONE);
    if (store->spoiled) {
        spoil(store);
        return STORE_FAILED;
    }
    stream = stream_of(store, is_sketch ? record->sketch.stream : record->checkpoint.stream);
    if (!stream)
        return STORE_FAILED;
    if ((store_hot_is_full(store->grains.hot) || coverage_is_full(stream->coverage)) &&
        !store_flush(store))
        return STORE_FAILED;
    stream->changed = store->changed = true;
    if (is_sketch) {
        result = add_sketch(store, stream, &record->sketch);
    } else if (coverage_add_checkpoint(stream->coverage, &record->checkpoint) != HC_OK) {
        spoil(store);
        result = STORE_FAILED;
    }
    store_hot_trim(store->grains.hot);
    return result;
}

enum hc_status store_read_up_to(struct store *store, const struct store_position *position)
{
    store->changed = true;
    return store_places_note(&store->places, position) ? HC_OK : HC_ENOMEM;
}

int store_go_on(struct store *store, struct store_position *position)
{
    int found;

    if (store_places_know(&store->places, position))
        return 1;
    found = store_file_get_position(store->file, position);
    if (found < 0)
        fail_file(store);
    return found;
}

static bool write_streams(struct store *store)
{
    for (size_t i = 0; i < store->streams.count; i++) {
        enum hc_status status =
            store_stream_save(store->streams.items[i], store->file, &store->scratch);

        if (status != HC_OK)
            return status == HC_EROOM ? fail_file(store) : spoil(store);
    }
    return true;
}

static bool write_all(struct store *store, struct store_hot_entry *const *entries, size_t count)
{
    if (!store_file_begin(store->file))
        return fail_file(store);
    if (!store_grains_write(&store->grains, entries, count)) {
        fail(store, store->grains.error);
        goto failed;
    }
    if (!write_streams(store))
        goto failed;
    if (store_dues_save(&store->dues, store->file, entries, count,
                        store->grains.minutes_from_s) &&
        store_places_save(&store->places, store->file) && store_file_commit(store->file))
        return true;
    fail_file(store);
failed:
    store_file_rollback(store->file);
    return false;
}

/* All of it is in the file. */
static void written(struct store *store)
{
    for (size_t i = 0; i < store->streams.count; i++)
        store_stream_saved(store->streams.items[i]);
    store_hot_clean(store->grains.hot);
    store_places_saved(&store->places);
    store_dues_saved(&store->dues);
    store->changed = false;
    store_hot_trim(store->grains.hot);
}

bool store_flush(struct store *store)
{
    struct store_hot_entry **entries;
    size_t count;
    bool done;

    if (store->spoiled)
        return spoil(store);
    if (!store->changed)
        return true;
    if (!store_hot_dirty(store->grains.hot, &entries, &count))
        return no_memory(store);
    done = write_all(store, entries, count);
    if (done)
        written(store);
    free(entries);
    return done;
}

enum hc_status store_settle(struct store *store, const struct store_due *due, bool final)
{
    store->changed = true;
    return store_dues_settle(&store->dues, due, final) ? HC_OK : HC_ENOMEM;
}

/* Unites some minutes that are pending, of hours that begin before `to_s`: 1 when there
 * may be more, 0 when none was left, -1. */
static int settle_before(struct store *store, int64_t to_s)
{
    int count;

    if (!store_flush(store))
        return -1;
    count = store_grains_settle(&store->grains, to_s, STORE_SETTLE_MOST);
    store->changed = true;
    if (count < 0)
        fail(store, store->grains.error);
    if (count < 0 || !store_flush(store))
        return -1;
    return count > 0;
}

int store_tidy(struct store *store)
{
    return settle_before(store, INT64_MAX);
}

/* In the transaction under way: how many rows were erased, at most ERASE_MOST. */
static int erase_minutes(struct store *store)
{
    int erased = 0;

    for (int64_t series = 1; series <= store->last_series_id && erased < ERASE_MOST; series++) {
        int more = store_file_erase(store->file, STORE_MINUTE, STORE_ID(series, 0),
                                    STORE_ID(series, store->grains.minutes_from_s),
                                    ERASE_MOST - erased);

        if (more < 0)
            return -1;
        erased += more;
    }
    return erased;
}

int store_keep_minutes(struct store *store, int64_t from_s)
{
    int64_t old_s = store->grains.minutes_from_s;
    int erased = -1, more;

    from_s -= from_s % 60;
    /* What is to be let go must be in what is kept. */
    more = settle_before(store, from_s > old_s ? from_s : 0);
    if (more != 0)
        return more;
    if (from_s > old_s)
        store->grains.minutes_from_s = from_s;
    if (!store_file_begin(store->file))
        goto failed;
    if (store_file_put_setting(store->file, STORE_MINUTES_FROM, store->grains.minutes_from_s))
        erased = erase_minutes(store);
    if (erased >= 0 && store_file_commit(store->file))
        return erased == ERASE_MOST;
    store_file_rollback(store->file);
failed:
    store->grains.minutes_from_s = old_s;
    fail_file(store);
    return -1;
}
