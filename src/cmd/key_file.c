#include "key_file.h"

#include <stdio.h>
#include <string.h>

#include "secret.h"

#define DIGITS (2 * HC_KEY_SIZE)
#define ROOM 1024
#define WHY_BYTES 128

/* The value of a hex digit, or -1. */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* How many bytes are before the line end, if there is one. */
static size_t without_line_end(const char *text, size_t size)
{
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size > 0 && text[size - 1] == '\r')
        size--;
    return size;
}

/* What is wrong with the text, or NULL: then the key is in `key`. */
static const char *parse(const char *text, size_t size, uint8_t *key)
{
    uint8_t any = 0;
    size = without_line_end(text, size);
    if (size != DIGITS)
        return size < DIGITS ? "too short, a key has 32 hex digits"
                             : "too long, a key has 32 hex digits and nothing else";
    for (size_t i = 0; i < HC_KEY_SIZE; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return "not all of its 32 characters are hex digits";
        key[i] = (uint8_t)(high << 4 | low);
        any |= key[i];
    }
    return any ? NULL : "the key is all zero, which is no secret";
}

bool key_file_read(const char *path, uint8_t *key, char *error, size_t error_size)
{
    char text[ROOM], why[WHY_BYTES];
    struct secret_file file = {0};
    const char *wrong;
    secret_hide_process();
    if (!secret_file_read(path, text, sizeof text, &file, why, sizeof why)) {
        wrong = why;
    } else if (file.readers == SECRET_OTHERS) {
        snprintf(why, sizeof why,
                 "others can read it (mode %03o): chmod 600, and make a new key if it matters",
                 file.mode);
        wrong = why;
    } else {
        wrong = parse(text, file.size, key);
    }
    explicit_bzero(text, sizeof text);
    if (!wrong)
        return true;
    explicit_bzero(key, HC_KEY_SIZE);
    snprintf(error, error_size, "--key-file %s: %s", path, wrong);
    return false;
}
