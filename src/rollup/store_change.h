/* What a commit has changed, stream by stream. Private to rollup. */
#ifndef ROLLUP_STORE_CHANGE_H
#define ROLLUP_STORE_CHANGE_H

#include "store.h"
#include "store_hot.h"

struct store_watch {
    void (*changed)(void *context, const struct store_change *change); /* or NULL */
    void *context;
};

/* Tells it of one stream. `entries` are all that were written, in the order of (grain,
 * id); `minutes_from_s` is the first minute that is kept as one. */
void store_change_tell(const struct store_watch *watch, const struct store_stream *stream,
                       struct store_hot_entry *const *entries, size_t count,
                       int64_t minutes_from_s);

#endif
