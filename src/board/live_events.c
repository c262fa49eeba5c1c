#include "live_events.h"

#include <string.h>

#include "api_rows.h"
#include "limits.h"
#include "rollup.h"

static void write_stream(struct text *text, const char *event, const char *stream)
{
    text_format(text, "event: %s\ndata: {\"stream\":", event);
    text_json_string(text, stream, strlen(stream));
}

void live_write_changed(struct text *text, const char *stream, int64_t from_s, int64_t to_s)
{
    write_stream(text, "changed", stream);
    text_string(text, ",\"from\":\"");
    text_utc(text, from_s);
    text_string(text, "\",\"to\":\"");
    text_utc(text, to_s <= LIMIT_TIME_S ? to_s : LIMIT_TIME_S);
    text_string(text, "\"}\n\n");
}

struct writing {
    struct text *text;
    struct store_reader *reader;
    struct calendar *calendar;
    const char *stream;
    size_t rows;
};

static void write_row(struct writing *writing, const struct rollup *rollup,
                      const struct rollup_row *row)
{
    struct text *text = writing->text;

    if (writing->rows++ > 0) {
        text_char(text, ',');
    } else {
        write_stream(text, "rows", writing->stream);
        if (rollup_profile(rollup))
            text_format(text, ",\"profile\":\"%s\"", hc_profile_name(rollup_profile(rollup)));
        text_string(text, ",\"by\":\"minute\",\"rows\":[");
    }
    api_row_json(text, row, CALENDAR_MINUTE);
}

static bool write_range(struct writing *writing, const struct live_range *range)
{
    const struct rollup_options options = {
        .calendar = writing->calendar, .stream = writing->stream, .from_s = range->from_s,
        .to_s = range->to_s, .from_given = true, .to_given = true, .numbers = true};
    struct rollup *rollup = store_roll_up(writing->reader, &options);
    struct rollup_row row;
    int more = -1;

    while (rollup && (more = rollup_next(rollup, &row)) == 1)
        write_row(writing, rollup, &row);
    rollup_destroy(&rollup);
    return more == 0;
}

bool live_write_rows(struct text *text, struct store_reader *reader, const char *stream,
                     const struct live_answer *answer)
{
    const struct calendar_options by = {.grain = CALENDAR_MINUTE};
    char error[256];
    size_t size = text->size;
    struct writing writing = {text, reader, calendar_create(&by, error, sizeof error), stream, 0};
    bool done = writing.calendar != NULL;

    for (size_t i = 0; done && i < answer->count; i++)
        done = write_range(&writing, &answer->ranges[i]);
    if (done && writing.rows > 0)
        text_string(text, "]}\n\n");
    if (!done && !text->failed && text->bytes) {
        text->size = size;
        text->bytes[size] = '\0';
    }
    calendar_destroy(&writing.calendar);
    return done;
}
