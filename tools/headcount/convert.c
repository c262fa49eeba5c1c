/* headcount convert: the command line. --to makes the bytes of an engine out of
 * records (convert_export.c), --from records out of such bytes
 * (convert_import.c). */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "convert.h"
#include "limits.h"
#include "options.h"
#include "shown.h"

static const char convert_epilogue[] =
    "--to prints a line a row: its start in Unix seconds, a tab, its group as JSON\n"
    "({} is the total), a tab, the sketch. Rows without users are left out. raw\n"
    "prints the bytes of a single row as they are. A sketch is filled with the hash\n"
    "of one engine, and can be had for no other: --to takes the records that were\n"
    "counted with headcountd --profile ENGINE. Where the engine has less than the\n"
    "precision that was counted with, the sketch is folded, which is exact.\n"
    "\n"
    "  redis         2^14 registers, always. In the shell, with --format raw:\n"
    "                redis-cli -x SET KEY, then PFCOUNT KEY, PFMERGE. PFCOUNT of this\n"
    "                key alone answers 'uniques' as merge prints it. Once something\n"
    "                is added Redis counts anew, from registers alone: of few users,\n"
    "                where ours was exact to 0.02 %, it then knows but 0.8 %.\n"
    "  datasketches  lgK 4 to 18. Spark: hll_sketch_estimate(unhex('...')),\n"
    "                hll_union_agg; its own lgK is 12. Python:\n"
    "                hll_sketch.deserialize(bytes.fromhex('...')).\n"
    "  postgres      log2m 4 to 17, as in hll(log2m, regwidth, expthresh, sparseon):\n"
    "                '\\x...'::hll, hll_cardinality, hll_union_agg. A union wants all\n"
    "                four to be alike; a column that is just hll has 11, 5, -1, 1.\n"
    "                Use regwidth 5, which holds all that we count.\n"
    "  zetasketch    10 to 18. BigQuery: HLL_COUNT.EXTRACT(FROM_HEX('...')),\n"
    "                HLL_COUNT.MERGE; its own precision is 15.\n"
    "  trino         4 to 16. cardinality(CAST(from_hex('...') AS HyperLogLog)),\n"
    "                merge, which wants equal precisions; approx_set has 12.\n"
    "  native        4 to 18, as docs/FORMAT.md describes it; of any profile.\n"
    "\n"
    "--from prints a record for each line that --to would print, or, with --minute,\n"
    "for each line that is a sketch alone; with raw a file is a sketch. Hexadecimal\n"
    "digits may begin with 0x or \\x. T is a Unix time or RFC 3339. A record is of one\n"
    "minute: the sketch of an hour or a day becomes the minute in which that starts,\n"
    "and is right in rows that hold all of it. Its state is 'late': nothing is known\n"
    "of the minutes around it. Of what was counted, only the engine's hash is known:\n"
    "records unite with ours where --stream names ours.\n";

/* The options, help and the end of their table. */
#define OPTIONS_MAX 24

/* Options that do not go with every use of the command. */
enum scoped {
    SCOPED_BY, SCOPED_TZ, SCOPED_WEEK_START, SCOPED_PROFILE, SCOPED_PRECISION, SCOPED_LOG2M,
    SCOPED_REGWIDTH, SCOPED_EXPTHRESH, SCOPED_SPARSE, SCOPED_LGK, SCOPED_TYPE, SCOPED_FORM,
    SCOPED_SPARSE_PRECISION, SCOPED_THREADS, SCOPED_MINUTE, SCOPED_GROUP, SCOPED_COUNT
};

