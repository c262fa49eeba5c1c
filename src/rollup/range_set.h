/* A set of integers kept as sorted, separate ranges [from, to).
 *
 * Adding is cheap in any order: new ranges are put behind the sorted ones, and
 * sorted in when the array is full. In the usual order they just make the last
 * range longer. */
#ifndef ROLLUP_RANGE_SET_H
#define ROLLUP_RANGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* Zero-initialise. After range_set_settle `ranges` are sorted and do not
 * touch; before it, in no order. */
struct range_set {
    struct record_range *ranges;
    size_t count, room;
    size_t settled; /* the first so many are sorted and do not touch */
};

void range_set_free(struct range_set *set);
/* An empty range adds nothing. False when there is no memory. */
bool range_set_add(struct range_set *set, int64_t from, int64_t to);
void range_set_settle(struct range_set *set);
/* Adds all of `from`. False when there is no memory. */
bool range_set_unite(struct range_set *into, const struct range_set *from);

/* These want settled sets. */
bool range_set_holds(const struct range_set *set, int64_t from, int64_t to);
/* The first range that ends behind `from`; false when there is none. */
bool range_set_next(const struct range_set *set, int64_t from, struct record_range *range);
/* Whether they have an integer in common. */
bool range_set_meet(const struct range_set *one, const struct range_set *other);
/* How many integers it holds, modulo 2^64. */
uint64_t range_set_size(const struct range_set *set);
/* Adds what is in `from` and not in `without` to `into`, which it leaves
 * settled when it was empty. False when there is no memory. */
bool range_set_subtract(const struct range_set *from, const struct range_set *without,
                        struct range_set *into);

#endif
