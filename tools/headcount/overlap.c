/* headcount overlap: how many users two sets have in common.
 *
 * A and B are the users of two files of records, or of two stretches of time
 * in the same records. Those are read once, as days if both stretches consist
 * of days, otherwise as minutes, and each row is added to the sets that it
 * belongs to. What the sketches can't tell is not printed as a number, but for
 * the most that it can be: a part is what the other part leaves of the whole. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "headcount/overlap.h"
#include "limits.h"
#include "options.h"
#include "period.h"
#include "rows.h"
#include "shown.h"

static const char overlap_epilogue[] =
    "Users in both, in either, only in A and only in B: of Monday's users, who came\n"
    "back on Tuesday. With two words, A and B are files of records, each taken as a\n"
    "whole ('-' is stdin). With more, A and B are times in the records of FILEs:\n"
    "2016-07-11, 2016-07, 2016, or FROM..TO, where TO is included; or two instants\n"
    "(a Unix time or RFC 3339), minutes that begin from the first to before the last.\n"
    "\n"
    "'low' and 'high' enclose the true number in 95 of 100 cases, 'error' is one\n"
    "standard error. Where that interval is wider than the number, sketches of this\n"
    "precision can't tell it: JSON then has null, and in both_at_most, only_a_at_most,\n"
    "only_b_at_most the most that it can be.\n";

enum format { FORMAT_TABLE, FORMAT_JSON };
static const char *const format_names[] = {"table", "json", NULL};

enum { SIDE_A, SIDE_B, SIDES };
enum { PART_BOTH, PART_EITHER, PART_ONLY_A, PART_ONLY_B, PARTS };
static const char *const part_keys[] = {"both", "either", "only_a", "only_b"};
static const char *const part_titles[] = {"in both", "in either", "only in A", "only in B"};

struct side {
    const char *word;      /* as it was given */
    struct period period;  /* only when the word is a time */
    struct hc_sketch *sketch;
    struct hc_estimate whole;
    uint64_t minutes;
};

struct part {
    struct hc_estimate estimate;
    bool told;
    double at_most; /* unless it is told */
};

struct overlap {
    const char *name; /* what messages begin with */
    const char *zone, *stream;
    int profile, format;
    int64_t threads;
    struct side sides[SIDES];
    struct part parts[PARTS];
    bool refused; /* a line or a file: exit code 1, and the rest goes on */
    struct text out;
};

static int fail(const struct overlap *overlap, const char *word, enum hc_status status)
{
    say("%s: %s: %s\n", overlap->name, word, hc_status_text(status));
    return EXIT_FAILED;
}

/* Adds a row to a side. */
static enum hc_status side_add(struct side *side, const struct rollup_row *row)
{
    side->minutes += row->minutes;
    if (row->sketch == NULL)
        return HC_OK;
    if (side->sketch == NULL)
        return hc_sketch_copy(row->sketch, &side->sketch);
    return hc_sketch_union(side->sketch, row->sketch, NULL);
}

/* Adds the rows of the total to the sides from `first` to `last`, each taking
 * what lies in its period. */
static int take_rows(struct overlap *overlap, struct rows *rows, int first, int last)
{
    struct rollup_row row;
    int more;

    while ((more = rollup_next(rows->rollup, &row)) > 0) {
        for (int i = first; i <= last && strcmp(row.group, "{}") == 0; i++) {
            struct side *side = &overlap->sides[i];
            enum hc_status status = HC_OK;

            if (row.start_s >= side->period.from_s && row.start_s < side->period.to_s)
                status = side_add(side, &row);
            if (status != HC_OK)
                return fail(overlap, side->word, status);
        }
    }
    if (more == 0)
        return EXIT_DONE;
    say("%s: %s\n", overlap->name, rollup_error(rows->rollup));
    return EXIT_FAILED;
}

