/* A line into JSON tokens, without its longest part.
 *
 * Most of a line is one string, the sketch in base64. It is decoded first, which
 * proves that it holds nothing but digits of base64, and the JSON reader then
 * sees the line without them:
 *
 *   {"type":"sketch",...,"sketch":{...,"bytes":"SENTSwEBDgE..."}}
 *   {"type":"sketch",...,"sketch":{...,"bytes":""}}
 *
 * The one is a document if and only if the other is. Between two quotes, digits
 * are the inside of a string or they are damage; with nothing between them the
 * quotes are an empty inside, or as damaged. Should the string turn out to be
 * another one than the sketch's bytes, or anything be wrong, the whole line is
 * read as it is. So what a line means, or is refused for, does not depend on it. */
#include <string.h>

#include "record_reader.h"

/* Shorter strings are not worth it. */
#define LONG_STRING 256

static const char *json_status_text(enum json_status status)
{
    switch (status) {
    case JSON_OK:
        break;
    case JSON_EMPTY:
        return "the line is empty";
    case JSON_NOT_JSON:
        return "not JSON";
    case JSON_TOO_DEEP:
        return "nested too deeply";
    case JSON_BAD_ESCAPE:
        return "a bad escape in a string";
    case JSON_BAD_UTF8:
        return "not UTF-8";
    case JSON_NO_MEMORY:
        return "out of memory";
    }
    return "not JSON";
}

/* The text between two quotes that covers the middle of the line. */
static bool find_long_string(const char *line, size_t size, size_t *begin, size_t *end)
{
    const char *middle = line + size / 2;
    const char *open = memrchr(line, '"', size / 2);
    const char *close = memchr(middle, '"', size - size / 2);
    if (!open || !close || close - open <= LONG_STRING)
        return false;
    *begin = (size_t)(open + 1 - line);
    *end = (size_t)(close - line);
    return true;
}

/* The sketch's bytes, or -1. */
static int find_bytes(struct record_reader *reader)
{
    const struct json *json = reader->json;
    if (json_kind(json, 0) != JSON_OBJECT)
        return -1;
    int sketch = reader_find(reader, 0, "sketch");
    if (sketch < 0 || json_kind(json, sketch) != JSON_OBJECT)
        return -1;
    int bytes = reader_find(reader, sketch, "bytes");
    return bytes >= 0 && json_kind(json, bytes) == JSON_STRING ? bytes : -1;
}

/* Another document: nothing is known of the one before. */
static enum json_status parse_document(struct record_reader *reader, const char *bytes,
                                       size_t size)
{
    reader->root.object = reader->inner.object = -1;
    reader->escapes = size > 0 && memchr(bytes, '\\', size) != NULL;
    return json_parse(reader->json, bytes, size);
}

/* Parses the line without its long string. False: it has to be parsed whole. */
static bool parse_short(struct record_reader *reader, const char *line, size_t size)
{
    size_t begin, end, left;
    if (!find_long_string(line, size, &begin, &end))
        return false;
    text_clear(&reader->native);
    text_clear(&reader->line);
    if (!text_from_base64(&reader->native, line + begin, end - begin))
        return false;
    text_bytes(&reader->line, line, begin);
    text_bytes(&reader->line, line + end, size - end);
    if (reader->line.failed ||
        parse_document(reader, reader->line.bytes, reader->line.size) != JSON_OK)
        return false;
    int bytes = find_bytes(reader);
    if (bytes < 0 || json_text(reader->json, bytes, &left) != reader->line.bytes + begin)
        return false;
    reader->native_token = bytes;
    return true;
}

bool reader_parse(struct record_reader *reader, const char *line, size_t size)
{
    enum json_status status = JSON_NOT_JSON;
    reader->native_token = -1;
    if (size <= LIMIT_FRAME_MAX) {
        if (parse_short(reader, line, size))
            return true;
        status = parse_document(reader, line, size);
    }
    return status == JSON_OK || reader_fail(reader, "%s", json_status_text(status));
}
