#include "http_headers.h"

#include <string.h>
#include <strings.h>

#include "limits.h"
#include "text.h"

#define SPACE " \t"

/* The next part of a list with commas, without the spaces around it: its length,
 * at *list, which goes on to `*next`; NULL there at the end. */
static size_t list_part(const char **list, const char **next)
{
    size_t size = strcspn(*list, ",");

    *next = (*list)[size] ? *list + size + 1 : NULL;
    while (size > 0 && strchr(SPACE, **list)) {
        ++*list;
        size--;
    }
    while (size > 0 && strchr(SPACE, (*list)[size - 1]))
        size--;
    return size;
}

/* "q=0", "q=0.0", "q=0.000" */
static bool is_refused(const char *parameters, size_t size)
{
    const char *end = parameters + size;
    const char *at = parameters + strspn(parameters, SPACE ";");

    if (end - at < 3 || (*at != 'q' && *at != 'Q') || at[1] != '=')
        return false;
    for (at += 2; at < end && !strchr(SPACE ";", *at); at++)
        if (*at != '0' && *at != '.')
            return false;
    return true;
}

bool http_accepts_gzip(const char *value)
{
    for (const char *part = value, *next; part; part = next) {
        size_t size = list_part(&part, &next);
        size_t name = strcspn(part, SPACE ";,");

        if ((name == 4 && strncasecmp(part, "gzip", 4) == 0) || (name == 1 && *part == '*'))
            return !is_refused(part + name, size - name);
    }
    return false;
}

bool http_tag_is_known(const char *value, const char *tag)
{
    size_t tag_size;

    if (strncmp(tag, "W/", 2) == 0)
        tag += 2;
    tag_size = strlen(tag);
    for (const char *part = value, *next; part; part = next) {
        size_t size = list_part(&part, &next);

        if (size == 1 && *part == '*')
            return true;
        if (size > 2 && strncmp(part, "W/", 2) == 0) {
            part += 2;
            size -= 2;
        }
        if (size == tag_size && memcmp(part, tag, size) == 0)
            return true;
    }
    return false;
}

/* "127.1.2.3", as browsers write every address of this kind. */
static bool is_loopback_v4(const char *host, size_t size)
{
    int dots = 0;

    if (size < 9 || strncmp(host, "127.", 4) != 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (host[i] == '.')
            dots++;
        else if (host[i] < '0' || host[i] > '9')
            return false;
    }
    return dots == 3;
}

bool http_host_is_local(const char *value)
{
    size_t size, port;

    if (!value)
        return false;
    size = value[0] == '[' ? strcspn(value, "]") + (strchr(value, ']') != NULL)
                           : strcspn(value, ":");
    port = strlen(value + size);
    if (port > 0 && (value[size] != ':' || port > 6 ||
                     strspn(value + size + 1, "0123456789") != port - 1))
        return false;
    return (size == 9 && strncasecmp(value, "localhost", 9) == 0) ||
           (size == 5 && memcmp(value, "[::1]", 5) == 0) || is_loopback_v4(value, size);
}

/* As long for every `given` of a length. */
static bool is_equal(const char *given, size_t size, const char *token)
{
    size_t token_size = strlen(token);
    unsigned char difference = size != token_size;

    for (size_t i = 0; i < size; i++)
        difference |= (unsigned char)(given[i] ^ token[token_size ? i % token_size : 0]);
    return difference == 0;
}

/* The password of "user:password" in base64. */
static bool basic_is_right(const char *encoded, const char *token)
{
    struct text pair = {0};
    const char *colon;
    bool right = false;

    if (strlen(encoded) <= LIMIT_HTTP_TOKEN_BYTES * 3 &&
        text_from_base64(&pair, encoded, strlen(encoded)) && pair.size > 0) {
        colon = memchr(pair.bytes, ':', pair.size);
        right = colon && is_equal(colon + 1, pair.size - (size_t)(colon + 1 - pair.bytes), token);
    }
    if (pair.bytes)
        explicit_bzero(pair.bytes, pair.size);
    text_free(&pair);
    return right;
}

bool http_token_is_right(const char *value, const char *token)
{
    size_t scheme;

    if (!value)
        return false;
    scheme = strcspn(value, SPACE);
    if (scheme == 6 && strncasecmp(value, "bearer", 6) == 0) {
        const char *given = value + 6 + strspn(value + 6, SPACE);

        return is_equal(given, strlen(given), token);
    }
    if (scheme == 5 && strncasecmp(value, "basic", 5) == 0)
        return basic_is_right(value + 5 + strspn(value + 5, SPACE), token);
    return false;
}

bool http_event_id_is_sane(const char *value)
{
    size_t size = strlen(value);

    if (size == 0 || size > LIMIT_HTTP_EVENT_ID_BYTES)
        return false;
    for (size_t i = 0; i < size; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return false;
    return true;
}
