/* Records on their way: which are settled, and what became of the others.
 *
 * A record is settled when it, or a later record of the same sketch (of one
 * window, in one profile; it contains it), has been acknowledged. Records stand
 * in an array by ascending sequence and name the one before them of the same
 * sketch, so that one acknowledgement settles the chain behind it:
 *
 *     settled ... | first not settled ... newest
 *
 * How many may wait for their answers is limited; how often a sketch fails
 * before it is delivered must not be, or failures would use up the room that
 * is needed to mend them. Of failures in a row only both ends are kept: the
 * oldest says from where on nothing is settled, the newest is what the next
 * record of the sketch goes on from. So the array holds at most two places for
 * each record that waits for its answer and for each sketch that failed, and
 * half as many again of what waits to be tidied away. */
#ifndef PIPELINE_UNSETTLED_H
#define PIPELINE_UNSETTLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sent {
    uint64_t sequence;
    uint64_t previous; /* of the same sketch, or 0 */
    void *owner;
    bool answered, delivered, settled;
    bool followed; /* there is a later one of the same sketch */
    bool dropped;  /* it failed, and so did the one before it */
};

struct unsettled {
    struct sent *sent; /* ascending by sequence */
    size_t count, room;
    size_t first;      /* the first in `sent` that is not settled */
    size_t not_settled, not_answered;
    uint64_t next;     /* sequence of the next record */
    uint64_t *failed;  /* sequences that left `sent` and were not delivered */
    size_t failed_count, failed_room;
};

void unsettled_init(struct unsettled *unsettled);
void unsettled_free(struct unsettled *unsettled);

/* Whether another record can be produced; tidies for it. */
bool unsettled_make_room(struct unsettled *unsettled);
/* See checkpoints_record_*. */
uint64_t unsettled_produced(struct unsettled *unsettled, uint64_t previous, void *owner);
void unsettled_withdrawn(struct unsettled *unsettled, uint64_t sequence);
void *unsettled_answered(struct unsettled *unsettled, uint64_t sequence, bool delivered);

/* Everything below is settled. */
uint64_t unsettled_from(const struct unsettled *unsettled);

/* The sequences from `first` to `last`, all settled, that were not delivered
 * (those whose answer is outstanding included), ascending, into
 * replaced[*count]. There are at most unsettled_replaced_max. */
size_t unsettled_replaced_max(const struct unsettled *unsettled);
void unsettled_replaced(const struct unsettled *unsettled, uint64_t first, uint64_t last,
                        uint64_t *replaced, size_t *count);
/* What became of sequences up to `last` is not asked again. */
void unsettled_forget(struct unsettled *unsettled, uint64_t last);

#endif
