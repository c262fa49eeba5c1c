/* Buckets of local time, by arithmetic on a zone's spans of constant offset.
 *
 * Hours. An hour is what shares local date, hour and offset: 60 minutes, or
 * fewer where a change of the clock cuts it. So an autumn day has 25 rows of
 * 60 minutes, and Lord Howe's half-hour change gives the hour from 01:00, 60
 * minutes, and the half hour that is repeated, 30 minutes, a row of their own
 * each. No row is longer than an hour, which would look like a crowd.
 *
 * Days and longer. A local day begins at the first instant at which the local
 * clock shows its midnight, or anything later where midnight is left out, and
 * ends where the next begins. When the clock is set back across midnight, what
 * is shown again belongs to the day that has begun: days stay in one piece. A
 * day that a zone leaves out (Samoa's 30 December 2011) has no bucket. Weeks,
 * months and years begin where their first day begins. So:
 *
 *     begin(L) = the first instant t with t + offset(t) >= L
 *     bucket(t) = the last L with begin(L) <= t
 *
 * where L is a day, first of a week, ... in seconds of local time as if it were
 * UTC. Dates are counted as in the proleptic Gregorian calendar, the year
 * turned so that it starts in March and its leap day comes last. */
#include "calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar_zone.h"
#include "limits.h"

#define HOUR_S INT64_C(3600)
#define DAY_S INT64_C(86400)
/* 0000-03-01 to 1970-01-01. */
#define MARCH_ZERO_DAYS INT64_C(719468)

const char *const calendar_grain_names[] = {"minute", "hour", "day", "week",
                                            "month",  "year", "all", NULL};
const char *const calendar_week_names[] = {"monday", "sunday", "saturday", NULL};

/* From 1970-01-01, a Thursday, back to the start of its week. */
static const int64_t week_shift_days[] = {
    [CALENDAR_MONDAY] = 3, [CALENDAR_SUNDAY] = 4, [CALENDAR_SATURDAY] = 5};

struct calendar {
    enum calendar_grain grain;
    enum calendar_week week_start;
    struct calendar_zone *zone;
};

struct date {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
};

static int64_t floor_to(int64_t number, int64_t step)
{
    int64_t rest = number % step;

    return number - (rest < 0 ? rest + step : rest);
}

/* Days from 0000-03-01 to the first of March of a year >= 0. */
static int64_t march_days(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400;
}

/* Days since 1970-01-01 of the first of a month; month 13 is the next January. */
static int64_t month_first(int64_t year, int month)
{
    int64_t months = year * 12 + month - 3;
    int64_t march_year = months / 12;
    int64_t since_march = months % 12;

    /* From March on months have 31 30 31 30 31 days, again and again. */
    return march_days(march_year) + (153 * since_march + 2) / 5 - MARCH_ZERO_DAYS;
}

static struct date date_of(int64_t days)
{
    int64_t day = days + MARCH_ZERO_DAYS;
    int64_t year = day * 400 / 146097;
    int64_t months;
    struct date date;

    assert(day >= 0);
    while (march_days(year + 1) <= day)
        year++;
    while (march_days(year) > day)
        year--;
    day -= march_days(year);
    months = (5 * day + 2) / 153;
    date.day = (int)(day - (153 * months + 2) / 5) + 1;
    date.month = (int)(months < 10 ? months + 3 : months - 9);
    date.year = months < 10 ? year : year + 1;
    return date;
}

struct calendar *calendar_create(const struct calendar_options *options, char *error,
                                 size_t error_size)
{
    struct calendar *calendar = calloc(1, sizeof *calendar);

    if (!calendar) {
        snprintf(error, error_size, "no memory for a calendar");
        goto err0;
    }
    calendar->grain = options->grain;
    calendar->week_start = options->week_start;
    calendar->zone = calendar_zone_create(options->zone ? options->zone : "UTC", error, error_size);
    if (!calendar->zone)
        goto err1;
    return calendar;

err1:
    free(calendar);
err0:
    return NULL;
}

void calendar_destroy(struct calendar **calendar)
{
    if (!*calendar)
        return;
    calendar_zone_destroy(&(*calendar)->zone);
    free(*calendar);
    *calendar = NULL;
}

/* The label that holds a local time: day, week, month or year. */
static int64_t label_floor(const struct calendar *calendar, int64_t local)
{
    int64_t days = floor_to(local, DAY_S) / DAY_S;
    int64_t shift = week_shift_days[calendar->week_start];
    struct date date;

    switch (calendar->grain) {
    case CALENDAR_WEEK:
        return (floor_to(days + shift, 7) - shift) * DAY_S;
    case CALENDAR_MONTH:
        date = date_of(days);
        return month_first(date.year, date.month) * DAY_S;
    case CALENDAR_YEAR:
        return month_first(date_of(days).year, 1) * DAY_S;
    default:
        assert(calendar->grain == CALENDAR_DAY);
        return days * DAY_S;
    }
}

