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
 * and lists the places of the last word's bits. The grammar goes from one to the
 * next, so that it never looks at white space and the insides of strings. What
 * is wrong inside of strings (control characters, escapes, UTF-8) is found a
 * block at a time, and only the first place of it is kept: it counts if it
 * lies before the byte where reading stops.
 *
 * Keys are compared only in the container where a step of a path is due. */
#ifndef DECODE_DECODE_MACHINE_H
#define DECODE_DECODE_MACHINE_H

#include <string.h>

#include "decode_block.h"
#include "decode_fast.h"
#include "limits.h"

#ifdef DECODE_WAY

/* Blocks that are looked at in one go; more of them would be in vain where the
 * fields come early. */
#define BLOCKS_AHEAD 2

/* What the blocks before say of the next one. */
struct carry {
    size_t next;        /* where it begins */
    uint64_t in_string; /* all or none: in a string */
    uint64_t escaped;   /* its first byte is */
    uint64_t follows;   /* its first byte stands in the middle of a number or word */
    size_t wide;        /* for block_utf8_errors, 0 at first */
    size_t low_due;     /* for fast_unicode_errors */
};

struct scan {
    const char *bytes;
    size_t size;
    size_t damage;      /* the first damage inside of strings that is known of */
    struct carry carry;
    const uint32_t *end; /* of `places` */
    uint32_t places[BLOCKS_AHEAD * BLOCK]; /* for the grammar to look at */
    char tail[BLOCK];   /* the last bytes, with space behind them */
};

/* Behind each run of backslashes of odd length; those in even places and in odd
 * ones are told apart by a carry that runs through them. */
INLINE uint64_t scan_escaped(struct carry *carry, uint64_t backslash)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t follows, odd_starts, runs;

    backslash &= ~carry->escaped;
    follows = backslash << 1 | carry->escaped;
    odd_starts = backslash & ~even & ~follows;
    carry->escaped = __builtin_add_overflow(odd_starts, backslash, &runs);
    return (even ^ runs << 1) & follows;
}

/* Letters that stand for nothing behind a backslash. */
INLINE uint64_t scan_escape_errors(const struct scan *s, struct carry *carry, const char *at,
                                   uint64_t escaped)
{
    uint64_t unicode, errors = escaped & ~block_escapable(at, &unicode);
    size_t low_due = carry->low_due;

    unicode &= escaped;
    if (unicode) {
        errors |= fast_unicode_errors(s->bytes, s->size, carry->next, unicode, &low_due);
        carry->low_due = low_due;
    }
    return errors;
}

/* The block `at`, which is the next one: the bits of the bytes that the grammar
 * has to look at, and of damage. */
INLINE uint64_t scan_block(const struct scan *s, struct carry *carry, const char *at,
                           uint64_t *errors)
{
    struct block block = block_read(at);
    uint64_t escaped = scan_escaped(carry, block.backslash);
    uint64_t quotes = block.quote & ~escaped;
    /* Without the closing quotes. */
    uint64_t strings = block_parity(quotes) ^ carry->in_string;
    uint64_t inner = ~(block.mark | block.space | quotes);
    uint64_t first = (inner | quotes) & ~(inner << 1 | carry->follows);

    *errors = block.control & strings;
    if (escaped & strings)
        *errors |= scan_escape_errors(s, carry, at, escaped & strings);
    if (block.wide || carry->wide) {
        size_t wide = carry->wide;

        *errors |= block_utf8_errors(at, s->bytes, carry->next, s->size, &wide);
        carry->wide = wide;
    }
    carry->in_string = 0 - (strings >> 63);
    carry->follows = inner >> 63;
    return (block.mark | first) & ~(strings ^ quotes);
}

/* The next blocks' places; where there are none, or none that are of use since
 * damage lies before them, s->end stays at the first. The frame's last
 * bytes are looked at in a copy. */
static __attribute__((noinline)) void scan_ahead(struct scan *s)
{
    struct carry carry = s->carry;
    uint32_t *end = s->places;
    uint64_t errors = 0;

    for (int i = 0; i < BLOCKS_AHEAD || end == s->places; i++, carry.next += BLOCK) {
        const char *at = s->bytes + carry.next;
        uint64_t bits;

        if (carry.next >= s->size || s->damage < s->size)
            break;
        if (s->size - carry.next < BLOCK) {
            memset(s->tail, ' ', BLOCK);
            memcpy(s->tail, at, s->size - carry.next);
            at = s->tail;
        }
        bits = scan_block(s, &carry, at, &errors);
        if (errors)
            s->damage = carry.next + (size_t)__builtin_ctzll(errors);
        end = block_list(bits, (uint32_t)carry.next, end);
    }
    s->carry = carry;
    s->end = end;
}

