#include "http_listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

#define PORT_MAX 65535

/* Where the host ends and ":PORT" begins, or NULL. */
static const char *split(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (!colon || colon == text || colon - text >= INET6_ADDRSTRLEN + 2)
        return NULL;
    return colon;
}

static bool set_v4(struct http_listen *listen, const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                  &address.sin_addr) != 1)
        return false;
    memcpy(&listen->address, &address, sizeof address);
    listen->size = sizeof address;
    listen->loopback = ntohl(address.sin_addr.s_addr) >> 24 == 127;
    return true;
}

static bool set_v6(struct http_listen *listen, const char *host, uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET6, host, &address.sin6_addr) != 1)
        return false;
    memcpy(&listen->address, &address, sizeof address);
    listen->size = sizeof address;
    listen->loopback = IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
    return true;
}

bool http_listen_parse(const char *text, struct http_listen *listen)
{
    char host[INET6_ADDRSTRLEN + 3];
    const char *colon = split(text);
    int64_t port;
    size_t size;

    if (!colon || !number_int64(colon + 1, 0, PORT_MAX, &port))
        return false;
    *listen = (struct http_listen){.size = 0};
    size = (size_t)(colon - text);
    memcpy(host, text, size);
    host[size] = '\0';
    if (host[0] != '[')
        return set_v4(listen, host, (uint16_t)port);
    if (host[size - 1] != ']')
        return false;
    host[size - 1] = '\0';
    return set_v6(listen, host + 1, (uint16_t)port);
}

void http_listen_show(const struct sockaddr_storage *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, size, "http://[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, size, "http://%s:%u", host, ntohs(v4->sin_port));
    }
}