static const struct scope {
    const char *option;
    bool from;             /* goes with --from, else with --to */
    enum engine_id engine; /* the only one that it is for, or ENGINE_NONE */
} scopes[SCOPED_COUNT] = {
    [SCOPED_BY] = {"by", false, ENGINE_NONE},
    [SCOPED_TZ] = {"tz", false, ENGINE_NONE},
    [SCOPED_WEEK_START] = {"week-start", false, ENGINE_NONE},
    [SCOPED_PROFILE] = {"profile", false, ENGINE_NATIVE},
    [SCOPED_PRECISION] = {"precision", false, ENGINE_NONE},
    [SCOPED_LOG2M] = {"log2m", false, ENGINE_POSTGRES},
    [SCOPED_REGWIDTH] = {"regwidth", false, ENGINE_POSTGRES},
    [SCOPED_EXPTHRESH] = {"expthresh", false, ENGINE_POSTGRES},
    [SCOPED_SPARSE] = {"sparse", false, ENGINE_POSTGRES},
    [SCOPED_LGK] = {"lgk", false, ENGINE_DATASKETCHES},
    [SCOPED_TYPE] = {"type", false, ENGINE_DATASKETCHES},
    [SCOPED_FORM] = {"form", false, ENGINE_DATASKETCHES},
    [SCOPED_SPARSE_PRECISION] = {"sparse-precision", false, ENGINE_ZETASKETCH},
    [SCOPED_THREADS] = {"threads", false, ENGINE_NONE},
    [SCOPED_MINUTE] = {"minute", true, ENGINE_NONE},
    [SCOPED_GROUP] = {"group", true, ENGINE_NONE},
};

static const char *const format_names[] = {
    [CONVERT_HEX] = "hex", [CONVERT_BASE64] = "base64", [CONVERT_RAW] = "raw", NULL};
static const char *const switch_names[] = {"off", "on", NULL};
static const char *const type_names[] = {"HLL_4", "HLL_6", "HLL_8", NULL};
static const char *const form_names[] = {"compact", "updatable", NULL};

/* The values of the options as they are parsed. */
struct convert {
    const char *name; /* what messages begin with */
    bool given[SCOPED_COUNT];
    int to, from, format;
    int by, week_start, profile;
    int64_t precision, log2m, lgk, regwidth, expthresh, sparse_precision;
    int sparse, type, form;
    const char *zone, *stream, *group;
    int64_t minute_s, threads;
};

/* --profile may say what the engine says anyway: it may come from the
 * environment that headcountd was started in. */
static bool names_own_profile(const struct convert *convert, enum engine_id engine)
{
    return convert->given[SCOPED_PROFILE] &&
           options_profile(convert->profile) == engine_find(engine)->profile;
}

/* Whether no option was given that goes with something else. */
static bool check_scopes(const struct convert *convert)
{
    bool from = convert->from != ENGINE_NONE;
    enum engine_id engine = (enum engine_id)(from ? convert->from : convert->to);
    for (int i = 0; i < SCOPED_COUNT; i++) {
        const struct scope *scope = &scopes[i];
        bool fits = scope->engine == ENGINE_NONE || scope->engine == engine;
        if (i == SCOPED_PROFILE && names_own_profile(convert, engine))
            continue;
        if (!convert->given[i] || (scope->from == from && fits))
            continue;
        say("%s: --%s belongs to --%s%s%s, and this is --%s %s\n", convert->name,
            scope->option, scope->from ? "from" : "to",
            scope->engine == ENGINE_NONE ? "" : " ",
            scope->engine == ENGINE_NONE ? "" : engine_names[scope->engine],
            from ? "from" : "to", engine_names[engine]);
        return false;
    }
    return true;
}

static bool check_direction(const struct convert *convert)
{
    if ((convert->to == ENGINE_NONE) != (convert->from == ENGINE_NONE))
        return check_scopes(convert);
    say("%s: %s:", convert->name,
        convert->to == ENGINE_NONE ? "--to or --from is needed, with one of these"
                                   : "--to and --from exclude each other; both take one of");
    for (int i = 0; i < ENGINE_COUNT; i++)
        say(" %s", engine_names[i]);
    fputc('\n', stderr);
    return false;
}

