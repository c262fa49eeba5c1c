/* Shared by figures*.c, not for others. */
#ifndef CMD_FIGURES_INSIDE_H
#define CMD_FIGURES_INSIDE_H

#include <pthread.h>

#include "figures.h"
#include "health.h"
#include "limits.h"
#include "metrics.h"
#include "error_tally.h"

/* A partition, and since when it gets on. */
struct figures_partition {
    struct pipeline_partition told;
    struct health_progress progress;
};

struct figures_worker {
    bool told, ended;
    struct pipeline_status status;
    struct figures_partition *partitions; /* [status.partitions] */
    struct health_progress turning;    /* its loop comes round */
    struct health_progress publishing; /* what it read is published */
    struct health_progress committing; /* and committed */
    struct health_progress assigned;   /* it has partitions */
};

struct figures {
    pthread_mutex_t lock; /* of all below */
    const struct config *config;
    struct http_route routes[5];
    struct http_server *server;
    struct kafka_tally *tally;
    struct figures_worker workers[LIMIT_WORKERS];
    size_t count;
};

/* figures_health.c. What is wrong, or NULL; static. Locked. */
const char *figures_unhealthy(const struct figures *figures, int64_t now_ms);
const char *figures_unready(const struct figures *figures, int64_t now_ms);
/* Notes what has got on between two tellings of a worker. `partitions` are those
 * told before, and how many they were; the present ones are in the worker. */
void figures_note(struct figures_worker *worker, const struct pipeline_status *before,
                  const struct figures_partition *partitions, int64_t now_ms);

/* figures_page.c. Locked. */
void figures_page(const struct figures *figures, struct text *page);

#endif
