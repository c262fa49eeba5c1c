#include "period.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "limits.h"
#include "number.h"

/* A named day lies within a day and a half of the one that UTC calls so. */
#define SEARCH_FROM_S (-INT64_C(86400))
#define SEARCH_TO_S (INT64_C(2) * 86400)
#define SEARCH_STEP_S INT64_C(3600)

#define DATE_SIZE 10 /* of "2016-07-11" */

/* Whether the word is the beginning of a date: a year, month or day. */
static bool is_date(const char *word, size_t size)
{
    if (size != 4 && size != 7 && size != DATE_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool dash = i == 4 || i == 7;

        if (dash ? word[i] != '-' : !isdigit((unsigned char)word[i]))
            return false;
    }
    return true;
}

/* Whether the bucket's beginning reads like the word. */
static bool begins_with(struct calendar *calendar, int64_t time_s, const char *word, size_t size)
{
    struct text text = {0};
    bool same;

    calendar_text_local(calendar, time_s, &text);
    same = !text.failed && text.size >= size && memcmp(text.bytes, word, size) == 0;
    text_free(&text);
    return same;
}

/* The bucket of that name near an instant; false when there is none. */
static bool find_named(struct calendar *calendar, int64_t near_s, const char *word, size_t size,
                       struct period *period)
{
    for (int64_t shift = SEARCH_FROM_S; shift < SEARCH_TO_S; shift += SEARCH_STEP_S) {
        int64_t time_s = near_s + shift;
        struct calendar_bucket bucket;

        if (time_s < 0 || time_s > LIMIT_TIME_S)
            continue;
        if (!calendar_find(calendar, time_s, &bucket))
            return false;
        if (begins_with(calendar, bucket.start_s, word, size)) {
            period->from_s = bucket.start_s > 0 ? bucket.start_s : 0;
            period->to_s = bucket.end_s <= LIMIT_TIME_S ? bucket.end_s : LIMIT_TIME_S + 1;
            return true;
        }
    }
    return false;
}

static bool read_date(const char *word, size_t size, const char *zone, struct period *period,
                      char *error, size_t error_size)
{
    static const enum calendar_grain grains[] = {
        [4] = CALENDAR_YEAR, [7] = CALENDAR_MONTH, [DATE_SIZE] = CALENDAR_DAY};
    struct calendar_options options = {.grain = grains[size], .zone = zone};
    char first[] = "0000-01-01T00:00:00Z";
    struct calendar *calendar = calendar_create(&options, error, error_size);
    int64_t near_s;
    bool found;

    if (!calendar)
        return false;
    memcpy(first, word, size);
    found = number_rfc3339_s(first, sizeof first - 1, &near_s) &&
            find_named(calendar, near_s, word, size, period);
    calendar_destroy(&calendar);
    if (!found)
        snprintf(error, error_size, "there is no '%.*s' in %s", (int)size, word, zone);
    period->whole_days = true;
    return found;
}

/* One end of a range, or the whole of a word. */
static bool read_part(const char *word, size_t size, const char *zone, struct period *period,
                      char *error, size_t error_size)
{
    char instant[64];

    if (is_date(word, size))
        return read_date(word, size, zone, period, error, error_size);
    snprintf(instant, sizeof instant, "%.*s", (int)(size < sizeof instant ? size : 0), word);
    if (!number_time_s(instant, &period->from_s)) {
        snprintf(error, error_size, "'%.*s' is no time: a date such as 2016-07-11, 2016-07 or "
                 "2016, or an instant such as 2016-07-11T13:39:00Z or 1468244340",
                 (int)(size < 200 ? size : 200), word);
        return false;
    }
    period->to_s = period->from_s;
    period->whole_days = false;
    return true;
}

bool period_read(const char *word, const char *zone, struct period *period, char *error,
                 size_t error_size)
{
    const char *dots = strstr(word, "..");
    size_t size = dots ? (size_t)(dots - word) : strlen(word);
    struct period from, to;

    if (!read_part(word, size, zone, &from, error, error_size))
        return false;
    to = from;
    if (dots && !read_part(dots + 2, strlen(dots + 2), zone, &to, error, error_size))
        return false;
    *period = (struct period){from.from_s, to.to_s, from.whole_days && to.whole_days};
    if (period->from_s < period->to_s)
        return true;
    if (dots)
        snprintf(error, error_size, "'%.200s' ends before it begins", word);
    else
        snprintf(error, error_size, "'%.200s' is an instant and has no length: FROM..TO", word);
    return false;
}
