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
#include "limits.h"
#include "options.h"
#include "rows.h"
#include "shown.h"

static const char merge_epilogue[] =
    "Unites all sketches of a bucket, in whatever order and however often the records\n"
    "come. 'error' is one standard error, 'low' and 'high' enclose the true number in\n"
    "95 of 100 cases. 'minutes' says how many of the bucket's minutes were counted or\n"
    "are known to be empty; 'complete' that these are all, and that the input has been\n"
    "read past them. 'records' prints mergeable records again, one a minute, and needs\n"
    "--by minute.\n"
    "\n"
    "Sketches of different profiles don't meet: rows are of one profile, and minutes\n"
    "that some run counted in others only are not complete. 'records' keeps all\n"
    "profiles, unless --profile names one.\n"
    "\n"
    "Buckets that were counted and are empty are rows with 0, but for runs of more\n"
    "than 10080 of them, which are named on stderr unless --from or --to is given.\n"
    "FILEs may be gzip or zstd. Where one is damaged or cut off, its lines before that\n"
    "count, the place is named on stderr, and the exit code is 1.\n"
    "\n"
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
    int profile;
    int format;
    int64_t threads;
    struct rows rows;
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

    calendar_text_local(merge->rows.calendar, row->start_s, out);
    text_format(out, "%*s", begin + 28 > out->size ? (int)(begin + 28 - out->size) : 1, "");
    text_format(out, "%12.0f %12.0f .. %-12.0f %8" PRIu64 "  %s", round(row->estimate.value),
                floor(row->estimate.low), ceil(row->estimate.high), row->minutes,
                rollup_state_name(row->state));
    if (strcmp(row->group, "{}") != 0) {
        text_string(out, "  ");
        text_shown(out, row->group, strlen(row->group));
    }
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
        say("%s: out of memory\n", merge->name);
        return false;
    }
    if (merge->out.size)
        fwrite(merge->out.bytes, 1, merge->out.size, stdout);
    text_clear(&merge->out);
    return ferror(stdout) == 0;
}

static void name_left_out(const struct merge *merge)
{
    struct rollup_left_out left_out = rollup_left_out(merge->rows.rollup);
    struct text text = {0};

    if (left_out.runs == 0)
        return;
    calendar_text_utc(left_out.start_s, &text);
    text_string(&text, " to ");
    calendar_text_utc(left_out.end_s, &text);
    say("%s: %" PRIu64 " run%s of more than %d rows without users left out, "
        "the longest from %s; --from and --to show all\n", merge->name, left_out.runs,
        left_out.runs == 1 ? "" : "s", LIMIT_ZERO_ROWS, text.failed ? "?" : text.bytes);
    text_free(&text);
}

static bool print_rows(struct merge *merge)
{
    struct rollup_row row;
    int more;

    write_head(merge, &merge->out);
    while ((more = rollup_next(merge->rows.rollup, &row)) > 0) {
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
        say("%s: %s\n", merge->name, rollup_error(merge->rows.rollup));
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
    if (!rollup_archive_covers(merge->rows.rollup))
        say("%s: minutes are %s, so there are no checkpoints\n", merge->name,
            merge->from_given || merge->to_given ? "cut off"
                                                 : "counted in other profiles, too");
    if (rollup_archive(merge->rows.rollup, print_line, NULL))
        return true;
    if (!ferror(stdout))
        say("%s: %s\n", merge->name, rollup_error(merge->rows.rollup));
    return false;
}

static int merge_run(struct merge *merge, const struct args_list *files)
{
    struct rows_options options = {
        .name = merge->name,
        .calendar = {.grain = (enum calendar_grain)merge->by,
                     .week_start = (enum calendar_week)merge->week_start,
                     .zone = merge->zone},
        .rollup = {.stream = merge->stream,
                   .profile = options_profile(merge->profile),
                   .from_s = merge->from_s,
                   .to_s = merge->to_s,
                   .from_given = merge->from_given,
                   .to_given = merge->to_given,
                   .archive = merge->format == FORMAT_RECORDS},
        .files = files,
        .threads = merge->threads};
    int code = rows_open(&merge->rows, &options);

    if (code == EXIT_DONE &&
        !(merge->format == FORMAT_RECORDS ? print_records(merge) : print_rows(merge)))
        code = EXIT_FAILED;
    text_free(&merge->out);
    return rows_close(&merge->rows, code);
}

/* What single options can't tell. */
static bool check_options(const struct merge *merge)
{
    if (merge->from_given && merge->to_given && merge->from_s >= merge->to_s) {
        say("%s: --from must lie before --to\n", merge->name);
        return false;
    }
    if (merge->format == FORMAT_RECORDS && merge->by != CALENDAR_MINUTE) {
        say("%s: --format records holds minutes, so it needs --by minute\n",
            merge->name);
        return false;
    }
    return true;
}

int command_merge(int argc, char **argv)
{
    bool help = false, format_given = false;
    struct merge merge = {.name = "headcount merge",
                          .by = CALENDAR_MINUTE,
                          .zone = "UTC",
                          .profile = OPTIONS_PROFILE_NONE,
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
        OPTIONS_PROFILE(&merge.profile),
        {.name = "format", .kind = ARGS_CHOICE, .value = &merge.format, .choices = format_names,
         .argument = "F",
         .help = "table (default on a terminal), json (otherwise), csv or records",
         .given = &format_given},
        OPTIONS_THREADS(&merge.threads),
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
    code = check_options(&merge) ? merge_run(&merge, &files) : EXIT_USAGE;
    args_destroy(&args);
    return code;
}
