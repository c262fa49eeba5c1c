/* What all endpoints have in common: a request's parameters, a reader, the stream that
 * is meant, the calendar; then its own answer; and what went wrong as a problem. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_ask.h"
#include "clock.h"
#include "limits.h"
#include "store_readers.h"

static const struct api_endpoint *const endpoints[] = {
    &api_uniques, &api_actives, &api_so_far, &api_returning, &api_retention, &api_streams,
    &api_openapi};
#define ENDPOINTS (sizeof(endpoints) / sizeof(endpoints[0]))
/* Streams that are named to whom did not say which. */
#define STREAMS_NAMED 5

struct api_place {
    struct api *api;
    const struct api_endpoint *endpoint;
};

struct api {
    struct api_options options;
    struct store_readers *readers;
    struct api_place places[ENDPOINTS];
    struct http_route routes[ENDPOINTS + 1];
};

/* The end of the minute that is running: an answer stays the same for a minute when
 * nothing comes in, and the minute is in it. */
static int64_t now_s(const struct api *api)
{
    int64_t now_ms = api->options.wall_ms ? api->options.wall_ms(api->options.context)
                                          : clock_wall_ms();
    int64_t end_s = (now_ms / 60000 + 1) * 60;

    return end_s < 0 ? 0 : end_s > LIMIT_TIME_S ? LIMIT_TIME_S : end_s;
}

/* Streams as they are told, one after the other. */
struct streams {
    const char *wanted; /* or NULL */
    char *found;        /* owned: the wanted one, or the first */
    size_t count;
    struct text names;  /* of the first */
};

static void see_stream(void *context, const char *name)
{
    struct streams *streams = context;

    if (streams->wanted ? strcmp(streams->wanted, name) == 0 : streams->count == 0)
        streams->found = strdup(name);
    if (streams->count < STREAMS_NAMED)
        text_format(&streams->names, "%s%.80s", streams->count ? ", " : "", name);
    streams->count++;
}

static bool choose_stream(struct api_ask *ask, struct streams *streams)
{
    const char *more = streams->count > STREAMS_NAMED ? ", ..." : "";

    if (streams->count == 0 && !streams->wanted)
        streams->found = strdup(""); /* nothing was read yet: nothing is known */
    if (streams->names.failed || (!streams->found && !streams->wanted))
        return api_no_memory(ask);
    if (!streams->found)
        return api_fail(&ask->problem, 404, "stream", "there is no stream %.100s; there is %s%s",
                        streams->wanted, streams->count ? streams->names.bytes : "none", more);
    if (!streams->wanted && streams->count > 1)
        return api_fail(&ask->problem, 400, "stream", "there are %zu streams, so one has to be "
                        "named: %s%s", streams->count, streams->names.bytes, more);
    return true;
}

static bool find_stream(struct api_ask *ask)
{
    struct streams streams = {.wanted = ask->query.stream};
    bool good = store_streams(ask->reader, see_stream, &streams);

    if (good)
        good = choose_stream(ask, &streams);
    else
        api_fail_store(ask, store_reader_error(ask->reader));
    text_free(&streams.names);
    ask->stream = streams.found;
    return good;
}

static bool take_reader(struct api *api, struct api_ask *ask)
{
    char error[1200];

    switch (store_readers_take(api->readers, ask->deadline_ms, &ask->reader, error,
                               sizeof error)) {
    case STORE_TURN:
        return true;
    case STORE_UNREADABLE:
        return api_fail_store(ask, error);
    default:
        return api_fail(&ask->problem, 503, NULL, "so many requests are being answered that this "
                        "one had no turn in time");
    }
}

static bool make_calendar(struct api_ask *ask)
{
    const struct calendar_options options = {.grain = ask->query.by,
                                             .week_start = ask->query.week_start,
                                             .zone = ask->query.zone};
    char error[256];

    ask->calendar = calendar_create(&options, error, sizeof error);
    return ask->calendar || api_fail(&ask->problem, 400, "tz", "%s", error);
}

static bool ask_and_answer(struct api_ask *ask, const struct api_place *place,
                           const struct http_request *request, struct text *body)
{
    const struct api_rules *rules = &place->endpoint->rules;

    ask->deadline_ms = clock_monotonic_ms() + place->api->options.time_ms;
    if (!api_query_parse(request, rules, now_s(place->api), &ask->query, &ask->problem))
        return false;
    if ((rules->parameters & API_TZ) && !make_calendar(ask))
        return false;
    if (!take_reader(place->api, ask))
        return false;
    if ((rules->parameters & API_STREAM) && !find_stream(ask))
        return false;
    return place->endpoint->answer(ask, body) && (!body->failed || api_no_memory(ask));
}

static void handle(void *context, const struct http_request *request,
                   struct http_response *response)
{
    const struct api_place *place = context;
    struct api_ask ask = {.reader = NULL};

    if (ask_and_answer(&ask, place, request, &response->body)) {
        response->type = ask.query.csv ? "text/csv; charset=utf-8" : "application/json";
        response->file_name = ask.query.csv ? place->endpoint->file_name : NULL;
    } else {
        http_problem(response, ask.problem.status, ask.problem.parameter, "%s",
                     ask.problem.detail);
        response->retry_after_s = ask.problem.status == 503;
    }
    rollup_destroy(&ask.rollup);
    if (ask.reader)
        store_readers_give(place->api->readers, &ask.reader);
    calendar_destroy(&ask.calendar);
    free(ask.stream);
}

struct api *api_create(const struct api_options *options, char *error, size_t error_size)
{
    struct api *api = calloc(1, sizeof *api);

    if (!api) {
        snprintf(error, error_size, "no memory");
        return NULL;
    }
    api->options = *options;
    if (api->options.time_ms == 0)
        api->options.time_ms = LIMIT_API_TIME_MS;
    api->readers = store_readers_create(options->db, LIMIT_API_READERS);
    if (!api->readers) {
        snprintf(error, error_size, "no memory");
        api_destroy(&api);
        return NULL;
    }
    for (size_t i = 0; i < ENDPOINTS; i++) {
        api->places[i] = (struct api_place){api, endpoints[i]};
        api->routes[i] = (struct http_route){.path = endpoints[i]->path, .handler = handle,
                                             .context = &api->places[i]};
    }
    return api;
}

void api_destroy(struct api **api)
{
    if (!*api)
        return;
    store_readers_destroy(&(*api)->readers);
    free(*api);
    *api = NULL;
}

const struct http_route *api_routes(struct api *api)
{
    return api->routes;
}
