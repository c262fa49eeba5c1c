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
 * Its standard error s follows from theory. If n is Poisson with mean x m, the
 * registers are independent, with P(rank <= k) = exp(-x 2^-k). Z is then close
 * to the mean of m independent values f(rank), f being the derivative of Z by
 * c[rank], and n to first order moves by -Z'/Z: so the relative variance is
 * V x^2 (2 ln 2)^2 / m, V being the variance of f. A count that is fixed, not
 * Poisson, takes away 1 / n, the share of the Poisson itself.
 *
 * The interval holds each n for which the estimate seen is not in a tail of
 * 2.25 %, so 95.5 % of all intervals hold the truth. With few registers an
 * estimate is far from normal, but Z is a mean of positive values, each close
 * to an exponential one when n is large (2^-rank is the smallest of n uniform
 * numbers, rounded): that is a gamma distribution with variance s^2, whose
 * quantiles follow from those z of the normal distribution,
 * (1 - s^2/9 + z s/3)^3 (Wilson and Hilferty, PNAS 17, 1931). The true n is the
 * estimate times such a quantile, taken with the s of that n.
 *
 * Sparse. c of M places (2^25 or 2^26) are taken: n = -M ln(1 - c / M), linear
 * counting. The number of collisions n - c is close to Poisson with the mean
 * that belongs to n, and no one can have fewer than c: for a few thousand ids
 * these are 0, 1 or 2 collisions, where a normal interval would be wrong. So
 * the tails are the Poisson's. Where a dense sketch holds so few ids that only
 * some of them collided, its upper end is not below that either. */
#include "estimate.h"

#include <assert.h>
#include <math.h>

#include "dense_simd.h"

/* What an interval leaves out on each side, and how many standard errors from
 * the mean of a normal distribution that begins. */
#define TAIL 0.0225
#define QUANTILE 2.0046544617650963
/* Ids are whole: an interval of a continuous distribution goes a part of a step
 * further. Half a step would suit whole estimates; dense ones lie between, and
 * half of that keeps 16 registers at 95 to 96 %. */
#define CONTINUITY 0.25
/* Up to this many collisions their number is told apart from a normal one. */
#define FEW_COLLISIONS 16
/* Registers that would be above the largest rank say no more than that: beyond
 * this mean number of ids a register with such ranks, nothing is told apart. */
#define FULL 8
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

/* How many registers there are of each rank. */
static void histogram(const uint8_t *registers, size_t count, uint32_t *ranks)
{
    const struct dense_way *ways;
    size_t best = dense_ways(&ways) - 1;

    ways[best].tally(registers, count, ranks);
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

/* The most ids that m registers can tell from more. */
static double dense_full(double m, unsigned rank_max)
{
    return m * ldexp(FULL, (int)rank_max - 1);
}

/* The relative standard error of the estimate of n > 0. `over` is the share of
 * registers above a rank: as x 2^-k doubles from rank to rank, 1 - over is
 * squared. */
static double dense_error(double n, double m, unsigned rank_max)
{
    double x = fmin(n, dense_full(m, rank_max)) / m;
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

/* The most ids, from `n` on, that are likely to take only `count` places. */
static double collisions_high(double n, double count, double places)
{
    n = fmax(floor(n), count);
    while (n < places && 1 - poisson_below(collisions_mean(n + 1, places), n - count) > TAIL)
        n++;
    return n;
}

/* The n from which `value` lies `z` standard errors away, in a gamma
 * distribution with the error of that n: found in two steps. */
static double dense_end(double value, double z, double m, unsigned rank_max)
{
    double end = value, error, root;

    for (int step = 0; step < 2 && end > 0; step++) {
        error = dense_error(end, m, rank_max);
        root = fmax(1 - error * error / 9 + z * error / 3, 0);
        end = value * root * root * root;
    }
    return end;
}

/* Both ends of the interval, `filled` registers being above 0. */
static void dense_interval(struct hc_estimate *estimate, double filled, double m,
                           unsigned rank_max)
{
    double full = dense_full(m, rank_max), value = estimate->value, low, high;

    low = dense_end(fmin(value, full), -QUANTILE, m, rank_max) - CONTINUITY;
    high = dense_end(value, QUANTILE, m, rank_max) + CONTINUITY;
    if (collisions_mean(value, m) < FEW_COLLISIONS)
        high = fmax(high, collisions_high(value, filled, m));
    estimate->low = fmax(low, fmin(filled, value));
    estimate->high = value < full ? fmin(high, ESTIMATE_MAX) : ESTIMATE_MAX;
}

struct hc_estimate estimate_dense(const uint8_t *registers, unsigned precision, unsigned rank_max)
{
    struct hc_estimate estimate = {0, 0, 0, 0};
    uint32_t ranks[DENSE_RANKS];
    double m = ldexp(1, (int)precision);

    assert(rank_max > 1 && rank_max < DENSE_RANKS);
    histogram(registers, (size_t)1 << precision, ranks);
    estimate.value = ratio(ranks, m, rank_max) * m;
    if (estimate.value == 0)
        return estimate;
    estimate.error = dense_error(estimate.value, m, rank_max);
    dense_interval(&estimate, m - ranks[0], m, rank_max);
    return estimate;
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
    estimate.high = fmax(estimate.value, collisions_high(estimate.value, count, places));
    return estimate;
}
