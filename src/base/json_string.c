#include "json_string.h"

#include <assert.h>

#include "utf8.h"

int json_hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
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
