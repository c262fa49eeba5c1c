/* The machine that reads a frame in blocks of 64 bytes. It is written once and
 * compiled into each way (decode_way_*.c): that defines the functions which
 * decode_block.h lists, and DECODE_WAY, its name, and then includes this file.
 *
 * Two parts take turns. The scanner turns a block into words of 64 bits, a bit
 * a byte, after Langdale and Lemire, Parsing gigabytes of JSON per second
 * (VLDB Journal 28, 2019):
 *
 *   {"a\"b":[1,"c"]}        bytes
 *   ___1____________        backslashes; what stands behind runs of odd length
 *   ____1___________        is escaped
 *   _1____1____1_1__        quotes that are not
 *   _11111_____11___        strings: the parity of the quotes up to each byte
 *   11_____1111_111_ ...    brackets, colons, commas, and first bytes of values
 *
 * and the grammar goes from one bit of the last word to the next, so that it
 * never looks at white space and the insides of strings. What is wrong inside of
 * strings (control characters, escapes, UTF-8) is found a block at a time and
 * kept as bits too: only damage before the byte where reading stops counts.
 *
 * Keys are compared only in the container where a step of a path is due. */
#ifndef DECODE_DECODE_MACHINE_H
#define DECODE_DECODE_MACHINE_H

#include <string.h>

#include "decode_block.h"
#include "decode_fast.h"
#include "limits.h"

#ifdef DECODE_WAY

struct scan {
    const char *bytes;
    size_t size;
    char *tail;         /* [BLOCK], for the last bytes */
    size_t base;        /* where the block begins */
    size_t next;        /* where the next one does */
    size_t at;          /* the byte that was handed out last */
    uint64_t bits;      /* what is left to hand out of the block */
    uint64_t errors;    /* damage inside of strings */
    uint64_t in_string; /* from here on what the block before says of this one: all or none */
    uint64_t escaped;   /* its first byte is */
    uint64_t follows;   /* its first byte stands in the middle of a number or word */
    size_t wide;        /* for block_utf8_errors, 0 at first */
    size_t low_due;
    bool ended;
};

/* Behind each run of backslashes of odd length; those in even places and in odd
 * ones are told apart by a carry that runs through them. */
INLINE uint64_t scan_escaped(struct scan *s, uint64_t backslash)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t follows, odd_starts, runs;

    if (!backslash) {
        follows = s->escaped;
        s->escaped = 0;
        return follows;
    }
    backslash &= ~s->escaped;
    follows = backslash << 1 | s->escaped;
    odd_starts = backslash & ~even & ~follows;
    s->escaped = __builtin_add_overflow(odd_starts, backslash, &runs);
    return (even ^ runs << 1) & follows;
}

INLINE uint64_t scan_escape_errors(struct scan *s, const char *at, uint64_t escaped)
{
    uint64_t unicode, errors = escaped & ~block_escapable(at, &unicode);
    size_t low_due = s->low_due;

    unicode &= escaped;
    if (unicode)
        errors |= fast_unicode_errors(s->bytes, s->size, s->base, unicode, &low_due);
    s->low_due = low_due;
    return errors;
}

/* The block's words. The frame's last bytes are looked at in a copy. */
INLINE void scan_words(struct scan *s, const char *at)
{
    struct block block = block_read(at);
    uint64_t escaped = scan_escaped(s, block.backslash);
    uint64_t quotes = block.quote & ~escaped;
    uint64_t strings = block_parity(quotes) ^ s->in_string; /* without the closing quotes */
    uint64_t inner = ~(block.mark | block.space | quotes);

    s->errors = block.control & strings;
    if (escaped & strings)
        s->errors |= scan_escape_errors(s, at, escaped & strings);
    if (block.wide || s->wide) {
        size_t wide = s->wide;

        s->errors |= block_utf8_errors(at, s->bytes, s->base, s->size, &wide);
        s->wide = wide;
    }
    s->bits = (block.mark | ((inner | quotes) & ~(inner << 1 | s->follows))) & ~(strings ^ quotes);
    s->in_string = 0 - (strings >> 63);
    s->follows = inner >> 63;
}

INLINE bool scan_block(struct scan *s)
{
    const char *at = s->bytes + s->next;

    if (s->errors)
        return false;
    if (s->next >= s->size) {
        s->ended = true;
        return false;
    }
    if (s->size - s->next < BLOCK) {
        memset(s->tail, ' ', BLOCK);
        memcpy(s->tail, at, s->size - s->next);
        at = s->tail;
    }
    s->base = s->next;
    s->next += BLOCK;
    scan_words(s, at);
    return true;
}

