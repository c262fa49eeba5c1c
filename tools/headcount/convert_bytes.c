#include "convert_bytes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What is asked of the system at once. */
#define CHUNK ((size_t)64 * 1024)

static const char *const prefixes[] = {"0x", "0X", "\\x", "\\\\x"};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A digit's value, or -1. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* How many characters of these stand before the first digit. */
static size_t prefix_size(const char *characters, size_t size)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t length = strlen(prefixes[i]);
        if (size >= length && memcmp(characters, prefixes[i], length) == 0)
            return length;
    }
    return 0;
}

static const char *read_hex(const char *characters, size_t size, struct text *into)
{
    size_t prefix = prefix_size(characters, size);
    characters += prefix;
    size -= prefix;
    for (size_t i = 0; i < size; i++) {
        if (digit(characters[i]) < 0)
            return "these are not hexadecimal digits; --format tells other forms";
    }
    if (size % 2)
        return "a hexadecimal digit is missing: their number is odd";
    char *bytes = text_reserve(into, size / 2 + 1);
    if (!bytes)
        return "out of memory";
    for (size_t i = 0; i < size / 2; i++)
        bytes[i] = (char)(digit(characters[2 * i]) << 4 | digit(characters[2 * i + 1]));
    text_added(into, size / 2);
    return NULL;
}

const char *convert_bytes_read(enum convert_format format, const char *characters, size_t size,
                               struct text *into)
{
    assert(format != CONVERT_RAW);
    text_clear(into);
    while (size > 0 && is_space(characters[size - 1]))
        size--;
    while (size > 0 && is_space(*characters)) {
        characters++;
        size--;
    }
    if (size == 0)
        return "there is no sketch";
    if (format == CONVERT_HEX)
        return read_hex(characters, size, into);
    if (text_from_base64(into, characters, size))
        return NULL;
    return into->failed ? "out of memory" : "this is not base64; --format tells other forms";
}

static const char *read_file(int file, struct text *into)
{
    for (;;) {
        char *room = text_reserve(into, CHUNK);
        if (!room)
            return "out of memory";
        ssize_t got = read(file, room, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerror(errno);
        if (got == 0)
            return NULL;
        text_added(into, (size_t)got);
        if (into->size > CONVERT_BYTES_MAX)
            return "longer than any sketch";
    }
}

const char *convert_bytes_file(const char *path, struct text *into)
{
    bool is_stdin = strcmp(path, "-") == 0;
    text_clear(into);
    int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return strerror(errno);
    const char *error = read_file(file, into);
    if (!is_stdin)
        close(file);
    return error;
}
