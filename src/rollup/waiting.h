/* A checkpoint whose sequences have not all been read, as it waits in memory, and
 * as bytes of a file. Private to coverage. */
#ifndef ROLLUP_WAITING_H
#define ROLLUP_WAITING_H

#include "coverage_source.h"
#include "text.h"

struct start;

/* A copy in one block. Of the record, what source_count and the search for its
 * sequences look at; its strings are NULL. */
struct waiting {
    struct start *start;
    struct source *source;
    struct record_checkpoint record;
    size_t size; /* of the block */
    bool repeated;
    bool shelved; /* was taken from a shelf, see coverage_state.h */
};

/* To be freed with free(); NULL: no memory. */
struct waiting *waiting_create(const struct record_checkpoint *record);

/* Appends what waiting_read makes it again from: but for `start`, `source`, the
 * record's number and `repeated`. */
void waiting_write(const struct waiting *waiting, struct text *text);
/* Bytes of waiting_write, and nothing else. NULL: no memory. */
struct waiting *waiting_read(const unsigned char *bytes, size_t size);

#endif
