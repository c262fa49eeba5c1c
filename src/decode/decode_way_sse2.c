/* Blocks as four vectors of 16 bytes, with what every x86-64 has. */
#include "decode_block_any.h"
#include "decode_block_utf8.h"

#if defined __SSE2__
#include <emmintrin.h>

#define VECTORS 4

struct bytes {
    __m128i part[VECTORS];
};

INLINE struct bytes load(const char *at)
{
    struct bytes bytes;

    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
    return bytes;
}

/* The highest bit of each byte. */
INLINE uint64_t gather(struct bytes bytes)
{
    uint64_t bits = 0;

    for (int i = 0; i < VECTORS; i++)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(bytes.part[i]) << 16 * i;
    return bits;
}

INLINE uint64_t equal(struct bytes bytes, char c)
{
    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = _mm_cmpeq_epi8(bytes.part[i], _mm_set1_epi8(c));
    return gather(bytes);
}

INLINE uint64_t between(struct bytes bytes, char first, char last)
{
    __m128i least = _mm_set1_epi8(first), most = _mm_set1_epi8((char)(last - first));

    for (int i = 0; i < VECTORS; i++) {
        __m128i distance = _mm_sub_epi8(bytes.part[i], least);

        bytes.part[i] = _mm_cmpeq_epi8(_mm_min_epu8(distance, most), distance);
    }
    return gather(bytes);
}

/* With the bit set in which '[' differs from '{'. */
INLINE struct bytes fold(struct bytes bytes)
{
    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = _mm_or_si128(bytes.part[i], _mm_set1_epi8(0x20));
    return bytes;
}

INLINE uint64_t wide(struct bytes bytes)
{
    return gather(bytes);
}

#include "decode_block_bytes.h"

#define DECODE_WAY sse2
#include "decode_machine.h"
#endif
