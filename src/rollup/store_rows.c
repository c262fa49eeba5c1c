/* Asking is merging: a roll-up is filled with what the file has of the stream, and
 * from there on the rows are those of headcount merge, by the same code.
 *
 * A bucket of the calendar is put together from the fewest sketches: UTC days in
 * the middle, then six hours, hours, quarter-hours and minutes towards its ends. A
 * day is one sketch in UTC, at most 9 in zones of whole hours, 12 in others.
 *
 * All is read in one transaction, so that sketches, coverage and minutes are of one
 * moment. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_state.h"
#include "headcount/codec.h"
#include "limits.h"
#include "rollup_inside.h"
#include "store.h"
#include "store_about.h"
#include "store_hot.h"
#include "store_stream.h"

static const int64_t grain_s[] = {60, 900, 3600, 21600, 86400};

struct store_reader {
    struct store_file *file;
    struct hc_codec *codec;
    char error[1200];
};

/* One question. */
struct asking {
    struct store_reader *reader;
    struct rollup *rollup;
    struct store_stream *stream;
    const struct store_series *series; /* the one that is being read */
    struct rollup_bucket *bucket;      /* and its bucket; NULL until it has a sketch */
    struct calendar_bucket times;      /* of the row */
    int64_t minutes_from_s;
    int64_t *pending; /* [pending_count]: minutes of the bucket */
    size_t pending_count, pending_room;
};

const char *store_reader_error(const struct store_reader *reader)
{
    return reader->error;
}

static bool fail(struct store_reader *reader, const char *what)
{
    snprintf(reader->error, sizeof reader->error, "%s", what);
    return false;
}

static bool fail_file(struct store_reader *reader)
{
    return fail(reader, store_file_error(reader->file));
}

struct store_reader *store_reader_open(const char *path, char *error, size_t error_size)
{
    struct store_reader *reader = calloc(1, sizeof *reader);

    if (!reader || hc_codec_create(NULL, &reader->codec) != HC_OK) {
        snprintf(error, error_size, "%s: %s", path, hc_status_text(HC_ENOMEM));
        free(reader);
        return NULL;
    }
    reader->file = store_file_open(path, STORE_READ, error, error_size);
    if (!reader->file)
        store_reader_close(&reader);
    return reader;
}

void store_reader_close(struct store_reader **reader)
{
    if (!*reader)
        return;
    store_file_close(&(*reader)->file);
    hc_codec_destroy(&(*reader)->codec);
    free(*reader);
    *reader = NULL;
}

void store_reader_until(struct store_reader *reader, int64_t until_ms)
{
    store_file_until(reader->file, until_ms);
}

bool store_reader_is_late(const struct store_reader *reader)
{
    return store_file_is_late(reader->file);
}

bool store_streams(struct store_reader *reader, void (*each)(void *context, const char *name),
                   void *context)
{
    return store_file_streams(reader->file, each, context) || fail_file(reader);
}

bool store_minutes_from(struct store_reader *reader, int64_t *from_s)
{
    return store_file_get_setting(reader->file, STORE_MINUTES_FROM, from_s) || fail_file(reader);
}

bool store_dues(struct store_reader *reader,
                void (*each)(void *context, const struct store_due *due), void *context)
{
    return store_file_dues(reader->file, each, context) || fail_file(reader);
}

bool store_backup(struct store_reader *reader, const char *path)
{
    return store_file_backup(reader->file, path) || fail_file(reader);
}

static int64_t start_of(const struct store_blob *blob)
{
    return STORE_ID_START(blob->id);
}

/* The minutes of one kind in this profile, for all days of the range: a roll-up looks
 * at those of its range only. */
static bool read_days(struct asking *asking, enum store_grain grain, enum hc_profile profile,
                      struct rollup_minutes *minutes)
{
    const struct rollup_options *options = &asking->rollup->options;
    int64_t owner = STORE_DAY_OWNER(asking->stream, profile);
    struct store_reader *reader = asking->reader;
    struct store_blob blob;
    int more;

