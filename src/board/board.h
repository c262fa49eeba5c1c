/* The board's own loop: records into the store, and what has to be done beside it. */
#ifndef BOARD_BOARD_H
#define BOARD_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest.h"
#include "totals.h"

struct board_options {
    struct store *store;       /* borrowed */
    struct source *source;     /* borrowed; NULL: what is in the store is all there is */
    bool live;                 /* the source goes on for ever: a topic */
    bool exit_at_end;          /* leave when the source is at its end, or the store fails; else wait
                                  for *stop */
    int64_t keep_minutes_ms;   /* 0: for ever */
    struct totals *totals;     /* borrowed; or NULL */
    const struct ingest_follower *followers; /* borrowed; see ingest.h. Or NULL */
};

struct board;
struct board *board_create(const struct board_options *options); /* NULL: no memory */
void board_destroy(struct board **board);

enum board_result {
    BOARD_DONE,      /* all that was read is written */
    BOARD_UNWRITTEN, /* the store could not be written to the end; board_error */
    BOARD_FAILED     /* the source can't be read; board_error. What was read is written */
};
/* Until *stop is set, or the end; then what was read is written. */
enum board_result board_run(struct board *board, const atomic_int *stop);
/* Of the thread that ran it. */
const char *board_error(const struct board *board);

struct board_partition {
    int32_t partition;
    int64_t position;
    int64_t lag;     /* records not yet read; -1: not known */
    int64_t end;     /* where it ended when that was first known; -1: not yet */
    int64_t good_ms; /* monotonic: when records came, or its broker said there are none */
};

/* How it goes. */
struct board_state {
    struct ingest_counts counts;
    bool reads_topic;
    const char *topic;            /* that is assigned, or NULL */
    const struct board_partition *partitions; /* [partitions_count] */
    size_t partitions_count;
    bool held;                    /* the store can't be written */
    bool loaded;                  /* what was there at the start has been read and written */
    int64_t turn_ms;              /* monotonic: when the loop last went round */
};
/* Any thread. `see` may not call the board; what it is given is borrowed. */
void board_look(struct board *board,
                void (*see)(void *context, const struct board_state *state), void *context);

#endif
