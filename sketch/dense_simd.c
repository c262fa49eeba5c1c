/* The maximum of two arrays of bytes, and how many of an array have each value.
 *
 * No branch depends on the data: what rose is gathered as the bits in which
 * the old and the new registers differ, and looked at once, in the end. Two
 * vectors a turn keep the loop's own cost out of sight; an array shorter than
 * that goes the plain way. Nothing is prefetched: processors see a stream as
 * plain as this, and hints at distances from 0.5 to 8 KiB made it slower.
 *
 * To tally them, all registers are compared with two ranks a turn: sketches have few
 * ranks, and no register waits for another one's count. */
#include "dense_simd.h"

#include <assert.h>
#include <string.h>

#include "headcount/sketch.h"

/* The fewest registers there are. Inner loops of this constant length are what
 * compilers turn into vector instructions of the least processor. */
#define BLOCK 16

_Static_assert(1 << HC_PRECISION_MIN == BLOCK, "every array is a number of whole blocks");

static bool raise_plain(uint8_t *restrict into, const uint8_t *restrict from, size_t count)
{
    uint8_t risen[BLOCK] = {0};
    unsigned any = 0;

    assert(count % BLOCK == 0);
    for (size_t i = 0; i < count; i += BLOCK) {
        for (size_t j = 0; j < BLOCK; j++) {
            uint8_t old = into[i + j], other = from[i + j];
            uint8_t larger = other > old ? other : old;

            risen[j] |= old ^ larger;
            into[i + j] = larger;
        }
    }
    for (size_t j = 0; j < BLOCK; j++)
        any |= risen[j];
    return any != 0;
}

#define TALLIES 4

/* Equal ranks in a row would wait for each other: four tallies take turns. */
static void tally_plain(const uint8_t *registers, size_t count, uint32_t *ranks)
{
    uint32_t part[TALLIES][DENSE_RANKS];

    assert(count % TALLIES == 0);
    memset(part, 0, sizeof part);
    for (size_t i = 0; i < count; i += TALLIES) {
        part[0][registers[i] % DENSE_RANKS]++;
        part[1][registers[i + 1] % DENSE_RANKS]++;
        part[2][registers[i + 2] % DENSE_RANKS]++;
        part[3][registers[i + 3] % DENSE_RANKS]++;
    }
    for (size_t rank = 0; rank < DENSE_RANKS; rank++)
        ranks[rank] = part[0][rank] + part[1][rank] + part[2][rank] + part[3][rank];
}

#if defined __x86_64__
#include <immintrin.h>

#define LINE (2 * sizeof(__m256i))

/* One vector: the bits in which the registers rose. */
__attribute__((target("avx2"))) static inline __m256i raise_vector(uint8_t *into,
                                                                   const uint8_t *from)
{
    __m256i old = _mm256_loadu_si256((const __m256i *)into);
    __m256i larger = _mm256_max_epu8(old, _mm256_loadu_si256((const __m256i *)from));

    _mm256_storeu_si256((__m256i *)into, larger);
    return _mm256_xor_si256(old, larger);
}

/* Two vectors, a cache line in all. */
__attribute__((target("avx2"))) static inline __m256i raise_line(uint8_t *into,
                                                                 const uint8_t *from)
{
    __m256i first = raise_vector(into, from);

    return _mm256_or_si256(first, raise_vector(into + LINE / 2, from + LINE / 2));
}

/* Between the first and the last 64 bytes in steps that are whole cache lines of
 * `into`: a store that lies in two lines costs twice, a load hardly more. Some
 * registers are raised twice, which does nothing to them. */
__attribute__((target("avx2"))) static bool raise_avx2(uint8_t *into, const uint8_t *from,
                                                       size_t count)
{
    size_t start = -(uintptr_t)into % LINE;
    __m256i risen;

    if (count < LINE)
        return raise_plain(into, from, count);
    risen = raise_line(into, from);
    for (size_t i = start; i + LINE <= count; i += LINE)
        risen = _mm256_or_si256(risen, raise_line(into + i, from + i));
    risen = _mm256_or_si256(risen, raise_line(into + count - LINE, from + count - LINE));
    return !_mm256_testz_si256(risen, risen);
}

/* Registers that can be compared before a tally of one byte each may overflow. */
#define STRETCH (UINT8_MAX * sizeof(__m256i))