/* Reads files into the sides from `first` to `last`, in rows of a grain. */
static int read_sides(struct overlap *overlap, const struct args_list *files, int first, int last,
                      enum calendar_grain grain)
{
    struct rows rows;
    struct rows_options options = {
        .name = overlap->name,
        .calendar = {.grain = grain, .zone = overlap->zone},
        .rollup = {.stream = overlap->stream,
                   .profile = options_profile(overlap->profile),
                   .from_s = overlap->sides[first].period.from_s,
                   .to_s = overlap->sides[first].period.to_s},
        .files = files,
        .threads = overlap->threads};
    int code;

    for (int i = first; i <= last; i++) {
        const struct period *period = &overlap->sides[i].period;

        options.rollup.from_s =
            period->from_s < options.rollup.from_s ? period->from_s : options.rollup.from_s;
        options.rollup.to_s =
            period->to_s > options.rollup.to_s ? period->to_s : options.rollup.to_s;
    }
    code = rows_open(&rows, &options);
    if (code == EXIT_DONE)
        code = take_rows(overlap, &rows, first, last);
    overlap->refused |= rows_close(&rows, EXIT_DONE) != EXIT_DONE;
    return code;
}

/* A and B are files. */
static int read_files(struct overlap *overlap)
{
    int code = EXIT_DONE;

    for (int i = 0; i < SIDES && code == EXIT_DONE; i++) {
        struct side *side = &overlap->sides[i];
        struct args_list file = {.items = &side->word, .count = 1};

        side->period = (struct period){.from_s = 0, .to_s = LIMIT_TIME_S + 1};
        code = read_sides(overlap, &file, i, i, CALENDAR_ALL);
    }
    return code;
}

/* A and B are times. */
static int read_times(struct overlap *overlap, const struct args_list *files)
{
    bool days = true;

    for (int i = 0; i < SIDES; i++) {
        struct side *side = &overlap->sides[i];
        char error[400];

        if (!period_read(side->word, overlap->zone, &side->period, error, sizeof error)) {
            say("%s: %s: %s\n", overlap->name, i == SIDE_A ? "A" : "B", error);
            return EXIT_USAGE;
        }
        days &= side->period.whole_days;
    }
    return read_sides(overlap, files, SIDE_A, SIDE_B, days ? CALENDAR_DAY : CALENDAR_MINUTE);
}

/* Takes note of an answer: that nothing can be told is no error. */
static enum hc_status part_set(struct part *part, enum hc_status status)
{
    part->told = status == HC_OK;
    return status == HC_EWIDE ? HC_OK : status;
}

/* The most that a part can be: what is sure to be in the rest is not in it. */
static double at_most(const struct hc_estimate *whole, const struct part *rest)
{
    return fmax(whole->high - (rest->told ? rest->estimate.low : 0), 0);
}

static enum hc_status compare_either(struct overlap *overlap)
{
    struct part *either = &overlap->parts[PART_EITHER];
    struct hc_sketch *both;
    enum hc_status status = hc_sketch_copy(overlap->sides[SIDE_A].sketch, &both);

    if (status != HC_OK)
        return status;
    status = hc_sketch_union(both, overlap->sides[SIDE_B].sketch, NULL);
    either->estimate = hc_sketch_estimate(both);
    hc_sketch_destroy(&both);
    return part_set(either, status);
}

static enum hc_status compare(struct overlap *overlap)
{
    struct side *a = &overlap->sides[SIDE_A], *b = &overlap->sides[SIDE_B];
    struct part *parts = overlap->parts;
    struct part *both = &parts[PART_BOTH], *only_a = &parts[PART_ONLY_A];
    struct part *only_b = &parts[PART_ONLY_B];
    enum hc_status status = compare_either(overlap);

