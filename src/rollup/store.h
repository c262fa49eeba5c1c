/* The store: all sketches of all streams, united by minute, quarter-hour, hour, six
 * hours and UTC day, in one SQLite file, with what tells complete minutes from missing ones
 * and with the positions of the topic up to which it was read.
 *
 * One writer, struct store, takes records; any number of readers ask at the same
 * time, each with a struct store_reader of its own, in whatever thread or process.
 * Records are united in memory and written by store_flush, all of it in one
 * transaction: sketches, completeness and positions go together, so a crash
 * leaves what was read up to the positions in the file, no less, and what is read
 * again changes nothing. */
#ifndef ROLLUP_STORE_H
#define ROLLUP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"
#include "rollup.h"
#include "store_file.h"

struct store_options {
    const char *path;    /* borrowed during the call */
    size_t memory_bytes; /* of sketches in memory; 0: LIMIT_STORE_BYTES */
    bool dues;           /* note which hours and days have changed: store_dues */
};

struct store;
/* Makes the file when there is none. NULL with one line for people in `error`: see
 * store_file_open. */
struct store *store_open(const struct store_options *options, char *error, size_t error_size);
/* What was not flushed is lost; it is to be read again from the positions. */
void store_close(struct store **store);

enum store_result {
    STORE_TAKEN,
    STORE_REFUSED, /* does not fit the stream's first records: other fields, another key */
    STORE_FAILED   /* no memory, or store_flush failed: it was not taken, ask again or give up */
};
/* Takes one record; nothing of it is borrowed. Flushes first when memory is full of
 * what is not written. store_error says why it was refused or failed. */
enum store_result store_add(struct store *store, const struct record *record);

/* Everything of this partition before position->next has been added. It is written
 * with that. HC_ENOMEM. */
enum hc_status store_read_up_to(struct store *store, const struct store_position *position);
/* Where to go on: 1 with position->next, as it was written or will be; 0: nowhere
 * yet; -1. */
int store_go_on(struct store *store, struct store_position *position);

/* Writes what is new. False: nothing is written and nothing is lost; it can be
 * tried again. */
bool store_flush(struct store *store);
/* Of records that jump about in time only their minutes are written at first; readers
 * put them together with what they lie in, which takes them longer. This flushes, and
 * does some of that work once and for all: 1 when there is more, 0 when nothing was
 * left, -1 on failure. For when there is time; some 50 ms at most. */
int store_tidy(struct store *store);
/* Flushes, and lets some minutes go that begin before `from_s`: 1 when there are
 * more, 0 when all are gone, -1 on failure. Their quarter-hours, hours and days
 * stay, and late records still reach those. It can't be taken back. */
int store_keep_minutes(struct store *store, int64_t from_s);

/* An hour or a UTC day of a stream whose total is to be delivered to others. With
 * options.dues every commit makes those due in which some minute has more users than
 * before, or late frames for the first time; at first all that are in the file are. */
enum store_due_grain { STORE_DUE_HOUR, STORE_DUE_DAY };
struct store_due {
    const char *stream;
    int64_t stream_id;
    enum store_due_grain grain;
    int64_t start_s;
    int64_t version; /* 0: it was delivered and has no more users than then; but it was not final */
    uint64_t sent;   /* what store_settle was told last; 0: nothing */
};
/* It was delivered. A final one is due no more; another is kept with what `due->sent`
 * says (such as a digest of what was sent), since what is known of it may change
 * without users. Where a commit came in between it stays due. Written by the next
 * flush. HC_ENOMEM. */
enum hc_status store_settle(struct store *store, const struct store_due *due, bool final);

/* Whether memory ran out where that can't be taken back: nothing is written any more,
 * and a store that is opened anew goes on from the file's positions. */
bool store_is_spoiled(const struct store *store);

/* One line for people about the last refusal or failure. */
const char *store_error(const struct store *store);

struct store_reader;
/* Of a file that a writer has made. NULL with one line for people in `error`. */
struct store_reader *store_reader_open(const char *path, char *error, size_t error_size);
void store_reader_close(struct store_reader **reader);
const char *store_reader_error(const struct store_reader *reader);
/* Its questions from now on fail, in good order, when clock_monotonic_ms is at or past
 * `until_ms` while they are still being answered; INT64_MAX: as long as they take, as
 * at first. Then store_reader_is_late, until the next call of this. */
void store_reader_until(struct store_reader *reader, int64_t until_ms);
bool store_reader_is_late(const struct store_reader *reader);

/* A roll-up of options->stream (not NULL) as if all records of it that are in the
 * file had been added to it, and finished: rollup_next has the rows. The sketches
 * are of minutes in [from_s, to_s) only, and its rows say how many were late; archive
 * must be false. NULL on failure, also when from_s or to_s, or a bucket's end in some
 * zone, lie within a quarter-hour whose minutes are not kept. It needs the reader no
 * more. */
struct rollup *store_roll_up(struct store_reader *reader, const struct rollup_options *options);

/* Calls `each` for the name of every stream, in order. */
bool store_streams(struct store_reader *reader, void (*each)(void *context, const char *name),
                   void *context);
/* What a stream has, over all its profiles and groups. */
struct store_about {
    unsigned profiles;     /* bit 1 << profile for each that has users */
    int64_t first_s, to_s; /* minutes with users lie in [first_s, to_s); 0, 0: there are none */
    int64_t main_s, main_to_s; /* all but strays, whose time is likely damaged, lie in
                                  [main_s, main_to_s); store_about.c says which these are */
};
/* A stream that is not there has nothing. */
bool store_stream_about(struct store_reader *reader, const char *name, struct store_about *about);
/* Minutes that begin before *from_s are no longer there as minutes; 0: all are. */
bool store_minutes_from(struct store_reader *reader, int64_t *from_s);
/* Calls `each` for all that are due, and those that are kept; what it gets is borrowed. */
bool store_dues(struct store_reader *reader,
                void (*each)(void *context, const struct store_due *due), void *context);
/* A copy of the whole file as it is now, into a file that is made; an older copy is
 * replaced, nothing else is. The writer is not held up. */
bool store_backup(struct store_reader *reader, const char *path);

#endif
