/* What changes, told to pages as it is written: server-sent events.
 *
 *   event: rows     {"stream","profile","by":"minute","rows":[...]}: the rows of the
 *                   minutes that changed, as /api/v1/uniques has them
 *   event: changed  {"stream","from","to"}: more than is worth sending; ask again
 *   :               nothing for a while
 *
 * The thread that ingests notes what it writes and wakes those who listen. Each
 * connection reads rows for itself, on its own thread; one that is slow finds the
 * changes of all that time together when it comes back, and holds up nobody. */
#ifndef BOARD_LIVE_H
#define BOARD_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "ingest.h"
#include "store_readers.h"

struct live;
/* `readers` is borrowed. NULL: no memory. */
struct live *live_create(struct store_readers *readers);
/* The server was stopped before. */
void live_destroy(struct live **live);

/* Reads what streams the store has, before anything is ingested. False with a line
 * for people in `error`. */
bool live_start(struct live *live, char *error, size_t error_size);
/* For the thread that ingests: its `context` is the hub. */
struct ingest_follower live_follower(struct live *live);
/* A handler; its context is the hub. Parameters: stream; without it all are told. */
void live_handle(void *live, const struct http_request *request, struct http_response *response);
/* All streams end within a second. */
void live_stop(struct live *live);

/* Any thread. */
size_t live_clients(struct live *live);
/* Calls `each` with each stream and its newest minute, as far as it was seen. */
void live_newest(struct live *live,
                 void (*each)(void *context, const char *stream, int64_t minute_s), void *context);

#endif