/* The four sums of a vector. */
__attribute__((target("avx2"))) static inline uint32_t sum_of(__m256i sums)
{
    return (uint32_t)(_mm256_extract_epi64(sums, 0) + _mm256_extract_epi64(sums, 1) +
                      _mm256_extract_epi64(sums, 2) + _mm256_extract_epi64(sums, 3));
}

/* Into ranks[rank] and ranks[rank + 1]. */
__attribute__((target("avx2"))) static void tally_two(const uint8_t *registers, size_t count,
                                                      unsigned rank, uint32_t *ranks)
{
    const __m256i none = _mm256_setzero_si256();
    const __m256i low = _mm256_set1_epi8((char)rank), high = _mm256_set1_epi8((char)(rank + 1));
    __m256i lows = none, highs = none;

    for (size_t at = 0; at < count;) {
        size_t end = count - at > STRETCH ? at + STRETCH : count;
        __m256i found_low = none, found_high = none;

        for (; at < end; at += sizeof(__m256i)) {
            __m256i some = _mm256_loadu_si256((const __m256i *)(registers + at));

            found_low = _mm256_sub_epi8(found_low, _mm256_cmpeq_epi8(some, low));
            found_high = _mm256_sub_epi8(found_high, _mm256_cmpeq_epi8(some, high));
        }
        lows = _mm256_add_epi64(lows, _mm256_sad_epu8(found_low, none));
        highs = _mm256_add_epi64(highs, _mm256_sad_epu8(found_high, none));
    }
    ranks[rank] = sum_of(lows);
    ranks[rank + 1] = sum_of(highs);
}

/* Two ranks a turn, until all registers are told: few ids reach the high ones. */
__attribute__((target("avx2"))) static void tally_avx2(const uint8_t *registers, size_t count,
                                                       uint32_t *ranks)
{
    size_t told = 0;

    if (count % sizeof(__m256i) != 0) {
        tally_plain(registers, count, ranks);
        return;
    }
    memset(ranks, 0, DENSE_RANKS * sizeof(ranks[0]));
    for (unsigned rank = 0; rank < DENSE_RANKS && told < count; rank += 2) {
        tally_two(registers, count, rank, ranks);
        told += ranks[rank] + ranks[rank + 1];
    }
}

static const struct dense_way ways_here[] = {{"plain", raise_plain, tally_plain},
                                             {"avx2", raise_avx2, tally_avx2}};

/* Whether the processor has the n-th way. */
static bool way_works(size_t n)
{
    return n == 0 || __builtin_cpu_supports("avx2");
}

#elif defined __aarch64__
#include <arm_neon.h>

/* One vector: the bits in which the registers rose. */
static inline uint8x16_t raise_vector(uint8_t *into, const uint8_t *from)
{
    uint8x16_t old = vld1q_u8(into);
    uint8x16_t larger = vmaxq_u8(old, vld1q_u8(from));

    vst1q_u8(into, larger);
    return veorq_u8(old, larger);
}

static bool raise_neon(uint8_t *into, const uint8_t *from, size_t count)
{
    const size_t size = sizeof(uint8x16_t);
    uint8x16_t risen = vdupq_n_u8(0);

    if (count % (2 * size) != 0)
        return raise_plain(into, from, count);
    for (size_t i = 0; i < count; i += 2 * size) {
        risen = vorrq_u8(risen, raise_vector(into + i, from + i));
        risen = vorrq_u8(risen, raise_vector(into + i + size, from + i + size));
    }
    return vmaxvq_u8(risen) != 0;
}

static const struct dense_way ways_here[] = {{"plain", raise_plain, tally_plain},
                                             {"neon", raise_neon, tally_plain}};

static bool way_works(size_t n)
{
    return n < 2; /* every aarch64 has them */
}

#else

static const struct dense_way ways_here[] = {{"plain", raise_plain, tally_plain}};

static bool way_works(size_t n)
{
    return n == 0;
}

#endif

#define WAYS (sizeof ways_here / sizeof ways_here[0])

size_t dense_ways(const struct dense_way **ways)
{
    size_t count = 1;

    assert(ways != NULL);
    while (count < WAYS && way_works(count))
        count++;
    *ways = ways_here;
    return count;
}
