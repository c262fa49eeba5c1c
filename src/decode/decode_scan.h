/* The first half of the machine (decode_machine.h): blocks become words, with no
 * branch that depends on what is in them but for backslashes.
 *
 * After Langdale and Lemire, Parsing gigabytes of JSON per second (VLDB Journal 28,
 * 2019):
 *
 *   {"a\"b":[1,"c"]}        bytes
 *   ___1____________        backslashes; what stands behind runs of odd length
 *   ____1___________        is escaped
 *   _1____1____1_1__        quotes that are not
 *   _11111_____1____        strings: the parity of the quotes up to each byte
 *
 * The grammar is judged on such words too, with no token looked at by itself.
 * What may begin at a byte depends on what ended before it, white space left
 * out; so the ends of colons, say, are moved on to the next byte that is no
 * space, for all colons of a block by one addition: a carry runs through the
 * spaces behind each. In the same way a bit at the beginning of a string gets to
 * its end. What runs on behind a block is carried to the next one. */
#ifndef DECODE_DECODE_SCAN_H
#define DECODE_DECODE_SCAN_H

#include "decode_block.h"
#include "decode_search.h"

#ifdef DECODE_WAY

/* What ended last, with nothing but space behind it: each 0 or 1, for the next
 * block's first byte. */
struct ended {
    uint64_t mark;    /* a colon or comma */
    uint64_t colon;
    uint64_t opening; /* { [ */
    uint64_t name;    /* a string that doesn't stand behind a colon */
};

/* What the blocks before say of the next one. */
struct carry {
    uint64_t in_string; /* all or none */
    uint64_t in_scalar; /* 0 or 1: in a number or word */
    uint64_t in_odd;    /* 0 or 1: in one with something else than digits in it */
    uint64_t zero;      /* 0 or 1: behind a zero that one begins with */
    uint64_t escaped;   /* 0 or 1: its first byte is */
    uint64_t in_name, in_escapes; /* 0 or 1: it is in a string that is one, or has some */
    uint64_t wide;      /* bytes that are not ASCII, in any of them */
    struct ended ended;
};

/* A block. What stands outside of strings is told apart from their insides. */
struct words {
    uint64_t strings;   /* with the opening quotes, without the closing ones */
    uint64_t escaped;   /* in strings */
    uint64_t opens, closes; /* the quotes */
    uint64_t keys;      /* of those that close, all that a colon may follow */
    uint64_t escaped_keys; /* the same, of strings with escapes */
    uint64_t first[FIELDS]; /* the search's */
    uint64_t brackets, colon, comma;
    uint64_t scalars;   /* bytes of numbers and words */
    uint64_t odd_ends;  /* behind those of them that are more than digits */
    uint64_t errors;    /* against the grammar, wherever they are */
    uint64_t no_member; /* what can't be in an object; in an array it is a colon */
    bool control;       /* bytes below 0x20 */
};

/* Behind each run of backslashes of odd length; those in even places and in odd
 * ones are told apart by a carry that runs through them. */
INLINE uint64_t find_escaped(struct carry *carry, uint64_t backslash)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t follows, odd_starts, runs;

    backslash &= ~carry->escaped;
    follows = backslash << 1 | carry->escaped;
    odd_starts = backslash & ~even & ~follows;
    carry->escaped = __builtin_add_overflow(odd_starts, backslash, &runs);
    return (even ^ runs << 1) & follows;
}

/* Moves bits at the ends of tokens to the next byte that is no space; *carry: from
 * the block before, to the next. */
INLINE uint64_t next_token(uint64_t ends, uint64_t space, uint64_t *carry)
{
    uint64_t behind = 2 * ends + *carry, runs;

    *carry = ends >> 63;
    if (!space)
        return behind;
    *carry |= __builtin_add_overflow(behind & space, space, &runs);
    return (behind | runs) & ~space;
}

/* Behind the runs that have one of the bits in them. */
INLINE uint64_t run_ends(uint64_t bits, uint64_t runs, uint64_t *carry)
{
    uint64_t before = *carry, sum;

    *carry = __builtin_add_overflow(runs, (bits | before) & runs, &sum);
    return (sum | before) & ~runs;
}

/* Strings that have escapes in them and may be keys: their closing quotes. */
INLINE uint64_t find_escaped_keys(struct carry *carry, uint64_t backslash, const struct words *w)
{
    return run_ends(backslash & w->strings, w->strings, &carry->in_escapes) & w->keys;
}

/* What follows what. A value is behind a colon, a comma or an opening bracket,
 * and where there is a value no mark is. What is behind a colon may be anything,
 * and a colon is behind a string that is behind none. That leaves to be told, once
 * it is known where one is: in an array there is no colon, in an object nothing else
 * behind a comma or the opening bracket than such a string, and behind that a colon. */
INLINE void find_errors(struct carry *carry, const struct block *block, uint64_t starts,
                        uint64_t space, struct words *w)
{
    struct ended *e = &carry->ended;
    uint64_t opening = block->opening & w->brackets, closing = w->brackets & ~opening;
    uint64_t marks = w->colon | w->comma, others = starts | opening;
    uint64_t after_mark = next_token(marks, space, &e->mark);
    uint64_t after_colon = next_token(w->colon, space, &e->colon);
    uint64_t after_opening = next_token(opening, space, &e->opening);
    uint64_t names = run_ends(w->opens & ~after_colon, w->strings, &carry->in_name) & w->closes;
    uint64_t after_name = next_token(names, space, &e->name);
    uint64_t begins = after_mark | after_opening;

    w->no_member = (after_name & ~w->colon) | (others & ~after_colon);
    w->errors = ((others | w->opens) & ~begins) | (marks & begins) | (closing & after_mark) |
                (w->colon & ~after_name);
}

INLINE void scan_block(struct carry *carry, const char *at, const struct search *search,
                       struct words *w)
{
    struct block block = block_read(at, search->first);
    uint64_t escaped = 0, quotes, outside, space, starts, zeros;

    if (block.backslash | carry->escaped)
        escaped = find_escaped(carry, block.backslash);
    quotes = block.quote & ~escaped;
    w->strings = block_parity(quotes) ^ carry->in_string;
    w->escaped = escaped & w->strings;
    w->opens = quotes & w->strings;
    w->closes = quotes & ~w->strings;
    outside = ~(w->strings | quotes);
    w->brackets = (block.opening | block.closing) & outside;
    w->colon = block.colon & outside;
    w->comma = block.comma & outside;
    space = block.space & outside;
    w->scalars = outside & ~(w->brackets | w->colon | w->comma | space);
    starts = w->scalars & ~(2 * w->scalars + carry->in_scalar);
    zeros = starts & block.zero;
    for (unsigned i = 0; i < FIELDS; i++)
        w->first[i] = block.first[i];
    w->control = block.control;
    carry->wide |= block.wide;
    find_errors(carry, &block, starts, space, w);
    w->errors |= (2 * zeros + carry->zero) & block.digit & w->scalars;
    w->odd_ends = run_ends(w->scalars & ~block.digit, w->scalars, &carry->in_odd);
    /* What stands behind space, or behind the block, is not known. */
    w->keys = w->closes & ((w->colon | space) >> 1 | UINT64_C(1) << 63);
    w->escaped_keys = 0;
    if (block.backslash | carry->in_escapes) {
        w->escaped_keys = find_escaped_keys(carry, block.backslash, w);
        w->errors |= block.backslash & outside; /* or it would hide a quote there */
    }
    carry->in_string = 0 - (w->strings >> 63);
    carry->in_scalar = w->scalars >> 63;
    carry->zero = zeros >> 63;
}

#endif
#endif
