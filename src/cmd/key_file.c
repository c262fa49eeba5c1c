#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (2 * HC_KEY_SIZE)
/* The digits, a line end of two bytes, and one byte that is too many. */
#define FILE_BYTES (DIGITS + 3)

static bool refuse(const char *path, char *error, size_t error_size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool refuse(const char *path, char *error, size_t error_size, const char *format, ...)
{
    int size = snprintf(error, error_size, "--key-file %s: ", path);
    va_list arguments;
    va_start(arguments, format);
    if (size >= 0 && (size_t)size < error_size)
        vsnprintf(error + size, error_size - (size_t)size, format, arguments);
    va_end(arguments);
    return false;
}

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

static ssize_t read_all(int fd, char *text, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t got = read(fd, text + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

bool key_file_read(const char *path, uint8_t *key, char *error, size_t error_size)
{
    char text[FILE_BYTES];
    const char *wrong;
    struct stat about;
    ssize_t size = -1;
    bool done = false;
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(path, error, error_size, "%s", strerror(errno));
    if (fstat(fd, &about) != 0) {
        refuse(path, error, error_size, "%s", strerror(errno));
        goto out;
    }
    if ((about.st_mode & 07) || ((about.st_mode & 070) && about.st_uid == geteuid())) {
        refuse(path, error, error_size,
               "others can read it (mode %03o): chmod 600, and make a new key if it matters",
               (unsigned)about.st_mode & 0777);
        goto out;
    }
    size = read_all(fd, text, sizeof text);
    wrong = size < 0 ? strerror(errno) : parse(text, (size_t)size, key);
    done = !wrong;
    if (wrong) {
        explicit_bzero(key, HC_KEY_SIZE);
        refuse(path, error, error_size, "%s", wrong);
    }
out:
    explicit_bzero(text, sizeof text);
    close(fd);
    return done;
}
