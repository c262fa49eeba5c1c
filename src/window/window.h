/* The minutes that are being counted: a bounded table of windows.
 *
 * A window is keyed by (minute, group) and holds one sketch for each profile.
 * Windows stand in three orders at once: a hash table by key, a list from the
 * coldest to the hottest (who is let go when memory is short), and a list of
 * those whose content changed since they were last published, in the order of
 * that first change. The table publishes nothing and knows no offsets; it
 * keeps the facts that the pipeline needs to do so. One thread. */
#ifndef WINDOW_WINDOW_H
#define WINDOW_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headcount/sketch.h"

#define WINDOW_SECONDS 60
#define WINDOW_GROUP_TOTAL "{}"
#define WINDOW_PROFILES_MAX 8

struct window_sketch {
    struct hc_sketch *sketch;
    uint64_t sequence;        /* of the last record produced, 0: none */
    int published_state;      /* label of that record; WINDOW_UNPUBLISHED before */
    bool changed;             /* content that no record of it has */
    size_t memory;            /* private: what the table counts for it */
};

struct window {
    int64_t minute_s;         /* start, Unix seconds, a multiple of WINDOW_SECONDS */
    const char *group;        /* canonical JSON, borrowed */
    uint64_t frames;          /* folded in so far */
    uint64_t round;           /* the table's round in which it joined the changed list */
    int64_t closed_ms;        /* monotonic: when its closing was published, or -1 */
    uint32_t in_flight;       /* records produced and not answered yet */
    int published_state;      /* label of the last records of all its sketches, or
                               * WINDOW_UNPUBLISHED */
    bool changed;             /* content that no record of it has: on the changed list */
    bool failed;              /* a record was not delivered; implies changed */
    bool late;                /* frames came after the watermark had passed it */
    bool whole;               /* no part of it was let go before */
    size_t publishing;        /* private from here on: the sketch that is next */
    uint64_t publishing_round;
    struct window *same_hash;
    struct window *colder, *hotter;
    struct window *changed_before, *changed_after;
    struct window_sketch sketches[]; /* one a profile, in the order of the options */
};

#define WINDOW_UNPUBLISHED (-1)

struct window_options {
    const struct hc_sketch_options *sketches; /* [sketches_count], copied */
    size_t sketches_count;                    /* 1..WINDOW_PROFILES_MAX */
    size_t memory_max;                        /* bytes, for everything in the table */
};

struct window_table;

/* NULL when there is no memory. */
struct window_table *window_table_create(const struct window_options *options);
void window_table_destroy(struct window_table **table);

/* The window of a time, made if there is none; it becomes the hottest. NULL
 * when there is no memory; nothing is changed then. */
struct window *window_table_get(struct window_table *table, int64_t time_s, const char *group);

/* Hints that a user will soon be added to a window, so that what that looks at is
 * in the cache by then. Each step looks at what the one before has fetched: there
 * is other work in between. */
enum window_fetch { WINDOW_FETCH_BUCKET, WINDOW_FETCH_WINDOW, WINDOW_FETCH_SKETCHES };
void window_table_fetch(const struct window_table *table, int64_t minute_s, const char *group,
                        enum window_fetch step);
/* The last step. */
void window_table_fetch_user(const struct window_table *table, int64_t minute_s,
                             const char *group, const void *user, size_t size);

/* Adds one user. HC_ENOMEM: nothing is counted, try again with more room. A
 * change of content puts the window on the changed list. */
enum hc_status window_add_user(struct window_table *table, struct window *window,
                               const void *user, size_t size);

/* Puts it on the changed list with all of its sketches. */
void window_mark_changed(struct window_table *table, struct window *window);
/* The same for the sketch whose last record has this sequence, and was not
 * delivered; for all of them when it was the last of none. */
void window_mark_failed(struct window_table *table, struct window *window, uint64_t sequence);

/* Publishing a window: a record for each sketch that changed, or had another
 * label than `state` before.
 *
 *     while ((sketch = window_publish_next(table, window, state)))
 *         produce a record, then window_published(window, state);
 *
 * It may be left off in the middle and gone on with later: what has been
 * produced is not due again in the same round, so a window whose users keep
 * coming gets through however little room the output has. NULL: each sketch has
 * been produced since the round began, if it had changed before. The window is
 * then off the changed list, or behind it anew with what changed meanwhile. */
struct window_sketch *window_publish_next(struct window_table *table, struct window *window,
                                          int state);
/* A record of what window_publish_next gave was produced. */
void window_published(struct window *window, int state);

/* Rounds divide the changed list in time: windows with `round` below the
 * present one changed before it began. */
uint64_t window_table_round(const struct window_table *table);
void window_table_next_round(struct window_table *table);

/* The first on the changed list, and the next after `window`; or NULL. */
struct window *window_first_changed(const struct window_table *table);
struct window *window_next_changed(const struct window *window);
/* The coldest window, and the next hotter one; or NULL. */
struct window *window_coldest(const struct window_table *table);
struct window *window_next_hotter(const struct window *window);
/* The window of a key that is there already, or NULL. */
struct window *window_table_find(const struct window_table *table, int64_t minute_s,
                                 const char *group);

/* Lets a window go. It must not be changed nor have records in flight. Should
 * its minute come again, that window is not whole. */
void window_forget(struct window_table *table, struct window *window);

/* Profiles, which is the number of sketches in each window. */
size_t window_table_profiles(const struct window_table *table);
/* Bytes held by one window. */
size_t window_memory(const struct window_table *table, const struct window *window);
size_t window_table_count(const struct window_table *table);
/* Bytes held by the table and its windows, and the highest ever. */
size_t window_table_memory(const struct window_table *table);
size_t window_table_memory_peak(const struct window_table *table);
/* Whether one more user could exceed memory_max: make room first. */
bool window_table_is_full(const struct window_table *table);

#endif
