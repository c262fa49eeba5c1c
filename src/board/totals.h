/* Totals for those who can't merge sketches: small JSON on a topic, by hour, day, week,
 * month and year of UTC, each again whenever it changes.
 *
 * A total is keyed by stream, grain, zone, start and group, and replaces the one before:
 * the topic may be compacted. What is due stands in the store, written with what
 * made it due, and is struck off when the broker has acknowledged it: a board that is
 * killed sends it again. A thread of its own asks the store and waits for the brokers;
 * what they do holds nobody up. */
#ifndef BOARD_TOTALS_H
#define BOARD_TOTALS_H

#include <stdint.h>

#include "emit.h"
#include "store.h"

struct totals_options {
    const char *db;                        /* borrowed; its writer notes dues */
    const struct emit_kafka_options *emit; /* borrowed, as what it borrows */
};

struct totals_counts {
    uint64_t sent;   /* acknowledged */
    uint64_t failed; /* not acknowledged; sent again */
};

struct totals;
/* Starts. NULL with one line for people in `error`. */
struct totals *totals_start(const struct totals_options *options, char *error, size_t error_size);
/* Ends within some seconds, and frees it. */
void totals_stop(struct totals **totals);

/* For the store's own thread, now and then: strikes off what was acknowledged. How many;
 * the next flush writes it. */
size_t totals_settle(struct totals *totals, struct store *store);
/* Any thread. */
struct totals_counts totals_counts(struct totals *totals);

#endif
