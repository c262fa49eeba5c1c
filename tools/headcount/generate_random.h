/* Seeded random numbers: splitmix64 (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", 2014). The same seed gives the same numbers
 * on every machine. Private to generate. */
#ifndef HEADCOUNT_GENERATE_RANDOM_H
#define HEADCOUNT_GENERATE_RANDOM_H

#include <stdint.h>

struct generate_random {
    uint64_t state; /* any value is a seed */
};

static inline uint64_t generate_random_next(struct generate_random *random)
{
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 <= number < 1, with 53 bits. */
static inline double generate_random_unit(struct generate_random *random)
{
    return (double)(generate_random_next(random) >> 11) * 0x1p-53;
}

/* 0..limit - 1; limit is 1 to 2^32. */
static inline uint64_t generate_random_below(struct generate_random *random, uint64_t limit)
{
    return (generate_random_next(random) >> 32) * limit >> 32;
}

#endif
