/* Blocks as one vector of 64 bytes, whose comparisons are words already. This
 * file alone is compiled for AVX-512 with the extensions that its first condition
 * names, and runs where the processor has them. */
#include "decode_block.h"

#if defined __AVX512VBMI2__ && defined __AVX512BW__ && defined __PCLMUL__
#include <immintrin.h>

#include "decode_block_x86.h"
#include "decode_utf8_table.h"

INLINE __m512i load(const char *at)
{
    return _mm512_loadu_si512((const void *)at);
}

INLINE __m512i table(const uint8_t *bytes)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

INLINE uint64_t equal(__m512i bytes, char c)
{
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c));
}

/* By its lower half a byte is looked up in the table: is it the one there? */
INLINE uint64_t is_listed(__m512i bytes, const uint8_t list[16])
{
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(table(list), bytes));
}

/* Where no byte belongs stands one with another lower half. Marks are looked up
 * with the bit set in which '[' differs from '{'. */
static const uint8_t spaces[16] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};
static const uint8_t marks[16] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0};

INLINE struct block block_read(const char *at)
{
    __m512i bytes = load(at);

    return (struct block){
        .backslash = equal(bytes, '\\'),
        .quote = equal(bytes, '"'),
        .mark = is_listed(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), marks),
        .space = is_listed(bytes, spaces),
        .control = _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20)),
        .wide = _mm512_movepi8_mask(bytes) != 0,
    };
}

/* The numbers of the bits move together, and become places 16 at a time. */
INLINE uint32_t *block_list(uint64_t bits, uint32_t base, uint32_t *places)
{
    static const uint8_t numbers[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i found = _mm512_maskz_compress_epi8(bits, load((const char *)numbers));
    __m512i start = _mm512_set1_epi32((int)base);
    uint32_t *end = places + _mm_popcnt_u64(bits);

    do {
        __m512i part = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));

        _mm512_storeu_si512(places, _mm512_add_epi32(part, start));
        found = _mm512_alignr_epi64(found, found, 2);
        places += 16;
    } while (places < end);
    return end;
}

INLINE __m512i high_halves(__m512i bytes)
{
    return _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(0x0f));
}

static uint64_t block_escapable(const char *at, uint64_t *unicode)
{
    __m512i bytes = load(at);

    *unicode = equal(bytes, 'u');
    return _mm512_test_epi8_mask(_mm512_shuffle_epi8(table(escapes_low), bytes),
                                 _mm512_shuffle_epi8(table(escapes_high), high_halves(bytes)));
}

/* The bytes that stand `distance` before each; `lanes` is a lane further back. */
#define BEFORE(bytes, lanes, distance) _mm512_alignr_epi8(bytes, lanes, 16 - (distance))

/* *wide: whether the block before has to be looked back at. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    __m512i block = load(at), last = base ? load(bytes + base - BLOCK) : _mm512_setzero_si512();
    __m512i lanes = _mm512_alignr_epi64(block, last, 6);
    __m512i first = BEFORE(block, lanes, 1);
    __m512i third = _mm512_subs_epu8(BEFORE(block, lanes, 2), _mm512_set1_epi8(0xe0 - 0x80));
    __m512i fourth = _mm512_subs_epu8(BEFORE(block, lanes, 3), _mm512_set1_epi8(0xf0 - 0x80));
    __m512i low = _mm512_and_si512(first, _mm512_set1_epi8(0x0f));
    __m512i pairs = _mm512_and_si512(
        _mm512_and_si512(_mm512_shuffle_epi8(table(utf8_first_high), high_halves(first)),
                         _mm512_shuffle_epi8(table(utf8_first_low), low)),
        _mm512_shuffle_epi8(table(utf8_second_high), high_halves(block)));
    __m512i tails = _mm512_and_si512(_mm512_or_si512(third, fourth),
                                     _mm512_set1_epi8((char)0x80));

    (void)size;
    *wide = _mm512_movepi8_mask(block) >> (BLOCK - 3) != 0;
    return _mm512_cmpneq_epi8_mask(tails, pairs);
}

#define DECODE_WAY avx512
#include "decode_machine.h"
#endif
