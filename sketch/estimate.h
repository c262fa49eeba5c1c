/* From a sketch's content to a number and its uncertainty: pure functions. */
#ifndef SKETCH_ESTIMATE_H
#define SKETCH_ESTIMATE_H

#include "headcount/sketch.h"

/* `count` of `places` equally likely places are taken. */
struct hc_estimate estimate_sparse(double count, double places);

/* 2^precision registers with ranks of at most `rank_max`. */
struct hc_estimate estimate_dense(const uint8_t *registers, unsigned precision, unsigned rank_max);

#endif
