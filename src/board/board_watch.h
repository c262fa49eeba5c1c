/* What watchers read of a running board: /metrics, /-/healthy, /-/ready. */
#ifndef BOARD_BOARD_WATCH_H
#define BOARD_BOARD_WATCH_H

#include "board.h"
#include "http.h"
#include "live.h"

#define BOARD_WATCH_ROUTES 3

struct board_watch_options {
    struct board *board; /* these are borrowed */
    struct live *live;
    struct totals *totals; /* or NULL */
    const char *db;
    const char *kafka;   /* librdkafka's version */
};

struct board_watch;
struct board_watch *board_watch_create(const struct board_watch_options *options); /* NULL: no
                                                                                    * memory */
void board_watch_destroy(struct board_watch **watch);
void board_watch_routes(struct board_watch *watch, struct http_route routes[BOARD_WATCH_ROUTES]);
/* Whose answers are counted, once it listens; NULL: not any more. */
void board_watch_server(struct board_watch *watch, const struct http_server *server);

#endif
