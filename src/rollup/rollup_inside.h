/* What the files of rollup share. Private to rollup. */
#ifndef ROLLUP_INSIDE_H
#define ROLLUP_INSIDE_H

#include "coverage.h"
#include "rollup.h"
#include "rollup_minutes.h"
#include "rollup_profiles.h"
#include "rollup_table.h"

/* What is known of one bucket. */
struct rollup_judged {
    int64_t start_s, end_s;
    uint64_t minutes, late;
    enum rollup_state state;
};

struct rollup {
    struct rollup_options options;
    struct rollup_table *table;
    struct rollup_minutes *minutes;  /* those with users, of all groups */
    struct rollup_minutes *named;    /* the same, of all profiles */
    struct rollup_minutes *late;     /* of those the late ones; NULL: nobody noted that */
    struct rollup_profiles *profiles;
    enum hc_profile profile;         /* of the rows; 0: none yet, or all */
    uint64_t key_id;                 /* of the first keyed record that was taken, 0 before it */
    struct coverage *coverage;
    char *streams[ROLLUP_STREAMS_MAX];
    size_t streams_count;
    bool refused;                    /* a record, at least */
    uint64_t key_taken;              /* the first key_id ever, also of rows that were let go */
    char *fields;                    /* of the first sketch record that names them, or NULL */
    struct calendar_bucket last;     /* the bucket of the last record; empty at first */
    int64_t epoch_ms, time_ms;       /* the greatest that were read */
    /* After rollup_finish: */
    int64_t reach_from_s, reach_to_s; /* [from, to): minutes that the clocks have passed */
    size_t next_bucket;              /* of the table */
    int64_t next_minute_s;           /* no zero before it is in a row to come */
    int64_t shown_s;                 /* the run of zeros up to here is short enough to show */
    struct rollup_left_out left_out;
    struct coverage_minute asked;    /* what the coverage says of [asked_s, asked_until_s) */
    int64_t asked_s, asked_until_s;
    int64_t judged_s;                /* start of the bucket that `judged` is about */
    struct rollup_judged judged;
    char error[512];
};

/* The stream that is taken, or NULL before any was seen. */
const char *rollup_stream(const struct rollup *rollup);
/* Whether the rows are of all profiles: an archive that was not asked for one. */
bool rollup_takes_all(const struct rollup *rollup);
/* Notes a stream's name. False: no memory. */
bool rollup_note_stream(struct rollup *rollup, const char *stream);
/* The rows will be of `profile`: forgets what was gathered of another one. False:
 * no memory. */
bool rollup_begin_profile(struct rollup *rollup, enum hc_profile profile);
/* Sets the error; always false. */
bool rollup_fail(struct rollup *rollup, const char *what);

#endif
