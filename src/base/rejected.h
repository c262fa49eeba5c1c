/* A frame that was set aside: the line of a rejects file, and the header line
 * under which kcat prints a message of a rejects topic. docs/FORMAT.md describes
 * both. */
#ifndef BASE_REJECTED_H
#define BASE_REJECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "message.h"
#include "text.h"

struct rejected {
    const char *reason;   /* terminated; a name of frame.h, or of another version */
    const char *source;   /* terminated; "topic/partition", or the file */
    int64_t position;     /* in the source */
    int64_t time_s;       /* when it was rejected; 0..LIMIT_TIME_S */
    int64_t timestamp_ms; /* of its Kafka record, or MESSAGE_NO_TIMESTAMP */
    size_t size;          /* of the frame as it came */
    const char *key;      /* of its Kafka record, or NULL */
    size_t key_size;
    const char *frame;    /* [size]; NULL: see below */
    bool kept;            /* else only the facts about it: `frame` is NULL. Kept and NULL is a
                           * record without value */
};

/* Appends the line of a rejects file, without its line end. */
void rejected_write(const struct rejected *rejected, struct text *line);

/* Reads such a line for what counting the frame again needs: timestamp, size,
 * key, frame, kept; the rest is left empty. The bytes go to `key` and `frame`,
 * which are emptied first. NULL, or what is wrong, a constant. */
const char *rejected_read(struct json *json, const char *line, size_t size, struct text *key,
                          struct text *frame, struct rejected *rejected);

/* The line "key size TAB value size TAB headers" before a message's key and
 * value as kcat prints them. Writes the facts; the bytes and their number, -1 for
 * none, are left to the caller: *key_size and *value_size follow. The strings
 * are in `names`, which is emptied first. False: it is not such a line. */
bool rejected_read_headers(const char *line, size_t size, struct text *names,
                           struct rejected *rejected, int64_t *key_size, int64_t *value_size);

#endif
