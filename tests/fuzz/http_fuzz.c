/* Any text where clients put theirs: the address, and the values of headers; and what a
 * user gives as --listen. The first line is an address, the others are values.
 * What is decoded is text within the limits, and comes back from its own encoding;
 * what is let in is let in for a reason that a plain look finds, too. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_headers.h"
#include "http_listen.h"
#include "http_target.h"
#include "text.h"
#include "utf8.h"

#define TOKEN "0123456789abcdef"
#define TAG "W/\"0123456789abcdef\""

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    size_t size = strlen(text);

    for (size_t at = 0, length; at < size; at += length) {
        length = utf8_length(text + at, size - at);
        assert(length > 0);
    }
}

/* Every byte as %XX, but for what divides a path. */
static void encode(struct text *into, const char *text, bool path)
{
    for (; *text; text++)
        if (path && *text == '/')
            text_char(into, '/');
        else
            text_format(into, "%%%02x", (unsigned char)*text);
}

/* A field for each part of the query that is not empty. */
static size_t count_parts(const char *raw)
{
    const char *query = strchr(raw, '?');
    size_t count = 0;

    for (const char *at = query ? query + 1 : ""; *at; at++)
        count += *at != '&' && (at[-1] == '&' || at == query + 1);
    return count;
}

static void check_again(const struct http_target *target)
{
    struct http_target *again = malloc(sizeof *again);
    struct text raw = {0};
    const char *why;
    int status;

    assert(again);
    encode(&raw, target->path, true);
    for (size_t i = 0; i < target->field_count; i++) {
        text_char(&raw, i == 0 ? '?' : '&');
        encode(&raw, target->fields[i].name, false);
        text_char(&raw, '=');
        encode(&raw, target->fields[i].value, false);
    }
    assert(!raw.failed);
    status = http_target_parse(raw.bytes, again, &why);
    assert(status == (raw.size > LIMIT_HTTP_TARGET_BYTES ? 414 : 0));
    for (size_t i = 0; status == 0 && i < target->field_count; i++) {
        assert(strcmp(again->fields[i].name, target->fields[i].name) == 0);
        assert(strcmp(again->fields[i].value, target->fields[i].value) == 0);
    }
    assert(status != 0 ||
           (strcmp(again->path, target->path) == 0 && again->field_count == target->field_count));
    text_free(&raw);
    free(again);
}

static void check_target(const char *raw)
{
    struct http_target *target = malloc(sizeof *target);
    const char *why = NULL;
    int status;

    assert(target);
    status = http_target_parse(raw, target, &why);
    if (status == 0) {
        assert(raw[0] == '/' && target->path[0] == '/');
        check_text(target->path);
        assert(strchr(raw, '%') || strncmp(raw, target->path, strcspn(raw, "?")) == 0);
        assert(strchr(raw, '%') || strlen(target->path) == strcspn(raw, "?"));
        assert(target->field_count == count_parts(raw));
        for (size_t i = 0; i < target->field_count; i++) {
            check_text(target->fields[i].name);
            check_text(target->fields[i].value);
        }
        check_again(target);
    } else {
        assert((status == 400 || status == 414) && why && *why);
        assert((status == 414) == (strlen(raw) > LIMIT_HTTP_TARGET_BYTES));
    }
    free(target);
}

static void check_token(const char *value)
{
    const char *bare = value + strspn(value, " \t");
    struct text line = {0}, pair = {0};
    bool same = strcmp(bare, TOKEN) == 0;

    if (http_token_is_right(value, TOKEN)) {
        /* Nothing is right by itself: the scheme is a part of it. */
        assert(strncasecmp(value, "bearer", 6) == 0 || strncasecmp(value, "basic", 5) == 0);
        assert(strncasecmp(value, "basic", 5) == 0 || strstr(value, TOKEN));
    }
    text_format(&line, "Bearer %s", value);
    assert(!line.failed && http_token_is_right(line.bytes, TOKEN) == same);
    text_format(&pair, "me:%s", value);
    text_clear(&line);
    text_string(&line, "Basic ");
    text_base64(&line, pair.bytes, pair.size);
    assert(!line.failed && http_token_is_right(line.bytes, TOKEN) == (strcmp(value, TOKEN) == 0));
    text_free(&line);
    text_free(&pair);
}

static void check_lists(const char *value)
{
    struct text line = {0};

    if (http_accepts_gzip(value))
        assert(strcasestr(value, "gzip") || strchr(value, '*'));
    if (http_tag_is_known(value, TAG))
        assert(strstr(value, "\"0123456789abcdef\"") || strchr(value, '*'));
    text_format(&line, "%s, " TAG, value);
    assert(!line.failed && http_tag_is_known(line.bytes, TAG));
    text_clear(&line);
    text_format(&line, "gzip;q=0, %s", value);
    assert(!line.failed && !http_accepts_gzip(line.bytes));
    text_free(&line);
}

static void check_host(const char *value)
{
    struct text line = {0};

    if (!http_host_is_local(value))
        return;
    assert(strncasecmp(value, "localhost", 9) == 0 || strncmp(value, "127.", 4) == 0 ||
           strncmp(value, "[::1]", 5) == 0);
    for (const char *c = value; *c; c++)
        assert(isalnum((unsigned char)*c) || strchr(".:[]", *c));
    /* A name that has one of ours in it is not ours. */
    text_format(&line, "%s.example", value);
    assert(!line.failed && !http_host_is_local(line.bytes));
    text_clear(&line);
    text_format(&line, "evil.%s", value);
    assert(!line.failed && !http_host_is_local(line.bytes));
    text_free(&line);
}

static void check_listen(const char *value)
{
    struct http_listen listen_on, again;
    char shown[128];

    if (!http_listen_parse(value, &listen_on))
        return;
    http_listen_show(&listen_on.address, shown, sizeof shown);
    assert(strncmp(shown, "http://", 7) == 0);
    assert(http_listen_parse(shown + 7, &again));
    assert(again.size == listen_on.size && again.loopback == listen_on.loopback);
    assert(memcmp(&again.address, &listen_on.address, again.size) == 0);
    if (listen_on.loopback)
        assert(http_host_is_local(shown + 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), *rest = copy, *line;
    bool first = true;

    assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    while ((line = strsep(&rest, "\n"))) {
        if (first) {
            check_target(line);
        } else {
            check_token(line);
            check_lists(line);
            check_host(line);
            check_listen(line);
            (void)http_event_id_is_sane(line);
        }
        first = false;
    }
    free(copy);
    return 0;
}
