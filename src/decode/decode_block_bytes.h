/* decode_block.h's functions for ways that have a block as `struct bytes`, and of it
 *
 *   struct bytes load(const char *at), fold(struct bytes): each byte | 0x20
 *   uint64_t equal(struct bytes, c), between(struct bytes, first, last)
 *       a bit for each such byte
 *   uint64_t wide(struct bytes)
 *       some bit, if there are bytes that are not ASCII
 *
 * Included behind those. */
#ifndef DECODE_DECODE_BLOCK_BYTES_H
#define DECODE_DECODE_BLOCK_BYTES_H

#include "decode_block.h"

#ifdef VECTORS

INLINE struct block block_read(const char *at, const char first[FIELDS])
{
    struct bytes bytes = load(at), folded = fold(bytes); /* '[' becomes '{' */

    return (struct block){
        .backslash = equal(bytes, '\\'),
        .quote = equal(bytes, '"'),
        .opening = equal(folded, '{'),
        .closing = equal(folded, '}'),
        .colon = equal(bytes, ':'),
        .comma = equal(bytes, ','),
        .space = equal(bytes, ' ') | equal(bytes, '\t') | equal(bytes, '\n') | equal(bytes, '\r'),
        .digit = between(bytes, '0', '9'),
        .zero = equal(bytes, '0'),
        .first = {equal(bytes, first[0]), equal(bytes, first[1])},
        .wide = wide(bytes),
        .control = between(bytes, 0, 0x1f) != 0,
    };
}

INLINE uint64_t block_controls(const char *at)
{
    return between(load(at), 0, 0x1f);
}

static struct escape_marks block_escape_marks(const char *at)
{
    static const char letters[] = "\"\\/bfnrtu";
    struct bytes bytes = load(at), folded = fold(bytes);
    struct escape_marks marks = {
        .unicode = equal(bytes, 'u'),
        .digit = between(bytes, '0', '9') | between(folded, 'a', 'f'),
        .half = equal(folded, 'd'),
    };

    for (const char *letter = letters; *letter; letter++)
        marks.escapable |= equal(bytes, *letter);
    return marks;
}

#endif
#endif
