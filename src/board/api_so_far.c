/* /api/v1/so-far: users of a day from its beginning to the end of each of its minutes or
 * hours. */
#include "actives.h"
#include "api_ask.h"
#include "api_rows.h"
#include "limits.h"

/* The local day around query.day_s: query.by are minutes or hours. */
static bool find_day(struct api_ask *ask, struct calendar_bucket *day)
{
    const struct calendar_options options = {.grain = CALENDAR_DAY, .zone = ask->query.zone};
    char error[256];
    struct calendar *calendar = calendar_create(&options, error, sizeof error);
    bool found;

    if (!calendar)
        return api_no_memory(ask);
    found = calendar_find(calendar, ask->query.day_s, day);
    calendar_destroy(&calendar);
    if (day->start_s < 0)
        day->start_s = 0;
    if (day->end_s > LIMIT_TIME_S)
        day->end_s = LIMIT_TIME_S;
    return found || api_no_memory(ask);
}

static void write_row(const struct api_ask *ask, const struct calendar_bucket *day,
                      const struct actives_row *row, bool first, struct text *body)
{
    bool complete = row->complete && row->start_s == day->start_s;

    if (ask->query.csv) {
        api_write_csv_times(body, day->start_s, row->end_s);
        api_write_csv_estimate(body, &row->estimate);
        text_format(body, ",%s,false\n", api_bool(complete));
        return;
    }
    text_string(body, first ? "\n{" : ",\n{");
    api_write_times(body, day->start_s, row->end_s);
    text_char(body, ',');
    api_write_estimate(body, &row->estimate);
    text_format(body, ",\"complete\":%s,\"additive\":false}", api_bool(complete));
}

static bool write_rows(struct api_ask *ask, const struct calendar_bucket *day, struct text *body)
{
    struct actives *actives = actives_so_far(ask->rollup);
    struct actives_row row;
    bool first = true;
    int more;

    if (!actives)
        return api_no_memory(ask);
    while ((more = actives_next(actives, &row)) == 1 && api_in_time(ask)) {
        write_row(ask, day, &row, first, body);
        first = false;
    }
    actives_destroy(&actives);
    if (more < 0)
        api_no_memory(ask);
    return more == 0;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    struct calendar_bucket day;
    int64_t to_s;

    if (!find_day(ask, &day))
        return false;
    to_s = day.end_s < ask->query.to_s ? day.end_s : ask->query.to_s;
    ask->query.from_s = day.start_s;
    ask->query.to_s = to_s > day.start_s ? to_s : day.end_s;
    if (!api_roll_up(ask, ask->query.from_s, ask->query.to_s, false))
        return false;
    if (ask->query.csv) {
        text_string(body, "start,end,uniques,low,high,error,complete,additive\n");
        return write_rows(ask, &day, body);
    }
    api_write_head(ask, body);
    text_string(body, ",\"rows\":[");
    if (!write_rows(ask, &day, body))
        return false;
    text_string(body, "\n]}\n");
    return true;
}

const struct api_endpoint api_so_far = {
    .path = "/api/v1/so-far",
    .file_name = "so-far.csv",
    .rules = {.parameters = API_DAY | API_BY | API_TZ | API_STREAM | API_PROFILE | API_FORMAT,
              .grains = API_GRAIN(CALENDAR_MINUTE) | API_GRAIN(CALENDAR_HOUR),
              .by = CALENDAR_HOUR},
    .answer = answer};
