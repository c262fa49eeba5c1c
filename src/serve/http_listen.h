/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080" -> a socket's address. Pure. */
#ifndef SERVE_HTTP_LISTEN_H
#define SERVE_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct http_listen {
    struct sockaddr_storage address;
    socklen_t size;
    bool loopback; /* nobody but this machine gets there */
};

/* No names but localhost, which is 127.0.0.1: what is listened on is not to depend
 * on a resolver. Port 0 is any free one. False when the text is not that. */
bool http_listen_parse(const char *text, struct http_listen *listen);
/* "http://127.0.0.1:8080" of a bound address. */
void http_listen_show(const struct sockaddr_storage *address, char *text, size_t size);

#endif
