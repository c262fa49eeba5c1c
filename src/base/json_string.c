#include "json_string.h"

#include <assert.h>
#include <string.h>

#include "utf8.h"

#define NO 0xff
#define NO_4 NO, NO, NO, NO
#define NONE_16 NO_4, NO_4, NO_4, NO_4

const unsigned char json_hex_digits[256] = {
    NONE_16,
    NONE_16,
    NONE_16,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NO, NO, NO, NO, NO, NO,
    NO, 10, 11, 12, 13, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NONE_16,
    NO, 10, 11, 12, 13, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16,
    NONE_16};

int json_hex_value(char digit)
{
    unsigned char value = json_hex_digits[(unsigned char)digit];

    return value == NO ? -1 : value;
}

const char json_escape_values[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                      ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

static uint32_t hex4(const char *digits)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)json_hex_value(digits[i]);
    return value;
}

size_t json_escape_decode(const char *at, char into[4], size_t *length)
{
    uint32_t unit;

    assert(at[0] == '\\');
    if (at[1] != 'u') {
        into[0] = json_escape_values[(unsigned char)at[1]];
        *length = 1;
        return 2;
    }
    unit = hex4(at + 2);
    if (unit < 0xd800 || unit > 0xdfff) {
        *length = utf8_encode(unit, into);
        return 6;
    }
    /* The check saw that the other half follows. */
    unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(at + 8) - 0xdc00);
    *length = utf8_encode(unit, into);
    return 12;
}

/* Decodes the next run of raw text that stands for itself, or the next escape:
 * where the decoded bytes are and how many. Returns the raw text left. */
static const char *decode_run(const char *at, const char *end, char escape[4], const char **run,
                              size_t *run_size)
{
    const char *backslash;

    if (*at == '\\') {
        *run = escape;
        return at + json_escape_decode(at, escape, run_size);
    }
    backslash = memchr(at, '\\', (size_t)(end - at));
    *run = at;
    *run_size = (size_t)((backslash ? backslash : end) - at);
    return at + *run_size;
}

bool json_string_decode(const char *raw, size_t raw_size, char *into, size_t room, size_t *size)
{
    const char *at = raw, *end = raw + raw_size, *run;
    size_t run_size;
    char escape[4];

    *size = 0;
    while (at < end) {
        at = decode_run(at, end, escape, &run, &run_size);
        if (run_size > room - *size)
            return false;
        memcpy(into + *size, run, run_size);
        *size += run_size;
    }
    return true;
}

bool json_string_equals(const char *raw, size_t raw_size, const char *bytes, size_t size)
{
    const char *at = raw, *end = raw + raw_size, *run;
    size_t run_size;
    char escape[4];

    /* An escape is longer than what it stands for. */
    if (raw_size < size)
        return false;
    while (at < end) {
        at = decode_run(at, end, escape, &run, &run_size);
        if (run_size > size || memcmp(bytes, run, run_size) != 0)
            return false;
        bytes += run_size;
        size -= run_size;
    }
    return size == 0;
}
