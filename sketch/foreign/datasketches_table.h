/* The hash tables of DataSketches' updatable images: words of 32 bits, a slot or
 * an address in the low 26 of them, zero where nothing is. A key is looked for
 * from its low bits on, in steps that its other bits make. */
#ifndef SKETCH_DATASKETCHES_TABLE_H
#define SKETCH_DATASKETCHES_TABLE_H

#include "foreign_body.h"

#define TABLE_SLOT_BITS 26
#define TABLE_SLOT_MASK ((UINT32_C(1) << TABLE_SLOT_BITS) - 1)

/* The size, as a power of two: at least `least`, and filled to three quarters. */
static inline unsigned table_lg(unsigned least, size_t count)
{
    while (count * 4 > ((size_t)3 << least))
        least++;
    return least;
}

/* The least size of a table of exceptions at lgK. */
static inline unsigned table_exceptions_lg(unsigned lg_k)
{
    if (lg_k < 10)
        return lg_k < 7 ? 2 : 3;
    return lg_k < 14 ? lg_k / 2 - 1 : lg_k - 8;
}

/* Puts a word that is not there into a table that has room. */
static inline void table_insert(uint8_t *table, unsigned lg, uint32_t key, uint32_t word)
{
    uint32_t mask = (UINT32_C(1) << lg) - 1, at = key & mask;
    uint32_t step = (key & TABLE_SLOT_MASK) >> lg | 1;
    struct writer writer;

    for (;; at = (at + step) & mask) {
        struct cursor cursor = cursor_over(table + (size_t)4 * at, 4);

        if (cursor_number(&cursor, 4) == 0)
            break;
    }
    writer = writer_over(table + (size_t)4 * at, 4);
    writer_number(&writer, word, 4);
}

#endif
