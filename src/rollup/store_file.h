/* The store's file: what SQLite does for it, and nothing else. Private to rollup.
 *
 * One writer has a file at a time (a lock of its own beside it, held as long as
 * it is open); readers come and go, in this process or another, and never hold
 * it up. A file object belongs to one thread. */
#ifndef ROLLUP_STORE_FILE_H
#define ROLLUP_STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headcount/sketch.h"

/* Every blob has an id: a series, or stream and profile, in the upper bits, and
 * the minute that it begins with (Unix time / 60) in the lower 32. */
enum store_grain {
    /* Sketches in their native form, each grain a multiple of the one before. */
    STORE_MINUTE, STORE_QUARTER, STORE_HOUR, STORE_SIX_HOURS, STORE_DAY,
    /* Bits. */
    STORE_PRESENT,  /* of each UTC day: minutes that have users */
    STORE_LATE,     /* of each UTC day: minutes that had frames after they were closed */
    STORE_PENDING,  /* of each hour: minutes that are not in the larger sketches yet */
    STORE_GRAINS
};
#define STORE_START_BITS 32
#define STORE_ID(owner, start_s) ((int64_t)(owner) << STORE_START_BITS | (start_s) / 60)
#define STORE_ID_START(id) (((id) & ((INT64_C(1) << STORE_START_BITS) - 1)) * 60)
#define STORE_OWNER_MAX ((INT64_C(1) << 31) - 1)

#define STORE_ERROR_MAX 1200

struct store_file;

enum store_access { STORE_WRITE, STORE_READ };
/* Opens `path`; a writer makes the file when there is none. NULL with one line
 * for people in `error` that names it: no such file, no store, a newer one, an older
 * one, a damaged one, one that can't be written, one that another writer has. */
struct store_file *store_file_open(const char *path, enum store_access access, char *error,
                                   size_t error_size);
void store_file_close(struct store_file **file); /* rolls back what was not committed */

/* One line about the last failure, naming the file. */
const char *store_file_error(const struct store_file *file);

/* From now on every step fails when clock_monotonic_ms is at or past `until_ms`;
 * INT64_MAX: none does, as at first. */
void store_file_until(struct store_file *file, int64_t until_ms);
/* Whether one did since. */
bool store_file_is_late(const struct store_file *file);

/* All of these are false on failure. A reader's begin holds what it sees until
 * its end: store_file_commit. After a failure: store_file_rollback. */
bool store_file_begin(struct store_file *file);
bool store_file_commit(struct store_file *file);
void store_file_rollback(struct store_file *file);

/* Gives back what was borrowed. What is borrowed outside a transaction holds
 * what it sees, too, and the file grows as long. */
void store_file_rest(struct store_file *file);

struct store_blob {
    int64_t id;
    struct hc_estimate estimate; /* of a sketch */
    const void *bytes; /* borrowed until the next call for the same grain, or store_file_rest */
    size_t size;
};

bool store_file_put(struct store_file *file, enum store_grain grain, const struct store_blob *blob);
/* 1, 0: there is none, -1. Then store_file_rest. */
int store_file_get(struct store_file *file, enum store_grain grain, int64_t id,
                   struct store_blob *blob);
/* The blobs with ids in [from_id, to_id), in order: begin, then next until it is
 * not 1. One walk of a grain at a time. */
bool store_file_walk(struct store_file *file, enum store_grain grain, int64_t from_id,
                     int64_t to_id);
int store_file_next(struct store_file *file, enum store_grain grain, struct store_blob *blob);
/* The same without the bytes, which then are not read from the disk, either. */
int store_file_next_estimate(struct store_file *file, enum store_grain grain,
                             struct store_blob *blob);
/* Erases at most `most` of them; how many, or -1. */
int store_file_erase(struct store_file *file, enum store_grain grain, int64_t from_id,
                     int64_t to_id, int most);

/* What is known of a stream beside its sketches. */
struct store_stream_row {
    int64_t id;
    const char *name, *fields;
    int64_t key_id;     /* of its keyed sketches, its bits; 0: none yet */
    const void *state;  /* coverage and profiles */
    size_t state_size;
};
bool store_file_put_stream(struct store_file *file, const struct store_stream_row *row);
/* 1 with the row (borrowed until store_file_rest), 0, -1. */
int store_file_get_stream(struct store_file *file, const char *name, struct store_stream_row *row);
/* Calls `each` for every stream's name. */
bool store_file_streams(struct store_file *file, void (*each)(void *context, const char *name),
                        void *context);

/* A series: one profile and group of a stream. */
struct store_series_row {
    int64_t id, stream;
    int profile;
    const char *group;
};
bool store_file_put_series(struct store_file *file, const struct store_series_row *row);
/* Calls `each` for every series of the stream; false of it ends with a failure. */
bool store_file_series(struct store_file *file, int64_t stream,
                       bool (*each)(void *context, const struct store_series_row *row),
                       void *context);
/* The greatest ids in use. */
bool store_file_last_ids(struct store_file *file, int64_t *stream, int64_t *series);

/* How far a partition of a topic of records was read. */
struct store_position {
    const char *cluster, *topic;
    int32_t partition;
    int64_t next;
};
bool store_file_put_position(struct store_file *file, const struct store_position *position);
/* 1 with position->next, 0, -1. */
int store_file_get_position(struct store_file *file, struct store_position *position);

/* Checkpoints of a stream that wait, see coverage_state.h. */
struct coverage_shelved;
int store_file_put_waiting(struct store_file *file, int64_t stream,
                           const struct coverage_shelved *one);
bool store_file_take_waiting(struct store_file *file, int64_t stream,
                             const struct coverage_shelved *of, int64_t to,
                             bool (*each)(void *context, const struct coverage_shelved *one),
                             void *context);

/* Numbers that go with the file; 0 where there is none yet. */
#define STORE_MINUTES_FROM "minutes_from_s" /* minutes before it may be gone */
#define STORE_DUES_KEPT "dues"              /* 1: what changes becomes due */
bool store_file_put_setting(struct store_file *file, const char *name, int64_t value);
bool store_file_get_setting(struct store_file *file, const char *name, int64_t *value);

/* Hours and days whose totals are to be delivered, see store.h. */
struct store_due;
/* It is due, from now on under this version, whatever it was. */
bool store_file_put_due(struct store_file *file, const struct store_due *due);
/* It was delivered: it is due no more, or only kept; unless its version is a later one. */
bool store_file_settle_due(struct store_file *file, const struct store_due *due, bool final);
/* Calls `each` for all, in order. */
bool store_file_dues(struct store_file *file,
                     void (*each)(void *context, const struct store_due *due), void *context);
bool store_file_forget_dues(struct store_file *file);
bool store_file_last_version(struct store_file *file, int64_t *version);

/* A copy of all that is committed now, into a file that is made; an older copy is
 * replaced, nothing else is. The writer goes on meanwhile if `file` is a reader's. */
bool store_file_backup(struct store_file *file, const char *path);

#endif
