#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "limits.h"
#include "parts.h"
#include "shown.h"

/* What one thread makes of one file. */
struct part {
    struct calendar *calendar;
    struct rollup *rollup;
};

static int rows_fail(const struct rows *rows)
{
    say("%s: %s\n", rows->name, rollup_error(rows->rollup));
    return EXIT_FAILED;
}

static void part_destroy(void *context)
{
    struct part *part = context;
    rollup_destroy(&part->rollup);
    calendar_destroy(&part->calendar);
    free(part);
}

static void *part_create(const void *context)
{
    const struct rows_options *options = context;
    struct rollup_options rollup = options->rollup;
    struct part *part = calloc(1, sizeof(*part));
    char error[256];
    if (!part)
        return NULL;
    part->calendar = calendar_create(&options->calendar, error, sizeof(error));
    rollup.calendar = part->calendar;
    if (part->calendar)
        part->rollup = rollup_create(&rollup);
    if (part->rollup)
        return part;
    part_destroy(part);
    return NULL;
}

static bool part_add(void *context, const struct record *record)
{
    enum rollup_result result = rollup_add(((struct part *)context)->rollup, record);
    return result != ROLLUP_REFUSED && result != ROLLUP_FAILED;
}

/* The records of all files up to `until` that were not read yet. */
static int rows_read(struct rows *rows, size_t until)
{
    struct record record;
    input_until(rows->input, until);
    while (input_record(rows->input, &record)) {
        switch (rollup_add(rows->rollup, &record)) {
        case ROLLUP_TAKEN:
        case ROLLUP_OTHER_STREAM:
        case ROLLUP_OTHER_PROFILE:
            break;
        case ROLLUP_REFUSED:
            input_refuse(rows->input, rollup_error(rows->rollup));
            break;
        case ROLLUP_FAILED:
            return rows_fail(rows);
        }
    }
    return EXIT_DONE;
}

/* Joins a part, or reads its file where there is none that fits. */
static int rows_join(struct rows *rows, struct part *part, size_t index)
{
    enum rollup_joined joined = part ? rollup_join(rows->rollup, part->rollup) : ROLLUP_APART;
    if (part)
        part_destroy(part);
    if (joined == ROLLUP_JOIN_FAILED)
        return rows_fail(rows);
    if (joined == ROLLUP_APART)
        return rows_read(rows, index + 1);
    input_skip(rows->input);
    return EXIT_DONE;
}

/* The sketches of all parts together may take as much memory as those of the
 * whole, and so may the checkpoints that wait. */
static int rows_read_parts(struct rows *rows, const struct rows_options *options, size_t threads)
{
    static const struct parts_kind kind = {part_create, part_add, part_destroy};
    struct rows_options each = *options;
    int code = EXIT_DONE;
    each.rollup.sketch_bytes_max = LIMIT_ROLLUP_BYTES / (threads * PARTS_AHEAD);
    each.rollup.waiting_bytes_max = LIMIT_WAITING_BYTES / (threads * PARTS_AHEAD);
    each.rollup.folder = parts_folder();
    struct parts *parts = parts_start(&kind, &each, options->files, threads);
    if (!parts)
        return rows_read(rows, options->files->count);
    for (size_t i = 0; code == EXIT_DONE && i < options->files->count; i++)
        code = rows_join(rows, parts_take(parts, i), i);
    parts_stop(&parts);
    return code;
}

static int rows_read_all(struct rows *rows, const struct rows_options *options)
{
    size_t count = options->files->count ? options->files->count : 1;
    size_t threads = parts_threads(options->threads, count);
    int code = threads > 1 ? rows_read_parts(rows, options, threads) : rows_read(rows, count);
    if (code != EXIT_DONE)
        return code;
    return rollup_finish(rows->rollup) ? EXIT_DONE : rows_fail(rows);
}

