/* See board_run.h. Parts are made in the order of the data path, and freed in
 * reverse: store, source, live, API, board, server. */
#include "board_run.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "board.h"
#include "board_watch.h"
#include "clock.h"
#include "http.h"
#include "limits.h"
#include "live.h"
#include "log.h"
#include "page.h"
#include "properties.h"
#include "random.h"
#include "shown.h"
#include "store.h"

/* Readers that tell what is new: they are not to wait for long questions to the API. */
#define LIVE_READERS 2

struct parts {
    const struct board_config *config;
    struct store *store;
    struct kafka_properties *properties;
    struct source *source;
    struct store_readers *readers;
    struct live *live;
    struct api *api;
    struct totals *totals;
    struct board *board;
    struct board_watch *watch;
    struct http_server *server;
    struct ingest_follower followers[LIMIT_BOARD_FOLLOWERS + 1];
    struct http_route routes[LIMIT_BOARD_ROUTES + 1];
    size_t routes_count;
    struct emit_kafka_options emit;
    char error[1200];
};

static int exit_unmade(const void *made)
{
    return made ? CONFIG_EXIT_DONE : CONFIG_EXIT_FAILED;
}

static int make_store(struct parts *parts)
{
    const struct store_options options = {.path = parts->config->db,
                                          .dues = parts->config->totals != NULL};
    parts->store = store_open(&options, parts->error, sizeof parts->error);
    return exit_unmade(parts->store);
}

/* The store knows where it was. */
static int64_t go_on(void *store, const char *cluster, const char *topic, int32_t partition)
{
    struct store_position position = {cluster, topic, partition, -1};
    return store_go_on(store, &position) == 1 ? position.next : -1;
}

/* A group of its own for each start: nobody else shall get a share of the partitions,
 * and nothing is kept there. */
static int make_topic_source(struct parts *parts)
{
    const struct source_kafka_positions positions = {go_on, parts->store};
    char group[64];
    uint64_t random;
    if (!random_u64(&random)) {
        snprintf(parts->error, sizeof parts->error, "no random numbers from the system");
        return CONFIG_EXIT_FAILED;
    }
    snprintf(group, sizeof group, "headcount-board-%016" PRIx64, random);
    const struct source_kafka_options options = {.properties = parts->properties,
                                                 .topic = parts->config->topic,
                                                 .group = group,
                                                 .start_committed = true,
                                                 .positions = &positions,
                                                 .start = SOURCE_START_EARLIEST,
                                                 .exit_at_end = parts->config->exit_at_end};
    parts->source = source_kafka_create(&options, parts->error, sizeof parts->error);
    return exit_unmade(parts->source);
}

static int make_source(struct parts *parts)
{
    const struct board_config *config = parts->config;
    int code = CONFIG_EXIT_DONE;
    if (config->program.brokers)
        code = program_kafka(&config->program, &parts->properties, parts->error,
                             sizeof parts->error);
    if (code != CONFIG_EXIT_DONE)
        return code;
    if (config->topic)
        return make_topic_source(parts);
    if (config->program.files.count == 0)
        return CONFIG_EXIT_DONE;
    const struct source_file_options options = {.paths = config->program.files.items,
                                                .count = config->program.files.count,
                                                .frame_max = LIMIT_RECORD_BYTES};
    parts->source = source_file_create(&options, parts->error, sizeof parts->error);
    return exit_unmade(parts->source);
}

static void add_route(struct parts *parts, struct http_route route)
{
    assert(parts->routes_count < LIMIT_BOARD_ROUTES);
    parts->routes[parts->routes_count++] = route;
}

static void add_routes(struct parts *parts, const struct http_route *routes)
{
    for (; routes->handler; routes++)
        add_route(parts, *routes);
}

/* What is asked over HTTP. */
static int make_faces(struct parts *parts)
{
    const struct api_options api = {.db = parts->config->db};
    if (parts->config->exit_at_end)
        return CONFIG_EXIT_DONE;
    parts->readers = store_readers_create(parts->config->db, LIVE_READERS);
    parts->live = parts->readers ? live_create(parts->readers) : NULL;
    if (!parts->live || !live_start(parts->live, parts->error, sizeof parts->error))
        return CONFIG_EXIT_FAILED;
    parts->api = api_create(&api, parts->error, sizeof parts->error);
    if (!parts->api)
        return CONFIG_EXIT_FAILED;
    parts->followers[0] = live_follower(parts->live);
    add_route(parts, (struct http_route){"/api/v1/live", live_handle, parts->live, false});
    add_routes(parts, api_routes(parts->api));
    add_routes(parts, page_routes());
    return CONFIG_EXIT_DONE;
}

