/* Each commit has a version. What becomes due has that of the commit, so that what was
 * settled meanwhile can be told from what changed after it was asked for. */
#include "store_dues.h"

#include <stdlib.h>

#include "store_stream.h"

static const int64_t length_s[] = {[STORE_DUE_HOUR] = 3600, [STORE_DUE_DAY] = 86400};
#define DUE_GRAINS (sizeof(length_s) / sizeof(length_s[0]))

/* The last that became due, of each grain. */
struct marking {
    struct store_file *file;
    int64_t version, stream_id;
    int64_t start_s[DUE_GRAINS];
};

/* Whatever the minute lies in. */
static bool mark(struct marking *marking, int64_t stream_id, int64_t minute_s)
{
    for (size_t grain = 0; grain < DUE_GRAINS; grain++) {
        const struct store_due due = {
            .stream_id = stream_id, .grain = (enum store_due_grain)grain,
            .start_s = minute_s / length_s[grain] * length_s[grain], .version = marking->version};

        if (stream_id == marking->stream_id && due.start_s == marking->start_s[grain])
            continue;
        if (!store_file_put_due(marking->file, &due))
            return false;
        marking->start_s[grain] = due.start_s;
    }
    marking->stream_id = stream_id;
    return true;
}

/* Every minute that has users, of all days and streams. */
static bool mark_all(struct marking *marking)
{
    struct store_file *file = marking->file;
    struct store_blob blob;
    int more;

    if (!store_file_walk(file, STORE_PRESENT, 0, INT64_MAX))
        return false;
    while ((more = store_file_next(file, STORE_PRESENT, &blob)) == 1) {
        const uint8_t *bits = blob.bytes;

        for (size_t i = 0; i < blob.size * 8; i++) {
            if ((bits[i / 8] >> i % 8 & 1) &&
                !mark(marking, STORE_DAY_STREAM(blob.id),
                      STORE_ID_START(blob.id) + (int64_t)i * 60))
                return false;
        }
    }
    return more == 0;
}

bool store_dues_begin(struct store_dues *dues, struct store_file *file, bool kept)
{
    struct marking marking = {.file = file, .version = 1};
    int64_t were_kept;

    dues->kept = kept;
    if (!store_file_get_setting(file, STORE_DUES_KEPT, &were_kept) ||
        !store_file_last_version(file, &dues->version))
        return false;
    dues->version++;
    if (were_kept == kept)
        return true;
    if (store_file_begin(file) && store_file_put_setting(file, STORE_DUES_KEPT, kept) &&
        (kept ? mark_all(&marking) : store_file_forget_dues(file)) && store_file_commit(file))
        return true;
    store_file_rollback(file);
    return false;
}

void store_dues_free(struct store_dues *dues)
{
    free(dues->settled);
    *dues = (struct store_dues){0};
}

bool store_dues_settle(struct store_dues *dues, const struct store_due *due, bool final)
{
    if (dues->count == dues->room) {
        size_t room = dues->room * 2 + 16;
        struct store_settled *larger = realloc(dues->settled, room * sizeof(larger[0]));

        if (!larger)
            return false;
        dues->settled = larger;
        dues->room = room;
    }
    dues->settled[dues->count] = (struct store_settled){*due, final};
    dues->settled[dues->count++].due.stream = NULL;
    return true;
}

bool store_dues_save(const struct store_dues *dues, struct store_file *file,
                     struct store_hot_entry *const *entries, size_t count,
                     int64_t minutes_from_s)
{
    struct marking marking = {.file = file, .version = dues->version};

    for (size_t i = 0; i < dues->count; i++) {
        if (!store_file_settle_due(file, &dues->settled[i].due, dues->settled[i].final))
            return false;
    }
    /* Of a minute that is not kept the quarter-hour is written. */
    for (size_t i = 0; dues->kept && i < count && entries[i]->grain <= STORE_QUARTER; i++) {
        if (entries[i]->grain == STORE_QUARTER && STORE_ID_START(entries[i]->id) >= minutes_from_s)
            continue;
        if (!mark(&marking, entries[i]->stream->id, STORE_ID_START(entries[i]->id)))
            return false;
    }
    return true;
}

void store_dues_saved(struct store_dues *dues)
{
    dues->count = 0;
    dues->version++;
}
