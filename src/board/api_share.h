/* How large a part of something is, and what two buckets have in common, with intervals
 * that hold the truth in 95 of 100 cases. Private to the files of the API. */
#ifndef BOARD_API_SHARE_H
#define BOARD_API_SHARE_H

#include <stdbool.h>

#include "headcount/overlap.h"
#include "text.h"

struct api_share {
    bool known;               /* false: of nothing, or of something too vague */
    double value, low, high;  /* 0 <= low <= value <= high <= 1 */
};

/* `part` of `whole`, of which it is a part. */
struct api_share api_share_of(const struct hc_estimate *part, const struct hc_estimate *whole);
/* {"value":0.42,"low":0.41,"high":0.43}, or null; ,0.42,0.41,0.43 or commas alone */
void api_share_json(struct text *text, const struct api_share *share);
void api_share_csv(struct text *text, const struct api_share *share);

/* A number out of the joint estimator. */
struct api_part {
    bool refused;             /* HC_EWIDE: there is nothing to say */
    struct hc_estimate estimate;
};

/* Ids of both; ids of `first` that are not in `second`. NULL is an empty sketch. False: no
 * memory. */
bool api_part_both(const struct hc_sketch *first, const struct hc_sketch *second,
                   struct api_part *part);
bool api_part_only(const struct hc_sketch *first, const struct hc_sketch *second,
                   struct api_part *part);
/* {"value":123,"low":120,"high":127}, or {"refused":"too wide to tell"}; ,123,120,127 or
 * commas alone */
void api_part_json(struct text *text, const struct api_part *part);
void api_part_csv(struct text *text, const struct api_part *part);

#endif
