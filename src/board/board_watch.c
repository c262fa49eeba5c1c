/* Healthy: the loop comes round. A commit may take its time, so that it has a minute.
 *
 * Ready: what is shown is up to date, as far as a board can know. The store can be
 * written; what was there at the start has been read; and each partition moves, or
 * its broker said within half a minute that it has nothing more. Files are as slow
 * as whoever writes them. */
#include "board_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "health.h"
#include "metrics.h"

#define TURN_MS 60000
#define PATIENCE_MS 30000

struct board_watch {
    struct board_watch_options options;
    pthread_mutex_t lock;
    const struct http_server *server;
};

struct board_watch *board_watch_create(const struct board_watch_options *options)
{
    struct board_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return NULL;
    watch->options = *options;
    pthread_mutex_init(&watch->lock, NULL);
    return watch;
}

void board_watch_destroy(struct board_watch **watch)
{
    if (!*watch)
        return;
    pthread_mutex_destroy(&(*watch)->lock);
    free(*watch);
    *watch = NULL;
}

void board_watch_server(struct board_watch *watch, const struct http_server *server)
{
    pthread_mutex_lock(&watch->lock);
    watch->server = server;
    pthread_mutex_unlock(&watch->lock);
}

static bool is_stuck(int64_t good_ms, int64_t now_ms, int64_t patience_ms)
{
    const struct health_progress progress = {good_ms};

    return health_is_stuck(&progress, now_ms, patience_ms);
}

static const char *unhealthy(const struct board_state *state, int64_t now_ms)
{
    return is_stuck(state->turn_ms, now_ms, TURN_MS) ? "the loop does not come round" : NULL;
}

static const char *unready(const struct board_state *state, int64_t now_ms)
{
    const char *wrong = unhealthy(state, now_ms);

    if (wrong)
        return wrong;
    if (state->held)
        return "the store can't be written";
    if (state->reads_topic && !state->topic)
        return "no partitions are assigned";
    for (size_t i = 0; state->reads_topic && i < state->partitions_count; i++)
        if (is_stuck(state->partitions[i].good_ms, now_ms, PATIENCE_MS))
            return "a partition gives neither records nor its end";
    return state->loaded ? NULL : "what was there at the start is still being read";
}

struct verdict {
    const char *healthy, *ready;
};

static void judge(void *context, const struct board_state *state)
{
    struct verdict *verdict = context;
    int64_t now_ms = clock_monotonic_ms();

    verdict->healthy = unhealthy(state, now_ms);
    verdict->ready = unready(state, now_ms);
}

static void add_partitions(struct text *page, const struct board_state *state)
{
    metrics_family(page, METRICS_GAUGE, "headcount_board_lag_records",
                   "Records of a partition that are not read yet, as its broker last said.");
    for (size_t i = 0; i < state->partitions_count; i++) {
        char number[16];
        const struct metrics_label labels[] = {
            {"topic", state->topic}, {"partition", number}, {NULL, NULL}};

        snprintf(number, sizeof number, "%d", (int)state->partitions[i].partition);
        if (state->partitions[i].lag >= 0)
            metrics_int(page, "headcount_board_lag_records", labels, state->partitions[i].lag);
    }
}

static void add_state(void *context, const struct board_state *state)
{
    struct text *page = context;
    const struct ingest_counts *counts = &state->counts;

    metrics_counter(page, "headcount_board_records_total", "Records taken.", counts->records);
    metrics_counter(page, "headcount_board_refused_records_total",
                    "What was read and is no record, or none that fits its stream.",
                    counts->refused);
    metrics_counter(page, "headcount_board_missing_records_total",
                    "Records that the topic let go before they were read.", counts->missing);
    metrics_counter(page, "headcount_board_flushes_total", "Writes to the store.",
                    counts->flushes);
    metrics_counter(page, "headcount_board_flush_failures_total",
                    "Writes to the store that failed; nothing is lost by one.", counts->failures);
    metrics_gauge(page, "headcount_board_held",
                  "1 while reading waits for the store to be writable, else 0.", state->held);
    metrics_gauge(page, "headcount_board_ready", "1 when /-/ready says so, else 0.",
                  !unready(state, clock_monotonic_ms()));
    if (state->reads_topic)
        add_partitions(page, state);
}

static void add_newest(void *context, const char *stream, int64_t minute_s)
{
    const struct metrics_label labels[] = {{"stream", stream}, {NULL, NULL}};

    metrics_int(context, "headcount_board_newest_minute_timestamp_seconds", labels, minute_s);
}

/* The file and what of it is still in its journal. */
static int64_t store_bytes(const char *db)
{
    static const char *const parts[] = {"", "-wal"};
    int64_t size = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char path[4096];
        struct stat found;

        snprintf(path, sizeof path, "%s%s", db, parts[i]);
        if (stat(path, &found) == 0)
            size += found.st_size;
    }
    return size;
}

static void add_totals(struct text *page, struct totals_counts counts)
{
    metrics_counter(page, "headcount_board_totals_total",
                    "Totals that the brokers acknowledged (--totals).", counts.sent);
    metrics_counter(page, "headcount_board_totals_failed_total",
                    "Totals that they did not; they are sent again.", counts.failed);
}

static void metrics(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct board_watch *watch = context;
    struct text *page = &response->body;
    const struct metrics_label libraries[] = {{"librdkafka", watch->options.kafka}, {NULL, NULL}};

    (void)request;
    response->type = METRICS_TYPE;
    response->cache = "no-store";
    metrics_program(page, libraries);
    board_look(watch->options.board, add_state, page);
    metrics_gauge(page, "headcount_board_store_bytes", "Size of the store.",
                  store_bytes(watch->options.db));
    metrics_family(page, METRICS_GAUGE, "headcount_board_newest_minute_timestamp_seconds",
                   "When the newest minute that was read begins, by stream.");
    live_newest(watch->options.live, add_newest, page);
    metrics_gauge(page, "headcount_board_live_clients", "Pages that are told of changes live.",
                  (int64_t)live_clients(watch->options.live));
    add_totals(page, watch->options.totals ? totals_counts(watch->options.totals)
                                           : (struct totals_counts){0});
    pthread_mutex_lock(&watch->lock);
    if (watch->server)
        metrics_http(page, watch->server);
    pthread_mutex_unlock(&watch->lock);
}

static void healthy(void *context, const struct http_request *request,
                    struct http_response *response)
{
    const struct board_watch *watch = context;
    struct verdict verdict;

    (void)request;
    board_look(watch->options.board, judge, &verdict);
    health_answer(response, "healthy", verdict.healthy);
}

static void ready(void *context, const struct http_request *request,
                  struct http_response *response)
{
    const struct board_watch *watch = context;
    struct verdict verdict;

    (void)request;
    board_look(watch->options.board, judge, &verdict);
    health_answer(response, "ready", verdict.ready);
}

void board_watch_routes(struct board_watch *watch, struct http_route routes[BOARD_WATCH_ROUTES])
{
    routes[0] = (struct http_route){"/metrics", metrics, watch, false};
    routes[1] = (struct http_route){"/-/healthy", healthy, watch, true};
    routes[2] = (struct http_route){"/-/ready", ready, watch, true};
}
