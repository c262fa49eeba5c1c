/* HTTP for the programs' own pages, numbers and metrics: a few fixed paths, GET and
 * HEAD only, answered from memory.
 *
 * The server is libmicrohttpd's, with a thread for each connection and limits on
 * their number, time and size (limits.h), so that a slow client holds up nobody
 * but itself. Every answer has the headers that keep a browser from doing more with
 * it than it should (http_answer.c). Handlers run on the connections' threads, several
 * at a time. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct http_field {
    const char *name, *value; /* decoded; UTF-8 without NUL */
};

struct http_request {
    const char *path;
    const struct http_field *query; /* in the order of the address; names may repeat */
    size_t query_count;
    const char *last_event_id;      /* of a browser that lost its stream; or NULL */
};

/* An answer that goes on: the server sends what `next` appends, until it says false.
 * `next` waits for something to say, but not longer than a second; it may come back
 * with nothing. Who takes nothing for LIMIT_HTTP_SILENT_S is cut off. `end` is called
 * once, however the connection ends. Both on the connection's thread. */
struct http_stream {
    bool (*next)(void *context, struct text *more);
    void (*end)(void *context);
    void *context;
};

/* Handed to a handler as 200 with an empty body. */
struct http_response {
    int status;
    const char *type;          /* Content-Type; static */
    struct text body;          /* the server's; an ETag is made of it, and gzip where asked for */
    const char *cache;         /* Cache-Control; static; NULL: no-cache (ask again, by ETag) */
    const char *file_name;     /* it is to be saved under that name; static; or NULL */
    unsigned retry_after_s;    /* with 503; 0: not said */
    struct http_stream stream; /* next not NULL: instead of the body */
};

typedef void http_handler(void *context, const struct http_request *request,
                          struct http_response *response);

struct http_route {
    const char *path;      /* the whole of it */
    http_handler *handler; /* NULL ends a table */
    void *context;         /* of the handler */
    bool open;             /* for all, without the token */
};

/* Makes the response an error of RFC 9457 (application/problem+json): title of the
 * status, detail, and the query parameter that is wrong, or NULL. */
void http_problem(struct http_response *response, int status, const char *parameter,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The value of the first field of that name, or NULL. */
const char *http_query(const struct http_request *request, const char *name);

struct http_server_options {
    const char *listen;              /* "127.0.0.1:8080", "[::1]:8080"; port 0: any */
    const struct http_route *routes; /* borrowed for the server's life */
    const char *token_file;          /* what all but open routes ask for, as a bearer token or
                                        as a password; or NULL: only for loopback */
    int64_t request_ms;              /* for a request from its beginning, or from the answer
                                        before on; 0: LIMIT_HTTP_REQUEST_MS */
    int64_t answer_ms;               /* for an answer that is no stream, until it is taken; 0:
                                        LIMIT_HTTP_ANSWER_MS */
};

#define HTTP_LISTEN_FORM "127.0.0.1:8080, localhost:8080 or [::1]:8080: an address and a port"
/* Whether --listen has that form: usage, where it has not. */
bool http_listen_is_valid(const char *listen);
/* Whether a server could be started with these, but for the listening itself: bad
 * configuration, where not, with one line for people in `error`. */
bool http_server_check(const struct http_server_options *options, char *error, size_t error_size);

struct http_server;
/* Listens and answers from now on. NULL with one line for people in `error`. */
struct http_server *http_server_start(const struct http_server_options *options, char *error,
                                      size_t error_size);
/* "http://127.0.0.1:8080", as it is bound. */
const char *http_server_address(const struct http_server *server);
/* Ends streams, waits for the handlers that run, and frees it. */
void http_server_stop(struct http_server **server);

#endif
