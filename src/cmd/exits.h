/* What both programs exit with. */
#ifndef CMD_EXITS_H
#define CMD_EXITS_H

enum {
    CONFIG_EXIT_DONE = 0,
    CONFIG_EXIT_FAILED = 1,
    CONFIG_EXIT_USAGE = 2,
    CONFIG_EXIT_CONFIG = 78
};

#endif
