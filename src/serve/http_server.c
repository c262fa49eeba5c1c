/* The server: libmicrohttpd with a thread a connection, and what is decided before a
 * handler is called.
 *
 *   request line read   -> hold on to the address as it came (request_begin)
 *   headers read        -> judge: method, body, host, address, route, token; answer
 *   answer sent or lost -> request_end
 *
 * What libmicrohttpd answers by itself (400 for what is no HTTP, 414 and 431 for
 * what does not fit into its memory for a connection) never gets here. */
#include "http.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_deadline.h"
#include "http_headers.h"
#include "http_inside.h"
#include "http_listen.h"
#include "http_target.h"
#include "http_token.h"
#include "log.h"

#define BACKLOG 128

/* A connection, and the request on it: libmicrohttpd tells of the end of every
 * connection, but not of every request that it gives up. */
struct client {
    struct http_deadline *deadline;
    bool read; /* the headers were, and that no body comes */
    char target[LIMIT_HTTP_TARGET_BYTES + 2]; /* the address as it came, cut where it is too long */
};

/* NULL: there was no memory for it. */
static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void connection_notified(void *context, struct MHD_Connection *connection,
                                void **client_at, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = context;
    struct client *client = *client_at;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (client)
            http_deadline_remove(server->deadlines, &client->deadline);
        free(client);
        *client_at = NULL;
        return;
    }
    client = calloc(1, sizeof *client);
    *client_at = client;
    if (!client)
        return;
    client->deadline = http_deadline_add(
        server->deadlines,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    http_deadline_set(server->deadlines, client->deadline, server->request_ms);
}

static void *request_begin(void *context, const char *raw, struct MHD_Connection *connection)
{
    struct client *client = client_of(connection);

    (void)context;
    if (!client)
        return NULL;
    client->read = false;
    snprintf(client->target, sizeof client->target, "%s", raw);
    return client;
}

static void request_end(void *context, struct MHD_Connection *connection, void **client_at,
                        enum MHD_RequestTerminationCode how)
{
    struct http_server *server = context;
    struct client *client = *client_at;

    (void)connection, (void)how;
    if (client)
        http_deadline_set(server->deadlines, client->deadline, server->request_ms);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
           (length && strspn(length, "0") != strlen(length));
}

static const struct http_route *find_route(const struct http_server *server, const char *path)
{
    for (const struct http_route *route = server->routes; route->handler; route++)
        if (strcmp(route->path, path) == 0)
            return route;
    return NULL;
}

/* The route whose handler is to answer; or NULL: the response is the refusal. */
static const struct http_route *admit(struct http_server *server,
                                      struct MHD_Connection *connection, const char *method,
                                      const char *raw, struct http_target *target,
                                      struct http_response *response)
{
    const struct http_route *route;
    const char *why;
    int status;

    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        http_problem(response, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, "only GET and HEAD");
        return NULL;
    }
    if (has_body(connection)) {
        http_problem(response, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "a request has no body here");
        return NULL;
    }
    /* Who has the token is no page of others. */
    if (server->local && !server->token[0] &&
        !http_host_is_local(header(connection, MHD_HTTP_HEADER_HOST))) {
        http_problem(response, MHD_HTTP_MISDIRECTED_REQUEST, NULL,
                     "only for localhost, 127.0.0.1 and [::1] in the Host header: a proxy in "
                     "front needs to send that, or a --token-file to be set");
        return NULL;
    }
    status = http_target_parse(raw, target, &why);
    if (status != 0) {
        http_problem(response, status, NULL, "%s", why);
        return NULL;
    }
    route = find_route(server, target->path);
    if (server->token[0] && !(route && route->open) &&
        !http_token_is_right(header(connection, MHD_HTTP_HEADER_AUTHORIZATION), server->token)) {
        http_problem(response, MHD_HTTP_UNAUTHORIZED, NULL,
                     "wanted: the token, as Authorization: Bearer or as a password");
        return NULL;
    }
    if (!route)
        http_problem(response, MHD_HTTP_NOT_FOUND, NULL, "nothing is here");
    return route;
}

static enum MHD_Result request_come(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *upload, size_t *upload_size, void **context_of)
{
    struct http_server *server = context;
    struct client *client = *context_of;
    struct http_response response = {.status = MHD_HTTP_OK};
    struct http_target target;
    const struct http_route *route;

