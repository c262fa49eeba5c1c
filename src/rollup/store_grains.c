/* A record is united with its UTC day, its six hours, hour, quarter-hour and minute.
 * From quarter-hours the hours and days of every zone can be made.
 *
 * Everything happens in memory, on sketches that are hot: 13 records a minute and
 * instance meet in one sketch of each grain, and a flush encodes each of them
 * once, in the order of the file. Of history in order one record in 15, 60, 360 and
 * 1,440 begins a blob of an upper grain, and each is a minute of its own: a sketch that
 * nothing was united with is written in the form in which it came.
 *
 * Where records jump about in time, each would read and write five blobs. So an hour
 * must be touched a few times while it is among the last that were (store_warm.c)
 * before its records go into all grains. Until then they go into their minutes only,
 * and a bit says that this minute is pending: readers unite it with whatever larger
 * sketch it lies in, and so does the writer, hour by hour in the order of the file,
 * when the hour is touched often or there is time for it. A bit that is set too often
 * is harmless, since uniting twice is. */
#include "store_grains.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "headcount/codec.h"

/* Touches from which on an hour's records go into all grains at once. */
#define WARM_AFTER 4
/* What the sketches of an hour, and those it lies in, take about. */
#define HOUR_BYTES ((size_t)256 * 1024)
#define HOURS_LEAST 4

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
    return grains->hot && hc_codec_create(NULL, &grains->codec) == HC_OK &&
           store_warm_make(&grains->warm, memory_bytes / HOUR_BYTES + HOURS_LEAST);
}

void store_grains_free(struct store_grains *grains)
{
    store_warm_free(&grains->warm);
    text_free(&grains->scratch);
    hc_codec_destroy(&grains->codec);
    store_hot_destroy(&grains->hot);
}

static bool read_entry(struct store_grains *grains, struct store_hot_entry *entry,
                       const struct store_blob *blob)
{
    size_t bits_size = store_bits_size(entry->grain);

    if (bits_size == 0)
        return hc_codec_decode(grains->codec, blob->bytes, blob->size, &entry->sketch) == HC_OK;
    if (blob->size == bits_size)
        memcpy(entry->bits, blob->bytes, bits_size);
    return blob->size == bits_size;
}

/* The entry from memory or the file, or an empty one. Its stream may be NULL while it
 * is not changed. NULL on failure. */
static struct store_hot_entry *entry_of(struct store_grains *grains, struct store_stream *stream,
                                        enum store_grain grain, int64_t id)
{
    struct store_hot_entry *entry = store_hot_find(grains->hot, grain, id);
    struct store_blob blob;
    int found;

    if (entry) {
        entry->stream = stream ? stream : entry->stream;
        return entry;
    }
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
        fail(grains, "a sketch in it is damaged, or there is no memory for it: put a backup in "
                      "its place and remove its -wal, or read the topic again into a new file");
    else
        found += 2;
    store_file_rest(grains->file);
    if (found < 2) {
        store_hot_forget(grains->hot);
        return NULL;
    }
    store_hot_measure(grains->hot, entry);
    return entry;
}

/* The form in which the record came, unless another encoder has wasted room: of users, ours
 * makes three bits a register. */
static const void *native_of(const struct record_sketch *record)
{
    size_t registers = (size_t)1 << hc_sketch_precision(record->sketch);

    return record->native_size <= registers / 2 ? record->native : NULL;
}

/* Unites the record's sketch with one blob; *changed when that has more users now. */
static bool unite(struct store_grains *grains, struct store_stream *stream, enum store_grain grain,
                  int64_t id, const struct record_sketch *record, bool *changed)
{
    int more = 1;
    enum hc_status status;
    struct store_hot_entry *entry = entry_of(grains, stream, grain, id);

    if (!entry)
        return false;
    store_hot_native(entry, entry->sketch ? NULL : native_of(record), record->native_size);
    status = entry->sketch ? hc_sketch_union(entry->sketch, record->sketch, &more)
                           : hc_sketch_copy(record->sketch, &entry->sketch);
    *changed = status == HC_OK && more;
    if (*changed)
        store_hot_changed(grains->hot, entry);
    store_hot_measure(grains->hot, entry);
    return status == HC_OK || fail(grains, hc_status_text(status));
}

/* From the day down: whatever is in a minute is in all that is larger, also when
 * this fails on the way. Then the record is added again, or read again. */
