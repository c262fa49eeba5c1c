/* A record is united with its UTC day, its six hours, hour, quarter-hour and minute.
 * From quarter-hours the hours and days of every zone can be made.
 *
 * Everything happens in memory, on sketches that are hot: 13 records a minute and
 * instance meet in one sketch of each grain, and store_flush encodes each of them
 * once, in the order of the file. Of history in order one record in 15, 60, 360 and
 * 1,440 begins a blob of an upper grain; in random order nearly each reads and
 * writes several. */
#include "store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/codec.h"
#include "limits.h"
#include "sorted.h"
#include "store_change.h"
#include "store_places.h"
#include "store_stream.h"

/* Rows of minutes that one call lets go. */
#define ERASE_MOST 4000

static const int64_t grain_s[] = {60, 900, 3600, 21600, 86400};

struct store {
    struct store_file *file;
    struct store_hot *hot;
    struct hc_codec *codec;
    struct sorted streams;       /* by name */
    struct store_stream *stream; /* the last used */
    int64_t last_stream_id, last_series_id;
    int64_t minutes_from_s;
    struct store_places places;
    bool changed;                /* since the last flush */
    struct store_watch watch;
    struct text scratch;
    char error[1200];
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

static bool fail_file(struct store *store)
{
    return fail(store, store_file_error(store->file));
}

struct store *store_open(const struct store_options *options, char *error, size_t error_size)
{
    struct store *store = calloc(1, sizeof *store);
    bool done = store != NULL;

