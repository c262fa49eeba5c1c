/* The joint likelihood of two sketches, its maximum, and an interval.
 *
 * Let the numbers of ids in `first` alone, in `second` alone and in both be
 * Poisson with means a m, b m and x m. Then the m registers are independent,
 * and with F(r, k) = exp(-r 2^-k) for k <= q, F(r, q + 1) = 1 (O. Ertl, arXiv
 * 1702.01284, section on joint estimation)
 *
 *   P(first <= i and second <= j) = F(a, i) F(b, j) F(x, min(i, j)).
 *
 * The likelihood of one pair of registers follows by differences. If the first
 * has rank i below the second's j, only `second` alone can have given j:
 *
 *   exp(-(a + x) 2^-i) (1 - exp(-(a + x) 2^-i))  exp(-b 2^-j) (1 - exp(-b 2^-j))
 *
 * without the first bracket when i = 0 and the second power when j = q + 1.
 * If both have rank k, with u, v, w = F(a, k), F(b, k), F(x, k) it is
 *
 *   u v w (1 - w + w (1 - u) (1 - v)).
 *
 * So it depends on counts by rank only. If `first` is a set of coupons, there is
 * more to know: all its ranks, not only the largest, and their number. Those
 * above their register are in `first` alone; those below say nothing; and e
 * coupons with just their register's rank k are
 *
 *   (a + x)^e - a^e exp(-b 2^-k)
 *
 * times exp(-b 2^-k): either one of them is in both, or `second` alone has come
 * to the same rank.
 *
 * The maximum is found by Newton's method in the logarithms of a, b, x, damped
 * so that every step climbs (Levenberg, Marquardt). Where a rate is zero its
 * logarithm falls until nothing more is gained.
 *
 * The interval holds each value for which the best likelihood is not worse by
 * half a squared quantile. A number of ids is fixed and not Poisson, though: of
 * the variance 1 / I of the rate, rate / m is that of the number itself. The
 * rest is what the sketch adds, so the quantile's square is cut to that share.
 */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "pair.h"

/* 97.75 % of a normal distribution lie below this many standard errors: the
 * interval aims at 95.5 %. */
#define QUANTILE 2.0046544617650965
/* Ids are whole: an interval of a continuous distribution goes half a step
 * further. */
#define CONTINUITY 0.5
#define PRETENDED 0.5
/* Of a few registers nothing is quite normal: so much more, over their number. */
#define FEW_REGISTERS 2
#define IDS_MAX 18446744073709551616.0
/* The least that a rate becomes, and what is none. */
#define IDS_MIN 1e-6
#define IDS_NONE 1e-3
#define CLIMB_STEPS 200
#define CLIMB_GAIN 1e-8   /* a gain of log likelihood not worth a step */
#define CLIMB_STRIDE 3.0  /* the longest step in a logarithm */
#define BRACKET_STEPS 60
#define BRACKET_FINE 1e-3 /* of the quantile */

static const bool rate_has[PAIR_RATES][PAIR_PARTS] = {
    [PAIR_RATE_FIRST] = {[PAIR_FIRST] = true},
    [PAIR_RATE_SECOND] = {[PAIR_SECOND] = true},
    [PAIR_RATE_FIRST_ALL] = {[PAIR_FIRST] = true, [PAIR_BOTH] = true},
    [PAIR_RATE_SECOND_ALL] = {[PAIR_SECOND] = true, [PAIR_BOTH] = true},
};

/* A likelihood: what was counted, and half events that a bound pretends. */
struct likelihood {
    const struct pair_counts *counts;
    double pretended[PAIR_PARTS];
};

/* The logarithm of the likelihood at some rates, with its derivatives. */
struct slope {
    double value;
    double first[PAIR_PARTS];
    double second[PAIR_PARTS][PAIR_PARTS];
};

static double scale(const struct pair_counts *counts, unsigned rank)
{
    return ldexp(1, rank < counts->rank_max ? -(int)rank : 1 - (int)rank);
}