/* The engines have their own words for the precision; at most one is given. */
static bool choose_precision(const struct convert *convert, struct convert_export *export)
{
    const int64_t values[] = {convert->precision, convert->log2m, convert->lgk};
    const enum scoped names[] = {SCOPED_PRECISION, SCOPED_LOG2M, SCOPED_LGK};
    for (int i = 0; i < 3; i++) {
        if (!convert->given[names[i]])
            continue;
        if (export->precision_option) {
            say("%s: --%s and --%s are the same: give one of them\n", convert->name,
                export->precision_option, scopes[names[i]].option);
            return false;
        }
        export->precision_option = scopes[names[i]].option;
        export->options.precision = (unsigned)values[i];
    }
    unsigned chosen = export->options.precision;
    const struct engine *engine = export->engine;
    if (!chosen || (chosen >= engine->precision_min && chosen <= engine->precision_max))
        return true;
    say("%s: --%s %u: %s has ", convert->name, export->precision_option, chosen,
        engine->name);
    if (engine->precision_min == engine->precision_max)
        say("%u only\n", engine->precision_min);
    else
        say("%u to %u\n", engine->precision_min, engine->precision_max);
    return false;
}

/* What the table of options can't say of values. */
static bool check_values(const struct convert *convert, const struct convert_export *export)
{
    if (convert->expthresh > 0 && (convert->expthresh & (convert->expthresh - 1)) != 0) {
        say("%s: --expthresh %" PRId64 ": postgres has -1, 0 and powers of two\n",
            convert->name, convert->expthresh);
        return false;
    }
    if (convert->sparse_precision > 0 &&
        convert->sparse_precision < (int64_t)export->options.precision) {
        say("%s: --sparse-precision %" PRId64 " is below --%s %u\n", convert->name,
            convert->sparse_precision, export->precision_option, export->options.precision);
        return false;
    }
    return true;
}

static int run_export(const struct convert *convert, const struct args_list *files)
{
    struct convert_export export = {
        .name = convert->name,
        .engine = engine_find((enum engine_id)convert->to),
        .options = {.sparse_precision = convert->sparse_precision,
                    .postgres = {.regwidth = (unsigned)convert->regwidth,
                                 .expthresh = convert->expthresh,
                                 .sparse_on = convert->sparse},
                    .datasketches = {.bits = 4 + 2 * (unsigned)convert->type,
                                     .updatable = convert->form}},
        .format = (enum convert_format)convert->format,
        .calendar = {.grain = (enum calendar_grain)convert->by,
                     .week_start = (enum calendar_week)convert->week_start,
                     .zone = convert->zone},
        .stream = convert->stream,
        .profile = options_profile(convert->profile),
        .files = files,
        .threads = convert->threads};
    if (!choose_precision(convert, &export) || !check_values(convert, &export))
        return EXIT_USAGE;
    return convert_export(&export);
}

/* What is wrong with the options of --from, or NULL. */
static const char *check_import(const struct convert *convert)
{
    size_t stream = strlen(convert->stream);
    if (stream == 0 || stream > 249 || strpbrk(convert->stream, "\t\n\r"))
        return "--stream takes 1 to 249 bytes without tabs and line ends";
    if (convert->given[SCOPED_MINUTE] && convert->minute_s % 60 != 0)
        return "--minute is not the start of a minute";
    if (!convert->given[SCOPED_MINUTE] && convert->format == CONVERT_RAW)
        return "--format raw needs --minute: the bytes do not tell it";
    if (!convert->given[SCOPED_MINUTE] && convert->given[SCOPED_GROUP])
        return "--group goes with --minute; without it each line names its group";
    return NULL;
}

static int run_import(struct convert *convert, const struct args_list *files)
{
    if (!convert->stream)
        convert->stream = "imported";
    const char *error = check_import(convert);
    if (error) {
        say("%s: %s\n", convert->name, error);
        return EXIT_USAGE;
    }
    const struct convert_import import = {
        .name = convert->name,
        .engine = engine_find((enum engine_id)convert->from),
        .format = (enum convert_format)convert->format,
        .stream = convert->stream,
        .minute_s = convert->given[SCOPED_MINUTE] ? convert->minute_s : CONVERT_MINUTE_EACH,
        .group = convert->group,
        .files = files};
    return convert_import(&import);
}

