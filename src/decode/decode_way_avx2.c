/* Blocks as two vectors of 32 bytes. This file alone is compiled for AVX2,
 * carry-less products and BMI, and runs where the processor has them. */
#include "decode_block.h"

#if defined __AVX2__ && defined __PCLMUL__
#include <immintrin.h>

#include "decode_block_x86.h"
#include "decode_utf8_table.h"

#define HALF 32

INLINE __m256i load(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE __m256i table(const uint8_t *bytes)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

/* The highest bits of both halves. */
INLINE uint64_t gather(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << HALF;
}

INLINE uint64_t equal(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);

    return gather(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

/* By its lower half a byte is looked up in the table: is it the one there? */
INLINE __m256i is_listed(__m256i bytes, const uint8_t list[16])
{
    return _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(table(list), bytes));
}

INLINE __m256i is_control(__m256i bytes)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
}

/* Where no byte belongs stands one with another lower half. Marks are looked up
 * with the bit set in which '[' differs from '{'. */
static const uint8_t spaces[16] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};
static const uint8_t marks[16] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0};

INLINE struct block block_read(const char *at)
{
    __m256i low = load(at), high = load(at + HALF), fold = _mm256_set1_epi8(0x20);

    return (struct block){
        .backslash = equal(low, high, '\\'),
        .quote = equal(low, high, '"'),
        .mark = gather(is_listed(_mm256_or_si256(low, fold), marks),
                       is_listed(_mm256_or_si256(high, fold), marks)),
        .space = gather(is_listed(low, spaces), is_listed(high, spaces)),
        .control = gather(is_control(low), is_control(high)),
        .wide = _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0,
    };
}

/* Eight at a time, needed or not: that is cheaper than to find out. */
INLINE uint32_t *block_list(uint64_t bits, uint32_t base, uint32_t *places)
{
    uint32_t *end = places + _mm_popcnt_u64(bits);

    do {
        for (int i = 0; i < 8; i++) {
            places[i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        places += 8;
    } while (places < end);
    return end;
}

INLINE __m256i high_halves(__m256i bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
}

INLINE __m256i is_not_escapable(__m256i bytes)
{
    __m256i both = _mm256_and_si256(_mm256_shuffle_epi8(table(escapes_low), bytes),
                                    _mm256_shuffle_epi8(table(escapes_high), high_halves(bytes)));

    return _mm256_cmpeq_epi8(both, _mm256_setzero_si256());
}

static uint64_t block_escapable(const char *at, uint64_t *unicode)
{
    __m256i low = load(at), high = load(at + HALF);

    *unicode = equal(low, high, 'u');
    return ~gather(is_not_escapable(low), is_not_escapable(high));
}

/* The bytes that stand `distance` before each. */
#define BEFORE(bytes, last, distance) \
    _mm256_alignr_epi8(bytes, _mm256_permute2x128_si256(last, bytes, 0x21), 16 - (distance))

/* Not zero where there is an error. `last` holds the 32 bytes before. */
INLINE __m256i utf8_errors(__m256i bytes, __m256i last)
{
    __m256i first = BEFORE(bytes, last, 1);
    __m256i third = _mm256_subs_epu8(BEFORE(bytes, last, 2), _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(BEFORE(bytes, last, 3), _mm256_set1_epi8(0xf0 - 0x80));
    __m256i low = _mm256_and_si256(first, _mm256_set1_epi8(0x0f));
    __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(table(utf8_first_high), high_halves(first)),
                         _mm256_shuffle_epi8(table(utf8_first_low), low)),
        _mm256_shuffle_epi8(table(utf8_second_high), high_halves(bytes)));
    __m256i tails = _mm256_and_si256(_mm256_or_si256(third, fourth),
                                     _mm256_set1_epi8((char)0x80));

    return _mm256_xor_si256(tails, pairs);
}

INLINE __m256i is_zero(__m256i bytes)
{
    return _mm256_cmpeq_epi8(bytes, _mm256_setzero_si256());
}

/* *wide: whether the block before has to be looked back at. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    __m256i last = base ? load(bytes + base - HALF) : _mm256_setzero_si256();
    __m256i low = load(at), high = load(at + HALF);

    (void)size;
    *wide = _mm256_movemask_epi8(high) != 0;
    return ~gather(is_zero(utf8_errors(low, last)), is_zero(utf8_errors(high, low)));
}

#define DECODE_WAY avx2
#include "decode_machine.h"
#endif