/* Adds n times the logarithm of y. */
static void slope_add(struct slope *slope, double n, double y, const struct slope *of_y)
{
    slope->value += n * log(y);
    for (int i = 0; i < PAIR_PARTS; i++) {
        slope->first[i] += n * of_y->first[i] / y;
        for (int j = 0; j < PAIR_PARTS; j++)
            slope->second[i][j] += n * (of_y->second[i][j] / y -
                                        of_y->first[i] / y * (of_y->first[j] / y));
    }
}

/* n factors 1 - exp(-rate t). */
static void slope_single(struct slope *slope, double n, double t, enum pair_rate kind,
                         const double *rates)
{
    double rate = 0, empty, growth;

    for (int i = 0; i < PAIR_PARTS; i++)
        rate += rate_has[kind][i] ? rates[i] : 0;
    empty = -expm1(-rate * t);
    growth = expm1(rate * t);
    slope->value += n * log(empty);
    for (int i = 0; i < PAIR_PARTS; i++) {
        slope->first[i] += rate_has[kind][i] ? n * t / growth : 0;
        for (int j = 0; j < PAIR_PARTS; j++)
            slope->second[i][j] -= rate_has[kind][i] && rate_has[kind][j]
                                       ? n * (t / growth) * (t / empty) : 0;
    }
}

/* n registers that are equal in both sketches. */
static void slope_equal(struct slope *slope, double n, double t, const double *rates)
{
    double u = exp(-rates[PAIR_FIRST] * t), v = exp(-rates[PAIR_SECOND] * t);
    double w = exp(-rates[PAIR_BOTH] * t);
    double not_u = -expm1(-rates[PAIR_FIRST] * t), not_v = -expm1(-rates[PAIR_SECOND] * t);
    double first = w * u * not_v, second = w * v * not_u, both = w * (1 - not_u * not_v);
    double square = t * t;
    struct slope y = {
        .first = {[PAIR_FIRST] = t * first, [PAIR_SECOND] = t * second, [PAIR_BOTH] = t * both},
        .second = {[PAIR_FIRST] = {-square * first, square * u * v * w, -square * first},
                   [PAIR_SECOND] = {square * u * v * w, -square * second, -square * second},
                   [PAIR_BOTH] = {-square * first, -square * second, -square * both}}};

    slope_add(slope, n, -expm1(-rates[PAIR_BOTH] * t) + w * not_u * not_v, &y);
}

/* n registers with e coupons of just their rank: what is left of the formula
 * above when (a + x)^e is taken out of the bracket. */
static void slope_matches(struct slope *slope, double n, double e, double t, const double *rates)
{
    double all = rates[PAIR_FIRST] + rates[PAIR_BOTH];
    double alone = rates[PAIR_FIRST] / all;
    double miss = exp(-rates[PAIR_SECOND] * t) * pow(alone, e - 1);
    double some = miss * alone;
    double twice = e * (e - 1) / (all * all);
    double curve = alone > 0 ? twice * (1 - miss / alone) : twice;
    double mixed = t * e / all * miss;
    struct slope y = {
        .first = {[PAIR_FIRST] = e / all * (1 - miss), [PAIR_SECOND] = t * some,
                  [PAIR_BOTH] = e / all},
        .second = {[PAIR_FIRST] = {curve, mixed, twice},
                   [PAIR_SECOND] = {mixed, -t * t * some, 0},
                   [PAIR_BOTH] = {twice, 0, twice}}};
    double less = -rates[PAIR_SECOND] * t - e * log1p(rates[PAIR_BOTH] / rates[PAIR_FIRST]);

    slope_add(slope, n, -expm1(less), &y);
    slope->value += n * e * log(all);
}

static void slope_coupons(struct slope *slope, const struct pair_counts *counts,
                          const double *rates)
{
    const struct slope alone = {.first = {[PAIR_FIRST] = 1}};
    const struct slope all = {.first = {[PAIR_FIRST] = 1, [PAIR_BOTH] = 1}};

    if (counts->above > 0)
        slope_add(slope, counts->above, rates[PAIR_FIRST], &alone);
    if (counts->below > 0)
        slope_add(slope, counts->below, rates[PAIR_FIRST] + rates[PAIR_BOTH], &all);
    for (unsigned rank = 1; rank <= counts->rank_max; rank++) {
        for (unsigned e = 1; e <= PAIR_MATCHES_MAX; e++) {
            if (counts->matches[rank][e] > 0)
                slope_matches(slope, counts->matches[rank][e], e, scale(counts, rank), rates);
        }
    }
}

