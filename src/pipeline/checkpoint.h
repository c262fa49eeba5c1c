/* Which offsets are safe: the bookkeeping of records, checkpoints and commits.
 *
 * The invariant: for every partition, every frame below the committed position
 * is in an acknowledged record, or settled in the rejects, or counted as
 * rejected where there is no sink.
 *
 * How it is kept. Records carry a growing sequence. A record is settled when
 * it, or a later record of the same window and profile (which contains it), has
 * been acknowledged. A checkpoint freezes the positions read, waits until every
 * window that had changed by then has been produced (gathering), then until
 * every record and reject produced so far is settled (waiting); then its own
 * record is written, and once that is acknowledged its positions are safe to
 * commit. Checkpoint records are written one after the other, so that each can
 * say from where it goes on; at most LIMIT_CHECKPOINTS are under way. A record
 * that fails settles with the next one of its sketch; a checkpoint record that
 * fails is covered by the next one.
 *
 * Pure: no I/O, no clock, no window, no message. One thread. Slots are indexes
 * into the present assignment. */
#ifndef PIPELINE_CHECKPOINT_H
#define PIPELINE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "source.h"

struct checkpoints;

/* NULL when there is no memory. */
struct checkpoints *checkpoints_create(void);
void checkpoints_destroy(struct checkpoints **checkpoints);

/* A new assignment of `count` slots that start at `starts`. Checkpoints and
 * commits of the one before are forgotten; unsettled records are not, since
 * what they hold may be read again without changing a window. `counters` are
 * the totals so far: only what comes is told by checkpoints. False: no memory. */
bool checkpoints_assign(struct checkpoints *checkpoints, const int64_t *starts, size_t count,
                        const struct counters *counters);
/* Ends the assignment. */
void checkpoints_unassign(struct checkpoints *checkpoints);
bool checkpoints_assigned(const struct checkpoints *checkpoints);
/* Forbids commits for the rest of this assignment. */
void checkpoints_forbid_commits(struct checkpoints *checkpoints);
bool checkpoints_commits_forbidden(const struct checkpoints *checkpoints);

/* Everything of `slot` below `next` has been folded into its window, or handed
 * to the rejects, or counted. Positions never go back; whether it moved. */
bool checkpoints_read(struct checkpoints *checkpoints, uint32_t slot, int64_t next);
/* What was read of `slot` ends here. */
int64_t checkpoints_position(const struct checkpoints *checkpoints, uint32_t slot);
/* Positions that no one will ever deliver. False: no memory. */
bool checkpoints_missing(struct checkpoints *checkpoints, uint32_t slot, int64_t from, int64_t to);

/* Whether another record can be produced; if not, wait for answers. Records
 * that failed take no room. */
bool checkpoints_record_room(struct checkpoints *checkpoints);
/* Notes a record with all that its window holds and returns its sequence (from
 * 1). `previous` is the sketch's last sequence, or 0; `owner` comes back with
 * the answer. Needs room. */
uint64_t checkpoints_record_produced(struct checkpoints *checkpoints, uint64_t previous,
                                     void *owner);
/* The answer for a record, once; returns its owner. */
void *checkpoints_record_answered(struct checkpoints *checkpoints, uint64_t sequence,
                                  bool delivered);
/* Undoes the last checkpoints_record_produced: nothing was handed over. */
void checkpoints_record_withdrawn(struct checkpoints *checkpoints, uint64_t sequence);

/* The same for rejected frames; each must be acknowledged itself. */
bool checkpoints_reject_room(const struct checkpoints *checkpoints);
uint64_t checkpoints_reject_produced(struct checkpoints *checkpoints);
void checkpoints_reject_withdrawn(struct checkpoints *checkpoints, uint64_t number);
void checkpoints_reject_acknowledged(struct checkpoints *checkpoints, uint64_t number);

/* What a checkpoint says of a partition besides its positions. */
struct checkpoint_mark {
    int64_t watermark_s;
    bool idle;
    bool end;
};

/* A checkpoint can begin: assigned, fewer than the limit, none gathering. */
bool checkpoints_can_begin(const struct checkpoints *checkpoints);
/* Freezes what has been read. `marks` has a mark for each slot; `counters` are
 * the totals since the start. False: no memory. */
bool checkpoints_begin(struct checkpoints *checkpoints, const struct checkpoint_mark *marks,
                       const struct counters *counters);
bool checkpoints_gathering(const struct checkpoints *checkpoints);
/* Every window that had changed when the last checkpoint began is produced. */
void checkpoints_gathered(struct checkpoints *checkpoints);

struct checkpoint_missing {
    uint32_t slot;
    int64_t from, to;
};

/* A checkpoint whose record may be written. Borrowed until the next call. */
struct checkpoint_view {
    uint64_t number;
    size_t slots;
    const int64_t *from, *to;                 /* [slots] */
    const struct checkpoint_mark *marks;      /* [slots] */
    const struct checkpoint_missing *missing; /* sorted by slot and position */
    size_t missing_count;
    uint64_t sequence_first, sequence_last;   /* first > last: none */
    const uint64_t *replaced;                 /* ascending */
    size_t replaced_count;
    uint64_t frames;                          /* since the last acknowledged checkpoint */
    uint64_t rejected[REJECT_COUNT];
};
/* The one to write now into *view; false when there is none (view->number is 0),
 * or no memory (it is not). */
bool checkpoints_ready(struct checkpoints *checkpoints, struct checkpoint_view *view);
/* Its record was handed over. */
void checkpoints_written(struct checkpoints *checkpoints, uint64_t number);
/* The answer for a checkpoint's record. True: acknowledged and of the present
 * assignment. An unknown number is of an assignment that ended. */
bool checkpoints_answered(struct checkpoints *checkpoints, uint64_t number, bool delivered);

/* Starts a commit: the positions (at most `room`, which must be the number of
 * slots) that are safe, were moved by reading, and are not committed yet.
 * Returns how many; 0: nothing to do, or one is under way. */
size_t checkpoints_commit_begin(struct checkpoints *checkpoints,
                                struct source_position *positions, size_t room);
void checkpoints_commit_ended(struct checkpoints *checkpoints, bool done);
/* A commit is under way. */
bool checkpoints_committing(const struct checkpoints *checkpoints);

/* Whether everything read is in an acknowledged checkpoint; committed, too. */
bool checkpoints_all_safe(const struct checkpoints *checkpoints);
bool checkpoints_all_committed(const struct checkpoints *checkpoints);
/* Checkpoints under way. */
size_t checkpoints_under_way(const struct checkpoints *checkpoints);
/* Records that are not settled; a window that fails again and again counts as
 * two at least. */
uint64_t checkpoints_unsettled(const struct checkpoints *checkpoints);

#endif
