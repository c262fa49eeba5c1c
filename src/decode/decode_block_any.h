/* What ways without instructions of their own for it share: decode_block.h's
 * functions on words of bits. */
#ifndef DECODE_DECODE_BLOCK_ANY_H
#define DECODE_DECODE_BLOCK_ANY_H

#include "decode_block.h"

INLINE uint64_t block_parity(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

#endif
