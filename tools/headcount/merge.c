/* headcount merge: minutes into hours, days, weeks, months, years.
 *
 * src/rollup does the work; here is what goes in and how rows are written.
 * Every row of JSON and CSV has its instants in UTC, a table for people has
 * them in the zone that was asked for. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "input.h"
#include "limits.h"
#include "options.h"
#include "rollup.h"

static const char merge_epilogue[] =
    "Unites all sketches of a bucket, in whatever order and however often the records\n"
    "come. 'error' is one standard error, 'low' and 'high' enclose the true number in\n"
    "95 of 100 cases. 'minutes' says how many of the bucket's minutes were counted or\n"
    "are known to be empty; 'complete' that these are all, and that the input has been\n"
    "read past them. 'records' prints mergeable records again, one a minute, and needs\n"
    "--by minute.\n"
    "\n"
    "Buckets that were counted and are empty are rows with 0, but for runs of more\n"
    "than 10080 of them, which are named on stderr unless --from or --to is given.\n"
    "T is a Unix time or RFC 3339. An hour of a zone is what shares date, hour and\n"
    "offset: where a clock is changed by half an hour there is one of 30 minutes.\n";

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_RECORDS };
static const char *const format_names[] = {"table", "json", "csv", "records", NULL};

struct merge {
    const char *name; /* what messages begin with */
    int by;
    int week_start;
    const char *zone;
    int64_t from_s, to_s;
    bool from_given, to_given;
    const char *stream;
    int format;
    struct calendar *calendar;
    struct rollup *rollup;
    struct input *input;
    struct text out;
};

static void write_quoted(struct text *out, const char *name, int64_t time_s)
{
    text_string(out, name);
    calendar_text_utc(time_s, out);
    text_char(out, '"');
}

/* Rounded as they are in records, so that the same sketch shows the same. */
static void write_ids(struct text *out, const char *name, double ids)
{
    text_string(out, name);
    text_format(out, "%.0f", ids);
}

static void write_json(const struct merge *merge, const struct rollup_row *row, struct text *out)
{
    write_quoted(out, "{\"start\":\"", row->start_s);
    write_quoted(out, ",\"end\":\"", row->end_s);
    text_format(out, ",\"by\":\"%s\",\"group\":", calendar_grain_names[merge->by]);
    text_string(out, row->group);
    write_ids(out, ",\"uniques\":", round(row->estimate.value));
    write_ids(out, ",\"low\":", floor(row->estimate.low));
    write_ids(out, ",\"high\":", ceil(row->estimate.high));
    text_string(out, ",\"error\":");
    text_json_double(out, row->estimate.error, 3);
    text_format(out, ",\"minutes\":%" PRIu64 ",\"complete\":%s,\"additive\":false}\n",
                row->minutes, row->state == ROLLUP_COMPLETE ? "true" : "false");
}

static void write_csv(const struct merge *merge, const struct rollup_row *row, struct text *out)
{
    calendar_text_utc(row->start_s, out);
    text_char(out, ',');
    calendar_text_utc(row->end_s, out);
    text_format(out, ",%s,\"", calendar_grain_names[merge->by]);
    for (const char *c = row->group; *c; c++) {
        if (*c == '"')
            text_char(out, '"');
        text_char(out, *c);
    }
    write_ids(out, "\",", round(row->estimate.value));
    write_ids(out, ",", floor(row->estimate.low));
    write_ids(out, ",", ceil(row->estimate.high));
    text_char(out, ',');
    text_json_double(out, row->estimate.error, 3);
    text_format(out, ",%" PRIu64 ",%s\n", row->minutes,
                row->state == ROLLUP_COMPLETE ? "true" : "false");
}

static void write_table(const struct merge *merge, const struct rollup_row *row, struct text *out)
{
    size_t begin = out->size;

    calendar_text_local(merge->calendar, row->start_s, out);
    text_format(out, "%*s", begin + 28 > out->size ? (int)(begin + 28 - out->size) : 1, "");
    text_format(out, "%12.0f %12.0f .. %-12.0f %8" PRIu64 "  %s", round(row->estimate.value),
                floor(row->estimate.low), ceil(row->estimate.high), row->minutes,
                rollup_state_name(row->state));
    if (strcmp(row->group, "{}") != 0)
        text_format(out, "  %s", row->group);
    text_char(out, '\n');
}

