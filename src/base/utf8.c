#include "utf8.h"

#include <assert.h>

static int is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The second byte's range is what rules out overlong forms (E0, F0),
 * surrogates (ED) and what lies beyond U+10FFFF (F4). */
static int second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_tail(second);
    }
}

size_t utf8_length(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    size_t length;

    if (size == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2 || b[0] > 0xf4)
        return 0;
    length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (size < length || !second_fits(b[0], b[1]))
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (!is_tail(b[i]))
            return 0;
    }
    return length;
}

size_t utf8_encode(uint32_t code_point, char bytes[4])
{
    assert(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff));
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (char)(0xc0 | code_point >> 6);
        bytes[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        bytes[0] = (char)(0xe0 | code_point >> 12);
        bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | code_point >> 18);
    bytes[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}
