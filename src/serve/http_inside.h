/* Shared by http_*.c, not for others. */
#ifndef SERVE_HTTP_INSIDE_H
#define SERVE_HTTP_INSIDE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "http.h"
#include "http_deadline.h"
#include "limits.h"

#define HTTP_STATUS_END 600

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_deadlines *deadlines;
    const struct http_route *routes;
    int64_t request_ms, answer_ms;
    bool local;                              /* only loopback is listened on */
    char token[LIMIT_HTTP_TOKEN_BYTES + 1];  /* "": none is asked for */
    char address[64];
    atomic_bool stopping;                    /* streams end */
    atomic_uint_fast64_t answers[HTTP_STATUS_END]; /* by status */
};

/* http_answer.c. Sends the response, and frees what it holds. */
enum MHD_Result http_answer(struct http_server *server, struct MHD_Connection *connection,
                            struct http_response *response);

#endif
