/* The loop of a union of dense sketches, and that of an estimate, in each way that processors
 * have for them. The first way is plain C and the truth for the others. */
#ifndef SKETCH_DENSE_SIMD_H
#define SKETCH_DENSE_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register holds a rank below. */
#define DENSE_RANKS 64

struct dense_way {
    const char *name;
    /* Raises each of the `count` registers of `into` to that of `from`, which
     * does not overlap. Whether any rose. `count` is a multiple of 16. */
    bool (*raise)(uint8_t *into, const uint8_t *from, size_t count);
    /* How many of the `count` registers there are of each rank, into ranks[DENSE_RANKS].
     * `count` is a multiple of 16. */
    void (*tally)(const uint8_t *registers, size_t count, uint32_t *ranks);
};

/* The ways that this processor has, from the plainest to the fastest: the
 * number of them, at least 1, and into *ways the first. Static. */
size_t dense_ways(const struct dense_way **ways);

#endif
