/* UTF-8 for ways that have no table lookups in vectors. */
#ifndef DECODE_DECODE_BLOCK_UTF8_H
#define DECODE_DECODE_BLOCK_UTF8_H

#include "decode_block.h"
#include "decode_fast.h"
#include "utf8.h"

/* Character by character, and eight of ASCII at once. *wide: bytes at the start
 * that belong to the last one of the block before. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    uint64_t errors = 0;
    size_t i = *wide;

    (void)at;
    while (i < BLOCK && base + i < size) {
        size_t left = size - base - i, length;

        if (left >= 8 && !(fast_load(bytes + base + i) & UINT64_C(0x8080808080808080))) {
            i += 8;
            continue;
        }
        length = utf8_length(bytes + base + i, left);
        if (length == 0)
            errors |= UINT64_C(1) << i;
        i += length ? length : 1;
    }
    *wide = i > BLOCK ? i - BLOCK : 0;
    return errors;
}

#endif
