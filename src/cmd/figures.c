#include "figures.h"

#include <stdlib.h>

#include "clock.h"
#include "figures_inside.h"

static void metrics(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct figures *figures = context;

    (void)request;
    response->type = METRICS_TYPE;
    response->cache = "no-store";
    pthread_mutex_lock(&figures->lock);
    figures_page(figures, &response->body);
    pthread_mutex_unlock(&figures->lock);
}

static void healthy(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct figures *figures = context;
    const char *wrong;

    (void)request;
    pthread_mutex_lock(&figures->lock);
    wrong = figures_unhealthy(figures, clock_monotonic_ms());
    pthread_mutex_unlock(&figures->lock);
    health_answer(response, "healthy", wrong);
}

static void ready(void *context, const struct http_request *request,
                  struct http_response *response)
{
    struct figures *figures = context;
    const char *wrong;

    (void)request;
    pthread_mutex_lock(&figures->lock);
    wrong = figures_unready(figures, clock_monotonic_ms());
    pthread_mutex_unlock(&figures->lock);
    health_answer(response, "ready", wrong);
}

static void front(void *context, const struct http_request *request,
                  struct http_response *response)
{
    (void)context, (void)request;
    response->type = "text/plain; charset=utf-8";
    text_string(&response->body, "headcountd " HEADCOUNT_VERSION
                                 "\n/metrics    for Prometheus\n/-/healthy  its loops turn\n"
                                 "/-/ready    it reads, and what it reads is published\n");
}

struct figures *figures_create(const struct config *config)
{
    struct figures *figures = calloc(1, sizeof *figures);

    if (!figures)
        return NULL;
    figures->tally = kafka_tally_create();
    if (!figures->tally || pthread_mutex_init(&figures->lock, NULL) != 0) {
        kafka_tally_release(&figures->tally);
        free(figures);
        return NULL;
    }
    figures->config = config;
    figures->count = (size_t)config->workers;
    figures->routes[0] = (struct http_route){"/metrics", metrics, figures, false};
    figures->routes[1] = (struct http_route){"/-/healthy", healthy, figures, true};
    figures->routes[2] = (struct http_route){"/-/ready", ready, figures, true};
    figures->routes[3] = (struct http_route){"/", front, figures, false};
    return figures;
}

void figures_destroy(struct figures **figures)
{
    struct figures *gone = *figures;

    if (!gone)
        return;
    figures_close(gone);
    for (size_t i = 0; i < gone->count; i++)
        free(gone->workers[i].partitions);
    kafka_tally_release(&gone->tally);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
    *figures = NULL;
}

struct kafka_tally *figures_tally(struct figures *figures)
{
    return figures->tally;
}

bool figures_listen(struct figures *figures, char *error, size_t error_size)
{
    const struct http_server_options options = {.listen = figures->config->listen,
                                                .routes = figures->routes,
                                                .token_file = figures->config->token_file};
    bool listens;

    /* Who is there first waits for the server to be known. */
    pthread_mutex_lock(&figures->lock);
    figures->server = http_server_start(&options, error, error_size);
    listens = figures->server != NULL;
    pthread_mutex_unlock(&figures->lock);
    return listens;
}

void figures_close(struct figures *figures)
{
    http_server_stop(&figures->server);
}

/* The partitions of a pipeline; false: no memory, and none. */
static bool take_partitions(const struct pipeline *pipeline, size_t count,
                            struct figures_partition **partitions)
{
    *partitions = calloc(count + 1, sizeof **partitions);
    if (!*partitions)
        return false;
    for (size_t i = 0; i < count; i++)
        pipeline_partition(pipeline, i, &(*partitions)[i].told);
    return true;
}

static void tell(struct figures *figures, size_t number, const struct pipeline *pipeline,
                 bool ended)
{
    struct figures_worker *worker = &figures->workers[number];
    struct figures_partition *partitions, *before;
    struct pipeline_status status, status_before;

    pipeline_status(pipeline, &status);
    if (!take_partitions(pipeline, status.partitions, &partitions))
        status.partitions = 0;
    pthread_mutex_lock(&figures->lock);
    before = worker->partitions;
    status_before = worker->status;
    worker->partitions = partitions;
    worker->status = status;
    figures_note(worker, &status_before, before, clock_monotonic_ms());
    worker->told = true;
    worker->ended = ended;
    pthread_mutex_unlock(&figures->lock);
    free(before);
}

void figures_tell(struct figures *figures, size_t number, const struct pipeline *pipeline)
{
    tell(figures, number, pipeline, false);
}

void figures_ended(struct figures *figures, size_t number, const struct pipeline *pipeline)
{
    tell(figures, number, pipeline, true);
}
