/* What the ways for x86 share, whatever the width of their vectors. Included where
 * carry-less products are to be had. */
#ifndef DECODE_DECODE_BLOCK_X86_H
#define DECODE_DECODE_BLOCK_X86_H

#include <immintrin.h>

#include "decode_block.h"

INLINE uint64_t block_parity(uint64_t bits)
{
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits),
                                           _mm_set1_epi8((char)0xff), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* A bit for each higher half that some letter has; the letter is one where the
 * table of lower halves has the bit as well. */
static const uint8_t escapes_high[16] = {0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t escapes_low[16] = {0, 0, 1 | 4 | 8, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1};

#endif