/* Where the grammar is. */
struct place {
    const uint32_t *next; /* of the scanner's places */
    size_t at;            /* the byte that it looks at */
};

/* The next byte that the grammar looks at, or 0 where there is none: at the end,
 * or behind a block with damage. */
INLINE char scan_next(struct scan *s, struct place *place)
{
    if (place->next == s->end) {
        scan_ahead(s);
        place->next = s->places;
        if (place->next == s->end)
            return 0;
    }
    place->at = *place->next++;
    return s->bytes[place->at];
}

/* Is everything undamaged up to the byte that the grammar looks at? */
INLINE bool is_clean(const struct scan *s, const struct place *place)
{
    return s->damage > place->at;
}

/* Is the byte that the grammar looks at the last one but for space? */
INLINE bool is_all(struct scan *s, struct place place)
{
    size_t last = place.at;

    return scan_next(s, &place) == 0 && place.at == last && s->damage == SIZE_MAX;
}

/* Behind a key's opening quote: its colon, and whose step it is. */
INLINE bool read_key(struct scan *s, struct place *place, struct search *search, unsigned depth,
                     unsigned *met)
{
    const char *key = s->bytes + place->at + 1;
    unsigned candidates = 0;

    if (scan_next(s, place) != ':')
        return false;
    if (!search_is_due(search, depth))
        return true;
    *met = search_match(search, depth, key, s->bytes + s->size, &candidates);
    if (!candidates)
        return true;
    if (!is_clean(s, place))
        return false;
    *met |= search_compare(search, candidates, key, s->bytes + place->at);
    return true;
}

/* Not a string, not a bracket. */
INLINE bool read_scalar(const struct scan *s, size_t at, char c)
{
    if (c == '-' || (c >= '0' && c <= '9'))
        return fast_is_number(s->bytes + at, s->bytes + s->size);
    return fast_is_word(s->bytes + at, s->bytes + s->size);
}

INLINE bool opens(char c)
{
    return c == '{' || c == '[';
}

/* The grammar. `c` is the byte at place->at throughout. */
INLINE bool machine_read(struct scan *s, struct search *search, struct place *place)
{
    uint64_t objects[LIMIT_DEPTH / 64]; /* a bit a level, written before it is read */
    unsigned depth = 0, met = 0;
    bool object;
    char c = scan_next(s, place);

    if (c != '{')
        return false;
    goto open;
    for (;;) {
        met = 0;
        if (object) {
            if (c != '"' || !read_key(s, place, search, depth, &met))
                return false;
            c = scan_next(s, place);
        } else if (search_is_due(search, depth)) {
            met = search_element(search, depth);
        }
        if (opens(c)) {
            if (depth == LIMIT_DEPTH)
                return false;
            if (met && search_enter(search, met, depth, s->bytes + place->at))
                return is_clean(s, place);
open:
            object = c == '{';
            objects[depth / 64] &= ~(UINT64_C(1) << depth % 64);
            objects[depth / 64] |= (uint64_t)object << depth % 64;
            depth++;
            c = scan_next(s, place);
            if (c != (object ? '}' : ']'))
                continue;
        } else {
            if (c != '"' && !read_scalar(s, place->at, c))
                return false;
            if (met)
                search_begin(search, met, s->bytes + place->at);
            c = scan_next(s, place);
            if (c != ',' && c != (object ? '}' : ']'))
                return false;
            if (met && search_end(search, s->bytes + place->at))
                return is_clean(s, place);
        }
        /* Behind a value: a comma or the closing bracket. */
        while (c != ',') {
            search_leave(search, depth);
            if (--depth == 0)
                return is_all(s, *place);
            object = objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
            c = scan_next(s, place);
            if (c != ',' && c != (object ? '}' : ']'))
                return false;
        }
        c = scan_next(s, place);
    }
}

static bool read_frame(const struct search_path paths[FIELDS], const char *bytes, size_t size,
                       struct field fields[FIELDS], size_t *stop)
{
    struct scan scan; /* the places and the tail are written before they are read */
    struct search search;
    struct place place;
    bool good;

    scan.bytes = bytes;
    scan.size = size;
    scan.damage = SIZE_MAX;
    scan.carry = (struct carry){.next = 0};
    scan.end = place.next = scan.places;
    place.at = 0;
    search_start(&search, paths, fields);
    good = machine_read(&scan, &search, &place);
    *stop = place.at;
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