static struct slope slope_at(const struct likelihood *likelihood, const double *rates)
{
    const struct pair_counts *counts = likelihood->counts;
    struct slope slope = {.value = 0};

    for (int i = 0; i < PAIR_PARTS; i++) {
        double pretended = likelihood->pretended[i];

        slope.value += pretended * log(rates[i]) - counts->linear[i] * rates[i];
        slope.first[i] = pretended / rates[i] - counts->linear[i];
        slope.second[i][i] = -pretended / (rates[i] * rates[i]);
    }
    for (unsigned rank = 1; rank <= counts->rank_max; rank++) {
        double t = scale(counts, rank);

        for (int kind = 0; kind < PAIR_RATES; kind++) {
            if (counts->single[kind][rank] > 0)
                slope_single(&slope, counts->single[kind][rank], t, (enum pair_rate)kind, rates);
        }
        if (counts->equal[rank] > 0)
            slope_equal(&slope, counts->equal[rank], t, rates);
    }
    slope_coupons(&slope, counts, rates);
    return slope;
}

/* Solves matrix * result = right; false when the matrix is not positive. */
static bool solve(const double matrix[PAIR_PARTS][PAIR_PARTS], const double *right, double *result)
{
    double root[PAIR_PARTS][PAIR_PARTS], sum;

    for (int i = 0; i < PAIR_PARTS; i++) {
        for (int j = 0; j <= i; j++) {
            sum = matrix[i][j];
            for (int k = 0; k < j; k++)
                sum -= root[i][k] * root[j][k];
            if (i == j && !(sum > 0))
                return false;
            root[i][j] = i == j ? sqrt(sum) : sum / root[j][j];
        }
    }
    for (int i = 0; i < PAIR_PARTS; i++) {
        sum = right[i];
        for (int k = 0; k < i; k++)
            sum -= root[i][k] * result[k];
        result[i] = sum / root[i][i];
    }
    for (int i = PAIR_PARTS - 1; i >= 0; i--) {
        sum = result[i];
        for (int k = i + 1; k < PAIR_PARTS; k++)
            sum -= root[k][i] * result[k];
        result[i] = sum / root[i][i];
    }
    return isfinite(result[0]) && isfinite(result[1]) && isfinite(result[2]);
}

/* The damped Newton step in the logarithms of the rates; `fixed` stays. */
static bool step_of(const struct slope *slope, const double *rates, int fixed, double damping,
                    double *gradient, double *step)
{
    double matrix[PAIR_PARTS][PAIR_PARTS], longest;

    for (int i = 0; i < PAIR_PARTS; i++) {
        gradient[i] = i == fixed ? 0 : slope->first[i] * rates[i];
        for (int j = 0; j < PAIR_PARTS; j++)
            matrix[i][j] = i == fixed || j == fixed ? i == j
                                                    : -slope->second[i][j] * rates[i] * rates[j];
        if (i == fixed)
            continue;
        /* Down to zero, Newton's step would be 1 again and again. */
        matrix[i][i] -= gradient[i] < 0 ? gradient[i] / CLIMB_STRIDE : gradient[i];
        matrix[i][i] += damping * (fabs(matrix[i][i]) + fabs(gradient[i])) + 1e-300;
    }
    if (!solve(matrix, gradient, step))
        return false;
    longest = fmax(fmax(fabs(step[0]), fabs(step[1])), fabs(step[2]));
    for (int i = 0; longest > CLIMB_STRIDE && i < PAIR_PARTS; i++)
        step[i] *= CLIMB_STRIDE / longest;
    return true;
}

static double bounded(double rate, double registers)
{
    return fmin(fmax(rate, IDS_MIN / registers), IDS_MAX / registers);
}

