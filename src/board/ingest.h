/* Records on their way from a source into the store.
 *
 * Nothing is dropped that a retry could save: while the store can't be written the
 * source is held, what was read stays, and the write is tried again every second. */
#ifndef BOARD_INGEST_H
#define BOARD_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "source.h"
#include "store.h"

/* Who wants to know of each record that the store took, and when all of them are
 * written. On the thread that calls ingest_turn. */
struct ingest_follower {
    void (*taken)(void *context, const struct record *record);
    void (*written)(void *context);
    void *context;
};

struct ingest_options {
    struct store *store;   /* borrowed */
    struct source *source; /* borrowed; of record lines, one a message */
    int64_t flush_ms;      /* what was read is written at most so much later */
    const struct ingest_follower *followers; /* borrowed; one without `taken` ends them. Or NULL */
};

struct ingest_counts {
    uint64_t records;  /* taken */
    uint64_t refused;  /* no records, or none that fit their stream */
    uint64_t missing;  /* positions that the broker lost before they were read */
    uint64_t flushes, failures; /* of store_flush */
};

struct ingest;
struct ingest *ingest_create(const struct ingest_options *options); /* NULL: no memory */
void ingest_destroy(struct ingest **ingest);

enum ingest_state {
    INGEST_GOING,
    INGEST_HELD,   /* the store can't be written now */
    INGEST_END,    /* everything was read and written */
    INGEST_FAILED  /* the source can't be read any more, or there was no memory; ingest_error */
};
/* One step: what the source has, after at most `timeout_ms`. `now_ms` is monotonic. */
enum ingest_state ingest_turn(struct ingest *ingest, int timeout_ms, int64_t now_ms);

const struct ingest_counts *ingest_counts(const struct ingest *ingest);
/* What is being read, or NULL; borrowed until the next turn. */
const struct source_assignment *ingest_assignment(const struct ingest *ingest);
/* How far a partition of it was taken: the next position. */
int64_t ingest_position(const struct ingest *ingest, uint32_t slot);
const char *ingest_error(const struct ingest *ingest);

#endif