/* The next byte that the grammar looks at, or 0 where there is none: at the end,
 * or behind a block with damage. */
INLINE char scan_next(struct scan *s)
{
    while (s->bits == 0) {
        if (!scan_block(s))
            return 0;
    }
    s->at = s->base + (size_t)__builtin_ctzll(s->bits);
    s->bits &= s->bits - 1;
    return s->bytes[s->at];
}

/* Is everything undamaged up to the byte that was handed out last? */
INLINE bool scan_is_clean(const struct scan *s)
{
    return !(s->errors & ((UINT64_C(2) << (s->at - s->base)) - 1));
}

/* The root's last bracket was handed out: is that all? */
INLINE bool scan_is_all(struct scan *s)
{
    return scan_next(s) == 0 && s->ended && !s->errors;
}

/* Behind a key's opening quote: its colon, and whether steps are met here. */
INLINE bool read_key(struct scan *s, struct search *search, unsigned depth, unsigned *met)
{
    const char *key = s->bytes + s->at + 1;

    if (scan_next(s) != ':')
        return false;
    for (unsigned i = 0; i < FIELDS; i++) {
        if (search->due[i] == depth && search_may_match(search, i, key, s->bytes + s->size))
            *met |= 1U << i;
    }
    if (!*met)
        return true;
    if (!scan_is_clean(s))
        return false;
    *met = search_match(search, *met, key, s->bytes + s->at);
    return true;
}

/* Not a string, not a bracket. */
INLINE bool read_scalar(const struct scan *s, char c)
{
    const char *at = s->bytes + s->at, *end = s->bytes + s->size;

    if (c == '-' || (c >= '0' && c <= '9'))
        return fast_is_number(at, end);
    return fast_is_word(at, end);
}

INLINE bool opens(char c)
{
    return c == '{' || c == '[';
}

/* The grammar. `c` is the byte at s->at throughout. */
INLINE bool machine_read(struct scan *s, struct search *search)
{
    uint64_t objects[LIMIT_DEPTH / 64]; /* a bit a level, written before it is read */
    unsigned depth = 0, met = 0;
    bool object;
    char c = scan_next(s);

    if (c != '{')
        return false;
    goto open;
    for (;;) {
        met = 0;
        if (object) {
            if (c != '"' || !read_key(s, search, depth, &met))
                return false;
            c = scan_next(s);
        } else if (search_is_due(search, depth)) {
            met = search_element(search, depth);
        }
        if (opens(c)) {
            if (depth == LIMIT_DEPTH)
                return false;
            if (met && search_enter(search, met, depth, s->bytes + s->at))
                return scan_is_clean(s);
open:
            object = c == '{';
            objects[depth / 64] &= ~(UINT64_C(1) << depth % 64);
            objects[depth / 64] |= (uint64_t)object << depth % 64;
            depth++;
            c = scan_next(s);
            if (c != (object ? '}' : ']'))
                continue;
        } else {
            if (c != '"' && !read_scalar(s, c))
                return false;
            if (met)
                search_begin(search, met, s->bytes + s->at);
            c = scan_next(s);
            if (c != ',' && c != (object ? '}' : ']'))
                return false;
            if (met && search_end(search, s->bytes + s->at))
                return scan_is_clean(s);
        }
        /* Behind a value: a comma or the closing bracket. */
        while (c != ',') {
            search_leave(search, depth);
            if (--depth == 0)
                return scan_is_all(s);
            object = objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
            c = scan_next(s);
            if (c != ',' && c != (object ? '}' : ']'))
                return false;
        }
        c = scan_next(s);
    }
}

static bool read_frame(const struct search_path paths[FIELDS], const char *bytes, size_t size,
                       struct field fields[FIELDS], size_t *stop)
{
    char tail[BLOCK];
    struct scan scan = {.bytes = bytes, .size = size, .tail = tail};
    struct search search;
    bool good;

    search_start(&search, paths, fields);
    good = machine_read(&scan, &search);
    *stop = scan.at;
    return good;
}

#define JOIN(a, b) a##b
#define WAY_VARIABLE(name) JOIN(fast_way_, name)
#define STRING(name) #name
#define WAY_NAME(name) STRING(name)

const struct fast_way WAY_VARIABLE(DECODE_WAY) = {
    .name = WAY_NAME(DECODE_WAY), .read = read_frame};

#endif
#endif
