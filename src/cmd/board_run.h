/* From settings to a running board. */
#ifndef CMD_BOARD_RUN_H
#define CMD_BOARD_RUN_H

#include <stdatomic.h>

#include "board_config.h"

/* Runs until the end of what is to be read, or until *stop is set; the exit code. */
int board_program_run(const struct board_config *config, const atomic_int *stop);
/* --validate: findings on stdout; the exit code. */
int board_program_validate(const struct board_config *config);
/* --backup; the exit code. */
int board_program_backup(const struct board_config *config);

#endif