#define SCOPED(id) .given = &convert->given[id]

/* Options of every engine into `at`; how many. */
static size_t common_options(struct convert *convert, struct args_option *at)
{
    const struct args_option options[] = {
        {.name = "to", .kind = ARGS_CHOICE, .value = &convert->to, .choices = engine_names,
         .argument = "ENGINE", .help = "records into the sketches of ENGINE: redis,\n"
                                       "datasketches, postgres, zetasketch, trino or native"},
        {.name = "from", .kind = ARGS_CHOICE, .value = &convert->from, .choices = engine_names,
         .argument = "ENGINE", .help = "the sketches of ENGINE into records"},
        {.name = "format", .kind = ARGS_CHOICE, .value = &convert->format,
         .choices = format_names, .argument = "F",
         .help = "how bytes are written: hex (default), base64 or raw"},
        {.name = "stream", .kind = ARGS_STRING, .value = &convert->stream, .argument = "NAME",
         .help = "--to: whose records, where there are several streams\n"
                 "--from: what the records are of (default imported)"},
        {.name = "minute", .kind = ARGS_TIME, .value = &convert->minute_s, .argument = "T",
         .help = "--from: the minute of all sketches", SCOPED(SCOPED_MINUTE)},
        {.name = "group", .kind = ARGS_STRING, .value = &convert->group, .argument = "JSON",
         .not_in_environment = true,
         .help = "--from: and their group (default {})", SCOPED(SCOPED_GROUP)},
        {.name = "by", .kind = ARGS_CHOICE, .value = &convert->by,
         .choices = calendar_grain_names, .argument = "GRAIN",
         .help = "--to: minute (default), hour, day, week, month, year\nor all", SCOPED(SCOPED_BY)},
        {.name = "tz", .kind = ARGS_STRING, .value = &convert->zone, .argument = "ZONE",
         .help = "--to: whose hours and days, such as Europe/Zurich\n(default UTC)",
         SCOPED(SCOPED_TZ)},
        {.name = "week-start", .kind = ARGS_CHOICE, .value = &convert->week_start,
         .choices = calendar_week_names, .argument = "DAY",
         .help = "--to: monday (default), sunday or saturday", SCOPED(SCOPED_WEEK_START)},
        {.name = "threads", .kind = ARGS_INT, .value = &convert->threads, .min = 1,
         .max = OPTIONS_THREADS_MAX, .argument = "N",
         .help = "--to: read several files at once (default: as many as there "
                 "are processors, at most 8)", SCOPED(SCOPED_THREADS)},
    };
    memcpy(at, options, sizeof(options));
    return sizeof(options) / sizeof(options[0]);
}