    if (status == HC_OK)
        status = part_set(both, hc_sketch_intersection(a->sketch, b->sketch, &both->estimate));
    if (status == HC_OK)
        status = part_set(only_a, hc_sketch_difference(a->sketch, b->sketch, &only_a->estimate));
    if (status == HC_OK)
        status = part_set(only_b, hc_sketch_difference(b->sketch, a->sketch, &only_b->estimate));
    a->whole = hc_sketch_estimate(a->sketch);
    b->whole = hc_sketch_estimate(b->sketch);
    /* One bound, chosen before the data could: that of the smaller set. */
    both->at_most = a->whole.value <= b->whole.value ? at_most(&a->whole, only_a)
                                                     : at_most(&b->whole, only_b);
    only_a->at_most = at_most(&a->whole, both);
    only_b->at_most = at_most(&b->whole, both);
    return status;
}

static void write_estimate(struct text *out, const struct hc_estimate *estimate)
{
    text_format(out, "\"uniques\":%.0f,\"low\":%.0f,\"high\":%.0f,\"error\":",
                round(estimate->value), floor(estimate->low), ceil(estimate->high));
    text_json_double(out, estimate->error, 3);
}

static void write_json(const struct overlap *overlap, struct text *out)
{
    const struct hc_sketch *sketch = overlap->sides[SIDE_A].sketch;

    text_format(out, "{\"profile\":\"%s\",\"zone\":", hc_profile_name(hc_sketch_profile(sketch)));
    text_json_string(out, overlap->zone, strlen(overlap->zone));
    for (int i = 0; i < SIDES; i++) {
        const struct side *side = &overlap->sides[i];

        text_format(out, ",\"%s\":{\"name\":", i == SIDE_A ? "a" : "b");
        text_json_string(out, side->word, strlen(side->word));
        text_format(out, ",\"minutes\":%" PRIu64 ",", side->minutes);
        write_estimate(out, &side->whole);
        text_char(out, '}');
    }
    for (int i = 0; i < PARTS; i++) {
        const struct part *part = &overlap->parts[i];

        text_format(out, ",\"%s\":%s", part_keys[i], part->told ? "{" : "null");
        if (part->told)
            write_estimate(out, &part->estimate);
        else
            text_format(out, ",\"%s_at_most\":%.0f", part_keys[i], ceil(part->at_most));
        text_string(out, part->told ? "}" : "");
    }
    text_string(out, ",\"additive\":false}\n");
}

static void write_line(struct text *out, const char *title, const struct hc_estimate *estimate)
{
    text_format(out, "%-10s%12.0f %12.0f .. %.0f", title, round(estimate->value),
                floor(estimate->low), ceil(estimate->high));
}

static void write_table(const struct overlap *overlap, struct text *out)
{
    text_format(out, "%-10s%12s %21s\n", "users", "uniques", "95 % interval");
    for (int i = 0; i < SIDES; i++) {
        const struct side *side = &overlap->sides[i];

        size_t begin = out->size;

        write_line(out, i == SIDE_A ? "in A" : "in B", &side->whole);
        text_format(out, "%*s", begin + 52 > out->size ? (int)(begin + 52 - out->size) : 2, "");
        text_shown(out, side->word, strlen(side->word));
        text_format(out, ", %" PRIu64 " minute%s\n", side->minutes,
                    side->minutes == 1 ? "" : "s");
    }
    for (int i = 0; i < PARTS; i++) {
        const struct part *part = &overlap->parts[i];

        if (part->told)
            write_line(out, part_titles[i], &part->estimate);
        else
            text_format(out, "%-10s  too few to tell, at most %.0f", part_titles[i],
                        ceil(part->at_most));
        text_char(out, '\n');
    }
}

