/* What is done once, without a board: --validate and --backup. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board_run.h"
#include "http.h"
#include "log.h"
#include "paths.h"
#include "properties.h"
#include "shown.h"
#include "store.h"

#define VALIDATE_MS 10000

/* A store that is there can be read, also while a board uses it; one that is not can
 * be made. */
static bool validate_store(const char *path)
{
    char error[1200];
    bool exists;
    int wrong = path_writable(path, &exists);
    struct store_reader *reader;
    if (wrong) {
        say_on(stdout, "error: db: %s: %s\n", path, strerror(wrong));
        return false;
    }
    if (!exists) {
        say_on(stdout, "ok: db: %s will be created\n", path);
        return true;
    }
    reader = store_reader_open(path, error, sizeof error);
    if (reader)
        say_on(stdout, "ok: db: %s\n", path);
    else
        say_on(stdout, "error: db: %s\n", error);
    store_reader_close(&reader);
    return reader != NULL;
}

static bool validate_server(const struct board_config *config)
{
    char error[1200];
    const struct http_server_options options = {.listen = config->listen,
                                                .token_file = config->token_file};
    if (config->exit_at_end)
        return true;
    if (http_server_check(&options, error, sizeof error)) {
        say_on(stdout, "ok: listen: %s\n", config->listen);
        return true;
    }
    say_on(stdout, "error: %s\n", error);
    return false;
}

static bool validate_topic(const struct board_config *config)
{
    char error[1024];
    const struct kafka_check check = {.input = config->topic};
    struct kafka_properties *properties;
    bool fine = program_kafka(&config->program, &properties, error, sizeof error) ==
                CONFIG_EXIT_DONE;
    if (fine)
        fine = kafka_check(properties, &check, VALIDATE_MS, stdout);
    else
        say_on(stdout, "error: %s\n", error);
    kafka_properties_destroy(&properties);
    return fine;
}

int board_program_validate(const struct board_config *config)
{
    bool fine = validate_store(config->db);
    fine = validate_server(config) && fine;
    fine = paths_check_inputs(config->program.files.items, config->program.files.count) && fine;
    if (config->topic)
        fine = validate_topic(config) && fine;
    if (fine)
        printf("configuration ok\n");
    return fine ? CONFIG_EXIT_DONE : CONFIG_EXIT_CONFIG;
}

int board_program_backup(const struct board_config *config)
{
    char error[1200];
    struct store_reader *reader = store_reader_open(config->db, error, sizeof error);
    int code = CONFIG_EXIT_FAILED;
    if (!reader)
        say("headcount-board: %s\n", error);
    else if (!store_backup(reader, config->backup))
        say("headcount-board: %s\n", store_reader_error(reader));
    else
        code = CONFIG_EXIT_DONE;
    if (code == CONFIG_EXIT_DONE)
        log_event(LOG_INFO, "backed_up", LOG_S("db", config->db), LOG_S("to", config->backup));
    store_reader_close(&reader);
    return code;
}
