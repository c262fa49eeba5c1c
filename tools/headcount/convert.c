/* headcount convert: rows as sketches in the bytes of an engine, or our own.
 *
 * A row is a bucket of the roll-up, as in merge, but for those without users:
 * what is not there counts as 0 in every engine.
 *
 * A Redis string has a place for its own count, which PFCOUNT trusts until an
 * id or another string is added. We put `uniques` there: while a sketch of ours
 * is sparse that is within 0.02 %, where the 2^14 registers, which are all that
 * Redis can look at, say it within 0.8 %; and no one gets to see two numbers
 * for the same minute. Of dense sketches both are the same number. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "headcount/codec.h"
#include "headcount/foreign.h"
#include "limits.h"
#include "options.h"
#include "rows.h"

static const char convert_epilogue[] =
    "Prints a line a row: its start in Unix seconds, a tab, its group as JSON ({} is\n"
    "the total), a tab, the sketch's bytes. Rows without users are left out. raw\n"
    "prints the bytes of a single row as they are.\n"
    "redis: what SET stores and PFCOUNT and PFMERGE read. It has 2^14 registers, so a\n"
    "sketch of lower precision can't be converted. PFCOUNT answers 'uniques' as merge\n"
    "prints it. Once something is added Redis counts anew, from registers alone: of\n"
    "few users, where ours was exact to 0.02 %, it then knows no more than 0.8 %.\n"
    "native: the form that docs/FORMAT.md describes.\n";

/* Counts from here on would look stale, and are left so. */
#define COUNT_MAX 9.2e18

enum engine { ENGINE_REDIS, ENGINE_NATIVE };
static const char *const engine_names[] = {"redis", "native", NULL};
enum format { FORMAT_HEX, FORMAT_BASE64, FORMAT_RAW };
static const char *const format_names[] = {"hex", "base64", "raw", NULL};

struct convert {
    const char *name; /* what messages begin with */
    int engine, format;
    struct rows rows;
    unsigned char *bytes;    /* grows to the largest sketch */
    size_t room;
    struct text out;
};

/* The count that PFCOUNT answers, little-endian in bytes 8 to 15; the top bit
 * would say that it is stale. */
static void write_count(const struct rollup_row *row, unsigned char *bytes)
{
    uint64_t count = (uint64_t)llround(row->estimate.value);
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (unsigned char)(count >> (8 * i));
}

/* The row's bytes into convert->bytes. */
static enum hc_status encode(struct convert *convert, const struct rollup_row *row, size_t *size)
{
    bool redis = convert->engine == ENGINE_REDIS;
    size_t room = redis ? HC_REDIS_SIZE_MAX : hc_encode_size_max(row->sketch);
    if (room > convert->room) {
        unsigned char *larger = realloc(convert->bytes, room);
        if (!larger)
            return HC_ENOMEM;
        convert->bytes = larger;
        convert->room = room;
    }
    if (!redis)
        return hc_encode(row->sketch, convert->bytes, convert->room, size);
    enum hc_status status = hc_redis_encode(row->sketch, convert->bytes, convert->room, size);
    if (status == HC_OK && row->estimate.value < COUNT_MAX)
        write_count(row, convert->bytes);
    return status;
}

static bool print_row(struct convert *convert, const struct rollup_row *row)
{
    struct text *out = &convert->out;
    size_t size;
    enum hc_status status = encode(convert, row, &size);
    if (status != HC_OK) {
        fprintf(stderr, "%s: %" PRId64 " %s: %s\n", convert->name, row->start_s, row->group,
                hc_status_text(status));
        return false;
    }
    text_clear(out);
    if (convert->format != FORMAT_RAW)
        text_format(out, "%" PRId64 "\t%s\t", row->start_s, row->group);
    if (convert->format == FORMAT_HEX)
        text_hex(out, convert->bytes, size);
    else if (convert->format == FORMAT_BASE64)
        text_base64(out, convert->bytes, size);
    else
        text_bytes(out, convert->bytes, size);
    if (convert->format != FORMAT_RAW)
        text_char(out, '\n');
    if (out->failed)
        fprintf(stderr, "%s: out of memory\n", convert->name);
    else
        fwrite(out->bytes, 1, out->size, stdout);
    return !out->failed;
}

