/* Blocks as one vector of 64 bytes, whose comparisons are words already. This
 * file alone is compiled for AVX-512 with the extensions that its first condition
 * names, and runs where the processor has them. */
#include "decode_block.h"

#if defined __AVX512BW__ && defined __PCLMUL__
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

/* By its lower half a byte is looked up in the table: is it the one there? Where
 * no byte belongs stands one with another lower half. */
static const uint8_t spaces[16] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};

INLINE struct block block_read(const char *at, const char first[FIELDS])
{
    __m512i bytes = load(at), fold = _mm512_set1_epi8(0x20);
    __m512i folded = _mm512_or_si512(bytes, fold); /* '[' becomes '{' */
    __m512i value = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));

    return (struct block){
        .backslash = equal(bytes, '\\'),
        .quote = equal(bytes, '"'),
        .opening = equal(folded, '{'),
        .closing = equal(folded, '}'),
        .colon = equal(bytes, ':'),
        .comma = equal(bytes, ','),
        .space = _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(table(spaces), bytes)),
        .digit = _mm512_cmplt_epu8_mask(value, _mm512_set1_epi8(10)),
        .zero = equal(bytes, '0'),
        .first = {equal(bytes, first[0]), equal(bytes, first[1])},
        .control = _mm512_cmplt_epu8_mask(bytes, fold) != 0,
        .wide = _mm512_movepi8_mask(bytes),
    };
}

INLINE uint64_t block_controls(const char *at)
{
    return _mm512_cmplt_epu8_mask(load(at), _mm512_set1_epi8(0x20));
}

INLINE __m512i high_halves(__m512i bytes)
{
    return _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(0x0f));
}

INLINE struct escape_marks block_escape_marks(const char *at)
{
    __m512i bytes = load(at), folded = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    __m512i value = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));
    __m512i letter = _mm512_sub_epi8(folded, _mm512_set1_epi8('a'));

    return (struct escape_marks){
        .escapable = _mm512_test_epi8_mask(
            _mm512_shuffle_epi8(table(escapes_low), bytes),
            _mm512_shuffle_epi8(table(escapes_high), high_halves(bytes))),
        .unicode = equal(bytes, 'u'),
        .digit = _mm512_cmplt_epu8_mask(value, _mm512_set1_epi8(10)) |
                 _mm512_cmplt_epu8_mask(letter, _mm512_set1_epi8(6)),
        .half = equal(folded, 'd'),
    };
}

/* The bytes that stand `distance` before each; `lanes` is a lane further back. */
#define BEFORE(bytes, lanes, distance) _mm512_alignr_epi8(bytes, lanes, 16 - (distance))

/* *wide: not asked for. */
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
    (void)wide;
    return _mm512_cmpneq_epi8_mask(tails, pairs);
}

#define DECODE_WAY avx512
#include "decode_machine.h"
#endif
