/* What two sketches have in common: retention, churn, reach.
 *
 * A union is a sketch (hc_sketch_union) and as exact as any. An intersection or
 * a difference is not: its error is a share of the union, not of itself, so a
 * small one of two large sets can't be told. The joint likelihood of both
 * sketches says the most that there is to say (O. Ertl, arXiv 1702.01284), and
 * where that is too little the answer is HC_EWIDE, not a number.
 *
 * Intervals hold the truth in at least 95 of 100 questions, those that are
 * refused included: of numbers on the edge of being refused, the ones that came
 * out large are answered. Two sparse sketches are nearly exact, and a 0 that is
 * certain is answered with 0..0. A question takes 0.05 to 3 ms.
 *
 * Sketches of different precision meet at the lower one. Threads: as sketch.h. */
#ifndef HEADCOUNT_OVERLAP_H
#define HEADCOUNT_OVERLAP_H

#include "headcount/sketch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many ids were added to both sketches. HC_EPROFILE when they do not meet,
 * HC_ENOMEM, HC_EWIDE when high - low is above value; *estimate is written only
 * on success. */
enum hc_status hc_sketch_intersection(const struct hc_sketch *first,
                                      const struct hc_sketch *second,
                                      struct hc_estimate *estimate);

/* How many ids were added to `first` and not to `second`. The same statuses. */
enum hc_status hc_sketch_difference(const struct hc_sketch *first, const struct hc_sketch *second,
                                    struct hc_estimate *estimate);

#ifdef __cplusplus
}
#endif
#endif