    if (!store_file_walk(reader->file, grain,
                         STORE_ID(owner, options->from_s / 86400 * 86400),
                         STORE_ID(owner, options->to_s + 59)))
        return fail_file(reader);
    while ((more = store_file_next(reader->file, grain, &blob)) == 1) {
        if (blob.size != STORE_DAY_SIZE)
            return fail(reader, "a day in the store is damaged");
        if (!rollup_minutes_add_day(minutes, start_of(&blob), blob.bytes))
            return fail(reader, hc_status_text(HC_ENOMEM));
    }
    return more == 0 || fail_file(reader);
}

/* Everything but the sketches. */
static bool read_stream(struct asking *asking)
{
    struct rollup *rollup = asking->rollup;
    unsigned seen = rollup_profiles_seen(asking->stream->profiles);

    if (!(rollup->late = rollup_minutes_create()))
        return fail(asking->reader, hc_status_text(HC_ENOMEM));
    if (rollup->profile == 0 && seen)
        rollup->profile = (enum hc_profile)__builtin_ctz(seen);
    for (unsigned p = HC_PROFILE_REDIS; p <= HC_PROFILE_KEYED; p++) {
        if (!(seen & ROLLUP_PROFILE_BIT(p)))
            continue;
        if (!read_days(asking, STORE_PRESENT, (enum hc_profile)p, rollup->named) ||
            (p == (unsigned)rollup->profile &&
             (!read_days(asking, STORE_PRESENT, (enum hc_profile)p, rollup->minutes) ||
              !read_days(asking, STORE_LATE, (enum hc_profile)p, rollup->late))))
            return false;
    }
    coverage_destroy(&rollup->coverage);
    rollup->coverage = asking->stream->coverage;
    asking->stream->coverage = NULL;
    rollup_profiles_destroy(&rollup->profiles);
    rollup->profiles = asking->stream->profiles;
    asking->stream->profiles = NULL;
    return true;
}

static bool unite(struct asking *asking, const struct store_blob *blob)
{
    struct store_reader *reader = asking->reader;
    struct rollup_table *table = asking->rollup->table;
    struct hc_sketch *sketch = NULL;
    enum hc_status status = hc_codec_decode(reader->codec, blob->bytes, blob->size, &sketch);

    if (status != HC_OK)
        return fail(reader, status == HC_ENOMEM ? hc_status_text(status)
                                                : "a sketch in the store is damaged");
    if (!asking->bucket)
        asking->bucket = rollup_table_get(table, asking->times.start_s, asking->times.end_s,
                                          asking->series->group, asking->series->profile);
    status = asking->bucket ? rollup_bucket_give(table, asking->bucket, &sketch) : HC_ENOMEM;
    hc_sketch_destroy(&sketch);
    if (status == HC_OK)
        return true;
    return fail(reader, status == HC_EROOM ? rollup_table_error(table) : hc_status_text(status));
}

/* All blobs of a grain in [from_s, to_s). */
static bool read_grain(struct asking *asking, enum store_grain grain, int64_t from_s, int64_t to_s)
{
    struct store_file *file = asking->reader->file;
    struct store_blob blob;
    int more;

    if (!store_file_walk(file, grain, STORE_ID(asking->series->id, from_s),
                         STORE_ID(asking->series->id, to_s)))
        return fail_file(asking->reader);
    while ((more = store_file_next(file, grain, &blob)) == 1) {
        if (!unite(asking, &blob))
            return false;
    }
    return more == 0 || fail_file(asking->reader);
}

static int64_t up(int64_t time_s, int64_t step_s)
{
    return (time_s + step_s - 1) / step_s * step_s;
}

/* Minutes that are not kept can't be cut out of their quarter-hour. */
static bool check_kept(struct asking *asking, int64_t from_s, int64_t to_s)
{
    char what[128];

    if (from_s >= asking->minutes_from_s || from_s >= to_s)
        return true;
    snprintf(what, sizeof what, "minutes before Unix time %lld are not kept, and the range ends "
             "within a quarter-hour", (long long)asking->minutes_from_s);
    return fail(asking->reader, what);
}

static bool note_pending(struct asking *asking, int64_t minute_s)
{
    if (asking->pending_count == asking->pending_room) {
        size_t room = asking->pending_room * 2 + 64;
        int64_t *larger = realloc(asking->pending, room * sizeof(larger[0]));

        if (!larger)
            return fail(asking->reader, hc_status_text(HC_ENOMEM));
        asking->pending = larger;
        asking->pending_room = room;
    }
    asking->pending[asking->pending_count++] = minute_s;
    return true;
}

