/* Decoded in place: a %XX is longer than what it stands for. A '+' is a space in
 * the query, as forms write it, and itself in the path. */
#include "http_target.h"

#include <string.h>

#include "utf8.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_text(const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = utf8_length(bytes + at, size - at);

        if (length == 0 || bytes[at] == '\0')
            return false;
        at += length;
    }
    return true;
}

/* `end` is where a NUL is put, at the latest. False: it is no text. */
static bool decode(char *start, const char *end, bool plus_is_space)
{
    char *to = start;

    for (const char *from = start; from < end; from++) {
        if (*from == '%') {
            int high = end - from > 2 ? hex_value(from[1]) : -1;
            int low = high >= 0 ? hex_value(from[2]) : -1;

            if (low < 0)
                return false;
            *to++ = (char)(high << 4 | low);
            from += 2;
        } else {
            *to++ = *from == '+' && plus_is_space ? ' ' : *from;
        }
    }
    *to = '\0';
    return is_text(start, (size_t)(to - start));
}

/* One "name=value" that ends at `end`. */
static bool decode_field(struct http_target *target, char *start, char *end)
{
    struct http_field *field = &target->fields[target->field_count++];
    char *equals = memchr(start, '=', (size_t)(end - start));
    char *value = equals ? equals + 1 : end;

    field->name = start;
    field->value = value;
    *end = '\0';
    return decode(value, end, true) && decode(start, equals ? equals : end, true);
}

static int parse_query(struct http_target *target, char *query, const char **why)
{
    for (char *start = query, *end; *start; start = end) {
        bool more;

        end = start + strcspn(start, "&");
        more = *end == '&';
        if (end > start && target->field_count == LIMIT_HTTP_FIELDS) {
            *why = "too many parameters";
            return 400;
        }
        if (end > start && !decode_field(target, start, end)) {
            *why = "the parameters are not UTF-8 text in percent-encoding";
            return 400;
        }
        end += more;
    }
    return 0;
}

int http_target_parse(const char *raw, struct http_target *target, const char **why)
{
    size_t size = strlen(raw);
    char *query;

    target->field_count = 0;
    if (size > LIMIT_HTTP_TARGET_BYTES) {
        *why = "the address is too long";
        return 414;
    }
    memcpy(target->bytes, raw, size + 1);
    query = strchr(target->bytes, '?');
    target->path = target->bytes;
    if (target->bytes[0] != '/' ||
        !decode(target->bytes, query ? query : target->bytes + size, false)) {
        *why = "the address is no path in percent-encoding";
        return 400;
    }
    return query ? parse_query(target, query + 1, why) : 0;
}
