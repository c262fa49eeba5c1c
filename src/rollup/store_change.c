#include "store_change.h"

#include <stdlib.h>

#include "store_stream.h"

static int64_t start_of(const struct store_hot_entry *entry)
{
    return STORE_ID_START(entry->id);
}

static int minute_compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* Sorts them, each once. */
static size_t settle(int64_t *minutes, size_t count)
{
    size_t kept = 0;

    qsort(minutes, count, sizeof(minutes[0]), minute_compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || minutes[kept - 1] != minutes[i])
            minutes[kept++] = minutes[i];
    }
    return kept;
}

static void widen(struct store_change *change, int64_t from_s, int64_t to_s)
{
    if (change->to_s == 0 || from_s < change->from_s)
        change->from_s = from_s;
    if (to_s > change->to_s)
        change->to_s = to_s;
}

void store_change_tell(const struct store_watch *watch, const struct store_stream *stream,
                       struct store_hot_entry *const *entries, size_t count,
                       int64_t minutes_from_s)
{
    struct store_change change = {.stream = stream->name, .checkpoints = stream->checkpoints};
    int64_t *minutes = calloc(count + 1, sizeof(minutes[0]));

    if (!watch->changed)
        goto out;
    for (size_t i = 0; i < count && entries[i]->grain <= STORE_QUARTER; i++) {
        int64_t start_s = start_of(entries[i]);

        if (entries[i]->stream != stream)
            continue;
        if (entries[i]->grain == STORE_MINUTE) {
            widen(&change, start_s, start_s + 60);
            if (minutes)
                minutes[change.minutes_count++] = start_s;
        } else if (start_s < minutes_from_s) {
            widen(&change, start_s, start_s + 900);
        }
    }
    /* Without memory for them it is told only where they lie. */
    change.minutes_count = minutes ? settle(minutes, change.minutes_count) : 0;
    change.minutes = minutes;
    if (change.to_s > 0 || change.checkpoints)
        watch->changed(watch->context, &change);
out:
    free(minutes);
}
