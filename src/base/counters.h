/* What a pipeline has seen since it started. Plain numbers, one writer. */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include <stdint.h>

#include "frame.h"

struct counters {
    uint64_t frames;                 /* valid ones, folded */
    uint64_t bytes;                  /* of all frames read */
    uint64_t rejected[REJECT_COUNT];
    uint64_t rejects_lost;           /* of the rejected: not set aside, though there is a sink */
    uint64_t late;                   /* valid frames of minutes that had closed */
    uint64_t records;                /* sketch records produced */
    uint64_t records_failed;         /* not acknowledged; their windows were published again */
    uint64_t evicted;                /* windows let go for want of memory */
    uint64_t checkpoints;            /* acknowledged */
    uint64_t commits;                /* done */
    uint64_t commits_failed;         /* refused or timed out; retried with the next checkpoint */
    uint64_t clock_resets;
    uint64_t missing;                /* positions that the broker lost before they were read */
};

uint64_t counters_rejected_total(const struct counters *counters);

#endif
