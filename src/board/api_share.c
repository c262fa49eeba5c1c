/* The interval of a ratio is put together from those of its two numbers on the scale of
 * logarithms, where their distances add up like errors (the method of variance estimates
 * recovery: Zou and Donner, Statistics in Medicine 27, 2008). Numbers of ids are whole, so
 * up to one id of a distance is no error but a rounding: these add up as they are. The
 * numbers are taken as independent; those of a part and its whole err in the same
 * direction, if anything, so the interval is rather too wide. */
#include "api_share.h"

#include <math.h>

#define DIGITS 6

static double clip(double share)
{
    return share > 1 ? 1 : share;
}

/* How far a bound is from its number, on the scale of logarithms. */
struct distance {
    double rounding, error;
};

static struct distance distance(double value, double bound)
{
    double rounded = bound > value ? fmin(value + 1, bound) : fmax(value - 1, bound);

    if (bound <= 0)
        return (struct distance){INFINITY, 0};
    return (struct distance){fabs(log(rounded / value)), fabs(log(bound / rounded))};
}

static double sum(struct distance one, struct distance other)
{
    return one.rounding + other.rounding + hypot(one.error, other.error);
}

struct api_share api_share_of(const struct hc_estimate *part, const struct hc_estimate *whole)
{
    struct api_share share = {.known = whole->value > 0};
    double ratio;

    if (!share.known)
        return share;
    if (part->value <= 0) {
        share.high = whole->low > 0 ? clip(part->high / whole->low) : part->high > 0;
        return share;
    }
    ratio = part->value / whole->value;
    share.value = clip(ratio);
    share.low = clip(ratio * exp(-sum(distance(part->value, part->low),
                                      distance(whole->value, whole->high))));
    share.high = clip(ratio * exp(sum(distance(part->value, part->high),
                                      distance(whole->value, whole->low))));
    return share;
}

void api_share_json(struct text *text, const struct api_share *share)
{
    if (!share->known) {
        text_string(text, "null");
        return;
    }
    text_string(text, "{\"value\":");
    text_json_double(text, share->value, DIGITS);
    text_string(text, ",\"low\":");
    text_json_double(text, share->low, DIGITS);
    text_string(text, ",\"high\":");
    text_json_double(text, share->high, DIGITS);
    text_char(text, '}');
}

void api_share_csv(struct text *text, const struct api_share *share)
{
    const double numbers[] = {share->value, share->low, share->high};

    for (int i = 0; i < 3; i++) {
        text_char(text, ',');
        if (share->known)
            text_json_double(text, numbers[i], DIGITS);
    }
}

static bool take(enum hc_status status, struct api_part *part)
{
    part->refused = status == HC_EWIDE;
    return status == HC_OK || status == HC_EWIDE;
}

bool api_part_both(const struct hc_sketch *first, const struct hc_sketch *second,
                   struct api_part *part)
{
    *part = (struct api_part){.refused = false};
    if (!first || !second)
        return true;
    return take(hc_sketch_intersection(first, second, &part->estimate), part);
}

bool api_part_only(const struct hc_sketch *first, const struct hc_sketch *second,
                   struct api_part *part)
{
    *part = (struct api_part){.refused = false};
    if (!first)
        return true;
    if (!second) {
        part->estimate = hc_sketch_estimate(first);
        return true;
    }
    return take(hc_sketch_difference(first, second, &part->estimate), part);
}

void api_part_json(struct text *text, const struct api_part *part)
{
    if (part->refused)
        text_string(text, "{\"refused\":\"too wide to tell\"}");
    else
        text_format(text, "{\"value\":%.0f,\"low\":%.0f,\"high\":%.0f}",
                    round(part->estimate.value), floor(part->estimate.low),
                    ceil(part->estimate.high));
}

void api_part_csv(struct text *text, const struct api_part *part)
{
    if (part->refused)
        text_string(text, ",,,");
    else
        text_format(text, ",%.0f,%.0f,%.0f", round(part->estimate.value),
                    floor(part->estimate.low), ceil(part->estimate.high));
}