    (void)url, (void)version, (void)upload, (void)upload_size;
    if (!client)
        return MHD_NO;
    /* Who is answered before the end of the request loses the connection: that is
     * for those with a body, whatever it is. */
    if (!client->read && !has_body(connection)) {
        client->read = true;
        return MHD_YES;
    }
    http_deadline_set(server->deadlines, client->deadline, server->answer_ms);
    route = admit(server, connection, method, client->target, &target, &response);
    if (route) {
        const char *id = header(connection, "Last-Event-ID");
        const struct http_request request = {
            .path = target.path,
            .query = target.fields,
            .query_count = target.field_count,
            .last_event_id = id && http_event_id_is_sane(id) ? id : NULL};

        route->handler(route->context, &request, &response);
    }
    if (response.stream.next)
        http_deadline_set(server->deadlines, client->deadline, INT64_MAX);
    return http_answer(server, connection, &response);
}

/* A socket that listens, or -1 with errno. */
static int open_socket(const struct http_listen *listen_on)
{
    const int yes = 1;
    int error;
    int fd = socket(listen_on->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&listen_on->address, listen_on->size) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                           MHD_USE_POLL | MHD_USE_ITC;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, request_come, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)LIMIT_HTTP_CONNECTIONS_PER_ADDRESS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_HTTP_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIMIT_HTTP_SILENT_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, request_begin, server,
        MHD_OPTION_NOTIFY_COMPLETED, request_end, server, MHD_OPTION_NOTIFY_CONNECTION,
        connection_notified, server, MHD_OPTION_END);
}

static void show_bound(struct http_server *server, int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;

    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0)
        http_listen_show(&bound, server->address, sizeof server->address);
}

bool http_listen_is_valid(const char *text)
{
    struct http_listen listen_on;

    return http_listen_parse(text, &listen_on);
}

/* What http_server_check says, with what it found out. */
static bool check(const struct http_server_options *options, struct http_listen *listen_on,
                  char token[LIMIT_HTTP_TOKEN_BYTES + 1], char *error, size_t error_size)
{
    token[0] = '\0';
    if (!http_listen_parse(options->listen, listen_on)) {
        snprintf(error, error_size, "--listen: '%s' is not " HTTP_LISTEN_FORM, options->listen);
        return false;
    }
    if (!listen_on->loopback && !options->token_file) {
        snprintf(error, error_size,
                 "--listen %s can be reached from other machines: it needs a --token-file",
                 options->listen);
        return false;
    }
    return !options->token_file ||
           http_token_read(options->token_file, token, error, error_size);
}

bool http_server_check(const struct http_server_options *options, char *error, size_t error_size)
{
    struct http_listen listen_on;
    char token[LIMIT_HTTP_TOKEN_BYTES + 1];
    bool good = check(options, &listen_on, token, error, error_size);

    explicit_bzero(token, sizeof token);
    return good;
}

static void server_free(struct http_server *server)
{
    http_deadlines_destroy(&server->deadlines);
    explicit_bzero(server, sizeof *server);
    free(server);
}

struct http_server *http_server_start(const struct http_server_options *options, char *error,
                                      size_t error_size)
{
    struct http_server *server = calloc(1, sizeof *server);
    struct http_listen listen_on;
    int fd = -1;

    if (!server) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (!check(options, &listen_on, server->token, error, error_size))
        goto failed;
    server->routes = options->routes;
    server->request_ms = options->request_ms > 0 ? options->request_ms : LIMIT_HTTP_REQUEST_MS;
    server->answer_ms = options->answer_ms > 0 ? options->answer_ms : LIMIT_HTTP_ANSWER_MS;
    server->local = listen_on.loopback;
    fd = open_socket(&listen_on);
    if (fd < 0) {
        snprintf(error, error_size, "--listen %s: %s", options->listen, strerror(errno));
        goto failed;
    }
    show_bound(server, fd);
    server->deadlines = http_deadlines_create();
    server->daemon = server->deadlines ? start_daemon(server, fd) : NULL;
    if (!server->daemon) {
        snprintf(error, error_size, "--listen %s: no thread or no memory for a server",
                 options->listen);
        goto failed;
    }
    log_event(LOG_INFO, "listening", LOG_S("address", server->address));
    return server;

failed:
    if (fd >= 0)
        close(fd);
    server_free(server);
    return NULL;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

void http_server_stop(struct http_server **server)
{
    if (!*server)
        return;
    atomic_store(&(*server)->stopping, true);
    MHD_stop_daemon((*server)->daemon);
    server_free(*server);
    *server = NULL;
}