static void write_head(const struct merge *merge, struct text *out)
{
    char title[80];

    if (merge->format == FORMAT_CSV)
        text_string(out, "start,end,by,group,uniques,low,high,error,minutes,complete\n");
    if (merge->format != FORMAT_TABLE)
        return;
    snprintf(title, sizeof title, "%s (%s)", calendar_grain_names[merge->by], merge->zone);
    text_format(out, "%-28s%12s %28s %8s  %s\n", title, "uniques", "95 % interval       ",
                "minutes", "state");
}

/* Writes what is in `out` and empties it. */
static bool print_out(struct merge *merge)
{
    if (merge->out.failed) {
        fprintf(stderr, "%s: out of memory\n", merge->name);
        return false;
    }
    if (merge->out.size)
        fwrite(merge->out.bytes, 1, merge->out.size, stdout);
    text_clear(&merge->out);
    return ferror(stdout) == 0;
}

static void name_left_out(const struct merge *merge)
{
    struct rollup_left_out left_out = rollup_left_out(merge->rollup);
    struct text text = {0};

    if (left_out.runs == 0)
        return;
    calendar_text_utc(left_out.start_s, &text);
    text_string(&text, " to ");
    calendar_text_utc(left_out.end_s, &text);
    fprintf(stderr, "%s: %" PRIu64 " run%s of more than %d rows without users left out, the longest "
            "from %s; --from and --to show all\n", merge->name, left_out.runs,
            left_out.runs == 1 ? "" : "s", LIMIT_ZERO_ROWS, text.failed ? "?" : text.bytes);
    text_free(&text);
}

static bool print_rows(struct merge *merge)
{
    struct rollup_row row;
    int more;

    write_head(merge, &merge->out);
    while ((more = rollup_next(merge->rollup, &row)) > 0) {
        if (merge->format == FORMAT_JSON)
            write_json(merge, &row, &merge->out);
        else if (merge->format == FORMAT_CSV)
            write_csv(merge, &row, &merge->out);
        else
            write_table(merge, &row, &merge->out);
        if (!print_out(merge))
            return false;
    }
    if (more < 0)
        fprintf(stderr, "%s: %s\n", merge->name, rollup_error(merge->rollup));
    name_left_out(merge);
    return more == 0 && print_out(merge);
}

static bool print_line(void *context, const char *bytes, size_t size)
{
    (void)context;
    fwrite(bytes, 1, size, stdout);
    putchar('\n');
    return ferror(stdout) == 0;
}

static bool print_records(struct merge *merge)
{
    if (merge->from_given || merge->to_given)
        fprintf(stderr, "%s: minutes are cut off, so there are no checkpoints\n", merge->name);
    if (rollup_archive(merge->rollup, print_line, NULL))
        return true;
    if (!ferror(stdout))
        fprintf(stderr, "%s: %s\n", merge->name, rollup_error(merge->rollup));
    return false;
}

/* False when nothing further can be read into the roll-up. */
static bool read_records(struct merge *merge)
{
    struct record record;

    while (input_record(merge->input, &record)) {
        switch (rollup_add(merge->rollup, &record)) {
        case ROLLUP_TAKEN:
        case ROLLUP_OTHER_STREAM:
            break;
        case ROLLUP_REFUSED:
            input_refuse(merge->input, rollup_error(merge->rollup));
            break;
        case ROLLUP_FAILED:
            fprintf(stderr, "%s: %s\n", merge->name, rollup_error(merge->rollup));
            return false;
        }
    }
    if (rollup_finish(merge->rollup))
        return true;
    fprintf(stderr, "%s: %s\n", merge->name, rollup_error(merge->rollup));
    return false;
}

static void name_streams(const struct merge *merge, const char *what)
{
    const char *const *names;
    size_t count = rollup_streams(merge->rollup, &names);

    fprintf(stderr, "%s: %s", merge->name, what);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s '%s'", i ? "," : "", names[i]);
    fprintf(stderr, "%s\n", count == ROLLUP_STREAMS_MAX ? ", and maybe others" : "");
}

/* Whether the rows are about one stream that is there. */
static int check_streams(const struct merge *merge)
{
    const char *const *names;
    size_t count = rollup_streams(merge->rollup, &names);

    if (!merge->stream && count > 1) {
        name_streams(merge, "there are several streams, choose one with --stream:");
        return EXIT_USAGE;
    }
    for (size_t i = 0; merge->stream && i < count; i++) {
        if (strcmp(names[i], merge->stream) == 0)
            return EXIT_DONE;
    }
    /* A name beyond those that are kept can't be told from a missing one. */
    if (!merge->stream || count == 0 || count == ROLLUP_STREAMS_MAX)
        return EXIT_DONE;
    name_streams(merge, "no record is of the stream that --stream names; there are:");
    return EXIT_FAILED;
}

