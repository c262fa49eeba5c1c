/* A server with some routes, for tests. */
#ifndef SUPPORT_HTTP_FIXTURE_H
#define SUPPORT_HTTP_FIXTURE_H

#include "http_client.h"

#define LARGE_LINES 20000
#define HUGE_BYTES ((size_t)24 * 1024 * 1024)

static inline void hello(void *context, const struct http_request *request,
                  struct http_response *response)
{
    (void)context;
    response->type = "text/plain; charset=utf-8";
    text_string(&response->body, "hello\n");
    for (size_t i = 0; i < request->query_count; i++)
        text_format(&response->body, "%s=%s\n", request->query[i].name, request->query[i].value);
}

static inline void large(void *context, const struct http_request *request,
                  struct http_response *response)
{
    (void)context, (void)request;
    response->type = "application/json";
    response->file_name = "large.json";
    for (int i = 0; i < LARGE_LINES; i++)
        text_format(&response->body, "{\"line\":%d}\n", i);
}

/* More than sockets hold between a server and a client. */
static inline void huge(void *context, const struct http_request *request,
                        struct http_response *response)
{
    char *at = text_reserve(&response->body, HUGE_BYTES);

    (void)context, (void)request;
    response->type = "application/octet-stream";
    ck_assert_ptr_nonnull(at);
    memset(at, 'x', HUGE_BYTES);
    text_added(&response->body, HUGE_BYTES);
}

static inline void wrong(void *context, const struct http_request *request,
                  struct http_response *response)
{
    (void)context;
    http_problem(response, 400, "by", "by is \"%s\"", http_query(request, "by"));
}

struct ticks {
    int left;
    atomic_int *ended;
};

static inline bool tick(void *context, struct text *more)
{
    struct ticks *ticks = context;

    if (ticks->left == 0)
        return false;
    ticks->left--;
    text_format(more, "data: %d\n\n", ticks->left);
    return true;
}

static inline void ticks_end(void *context)
{
    struct ticks *ticks = context;

    atomic_fetch_add(ticks->ended, 1);
    free(ticks);
}

static inline void stream(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct ticks *ticks = malloc(sizeof *ticks);

    if (!ticks) {
        http_problem(response, 503, NULL, "out of memory");
        return;
    }
    *ticks = (struct ticks){http_query(request, "endless") ? -1 : 3, context};
    response->type = "text/event-stream";
    response->stream = (struct http_stream){tick, ticks_end, ticks};
}

static atomic_int ended;
static const struct http_route routes[] = {{"/hello", hello, NULL, false},
                                           {"/large", large, NULL, false},
                                           {"/huge", huge, NULL, false},
                                           {"/wrong", wrong, NULL, false},
                                           {"/stream", stream, &ended, false},
                                           {"/open", hello, NULL, true},
                                           {.handler = NULL}};

static struct http_server *server;

static inline void start(const char *listen, const char *token_file)
{
    char error[256] = "";

    atomic_store(&ended, 0);
    server = http_server_start(&(struct http_server_options){.listen = listen,
                                                             .routes = routes,
                                                             .token_file = token_file},
                               error, sizeof error);
    ck_assert_msg(server != NULL, "%s", error);
}

static inline void start_plain(void)
{
    start("127.0.0.1:0", NULL);
}

/* Whose clients have little time. */
static inline void start_hurried(void)
{
    char error[256] = "";

    atomic_store(&ended, 0);
    server = http_server_start(&(struct http_server_options){.listen = "127.0.0.1:0",
                                                             .routes = routes,
                                                             .request_ms = 1000,
                                                             .answer_ms = 2000},
                               error, sizeof error);
    ck_assert_msg(server != NULL, "%s", error);
}

static inline void stop(void)
{
    http_server_stop(&server);
    ck_assert_ptr_null(server);
    http_server_stop(&server); /* none: nothing */
}

/* One exchange on a connection of its own. */
static inline struct answer *ask(const char *request)
{
    return client_ask(http_server_address(server), request);
}

#define HOST "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
#define GET_WITH(path, lines) "GET " path " HTTP/1.1\r\n" HOST "Connection: close\r\n" lines "\r\n"

static inline void expect(const char *request, int status)
{
    struct answer *answer = ask(request);

    ck_assert_msg(answer->status == status, "%s -> %s", request, answer->head);
    answer_free(&answer);
}

#endif