static int print(struct overlap *overlap)
{
    struct text *out = &overlap->out;

    if (overlap->format == FORMAT_JSON)
        write_json(overlap, out);
    else
        write_table(overlap, out);
    if (out->failed) {
        say("%s: out of memory\n", overlap->name);
        return EXIT_FAILED;
    }
    fwrite(out->bytes, 1, out->size, stdout);
    return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

/* A word that was taken for a file and may have been meant as a time. */
static void name_empty(const struct overlap *overlap, int side, bool are_files)
{
    const char *word = overlap->sides[side].word;
    struct period period;
    char error[400];

    say("%s: there are no users in %s ('%s')\n", overlap->name,
        side == SIDE_A ? "A" : "B", word);
    if (are_files && period_read(word, overlap->zone, &period, error, sizeof error))
        say("%s: times need files of records behind them ('-' is stdin)\n",
            overlap->name);
}

/* Both sides are there, and of one kind. */
static int check_sides(const struct overlap *overlap, bool are_files)
{
    const struct side *sides = overlap->sides;

    for (int i = 0; i < SIDES; i++) {
        if (sides[i].sketch == NULL) {
            name_empty(overlap, i, are_files);
            return EXIT_FAILED;
        }
    }
    if (hc_sketch_profile(sides[SIDE_A].sketch) == hc_sketch_profile(sides[SIDE_B].sketch))
        return EXIT_DONE;
    say("%s: A holds sketches of the profile %s, B of %s; they do not meet "
        "(--profile chooses where there are several)\n", overlap->name,
        hc_profile_name(hc_sketch_profile(sides[SIDE_A].sketch)),
        hc_profile_name(hc_sketch_profile(sides[SIDE_B].sketch)));
    return EXIT_FAILED;
}

static int overlap_run(struct overlap *overlap, const struct args_list *words)
{
    struct args_list files = {.items = words->items + SIDES, .count = words->count - SIDES};
    enum hc_status status;
    int code;

    for (int i = 0; i < SIDES; i++)
        overlap->sides[i].word = words->items[i];
    code = files.count == 0 ? read_files(overlap) : read_times(overlap, &files);
    if (code == EXIT_DONE)
        code = check_sides(overlap, files.count == 0);
    if (code == EXIT_DONE) {
        status = compare(overlap);
        code = status == HC_OK ? print(overlap) : fail(overlap, "A and B", status);
    }
    for (int i = 0; i < SIDES; i++)
        hc_sketch_destroy(&overlap->sides[i].sketch);
    text_free(&overlap->out);
    return code == EXIT_DONE && overlap->refused ? EXIT_FAILED : code;
}

/* What the words alone can tell. */
static bool check_words(const struct overlap *overlap, const struct args_list *words)
{
    size_t stdins = 0;

    if (words->count < SIDES) {
        say("%s: two sets are needed, A and B; -h explains\n", overlap->name);
        return false;
    }
    for (size_t i = 0; i < words->count; i++)
        stdins += strcmp(words->items[i], "-") == 0;
    if (stdins > 1)
        say("%s: stdin can be read once only\n", overlap->name);
    return stdins <= 1;
}

int command_overlap(int argc, char **argv)
{
    bool help = false, format_given = false;
    struct overlap overlap = {
        .name = "headcount overlap", .zone = "UTC", .profile = OPTIONS_PROFILE_NONE};
    const struct args_option options[] = {
        {.name = "tz", .kind = ARGS_STRING, .value = &overlap.zone, .argument = "ZONE",
         .help = "whose days, such as Europe/Zurich (default UTC)"},
        {.name = "stream", .kind = ARGS_STRING, .value = &overlap.stream, .argument = "NAME",
         .help = "whose records, where there are several streams"},
        OPTIONS_PROFILE(&overlap.profile),
        OPTIONS_THREADS(&overlap.threads),
        {.name = "format", .kind = ARGS_CHOICE, .value = &overlap.format,
         .choices = format_names, .argument = "F",
         .help = "table (default on a terminal) or json (otherwise)", .given = &format_given},
        OPTIONS_HELP(&help),
        {.name = NULL}};
    const struct args_program program = {
        .name = overlap.name, .usage = "headcount overlap [OPTION]... A B [FILE]...",
        .epilogue = overlap_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list words;
    int code;

    if (!options_parse(&program, &help, argc, argv, &args, &words, &code))
        return code;
    if (!format_given)
        overlap.format = isatty(STDOUT_FILENO) ? FORMAT_TABLE : FORMAT_JSON;
    code = check_words(&overlap, &words) ? overlap_run(&overlap, &words) : EXIT_USAGE;
    args_destroy(&args);
    return code;
}
