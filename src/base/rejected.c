/* See rejected.h. A line holds the bytes in base64, so that whatever came is
 * one line of text. */
#include "rejected.h"

#include <string.h>

#include "limits.h"
#include "number.h"

void rejected_write(const struct rejected *r, struct text *line)
{
    text_string(line, "{\"reason\":");
    text_json_string(line, r->reason, strlen(r->reason));
    text_string(line, ",\"source\":");
    text_json_string(line, r->source, strlen(r->source));
    text_string(line, ",\"position\":");
    text_int(line, r->position);
    text_string(line, ",\"time\":\"");
    text_utc(line, r->time_s);
    text_char(line, '"');
    if (r->timestamp_ms != MESSAGE_NO_TIMESTAMP) {
        text_string(line, ",\"timestamp\":");
        text_int(line, r->timestamp_ms);
    }
    text_string(line, ",\"size\":");
    text_int(line, (int64_t)r->size);
    if (r->key) {
        text_string(line, ",\"key\":\"");
        text_base64(line, r->key, r->key_size);
        text_char(line, '"');
    }
    if (r->kept && !r->frame) {
        text_string(line, ",\"frame\":null");
    } else if (r->kept) {
        text_string(line, ",\"frame\":\"");
        text_base64(line, r->frame, r->size);
        text_char(line, '"');
    }
    text_char(line, '}');
}

/* The bytes of a member in base64 into `bytes`. NULL, or what is wrong. */
static const char *read_bytes(struct json *json, int token, struct text *bytes)
{
    if (json_kind(json, token) != JSON_STRING)
        return "\"frame\" or \"key\" is not a string";
    size_t size;
    const char *encoded = json_text(json, token, &size);
    if (!text_reserve(bytes, size + 1)) /* never NULL, however short */
        return "out of memory";
    if (!text_from_base64(bytes, encoded, size))
        return bytes->failed ? "out of memory" : "\"frame\" or \"key\" is not base64";
    return NULL;
}

static int member(struct json *json, const char *name)
{
    return json_member(json, 0, name, strlen(name));
}

static const char *read_frame(struct json *json, struct text *bytes, struct rejected *r)
{
    int token = member(json, "frame");
    if (token < 0) {
        int64_t size;
        int told = member(json, "size");
        if (told >= 0 && json_int64(json, told, &size) && size > 0)
            r->size = (size_t)size;
        return NULL;
    }
    r->kept = true;
    if (json_kind(json, token) == JSON_NULL)
        return NULL;
    const char *error = read_bytes(json, token, bytes);
    r->frame = bytes->bytes;
    r->size = bytes->size;
    return error;
}

const char *rejected_read(struct json *json, const char *line, size_t size, struct text *key,
                          struct text *frame, struct rejected *r)
{
    *r = (struct rejected){.timestamp_ms = MESSAGE_NO_TIMESTAMP};
    text_clear(key);
    text_clear(frame);
    if (json_parse(json, line, size) != JSON_OK || json_kind(json, 0) != JSON_OBJECT)
        return "not a JSON object";
    if (member(json, "reason") < 0)
        return "not a line of rejects: there is no \"reason\"";
    int token = member(json, "timestamp");
    if (token >= 0 && !json_int64(json, token, &r->timestamp_ms))
        return "\"timestamp\" is not a whole number";
    token = member(json, "key");
    const char *error = token >= 0 ? read_bytes(json, token, key) : NULL;
    if (!error)
        error = read_frame(json, frame, r);
    if (!error && token >= 0) {
        r->key = key->bytes;
        r->key_size = key->size;
    }
    return error;
}

/* The bytes from *at up to `end` or a tab, as text in `names`; its offset there. */
static size_t take_field(const char **at, const char *end, struct text *names)
{
    size_t offset = names->size;
    const char *tab = memchr(*at, '\t', (size_t)(end - *at));
    const char *stop = tab ? tab : end;
    text_bytes(names, *at, (size_t)(stop - *at));
    text_char(names, '\0');
    *at = tab ? tab + 1 : end;
    return offset;
}

/* A number among the headers, which kcat prints as "name=value,name=value". */
static bool header_number(const char *headers, const char *name, int64_t min, int64_t max,
                          int64_t *number)
{
    char text[32];
    const char *found = strstr(headers, name);
    if (!found)
        return false;
    found += strlen(name);
    size_t size = strcspn(found, ",");
    if (size >= sizeof text)
        return false;
    memcpy(text, found, size);
    text[size] = '\0';
    return number_int64(text, min, max, number);
}

/* Splits "reason=R,source=S,position=…": a source may hold anything, what
 * follows it not. */
static bool read_names(char *headers, struct rejected *r)
{
    static const char reason[] = "reason=", source[] = ",source=", position[] = ",position=";
    char *found_source = strstr(headers, source);
    char *tail = NULL;
    if (strncmp(headers, reason, sizeof reason - 1) != 0 || !found_source)
        return false;
    for (char *at = found_source + 1; (at = strstr(at, position)); at++)
        tail = at;
    if (!tail)
        return false;
    int64_t size;
    if (!header_number(tail, position, 0, INT64_MAX, &r->position) ||
        !header_number(tail, ",time=", 0, LIMIT_TIME_S, &r->time_s) ||
        !header_number(tail, ",size=", 0, INT64_MAX, &size))
        return false;
    if (!header_number(tail, ",timestamp=", INT64_MIN, INT64_MAX, &r->timestamp_ms))
        r->timestamp_ms = MESSAGE_NO_TIMESTAMP;
    r->kept = !strstr(tail, ",omitted=");
    r->size = (size_t)size;
    *found_source = *tail = '\0';
    r->reason = headers + sizeof reason - 1;
    r->source = found_source + sizeof source - 1;
    return true;
}

bool rejected_read_headers(const char *line, size_t size, struct text *names,
                           struct rejected *r, int64_t *key_size, int64_t *value_size)
{
    const char *at = line, *end = line + size;
    *r = (struct rejected){.timestamp_ms = MESSAGE_NO_TIMESTAMP};
    text_clear(names);
    size_t key = take_field(&at, end, names);
    size_t value = take_field(&at, end, names);
    size_t headers = names->size;
    text_bytes(names, at, (size_t)(end - at));
    text_char(names, '\0');
    return !names->failed &&
           number_int64(names->bytes + key, -1, LIMIT_FRAME_MAX, key_size) &&
           number_int64(names->bytes + value, -1, LIMIT_FRAME_MAX, value_size) &&
           read_names(names->bytes + headers, r);
}
