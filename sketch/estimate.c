/* From a sketch's content to a number and its uncertainty.
 *
 * Dense. With C[k] of the m registers at rank k, and q + 1 the largest rank,
 * the improved raw estimate of O. Ertl (arXiv 1702.01284) is
 *
 *   n = m / (2 ln 2) / Z,   Z = sigma(c[0]) + sum c[k] 2^-k + 2^-q tau(1 - c[q+1])
 *
 * where c[k] = C[k] / m and k goes from 1 to q. sigma stands in for the ranks
 * that empty registers would have below 1, tau for those above q + 1. There is
 * no table, no threshold, no other estimator for small n.
 *
 * Its standard error follows from theory. If n is Poisson with mean x m, the
 * registers are independent, with P(rank <= k) = exp(-x 2^-k). Z is then close
 * to the mean of m independent values f(rank), f being the derivative of Z by
 * c[rank], and n to first order moves by -Z'/Z: so the relative variance is
 * V x^2 (2 ln 2)^2 / m, V being the variance of f. A count that is fixed, not
 * Poisson, takes away 1 / n, the share of the Poisson itself.
 *
 * Sparse. c of M = 2^25 places are taken: n = -M ln(1 - c / M), linear
 * counting. The number of collisions n - c is close to Poisson with the mean
 * that belongs to n, and no one can have fewer than c: for a few thousand ids
 * these are 0, 1 or 2 collisions, where a normal interval would be wrong. The
 * interval holds each n for which the number seen is not in a tail of 2.5 %. */
#include "estimate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* 97.5 % of a normal distribution lie below this many standard errors. */
#define NORMAL_QUANTILE 1.959963984540054
#define TAIL 0.025
/* Ids are whole: an interval of a continuous distribution goes half a step
 * further. It matters below a hundred ids. */
#define CONTINUITY 0.5
#define RANKS 64
#define HISTOGRAMS 4
/* There are not more ids than hashes. */
#define ESTIMATE_MAX 18446744073709551616.0
#define TWO_LN2 1.386294361119890619

/* x + sum over k >= 1 of x^(2^k) 2^(k-1), and its derivative; x < 1. */
static double sigma(double x, double *slope)
{
    double sum = x, power = x, weight = 1, before, rise = 1, chain = 1;

    do {
        before = sum;
        chain *= 2 * power; /* d x^(2^k) / dx */
        power *= power;
        sum += power * weight;
        rise += chain * weight;
        weight += weight;
    } while (sum != before);
    *slope = rise;
    return sum;
}

/* (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3, and its derivative. */
static double tau(double x, double *slope)
{
    double root = x, weight = 1, sum = 1 - x, before, fall = -1, chain = 1;

    *slope = 0;
    if (x == 0 || x == 1)
        return 0;
    do {
        before = sum;
        root = sqrt(root);
        chain /= 2 * root; /* d x^(2^-k) / dx */
        weight /= 2;
        sum -= (1 - root) * (1 - root) * weight;
        fall += 2 * (1 - root) * chain * weight;
    } while (sum != before);
    *slope = fall / 3;
    return sum / 3;
}

/* How many registers there are of each rank. Equal ranks in a row would wait
 * for each other: four histograms take turns. */
static void histogram(const uint8_t *registers, size_t count, uint32_t *ranks)
{
    uint32_t part[HISTOGRAMS][RANKS];

    assert(count % HISTOGRAMS == 0);
    memset(part, 0, sizeof part);
    for (size_t i = 0; i < count; i += HISTOGRAMS) {
        part[0][registers[i] % RANKS]++;
        part[1][registers[i + 1] % RANKS]++;
        part[2][registers[i + 2] % RANKS]++;
        part[3][registers[i + 3] % RANKS]++;
    }
    for (size_t rank = 0; rank < RANKS; rank++)
        ranks[rank] = part[0][rank] + part[1][rank] + part[2][rank] + part[3][rank];
}

/* Ertl's estimate of n / m. */
static double ratio(const uint32_t *ranks, double m, unsigned rank_max)
{
    double slope;
    double sum = tau(1 - ranks[rank_max] / m, &slope);

    for (unsigned rank = rank_max - 1; rank >= 1; rank--)
        sum = (sum + ranks[rank] / m) / 2;
    if (ranks[0] == m)
        return 0;
    sum += sigma(ranks[0] / m, &slope);
    if (sum * TWO_LN2 * ESTIMATE_MAX <= m)
        return ESTIMATE_MAX / m;
    return 1 / (TWO_LN2 * sum);
}

/* The relative standard error of the estimate when n / m is x > 0. `over` is
 * the share of registers above a rank: as x 2^-k doubles from rank to rank,
 * 1 - over is squared. */
static double dense_error(double x, double m, unsigned rank_max)
{
    double over = -expm1(-ldexp(x, 1 - (int)rank_max));
    double scale = x * TWO_LN2;
    double slope, mean, square, value, variance;

    tau(1 - over, &slope);
    value = -ldexp(slope, 1 - (int)rank_max) * scale;
    mean = over * value;
    square = over * value * value;
    for (unsigned rank = rank_max - 1; rank >= 1; rank--) {
        double share = over * (1 - over);

        value = ldexp(scale, -(int)rank);
        mean += share * value;
        square += share * value * value;
        over += share;
    }
    sigma(1 - over, &slope);
    value = slope * scale;
    mean += (1 - over) * value;
    square += (1 - over) * value * value;
    variance = (square - mean * mean - 1 / x) / m;
    return variance > 0 ? sqrt(variance) : 0;
}

struct hc_estimate estimate_dense(const uint8_t *registers, unsigned precision, unsigned rank_max)
{
    struct hc_estimate estimate = {0, 0, 0, 0};
    uint32_t ranks[RANKS];
    double m = ldexp(1, (int)precision), x, filled, reach;

    assert(rank_max > 1 && rank_max < RANKS);
    histogram(registers, (size_t)1 << precision, ranks);
    x = ratio(ranks, m, rank_max);
    if (x == 0)
        return estimate;
    filled = m - ranks[0];
    estimate.value = x * m;
    estimate.error = dense_error(x, m, rank_max);
    reach = NORMAL_QUANTILE * estimate.error * estimate.value + CONTINUITY;
    estimate.high = estimate.value + reach;
    estimate.low = fmax(estimate.value - reach, fmin(filled, estimate.value));
    return estimate;
}

/* The mean number of collisions when n ids fall into `places`. */
static double collisions_mean(double n, double places)
{
    return n + places * expm1(n * log1p(-1 / places));
}

/* P(X <= count) for X Poisson with this mean. */
static double poisson_below(double mean, double count)
{
    double term = exp(-mean), sum = term;

    for (double k = 1; k <= count; k++) {
        term *= mean / k;
        sum += term;
    }
    return sum;
}

struct hc_estimate estimate_sparse(double count, double places)
{
    struct hc_estimate estimate = {count, count, count, 0};
    double n;

    assert(count >= 0 && count < places);
    if (count < 2)
        return estimate;
    estimate.value = -places * log1p(-count / places);
    estimate.error = sqrt(collisions_mean(estimate.value, places)) / estimate.value;
    n = floor(estimate.value);
    while (n > count && poisson_below(collisions_mean(n - 1, places), n - 1 - count) > TAIL)
        n--;
    estimate.low = n;
    n = floor(estimate.value);
    while (1 - poisson_below(collisions_mean(n + 1, places), n - count) > TAIL)
        n++;
    estimate.high = n > estimate.value ? n : estimate.value;
    return estimate;
}
