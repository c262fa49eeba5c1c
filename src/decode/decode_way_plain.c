/* Blocks in plain C: eight bytes at a time in a word, whose bytes answer with
 * their highest bit. Exact: no byte's answer depends on another. */
#include "decode_block_any.h"
#include "decode_block_utf8.h"
#include "decode_fast.h"
#include "json_string.h"

#define HIGH (EACH * 0x80)

/* Bytes below `limit`, at most 0x80. */
INLINE uint64_t below(uint64_t word, uint64_t limit)
{
    return ~(word | ((word & ~HIGH) + EACH * (0x80 - limit))) & HIGH;
}

INLINE uint64_t equal(uint64_t word, char c)
{
    return below(word ^ EACH * (unsigned char)c, 1);
}

/* The highest bits of eight bytes, side by side. */
INLINE uint64_t gather(uint64_t highest)
{
    return (highest >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

INLINE struct block block_read(const char *at, const char first[FIELDS])
{
    struct block block = {.wide = 0};
    uint64_t all = 0;

    for (unsigned i = 0; i < BLOCK; i += 8) {
        uint64_t word = fast_load(at + i), control = below(word, 0x20);
        uint64_t folded = word | EACH * 0x20, space = equal(word, ' ');

        if (control) {
            space |= equal(word, '\t') | equal(word, '\n') | equal(word, '\r');
            block.control = true;
        }
        all |= word;
        block.backslash |= gather(equal(word, '\\')) << i;
        block.quote |= gather(equal(word, '"')) << i;
        block.space |= gather(space) << i;
        block.opening |= gather(equal(folded, '{')) << i;
        block.closing |= gather(equal(folded, '}')) << i;
        block.colon |= gather(equal(word, ':')) << i;
        block.comma |= gather(equal(word, ',')) << i;
        block.digit |= gather(below(word, '9' + 1) & ~below(word, '0')) << i;
        block.zero |= gather(equal(word, '0')) << i;
        for (unsigned field = 0; field < FIELDS; field++)
            block.first[field] |= gather(equal(word, first[field])) << i;
    }
    block.wide = all & HIGH;
    return block;
}

static uint64_t block_controls(const char *at)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < BLOCK; i += 8)
        bits |= gather(below(fast_load(at + i), 0x20)) << i;
    return bits;
}

static struct escape_marks block_escape_marks(const char *at)
{
    struct escape_marks marks = {0};

    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned char c = (unsigned char)at[i];

        marks.escapable |= (uint64_t)(json_escape_values[c] != '\0' || c == 'u') << i;
        marks.unicode |= (uint64_t)(c == 'u') << i;
        marks.digit |= (uint64_t)(json_hex_digits[c] <= 0xf) << i;
        marks.half |= (uint64_t)((c | 0x20) == 'd') << i;
    }
    return marks;
}

#define DECODE_WAY plain
#include "decode_machine.h"
