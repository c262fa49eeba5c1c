/* /api/v1/uniques: the rows of headcount merge, out of the store. */
#include "api_ask.h"
#include "api_rows.h"
#include "limits.h"

static void write_row(const struct api_ask *ask, const struct rollup_row *row, bool first,
                      struct text *body)
{
    if (ask->query.csv) {
        api_row_csv(body, row, ask->query.by);
        return;
    }
    text_string(body, first ? "\n" : ",\n");
    api_row_json(body, row, ask->query.by);
}

static bool write_rows(struct api_ask *ask, struct text *body)
{
    struct rollup_row row;
    int64_t rows = 0;
    int more;

    while ((more = api_next(ask, &row, false)) == 1) {
        if (!api_check_count(ask, rows, LIMIT_API_ROWS))
            return false;
        write_row(ask, &row, rows == 0, body);
        rows++;
    }
    return more == 0;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    const struct api_query *query = &ask->query;

    if (!api_settle_range(ask) ||
        !api_check_rows(ask, query->from_s, query->to_s, LIMIT_API_ROWS) ||
        !api_roll_up(ask, query->from_s, query->to_s, true))
        return false;
    if (query->csv)
        api_row_csv_head(body);
    return api_write_rows(ask, body, write_rows);
}

const struct api_endpoint api_uniques = {
    .path = "/api/v1/uniques",
    .file_name = "uniques.csv",
    .rules = {.parameters = API_FROM | API_TO | API_BY | API_TZ | API_WEEK_START | API_STREAM |
                            API_PROFILE | API_FORMAT,
              .grains = API_GRAIN(CALENDAR_ALL + 1) - 1,
              .by = CALENDAR_MINUTE},
    .answer = answer};
