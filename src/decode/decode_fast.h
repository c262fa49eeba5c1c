/* The way to a frame's two fields: one pass in blocks of 64 bytes that ends behind
 * the second of them, or the frame, in each way that processors have for such
 * blocks. */
#ifndef DECODE_DECODE_FAST_H
#define DECODE_DECODE_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "decode_search.h"

struct fast_way {
    const char *name;
    /* True, with the fields: the frame is an object without damage, up to the
     * byte at *stop. That is the one that ends the later of two fields which are
     * both there: the mark behind its value, or the bracket that begins it.
     * Where one is missing it is the object's last bracket, and only white
     * space stands behind it; so it is with `whole` in any case. False: there is
     * damage, or no object; what exactly has to be found out elsewhere.
     * No byte outside of the frame is read. */
    bool (*read)(const struct search_path paths[FIELDS], const char *bytes, size_t size,
                 bool whole, struct field fields[FIELDS], size_t *stop);
};

/* The ways that this processor has, from the plainest to the fastest: the
 * number of them, at least 1, and into *ways the first. Static. */
size_t fast_ways(const struct fast_way *const **ways);

extern const struct fast_way fast_way_plain;
#if defined __x86_64__
extern const struct fast_way fast_way_sse2;
extern const struct fast_way fast_way_avx2;
extern const struct fast_way fast_way_avx512;
#elif defined __aarch64__
extern const struct fast_way fast_way_neon;
#endif

/* For the ways: which of the letters 'u' behind a backslash, given as bits from
 * `base` on, begin no character: by digits that are none, or as a surrogate
 * without its other half. All that begin a surrogate are given, in their order.
 * *low_due is where a low one may stand; 0 at first. */
uint64_t fast_unicode_errors(const char *bytes, size_t size, size_t base, uint64_t letters,
                             size_t *low_due);
/* What is no byte of a number or word, but a mark, a quote or white space. */
extern const bool fast_ends_value[256];

static inline bool fast_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Is this a number, or true, false, null, with something behind it that ends it? */
bool fast_is_scalar(const char *at, const char *end);

/* A byte in each place of eight. */
#define EACH UINT64_C(0x0101010101010101)

/* Eight bytes, the first in the lowest place. */
static inline uint64_t fast_load(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

#endif