    if (done) {
        store->hot = store_hot_create(options->memory_bytes ? options->memory_bytes
                                                            : LIMIT_STORE_BYTES);
        done = store->hot && hc_codec_create(NULL, &store->codec) == HC_OK;
    }
    if (!done) {
        snprintf(error, error_size, "%s: %s", options->path, hc_status_text(HC_ENOMEM));
        store_close(&store);
        return NULL;
    }
    store->file = store_file_open(options->path, STORE_WRITE, error, error_size);
    if (store->file &&
        store_file_last_ids(store->file, &store->last_stream_id, &store->last_series_id) &&
        store_file_get_floor(store->file, &store->minutes_from_s))
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
    for (size_t i = 0; i < (*store)->streams.count; i++) {
        struct store_stream *stream = (*store)->streams.items[i];

        store_stream_destroy(&stream);
    }
    free((*store)->streams.items);
    text_free(&(*store)->scratch);
    hc_codec_destroy(&(*store)->codec);
    store_hot_destroy(&(*store)->hot);
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
    stream = store_stream_load(store->file, name, COVERAGE_GO_ON, store->error,
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

static bool read_entry(struct store *store, struct store_hot_entry *entry,
                       const struct store_blob *blob)
{
    if (entry->grain != STORE_PRESENT)
        return hc_codec_decode(store->codec, blob->bytes, blob->size, &entry->sketch) == HC_OK;
    if (blob->size == STORE_PRESENT_SIZE)
        memcpy(entry->present, blob->bytes, STORE_PRESENT_SIZE);
    return blob->size == STORE_PRESENT_SIZE;
}

/* The entry from memory or the file; *is_new when neither has it. NULL on failure. */
static struct store_hot_entry *entry_of(struct store *store, struct store_stream *stream,
                                        enum store_grain grain, int64_t id, bool *is_new)
{
    struct store_hot_entry *entry = store_hot_find(store->hot, grain, id);
    struct store_blob blob;
    int found;

    *is_new = false;
    if (entry)
        return entry;
    found = store_file_get(store->file, grain, id, &blob);
    if (found < 0) {
        fail_file(store);
        return NULL;
    }
    entry = store_hot_add(store->hot, grain, id);
    if (entry)
        entry->stream = stream;
    if (!entry)
        no_memory(store);
    else if (found == 1 && !read_entry(store, entry, &blob))
        fail(store, "a sketch in the store is damaged, or there is no memory for it");
    else
        found += 2;
    store_file_rest(store->file);
    if (found < 2) {
        store_hot_forget(store->hot);
        return NULL;
    }
    store_hot_measure(store->hot, entry);
    *is_new = found == 2;
    return entry;
}

/* Unites the sketch with one blob. */
static bool unite(struct store *store, struct store_stream *stream, enum store_grain grain,
                  int64_t id, const struct hc_sketch *sketch)
{
    bool is_new;
    int more = 0;
    enum hc_status status;
    struct store_hot_entry *entry = entry_of(store, stream, grain, id, &is_new);

    if (!entry)
        return false;
    status = entry->sketch ? hc_sketch_union(entry->sketch, sketch, &more)
                           : hc_sketch_copy(sketch, &entry->sketch);
    if (status == HC_OK && (is_new || more)) {
        store_hot_changed(store->hot, entry);
        store_hot_measure(store->hot, entry);
    }
    if (status != HC_OK && !entry->sketch)
        store_hot_forget(store->hot);
    return status == HC_OK || fail(store, hc_status_text(status));
}

static bool mark_present(struct store *store, struct store_stream *stream,
                         const struct record_sketch *record)
{
    int64_t owner = STORE_PRESENT_OWNER(stream, hc_sketch_profile(record->sketch));
    int64_t minute = record->minute_s / 60 % STORE_DAY_MINUTES;
    uint8_t bit = (uint8_t)(1u << minute % 8);
    bool is_new;
    struct store_hot_entry *entry =
        entry_of(store, stream, STORE_PRESENT,
                 STORE_ID(owner, record->minute_s / 86400 * 86400), &is_new);

    if (!entry)
        return false;
    if (entry->present[minute / 8] & bit)
        return true;
    entry->present[minute / 8] |= bit;
    store_hot_changed(store->hot, entry);
    return true;
}

/* From the day down: whatever is in a minute is in all that is larger, also when
 * this fails on the way. Then the record is added again, or read again. */
static bool unite_all(struct store *store, struct store_stream *stream,
                      const struct record_sketch *record)
{
    struct store_series *series = store_stream_series(
        stream, hc_sketch_profile(record->sketch), record->group, &store->last_series_id);
    int least = record->minute_s < store->minutes_from_s ? STORE_QUARTER : STORE_MINUTE;

    if (!series)
        return no_memory(store);
    for (int grain = STORE_DAY; grain >= least; grain--) {
        int64_t start_s = record->minute_s - record->minute_s % grain_s[grain];

        if (!unite(store, stream, (enum store_grain)grain, STORE_ID(series->id, start_s),
                   record->sketch))
            return false;
    }
    return mark_present(store, stream, record);
}

static enum store_result add_sketch(struct store *store, struct store_stream *stream,
                                    const struct record_sketch *record)
{
    enum store_result result = check_fields(store, stream, record->fields);

    if (result == STORE_TAKEN)
        result = check_key(store, stream, record->sketch);
    if (result != STORE_TAKEN)
        return result;
    if (!unite_all(store, stream, record))
        return STORE_FAILED;
    if (coverage_add_sketch(stream->coverage, record) == HC_OK &&
        rollup_profiles_add(stream->profiles, record))
        return STORE_TAKEN;
    no_memory(store);
    return STORE_FAILED;
}

enum store_result store_add(struct store *store, const struct record *record)
{
    bool is_sketch = record->kind == RECORD_SKETCH;
    enum store_result result = STORE_TAKEN;
    struct store_stream *stream;

    assert(record->kind != RECORD_NONE);
    if (store_hot_is_full(store->hot) && !store_flush(store))
        return STORE_FAILED;
    stream = stream_of(store, is_sketch ? record->sketch.stream : record->checkpoint.stream);
    if (!stream)
        return STORE_FAILED;
    stream->changed = store->changed = true;
    if (is_sketch) {
        result = add_sketch(store, stream, &record->sketch);
    } else if (coverage_add_checkpoint(stream->coverage, &record->checkpoint) == HC_OK) {
        stream->checkpoints = true;
    } else {
        no_memory(store);
        result = STORE_FAILED;
    }
    store_hot_trim(store->hot);
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

static bool write_entry(struct store *store, const struct store_hot_entry *entry)
{
    struct store_blob blob = {.id = entry->id, .bytes = entry->present,
                              .size = STORE_PRESENT_SIZE};
    size_t room;
    char *bytes;

    if (entry->grain == STORE_PRESENT)
        return store_file_put(store->file, entry->grain, &blob) || fail_file(store);
    room = hc_encode_size_max(entry->sketch);
    text_clear(&store->scratch);
    bytes = text_reserve(&store->scratch, room);
    if (!bytes || hc_codec_encode(store->codec, entry->sketch, bytes, room, &blob.size) != HC_OK)
        return no_memory(store);
    blob.bytes = bytes;
    blob.estimate = hc_sketch_estimate(entry->sketch);
    return store_file_put(store->file, entry->grain, &blob) || fail_file(store);
}

static bool write_entries(struct store *store, struct store_hot_entry *const *entries,
                          size_t count)
{
    bool done = true;

    for (size_t i = 0; done && i < count; i++)
        done = write_entry(store, entries[i]);
    return done;
}

static bool write_streams(struct store *store)
{
    for (size_t i = 0; i < store->streams.count; i++) {
        enum hc_status status =
            store_stream_save(store->streams.items[i], store->file, &store->scratch);

        if (status != HC_OK)
            return status == HC_EROOM ? fail_file(store) : no_memory(store);
    }
    return true;
}

static bool write_all(struct store *store, struct store_hot_entry *const *entries, size_t count)
{
    if (!store_file_begin(store->file))
        return fail_file(store);
    if (!write_entries(store, entries, count) || !write_streams(store))
        goto failed;
    if (store_places_save(&store->places, store->file) && store_file_commit(store->file))
        return true;
    fail_file(store);
failed:
    store_file_rollback(store->file);
    return false;
}

/* All of it is in the file. */
static void written(struct store *store, struct store_hot_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < store->streams.count; i++) {
        struct store_stream *stream = store->streams.items[i];

        if (stream->changed)
            store_change_tell(&store->watch, stream, entries, count, store->minutes_from_s);
        store_stream_saved(stream);
    }
    store_hot_clean(store->hot);
    store_places_saved(&store->places);
    store->changed = false;
    store_hot_trim(store->hot);
}

bool store_flush(struct store *store)
{
    struct store_hot_entry **entries;
    size_t count;
    bool done;

    if (!store->changed)
        return true;
    if (!store_hot_dirty(store->hot, &entries, &count))
        return no_memory(store);
    done = write_all(store, entries, count);
    if (done)
        written(store, entries, count);
    free(entries);
    return done;
}

void store_watch(struct store *store, void (*changed)(void *context, const struct store_change *),
                 void *context)
{
    store->watch = (struct store_watch){changed, context};
}

/* In the transaction under way: how many rows were erased, at most ERASE_MOST. */
static int erase_minutes(struct store *store)
{
    int erased = 0;

    for (int64_t series = 1; series <= store->last_series_id && erased < ERASE_MOST; series++) {
        int more = store_file_erase(store->file, STORE_MINUTE, STORE_ID(series, 0),
                                    STORE_ID(series, store->minutes_from_s), ERASE_MOST - erased);

        if (more < 0)
            return -1;
        erased += more;
    }
    return erased;
}

int store_keep_minutes(struct store *store, int64_t from_s)
{
    int64_t old_s = store->minutes_from_s;
    int erased = -1;

    from_s -= from_s % 60;
    if (!store_flush(store))
        return -1;
    if (from_s > old_s)
        store->minutes_from_s = from_s;
    if (!store_file_begin(store->file))
        goto failed;
    if (store_file_put_floor(store->file, store->minutes_from_s))
        erased = erase_minutes(store);
    if (erased >= 0 && store_file_commit(store->file))
        return erased == ERASE_MOST;
    store_file_rollback(store->file);
failed:
    store->minutes_from_s = old_s;
    fail_file(store);
    return -1;
}
