/* Records from files or stdin into a roll-up, for the subcommands that print
 * rows. Messages go to stderr. */
#ifndef HEADCOUNT_ROWS_H
#define HEADCOUNT_ROWS_H

#include "args.h"
#include "calendar.h"
#include "input.h"
#include "rollup.h"

struct rows_options {
    const char *name;                 /* what messages begin with; borrowed */
    struct calendar_options calendar;
    struct rollup_options rollup;     /* but for `calendar`, which is set here */
    const struct args_list *files;
    int64_t threads;                  /* as OPTIONS_THREADS gives it */
};

struct rows {
    const char *name;
    struct calendar *calendar;
    struct rollup *rollup;
    struct input *input;
};

/* Reads everything, so that rollup_next gives rows, all of one stream and one
 * profile (rollup.h says which). Says on stderr what profiles were left out
 * without being asked to, and when users are missing in the one that is shown.
 * The exit code; EXIT_DONE: go on. *rows needs rows_close in any case. */
int rows_open(struct rows *rows, const struct rows_options *options);

/* Frees what rows_open made. The exit code of the whole: `code`, or EXIT_FAILED
 * instead of EXIT_DONE when a line was refused or a file could not be read. */
int rows_close(struct rows *rows, int code);

#endif
