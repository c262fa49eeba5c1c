#include "api_ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "limits.h"
#include "log.h"

#define QUARTER_S 900

/* What people look at: how many buckets of a grain, when they don't say it, and how
 * long one is about. 0: all there are. */
static const struct {
    int64_t length_s;
    int shown;
} grains[] = {
    [CALENDAR_MINUTE] = {60, 1440},      [CALENDAR_HOUR] = {3600, 168},
    [CALENDAR_DAY] = {86400, 30},        [CALENDAR_WEEK] = {7 * 86400, 26},
    [CALENDAR_MONTH] = {28 * 86400, 12}, [CALENDAR_YEAR] = {365 * 86400, 0},
    [CALENDAR_ALL] = {LIMIT_TIME_S + 1, 0},
};

bool api_no_memory(struct api_ask *ask)
{
    return api_fail(&ask->problem, 503, NULL, "no memory for this answer now");
}

static bool fail_late(struct api_ask *ask)
{
    return api_fail(&ask->problem, 503, NULL, "this takes longer than an answer may: ask for a "
                    "shorter range");
}

/* The detail is for the log: it names files. */
bool api_fail_store(struct api_ask *ask, const char *why)
{
    if (ask->reader && store_reader_is_late(ask->reader))
        return fail_late(ask);
    log_event(LOG_ERROR, "api_failed", LOG_S("why", why));
    return api_fail(&ask->problem, 500, NULL,
                    "the store could not be read: the log of headcount-board says why");
}

bool api_in_time(struct api_ask *ask)
{
    return clock_monotonic_ms() < ask->deadline_ms || fail_late(ask);
}

bool api_check_rows(struct api_ask *ask, int64_t from_s, int64_t to_s, int64_t most)
{
    int64_t rows = (to_s - from_s) / grains[ask->query.by].length_s;

    if (rows <= most)
        return true;
    return api_fail(&ask->problem, 422, "from", "%" PRId64 " rows by %s lie between from and to, "
                    "more than %" PRId64 ": ask for a shorter range or by something longer", rows,
                    calendar_grain_names[ask->query.by], most);
}

bool api_check_count(struct api_ask *ask, int64_t rows, int64_t most)
{
    if (rows < most)
        return true;
    return api_fail(&ask->problem, 422, "from", "this has more than %" PRId64 " rows: ask for a "
                    "shorter range or by something longer", most);
}

bool api_find(struct api_ask *ask, int64_t time_s, struct calendar_bucket *bucket)
{
    return calendar_find(ask->calendar, time_s, bucket) || api_no_memory(ask);
}

/* Where a range begins that ends with query.to_s and is as long as people look at. */
static bool default_from(struct api_ask *ask)
{
    int shown = grains[ask->query.by].shown;
    struct calendar_bucket bucket = {.start_s = shown ? ask->query.to_s : 0};

    if (ask->query.by == CALENDAR_MINUTE) {
        bucket.start_s -= shown * INT64_C(60);
        shown = 0;
    }
    for (; shown > 0 && bucket.start_s > 0; shown--) {
        if (!api_find(ask, bucket.start_s - 1, &bucket))
            return false;
    }
    ask->query.from_s = bucket.start_s < 0 ? 0 : bucket.start_s;
    return true;
}

/* Before the minutes that are kept a time that nobody said to the minute is that of its
 * quarter-hour. */
static bool settle_time(struct api_ask *ask, int64_t *time_s)
{
    int64_t kept_s;

    if (!store_minutes_from(ask->reader, &kept_s))
        return api_fail_store(ask, store_reader_error(ask->reader));
    if (*time_s < kept_s && ask->query.by != CALENDAR_MINUTE)
        *time_s -= *time_s % QUARTER_S;
    return true;
}

bool api_settle_range(struct api_ask *ask)
{
    struct api_query *query = &ask->query;
    struct calendar_bucket bucket;

    if (query->to_relative && !settle_time(ask, &query->to_s))
        return false;
    if (!(query->given & API_FROM)) {
        if (!default_from(ask))
            return false;
    } else if (query->from_relative && query->by != CALENDAR_ALL) {
        if (!api_find(ask, query->from_s, &bucket))
            return false;
        query->from_s = bucket.start_s < 0 ? 0 : bucket.start_s;
    }
    if (query->from_relative && !settle_time(ask, &query->from_s))
        return false;
    if (query->from_s < query->to_s)
        return true;
    return api_fail(&ask->problem, 400, "to", "nothing lies before to");
}

