/* Records into rows: the union of all sketches of a minute, hour, day, ...
 *
 * Rows are of one stream and of one profile, since sketches of different
 * profiles do not meet. Records of another profile are left out, which loses
 * nobody where each run wrote in all of its profiles; minutes in which some run
 * did not write in the rows' profile are never complete, nor zeros.
 *
 * Any order of records, any number of copies of a record, gives the same rows.
 * Memory is bounded by the number of rows, not of records; of the sketches at
 * most LIMIT_ROLLUP_BYTES are held, and of checkpoints whose sketches are still to
 * come LIMIT_WAITING_BYTES; the others wait in temporary files. A rollup belongs to
 * one thread at a time. */
#ifndef ROLLUP_ROLLUP_H
#define ROLLUP_ROLLUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "headcount/sketch.h"
#include "record.h"

/* Streams whose names are kept for an error message. */
#define ROLLUP_STREAMS_MAX 32

struct rollup_options {
    struct calendar *calendar; /* borrowed for the rollup's life */
    const char *stream;        /* the one to take; NULL: the one that is there. Borrowed */
    enum hc_profile profile;   /* the one to take; 0: see rollup_profile */
    int64_t from_s, to_s;      /* minutes that begin in [from_s, to_s), 0..LIMIT_TIME_S + 1 */
    bool from_given, to_given; /* the bucket "all" ends where they say */
    bool archive;              /* rollup_archive will be called */
    bool numbers;              /* of a store's rows: those that have users need no sketch */
    size_t sketch_bytes_max;   /* of sketches in memory; 0: LIMIT_ROLLUP_BYTES */
    size_t waiting_bytes_max;  /* of checkpoints, see coverage_hold; 0: LIMIT_WAITING_BYTES */
    const char *folder;        /* of temporary files; NULL: TMPDIR, else /tmp. Borrowed */
};

struct rollup;

struct rollup *rollup_create(const struct rollup_options *options); /* NULL: no memory */
void rollup_destroy(struct rollup **rollup);

enum rollup_result {
    ROLLUP_TAKEN,
    ROLLUP_OTHER_STREAM,  /* left out, which is no error by itself */
    ROLLUP_OTHER_PROFILE, /* the same */
    ROLLUP_REFUSED,       /* does not fit what was there first: other fields, another key */
    ROLLUP_FAILED         /* no memory, or no room for a temporary file: give up */
};

/* Takes one record; nothing of it is borrowed. rollup_error says why it was
 * refused or failed. */
enum rollup_result rollup_add(struct rollup *rollup, const struct record *record);

/* The streams that were seen, at most ROLLUP_STREAMS_MAX of them, in the order
 * in which they came. Borrowed. Without options.stream more than one means
 * that the rows hold the first only. */
size_t rollup_streams(const struct rollup *rollup, const char *const **names);

/* The profile that the rows are of; 0 before there is any. Without
 * options.profile it is the first in the order of the enum that was seen in the
 * stream, whatever the order of the records. Of an archive without
 * options.profile, which holds the records of all profiles, it says nothing. */
enum hc_profile rollup_profile(const struct rollup *rollup);
/* Those that were seen in the stream: bit 1 << profile for each. */
unsigned rollup_profiles(const struct rollup *rollup);
/* After rollup_finish: how many starts of instances wrote records, but none of
 * the rows' profile. */
size_t rollup_lacking(const struct rollup *rollup);

enum rollup_joined {
    ROLLUP_JOINED,
    ROLLUP_APART,      /* its records have to be added one by one; nothing happened */
    ROLLUP_JOIN_FAILED /* no memory, or no room for a temporary file: give up */
};

/* Makes `into` what it were, had the records of `part` been added to it instead:
 * the same rows, archive, streams, profiles and error of a later record. That
 * can't be known when one of them was refused, when the two differ in what the
 * first record of a rollup decides (stream, fields, key), or have counted the
 * same checkpoint. Both have the same options, but for calendars, memory and
 * folder, and rollup_finish was called for neither. After ROLLUP_JOINED `part`
 * is empty: destroy it. */
enum rollup_joined rollup_join(struct rollup *into, struct rollup *part);

/* All records were added. False on failure, see rollup_error. */
bool rollup_finish(struct rollup *rollup);

enum rollup_state {
    ROLLUP_COMPLETE, /* all its minutes are covered, and the clocks have passed its end */
    ROLLUP_RUNNING,  /* the clocks have not passed its end */
    ROLLUP_PARTIAL   /* some of its minutes are not covered, or were not asked for */
};
/* "complete", "running", "partial". Static. */
const char *rollup_state_name(enum rollup_state state);

struct rollup_row {
    int64_t start_s, end_s;         /* of the bucket, see calendar.h */
    const char *group;              /* canonical JSON; "{}" is the total. Borrowed */
    const struct hc_sketch *sketch; /* NULL: a bucket without users. Borrowed */
    struct hc_estimate estimate;    /* zero without a sketch */
    uint64_t minutes;               /* of the bucket's, how many have users or are known zeros */
    uint64_t late;                  /* of those, how many had frames after they were closed;
                                       only of a store's, which notes that */
    enum rollup_state state;
    enum record_state record_state; /* only with options.archive */
    uint64_t frames;                /* only with options.archive */
};

/* After rollup_finish: the rows in the order of (start, group), the total first.
 * 1 with a row, borrowed until the next call; 0 at the end; -1 on failure. */
int rollup_next(struct rollup *rollup, struct rollup_row *row);
/* The next row will be the first again. */
void rollup_rewind(struct rollup *rollup);

/* One damaged time, years away from all others, would have millions of rows
 * without users on its way. So a run of more than LIMIT_ZERO_ROWS of them is
 * left out, unless from_given or to_given say what range is meant. */
struct rollup_left_out {
    uint64_t runs;          /* so far, since the rows began */
    int64_t start_s, end_s; /* of the longest */
};
struct rollup_left_out rollup_left_out(const struct rollup *rollup);

/* After rollup_finish, instead of rollup_next: the mergeable archive form, a
 * record a minute and group, then the coverage as checkpoints, a line each,
 * handed to `line` (without a line end; false stops). Needs options.archive and
 * a calendar of minutes. What it writes is a fixed point: made an archive
 * again it is the same bytes. False on failure, see rollup_error, or when
 * `line` said so. */
bool rollup_archive(struct rollup *rollup,
                    bool (*line)(void *context, const char *bytes, size_t size), void *context);

/* After rollup_finish: whether an archive has checkpoints. It has none when
 * minutes were cut off by from_s or to_s, or are there in other profiles only
 * than the one that was asked for: they would read as zeros. Nor when a minute
 * was counted by several runs in different profiles: it would read as complete. */
bool rollup_archive_covers(const struct rollup *rollup);

/* One line for people about the last refusal or failure. */
const char *rollup_error(const struct rollup *rollup);

#endif
