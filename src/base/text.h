/* A growing byte buffer, and writers for what records and logs are made of.
 *
 * A failed allocation sets `failed` and makes all further calls do nothing, so
 * that a caller checks once, at the end. Not for concurrent use. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. `bytes` is NUL-terminated at `size` unless it is NULL. */
struct text {
    char *bytes;
    size_t size;
    size_t room;
    bool failed;
};

void text_free(struct text *text);
/* Empties it and keeps the memory. */
void text_clear(struct text *text);
/* Room for `size` more bytes at the end; NULL and `failed` if there is none.
 * The caller writes there and adds to `size` itself with text_added. */
char *text_reserve(struct text *text, size_t size);
void text_added(struct text *text, size_t size);
void text_bytes(struct text *text, const void *bytes, size_t size);
void text_string(struct text *text, const char *string);
void text_char(struct text *text, char c);
void text_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_int(struct text *text, int64_t number);
/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void text_json_string(struct text *text, const char *bytes, size_t size);
/* A finite double as JSON, at most `digits` significant digits (1..17). */
void text_json_double(struct text *text, double number, int digits);
void text_base64(struct text *text, const void *bytes, size_t size);
void text_hex(struct text *text, const void *bytes, size_t size);
/* "2016-07-11T13:39:00Z"; time_s in 0..LIMIT_TIME_S. */
void text_utc(struct text *text, int64_t time_s);

/* The bytes of standard base64 with padding, appended to `into`; false when
 * `bytes` is not that (`into` is then as before). */
bool text_from_base64(struct text *into, const char *bytes, size_t size);

#endif
