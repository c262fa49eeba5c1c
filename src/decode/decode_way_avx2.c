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

/* By its lower half a byte is looked up in the table: is it the one there? Where
 * no byte belongs stands one with another lower half. */
static const uint8_t spaces[16] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};

INLINE __m256i is_space(__m256i bytes)
{
    return _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(table(spaces), bytes));
}

INLINE __m256i is_most(__m256i bytes, char most)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(most)), bytes);
}

INLINE __m256i is_digit(__m256i bytes)
{
    return is_most(_mm256_sub_epi8(bytes, _mm256_set1_epi8('0')), 9);
}

INLINE struct block block_read(const char *at, const char first[FIELDS])
{
    __m256i low = load(at), high = load(at + HALF), fold = _mm256_set1_epi8(0x20);
    __m256i folded_low = _mm256_or_si256(low, fold); /* '[' becomes '{' */
    __m256i folded_high = _mm256_or_si256(high, fold);

    return (struct block){
        .backslash = equal(low, high, '\\'),
        .quote = equal(low, high, '"'),
        .opening = equal(folded_low, folded_high, '{'),
        .closing = equal(folded_low, folded_high, '}'),
        .colon = equal(low, high, ':'),
        .comma = equal(low, high, ','),
        .space = gather(is_space(low), is_space(high)),
        .digit = gather(is_digit(low), is_digit(high)),
        .zero = equal(low, high, '0'),
        .first = {equal(low, high, first[0]), equal(low, high, first[1])},
        .control = _mm256_movemask_epi8(is_most(_mm256_min_epu8(low, high), 0x1f)) != 0,
        .wide = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, high)),
    };
}

INLINE uint64_t block_controls(const char *at)
{
    return gather(is_most(load(at), 0x1f), is_most(load(at + HALF), 0x1f));
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

INLINE __m256i is_hex_digit(__m256i bytes)
{
    __m256i folded = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));

    return _mm256_or_si256(is_digit(bytes),
                           is_most(_mm256_sub_epi8(folded, _mm256_set1_epi8('a')), 5));
}

INLINE struct escape_marks block_escape_marks(const char *at)
{
    __m256i low = load(at), high = load(at + HALF), fold = _mm256_set1_epi8(0x20);

    return (struct escape_marks){
        .escapable = ~gather(is_not_escapable(low), is_not_escapable(high)),
        .unicode = equal(low, high, 'u'),
        .digit = gather(is_hex_digit(low), is_hex_digit(high)),
        .half = equal(_mm256_or_si256(low, fold), _mm256_or_si256(high, fold), 'd'),
    };
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

/* *wide: not asked for. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    __m256i last = base ? load(bytes + base - HALF) : _mm256_setzero_si256();
    __m256i low = load(at), high = load(at + HALF);

    (void)size;
    (void)wide;
    return ~gather(is_zero(utf8_errors(low, last)), is_zero(utf8_errors(high, low)));
}

#define DECODE_WAY avx2
#include "decode_machine.h"
#endif
