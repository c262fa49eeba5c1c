/* The runs that the program offers; each prints lines of results. */
#ifndef ACCURACY_SWEEPS_H
#define ACCURACY_SWEEPS_H

#include <stdint.h>

struct sweep {
    unsigned precision;
    uint64_t trials;
    uint64_t seed;
    double n_max;
};

/* Simulated sketches through all points: the library's estimators. */
void sweep_simulated(const struct sweep *sweep);

/* Far beyond what a stream holds, with registers that end at rank 31 too. */
void sweep_far(const struct sweep *sweep);

/* The library's dense estimator, classic HyperLogLog and HyperLogLog++. */
void sweep_rivals(const struct sweep *sweep);

/* Ids through the library's front door: added, united, folded. */
void sweep_real(const struct sweep *sweep);

/* Numbered ids, by how they end and by the hash. */
void sweep_ids(const struct sweep *sweep);

/* How often within one standard error and 0.8 %, and two days compared. */
void sweep_words(const struct sweep *sweep);

#endif
