#include "range_set.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_ROOM 4

void range_set_free(struct range_set *set)
{
    free(set->ranges);
    *set = (struct range_set){0};
}

static int range_compare(const void *one, const void *other)
{
    const struct record_range *a = one, *b = other;
    return (a->from > b->from) - (a->from < b->from);
}

void range_set_settle(struct range_set *set)
{
    if (set->settled == set->count)
        return;
    qsort(set->ranges, set->count, sizeof(set->ranges[0]), range_compare);
    size_t last = 0;
    for (size_t i = 1; i < set->count; i++) {
        const struct record_range *next = &set->ranges[i];
        if (next->from > set->ranges[last].to)
            set->ranges[++last] = *next;
        else if (next->to > set->ranges[last].to)
            set->ranges[last].to = next->to;
    }
    set->count = set->settled = last + 1;
}

/* Room for one more. Half of the array is free after it, so that sorting costs
 * each range a logarithm. */
static bool make_room(struct range_set *set)
{
    range_set_settle(set);
    if (set->count < set->room / 2)
        return true;
    size_t room = set->room ? set->room * 2 : FIRST_ROOM;
    struct record_range *ranges = realloc(set->ranges, room * sizeof(ranges[0]));
    if (!ranges)
        return set->count < set->room;
    set->ranges = ranges;
    set->room = room;
    return true;
}

bool range_set_add(struct range_set *set, int64_t from, int64_t to)
{
    if (from >= to)
        return true;
    if (set->count > 0 && set->settled == set->count) {
        struct record_range *last = &set->ranges[set->count - 1];
        if (last->from <= from && from <= last->to) {
            last->to = to > last->to ? to : last->to;
            return true;
        }
    }
    if (set->count == set->room && !make_room(set))
        return false;
    /* In order, though not touching: sorted as it is. */
    bool in_order = set->settled == set->count &&
                    (set->count == 0 || set->ranges[set->count - 1].to < from);
    set->ranges[set->count++] = (struct record_range){from, to};
    if (in_order)
        set->settled = set->count;
    return true;
}

/* The first range that ends after `position`; `count` when there is none. */
static size_t range_after(const struct range_set *set, int64_t position)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].to > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool range_set_next(const struct range_set *set, int64_t from, struct record_range *range)
{
    size_t at = range_after(set, from);
    if (at == set->count)
        return false;
    *range = set->ranges[at];
    return true;
}

bool range_set_holds(const struct range_set *set, int64_t from, int64_t to)
{
    assert(set->settled == set->count);
    if (from >= to)
        return true;
    size_t at = range_after(set, from);
    return at < set->count && set->ranges[at].from <= from && to <= set->ranges[at].to;
}

bool range_set_unite(struct range_set *into, const struct range_set *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!range_set_add(into, from->ranges[i].from, from->ranges[i].to))
            return false;
    }
    return true;
}

bool range_set_meet(const struct range_set *one, const struct range_set *other)
{
    size_t a = 0, b = 0;
    assert(one->settled == one->count && other->settled == other->count);
    while (a < one->count && b < other->count) {
        if (one->ranges[a].to <= other->ranges[b].from)
            a++;
        else if (other->ranges[b].to <= one->ranges[a].from)
            b++;
        else
            return true;
    }
    return false;
}

uint64_t range_set_size(const struct range_set *set)
{
    uint64_t size = 0;
    assert(set->settled == set->count);
    for (size_t i = 0; i < set->count; i++)
        size += (uint64_t)set->ranges[i].to - (uint64_t)set->ranges[i].from;
    return size;
}

bool range_set_subtract(const struct range_set *from, const struct range_set *without,
                        struct range_set *into)
{
    assert(from->settled == from->count && without->settled == without->count);
    for (size_t i = 0; i < from->count; i++) {
        int64_t begin = from->ranges[i].from, end = from->ranges[i].to;
        for (size_t at = range_after(without, begin); at < without->count; at++) {
            const struct record_range *hole = &without->ranges[at];
            if (hole->from >= end)
                break;
            if (!range_set_add(into, begin, hole->from))
                return false;
            begin = hole->to;
        }
        if (!range_set_add(into, begin, end))
            return false;
    }
    return true;
}