static int make_totals(struct parts *parts)
{
    const struct emit_kafka_options topic = {.properties = parts->properties,
                                             .topic = parts->config->totals,
                                             .partitions = -1,
                                             .record_max = LIMIT_TOTAL_BYTES,
                                             .overwrites = true};
    const struct totals_options options = {.db = parts->config->db, .emit = &parts->emit};
    if (!parts->config->totals)
        return CONFIG_EXIT_DONE;
    parts->emit = topic;
    parts->totals = totals_start(&options, parts->error, sizeof parts->error);
    return exit_unmade(parts->totals);
}

static int make_board(struct parts *parts)
{
    const struct board_config *config = parts->config;
    const struct board_options options = {.store = parts->store,
                                          .source = parts->source,
                                          .live = config->topic && !config->exit_at_end,
                                          .exit_at_end = config->exit_at_end,
                                          .keep_minutes_ms = config->keep_minutes_ms,
                                          .totals = parts->totals,
                                          .followers = parts->followers};
    parts->board = board_create(&options);
    return exit_unmade(parts->board);
}

static bool make_watch(struct parts *parts)
{
    const struct board_watch_options options = {
        parts->board, parts->live, parts->totals, parts->config->db, kafka_version()};
    struct http_route routes[BOARD_WATCH_ROUTES];
    parts->watch = board_watch_create(&options);
    if (!parts->watch)
        return false;
    board_watch_routes(parts->watch, routes);
    for (size_t i = 0; i < BOARD_WATCH_ROUTES; i++)
        add_route(parts, routes[i]);
    return true;
}

/* Last: who asks finds all of it. */
static int make_server(struct parts *parts)
{
    const struct http_server_options options = {.listen = parts->config->listen,
                                                .routes = parts->routes,
                                                .token_file = parts->config->token_file};
    if (parts->config->exit_at_end)
        return CONFIG_EXIT_DONE;
    if (!make_watch(parts))
        return CONFIG_EXIT_FAILED;
    parts->server = http_server_start(&options, parts->error, sizeof parts->error);
    board_watch_server(parts->watch, parts->server);
    return exit_unmade(parts->server);
}

static int make(struct parts *parts)
{
    int code;
    snprintf(parts->error, sizeof parts->error, "out of memory");
    code = make_store(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_source(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_faces(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_totals(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_board(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_server(parts);
    return code;
}

static void unmake(struct parts *parts)
{
    if (parts->live)
        live_stop(parts->live);
    if (parts->watch)
        board_watch_server(parts->watch, NULL);
    http_server_stop(&parts->server);
    board_watch_destroy(&parts->watch);
    board_destroy(&parts->board);
    totals_stop(&parts->totals);
    api_destroy(&parts->api);
    live_destroy(&parts->live);
    store_readers_destroy(&parts->readers);
    source_destroy(&parts->source);
    kafka_properties_destroy(&parts->properties);
    store_close(&parts->store);
}

static int run(struct parts *parts, const atomic_int *stop)
{
    switch (board_run(parts->board, stop)) {
    case BOARD_DONE:
        return CONFIG_EXIT_DONE;
    case BOARD_UNWRITTEN:
        log_event(LOG_ERROR, "not_written", LOG_S("why", board_error(parts->board)),
                  LOG_S("effect", parts->config->topic ? "it is read again at the next start"
                                                       : "read the files again"));
        break;
    case BOARD_FAILED:
        log_event(LOG_ERROR, "not_readable", LOG_S("why", board_error(parts->board)));
    }
    return CONFIG_EXIT_FAILED;
}

static int check_server(struct parts *parts)
{
    const struct http_server_options options = {.listen = parts->config->listen,
                                                .token_file = parts->config->token_file};
    if (parts->config->exit_at_end ||
        http_server_check(&options, parts->error, sizeof parts->error))
        return CONFIG_EXIT_DONE;
    return CONFIG_EXIT_CONFIG;
}

int board_program_run(const struct board_config *config, const atomic_int *stop)
{
    struct parts *parts = calloc(1, sizeof *parts);
    int code = CONFIG_EXIT_FAILED;
    if (!parts) {
        say("headcount-board: out of memory\n");
        return code;
    }
    parts->config = config;
    code = check_server(parts);
    if (code == CONFIG_EXIT_DONE)
        code = make(parts);
    if (code == CONFIG_EXIT_DONE)
        code = run(parts, stop);
    else
        say("headcount-board: %s\n", parts->error);
    unmake(parts);
    free(parts);
    return code;
}