static int merge_run(struct merge *merge)
{
    int code;

    if (!read_records(merge))
        return EXIT_FAILED;
    code = check_streams(merge);
    if (code != EXIT_DONE)
        return code;
    if (!(merge->format == FORMAT_RECORDS ? print_records(merge) : print_rows(merge)))
        return EXIT_FAILED;
    return EXIT_DONE;
}

/* Everything that a run needs; false with a message. */
static bool merge_open(struct merge *merge, const struct args_list *files, int *code)
{
    struct calendar_options calendar = {.grain = (enum calendar_grain)merge->by,
                                        .week_start = (enum calendar_week)merge->week_start,
                                        .zone = merge->zone};
    struct rollup_options rollup = {.stream = merge->stream,
                                    .from_s = merge->from_s,
                                    .to_s = merge->to_s,
                                    .from_given = merge->from_given,
                                    .to_given = merge->to_given,
                                    .archive = merge->format == FORMAT_RECORDS};
    struct input_options input = {
        .command = merge->name, .paths = files->items, .count = files->count};
    char error[256];

    merge->calendar = calendar_create(&calendar, error, sizeof error);
    if (!merge->calendar) {
        fprintf(stderr, "%s: --tz: %s\n", merge->name, error);
        *code = EXIT_USAGE;
        return false;
    }
    rollup.calendar = merge->calendar;
    merge->rollup = rollup_create(&rollup);
    merge->input = input_create(&input);
    if (merge->rollup && merge->input)
        return true;
    fprintf(stderr, "%s: out of memory\n", merge->name);
    *code = EXIT_FAILED;
    return false;
}

static int merge_files(struct merge *merge, const struct args_list *files)
{
    int code = EXIT_DONE;

    if (merge->from_given && merge->to_given && merge->from_s >= merge->to_s) {
        fprintf(stderr, "%s: --from must lie before --to\n", merge->name);
        return EXIT_USAGE;
    }
    if (merge->format == FORMAT_RECORDS && merge->by != CALENDAR_MINUTE) {
        fprintf(stderr, "%s: --format records holds minutes, so it needs --by minute\n",
                merge->name);
        return EXIT_USAGE;
    }
    if (merge_open(merge, files, &code))
        code = merge_run(merge);
    if (input_close(&merge->input) != EXIT_DONE && code == EXIT_DONE)
        code = EXIT_FAILED;
    text_free(&merge->out);
    rollup_destroy(&merge->rollup);
    calendar_destroy(&merge->calendar);
    return code;
}

int command_merge(int argc, char **argv)
{
    bool help = false, format_given = false;
    struct merge merge = {.name = "headcount merge",
                          .by = CALENDAR_MINUTE,
                          .zone = "UTC",
                          .to_s = LIMIT_TIME_S + 1};
    const struct args_option options[] = {
        {.name = "by", .kind = ARGS_CHOICE, .value = &merge.by, .choices = calendar_grain_names,
         .argument = "GRAIN",
         .help = "minute (default), hour, day, week, month, year or all"},
        {.name = "tz", .kind = ARGS_STRING, .value = &merge.zone, .argument = "ZONE",
         .help = "whose hours and days, such as Europe/Zurich (default UTC)"},
        {.name = "week-start", .kind = ARGS_CHOICE, .value = &merge.week_start,
         .choices = calendar_week_names, .argument = "DAY",
         .help = "monday (default), sunday or saturday"},
        {.name = "from", .kind = ARGS_TIME, .value = &merge.from_s, .argument = "T",
         .help = "only minutes that begin at T or later", .given = &merge.from_given},
        {.name = "to", .kind = ARGS_TIME, .value = &merge.to_s, .argument = "T",
         .help = "only minutes that begin before T", .given = &merge.to_given},
        {.name = "stream", .kind = ARGS_STRING, .value = &merge.stream, .argument = "NAME",
         .help = "whose records, where there are several streams"},
        {.name = "format", .kind = ARGS_CHOICE, .value = &merge.format, .choices = format_names,
         .argument = "F",
         .help = "table (default on a terminal), json (otherwise), csv or\nrecords",
         .given = &format_given},
        OPTIONS_HELP(&help),
        {.name = NULL}};
    const struct args_program program = {
        .name = merge.name, .usage = "headcount merge [OPTION]... [FILE]...",
        .epilogue = merge_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    int code;

    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    if (!format_given)
        merge.format = isatty(STDOUT_FILENO) ? FORMAT_TABLE : FORMAT_JSON;
    code = merge_files(&merge, &files);
    args_destroy(&args);
    return code;
}
