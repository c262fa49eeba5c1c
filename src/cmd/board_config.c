/* See board_config.h. One table names every option; what the table can't say is
 * checked behind it. */
#include "board_config.h"

#include <stdio.h>
#include <string.h>

#include "http.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define YEARS_MS (INT64_C(10000) * 366 * 24 * HOUR_MS)

static const char *const log_formats[] = {"logfmt", "json", NULL};

static const char usage[] =
    "  headcount-board --db FILE -b BROKERS -t TOPIC [OPTION]...  a topic of records\n"
    "  headcount-board --db FILE [OPTION]... [RECORDS]...         files ('-' is stdin; also .gz,\n"
    "                                                             .zst), or what is there already\n"
    "  headcount-board --db FILE --backup FILE                    copies a board's file\n";

static const char epilogue[] =
    "Every option also comes from HEADCOUNT_BOARD_<OPTION> in the environment and from\n"
    "option=value lines of the file that -F names; the command line wins, then the\n"
    "environment. Durations take ms s m h d.\n"
    "Exit codes: 0 done; 1 failed while running; 2 usage; 78 bad configuration.\n";

#define OPTION_COUNT_MAX 24

static size_t input_options(struct board_config *c, struct args_option *o)
{
    const struct args_option table[] = {
        {.name = "brokers", .letter = 'b', .kind = ARGS_STRING, .value = &c->brokers,
         .argument = "LIST", .help = "Kafka bootstrap servers"},
        {.name = "topic", .letter = 't', .kind = ARGS_STRING, .value = &c->topic,
         .argument = "NAME", .help = "topic of records, what headcountd -o names"},
        {.letter = 'X', .name = "property", .kind = ARGS_LIST, .value = &c->properties,
         .argument = "K=V",
         .help = "librdkafka property; -X list shows them; @FILE as the value of a secret reads "
                 "it from a file"},
        {.name = "exit-at-end", .letter = 'e', .kind = ARGS_FLAG, .value = &c->exit_at_end,
         .help = "only load: read what is there, write it and leave, without serving"},
    };
    memcpy(o, table, sizeof table);
    return sizeof table / sizeof *table;
}

static size_t board_options(struct board_config *c, struct args_option *o)
{
    const struct args_option table[] = {
        {.name = "db", .kind = ARGS_STRING, .value = &c->db, .argument = "FILE",
         .help = "where everything is kept; made when it is not there"},
        {.name = "keep-minutes", .kind = ARGS_DURATION, .value = &c->keep_minutes_ms,
         .min = HOUR_MS, .max = YEARS_MS, .argument = "D",
         .help = "let minutes go that are older; their quarter-hours, hours and days stay "
                 "(for ever)"},
        {.name = "listen", .kind = ARGS_STRING, .value = &c->listen, .given = &c->listen_given,
         .argument = "ADDR:PORT", .help = "where the page and the API are (127.0.0.1:8080)"},
        {.name = "token-file", .kind = ARGS_STRING, .value = &c->token_file, .argument = "FILE",
         .help = "who asks must know what it holds; needed where others than this machine "
                 "can ask"},
        {.name = "totals", .kind = ARGS_STRING, .value = &c->totals, .argument = "TOPIC",
         .help = "write the numbers of hours, days, weeks, months and years (UTC) as small JSON "
                 "to this topic, whenever they change"},
        {.name = "backup", .kind = ARGS_STRING, .value = &c->backup, .argument = "FILE",
         .help = "copy --db to FILE and leave, while a board is using it or not"},
    };
    memcpy(o, table, sizeof table);
    return sizeof table / sizeof *table;
}

static size_t program_options(struct board_config *c, struct args_option *o)
{
    const struct args_option table[] = {
        {.name = "config", .letter = 'F', .kind = ARGS_STRING, .value = &c->file,
         .argument = "FILE", .help = "read options from FILE"},
        {.name = "log-format", .kind = ARGS_CHOICE, .value = &c->log_format,
         .choices = log_formats, .argument = "F", .help = "logfmt or json (logfmt)"},
        {.name = "verbose", .letter = 'v', .kind = ARGS_FLAG, .value = &c->verbose,
         .help = "log more"},
        {.name = "quiet", .letter = 'q', .kind = ARGS_FLAG, .value = &c->quiet,
         .help = "log errors only"},
        {.name = "validate", .kind = ARGS_FLAG, .value = &c->validate,
         .help = "check the configuration and the brokers, then exit"},
        {.name = "version", .kind = ARGS_FLAG, .value = &c->version, .help = "print versions"},
        {.name = "help", .letter = 'h', .kind = ARGS_FLAG, .value = &c->help,
         .help = "print this"},
    };
    memcpy(o, table, sizeof table);
    return sizeof table / sizeof *table;
}

