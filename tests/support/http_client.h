/* A client of bytes: what is sent is the test's, what comes back is split at the
 * empty line and nothing else. Every wait is bounded. */
#ifndef SUPPORT_HTTP_CLIENT_H
#define SUPPORT_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

#define CLIENT_PATIENCE_S 60

struct answer {
    int status;       /* 0: the connection ended without one */
    char *head;       /* with the empty line */
    const char *body; /* chunks as they came */
    size_t size;      /* of the body; a NUL is behind it */
};

static inline void answer_free(struct answer **answer)
{
    free((*answer)->head);
    free(*answer);
    *answer = NULL;
}

/* A connection to "http://127.0.0.1:PORT", or -1. */
static inline int client_try(const char *address)
{
    const struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtoul(address + 17, NULL, 10));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? fd : -1;
}

static inline int client_connect(const char *address)
{
    int fd = client_try(address);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* What the server has taken of it; it may have hung up. */
static inline void client_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

static inline void client_say(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* All that comes until the server hangs up; freed by the caller. */
static inline char *client_read_all(int fd, size_t *size)
{
    size_t room = 1 << 16;
    char *bytes = malloc(room);
    ssize_t got;

    *size = 0;
    while ((got = recv(fd, bytes + *size, room - *size - 1, 0)) > 0) {
        *size += (size_t)got;
        if (*size + 1 == room)
            bytes = realloc(bytes, room *= 2);
    }
    bytes[*size] = '\0';
    return bytes;
}

static inline struct answer *client_answer(int fd)
{
    struct answer *answer = calloc(1, sizeof *answer);
    size_t size;
    char *end;

    answer->head = client_read_all(fd, &size);
    answer->body = answer->head + size;
    end = strstr(answer->head, "\r\n\r\n");
    if (end && sscanf(answer->head, "HTTP/1.%*d %d ", &answer->status) == 1) {
        answer->body = end + 4;
        answer->size = size - (size_t)(answer->body - answer->head);
    }
    return answer;
}

/* One request, and all until the server hangs up. */
static inline struct answer *client_ask(const char *address, const char *request)
{
    int fd = client_connect(address);
    struct answer *answer;

    client_send(fd, request, strlen(request));
    answer = client_answer(fd);
    close(fd);
    return answer;
}

#endif
