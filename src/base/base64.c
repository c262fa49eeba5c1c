/* A table in the plain code; 32 characters a turn where there is AVX2, after
 * Wojciech Mula and Daniel Lemire, "Faster Base64 Encoding and Decoding Using
 * AVX2 Instructions", ACM Transactions on the Web 12 (3), 2018. Theirs are the
 * two ideas; the tables below follow from them.
 *
 * Is it a digit? One table says for each low half of a byte, another for each
 * high half, which sets of forbidden bytes it belongs to, a bit each. A byte
 * that is in one of the sets by both halves is no digit:
 *
 *   bit   high half      low half
 *   0x10  0 1 8 to f     any           controls, and what is not ASCII
 *   0x01  2              0 to a c to e all but '+' and '/'
 *   0x02  3              a to f        all but '0' to '9'
 *   0x04  4 6            0             '@' '`'
 *   0x08  5 7            b to f        '[' to '_', '{' to DEL
 *
 * What is its value? The high half tells what to add, but for '/', which shares
 * its half with '+': a comparison moves it to a place of its own in the table. */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encoded_size(size_t size)
{
    return (size / 3 + (size % 3 != 0)) * 4;
}

void base64_encode(char *into, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)from[i] << 16;

        if (left > 1)
            three |= (uint32_t)from[i + 1] << 8;
        if (left > 2)
            three |= from[i + 2];
        *into++ = digits[three >> 18];
        *into++ = digits[three >> 12 & 63];
        *into++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *into++ = left > 2 ? digits[three & 63] : '=';
    }
}

#define NO_DIGIT 0x80

/* The value of each digit; NO_DIGIT for all other bytes. */
static void digit_values(unsigned char values[256])
{
    memset(values, NO_DIGIT, 256);
    for (unsigned i = 0; i < 64; i++)
        values[(unsigned char)digits[i]] = (unsigned char)i;
}

/* All of `size` characters, of which the last `padding` stand for nothing. */
static bool decode_plain(uint8_t *into, const unsigned char *from, size_t size, size_t padding)
{
    unsigned char values[256], bad = 0;
    uint32_t four = 0;

    digit_values(values);
    for (size_t i = 0; i < size; i += 4) {
        bool last = i + 4 == size;
        unsigned char c = last && padding == 2 ? 0 : values[from[i + 2]];
        unsigned char d = last && padding >= 1 ? 0 : values[from[i + 3]];

        bad |= values[from[i]] | values[from[i + 1]] | c | d;
        four = (uint32_t)values[from[i]] << 18 | (uint32_t)values[from[i + 1]] << 12 |
               (uint32_t)c << 6 | d;
        *into++ = (uint8_t)(four >> 16);
        *into++ = (uint8_t)(four >> 8);
        *into++ = (uint8_t)four;
    }
    return !(bad & NO_DIGIT) && !(padding && (four & (padding == 2 ? 0xffff : 0xff)));
}

static size_t decode_nothing(uint8_t *into, const char *text, size_t size)
{
    (void)into;
    (void)text;
    (void)size;
    return 0;
}

#if defined __x86_64__
#include <immintrin.h>

/* 32 characters become 24 bytes, but 32 are written: so many must be left. */
#define VECTOR_CHARS 32
#define VECTOR_BYTES 24
#define VECTOR_ROOM_CHARS 44

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* Values of 6 bits each, one a byte, to 24 bytes and 8 that mean nothing. */
__attribute__((target("avx2"))) static inline __m256i pack_values(__m256i values)
{
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i threes = _mm256_shuffle_epi8(
        fours, TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));

    return _mm256_permutevar8x32_epi32(threes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

__attribute__((target("avx2"))) static size_t decode_avx2(uint8_t *into, const char *text,
                                                          size_t size)
{
    const __m256i high_sets = TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                                    0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i low_sets = TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                   0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i to_add = TWICE(0, 63 - '/', 62 - '+', 52 - '0', 0 - 'A', 0 - 'A', 26 - 'a',
                                 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i half = _mm256_set1_epi8(0x0f), slash = _mm256_set1_epi8('/');
    size_t at = 0;

    for (; size - at >= VECTOR_ROOM_CHARS; at += VECTOR_CHARS, into += VECTOR_BYTES) {
        __m256i chars = _mm256_loadu_si256((const __m256i *)(text + at));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(chars, 4), half);
        __m256i low = _mm256_and_si256(chars, half);
        /* 0xff, which is -1, for each '/'. */
        __m256i place = _mm256_add_epi8(high, _mm256_cmpeq_epi8(chars, slash));

        if (!_mm256_testz_si256(_mm256_shuffle_epi8(high_sets, high),
                                _mm256_shuffle_epi8(low_sets, low)))
            break;
        chars = _mm256_add_epi8(chars, _mm256_shuffle_epi8(to_add, place));
        _mm256_storeu_si256((__m256i *)into, pack_values(chars));
    }
    return at;
}

static const struct base64_way ways_here[] = {{"plain", decode_nothing}, {"avx2", decode_avx2}};

/* Whether the processor has the n-th way. */
static bool way_works(size_t n)
{
    return n == 0 || __builtin_cpu_supports("avx2");
}

#else

static const struct base64_way ways_here[] = {{"plain", decode_nothing}};

static bool way_works(size_t n)
{
    return n == 0;
}

#endif

#define WAYS (sizeof ways_here / sizeof ways_here[0])

size_t base64_ways(const struct base64_way **ways)
{
    size_t count = 1;

    while (count < WAYS && way_works(count))
        count++;
    *ways = ways_here;
    return count;
}

bool base64_decode_in(const struct base64_way *way, uint8_t *into, const char *text, size_t size,
                      size_t *decoded)
{
    size_t padding = 0, done;

    if (size % 4 != 0)
        return false;
    if (size > 0)
        padding = text[size - 1] != '=' ? 0 : text[size - 2] != '=' ? 1 : 2;
    done = way->decode(into, text, size);
    if (!decode_plain(into + done / 4 * 3, (const unsigned char *)text + done, size - done,
                      padding))
        return false;
    *decoded = size / 4 * 3 - padding;
    return true;
}

bool base64_decode(uint8_t *into, const char *text, size_t size, size_t *decoded)
{
    const struct base64_way *ways;
    size_t best = base64_ways(&ways) - 1;

    return base64_decode_in(&ways[best], into, text, size, decoded);
}
