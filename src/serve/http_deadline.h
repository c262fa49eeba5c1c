/* How long a client may take: libmicrohttpd's own limit is on silence, and one who
 * sends or takes a byte now and then is never silent. A thread looks once a
 * second, and shuts down the sockets of those whose time is over. */
#ifndef SERVE_HTTP_DEADLINE_H
#define SERVE_HTTP_DEADLINE_H

#include <stdint.h>

struct http_deadlines;
struct http_deadline; /* of one connection */

/* NULL: no memory or no thread. */
struct http_deadlines *http_deadlines_create(void);
/* All of its connections are gone. */
void http_deadlines_destroy(struct http_deadlines **deadlines);

/* Borrows the socket until it is removed. NULL: no memory. */
struct http_deadline *http_deadline_add(struct http_deadlines *deadlines, int socket);
void http_deadline_remove(struct http_deadlines *deadlines, struct http_deadline **deadline);
/* The socket is shut down in so many milliseconds, unless another is set; INT64_MAX:
 * never. Any thread. */
void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       int64_t in_ms);

#endif