static void all_options(struct board_config *c, struct args_option *options)
{
    size_t count = input_options(c, options);
    count += board_options(c, options + count);
    count += program_options(c, options + count);
    options[count] = (struct args_option){.name = NULL};
}

static struct args_program program(const struct args_option *options)
{
    return (struct args_program){.name = "headcount-board",
                                 .usage = usage,
                                 .epilogue = epilogue,
                                 .environment = "HEADCOUNT_BOARD",
                                 .options = options};
}

void board_config_help(const struct board_config *config, void *stream)
{
    struct args_option options[OPTION_COUNT_MAX];
    struct board_config copy = *config;
    all_options(&copy, options);
    struct args_program help = program(options);
    args_help(&help, stream);
}

/* --backup is a command of its own. */
static const char *wrong_backup(const struct board_config *c)
{
    if (c->brokers || c->topic || c->totals || c->files.count > 0 || c->exit_at_end)
        return "--backup copies what is in --db and reads nothing: no -b, -t, -e, RECORDS";
    if (strcmp(c->backup, c->db) == 0)
        return "--backup and --db name the same file";
    return NULL;
}

static const char *wrong_words(const struct board_config *c)
{
    if (!c->db || !*c->db)
        return "--db FILE is needed: where everything is kept";
    if (c->backup)
        return wrong_backup(c);
    if (c->topic && c->files.count > 0)
        return "read either RECORDS or -t TOPIC, not both: load files first (-e), then the topic";
    if ((c->topic || c->totals) && !c->brokers)
        return c->topic ? "-t TOPIC needs -b BROKERS" : "--totals TOPIC needs -b BROKERS";
    if (c->brokers && !c->topic && !c->totals)
        return "-b BROKERS needs -t TOPIC";
    if ((c->topic && !*c->topic) || (c->totals && !*c->totals))
        return "-t and --totals take a name, not nothing";
    if (c->topic && c->totals && strcmp(c->topic, c->totals) == 0)
        return "-t and --totals name the same topic: its readers would find totals there";
    if (c->exit_at_end && !c->topic && c->files.count == 0)
        return "-e has nothing to read: name RECORDS, or -b BROKERS and -t TOPIC";
    if (c->exit_at_end && (c->listen_given || c->token_file))
        return "-e serves nothing: no --listen, no --token-file";
    if (c->exit_at_end && c->totals)
        return "-e only loads: --totals is for a board that goes on";
    if (!http_listen_is_valid(c->listen))
        return "--listen wants " HTTP_LISTEN_FORM;
    return NULL;
}

int board_config_read(struct board_config *c, int argc, char **argv, char *error,
                      size_t error_size)
{
    struct args_option options[OPTION_COUNT_MAX];
    *c = (struct board_config){.listen = "127.0.0.1:8080"};
    all_options(c, options);
    struct args_program described = program(options);
    enum args_status status = args_parse(&described, argc, argv, "config", &c->args, &c->files,
                                         error, error_size);
    if (status != ARGS_OK)
        return status == ARGS_USAGE    ? CONFIG_EXIT_USAGE
               : status == ARGS_CONFIG ? CONFIG_EXIT_CONFIG
                                       : CONFIG_EXIT_FAILED;
    bool listing = c->properties.count == 1 && strcmp(c->properties.items[0], "list") == 0;
    if (c->help || c->version || listing)
        return CONFIG_EXIT_DONE;
    const char *wrong = wrong_words(c);
    if (!wrong)
        return CONFIG_EXIT_DONE;
    snprintf(error, error_size, "%s", wrong);
    return CONFIG_EXIT_USAGE;
}

void board_config_free(struct board_config *c)
{
    args_destroy(&c->args);
}
