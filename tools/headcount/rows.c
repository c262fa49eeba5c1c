#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "shown.h"

static int rows_fail(const struct rows *rows)
{
    say("%s: %s\n", rows->name, rollup_error(rows->rollup));
    return EXIT_FAILED;
}

static int rows_read(struct rows *rows)
{
    struct record record;
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
    int code = rows_read(rows);
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
