/* headcount generate: frames with a known truth.
 *
 * Frame i of n arrives at --start plus i/n of --span, and says the time at which
 * it was sent: up to 5 s before, mostly much less, a share of --late up to
 * --late-by before. So frames come out of order, as they do in life, without
 * any being kept back. With --rate they arrive now, at that pace.
 *
 * What a frame says and when draws on other random numbers than what it looks
 * like, so the truth depends on neither --size nor --crlf. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "commands.h"
#include "generate_frame.h"
#include "generate_random.h"
#include "generate_truth.h"
#include "limits.h"
#include "options.h"
#include "shown.h"

#define OUT_BYTES (256 * 1024)
/* Frames that are not late at most. */
#define PROMPT_MS 5000
/* How often a paced run looks at the clock. */
#define PACE_MS 5

static const char generate_epilogue[] =
    "Frames are like those of a real application: two fields that count among many\n"
    "that do not, decoys of them in inner objects and strings, escapes, Cyrillic, a\n"
    "fifth to two and a half times --size long. The same options give the same bytes.\n"
    "\n"
    "--truth writes the exact number of frames and users of each minute, the frames\n"
    "with a damaged time apart from them. --truth-ids writes a line a frame: minute,\n"
    "tab, id, and for damaged frames a tab and the word 'damaged'.\n";

struct generate {
    const char *name; /* what messages begin with */
    int64_t count;
    bool count_given;
    int64_t span_ms, start_s;
    int64_t users, size, seed;
    double late, poison, rate;
    bool rate_given, span_given, start_given, crlf, help;
    int64_t late_by_ms;
    const char *truth_path, *ids_path;
    struct args *args; /* owns the paths */
    struct generate_random random;
    struct generate_frames *frames;
    struct generate_truth *truth; /* NULL: not asked for */
    FILE *truth_file, *ids_file;
    struct text out, ids;
    int64_t done;
};

static bool complain(const struct generate *generate, const char *what, const char *why)
{
    say("%s: %s: %s\n", generate->name, what, why);
    return false;
}

/* Writes what has gathered. False when it can't be. */
static bool flush_text(const struct generate *generate, struct text *text, FILE *file,
                       const char *name)
{
    if (text->failed)
        return complain(generate, name, "out of memory");
    if (text->size && fwrite(text->bytes, 1, text->size, file) != text->size)
        return complain(generate, name, strerror(errno));
    text_clear(text);
    return true;
}

static bool flush_all(struct generate *generate)
{
    return flush_text(generate, &generate->out, stdout, "stdout") &&
           (!generate->ids_file ||
            flush_text(generate, &generate->ids, generate->ids_file, generate->ids_path));
}

/* How long before its arrival a frame was sent, in ms. */
static double delay_ms(struct generate *generate)
{
    bool late = generate_random_unit(&generate->random) < generate->late;
    double unit = generate_random_unit(&generate->random);

    if (late)
        return PROMPT_MS + unit * (double)(generate->late_by_ms - PROMPT_MS);
    return unit * unit * unit * unit * PROMPT_MS;
}

/* Few users come often, most of them seldom. */
static uint64_t pick_user(struct generate *generate)
{
    double unit = generate_random_unit(&generate->random);

    return (uint64_t)(unit * unit * (double)generate->users);
}

static bool add_truth(struct generate *generate, uint64_t user, const char *uid, int64_t time_s,
                      int64_t honest_s)
{
    if (generate->ids_file) {
        text_int(&generate->ids, time_s - time_s % 60);
        text_char(&generate->ids, '\t');
        text_bytes(&generate->ids, uid, GENERATE_UID_SIZE);
        text_string(&generate->ids, time_s == honest_s ? "\n" : "\tdamaged\n");
    }
    if (generate->truth && !generate_truth_add(generate->truth, user, time_s, honest_s))
        return complain(generate, generate->truth_path, "out of memory");
    return true;
}

