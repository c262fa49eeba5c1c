/* The dense form: 2^precision registers, one rank each, a byte a register.
 *
 * Packing six bits a register would save a quarter of the memory and cost
 * three times the time of an update; packing is for the wire. */
#ifndef SKETCH_DENSE_H
#define SKETCH_DENSE_H

#include <stdbool.h>

#include "sketch_body.h"

static inline size_t dense_size(unsigned precision)
{
    return (size_t)1 << precision;
}

/* Registers that are all zero, from the allocator, or NULL. */
uint8_t *dense_allocate(const struct hc_allocator *allocator, unsigned precision);

/* Raises one register; whether it did. */
static inline bool dense_raise(uint8_t *registers, struct place place)
{
    if (place.rank <= registers[place.index])
        return false;
    registers[place.index] = (uint8_t)place.rank;
    return true;
}

/* Raises the registers to hold all of `from` too, whatever its form. Its
 * precision is not below `precision`. Whether any register rose. */
bool dense_add_sketch(uint8_t *registers, unsigned precision, const struct hc_sketch *from);

/* Whether no register is above `rank_max`. */
bool dense_is_bounded(const uint8_t *registers, unsigned precision, unsigned rank_max);

#endif
