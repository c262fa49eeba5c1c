/* Calendars: which hour, day, week, month or year an instant belongs to.
 *
 * Every bucket is [start_s, end_s) in Unix seconds, and the buckets of a
 * calendar follow each other without gap or overlap. A minute belongs to the
 * bucket that its first second lies in. */
#ifndef ROLLUP_CALENDAR_H
#define ROLLUP_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum calendar_grain {
    CALENDAR_MINUTE, /* always UTC's */
    CALENDAR_HOUR,
    CALENDAR_DAY,
    CALENDAR_WEEK,
    CALENDAR_MONTH,
    CALENDAR_YEAR,
    CALENDAR_ALL     /* one bucket for all of time: [0, LIMIT_TIME_S + 1) */
};
/* "minute" ... "all" in the enum's order, ended by NULL. Static. */
extern const char *const calendar_grain_names[];

enum calendar_week { CALENDAR_MONDAY, CALENDAR_SUNDAY, CALENDAR_SATURDAY };
/* "monday", "sunday", "saturday", NULL. Static. */
extern const char *const calendar_week_names[];

struct calendar_options {
    enum calendar_grain grain;
    enum calendar_week week_start;
    const char *zone; /* a name of the tz database; NULL is UTC. Copied */
};

struct calendar_bucket {
    int64_t start_s, end_s; /* may lie up to a year outside 0..LIMIT_TIME_S */
};

struct calendar;

/* Owned by the caller. NULL with one line for people in `error` when there is
 * no such zone, or no memory. A calendar belongs to one thread at a time. It
 * sets TZ for moments, under a lock of its own: no other code of the process
 * may use local time or write the environment meanwhile. */
struct calendar *calendar_create(const struct calendar_options *options, char *error,
                                 size_t error_size);
void calendar_destroy(struct calendar **calendar);

/* The bucket around `time_s` (0..LIMIT_TIME_S). False when there is no memory
 * for the rules of a year that was not asked for before. */
bool calendar_find(struct calendar *calendar, int64_t time_s, struct calendar_bucket *bucket);

/* Appends an instant of a bucket (or 0..LIMIT_TIME_S) as people of the zone
 * write it, "2016-07-11 15:39:00+02:00", or as RFC 3339 in UTC. */
void calendar_text_local(struct calendar *calendar, int64_t time_s, struct text *text);
void calendar_text_utc(int64_t time_s, struct text *text);

#endif