/* The next row with users; 0 at the end, -1 on failure. */
static int next_row(struct convert *convert, struct rollup_row *row)
{
    int more;
    do {
        more = rollup_next(convert->rows.rollup, row);
    } while (more > 0 && !row->sketch);
    if (more < 0)
        fprintf(stderr, "%s: %s\n", convert->name, rollup_error(convert->rows.rollup));
    return more;
}

/* raw has no place for a second row. */
static bool check_raw(struct convert *convert)
{
    struct rollup_row row;
    int count = 0, more;
    while ((more = next_row(convert, &row)) > 0 && count < 2)
        count++;
    rollup_rewind(convert->rows.rollup);
    if (more >= 0 && count != 1)
        fprintf(stderr, "%s: raw is for a single row, and there %s\n", convert->name,
                count ? "are more: see --by" : "is none");
    return more >= 0 && count == 1;
}

static int print_rows(struct convert *convert)
{
    struct rollup_row row;
    int more, code = EXIT_DONE;
    if (convert->format == FORMAT_RAW && !check_raw(convert))
        return EXIT_FAILED;
    while ((more = next_row(convert, &row)) > 0 && !ferror(stdout)) {
        if (!print_row(convert, &row))
            code = EXIT_FAILED;
    }
    return more < 0 ? EXIT_FAILED : code;
}

static int convert_files(struct convert *convert, const struct rows_options *options)
{
    int code = rows_open(&convert->rows, options);
    if (code == EXIT_DONE)
        code = print_rows(convert);
    code = rows_close(&convert->rows, code);
    text_free(&convert->out);
    free(convert->bytes);
    return code;
}

int command_convert(int argc, char **argv)
{
    bool help = false, engine_given = false;
    int by = CALENDAR_MINUTE, week_start = CALENDAR_MONDAY, code;
    const char *zone = "UTC", *stream = NULL;
    struct convert convert = {.name = "headcount convert", .format = FORMAT_HEX};
    const struct args_option options[] = {
        {.name = "to", .kind = ARGS_CHOICE, .value = &convert.engine, .choices = engine_names,
         .argument = "ENGINE", .help = "redis or native; needed", .given = &engine_given},
        {.name = "by", .kind = ARGS_CHOICE, .value = &by, .choices = calendar_grain_names,
         .argument = "GRAIN",
         .help = "minute (default), hour, day, week, month, year or all"},
        {.name = "tz", .kind = ARGS_STRING, .value = &zone, .argument = "ZONE",
         .help = "whose hours and days, such as Europe/Zurich (default UTC)"},
        {.name = "week-start", .kind = ARGS_CHOICE, .value = &week_start,
         .choices = calendar_week_names, .argument = "DAY",
         .help = "monday (default), sunday or saturday"},
        {.name = "stream", .kind = ARGS_STRING, .value = &stream, .argument = "NAME",
         .help = "whose records, where there are several streams"},
        {.name = "format", .kind = ARGS_CHOICE, .value = &convert.format,
         .choices = format_names, .argument = "F", .help = "hex (default), base64 or raw"},
        OPTIONS_HELP(&help),
        {.name = NULL}};
    const struct args_program program = {
        .name = convert.name, .usage = "headcount convert --to ENGINE [OPTION]... [FILE]...",
        .epilogue = convert_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    const struct rows_options rows = {
        .name = convert.name,
        .calendar = {.grain = (enum calendar_grain)by,
                     .week_start = (enum calendar_week)week_start, .zone = zone},
        .rollup = {.stream = stream, .from_s = 0, .to_s = LIMIT_TIME_S + 1},
        .files = &files};
    if (engine_given) {
        code = convert_files(&convert, &rows);
    } else {
        fprintf(stderr, "%s: --to is needed: redis or native\n", convert.name);
        code = EXIT_USAGE;
    }
    args_destroy(&args);
    return code;
}
