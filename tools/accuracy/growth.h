/* How sketches fill up, without hashing: exact simulations of n random ids. */
#ifndef ACCURACY_GROWTH_H
#define ACCURACY_GROWTH_H

#include <stdint.h>

#define GROWTH_RANKS 64

struct growth_random {
    uint64_t state;
};

/* Streams of different seed, precision and trial have nothing in common. */
struct growth_random growth_random(uint64_t seed, unsigned precision, uint64_t trial);
uint64_t growth_bits(struct growth_random *random);
/* Uniform, above 0 and below 1. */
double growth_uniform(struct growth_random *random);

/* 2^precision registers, as the number of them at each rank. */
struct growth {
    struct growth_random random;
    uint32_t ranks[GROWTH_RANKS];
    unsigned precision;
    unsigned rank_max;
    double open; /* the mean share of the next id that changes a register, times 2^precision */
    double n;    /* ids up to the last change */
    double next; /* the id that makes the next change */
};

void growth_start(struct growth *growth, unsigned precision, unsigned rank_max,
                  struct growth_random random);

/* On to `n` ids, which is not less than before. */
void growth_to(struct growth *growth, double n);

/* Registers with these ranks, in ascending order. */
void growth_registers(const struct growth *growth, uint8_t *registers);

/* How many of 2^bits places are taken. */
struct crowd {
    struct growth_random random;
    unsigned bits;
    uint64_t n;
    uint64_t taken;
};

void crowd_to(struct crowd *crowd, uint64_t n);

#endif
