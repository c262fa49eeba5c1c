/* Blocks in plain C: eight bytes at a time in a word, whose bytes answer with
 * their highest bit. Exact: no byte's answer depends on another. */
#include "decode_block_any.h"
#include "decode_search.h"
#include "json_string.h"
#include "utf8.h"

#define EACH UINT64_C(0x0101010101010101)
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

INLINE struct block block_read(const char *at)
{
    struct block block = {.wide = false};
    uint64_t all = 0;

    for (unsigned i = 0; i < BLOCK; i += 8) {
        uint64_t word = search_load(at + i), control = below(word, 0x20);
        uint64_t folded = word | EACH * 0x20, space = equal(word, ' ');

        if (control) {
            space |= equal(word, '\t') | equal(word, '\n') | equal(word, '\r');
            block.control |= gather(control) << i;
        }
        all |= word;
        block.backslash |= gather(equal(word, '\\')) << i;
        block.quote |= gather(equal(word, '"')) << i;
        block.space |= gather(space) << i;
        block.mark |= gather(equal(folded, '{') | equal(folded, '}') | equal(word, ':') |
                             equal(word, ',')) << i;
    }
    block.wide = all & HIGH;
    return block;
}

static uint64_t block_escapable(const char *at, uint64_t *unicode)
{
    uint64_t letters = 0;

    *unicode = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        letters |= (uint64_t)(json_escape_values[(unsigned char)at[i]] != '\0') << i;
        *unicode |= (uint64_t)(at[i] == 'u') << i;
    }
    return letters | *unicode;
}

/* Character by character. *wide: bytes at the start that belong to the last one
 * of the block before. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    uint64_t errors = 0;
    size_t i = *wide;

    (void)at;
    while (i < BLOCK && base + i < size) {
        size_t length = utf8_length(bytes + base + i, size - base - i);

        if (length == 0)
            errors |= UINT64_C(1) << i;
        i += length ? length : 1;
    }
    *wide = i > BLOCK ? i - BLOCK : 0;
    return errors;
}

#define DECODE_WAY plain
#include "decode_machine.h"
