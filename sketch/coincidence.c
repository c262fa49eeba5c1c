/* Two sets of coupons: what their shared places say of shared ids.
 *
 * Coupons are ids in one of M = 2^25 places or more, so nearly exact: an id in
 * both sets has one place in both. Two things blur it, both Poisson to a part
 * in a thousand, as at most 2^16 coupons are in the M places:
 *
 *   ids share a place with others of their kind, and count once;
 *   an id of the first set alone falls on a place of the second set alone, and
 *   looks shared.
 *
 * With n ids in both, s shared places are n - lost + gained; with n ids in the
 * first set alone, its own places are n - lost. The interval holds each n for
 * which the number seen is not in a tail of 2.25 %. For a few hundred ids that
 * is n alone. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "pair.h"

/* The interval aims at 95.5 %. */
#define TAIL 0.0225
/* Beyond this many standard errors, and so many events, nothing is left. */
#define TAIL_DEVIATIONS 9
#define TAIL_EVENTS 30

/* What is seen, and what blurs it. */
struct blur {
    double seen;     /* places */
    double places;
    double occupied; /* the places on which an id that is alone is lost */
    double gained;   /* the mean number of false coincidences */
};

/* The mean number of n ids that are lost. */
static double lost_mean(const struct blur *blur, double n)
{
    return n * (n - 1) / (2 * blur->places) + n * blur->occupied / blur->places;
}

static double poisson(double mean, double count)
{
    int sign; /* lgamma would put it into a global */

    if (mean <= 0)
        return count == 0;
    return exp(count * log(mean) - mean - lgamma_r(count + 1, &sign));
}

/* P(gained - lost >= difference), or <= it when not `above`. */
static double tail(const struct blur *blur, double n, double difference, bool above)
{
    double lost = lost_mean(blur, n), sum = 0, within = 0, next = 0;
    double last = blur->gained + TAIL_DEVIATIONS * sqrt(blur->gained) + TAIL_EVENTS;

    /* For each number gained, at most g - difference are lost if that is to be
     * above; at least, otherwise. `within` is P(lost < next). */
    for (double g = 0; g <= last; g++) {
        double share = poisson(blur->gained, g);
        double bound = g - difference + (above ? 1 : 0);

        for (; next < bound; next++)
            within += poisson(lost, next);
        sum += share * (above ? within : 1 - within);
    }
    return sum;
}

static struct hc_estimate interval(const struct blur *blur, double value)
{
    struct hc_estimate estimate = {value, 0, 0, 0};
    double n = round(value);

    while (n >= 1 && tail(blur, n - 1, blur->seen - (n - 1), true) > TAIL)
        n--;
    estimate.low = fmin(n, value);
    n = round(value);
    while (tail(blur, n + 1, blur->seen - (n + 1), false) > TAIL)
        n++;
    estimate.high = fmax(n, value);
    if (value > 0)
        estimate.error = sqrt(lost_mean(blur, value) + blur->gained) / value;
    return estimate;
}

struct hc_estimate coincidence_estimate(const double coupons[PAIR_PARTS], double places,
                                        enum pair_part part)
{
    double first = coupons[PAIR_FIRST], second = coupons[PAIR_SECOND], both = coupons[PAIR_BOTH];
    double none = places - first - second - both, value;
    struct blur blur = {.places = places, .seen = coupons[part]};

    assert(none > places / 2);
    if (part == PAIR_BOTH) {
        blur.gained = log1p(first / none) * log1p(second / none) * places;
        value = places * log1p((none * both - first * second) /
                               ((none + first) * (none + second)));
        return interval(&blur, fmax(value, 0));
    }
    blur.occupied = both + (part == PAIR_FIRST ? second : first);
    return interval(&blur, places * log1p(coupons[part] / none));
}
