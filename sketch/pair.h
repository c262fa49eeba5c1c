/* Two sets, as two sketches show them: private to the library.
 *
 * Of each id one of three things is true, and an estimate is of one of them:
 *
 *      first            second
 *   +-----------+-------------------+
 *   | FIRST     |   BOTH  |  SECOND |
 *   +-----------+---------+---------+
 */
#ifndef SKETCH_PAIR_H
#define SKETCH_PAIR_H

#include "headcount/sketch.h"

enum pair_part { PAIR_FIRST, PAIR_SECOND, PAIR_BOTH, PAIR_PARTS };

#define PAIR_RANKS 64
/* The most coupons of one rank in one register that are told apart. */
#define PAIR_MATCHES_MAX 15

/* What a factor 1 - exp(-rate 2^-rank) of the likelihood is a function of. */
enum pair_rate {
    PAIR_RATE_FIRST,     /* FIRST alone */
    PAIR_RATE_SECOND,    /* SECOND alone */
    PAIR_RATE_FIRST_ALL, /* FIRST + BOTH */
    PAIR_RATE_SECOND_ALL,
    PAIR_RATES
};

/* All that the likelihood of a pair depends on; joint.c has the formula. */
struct pair_counts {
    double registers;
    unsigned rank_max;
    double linear[PAIR_PARTS]; /* weights in the exponent */
    double single[PAIR_RATES][PAIR_RANKS];
    double equal[PAIR_RANKS]; /* registers of this rank in both */
    /* Where `first` is a set of coupons and `second` registers: coupons above
     * their register, below it, and [rank][how many] registers with coupons of
     * just their rank. */
    double above, below;
    double matches[PAIR_RANKS][PAIR_MATCHES_MAX + 1];
    double certain[PAIR_PARTS]; /* there are not fewer ids than these */
};

/* The maximum of the likelihood, with its interval, in ids. Neither set is
 * empty. Pure. */
struct hc_estimate joint_estimate(const struct pair_counts *counts, enum pair_part part);

/* Two sets of coupons in `places`: so many in each alone, and in both. Pure. */
struct hc_estimate coincidence_estimate(const double coupons[PAIR_PARTS], double places,
                                        enum pair_part part);

/* hc_sketch_intersection and hc_sketch_difference, before anything is refused. */
enum hc_status pair_estimate(const struct hc_sketch *first, const struct hc_sketch *second,
                             enum pair_part part, struct hc_estimate *estimate);

#endif
