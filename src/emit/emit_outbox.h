/* Lines that wait to be written, and tokens that wait for them to be safe.
 * Private to the emitters that write to a descriptor.
 *
 *   bytes:  | safe, gone | written | not written |
 *           0            base      written       size
 *
 * Each token stands at the end of its line and comes back when `safe` has
 * passed it. Bounded: LIMIT_RECORDS_IN_FLIGHT lines, OUTBOX_BYTES bytes or one
 * line. */
#ifndef EMIT_OUTBOX_H
#define EMIT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit.h"

#define OUTBOX_BYTES (1024 * 1024)

struct outbox_mark {
    uint64_t token;
    uint64_t end; /* stream position behind its line */
};

/* Positions count all bytes ever added. */
struct outbox {
    char *bytes;          /* from `base` on */
    size_t size, room;
    uint64_t base;        /* everything below is safe and forgotten */
    uint64_t written;
    uint64_t safe;
    uint64_t lost_from, lost_to; /* was dropped: between the two */
    struct outbox_mark *marks; /* ring of LIMIT_RECORDS_IN_FLIGHT */
    size_t first, count;
};

/* False: no memory. */
bool outbox_init(struct outbox *box);
void outbox_free(struct outbox *box);

/* Adds a line and its end for `token`; with `line` NULL no byte, only the
 * token. FULL when there is no room (or no memory). */
enum emit_result outbox_add(struct outbox *box, uint64_t token, const char *line, size_t size);
/* What write(2) should take next; 0 when nothing is left. */
size_t outbox_unwritten(const struct outbox *box, const char **bytes);
void outbox_wrote(struct outbox *box, size_t size);
/* All that was written is safe. */
void outbox_synced(struct outbox *box);
/* What was written since the last sync is doubtful: it will be written again. */
void outbox_rewind(struct outbox *box);
/* How many bytes of an unfinished line were written last. */
size_t outbox_torn(const struct outbox *box);
/* They were taken back, and will be written again. */
void outbox_unwrote(struct outbox *box, size_t size);
/* Drops the lines that are not safe. Their tokens come with an error; until they
 * were fetched there is no room. */
void outbox_drop(struct outbox *box);
/* Whether something was written and is not safe. */
bool outbox_unsynced(const struct outbox *box);
/* Tokens of safe lines; with `error`, all tokens, which also drops the lines. */
size_t outbox_acks(struct outbox *box, const char *error, struct emit_ack *acks, size_t room);

/* Writes to `fd` as far as it takes bytes within `timeout_ms`. 0, or errno. A
 * pipe or terminal is never blocked on; EAGAIN and EINTR are no errors. */
int outbox_write(struct outbox *box, int fd, int timeout_ms);

#endif