/* Climbs to the maximum; `fixed` (or -1 for none) stays. The log likelihood. */
static double climb(const struct likelihood *likelihood, double *rates, int fixed)
{
    double registers = likelihood->counts->registers;
    struct slope slope = slope_at(likelihood, rates), other;
    double damping = 1e-3, gradient[PAIR_PARTS], step[PAIR_PARTS], next[PAIR_PARTS];

    for (int count = 0; count < CLIMB_STEPS && damping < 1e12; count++) {
        double gain = 0;

        if (!step_of(&slope, rates, fixed, damping, gradient, step)) {
            damping *= 10;
            continue;
        }
        for (int i = 0; i < PAIR_PARTS; i++) {
            next[i] = i == fixed ? rates[i] : bounded(rates[i] * exp(step[i]), registers);
            gain += gradient[i] * log(next[i] / rates[i]); /* the step, unless at a bound */
        }
        if (gain < CLIMB_GAIN && damping <= 1)
            break;
        other = slope_at(likelihood, next);
        if (other.value >= slope.value) {
            memcpy(rates, next, sizeof next);
            slope = other;
            damping = fmax(damping / 10, 1e-12);
        } else {
            damping *= 10;
        }
    }
    return slope.value;
}

/* Ids per register when registers have this mean of 2^-rank, within a factor of
 * two: good enough to start from. */
static double rough_rate(double mean)
{
    return mean > 0 ? 0.72 * (1 / mean - 1) : IDS_MAX;
}

static double coupons_of(const struct pair_counts *counts)
{
    double coupons = counts->above + counts->below;

    for (unsigned rank = 1; rank <= counts->rank_max; rank++) {
        for (unsigned e = 1; e <= PAIR_MATCHES_MAX; e++)
            coupons += e * counts->matches[rank][e];
    }
    return coupons;
}

/* Rates to start from: inclusion and exclusion. The mean of 2^-rank over the
 * union's registers follows from those of both and of the lower ranks. */
static void start(const struct pair_counts *counts, double *rates)
{
    const double *linear = counts->linear;
    double m = counts->registers, coupons = coupons_of(counts);
    double first = coupons > 0 ? coupons / m : rough_rate(linear[PAIR_FIRST] / m);
    double second = rough_rate(linear[PAIR_SECOND] / m);
    double both = first + second - rough_rate((linear[PAIR_FIRST] + linear[PAIR_SECOND] -
                                               linear[PAIR_BOTH]) / m);

    if (coupons > 0)
        both = fmin(first, second) / 2;
    both = fmin(fmax(both, fmin(first, second) * 0.1), fmin(first, second) * 0.9);
    rates[PAIR_BOTH] = bounded(both, m);
    rates[PAIR_FIRST] = bounded(first - both, m);
    rates[PAIR_SECOND] = bounded(second - both, m);
}

/* One bound of an interval, as it is looked for. */
struct profile_search {
    struct likelihood likelihood;
    enum pair_part part;
    double best; /* the log likelihood at `rates` */
    double rates[PAIR_PARTS];
    double reach; /* in standard errors */
};

/* How much worse than the best, in standard errors, the likelihood is at best
 * when the part's rate is `rate`; less `reach`. The others start where both
 * sets keep their sizes. */
static double excess(const struct profile_search *search, double rate)
{
    double rates[PAIR_PARTS], least, change = rate - search->rates[search->part], drop;

    memcpy(rates, search->rates, sizeof rates);
    least = 1e-3 * (rates[0] + rates[1] + rates[2]);
    for (int i = 0; i < PAIR_PARTS; i++) {
        bool against = search->part == PAIR_BOTH || i == PAIR_BOTH;

        rates[i] = fmax(rates[i] + (against ? -change : change), least);
    }
    rates[search->part] = rate;
    drop = search->best - climb(&search->likelihood, rates, search->part);
    return sqrt(fmax(2 * drop, 0)) - search->reach;
}

/* Where the excess is 0 between `inside` (not above 0) and `outside` (above 0):
 * by chords, halving the weight of an end that stays (Illinois). */
static double cross(const struct profile_search *search, double inside, double outside)
{
    double below = -search->reach, above = excess(search, outside), middle = outside;

    for (int i = 0; i < BRACKET_STEPS && above > 0; i++) {
        double value;

        middle = inside - below * (outside - inside) / (above - below);
        value = excess(search, middle);
        if (fabs(value) < BRACKET_FINE * search->reach)
            break;
        if (value > 0) {
            outside = middle;
            above = value;
            below /= 2;
        } else {
            inside = middle;
            below = value;
            above /= 2;
        }
    }
    return middle;
}

