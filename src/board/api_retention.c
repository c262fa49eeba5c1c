/* /api/v1/retention: of the users of one day, week or month (the cohort), how many are
 * there in each later one. By the joint estimator, and refused where it has nothing to
 * say. */
#include "api_ask.h"
#include "api_rows.h"
#include "api_share.h"
#include "limits.h"

struct cohort {
    bool known;               /* something is, if only that it has no users */
    int64_t start_s, end_s;
    struct hc_estimate estimate;
    struct hc_sketch *sketch; /* owned; NULL: it has no users */
    bool complete;
};

struct row {
    const struct rollup_row *of;
    int period;               /* so many buckets after the cohort's */
    struct api_part retained;
    struct api_share share;
    bool complete;
};

/* The first row, if it is the cohort's. */
static bool take_cohort(struct api_ask *ask, struct cohort *cohort)
{
    struct rollup_row row;
    int more = api_next(ask, &row, true);

    if (more < 0)
        return false;
    if (more == 0 || row.start_s != ask->query.from_s)
        return true;
    *cohort = (struct cohort){.known = true, .start_s = row.start_s,
                              .end_s = row.end_s, .estimate = row.estimate,
                              .complete = row.state == ROLLUP_COMPLETE};
    if (row.sketch && hc_sketch_copy(row.sketch, &cohort->sketch) != HC_OK)
        return api_no_memory(ask);
    return true;
}

static void write_json(const struct api_ask *ask, const struct row *row, struct text *body)
{
    text_char(body, '{');
    api_write_times(body, row->of->start_s, row->of->end_s);
    text_format(body, ",\"by\":\"%s\",\"period\":%d,", calendar_grain_names[ask->query.by],
                row->period);
    api_write_estimate(body, &row->of->estimate);
    text_string(body, ",\"retained\":");
    api_part_json(body, &row->retained);
    text_string(body, ",\"share\":");
    api_share_json(body, &row->share);
    text_format(body, ",\"complete\":%s,\"additive\":false}", api_bool(row->complete));
}

static void write_csv(const struct api_ask *ask, const struct row *row, struct text *body)
{
    api_write_csv_times(body, row->of->start_s, row->of->end_s);
    text_format(body, ",%s,%d", calendar_grain_names[ask->query.by], row->period);
    api_write_csv_estimate(body, &row->of->estimate);
    api_part_csv(body, &row->retained);
    api_share_csv(body, &row->share);
    text_format(body, ",%s,false\n", api_bool(row->complete));
}

static bool fill_row(struct api_ask *ask, const struct cohort *cohort, struct row *row)
{
    if (!api_part_both(cohort->sketch, row->of->sketch, &row->retained))
        return api_no_memory(ask);
    row->share.known = false;
    if (!row->retained.refused)
        row->share = api_share_of(&row->retained.estimate, &cohort->estimate);
    row->complete = cohort->complete && row->of->state == ROLLUP_COMPLETE;
    return true;
}

/* Moves *at_s, where a bucket begins, to `start_s`, where a later one does; how many it
 * is away, or -1. */
static int count_buckets(struct api_ask *ask, int64_t *at_s, int64_t start_s)
{
    struct calendar_bucket bucket;
    int count = 0;

    for (; *at_s < start_s; count++) {
        if (!api_find(ask, *at_s, &bucket))
            return -1;
        *at_s = bucket.end_s;
    }
    return count;
}

static bool write_rows(struct api_ask *ask, const struct cohort *cohort, struct text *body)
{
    struct rollup_row of;
    struct row row = {.of = &of};
    int64_t at_s = cohort->start_s;
    int more = 0, passed, rows = 0;

    while (cohort->known && (more = api_next(ask, &of, true)) == 1) {
        passed = count_buckets(ask, &at_s, of.start_s);
        row.period += passed;
        if (passed < 0 || !api_check_count(ask, rows, LIMIT_API_OVERLAPS) ||
            !fill_row(ask, cohort, &row))
            return false;
        if (!ask->query.csv)
            text_string(body, rows == 0 ? "\n" : ",\n");
        (ask->query.csv ? write_csv : write_json)(ask, &row, body);
        rows++;
    }
    return more == 0;
}

static void write_cohort(const struct cohort *cohort, struct text *body)
{
    if (!cohort->known) {
        text_string(body, "null");
        return;
    }
    text_char(body, '{');
    api_write_times(body, cohort->start_s, cohort->end_s);
    text_char(body, ',');
    api_write_estimate(body, &cohort->estimate);
    text_format(body, ",\"complete\":%s}", api_bool(cohort->complete));
}

static bool write_answer(struct api_ask *ask, const struct cohort *cohort, struct text *body)
{
    if (ask->query.csv) {
        text_string(body, "start,end,by,period,uniques,low,high,error,retained,retained_low,"
                          "retained_high,share,share_low,share_high,complete,additive\n");
        return write_rows(ask, cohort, body);
    }
    api_write_head(ask, body);
    text_string(body, ",\"cohort\":");
    write_cohort(cohort, body);
    text_string(body, ",\"rows\":[");
    if (!write_rows(ask, cohort, body))
        return false;
    text_string(body, "\n]}\n");
    return true;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    struct api_query *query = &ask->query;
    struct cohort cohort = {.sketch = NULL};
    struct calendar_bucket bucket;
    bool good;

    if (!api_find(ask, query->cohort_s, &bucket))
        return false;
    query->from_s = bucket.start_s < 0 ? 0 : bucket.start_s;
    if (query->to_s <= query->from_s)
        return api_fail(&ask->problem, 400, query->given & API_TO ? "to" : "cohort",
                        "the cohort's %s begins after to", calendar_grain_names[query->by]);
    if (!api_check_rows(ask, query->from_s, query->to_s, LIMIT_API_OVERLAPS) ||
        !api_roll_up(ask, query->from_s, query->to_s, false))
        return false;
    good = take_cohort(ask, &cohort) && write_answer(ask, &cohort, body);
    hc_sketch_destroy(&cohort.sketch);
    return good;
}

const struct api_endpoint api_retention = {
    .path = "/api/v1/retention",
    .file_name = "retention.csv",
    .rules = {.parameters = API_TO | API_BY | API_TZ | API_WEEK_START | API_STREAM |
                            API_PROFILE | API_FORMAT | API_COHORT,
              .required = API_COHORT,
              .grains = API_GRAIN(CALENDAR_DAY) | API_GRAIN(CALENDAR_WEEK) |
                        API_GRAIN(CALENDAR_MONTH),
              .by = CALENDAR_DAY},
    .answer = answer};