/* Which minutes in [from_s, to_s) are not in larger sketches yet. */
static bool find_pending(struct asking *asking, int64_t from_s, int64_t to_s)
{
    struct store_file *file = asking->reader->file;
    struct store_blob blob;
    int more;

    asking->pending_count = 0;
    if (!store_file_walk(file, STORE_PENDING,
                         STORE_ID(asking->series->id, from_s - from_s % 3600),
                         STORE_ID(asking->series->id, to_s)))
        return fail_file(asking->reader);
    while ((more = store_file_next(file, STORE_PENDING, &blob)) == 1) {
        const uint8_t *bits = blob.bytes;
        int64_t minute_s = start_of(&blob);

        if (blob.size != STORE_PENDING_SIZE)
            return fail(asking->reader, "an hour in the store is damaged");
        for (size_t i = 0; i < 60; i++, minute_s += 60) {
            if ((bits[i / 8] >> i % 8 & 1) && minute_s >= from_s && minute_s < to_s &&
                !note_pending(asking, minute_s))
                return false;
        }
    }
    return more == 0 || fail_file(asking->reader);
}

/* The minutes that were found; uniting one twice changes nothing. */
static bool read_pending(struct asking *asking)
{
    struct store_blob blob;

    for (size_t i = 0; i < asking->pending_count; i++) {
        int found = store_file_get(asking->reader->file, STORE_MINUTE,
                                   STORE_ID(asking->series->id, asking->pending[i]), &blob);

        if (found < 0)
            return fail_file(asking->reader);
        if (found == 1 && !unite(asking, &blob))
            return false;
    }
    return true;
}

/* [from_s, to_s) in whole blobs of `grain`, what is left over at its ends in those
 * of the finer ones: as many levels deep as there are grains. */
static bool read_range(struct asking *asking, int grain, int64_t from_s, int64_t to_s)
{
    int64_t first_s = up(from_s, grain_s[grain]), last_s = to_s / grain_s[grain] * grain_s[grain];

    if (from_s >= to_s)
        return true;
    if (grain == STORE_MINUTE)
        return check_kept(asking, from_s, to_s) &&
               read_grain(asking, STORE_MINUTE, from_s, to_s);
    if (first_s >= last_s)
        return read_range(asking, grain - 1, from_s, to_s);
    return read_range(asking, grain - 1, from_s, first_s) &&
           read_grain(asking, (enum store_grain)grain, first_s, last_s) &&
           read_range(asking, grain - 1, last_s, to_s);
}

/* One blob is the whole row, and asked for its number only. */
static bool put_number(struct asking *asking, const struct store_blob *blob)
{
    struct rollup_bucket *bucket =
        rollup_table_get(asking->rollup->table, asking->times.start_s, asking->times.end_s,
                         asking->series->group, asking->series->profile);

    if (!bucket)
        return fail(asking->reader, hc_status_text(HC_ENOMEM));
    bucket->estimate = blob->estimate;
    bucket->is_number = true;
    return true;
}

/* The blobs of `grain` of one series in [from_s, to_s), of which each is a row: one
 * row, but for minutes. */
static bool read_rows(struct asking *asking, enum store_grain grain, int64_t from_s, int64_t to_s)
{
    struct store_file *file = asking->reader->file;
    bool numbers = asking->rollup->options.numbers;
    struct store_blob blob;
    int more;

    if (!store_file_walk(file, grain, STORE_ID(asking->series->id, from_s),
                         STORE_ID(asking->series->id, to_s)))
        return fail_file(asking->reader);
    for (;;) {
        more = numbers ? store_file_next_estimate(file, grain, &blob)
                       : store_file_next(file, grain, &blob);
        if (more != 1)
            return more == 0 || fail_file(asking->reader);
        asking->bucket = NULL;
        if (grain == STORE_MINUTE)
            asking->times = (struct calendar_bucket){start_of(&blob), start_of(&blob) + 60};
        if (!(numbers ? put_number(asking, &blob) : unite(asking, &blob)))
            return false;
    }
}

