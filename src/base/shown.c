#include "shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Unicode's controls, and its formatting characters that hide or turn text. */
static const struct range {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},   {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},   {0xfff9, 0xfffb},
    {0xe0000, 0xe007f},
};

/* The character of `length` bytes. */
static uint32_t decode(const char *bytes, size_t length)
{
    const unsigned char *b = (const unsigned char *)bytes;
    uint32_t code_point = length == 1 ? b[0] : b[0] & (0x7fu >> length);

    for (size_t i = 1; i < length; i++)
        code_point = code_point << 6 | (b[i] & 0x3f);
    return code_point;
}

static bool is_hidden(uint32_t code_point)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (code_point >= hidden[i].first && code_point <= hidden[i].last)
            return true;
    return false;
}

size_t shown_length(const char *bytes, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t length = utf8_length(bytes + at, size - at);

        if (length == 0 || is_hidden(decode(bytes + at, length)))
            break;
        at += length;
    }
    return at;
}

/* As JSON has it: two halves beyond U+FFFF. */
static void put_escape(struct text *text, uint32_t code_point)
{
    if (code_point > 0xffff) {
        text_format(text, "\\u%04x", 0xd800 + ((code_point - 0x10000) >> 10));
        code_point = 0xdc00 + (code_point & 0x3ff);
    }
    text_format(text, "\\u%04x", (unsigned)code_point);
}

/* Writes the character or byte that can't be shown; its length. */
static size_t put_hidden(struct text *text, const char *bytes, size_t size)
{
    size_t length = utf8_length(bytes, size);

    if (length == 0)
        text_format(text, "\\x%02x", (unsigned char)bytes[0]);
    else
        put_escape(text, decode(bytes, length));
    return length ? length : 1;
}

void text_shown(struct text *text, const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t plain = shown_length(bytes + at, size - at);

        text_bytes(text, bytes + at, plain);
        at += plain;
        if (at < size)
            at += put_hidden(text, bytes + at, size - at);
    }
}

void text_shown_string(struct text *text, const char *bytes, size_t size)
{
    struct text json = {0};

    /* Controls below U+0020 and what is not UTF-8 are escaped by this already. */
    text_json_string(&json, bytes, size);
    if (json.failed)
        text->failed = true;
    else
        text_shown(text, json.bytes, json.size);
    text_free(&json);
}

__attribute__((format(printf, 2, 0))) static void say_all(FILE *stream, const char *format,
                                                           va_list arguments)
{
    struct text text = {0};
    char *message = NULL;
    int size = vasprintf(&message, format, arguments);
    bool line = size > 0 && message[size - 1] == '\n';

    if (size >= 0)
        text_shown(&text, message, (size_t)size - line);
    if (size < 0 || text.failed)
        fputs("out of memory for a message", stream);
    else if (text.size > 0)
        fwrite(text.bytes, 1, text.size, stream);
    if (size < 0 || line)
        fputc('\n', stream);
    text_free(&text);
    if (size >= 0)
        free(message);
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_all(stderr, format, arguments);
    va_end(arguments);
}

void say_on(void *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_all(stream, format, arguments);
    va_end(arguments);
}

bool say_stdout_written(const char *program)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    say("%s: stdout: %s\n", program, strerror(errno));
    return false;
}
