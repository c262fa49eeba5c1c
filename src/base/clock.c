#include "clock.h"

#include <assert.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);

    assert(!failed);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}
