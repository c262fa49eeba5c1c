/* See board_config.h. One table names every option; what the table can't say is
 * checked behind it. */
#include "board_config.h"

#include <stdio.h>
#include <string.h>

#include "http.h"

#define ENVIRONMENT "HEADCOUNT_BOARD"
#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define YEARS_MS (INT64_C(10000) * 366 * 24 * HOUR_MS)

static const char usage[] =
    "  headcount-board --db FILE -b BROKERS -t TOPIC [OPTION]...  a topic of records\n"
    "  headcount-board --db FILE [OPTION]... [RECORDS]...         files ('-' is stdin; also .gz,\n"
    "                                                             .zst), or what is there already\n"
    "  headcount-board --db FILE --backup FILE                    copies a board's file\n";

static void input_options(struct board_config *c, struct program_table *table)
{
    const struct args_option options[] = {
        PROGRAM_BROKERS(&c->program),
        {.name = "topic", .letter = 't', .kind = ARGS_STRING, .value = &c->topic,
         .argument = "NAME", .help = "topic of records, what headcountd -o names"},
        PROGRAM_PROPERTY(&c->program, ""),
        {.name = "exit-at-end", .letter = 'e', .kind = ARGS_FLAG, .value = &c->exit_at_end,
         .help = "only load: read what is there, write it and leave, without serving"},
        {.name = NULL}};
    program_add(table, options);
}

static void board_options(struct board_config *c, struct program_table *table)
{
    const struct args_option options[] = {
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
        PROGRAM_CONFIG(&c->program),
        PROGRAM_OTHERS(&c->program, ""),
        {.name = NULL}};
    program_add(table, options);
}

struct args_program board_config_describe(struct board_config *c, struct program_table *table)
{
    *c = (struct board_config){.listen = "127.0.0.1:8080"};
    input_options(c, table);
    board_options(c, table);
    return (struct args_program){.name = "headcount-board",
                                 .usage = usage,
                                 .epilogue = PROGRAM_EPILOGUE(ENVIRONMENT, ""),
                                 .environment = ENVIRONMENT,
                                 .options = table->options};
}

/* --backup is a command of its own. */
static const char *wrong_backup(const struct board_config *c)
{
    if (c->program.brokers || c->topic || c->totals || c->program.files.count > 0 || c->exit_at_end)
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
    if (c->topic && c->program.files.count > 0)
        return "read either RECORDS or -t TOPIC, not both: load files first (-e), then the topic";
    if ((c->topic || c->totals) && !c->program.brokers)
        return c->topic ? "-t TOPIC needs -b BROKERS" : "--totals TOPIC needs -b BROKERS";
    if (c->program.brokers && !c->topic && !c->totals)
        return "-b BROKERS needs -t TOPIC";
    if ((c->topic && !*c->topic) || (c->totals && !*c->totals))
        return "-t and --totals take a name, not nothing";
    if (c->topic && c->totals && strcmp(c->topic, c->totals) == 0)
        return "-t and --totals name the same topic: its readers would find totals there";
    if (c->exit_at_end && !c->topic && c->program.files.count == 0)
        return "-e has nothing to read: name RECORDS, or -b BROKERS and -t TOPIC";
    if (c->exit_at_end && (c->listen_given || c->token_file))
        return "-e serves nothing: no --listen, no --token-file";
    if (c->exit_at_end && c->totals)
        return "-e only loads: --totals is for a board that goes on";
    if (!http_listen_is_valid(c->listen))
        return "--listen wants " HTTP_LISTEN_FORM;
    return NULL;
}

int board_config_check(void *config, char *error, size_t error_size)
{
    const char *wrong = wrong_words(config);
    if (!wrong)
        return CONFIG_EXIT_DONE;
    snprintf(error, error_size, "%s", wrong);
    return CONFIG_EXIT_USAGE;
}
