#include "sorted.h"

#include <stdlib.h>
#include <string.h>

size_t sorted_find(const struct sorted *sorted, const void *key, sorted_compare *compare,
                   bool *found)
{
    size_t low = 0, high = sorted->count;
    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = compare(sorted->items[middle], key);
        *found = order == 0;
        if (order == 0)
            low = middle;
        else if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sorted_insert(struct sorted *sorted, size_t at, void *item)
{
    if (sorted->count == sorted->room) {
        size_t room = sorted->room ? sorted->room * 2 : 8;
        void **items = realloc(sorted->items, room * sizeof(items[0]));
        if (!items)
            return false;
        sorted->items = items;
        sorted->room = room;
    }
    memmove(sorted->items + at + 1, sorted->items + at,
            (sorted->count - at) * sizeof(sorted->items[0]));
    sorted->items[at] = item;
    sorted->count++;
    return true;
}
