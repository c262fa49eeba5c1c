#include "counters.h"

uint64_t counters_rejected_total(const struct counters *counters)
{
    uint64_t total = 0;

    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++)
        total += counters->rejected[reason];
    return total;
}