static bool unite_all(struct store_grains *grains, struct store_stream *stream, int64_t series,
                      int least, const struct record_sketch *record)
{
    bool changed;

    for (int grain = STORE_DAY; grain >= least; grain--) {
        int64_t start_s = record->minute_s - record->minute_s % grain_s[grain];

        if (!unite(grains, stream, (enum store_grain)grain, STORE_ID(series, start_s), record,
                   &changed))
            return false;
    }
    return true;
}

static bool get_bit(const uint8_t *bits, int64_t bit)
{
    return bits[bit / 8] >> bit % 8 & 1;
}

static void set_bit(struct store_grains *grains, struct store_hot_entry *entry, int64_t bit)
{
    if (get_bit(entry->bits, bit))
        return;
    entry->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    store_hot_changed(grains->hot, entry);
}

/* The minutes of an hour that are pending into all that they lie in. */
static bool settle(struct store_grains *grains, struct store_stream *stream, int64_t id)
{
    struct store_hot_entry *pending = entry_of(grains, stream, STORE_PENDING, id);
    static const uint8_t none[STORE_PENDING_SIZE];
    int64_t series = id >> STORE_START_BITS;

    if (!pending)
        return false;
    for (int64_t bit = 0; bit < 60; bit++) {
        struct record_sketch record = {.minute_s = STORE_ID_START(id) + bit * 60};
        struct store_hot_entry *minute;

        if (!get_bit(pending->bits, bit))
            continue;
        minute = entry_of(grains, stream, STORE_MINUTE, STORE_ID(series, record.minute_s));
        if (!minute)
            return false;
        record.sketch = minute->sketch;
        if (record.sketch && !unite_all(grains, stream, series, STORE_QUARTER, &record))
            return false;
    }
    if (memcmp(pending->bits, none, sizeof none) == 0)
        return true;
    memset(pending->bits, 0, sizeof none);
    store_hot_changed(grains->hot, pending);
    return true;
}

/* Into the minute only. */
static bool add_pending(struct store_grains *grains, struct store_stream *stream, int64_t series,
                        const struct record_sketch *record)
{
    int64_t hour_s = record->minute_s - record->minute_s % 3600;
    struct store_hot_entry *pending =
        entry_of(grains, stream, STORE_PENDING, STORE_ID(series, hour_s));
    bool changed;

    if (!pending || !unite(grains, stream, STORE_MINUTE, STORE_ID(series, record->minute_s),
                           record, &changed))
        return false;
    if (changed)
        set_bit(grains, pending, (record->minute_s - hour_s) / 60);
    return true;
}

/* The bits of the record's day; NULL on failure. */
static struct store_hot_entry *day_of(struct store_grains *grains, struct store_stream *stream,
                                      enum store_grain grain, const struct record_sketch *record)
{
    int64_t owner = STORE_DAY_OWNER(stream, hc_sketch_profile(record->sketch));

    return entry_of(grains, stream, grain,
                    STORE_ID(owner, record->minute_s - record->minute_s % 86400));
}

static int64_t minute_of_day(const struct record_sketch *record)
{
    return record->minute_s % 86400 / 60;
}

static bool mark_present(struct store_grains *grains, struct store_stream *stream,
                         const struct record_sketch *record)
{
    struct store_hot_entry *day = day_of(grains, stream, STORE_PRESENT, record);

    if (day)
        set_bit(grains, day, minute_of_day(record));
    return day != NULL;
}

/* Imports and archives are labelled late for reasons of their own. */
static bool is_late(const struct record_sketch *record)
{
    return record->state == RECORD_LATE && strncmp(record->instance, "import/", 7) != 0 &&
           strncmp(record->instance, "merge/", 6) != 0;
}

/* The minute is written again with that, though it may have no more users: so it is told
 * of as changed, and its totals become due. */
static bool mark_late(struct store_grains *grains, struct store_stream *stream, int64_t series,
                      const struct record_sketch *record)
{
    enum store_grain grain =
        record->minute_s >= grains->minutes_from_s ? STORE_MINUTE : STORE_QUARTER;
    int64_t start_s = record->minute_s - record->minute_s % grain_s[grain];
    struct store_hot_entry *day = day_of(grains, stream, STORE_LATE, record), *sketch;

    if (!day || get_bit(day->bits, minute_of_day(record)))
        return day != NULL;
    sketch = entry_of(grains, stream, grain, STORE_ID(series, start_s));
    if (!sketch)
        return false;
    store_hot_changed(grains->hot, sketch);
    set_bit(grains, day, minute_of_day(record));
    return true;
}

