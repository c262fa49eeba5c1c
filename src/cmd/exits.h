/* What both programs exit with, whoever found the reason. */
#ifndef CMD_EXITS_H
#define CMD_EXITS_H

#include "args.h"

enum {
    CONFIG_EXIT_DONE = ARGS_OK,
    CONFIG_EXIT_FAILED = ARGS_FAILED,
    CONFIG_EXIT_USAGE = ARGS_USAGE,
    CONFIG_EXIT_CONFIG = ARGS_CONFIG
};

#endif
