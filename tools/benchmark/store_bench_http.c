#include "store_bench.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "http.h"

struct question {
    const char *name, *target;
    int64_t days;
};

static const struct question questions[] = {
    {"a year by day, UTC", "/api/v1/uniques?by=day", 365},
    {"Europe/Zurich", "/api/v1/uniques?by=day&tz=Europe/Zurich", 365},
    {"Asia/Kathmandu", "/api/v1/uniques?by=day&tz=Asia/Kathmandu", 365},
    {"two years by month", "/api/v1/uniques?by=month&tz=Europe/Zurich", 730},
    {"30 days by hour", "/api/v1/uniques?by=hour", 30},
    {"24 h by minute", "/api/v1/uniques", 1},
    {"a year of actives", "/api/v1/actives?", 365},
    {"a day so far", "/api/v1/so-far?by=minute", 0},
    {"90 days returning", "/api/v1/returning?", 90},
    {"90 days' retention", "/api/v1/retention?", 90},
    {"streams", "/api/v1/streams", 0}};

static int connect_to(const char *address)
{
    long port = strtol(strrchr(address, ':') + 1, NULL, 10);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    check(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    return fd;
}

/* The seconds until the whole answer is here, and its size. */
static double ask(const char *address, const char *request, size_t *size)
{
    double begin = now();
    int fd = connect_to(address);
    char bytes[1 << 16];
    ssize_t got;

    *size = 0;
    check(write(fd, request, strlen(request)) == (ssize_t)strlen(request), "write");
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        check(*size > 0 || strncmp(bytes, "HTTP/1.1 200", 12) == 0, bytes);
        *size += (size_t)got;
    }
    close(fd);
    return now() - begin;
}

static void make_request(const struct question *question, int64_t end_s, char *request,
                         size_t room)
{
    char range[128] = "";
    long long from_s = (long long)(end_s - question->days * 86400);

    if (strstr(question->target, "retention"))
        snprintf(range, sizeof range, "cohort=%lld&to=%lld", from_s, (long long)end_s);
    else if (strstr(question->target, "so-far"))
        snprintf(range, sizeof range, "&day=%lld", (long long)end_s - 1);
    else if (question->days > 0)
        snprintf(range, sizeof range, "%cfrom=%lld&to=%lld",
                 strchr(question->target, '?') ? '&' : '?', from_s, (long long)end_s);
    if (question->target[strlen(question->target) - 1] == '?')
        range[0] = range[0] == '&' ? ' ' : range[0];
    snprintf(request, room, "GET %s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             question->target, range[0] == ' ' ? range + 1 : range);
}

void bench_http(const char *path, int64_t end_s)
{
    char error[1200], request[512];
    struct api *api = api_create(&(struct api_options){.db = path}, error, sizeof error);
    struct http_server *server;

    check(api != NULL, error);
    server = http_server_start(
        &(struct http_server_options){.listen = "127.0.0.1:0", .routes = api_routes(api)}, error,
        sizeof error);
    check(server != NULL, error);
    for (size_t q = 0; q < sizeof(questions) / sizeof(questions[0]); q++) {
        double times[ROUNDS], first;
        size_t size = 0;

        make_request(&questions[q], end_s, request, sizeof request);
        for (int round = 0; round < ROUNDS; round++)
            times[round] = ask(http_server_address(server), request, &size);
        first = times[0];
        printf("HTTP: %-20s %6.1f ms (the first %.1f), %zu bytes\n", questions[q].name,
               median(times) * 1e3, first * 1e3, size);
    }
    http_server_stop(&server);
    api_destroy(&api);
}