/* What one series has of the bucket [from_s, to_s). */
static bool read_series(struct asking *asking, int64_t from_s, int64_t to_s)
{
    bool whole = asking->rollup->options.numbers;

    if (!find_pending(asking, from_s, to_s))
        return false;
    whole = whole && asking->pending_count == 0;
    for (int grain = STORE_QUARTER; whole && grain <= STORE_DAY; grain++) {
        if (from_s % grain_s[grain] == 0 && from_s + grain_s[grain] == to_s)
            return read_rows(asking, (enum store_grain)grain, from_s, to_s);
    }
    return read_range(asking, STORE_DAY, from_s, to_s) && read_pending(asking);
}

/* What one bucket has of every series of the profile. */
static bool read_bucket(struct asking *asking)
{
    const struct rollup_options *options = &asking->rollup->options;
    const struct calendar_bucket *times = &asking->times;
    int64_t from_s = up(times->start_s > options->from_s ? times->start_s : options->from_s, 60);
    int64_t to_s = up(times->end_s < options->to_s ? times->end_s : options->to_s, 60);

    for (size_t i = 0; i < asking->stream->series->count; i++) {
        asking->series = asking->stream->series->items[i];
        asking->bucket = NULL;
        if (asking->series->profile == asking->rollup->profile &&
            !read_series(asking, from_s, to_s))
            return false;
    }
    return true;
}

/* Rows a minute: those of each series that are kept. */
static bool read_minutes(struct asking *asking)
{
    const struct rollup_options *options = &asking->rollup->options;
    int64_t from_s = up(options->from_s, 60), to_s = up(options->to_s, 60);

    if (from_s < asking->minutes_from_s)
        from_s = asking->minutes_from_s;
    for (size_t i = 0; from_s < to_s && i < asking->stream->series->count; i++) {
        asking->series = asking->stream->series->items[i];
        if (asking->series->profile == asking->rollup->profile &&
            !read_rows(asking, STORE_MINUTE, from_s, to_s))
            return false;
    }
    return true;
}

static bool read_buckets(struct asking *asking)
{
    struct rollup *rollup = asking->rollup;
    int64_t at_s = rollup_minutes_next(rollup->minutes, 0);

    while (at_s < INT64_MAX) {
        if (!calendar_find(rollup->options.calendar, at_s, &asking->times))
            return fail(asking->reader, hc_status_text(HC_ENOMEM));
        if (asking->times.end_s - asking->times.start_s == grain_s[STORE_MINUTE])
            return read_minutes(asking);
        if (!read_bucket(asking))
            return false;
        at_s = up(asking->times.end_s, 60);
        at_s = at_s > LIMIT_TIME_S ? INT64_MAX : rollup_minutes_next(rollup->minutes, at_s);
    }
    return true;
}

static bool read_all(struct asking *asking)
{
    struct store_reader *reader = asking->reader;
    const char *name = asking->rollup->options.stream;

    if (!store_file_get_setting(reader->file, STORE_MINUTES_FROM, &asking->minutes_from_s))
        return fail_file(reader);
    asking->stream = store_stream_load(reader->file, name, reader->error,
                                       sizeof reader->error);
    return asking->stream && read_stream(asking) && read_buckets(asking);
}

struct rollup *store_roll_up(struct store_reader *reader, const struct rollup_options *options)
{
    struct asking asking = {.reader = reader};
    bool done;

    assert(options->stream && !options->archive);
    asking.rollup = rollup_create(options);
    if (!asking.rollup) {
        fail(reader, hc_status_text(HC_ENOMEM));
        return NULL;
    }
    done = store_file_begin(reader->file) || fail_file(reader);
    if (done) {
        done = read_all(&asking);
        store_file_rest(reader->file);
        store_file_rollback(reader->file);
    }
    store_stream_destroy(&asking.stream);
    free(asking.pending);
    if (done && !rollup_finish(asking.rollup))
        done = fail(reader, rollup_error(asking.rollup));
    if (!done)
        rollup_destroy(&asking.rollup);
    return asking.rollup;
}

bool store_stream_about(struct store_reader *reader, const char *name, struct store_about *about)
{
    bool done = store_file_begin(reader->file) || fail_file(reader);

    if (!done)
        return false;
    done = store_about_read(reader->file, name, about) || fail_file(reader);
    store_file_rest(reader->file);
    store_file_rollback(reader->file);
    return done;
}