static bool make_frame(struct generate *generate, double arrival_ms, int64_t first_s)
{
    uint64_t user = pick_user(generate);
    int64_t honest_s = (int64_t)(arrival_ms - delay_ms(generate)) / 1000;
    bool damaged = generate_random_unit(&generate->random) < generate->poison;
    uint64_t bit = generate_random_below(&generate->random, 32);
    char uid[GENERATE_UID_SIZE];
    int64_t time_s;

    honest_s = honest_s > first_s ? honest_s : first_s;
    time_s = damaged ? honest_s ^ (INT64_C(1) << bit) : honest_s;
    generate_frames_uid(generate->frames, user, uid);
    generate_frames_write(generate->frames, uid, time_s, &generate->out);
    generate->done++;
    return add_truth(generate, user, uid, time_s, honest_s) &&
           (generate->out.size < OUT_BYTES || flush_all(generate));
}

static bool run_at_once(struct generate *generate)
{
    double step_ms = (double)generate->span_ms / (double)generate->count;
    double start_ms = (double)generate->start_s * 1000;

    while (generate->done < generate->count) {
        double arrival_ms = start_ms + (double)generate->done * step_ms;

        if (!make_frame(generate, arrival_ms, generate->start_s))
            return false;
    }
    return flush_all(generate);
}

/* As many frames a second as asked for, until the count, or a signal to end. */
static bool run_paced(struct generate *generate)
{
    const struct timespec pace = {.tv_nsec = PACE_MS * 1000000};
    int64_t begin_ms = clock_monotonic_ms();
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    do {
        double due = (double)(clock_monotonic_ms() - begin_ms) * generate->rate / 1000;
        double now_ms = (double)clock_wall_ms();

        while ((double)generate->done < due && generate->done < generate->count) {
            if (!make_frame(generate, now_ms, 0))
                return false;
        }
        if (!flush_all(generate))
            return false;
        if (fflush(stdout) != 0)
            return complain(generate, "stdout", strerror(errno));
    } while (generate->done < generate->count && sigtimedwait(&ends, NULL, &pace) < 0);
    return true;
}

static bool open_file(const struct generate *generate, const char *path, FILE **file)
{
    if (!path)
        return true;
    *file = fopen(path, "w");
    return *file || complain(generate, path, strerror(errno));
}

static bool close_file(const struct generate *generate, const char *path, FILE **file)
{
    bool good;

    if (!*file)
        return true;
    good = fflush(*file) == 0 && !ferror(*file);
    good = fclose(*file) == 0 && good;
    *file = NULL;
    return good || complain(generate, path, strerror(errno));
}

static bool open_all(struct generate *generate)
{
    struct generate_frames_options options = {.seed = (uint64_t)generate->seed,
                                              .size = (size_t)generate->size,
                                              .crlf = generate->crlf};

    generate->random.state = (uint64_t)generate->seed;
    generate->frames = generate_frames_create(&options);
    if (!generate->frames)
        return complain(generate, "frames", "out of memory");
    if (generate->truth_path && !(generate->truth = generate_truth_create(
                                      (uint64_t)generate->users)))
        return complain(generate, generate->truth_path, "out of memory");
    return open_file(generate, generate->truth_path, &generate->truth_file) &&
           open_file(generate, generate->ids_path, &generate->ids_file);
}

static int generate_all(struct generate *generate)
{
    bool good = open_all(generate);

    good = good && (generate->rate_given ? run_paced(generate) : run_at_once(generate));
    if (good && generate->truth)
        generate_truth_write(generate->truth, generate->frames, generate->truth_file);
    good = close_file(generate, generate->truth_path, &generate->truth_file) && good;
    good = close_file(generate, generate->ids_path, &generate->ids_file) && good;
    generate_truth_destroy(&generate->truth);
    generate_frames_destroy(&generate->frames);
    text_free(&generate->ids);
    text_free(&generate->out);
    return good ? EXIT_DONE : EXIT_FAILED;
}

