/* One lock guards the log of changes, and is held for moments: to note a record, to
 * ask what is new. Rows are read without it. Clients that keep up all want the same,
 * what the last version changed of a stream: the first reads it, the others take
 * its text from a few that are kept. */
#include "live.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api_query.h"
#include "clock.h"
#include "limits.h"
#include "live_events.h"
#include "live_log.h"

#define WAIT_MS 1000
/* A comment after that much silence keeps proxies from closing the connection. */
#define SILENCE_MS 10000
/* Who is told to ask again does that: not more often. */
#define WIDE_EVERY_MS 1000
/* One call of `next` stops behind so many bytes; the next one goes on. */
#define MORE_BYTES (256 * 1024)
#define KEPT 8
#define READER_WAIT_MS 5000

struct live_kept {
    size_t stream;
    uint64_t version; /* what it changed; 0: nothing here */
    bool wide;        /* it says to ask again */
    struct text text;
};

struct live {
    struct store_readers *readers;
    pthread_mutex_t lock;      /* log, clients, stopping */
    pthread_cond_t wake;
    struct live_log *log;
    size_t clients;
    bool stopping;
    uint64_t epoch;            /* versions are of this process */
    pthread_mutex_t kept_lock; /* taken before `lock` */
    struct live_kept kept[KEPT];
    size_t kept_next;
};

struct live_client {
    struct live *live;
    char *stream;        /* NULL: all */
    uint64_t since;      /* told up to there */
    uint64_t target;     /* up to there it is being told; 0: it is not */
    size_t at;           /* the next stream to be told of */
    bool greeted;
    bool lost;           /* it was told something by another process */
    int64_t spoken_ms;
    int64_t rest_ms;     /* it is told nothing before */
};

struct live *live_create(struct store_readers *readers)
{
    struct live *live = calloc(1, sizeof *live);
    pthread_condattr_t monotonic;

    if (!live)
        return NULL;
    live->log = live_log_create();
    if (!live->log) {
        free(live);
        return NULL;
    }
    live->readers = readers;
    live->epoch = (uint64_t)clock_wall_ms();
    pthread_mutex_init(&live->lock, NULL);
    pthread_mutex_init(&live->kept_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&live->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return live;
}

void live_destroy(struct live **live)
{
    struct live *old = *live;

    if (!old)
        return;
    for (size_t i = 0; i < KEPT; i++)
        text_free(&old->kept[i].text);
    pthread_cond_destroy(&old->wake);
    pthread_mutex_destroy(&old->kept_lock);
    pthread_mutex_destroy(&old->lock);
    live_log_destroy(&old->log);
    free(old);
    *live = NULL;
}

static void know(void *context, const char *stream)
{
    live_log_know(((struct live *)context)->log, stream, -1);
}

bool live_start(struct live *live, char *error, size_t error_size)
{
    struct store_reader *reader;
    struct store_about about;
    bool done;

    if (store_readers_take(live->readers, INT64_MAX, &reader, error, error_size) != STORE_TURN)
        return false;
    done = store_streams(reader, know, live);
    for (size_t i = 0; done && i < live_log_streams(live->log); i++) {
        const char *stream = live_log_stream(live->log, i);

        done = store_stream_about(reader, stream, &about);
        if (done)
            live_log_know(live->log, stream, about.to_s > 0 ? about.to_s - 60 : -1);
    }
    if (!done)
        snprintf(error, error_size, "%s", store_reader_error(reader));
    store_readers_give(live->readers, &reader);
    return done;
}

static void taken(void *context, const struct record *record)
{
    struct live *live = context;

    pthread_mutex_lock(&live->lock);
    live_log_note(live->log, record);
    pthread_mutex_unlock(&live->lock);
}

static void written(void *context)
{
    struct live *live = context;

    pthread_mutex_lock(&live->lock);
    if (live_log_publish(live->log))
        pthread_cond_broadcast(&live->wake);
    pthread_mutex_unlock(&live->lock);
}

struct ingest_follower live_follower(struct live *live)
{
    return (struct ingest_follower){taken, written, live};
}

void live_stop(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->stopping = true;
    pthread_cond_broadcast(&live->wake);
    pthread_mutex_unlock(&live->lock);
}

size_t live_clients(struct live *live)
{
    size_t clients;

    pthread_mutex_lock(&live->lock);
    clients = live->clients;
    pthread_mutex_unlock(&live->lock);
    return clients;
}

void live_newest(struct live *live,
                 void (*each)(void *context, const char *stream, int64_t minute_s), void *context)
{
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < live_log_streams(live->log); i++)
        if (live_log_newest_s(live->log, i) >= 0)
            each(context, live_log_stream(live->log, i), live_log_newest_s(live->log, i));
    pthread_mutex_unlock(&live->lock);
}