/* Those of one engine each, and the precision, of which they have several words. */
static size_t engine_options(struct convert *convert, struct args_option *at)
{
    const struct args_option options[] = {
        {.name = "precision", .letter = 'p', .kind = ARGS_INT, .value = &convert->precision,
         .not_in_environment = true, .min = HC_PRECISION_MIN, .max = HC_PRECISION_MAX,
         .argument = "N",
         .help = "fold to 2^N registers (default: as counted, or the\n"
                 "most that the engine has)", SCOPED(SCOPED_PRECISION)},
        {.name = "log2m", .kind = ARGS_INT, .value = &convert->log2m, .min = HC_PRECISION_MIN,
         .max = HC_POSTGRES_PRECISION_MAX, .argument = "N",
         .help = "postgres: the same by its name there", SCOPED(SCOPED_LOG2M)},
        {.name = "regwidth", .kind = ARGS_INT, .value = &convert->regwidth, .min = 1,
         .max = HC_POSTGRES_REGWIDTH_MAX, .argument = "N",
         .help = "postgres: bits a register (default 5)", SCOPED(SCOPED_REGWIDTH)},
        {.name = "expthresh", .kind = ARGS_INT, .value = &convert->expthresh, .min = -1,
         .max = HC_POSTGRES_EXPTHRESH_MAX, .argument = "N",
         .help = "postgres: -1 (default), 0 or a power of two",
         SCOPED(SCOPED_EXPTHRESH)},
        {.name = "sparse", .kind = ARGS_CHOICE, .value = &convert->sparse,
         .choices = switch_names, .argument = "on|off", .help = "postgres: sparseon (default on)",
         SCOPED(SCOPED_SPARSE)},
        {.name = "lgk", .kind = ARGS_INT, .value = &convert->lgk, .min = HC_PRECISION_MIN,
         .max = HC_PRECISION_MAX, .argument = "N",
         .help = "datasketches: the precision by its name there", SCOPED(SCOPED_LGK)},
        {.name = "type", .kind = ARGS_CHOICE, .value = &convert->type, .choices = type_names,
         .argument = "TYPE", .help = "datasketches: HLL_4, HLL_6 or HLL_8 (default)",
         SCOPED(SCOPED_TYPE)},
        {.name = "form", .kind = ARGS_CHOICE, .value = &convert->form, .choices = form_names,
         .argument = "FORM",
         .help = "datasketches: compact (default), or updatable as\nSpark writes it",
         SCOPED(SCOPED_FORM)},
        {.name = "sparse-precision", .kind = ARGS_INT, .value = &convert->sparse_precision,
         .min = 0, .max = 25, .argument = "N",
         .help = "zetasketch: that of few users (default: 5 above the\nprecision; 0: none)",
         SCOPED(SCOPED_SPARSE_PRECISION)},
        {.name = "profile", .kind = ARGS_CHOICE, .value = &convert->profile,
         .choices = options_profile_names, .argument = "NAME", .not_in_environment = true,
         .help = "native: whose sketches, where there are several\nprofiles",
         SCOPED(SCOPED_PROFILE)},
    };
    memcpy(at, options, sizeof(options));
    return sizeof(options) / sizeof(options[0]);
}

static bool parse(struct convert *convert, int argc, char **argv, struct args **args,
                  struct args_list *files, int *code)
{
    bool help = false;
    struct args_option options[OPTIONS_MAX];
    size_t count = common_options(convert, options);
    count += engine_options(convert, options + count);
    assert(count + 2 <= OPTIONS_MAX);
    options[count++] = (struct args_option)OPTIONS_HELP(&help);
    options[count] = (struct args_option){.name = NULL};
    const struct args_program program = {
        .name = convert->name,
        .usage = "headcount convert --to ENGINE [OPTION]... [FILE]...\n"
                 "headcount convert --from ENGINE [--minute T] [OPTION]... [FILE]...",
        .epilogue = convert_epilogue, .environment = "HEADCOUNT", .options = options};
    return options_parse(&program, &help, argc, argv, args, files, code);
}

int command_convert(int argc, char **argv)
{
    struct convert convert = {
        .name = "headcount convert", .to = ENGINE_NONE, .from = ENGINE_NONE,
        .format = CONVERT_HEX, .by = CALENDAR_MINUTE, .week_start = CALENDAR_MONDAY,
        .profile = OPTIONS_PROFILE_NONE, .zone = "UTC", .group = "{}",
        .regwidth = 5, .expthresh = -1, .sparse = 1, .type = 2,
        .sparse_precision = ENGINE_SPARSE_DEFAULT};
    struct args *args;
    struct args_list files;
    int code;
    if (!parse(&convert, argc, argv, &args, &files, &code))
        return code;
    code = EXIT_USAGE;
    if (check_direction(&convert))
        code = convert.to != ENGINE_NONE ? run_export(&convert, &files)
                                         : run_import(&convert, &files);
    args_destroy(&args);
    return code;
}
