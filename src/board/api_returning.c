/* /api/v1/returning: of the users of each bucket, how many were there in an earlier one
 * since `from`, and how many were not. By the joint estimator, and refused where it has
 * nothing to say: new users are few beside all that were there before. */
#include "api_ask.h"
#include "api_rows.h"
#include "api_share.h"
#include "limits.h"

struct walk {
    struct hc_sketch *before; /* all users up to the row; NULL: none */
    int64_t end_s;            /* of the last row */
    bool complete;            /* nothing is missing up to there */
    int64_t rows;
};

struct row {
    const struct rollup_row *of;
    struct api_part fresh, returning;
    bool complete;
};

static bool unite(struct hc_sketch **into, const struct hc_sketch *sketch)
{
    if (!sketch)
        return true;
    return (*into ? hc_sketch_union(*into, sketch, NULL) : hc_sketch_copy(sketch, into)) == HC_OK;
}

static void write_json(const struct api_ask *ask, const struct row *row, struct text *body)
{
    text_char(body, '{');
    api_write_times(body, row->of->start_s, row->of->end_s);
    text_format(body, ",\"by\":\"%s\",", calendar_grain_names[ask->query.by]);
    api_write_estimate(body, &row->of->estimate);
    text_string(body, ",\"new\":");
    api_part_json(body, &row->fresh);
    text_string(body, ",\"returning\":");
    api_part_json(body, &row->returning);
    text_format(body, ",\"complete\":%s,\"additive\":false}", api_bool(row->complete));
}

static void write_csv(const struct api_ask *ask, const struct row *row, struct text *body)
{
    api_write_csv_times(body, row->of->start_s, row->of->end_s);
    text_format(body, ",%s", calendar_grain_names[ask->query.by]);
    api_write_csv_estimate(body, &row->of->estimate);
    api_part_csv(body, &row->fresh);
    api_part_csv(body, &row->returning);
    text_format(body, ",%s,false\n", api_bool(row->complete));
}

static bool write_row(struct api_ask *ask, struct walk *walk, const struct rollup_row *of,
                      struct text *body)
{
    struct row row = {.of = of};

    if (!api_check_count(ask, walk->rows, LIMIT_API_OVERLAPS))
        return false;
    if (!api_part_only(of->sketch, walk->before, &row.fresh) ||
        !api_part_both(of->sketch, walk->before, &row.returning) ||
        !unite(&walk->before, of->sketch))
        return api_no_memory(ask);
    walk->complete = walk->complete && of->start_s <= walk->end_s &&
                     of->state == ROLLUP_COMPLETE;
    walk->end_s = of->end_s;
    row.complete = walk->complete;
    if (!ask->query.csv)
        text_string(body, walk->rows == 0 ? "\n" : ",\n");
    (ask->query.csv ? write_csv : write_json)(ask, &row, body);
    walk->rows++;
    return true;
}

static bool write_rows(struct api_ask *ask, struct text *body)
{
    struct walk walk = {.end_s = ask->query.from_s, .complete = true};
    struct rollup_row row;
    int more;

    while ((more = api_next(ask, &row, true)) == 1) {
        if (!write_row(ask, &walk, &row, body))
            break;
    }
    hc_sketch_destroy(&walk.before);
    return more == 0;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    const struct api_query *query = &ask->query;

    if (!api_settle_range(ask) ||
        !api_check_rows(ask, query->from_s, query->to_s, LIMIT_API_OVERLAPS) ||
        !api_roll_up(ask, query->from_s, query->to_s, false))
        return false;
    if (query->csv)
        text_string(body, "start,end,by,uniques,low,high,error,new,new_low,new_high,returning,"
                          "returning_low,returning_high,complete,additive\n");
    return api_write_rows(ask, body, write_rows);
}

const struct api_endpoint api_returning = {
    .path = "/api/v1/returning",
    .file_name = "returning.csv",
    .rules = {.parameters = API_FROM | API_TO | API_BY | API_TZ | API_WEEK_START | API_STREAM |
                            API_PROFILE | API_FORMAT,
              .grains = API_GRAIN(CALENDAR_DAY) | API_GRAIN(CALENDAR_WEEK) |
                        API_GRAIN(CALENDAR_MONTH),
              .by = CALENDAR_DAY},
    .answer = answer};
