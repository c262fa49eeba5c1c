#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"
#include "limits.h"
#include "utf8.h"

#define FIRST_ROOM 64

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->size = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = '\0';
}

char *text_reserve(struct text *text, size_t size)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    size_t need;
    char *bytes;

    if (text->failed)
        return NULL;
    /* One more than asked for: the NUL. */
    if (size > SIZE_MAX / 2 - 1 - text->size)
        goto failed;
    need = text->size + size + 1;
    if (need <= text->room)
        return text->bytes + text->size;
    while (room < need)
        room *= 2;
    bytes = realloc(text->bytes, room);
    if (!bytes)
        goto failed;
    text->bytes = bytes;
    text->room = room;
    text->bytes[text->size] = '\0';
    return text->bytes + text->size;

failed:
    text->failed = true;
    return NULL;
}

void text_added(struct text *text, size_t size)
{
    assert(!text->failed && text->size + size < text->room);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_bytes(struct text *text, const void *bytes, size_t size)
{
    char *at = text_reserve(text, size);

    if (!at)
        return;
    if (size > 0)
        memcpy(at, bytes, size);
    text_added(text, size);
}

void text_string(struct text *text, const char *string)
{
    text_bytes(text, string, strlen(string));
}

void text_char(struct text *text, char c)
{
    text_bytes(text, &c, 1);
}

void text_format(struct text *text, const char *format, ...)
{
    char *at = text_reserve(text, 0);
    va_list arguments;
    size_t room;
    int size;

    if (!at)
        return;
    room = text->room - text->size;
    va_start(arguments, format);
    size = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size >= room) {
        at = text_reserve(text, (size_t)size);
        if (!at) {
            text->bytes[text->size] = '\0';
            return;
        }
        va_start(arguments, format);
        vsnprintf(at, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    text_added(text, (size_t)size);
}

void text_int(struct text *text, int64_t number)
{
    text_format(text, "%" PRId64, number);
}

/* The letter behind the backslash, where there is a short form. */
static const char json_escapes[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                    ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};

static void json_escape(struct text *text, unsigned char byte)
{
    char name = byte < sizeof json_escapes ? json_escapes[byte] : '\0';

    if (name)
        text_format(text, "\\%c", name);
    else
        text_format(text, "\\u%04x", byte);
}

/* How many bytes from `bytes` on stand for themselves in a JSON string. */
static size_t json_plain(const char *bytes, size_t size)
{
    size_t at = 0;

    while (at < size) {
        unsigned char byte = (unsigned char)bytes[at];
        size_t length;

        if (byte < 0x20 || byte == '"' || byte == '\\')
            break;
        length = byte < 0x80 ? 1 : utf8_length(bytes + at, size - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

void text_json_string(struct text *text, const char *bytes, size_t size)
{
    size_t at = 0;

    text_char(text, '"');
    while (at < size) {
        size_t plain = json_plain(bytes + at, size - at);

        text_bytes(text, bytes + at, plain);
        at += plain;
        if (at == size)
            break;
        if ((unsigned char)bytes[at] < 0x80)
            json_escape(text, (unsigned char)bytes[at]);
        else
            text_string(text, "\xef\xbf\xbd");
        at++;
    }
    text_char(text, '"');
}

void text_json_double(struct text *text, double number, int digits)
{
    assert(isfinite(number) && digits >= 1 && digits <= 17);
    text_format(text, "%.*g", digits, number);
}

void text_base64(struct text *text, const void *bytes, size_t size)
{
    char *at;

    if (size > SIZE_MAX / 2) {
        text->failed = true;
        return;
    }
    at = text_reserve(text, base64_encoded_size(size));
    if (!at)
        return;
    base64_encode(at, bytes, size);
    text_added(text, base64_encoded_size(size));
}

bool text_from_base64(struct text *into, const char *bytes, size_t size)
{
    char *at = text_reserve(into, size / 4 * 3);
    size_t decoded;

    if (!at)
        return false;
    if (!base64_decode((uint8_t *)at, bytes, size, &decoded)) {
        *at = '\0';
        return false;
    }
    text_added(into, decoded);
    return true;
}

void text_hex(struct text *text, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    char *at;

    if (size > SIZE_MAX / 4) {
        text->failed = true;
        return;
    }
    at = text_reserve(text, size * 2);
    if (!at)
        return;
    for (size_t i = 0; i < size; i++) {
        *at++ = "0123456789abcdef"[from[i] >> 4];
        *at++ = "0123456789abcdef"[from[i] & 15];
    }
    text_added(text, size * 2);
}

void text_utc(struct text *text, int64_t time_s)
{
    time_t seconds = (time_t)time_s;
    struct tm utc;

    assert(time_s >= 0 && time_s <= LIMIT_TIME_S);
    gmtime_r(&seconds, &utc);
    text_format(text, "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}
