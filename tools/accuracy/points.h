/* The numbers of ids at which a sweep looks. */
#ifndef ACCURACY_POINTS_H
#define ACCURACY_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "headcount/sketch.h"

#define POINTS_MAX 128

struct points {
    size_t count;
    double n[POINTS_MAX]; /* whole, ascending, none twice */
};

/* The most ids whose sketch is sparse for certain: the library is asked. */
uint64_t points_sparse_limit(enum hc_profile profile, unsigned precision);

/* The fewest ids whose sketch is dense but for one in a billion: beyond the
 * limit, `places` being what a sparse sketch has, by the ids that collide. */
double points_dense_start(uint64_t limit, double places);

/* 1, 2, 5, 10 ... up to `n_max`; around the switch; and n / 2^precision from
 * 0.1 to 60. */
void points_of_sweep(struct points *points, unsigned precision, uint64_t limit, double n_max);

/* n / 2^precision from 1/16 to 64, eight an octave up to 8, then two: for the
 * estimators that switch in there. */
void points_of_rivals(struct points *points, unsigned precision);

#endif
