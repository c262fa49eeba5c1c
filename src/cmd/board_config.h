/* What headcount-board is asked to do: options -> checked settings. */
#ifndef CMD_BOARD_CONFIG_H
#define CMD_BOARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "exits.h"

/* Strings are owned by `args` or static. */
struct board_config {
    struct args *args;
    struct args_list files;
    const char *file; /* -F */

    const char *brokers, *topic, *totals;
    struct args_list properties;
    bool exit_at_end;

    const char *db, *backup;
    int64_t keep_minutes_ms; /* 0: for ever */
    const char *listen, *token_file;
    bool listen_given;

    int log_format;
    bool verbose, quiet, validate, version, help;
};

/* Reads options into *config and checks them. CONFIG_EXIT_DONE, or the exit
 * code with a message in `error`. `board_config_free` afterwards in any case. */
int board_config_read(struct board_config *config, int argc, char **argv, char *error,
                      size_t error_size);
void board_config_free(struct board_config *config);

void board_config_help(const struct board_config *config, void *stream);

#endif
