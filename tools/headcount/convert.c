/* headcount convert: rows as sketches in the bytes of an engine, or our own.
 *
 * A row is a bucket of the roll-up, as in merge; one that is known to be empty
 * is an empty sketch, so that a reader can tell zero from unknown. */
#include <inttypes.h>
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
    "the total), a tab, the sketch's bytes. raw prints the bytes of a single row as\n"
    "they are.\n"
    "redis: what SET stores and PFCOUNT and PFMERGE read. It has 2^14 registers, so a\n"
    "sketch of lower precision can't be converted; PFCOUNT answers from registers\n"
    "alone, while 'uniques' of few users rests on 2^25 places: the two agree within\n"
    "the error of 0.81 %, and exactly where our sketch is dense.\n"
    "native: the form that docs/FORMAT.md describes.\n";

enum engine { ENGINE_REDIS, ENGINE_NATIVE };
static const char *const engine_names[] = {"redis", "native", NULL};
enum format { FORMAT_HEX, FORMAT_BASE64, FORMAT_RAW };
static const char *const format_names[] = {"hex", "base64", "raw", NULL};

struct convert {
    const char *name; /* what messages begin with */
    int engine, format;
    struct rows rows;
    struct hc_sketch *empty; /* for rows without users */
    unsigned char *bytes;    /* grows to the largest sketch */
    size_t room;
    struct text out;
};

/* Empty at the highest precision: united with another it changes nothing. */
static const struct hc_sketch *row_sketch(struct convert *convert, const struct rollup_row *row)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS,
                                        .precision = HC_PRECISION_MAX};
    if (row->sketch)
        return row->sketch;
    if (!convert->empty && hc_sketch_create(&options, &convert->empty) != HC_OK)
        return NULL;
    return convert->empty;
}

/* The row's bytes into convert->bytes. */
static enum hc_status encode(struct convert *convert, const struct rollup_row *row, size_t *size)
{
    const struct hc_sketch *sketch = row_sketch(convert, row);
    if (!sketch)
        return HC_ENOMEM;
    size_t room = convert->engine == ENGINE_REDIS ? HC_REDIS_SIZE_MAX : hc_encode_size_max(sketch);
    if (room > convert->room) {
        unsigned char *larger = realloc(convert->bytes, room);
        if (!larger)
            return HC_ENOMEM;
        convert->bytes = larger;
        convert->room = room;
    }
    return convert->engine == ENGINE_REDIS
               ? hc_redis_encode(sketch, convert->bytes, convert->room, size)
               : hc_encode(sketch, convert->bytes, convert->room, size);
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

/* raw has no place for a second row. */
static bool count_rows(struct convert *convert, size_t *count)
{
    struct rollup_row row;
    int more = 0;
    for (*count = 0; *count < 2 && (more = rollup_next(convert->rows.rollup, &row)) > 0;)
        ++*count;
    rollup_rewind(convert->rows.rollup);
    if (more < 0)
        fprintf(stderr, "%s: %s\n", convert->name, rollup_error(convert->rows.rollup));
    return more >= 0;
}

static int print_rows(struct convert *convert)
{
    struct rollup_row row;
    size_t count;
    int more, code = EXIT_DONE;
    if (convert->format == FORMAT_RAW) {
        if (!count_rows(convert, &count))
            return EXIT_FAILED;
        if (count != 1) {
            fprintf(stderr, "%s: raw is for a single row, and there %s\n", convert->name,
                    count ? "are more: see --by" : "is none");
            return EXIT_FAILED;
        }
    }
    while ((more = rollup_next(convert->rows.rollup, &row)) > 0 && !ferror(stdout)) {
        if (!print_row(convert, &row))
            code = EXIT_FAILED;
    }
    if (more >= 0)
        return code;
    fprintf(stderr, "%s: %s\n", convert->name, rollup_error(convert->rows.rollup));
    return EXIT_FAILED;
}

static int convert_files(struct convert *convert, const struct rows_options *options)
{
    int code = rows_open(&convert->rows, options);
    if (code == EXIT_DONE)
        code = print_rows(convert);
    code = rows_close(&convert->rows, code);
    text_free(&convert->out);
    free(convert->bytes);
    hc_sketch_destroy(&convert->empty);
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