/* Minutes that are let go can't be cut out of their quarter-hours. */
static bool check_kept(struct api_ask *ask, int64_t from_s, int64_t to_s)
{
    int64_t kept_s;

    if (!store_minutes_from(ask->reader, &kept_s))
        return api_fail_store(ask, store_reader_error(ask->reader));
    if (ask->query.by == CALENDAR_MINUTE ||
        ((from_s % QUARTER_S == 0 || from_s >= kept_s) &&
         (to_s % QUARTER_S == 0 || to_s >= kept_s)))
        return true;
    return api_fail(&ask->problem, 422, from_s % QUARTER_S ? "from" : "to", "single minutes "
                    "before Unix time %" PRId64 " are no longer kept: before that a range begins "
                    "and ends on a quarter-hour", kept_s);
}

bool api_roll_up(struct api_ask *ask, int64_t from_s, int64_t to_s, bool numbers)
{
    const struct api_query *query = &ask->query;
    struct rollup_options options = {
        .calendar = ask->calendar,
        .stream = ask->stream,
        .profile = query->profile,
        .from_s = from_s,
        .to_s = to_s,
        .from_given = (query->given & API_FROM) || from_s > 0,
        .to_given = (query->given & API_TO) || query->by != CALENDAR_ALL,
        .numbers = numbers,
        .sketch_bytes_max = LIMIT_API_SKETCH_BYTES};

    rollup_destroy(&ask->rollup);
    if (!api_in_time(ask) || !check_kept(ask, from_s, to_s))
        return false;
    ask->rollup = store_roll_up(ask->reader, &options);
    /* Where nobody counted with a profile, nothing is known in it, not even zeros. */
    if (ask->rollup && query->profile && !(rollup_profiles(ask->rollup) & 1u << query->profile)) {
        rollup_destroy(&ask->rollup);
        options.stream = "";
        ask->rollup = store_roll_up(ask->reader, &options);
    }
    return ask->rollup || api_fail_store(ask, store_reader_error(ask->reader));
}

int api_next(struct api_ask *ask, struct rollup_row *row, bool total)
{
    int more;

    do {
        if (!api_in_time(ask))
            return -1;
        more = rollup_next(ask->rollup, row);
    } while (more == 1 && total && strcmp(row->group, "{}") != 0);
    if (more < 0)
        api_fail_store(ask, rollup_error(ask->rollup));
    return more;
}

static void write_time(struct text *body, const char *name, int64_t time_s)
{
    text_string(body, name);
    calendar_text_utc(time_s, body);
    text_char(body, '"');
}

void api_write_head(const struct api_ask *ask, struct text *body)
{
    enum hc_profile profile = rollup_profile(ask->rollup);

    text_string(body, "{\"stream\":");
    if (*ask->stream)
        text_json_string(body, ask->stream, strlen(ask->stream));
    else
        text_string(body, "null");
    text_string(body, ",\"profile\":");
    if (profile)
        text_format(body, "\"%s\"", hc_profile_name(profile));
    else
        text_string(body, "null");
    text_format(body, ",\"by\":\"%s\",\"tz\":", calendar_grain_names[ask->query.by]);
    text_json_string(body, ask->query.zone, strlen(ask->query.zone));
    text_format(body, ",\"week_start\":\"%s\"", calendar_week_names[ask->query.week_start]);
    write_time(body, ",\"from\":\"", ask->query.from_s);
    write_time(body, ",\"to\":\"", ask->query.to_s);
}

bool api_write_rows(struct api_ask *ask, struct text *body,
                    bool (*write_rows)(struct api_ask *ask, struct text *body))
{
    if (ask->query.csv)
        return write_rows(ask, body);
    api_write_head(ask, body);
    text_string(body, ",\"rows\":[");
    if (!write_rows(ask, body))
        return false;
    text_string(body, "\n]}\n");
    return true;
}
