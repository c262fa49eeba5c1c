/* Random numbers that are the same in every run: splitmix64. */
#ifndef SUPPORT_TEST_RANDOM_H
#define SUPPORT_TEST_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

/* Its finaliser: numbers that lie close together come far apart. */
static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return random_next(state) % bound;
}

/* The first seed of a test: HEADCOUNT_SEED, or 1. */
static inline uint64_t random_seed(void)
{
    const char *text = getenv("HEADCOUNT_SEED");

    return text ? strtoull(text, NULL, 10) : 1;
}

#endif
