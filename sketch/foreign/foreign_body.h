/* What the foreign forms share: a sketch that is filled from registers or
 * places instead of ids. */
#ifndef SKETCH_FOREIGN_BODY_H
#define SKETCH_FOREIGN_BODY_H

#include "headcount/foreign.h"

#include "cursor.h"
#include "dense.h"
#include "sparse.h"

/* Foreign precisions above ours are folded while they are read. */
static inline unsigned foreign_precision(unsigned precision)
{
    return precision < HC_PRECISION_MAX ? precision : HC_PRECISION_MAX;
}

/* An empty sketch; NULL when there is no memory. */
struct hc_sketch *foreign_new(enum hc_profile profile, unsigned precision,
                              const struct hc_allocator *allocator);

/* Makes an empty sketch dense. HC_ENOMEM leaves it empty. */
enum hc_status foreign_make_dense(struct hc_sketch *sketch);

/* The end of a decoder: hands the sketch over, or destroys it; the status. */
enum hc_status foreign_finish(enum hc_status status, struct hc_sketch **made,
                              struct hc_sketch **sketch);

/* The registers at a precision that is not above the sketch's, from its
 * allocator; NULL when there is no memory. */
uint8_t *foreign_registers(const struct hc_sketch *sketch, unsigned precision);

/* How many of them are not zero. */
size_t foreign_filled(const uint8_t *registers, unsigned precision);

#endif