/* Whether it came to asking again. */
static bool write_answer(struct live *live, struct text *text, const char *stream,
                         const struct live_answer *answer)
{
    char error[1200];
    struct store_reader *reader = NULL;
    bool done = false;

    if (answer->news == LIVE_ROWS)
        (void)store_readers_take(live->readers, clock_monotonic_ms() + READER_WAIT_MS, &reader,
                                 error, sizeof error);
    if (reader) {
        done = live_write_rows(text, reader, stream, answer);
        store_readers_give(live->readers, &reader);
    }
    if (!done)
        live_write_changed(text, stream, answer->ranges[0].from_s,
                           answer->ranges[answer->count - 1].to_s);
    return !done;
}

static struct live_kept *find_kept(struct live *live, size_t stream, uint64_t version)
{
    for (size_t i = 0; i < KEPT; i++)
        if (live->kept[i].version == version && live->kept[i].stream == stream)
            return &live->kept[i];
    return NULL;
}

/* The text of what the last version changed, for all who were told the ones before. */
static bool write_kept(struct live *live, struct text *text, size_t stream, uint64_t version,
                       const struct live_answer *answer)
{
    struct live_kept *kept;
    bool wide;

    pthread_mutex_lock(&live->kept_lock);
    kept = find_kept(live, stream, version);
    if (!kept) {
        kept = &live->kept[live->kept_next++ % KEPT];
        *kept = (struct live_kept){.stream = stream, .version = version, .text = kept->text};
        text_clear(&kept->text);
        kept->wide =
            write_answer(live, &kept->text, live_log_stream(live->log, stream), answer);
    }
    wide = kept->wide;
    if (kept->text.failed) {
        text->failed = true;
        text_free(&kept->text);
        *kept = (struct live_kept){0};
    } else if (kept->text.size > 0) {
        text_bytes(text, kept->text.bytes, kept->text.size);
    }
    pthread_mutex_unlock(&live->kept_lock);
    return wide;
}

/* What is new of one stream. */
static void tell_stream(struct live_client *client, struct text *text, size_t stream)
{
    struct live *live = client->live;
    struct live_answer answer;
    uint64_t version;
    const char *name;

    pthread_mutex_lock(&live->lock);
    version = live_log_version(live->log);
    name = live_log_stream(live->log, stream);
    live_log_ask(live->log, stream, client->since, &answer);
    pthread_mutex_unlock(&live->lock);
    if (answer.news == LIVE_NOTHING || (client->stream && strcmp(name, client->stream) != 0))
        return;
    if (version == client->since + 1 ? write_kept(live, text, stream, version, &answer)
                                     : write_answer(live, text, name, &answer))
        client->rest_ms = clock_monotonic_ms() + WIDE_EVERY_MS;
}

/* Goes on telling, and is through when all streams were. */
static void tell(struct live_client *client, struct text *text)
{
    struct live *live = client->live;
    size_t streams;

    pthread_mutex_lock(&live->lock);
    streams = live_log_streams(live->log);
    pthread_mutex_unlock(&live->lock);
    while (client->at < streams && text->size < MORE_BYTES)
        tell_stream(client, text, client->at++);
    if (client->at < streams)
        return;
    client->since = client->target;
    client->target = 0;
    /* Behind the last event: a connection that breaks before it is told all again. */
    if (text->size > 0)
        text_format(text, "id: %016" PRIx64 "-%" PRIu64 "\n\n", live->epoch, client->since);
}

