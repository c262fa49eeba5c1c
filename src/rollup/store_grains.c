/* A record is united with its UTC day, its six hours, hour, quarter-hour and minute.
 * From quarter-hours the hours and days of every zone can be made.
 *
 * Everything happens in memory, on sketches that are hot: 13 records a minute and
 * instance meet in one sketch of each grain, and a flush encodes each of them
 * once, in the order of the file. Of history in order one record in 15, 60, 360 and
 * 1,440 begins a blob of an upper grain; in random order nearly each reads and
 * writes several. */
#include "store_grains.h"

#include <stdio.h>
#include <string.h>

#include "headcount/codec.h"

static const int64_t grain_s[] = {60, 900, 3600, 21600, 86400};

static bool fail(struct store_grains *grains, const char *what)
{
    snprintf(grains->error, sizeof grains->error, "%s", what);
    return false;
}

static bool no_memory(struct store_grains *grains)
{
    return fail(grains, hc_status_text(HC_ENOMEM));
}

static bool fail_file(struct store_grains *grains)
{
    return fail(grains, store_file_error(grains->file));
}

bool store_grains_make(struct store_grains *grains, size_t memory_bytes)
{
    *grains = (struct store_grains){.hot = store_hot_create(memory_bytes)};
    return grains->hot && hc_codec_create(NULL, &grains->codec) == HC_OK;
}

void store_grains_free(struct store_grains *grains)
{
    text_free(&grains->scratch);
    hc_codec_destroy(&grains->codec);
    store_hot_destroy(&grains->hot);
}

static bool read_entry(struct store_grains *grains, struct store_hot_entry *entry,
                       const struct store_blob *blob)
{
    if (entry->grain != STORE_PRESENT)
        return hc_codec_decode(grains->codec, blob->bytes, blob->size, &entry->sketch) == HC_OK;
    if (blob->size == STORE_PRESENT_SIZE)
        memcpy(entry->present, blob->bytes, STORE_PRESENT_SIZE);
    return blob->size == STORE_PRESENT_SIZE;
}

/* The entry from memory or the file; *is_new when neither has it. NULL on failure. */
static struct store_hot_entry *entry_of(struct store_grains *grains, struct store_stream *stream,
                                        enum store_grain grain, int64_t id, bool *is_new)
{
    struct store_hot_entry *entry = store_hot_find(grains->hot, grain, id);
    struct store_blob blob;
    int found;

    *is_new = false;
    if (entry)
        return entry;
    found = store_file_get(grains->file, grain, id, &blob);
    if (found < 0) {
        fail_file(grains);
        return NULL;
    }
    entry = store_hot_add(grains->hot, grain, id);
    if (entry)
        entry->stream = stream;
    if (!entry)
        no_memory(grains);
    else if (found == 1 && !read_entry(grains, entry, &blob))
        fail(grains, "a sketch in the store is damaged, or there is no memory for it");
    else
        found += 2;
    store_file_rest(grains->file);
    if (found < 2) {
        store_hot_forget(grains->hot);
        return NULL;
    }
    store_hot_measure(grains->hot, entry);
    *is_new = found == 2;
    return entry;
}

/* Unites the sketch with one blob. */
static bool unite(struct store_grains *grains, struct store_stream *stream, enum store_grain grain,
                  int64_t id, const struct hc_sketch *sketch)
{
    bool is_new;
    int more = 0;
    enum hc_status status;
    struct store_hot_entry *entry = entry_of(grains, stream, grain, id, &is_new);

    if (!entry)
        return false;
    status = entry->sketch ? hc_sketch_union(entry->sketch, sketch, &more)
                           : hc_sketch_copy(sketch, &entry->sketch);
    if (status == HC_OK && (is_new || more)) {
        store_hot_changed(grains->hot, entry);
        store_hot_measure(grains->hot, entry);
    }
    if (status != HC_OK && !entry->sketch)
        store_hot_forget(grains->hot);
    return status == HC_OK || fail(grains, hc_status_text(status));
}

static bool mark_present(struct store_grains *grains, struct store_stream *stream,
                         const struct record_sketch *record)
{
    int64_t owner = STORE_PRESENT_OWNER(stream, hc_sketch_profile(record->sketch));
    int64_t minute = record->minute_s / 60 % STORE_DAY_MINUTES;
    uint8_t bit = (uint8_t)(1u << minute % 8);
    bool is_new;
    struct store_hot_entry *entry =
        entry_of(grains, stream, STORE_PRESENT,
                 STORE_ID(owner, record->minute_s / 86400 * 86400), &is_new);

    if (!entry)
        return false;
    if (entry->present[minute / 8] & bit)
        return true;
    entry->present[minute / 8] |= bit;
    store_hot_changed(grains->hot, entry);
    return true;
}

/* From the day down: whatever is in a minute is in all that is larger, also when
 * this fails on the way. Then the record is added again, or read again. */
bool store_grains_add(struct store_grains *grains, struct store_stream *stream,
                      const struct store_series *series, const struct record_sketch *record)
{
    int least = record->minute_s < grains->minutes_from_s ? STORE_QUARTER : STORE_MINUTE;

    for (int grain = STORE_DAY; grain >= least; grain--) {
        int64_t start_s = record->minute_s - record->minute_s % grain_s[grain];

        if (!unite(grains, stream, (enum store_grain)grain, STORE_ID(series->id, start_s),
                   record->sketch))
            return false;
    }
    return mark_present(grains, stream, record);
}

static bool write_entry(struct store_grains *grains, const struct store_hot_entry *entry)
{
    struct store_blob blob = {.id = entry->id, .bytes = entry->present,
                              .size = STORE_PRESENT_SIZE};
    size_t room;
    char *bytes;

    if (entry->grain == STORE_PRESENT)
        return store_file_put(grains->file, entry->grain, &blob) || fail_file(grains);
    room = hc_encode_size_max(entry->sketch);
    text_clear(&grains->scratch);
    bytes = text_reserve(&grains->scratch, room);
    if (!bytes || hc_codec_encode(grains->codec, entry->sketch, bytes, room, &blob.size) != HC_OK)
        return no_memory(grains);
    blob.bytes = bytes;
    blob.estimate = hc_sketch_estimate(entry->sketch);
    return store_file_put(grains->file, entry->grain, &blob) || fail_file(grains);
}

bool store_grains_write(struct store_grains *grains, struct store_hot_entry *const *entries,
                        size_t count)
{
    bool done = true;

    for (size_t i = 0; done && i < count; i++)
        done = write_entry(grains, entries[i]);
    return done;
}
