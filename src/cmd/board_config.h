/* What headcount-board is asked to do: options -> checked settings. */
#ifndef CMD_BOARD_CONFIG_H
#define CMD_BOARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program.h"

/* Strings are owned by `program` or static. */
struct board_config {
    struct program_options program;

    const char *topic, *totals;
    bool exit_at_end;

    const char *db, *backup;
    int64_t keep_minutes_ms; /* 0: for ever */
    const char *listen, *token_file;
    bool listen_given;
};

/* Sets defaults, and adds the options that change them to the table. */
struct args_program board_config_describe(struct board_config *config,
                                          struct program_table *table);
/* Checks what was read into a struct board_config. CONFIG_EXIT_DONE, or the exit code
 * with a message in `error`. */
int board_config_check(void *config, char *error, size_t error_size);

#endif