static bool add_sketch(struct store_grains *grains, struct store_stream *stream,
                       const struct store_series *series, const struct record_sketch *record)
{
    bool is_kept = record->minute_s >= grains->minutes_from_s;
    int64_t hour_id = STORE_ID(series->id, record->minute_s - record->minute_s % 3600);
    unsigned touches = is_kept ? store_warm_touch(&grains->warm, hour_id) : WARM_AFTER;
    bool done = true;

    if (touches < WARM_AFTER)
        return add_pending(grains, stream, series->id, record);
    if (is_kept && touches == WARM_AFTER)
        done = settle(grains, stream, hour_id);
    return done && unite_all(grains, stream, series->id, is_kept ? STORE_MINUTE : STORE_QUARTER,
                             record);
}

bool store_grains_add(struct store_grains *grains, struct store_stream *stream,
                      const struct store_series *series, const struct record_sketch *record)
{
    return add_sketch(grains, stream, series, record) && mark_present(grains, stream, record) &&
           (!is_late(record) || mark_late(grains, stream, series->id, record));
}

/* The ids of hours with pending minutes, in order. -1 on failure. */
static int find_pending(struct store_grains *grains, int64_t to_s, int most, int64_t *ids)
{
    struct store_blob blob;
    int count = 0, more = 0;

    if (!store_file_walk(grains->file, STORE_PENDING, 0, INT64_MAX))
        return -1;
    while (count < most && (more = store_file_next(grains->file, STORE_PENDING, &blob)) == 1) {
        if (STORE_ID_START(blob.id) < to_s)
            ids[count++] = blob.id;
    }
    store_file_rest(grains->file);
    return more < 0 ? -1 : count;
}

int store_grains_settle(struct store_grains *grains, int64_t to_s, int most)
{
    int64_t ids[STORE_SETTLE_MOST];
    int count, done = 0;

    assert(most <= STORE_SETTLE_MOST);
    count = find_pending(grains, to_s, most, ids);
    if (count < 0) {
        fail_file(grains);
        return -1;
    }
    while (done < count && !store_hot_is_full(grains->hot)) {
        if (!settle(grains, NULL, ids[done]))
            return -1;
        store_hot_trim(grains->hot);
        done++;
    }
    return done;
}

static bool write_bits(struct store_grains *grains, const struct store_hot_entry *entry)
{
    struct store_blob blob = {.id = entry->id, .bytes = entry->bits,
                              .size = store_bits_size(entry->grain)};
    bool is_empty = true;

    for (size_t i = 0; i < blob.size; i++)
        is_empty = is_empty && entry->bits[i] == 0;
    if (is_empty)
        return store_file_erase(grains->file, entry->grain, entry->id, entry->id + 1, 1) >= 0 ||
               fail_file(grains);
    return store_file_put(grains->file, entry->grain, &blob) || fail_file(grains);
}

static bool encode(struct store_grains *grains, const struct hc_sketch *sketch,
                   struct store_blob *blob)
{
    size_t room = hc_encode_size_max(sketch);
    char *bytes;

    text_clear(&grains->scratch);
    bytes = text_reserve(&grains->scratch, room);
    blob->bytes = bytes;
    return bytes && hc_codec_encode(grains->codec, sketch, bytes, room, &blob->size) == HC_OK;
}

static bool write_sketch(struct store_grains *grains, const struct store_hot_entry *entry)
{
    struct store_blob blob = {.id = entry->id, .estimate = hc_sketch_estimate(entry->sketch),
                              .bytes = entry->native, .size = entry->native_size};

    if (!blob.bytes && !encode(grains, entry->sketch, &blob))
        return no_memory(grains);
    return store_file_put(grains->file, entry->grain, &blob) || fail_file(grains);
}

bool store_grains_write(struct store_grains *grains, struct store_hot_entry *const *entries,
                        size_t count)
{
    bool done = true;

    for (size_t i = 0; done && i < count; i++)
        done = (entries[i]->sketch ? write_sketch : write_bits)(grains, entries[i]);
    return done;
}
