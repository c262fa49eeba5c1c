/* Readers of one store for many threads: each takes one for its question and gives it
 * back. They are opened when they are first needed, and stay open: what they hold of
 * the file is there for the next question. Any thread may call these. */
#ifndef ROLLUP_STORE_READERS_H
#define ROLLUP_STORE_READERS_H

#include "store.h"

struct store_readers;
/* At most `most` of them at once, 1..LIMIT_STORE_READERS; `path` is copied. NULL: no
 * memory. */
struct store_readers *store_readers_create(const char *path, unsigned most);
/* All were given back. */
void store_readers_destroy(struct store_readers **readers);

enum store_turn {
    STORE_TURN,      /* *reader is the caller's until store_readers_give */
    STORE_BUSY,      /* until then all were in use */
    STORE_UNREADABLE /* the file can't be opened: `error` is one line for people */
};
/* Waits for a reader until clock_monotonic_ms is `until_ms`, which is also how long its
 * questions may take: see store_reader_until. */
enum store_turn store_readers_take(struct store_readers *readers, int64_t until_ms,
                                   struct store_reader **reader, char *error, size_t error_size);
void store_readers_give(struct store_readers *readers, struct store_reader **reader);

#endif
