/* The sequences that were read of one start of an instance: a set of integers
 * that mostly has no holes, or, in the dump of one partition of several, nothing
 * but holes.
 *
 * Ranges while they are long; where many short ones stand together, a bit for
 * each integer of a block. So memory is 16 to 32 bytes a range, and never much
 * more than a bit an integer where they stand close. */
#ifndef ROLLUP_SEQUENCE_SET_H
#define ROLLUP_SEQUENCE_SET_H

#include "range_set.h"

struct sequence_block;

/* Zero-initialise. */
struct sequence_set {
    struct range_set ranges;        /* outside of the blocks */
    struct sequence_block **blocks; /* in order, apart */
    size_t blocks_count, blocks_room;
    size_t last;                    /* the block that was used last */
    size_t packed;                  /* ranges that were left when blocks were made last */
};

void sequence_set_free(struct sequence_set *set);
/* 0 <= sequence < INT64_MAX. False when there is no memory. */
bool sequence_set_add(struct sequence_set *set, int64_t sequence);
/* Adds all of `from`. False when there is no memory. */
bool sequence_set_unite(struct sequence_set *into, struct sequence_set *from);

/* The first run of the set that ends behind `from`, cut to [from, INT64_MAX):
 * false when there is none. The set is settled, see sequence_set_settle. */
bool sequence_set_next(const struct sequence_set *set, int64_t from, struct record_range *run);
void sequence_set_settle(struct sequence_set *set);
/* Whether all of [from, to) is in the settled set. */
bool sequence_set_holds(const struct sequence_set *set, int64_t from, int64_t to);

#endif
