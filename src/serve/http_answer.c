/* From a handler's response to what is sent: the tag and the 304, gzip, and the
 * headers that every answer has.
 *
 * The tag is of what a body says, not of how it is packed: a weak one, so that it
 * holds with and without gzip. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "http_headers.h"
#include "http_inside.h"

/* Below this gzip's own 20 bytes and the time it takes gain nothing. */
#define GZIP_BYTES_MIN 512
#define STREAM_BLOCK_BYTES 16384
#define TAG_BYTES 32

/* Nothing but our own files, and no page of others around or behind ours. */
static const char *const headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

void http_problem(struct http_response *response, int status, const char *parameter,
                  const char *format, ...)
{
    const char *title = MHD_get_reason_phrase_for((unsigned)status);
    struct text *body = &response->body;
    char detail[LIMIT_HTTP_DETAIL_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    response->status = status;
    response->type = "application/problem+json";
    response->cache = "no-store";
    response->file_name = NULL;
    text_clear(body);
    text_string(body, "{\"type\":\"about:blank\",\"title\":");
    text_json_string(body, title, strlen(title));
    text_format(body, ",\"status\":%d,\"detail\":", status);
    text_json_string(body, detail, strlen(detail));
    if (parameter) {
        text_string(body, ",\"parameter\":");
        text_json_string(body, parameter, strlen(parameter));
    }
    text_string(body, "}\n");
}

const char *http_query(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    return NULL;
}

static bool is_packable(const struct http_response *response)
{
    static const char *const types[] = {"text/", "application/json", "application/problem+json",
                                        "application/openapi+json", "application/openmetrics-text",
                                        "image/svg+xml"};

    if (response->body.size < GZIP_BYTES_MIN || !response->type)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncmp(response->type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

/* The body becomes its gzip form. False: it is as it was. */
static bool pack(struct text *body)
{
    z_stream stream = {.next_in = (Bytef *)body->bytes, .avail_in = (uInt)body->size};
    struct text packed = {0};
    bool done = false;

    if (body->size > UINT32_MAX / 2 ||
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    uLong room = deflateBound(&stream, stream.avail_in);
    stream.next_out = (Bytef *)text_reserve(&packed, room);
    if (stream.next_out) {
        stream.avail_out = (uInt)room;
        done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    }
    deflateEnd(&stream);
    if (!done) {
        text_free(&packed);
        return false;
    }
    text_added(&packed, stream.total_out);
    text_free(body);
    *body = packed;
    return true;
}

/* Of a stream that is under way: what it has said and the client not yet taken. */
struct sending {
    struct http_server *server;
    struct http_stream stream;
    struct text more;
    size_t taken; /* of `more` */
};

static ssize_t sending_read(void *context, uint64_t position, char *to, size_t room)
{
    struct sending *sending = context;
    size_t size;

    (void)position;
    if (sending->taken == sending->more.size) {
        text_clear(&sending->more);
        sending->taken = 0;
        if (atomic_load(&sending->server->stopping) ||
            !sending->stream.next(sending->stream.context, &sending->more))
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (sending->more.failed)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size = sending->more.size - sending->taken;
    if (size > room)
        size = room;
    if (size > 0)
        memcpy(to, sending->more.bytes + sending->taken, size);
    sending->taken += size;
    return (ssize_t)size;
}

static void sending_end(void *context)
{
    struct sending *sending = context;

    if (sending->stream.end)
        sending->stream.end(sending->stream.context);
    text_free(&sending->more);
    free(sending);
}

static struct MHD_Response *make_stream(struct http_server *server,
                                        struct http_response *response)
{
    struct sending *sending = calloc(1, sizeof *sending);
    struct MHD_Response *made;

    if (!sending) {
        if (response->stream.end)
            response->stream.end(response->stream.context);
        return NULL;
    }
    sending->server = server;
    sending->stream = response->stream;
    made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, sending_read,
                                             sending, sending_end);
    if (!made)
        sending_end(sending);
    return made;
}

/* The body goes to it, also when it can't be made. */
static struct MHD_Response *make_body(struct http_response *response)
{
    struct text *body = &response->body;
    struct MHD_Response *made;

    if (!body->bytes)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    made = MHD_create_response_from_buffer_with_free_callback(body->size, body->bytes, free);
    if (!made)
        text_free(body);
    *body = (struct text){0};
    return made;
}

static void add(struct MHD_Response *made, const char *name, const char *value)
{
    (void)MHD_add_response_header(made, name, value);
}

static void add_headers(struct MHD_Response *made, const struct http_response *response)
{
    char line[LIMIT_HTTP_DETAIL_BYTES];

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        add(made, headers[i][0], headers[i][1]);
    if (response->type && response->status != MHD_HTTP_NOT_MODIFIED)
        add(made, MHD_HTTP_HEADER_CONTENT_TYPE, response->type);
    add(made, MHD_HTTP_HEADER_CACHE_CONTROL, response->cache ? response->cache : "no-cache");
    if (response->file_name) {
        snprintf(line, sizeof line, "attachment; filename=\"%s\"", response->file_name);
        add(made, MHD_HTTP_HEADER_CONTENT_DISPOSITION, line);
    }
    if (response->retry_after_s > 0) {
        snprintf(line, sizeof line, "%u", response->retry_after_s);
        add(made, MHD_HTTP_HEADER_RETRY_AFTER, line);
    }
    if (response->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add(made, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    /* Not Basic, which is taken, too: browsers would ask beside the page that does. */
    if (response->status == MHD_HTTP_UNAUTHORIZED)
        add(made, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"headcount\"");
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

    return value ? value : "";
}

/* An answer with a body: its tag goes to `tag`, "" where it has none. */
static struct MHD_Response *pack_and_make(struct MHD_Connection *connection,
                                          struct http_response *response, char *tag)
{
    struct text *body = &response->body;
    struct MHD_Response *made;
    bool packable = is_packable(response), packed = false;

    tag[0] = '\0';
    if (response->status == MHD_HTTP_OK) {
        snprintf(tag, TAG_BYTES, "W/\"%016llx\"",
                 (unsigned long long)XXH3_64bits(body->bytes, body->size));
        if (http_tag_is_known(header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH), tag)) {
            response->status = MHD_HTTP_NOT_MODIFIED;
            text_free(body);
        }
    }
    if (packable && body->size > 0 &&
        http_accepts_gzip(header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING)))
        packed = pack(body);
    made = make_body(response);
    if (made && packable)
        add(made, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (made && packed)
        add(made, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return made;
}

enum MHD_Result http_answer(struct http_server *server, struct MHD_Connection *connection,
                            struct http_response *response)
{
    struct MHD_Response *made;
    enum MHD_Result result;
    char tag[TAG_BYTES] = "";

    if (response->stream.next) {
        text_free(&response->body);
        made = make_stream(server, response);
    } else {
        if (response->body.failed) {
            http_problem(response, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "out of memory");
            if (response->body.failed)
                text_free(&response->body);
        }
        made = pack_and_make(connection, response, tag);
    }
    if (!made)
        return MHD_NO;
    add_headers(made, response);
    if (tag[0])
        add(made, MHD_HTTP_HEADER_ETAG, tag);
    if (response->stream.next)
        add(made, "X-Accel-Buffering", "no");
    assert(response->status > 0 && response->status < HTTP_STATUS_END);
    atomic_fetch_add(&server->answers[response->status], 1);
    result = MHD_queue_response(connection, (unsigned)response->status, made);
    MHD_destroy_response(made);
    return result;
}