/* Up from the maximum until it is outside. */
static double outside_above(const struct profile_search *search, double deviation)
{
    double rate = search->rates[search->part];
    double limit = IDS_MAX / search->likelihood.counts->registers;

    for (int i = 0; i < BRACKET_STEPS; i++) {
        rate = fmin(rate + deviation * QUANTILE, limit);
        if (rate == limit || excess(search, rate) > 0)
            break;
        deviation *= 2;
    }
    return rate;
}

/* The variance of a part's rate; infinite when the likelihood is not curved.
 * It is taken beside the maximum, half an event more in each part, as it has no
 * meaning where a rate is zero. */
static double variance_of(const struct pair_counts *counts, const double *maximum,
                          enum pair_part part)
{
    struct likelihood likelihood = {counts, {PRETENDED, PRETENDED, PRETENDED}};
    double information[PAIR_PARTS][PAIR_PARTS], unit[PAIR_PARTS] = {0}, column[PAIR_PARTS];
    double rates[PAIR_PARTS];
    struct slope slope;

    for (int i = 0; i < PAIR_PARTS; i++)
        rates[i] = fmax(maximum[i], PRETENDED / counts->registers);
    climb(&likelihood, rates, -1);
    slope = slope_at(&likelihood, rates);
    for (int i = 0; i < PAIR_PARTS; i++) {
        for (int j = 0; j < PAIR_PARTS; j++)
            information[i][j] = -slope.second[i][j];
    }
    unit[part] = 1;
    return solve(information, unit, column) ? column[part] : INFINITY;
}

/* The lower or upper bound of a part's rate. The counts behind a bound may be
 * of 0, 1 or 2 events, of which a likelihood makes too little; so it sees half
 * an event more of each part that grows towards the bound. */
static double bound(const struct likelihood *likelihood, const double *rates, enum pair_part part,
                    bool upper, double deviation, double share)
{
    struct profile_search search = {.likelihood = *likelihood, .part = part};
    double least = IDS_MIN / likelihood->counts->registers, rate;

    for (int i = 0; i < PAIR_PARTS; i++) {
        bool with = i == (int)part || (part != PAIR_BOTH && i != PAIR_BOTH);

        search.likelihood.pretended[i] = with == upper ? PRETENDED * share : 0;
    }
    memcpy(search.rates, rates, sizeof search.rates);
    search.best = climb(&search.likelihood, search.rates, -1);
    search.reach = QUANTILE * sqrt(share * (1 + FEW_REGISTERS / likelihood->counts->registers));
    rate = search.rates[part];
    if (share > 0)
        rate = cross(&search, rate, upper ? outside_above(&search, deviation) : least);
    return upper ? fmax(rate, rates[part]) : fmin(rate, rates[part]);
}

struct hc_estimate joint_estimate(const struct pair_counts *counts, enum pair_part part)
{
    struct likelihood likelihood = {.counts = counts};
    struct hc_estimate estimate = {0, 0, 0, 0};
    double m = counts->registers, rates[PAIR_PARTS], variance, share, deviation, rate;

    start(counts, rates);
    climb(&likelihood, rates, -1);
    rate = rates[part];
    variance = variance_of(counts, rates, part);
    share = fmin(fmax(1 - rate / m / variance, 0), 1);
    deviation = isfinite(variance) ? sqrt(variance) : rate + 1 / sqrt(m);
    estimate.value = rate * m < IDS_NONE ? 0 : rate * m;
    estimate.low = fmin(m * bound(&likelihood, rates, part, false, deviation, share),
                        estimate.value);
    estimate.high = m * bound(&likelihood, rates, part, true, deviation, share);
    if (estimate.value > 0)
        estimate.error = (estimate.high - estimate.low) / (2 * QUANTILE * estimate.value);
    estimate.high += CONTINUITY;
    estimate.low = fmax(estimate.low - CONTINUITY, fmin(counts->certain[part], estimate.value));
    return estimate;
}
