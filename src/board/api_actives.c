/* /api/v1/actives: users of each day, and of the 7 and 28 days that end with it, and what
 * part of the 28 days' the day's are (stickiness). A row a day. */
#include <stdlib.h>

#include "actives.h"
#include "api_ask.h"
#include "api_rows.h"
#include "api_share.h"
#include "limits.h"

enum { DAILY, WEEKLY, MONTHLY, WINDOWS };
static const struct {
    const char *name;
    unsigned days;
} windows[] = {{"daily", 1}, {"weekly", 7}, {"monthly", 28}};

struct day {
    int64_t start_s, end_s;
    struct hc_estimate estimates[WINDOWS];
    bool complete[WINDOWS];
};

/* The days that are shown, from the first one asked for on. */
struct days {
    struct day *days; /* [LIMIT_API_UNIONS + 2] */
    size_t count;
};

/* One window of all days; the daily one, which comes first, says which these are. */
static bool fill_window(struct api_ask *ask, struct actives *actives, int window,
                        struct days *days)
{
    struct actives_row row;
    size_t at = 0;
    int more;

    while ((more = actives_next(actives, &row)) == 1) {
        struct day *day = &days->days[at];

        if (!api_in_time(ask))
            return false;
        if (row.end_s <= ask->query.from_s)
            continue;
        if (window == DAILY) {
            if (!api_check_count(ask, (int64_t)at, LIMIT_API_UNIONS + 1))
                return false;
            day->start_s = row.start_s;
            day->end_s = row.end_s;
            days->count++;
        }
        day->estimates[window] = row.estimate;
        day->complete[window] = row.complete;
        at++;
    }
    return more == 0 || api_no_memory(ask);
}

static bool fill(struct api_ask *ask, struct days *days)
{
    for (int window = 0; window < WINDOWS; window++) {
        struct actives *actives;
        bool good;

        rollup_rewind(ask->rollup);
        actives = actives_rolling(ask->rollup, ask->calendar, windows[window].days);
        if (!actives)
            return api_no_memory(ask);
        good = fill_window(ask, actives, window, days);
        actives_destroy(&actives);
        if (!good)
            return false;
    }
    return true;
}

static void write_json(const struct day *day, struct text *body)
{
    struct api_share stickiness = api_share_of(&day->estimates[DAILY], &day->estimates[MONTHLY]);

    text_char(body, '{');
    api_write_times(body, day->start_s, day->end_s);
    for (int i = 0; i < WINDOWS; i++) {
        text_format(body, ",\"%s\":{", windows[i].name);
        api_write_estimate(body, &day->estimates[i]);
        text_format(body, ",\"complete\":%s}", api_bool(day->complete[i]));
    }
    text_string(body, ",\"stickiness\":");
    api_share_json(body, &stickiness);
    text_format(body, ",\"complete\":%s,\"additive\":false}", api_bool(day->complete[MONTHLY]));
}

static void write_csv(const struct day *day, struct text *body)
{
    struct api_share stickiness = api_share_of(&day->estimates[DAILY], &day->estimates[MONTHLY]);

    api_write_csv_times(body, day->start_s, day->end_s);
    for (int i = 0; i < WINDOWS; i++) {
        api_write_csv_estimate(body, &day->estimates[i]);
        text_format(body, ",%s", api_bool(day->complete[i]));
    }
    api_share_csv(body, &stickiness);
    text_format(body, ",%s,false\n", api_bool(day->complete[MONTHLY]));
}

static void write_csv_head(struct text *body)
{
    text_string(body, "start,end");
    for (int i = 0; i < WINDOWS; i++) {
        const char *name = windows[i].name;

        text_format(body, ",%s,%s_low,%s_high,%s_error,%s_complete", name, name, name, name, name);
    }
    text_string(body, ",stickiness,stickiness_low,stickiness_high,complete,additive\n");
}

static void write_days(const struct api_ask *ask, const struct days *days, struct text *body)
{
    if (ask->query.csv) {
        write_csv_head(body);
    } else {
        api_write_head(ask, body);
        text_string(body, ",\"rows\":[");
    }
    for (size_t i = 0; i < days->count; i++) {
        if (!ask->query.csv)
            text_string(body, i == 0 ? "\n" : ",\n");
        (ask->query.csv ? write_csv : write_json)(&days->days[i], body);
    }
    if (!ask->query.csv)
        text_string(body, "\n]}\n");
}

/* The first of the days that are in the first row's 28, and that row's beginning: rows are
 * of whole days. */
static bool find_first(struct api_ask *ask, int64_t *first_s)
{
    struct calendar_bucket bucket;

    if (!api_settle_range(ask) || !api_find(ask, ask->query.from_s, &bucket))
        return false;
    ask->query.from_s = bucket.start_s < 0 ? 0 : bucket.start_s;
    for (unsigned i = 1; i < windows[MONTHLY].days && bucket.start_s > 0; i++) {
        if (!api_find(ask, bucket.start_s - 1, &bucket))
            return false;
    }
    *first_s = bucket.start_s < 0 ? 0 : bucket.start_s;
    return true;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    struct days days = {.count = 0};
    int64_t first_s;
    bool good;

    if (!find_first(ask, &first_s) ||
        !api_check_rows(ask, ask->query.from_s, ask->query.to_s, LIMIT_API_UNIONS) ||
        !api_roll_up(ask, first_s, ask->query.to_s, false))
        return false;
    days.days = calloc(LIMIT_API_UNIONS + 2, sizeof *days.days);
    if (!days.days)
        return api_no_memory(ask);
    good = fill(ask, &days);
    if (good)
        write_days(ask, &days, body);
    free(days.days);
    return good;
}

const struct api_endpoint api_actives = {
    .path = "/api/v1/actives",
    .file_name = "actives.csv",
    .rules = {.parameters = API_FROM | API_TO | API_TZ | API_STREAM | API_PROFILE | API_FORMAT,
              .by = CALENDAR_DAY},
    .answer = answer};