static int64_t label_next(const struct calendar *calendar, int64_t label)
{
    struct date date;

    switch (calendar->grain) {
    case CALENDAR_WEEK:
        return label + 7 * DAY_S;
    case CALENDAR_MONTH:
        date = date_of(label / DAY_S);
        return month_first(date.year, date.month + 1) * DAY_S;
    case CALENDAR_YEAR:
        return month_first(date_of(label / DAY_S).year, 13) * DAY_S;
    default:
        return label + DAY_S;
    }
}

/* The first instant at which the local clock shows `label` or later. */
static bool label_begin(struct calendar *calendar, int64_t label, int64_t *begin)
{
    /* No offset is as long as two days: here the clock has not come so far. */
    int64_t from = label - 2 * DAY_S;
    struct calendar_span span;

    for (;;) {
        int64_t at;

        if (!calendar_zone_span(calendar->zone, from, &span))
            return false;
        at = label - span.offset_s;
        if (at < span.from_s)
            at = span.from_s;
        if (at < span.to_s) {
            *begin = at;
            return true;
        }
        from = span.to_s;
    }
}

static bool find_hour(struct calendar *calendar, int64_t time_s, struct calendar_bucket *bucket)
{
    struct calendar_span span;

    if (!calendar_zone_span(calendar->zone, time_s, &span))
        return false;
    bucket->start_s = floor_to(time_s + span.offset_s, HOUR_S) - span.offset_s;
    bucket->end_s = bucket->start_s + HOUR_S;
    if (bucket->start_s < span.from_s)
        bucket->start_s = span.from_s;
    if (bucket->end_s > span.to_s)
        bucket->end_s = span.to_s;
    return true;
}

static bool find_label(struct calendar *calendar, int64_t time_s, struct calendar_bucket *bucket)
{
    struct calendar_span span;
    int64_t label;

    if (!calendar_zone_span(calendar->zone, time_s, &span))
        return false;
    label = label_floor(calendar, time_s + span.offset_s);
    if (!label_begin(calendar, label, &bucket->start_s))
        return false;
    for (;;) {
        label = label_next(calendar, label);
        if (!label_begin(calendar, label, &bucket->end_s))
            return false;
        if (bucket->end_s > time_s)
            return true;
        /* The clock was set back after this label had begun. */
        bucket->start_s = bucket->end_s;
    }
}

bool calendar_find(struct calendar *calendar, int64_t time_s, struct calendar_bucket *bucket)
{
    assert(time_s >= 0 && time_s <= LIMIT_TIME_S);
    switch (calendar->grain) {
    case CALENDAR_MINUTE:
        bucket->start_s = floor_to(time_s, 60);
        bucket->end_s = bucket->start_s + 60;
        return true;
    case CALENDAR_HOUR:
        return find_hour(calendar, time_s, bucket);
    case CALENDAR_ALL:
        *bucket = (struct calendar_bucket){0, LIMIT_TIME_S + 1};
        return true;
    default:
        return find_label(calendar, time_s, bucket);
    }
}

/* Local seconds as date and time with this separator. */
static void text_date(struct text *text, int64_t local, char separator)
{
    int64_t days = floor_to(local, DAY_S) / DAY_S;
    struct date date = date_of(days);
    int second = (int)(local - days * DAY_S);

    text_format(text, "%04d-%02d-%02d%c%02d:%02d:%02d", (int)date.year, date.month, date.day,
                separator, second / 3600, second / 60 % 60, second % 60);
}

void calendar_text_utc(int64_t time_s, struct text *text)
{
    text_date(text, time_s, 'T');
    text_char(text, 'Z');
}

void calendar_text_local(struct calendar *calendar, int64_t time_s, struct text *text)
{
    struct calendar_span span;
    int offset;

    if (!calendar_zone_span(calendar->zone, time_s, &span)) {
        text->failed = true;
        return;
    }
    text_date(text, time_s + span.offset_s, ' ');
    offset = span.offset_s < 0 ? -span.offset_s : span.offset_s;
    text_format(text, "%c%02d:%02d", span.offset_s < 0 ? '-' : '+', offset / 3600,
                offset / 60 % 60);
    if (offset % 60)
        text_format(text, ":%02d", offset % 60);
}
