#include "api_rows.h"

#include <inttypes.h>
#include <math.h>

/* The minutes since 1970 that begin in a bucket: some zones' days once began between two. */
static int64_t minutes_of(const struct rollup_row *row)
{
    int64_t start_s = row->start_s < 0 ? 0 : row->start_s;

    return (row->end_s + 59) / 60 - (start_s + 59) / 60;
}

const char *api_bool(bool yes)
{
    return yes ? "true" : "false";
}

void api_write_times(struct text *text, int64_t start_s, int64_t end_s)
{
    text_string(text, "\"start\":\"");
    calendar_text_utc(start_s, text);
    text_string(text, "\",\"end\":\"");
    calendar_text_utc(end_s, text);
    text_char(text, '"');
}

void api_write_estimate(struct text *text, const struct hc_estimate *estimate)
{
    text_format(text, "\"uniques\":%.0f,\"low\":%.0f,\"high\":%.0f,\"error\":",
                round(estimate->value), floor(estimate->low), ceil(estimate->high));
    text_json_double(text, estimate->error, 3);
}

void api_row_json(struct text *text, const struct rollup_row *row, enum calendar_grain by)
{
    text_char(text, '{');
    api_write_times(text, row->start_s, row->end_s);
    text_format(text, ",\"by\":\"%s\",\"group\":", calendar_grain_names[by]);
    text_string(text, row->group);
    text_char(text, ',');
    api_write_estimate(text, &row->estimate);
    text_format(text, ",\"minutes\":%" PRIu64 ",\"of\":%" PRId64 ",\"late\":%" PRIu64 ","
                "\"complete\":%s,\"state\":\"%s\",\"additive\":false}", row->minutes,
                minutes_of(row), row->late,
                api_bool(row->state == ROLLUP_COMPLETE), rollup_state_name(row->state));
}

void api_write_csv_times(struct text *text, int64_t start_s, int64_t end_s)
{
    calendar_text_utc(start_s, text);
    text_char(text, ',');
    calendar_text_utc(end_s, text);
}

void api_write_csv_estimate(struct text *text, const struct hc_estimate *estimate)
{
    text_format(text, ",%.0f,%.0f,%.0f,", round(estimate->value), floor(estimate->low),
                ceil(estimate->high));
    text_json_double(text, estimate->error, 3);
}

void api_row_csv_head(struct text *text)
{
    text_string(text, "start,end,by,group,uniques,low,high,error,minutes,of,late,complete,"
                      "state,additive\n");
}

void api_row_csv(struct text *text, const struct rollup_row *row, enum calendar_grain by)
{
    api_write_csv_times(text, row->start_s, row->end_s);
    text_format(text, ",%s,\"", calendar_grain_names[by]);
    for (const char *c = row->group; *c; c++) {
        if (*c == '"')
            text_char(text, '"');
        text_char(text, *c);
    }
    text_char(text, '"');
    api_write_csv_estimate(text, &row->estimate);
    text_format(text, ",%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%s,%s,false\n", row->minutes,
                minutes_of(row), row->late,
                api_bool(row->state == ROLLUP_COMPLETE), rollup_state_name(row->state));
}
