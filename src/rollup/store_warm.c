#include "store_warm.h"

#include <stdlib.h>
#include <string.h>

bool store_warm_make(struct store_warm *warm, size_t most)
{
    *warm = (struct store_warm){.hours = calloc(most, sizeof(warm->hours[0])), .most = most};
    return warm->hours != NULL;
}

void store_warm_free(struct store_warm *warm)
{
    free(warm->hours);
    *warm = (struct store_warm){0};
}

unsigned store_warm_touch(struct store_warm *warm, int64_t id)
{
    struct store_warm_hour hour = {id, 0};
    size_t at = 0;

    while (at < warm->count && warm->hours[at].id != id)
        at++;
    if (at < warm->count)
        hour = warm->hours[at];
    else if (warm->count < warm->most)
        warm->count++;
    else
        at--;
    memmove(&warm->hours[1], &warm->hours[0], at * sizeof(hour));
    hour.touches++;
    warm->hours[0] = hour;
    return hour.touches;
}
