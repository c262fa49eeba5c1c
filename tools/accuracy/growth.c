/* Exact simulations of a sketch that is filled with random hashes.
 *
 * Dense. An id changes a register of rank k with probability 2^-k / m, so the
 * number of ids until the next change is geometric with the sum of these over
 * all registers. What changes is one register, chosen in proportion to 2^-k,
 * and its new rank is k plus the toss of a coin until heads. Registers of equal
 * rank are alike, so that their numbers are all there is to keep. A sketch of
 * 10^8 ids and 2^14 registers is some 200,000 such steps, and on the way it is
 * a sketch of every smaller n.
 *
 * Sparse. Each id takes one of 2^bits places. */
#include "growth.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct growth_random growth_random(uint64_t seed, unsigned precision, uint64_t trial)
{
    struct growth_random random = {seed};

    random.state = growth_bits(&random) ^ (uint64_t)precision << 56 ^ trial;
    random.state = growth_bits(&random);
    return random;
}

/* splitmix64. */
uint64_t growth_bits(struct growth_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double growth_uniform(struct growth_random *random)
{
    return ((double)(growth_bits(random) >> 12) + 0.5) * 0x1p-52;
}

/* -ln(1 - share); the series is good to 10^-10. */
static double hazard(double share)
{
    if (share > 0.02)
        return -log1p(-share);
    return share * (1 + share * (1 / 2. + share * (1 / 3. + share * (1 / 4. + share / 5))));
}

/* Draws the id of the next change. */
static void growth_wait(struct growth *growth)
{
    double share = ldexp(growth->open, -(int)growth->precision);

    growth->next = growth->n + 1;
    if (share <= 0)
        growth->next = INFINITY;
    else if (share < 1)
        growth->next += floor(-log(growth_uniform(&growth->random)) / hazard(share));
}

/* The sum of 2^-rank over all registers that can still change. */
static double growth_open(const struct growth *growth)
{
    double open = 0;

    for (unsigned rank = growth->rank_max; rank-- > 0;)
        open += ldexp(growth->ranks[rank], -(int)rank);
    return open;
}

/* The rank of the register that changes. */
static unsigned growth_choose(struct growth *growth)
{
    double left = growth_uniform(&growth->random) * growth->open, weight = 1;
    unsigned rank = 0, last = 0;

    for (; rank < growth->rank_max; rank++, weight /= 2) {
        if (growth->ranks[rank] == 0)
            continue;
        last = rank;
        left -= growth->ranks[rank] * weight;
        if (left < 0)
            break;
    }
    assert(growth->ranks[last] > 0);
    return last;
}

static void growth_step(struct growth *growth)
{
    unsigned rank = growth_choose(growth), tosses, raised;

    tosses = (unsigned)__builtin_ctzll(growth_bits(&growth->random) | UINT64_C(1) << 63) + 1;
    raised = rank + tosses < growth->rank_max ? rank + tosses : growth->rank_max;
    growth->ranks[rank]--;
    growth->ranks[raised]++;
    growth->open -= ldexp(1, -(int)rank);
    if (raised < growth->rank_max)
        growth->open += ldexp(1, -(int)raised);
    growth->n = growth->next;
    growth_wait(growth);
}

void growth_start(struct growth *growth, unsigned precision, unsigned rank_max,
                  struct growth_random random)
{
    assert(rank_max < GROWTH_RANKS);
    memset(growth, 0, sizeof *growth);
    growth->random = random;
    growth->precision = precision;
    growth->rank_max = rank_max;
    growth->ranks[0] = UINT32_C(1) << precision;
    growth->open = growth_open(growth);
    growth_wait(growth);
}

void growth_to(struct growth *growth, double n)
{
    growth->open = growth_open(growth); /* what rounding took */
    while (growth->next <= n)
        growth_step(growth);
}

void growth_registers(const struct growth *growth, uint8_t *registers)
{
    for (unsigned rank = 0; rank <= growth->rank_max; rank++) {
        memset(registers, (int)rank, growth->ranks[rank]);
        registers += growth->ranks[rank];
    }
}

void crowd_to(struct crowd *crowd, uint64_t n)
{
    for (; crowd->n < n; crowd->n++)
        crowd->taken += growth_bits(&crowd->random) >> (64 - crowd->bits) >= crowd->taken;
}