static void name_streams(const struct rows *rows, const char *what)
{
    const char *const *names;
    size_t count = rollup_streams(rows->rollup, &names);
    say("%s: %s", rows->name, what);
    for (size_t i = 0; i < count; i++)
        say("%s '%s'", i ? "," : "", names[i]);
    say("%s\n", count == ROLLUP_STREAMS_MAX ? ", and maybe others" : "");
}

/* Whether the rows are about one stream, and that one is there. */
static int rows_check_stream(const struct rows *rows, const char *stream)
{
    const char *const *names;
    size_t count = rollup_streams(rows->rollup, &names);
    if (!stream && count > 1) {
        name_streams(rows, "there are several streams, choose one with --stream:");
        return EXIT_USAGE;
    }
    for (size_t i = 0; stream && i < count; i++) {
        if (strcmp(names[i], stream) == 0)
            return EXIT_DONE;
    }
    /* A name beyond those that are kept can't be told from one that is missing. */
    if (!stream || count == 0 || count == ROLLUP_STREAMS_MAX)
        return EXIT_DONE;
    name_streams(rows, "no record is of the stream that --stream names; there are:");
    return EXIT_FAILED;
}

static void name_profiles(const struct rows *rows, const char *what, unsigned profiles)
{
    const char *before = " ";
    say("%s: %s", rows->name, what);
    for (enum hc_profile p = HC_PROFILE_REDIS; p <= HC_PROFILE_KEYED; p++) {
        if (!(profiles & 1u << p))
            continue;
        say("%s%s", before, hc_profile_name(p));
        before = ", ";
    }
    say("\n");
}

/* Whether there is what --profile names, and what there is beside the rows. */
static int rows_check_profile(const struct rows *rows, const struct rollup_options *options)
{
    unsigned profiles = rollup_profiles(rows->rollup);
    enum hc_profile profile = rollup_profile(rows->rollup);
    if (profiles == 0 || (options->archive && !options->profile))
        return EXIT_DONE;
    if (!(profiles & 1u << profile)) {
        name_profiles(rows, "no record is of that profile; there are:", profiles);
        return EXIT_FAILED;
    }
    profiles &= ~(1u << profile);
    if (profiles && !options->profile) {
        char what[80];
        snprintf(what, sizeof what, "these are sketches of %s; --profile shows others:",
                 hc_profile_name(profile));
        name_profiles(rows, what, profiles);
    }
    if (rollup_lacking(rows->rollup) > 0)
        say("%s: %zu run%s counted in other profiles than %s: users that only others "
            "saw are missing, and the minutes not complete\n", rows->name,
            rollup_lacking(rows->rollup), rollup_lacking(rows->rollup) == 1 ? "" : "s",
            hc_profile_name(profile));
    return EXIT_DONE;
}

int rows_open(struct rows *rows, const struct rows_options *options)
{
    char error[256];
    struct rollup_options rollup = options->rollup;
    *rows = (struct rows){.name = options->name};
    rows->calendar = calendar_create(&options->calendar, error, sizeof(error));
    if (!rows->calendar) {
        say("%s: --tz: %s\n", rows->name, error);
        return EXIT_USAGE;
    }
    rollup.calendar = rows->calendar;
    rows->rollup = rollup_create(&rollup);
    rows->input = input_create(&(struct input_options){
        .command = options->name, .paths = options->files->items,
        .count = options->files->count});
    if (!rows->rollup || !rows->input) {
        say("%s: out of memory\n", rows->name);
        return EXIT_FAILED;
    }
    int code = rows_read_all(rows, options);
    if (code == EXIT_DONE)
        code = rows_check_stream(rows, rollup.stream);
    return code == EXIT_DONE ? rows_check_profile(rows, &rollup) : code;
}

int rows_close(struct rows *rows, int code)
{
    if (input_close(&rows->input) != EXIT_DONE && code == EXIT_DONE)
        code = EXIT_FAILED;
    rollup_destroy(&rows->rollup);
    calendar_destroy(&rows->calendar);
    return code;
}