/* Whether there is something to tell, for which it waits up to WAIT_MS. */
static bool wait_for_news(struct live_client *client)
{
    struct live *live = client->live;
    int64_t end_ms = clock_monotonic_ms() + WAIT_MS;

    pthread_mutex_lock(&live->lock);
    while (!live->stopping) {
        int64_t now_ms = clock_monotonic_ms(), until_ms = end_ms;

        if (now_ms >= client->rest_ms && live_log_version(live->log) != client->since) {
            client->target = live_log_version(live->log);
            client->at = 0;
            break;
        }
        if (now_ms >= end_ms)
            break;
        if (client->rest_ms > now_ms && client->rest_ms < end_ms)
            until_ms = client->rest_ms;
        (void)pthread_cond_timedwait(&live->wake, &live->lock,
                                     &(struct timespec){until_ms / 1000,
                                                        until_ms % 1000 * 1000000L});
    }
    pthread_mutex_unlock(&live->lock);
    return client->target > 0;
}

static bool is_stopping(struct live *live)
{
    bool stopping;

    pthread_mutex_lock(&live->lock);
    stopping = live->stopping;
    pthread_mutex_unlock(&live->lock);
    return stopping;
}

/* The first bytes. Who comes from another process of ours has missed what nobody
 * knows. */
static void greet(struct live_client *client, struct text *text)
{
    struct live *live = client->live;

    text_string(text, "retry: 2000\n\n");
    client->greeted = true;
    if (client->lost && client->stream)
        live_write_changed(text, client->stream, 0, LIMIT_TIME_S + 1);
    if (!client->lost || client->stream)
        return;
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < live_log_streams(live->log); i++)
        live_write_changed(text, live_log_stream(live->log, i), 0, LIMIT_TIME_S + 1);
    pthread_mutex_unlock(&live->lock);
}

static bool next(void *context, struct text *text)
{
    struct live_client *client = context;

    if (is_stopping(client->live))
        return false;
    if (!client->greeted)
        greet(client, text);
    else if (client->target > 0 || wait_for_news(client))
        tell(client, text);
    else if (clock_monotonic_ms() - client->spoken_ms >= SILENCE_MS)
        text_string(text, ":\n\n");
    if (text->size > 0)
        client->spoken_ms = clock_monotonic_ms();
    return !text->failed;
}

static void end(void *context)
{
    struct live_client *client = context;
    struct live *live = client->live;

    pthread_mutex_lock(&live->lock);
    live->clients--;
    pthread_mutex_unlock(&live->lock);
    free(client->stream);
    free(client);
}

/* Where it was when its connection broke, if that was in this process. */
static void go_on_at(struct live_client *client, const char *id)
{
    uint64_t epoch, version;
    int size = 0;

    client->lost = true;
    if (strlen(id) > 40 || sscanf(id, "%16" SCNx64 "-%19" SCNu64 "%n", &epoch, &version, &size) < 2)
        return;
    if (id[size] || epoch != client->live->epoch || version > client->since)
        return;
    client->lost = false;
    client->since = version;
}

/* Counts it in; false: they are too many. */
static bool join(struct live_client *client)
{
    struct live *live = client->live;
    bool room;

    pthread_mutex_lock(&live->lock);
    room = live->clients < LIMIT_LIVE_CLIENTS;
    live->clients += room;
    client->since = live_log_version(live->log);
    pthread_mutex_unlock(&live->lock);
    return room;
}

void live_handle(void *live, const struct http_request *request, struct http_response *response)
{
    const struct api_rules rules = {.parameters = API_STREAM};
    struct api_problem problem = {0};
    struct api_query query;
    struct live_client *client;

    if (!api_query_parse(request, &rules, 0, &query, &problem)) {
        http_problem(response, problem.status, problem.parameter, "%s", problem.detail);
        return;
    }
    client = calloc(1, sizeof *client);
    if (client) {
        client->live = live;
        client->stream = query.stream ? strdup(query.stream) : NULL;
    }
    if (!client || (query.stream && !client->stream)) {
        free(client);
        http_problem(response, 500, NULL, "no memory");
        return;
    }
    if (!join(client)) {
        free(client->stream);
        free(client);
        http_problem(response, 503, NULL, "%d pages are told live already", LIMIT_LIVE_CLIENTS);
        response->retry_after_s = 10;
        return;
    }
    if (request->last_event_id)
        go_on_at(client, request->last_event_id);
    response->type = "text/event-stream";
    response->stream = (struct http_stream){next, end, client};
}
