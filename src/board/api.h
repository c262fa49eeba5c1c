/* The board's API: what a store holds as rows of JSON and CSV, under /api/v1/.
 *
 *   uniques    users of each minute, hour, day, week, month, year, or of all
 *   actives    users of each day, of the 7 and the 28 days up to it
 *   so-far     users of a day up to each of its minutes or hours
 *   returning  of a bucket's users, how many were there before
 *   retention  of a bucket's users, how many are there later
 *   streams    what there is to ask for
 *
 * Handlers run on many threads at a time, each with a reader of its own out of a few;
 * rows, time and memory of one request are bounded (limits.h). No number is additive:
 * every row says so. */
#ifndef BOARD_API_H
#define BOARD_API_H

#include <stddef.h>
#include <stdint.h>

#include "http.h"

struct api_options {
    const char *db;                     /* a store that a writer has made; borrowed */
    int64_t (*wall_ms)(void *context);  /* the time of day; NULL: this machine's */
    void *context;                      /* of wall_ms */
    int64_t time_ms;                    /* for one answer; 0: LIMIT_API_TIME_MS */
};

struct api;
/* NULL with one line for people in `error`. */
struct api *api_create(const struct api_options *options, char *error, size_t error_size);
/* No handler runs any more. */
void api_destroy(struct api **api);
/* For http_server_start: borrowed for the api's life. A NULL handler ends them. */
const struct http_route *api_routes(struct api *api);

#endif
