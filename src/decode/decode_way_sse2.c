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

/* Bytes from `first` on, `count` of them. */
INLINE uint64_t between(struct bytes bytes, char first, char count)
{
    __m128i least = _mm_set1_epi8(first), most = _mm_set1_epi8((char)(count - 1));

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

INLINE struct block block_read(const char *at, const char first[FIELDS])
{
    struct bytes bytes = load(at), folded = fold(bytes);

    return (struct block){
        .backslash = equal(bytes, '\\'),
        .quote = equal(bytes, '"'),
        .opening = equal(folded, '{'),
        .closing = equal(folded, '}'),
        .colon = equal(bytes, ':'),
        .comma = equal(bytes, ','),
        .space = equal(bytes, ' ') | equal(bytes, '\t') | equal(bytes, '\n') | equal(bytes, '\r'),
        .digit = between(bytes, '0', 10),
        .zero = equal(bytes, '0'),
        .first = {equal(bytes, first[0]), equal(bytes, first[1])},
        .wide = gather(bytes),
        .control = between(bytes, 0, 0x20) != 0,
    };
}

INLINE uint64_t block_controls(const char *at)
{
    return between(load(at), 0, 0x20);
}

static struct escape_marks block_escape_marks(const char *at)
{
    static const char letters[] = "\"\\/bfnrtu";
    struct bytes bytes = load(at), folded = fold(bytes);
    struct escape_marks marks = {
        .unicode = equal(bytes, 'u'),
        .digit = between(bytes, '0', 10) | between(folded, 'a', 6),
        .half = equal(folded, 'd'),
    };

    for (const char *letter = letters; *letter; letter++)
        marks.escapable |= equal(bytes, *letter);
    return marks;
}

#define DECODE_WAY sse2
#include "decode_machine.h"
#endif
