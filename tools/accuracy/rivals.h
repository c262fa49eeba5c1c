/* The estimators that ours is compared with, on the same registers. */
#ifndef ACCURACY_RIVALS_H
#define ACCURACY_RIVALS_H

#include "growth.h"

#define RIVALS_POINTS 200

/* What the raw estimate is too high by, at the raw estimates listed. */
struct rivals_bias {
    unsigned precision;
    double raw[RIVALS_POINTS];
    double bias[RIVALS_POINTS];
};

/* HyperLogLog as first published: the raw estimate, and linear counting up to
 * 2.5 m where a register is empty. Without the correction for 32-bit hashes. */
double rivals_classic(const struct growth *growth);

/* HyperLogLog++ when dense: the raw estimate less a bias from the table, and
 * linear counting up to a threshold. */
double rivals_plus(const struct growth *growth, const struct rivals_bias *bias);

/* The table, from so many trials. */
void rivals_learn(struct rivals_bias *bias, unsigned precision, unsigned rank_max,
                  uint64_t seed, uint64_t trials);

#endif
