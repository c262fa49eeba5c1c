/* The one loop of a union of dense sketches, in each way that processors have
 * for it. The first way is plain C and the truth for the others. */
#ifndef SKETCH_DENSE_SIMD_H
#define SKETCH_DENSE_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dense_way {
    const char *name;
    /* Raises each of the `count` registers of `into` to that of `from`, which
     * does not overlap. Whether any rose. `count` is a multiple of 16. */
    bool (*raise)(uint8_t *into, const uint8_t *from, size_t count);
};

/* The ways that this processor has, from the plainest to the fastest: the
 * number of them, at least 1, and into *ways the first. Static. */
size_t dense_ways(const struct dense_way **ways);

#endif