/* What single options can't tell. */
static bool check_options(struct generate *generate, const struct args_list *words)
{
    if (words->count > 0)
        return complain(generate, words->items[0], "frames go to stdout, no file is read");
    if (generate->rate_given && (generate->span_given || generate->start_given))
        return complain(generate, "--rate", "frames arrive now, without --start and --span");
    if (generate->start_s + generate->span_ms / 1000 > LIMIT_TIME_S)
        return complain(generate, "--span", "it ends after the year 9999");
    if (generate->rate_given && !generate->count_given)
        generate->count = INT64_MAX;
    return true;
}

static bool parse_options(struct generate *g, int argc, char **argv, int *code)
{
    const struct args_option options[] = {
        {.name = "count", .kind = ARGS_INT, .value = &g->count, .min = 1, .max = INT64_MAX,
         .argument = "N",
         .help = "frames (default 1000000, with --rate no end)", .given = &g->count_given},
        {.name = "start", .kind = ARGS_TIME, .value = &g->start_s, .argument = "T",
         .help = "when the first was sent (default 2016-07-11T13:39:00Z)",
         .given = &g->start_given},
        {.name = "span", .kind = ARGS_DURATION, .value = &g->span_ms, .min = 1000,
         .max = LIMIT_TIME_S * 1000, .argument = "D",
         .help = "over how long they arrive (default 10m)",
         .given = &g->span_given},
        {.name = "rate", .kind = ARGS_DOUBLE, .value = &g->rate, .min = 1, .max = 100000000,
         .argument = "R", .help = "arrive now, R a second", .given = &g->rate_given},
        {.name = "users", .kind = ARGS_INT, .value = &g->users, .min = 1,
         .max = GENERATE_USERS_MAX, .argument = "N",
         .help = "of whom a few come often (default 100000)"},
        {.name = "size", .kind = ARGS_SIZE, .value = &g->size, .min = 64, .max = 1024 * 1024,
         .argument = "SIZE", .help = "bytes of a frame, on average (default 930)"},
        {.name = "seed", .kind = ARGS_INT, .value = &g->seed, .min = 0, .max = INT64_MAX,
         .argument = "S", .help = "another seed, other users and frames (default 1)"},
        {.name = "late", .kind = ARGS_DOUBLE, .value = &g->late, .min = 0, .max = 1,
         .argument = "P", .help = "share that arrives more than 5 s late (default 0.001)"},
        {.name = "late-by", .kind = ARGS_DURATION, .value = &g->late_by_ms, .min = PROMPT_MS,
         .max = INT64_C(86400000) * 366, .argument = "D", .help = "how late at most (default 5m)"},
        {.name = "poison", .kind = ARGS_DOUBLE, .value = &g->poison, .min = 0, .max = 1,
         .argument = "P", .help = "share whose time has one bit flipped (default 0)"},
        {.name = "crlf", .kind = ARGS_FLAG, .value = &g->crlf, .help = "end lines as Windows does"},
        {.name = "truth", .kind = ARGS_STRING, .value = &g->truth_path, .argument = "FILE",
         .help = "write there what is to be counted"},
        {.name = "truth-ids", .kind = ARGS_STRING, .value = &g->ids_path, .argument = "FILE",
         .help = "write there whom each frame is of"},
        OPTIONS_HELP(&g->help),
        {.name = NULL}};
    /* No environment: HEADCOUNT_START is another program's --start. */
    const struct args_program program = {
        .name = g->name, .usage = "headcount generate [OPTION]...",
        .epilogue = generate_epilogue, .environment = NULL, .options = options};
    struct args_list words;

    if (!options_parse(&program, &g->help, argc, argv, &g->args, &words, code))
        return false;
    *code = EXIT_USAGE;
    if (check_options(g, &words))
        return true;
    args_destroy(&g->args);
    return false;
}

int command_generate(int argc, char **argv)
{
    struct generate generate = {.name = "headcount generate",
                                .count = 1000000,
                                .span_ms = 600000,
                                .start_s = 1468244340,
                                .users = 100000,
                                .size = 930,
                                .seed = 1,
                                .late = 0.001,
                                .late_by_ms = 300000};
    int code;

    if (!parse_options(&generate, argc, argv, &code))
        return code;
    code = generate_all(&generate);
    args_destroy(&generate.args);
    return code;
}
