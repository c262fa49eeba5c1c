/* A store of known users behind the API's handlers, which are called as the server does. */
#ifndef SUPPORT_API_KIT_H
#define SUPPORT_API_KIT_H

#include "api.h"
#include "number.h"
#include "store_kit.h"

#define API_KIT_USERS 400 /* their ids are 0 to that */

struct api_kit {
    struct store_kit kit;
    struct api *api;
    int64_t now_ms;
    uint64_t sequence, named, checkpoints;
    struct http_response response; /* the last */
};

static inline int64_t api_kit_clock(void *context)
{
    return ((struct api_kit *)context)->now_ms;
}

static inline struct hc_sketch *api_kit_sketch(void)
{
    const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
    struct hc_sketch *sketch;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    return sketch;
}

/* A record of this sketch, which is destroyed. */
static inline void api_kit_add(struct api_kit *kit, struct store *store, const char *stream,
                               int64_t minute_s, struct hc_sketch *sketch)
{
    const struct record record = {
        .kind = RECORD_SKETCH,
        .sketch = {.stream = stream, .minute_s = minute_s, .group = "{}", .state = RECORD_CLOSED,
                   .whole = true, .instance = "h/1/0", .epoch_ms = 1, .sequence = ++kit->sequence,
                   .fields = "f", .sketch = sketch}};

    ck_assert_int_eq(store_add(store, &record), STORE_TAKEN);
    hc_sketch_destroy(&sketch);
}

/* Of the users whose place in `users` is true. */
static inline void api_kit_minute(struct api_kit *kit, struct store *store, const char *stream,
                                  int64_t minute_s, const bool *users)
{
    struct hc_sketch *sketch = api_kit_sketch();

    for (int id = 0; id < API_KIT_USERS; id++) {
        if (users[id])
            hc_sketch_add(sketch, &id, sizeof id, NULL);
    }
    api_kit_add(kit, store, stream, minute_s, sketch);
}

/* Of the users from `from` to `to` - 1. */
static inline void api_kit_range(struct api_kit *kit, struct store *store, const char *stream,
                                 int64_t minute_s, int from, int to)
{
    struct hc_sketch *sketch = api_kit_sketch();

    for (int id = from; id < to; id++)
        hc_sketch_add(sketch, &id, sizeof id, NULL);
    api_kit_add(kit, store, stream, minute_s, sketch);
}

/* Everything since the last one was read, and the clock stands at `watermark_s`. */
static inline void api_kit_checkpoint(struct api_kit *kit, struct store *store, const char *stream,
                                      int64_t watermark_s)
{
    int64_t number = (int64_t)++kit->checkpoints;
    const struct record_partition partition = {
        .from = number - 1, .to = number, .watermark_s = watermark_s};
    const struct record record = {
        .kind = RECORD_CHECKPOINT,
        .checkpoint = {.stream = stream, .instance = "h/1/0", .epoch_ms = 1,
                       .number = (uint64_t)number, .cluster = "c", .topic = "t",
                       .partitions_total = 1, .input_group = "g",
                       .sequence_first = kit->named + 1, .sequence_last = kit->sequence,
                       .partitions = &partition, .partitions_count = 1}};

    ck_assert_int_eq(store_add(store, &record), STORE_TAKEN);
    kit->named = kit->sequence;
}

static inline void api_kit_start(struct api_kit *kit)
{
    const struct api_options options = {
        .db = kit->kit.path, .wall_ms = api_kit_clock, .context = kit};
    char error[256];

    kit->api = api_create(&options, error, sizeof error);
    ck_assert_msg(kit->api != NULL, "%s", error);
}

static inline void api_kit_clear(struct api_kit *kit)
{
    text_free(&kit->response.body);
    kit->response = (struct http_response){.status = 200};
}

static inline void api_kit_stop(struct api_kit *kit)
{
    api_kit_clear(kit);
    api_destroy(&kit->api);
}

/* GET `target`, "/api/v1/uniques?by=day&tz=UTC", without escapes; the status. */
static inline int api_kit_get(struct api_kit *kit, const char *target)
{
    char copy[1024], *rest = copy, *word;
    struct http_field fields[32];
    struct http_request request = {.query = fields};
    const struct http_route *route = api_routes(kit->api);

    api_kit_clear(kit);
    ck_assert_int_lt(snprintf(copy, sizeof copy, "%s", target), (int)sizeof copy);
    request.path = strsep(&rest, "?");
    while (rest && (word = strsep(&rest, "&"))) {
        fields[request.query_count].name = strsep(&word, "=");
        fields[request.query_count++].value = word ? word : "";
    }
    while (route->handler && strcmp(route->path, request.path) != 0)
        route++;
    ck_assert_msg(route->handler != NULL, "%s", target);
    route->handler(route->context, &request, &kit->response);
    ck_assert(!kit->response.body.failed);
    return kit->response.status;
}

/* A request that is refused, and the parameter that the answer names. */
struct api_kit_wrong {
    const char *target;
    int status;
    const char *parameter;
};

static inline void api_kit_refuses(struct api_kit *kit, const struct api_kit_wrong *wrong)
{
    int status = api_kit_get(kit, wrong->target);
    char expected[64];

    snprintf(expected, sizeof expected, "\"parameter\":\"%s\"", wrong->parameter);
    ck_assert_msg(status == wrong->status && strstr(kit->response.body.bytes, expected) != NULL,
                  "%s: %d, %s", wrong->target, status, kit->response.body.bytes);
}

/* The next line of the body that is a row from *at on, which moves behind it; or NULL. */
static inline char *api_kit_row(char **at)
{
    char *line;

    while ((line = strsep(at, "\n"))) {
        if (strncmp(line, "{\"start\":", 9) == 0)
            return line;
    }
    return NULL;
}

/* What stands behind "name": in a row. */
static inline const char *api_kit_member(const char *row, const char *name)
{
    char key[64];
    const char *found;

    snprintf(key, sizeof key, "\"%s\":", name);
    found = strstr(row, key);
    ck_assert_msg(found != NULL, "no %s in %s", name, row);
    return found + strlen(key);
}

static inline double api_kit_number(const char *row, const char *name)
{
    return strtod(api_kit_member(row, name), NULL);
}

static inline int64_t api_kit_time(const char *row, const char *name)
{
    int64_t time_s;

    ck_assert(number_rfc3339_s(api_kit_member(row, name) + 1, 20, &time_s));
    return time_s;
}

static inline bool api_kit_is(const char *row, const char *name, const char *value)
{
    return strncmp(api_kit_member(row, name), value, strlen(value)) == 0;
}

#endif
