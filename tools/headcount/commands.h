/* The subcommands of headcount: one file each, named after it.
 *
 * Each takes its own words, argv[0] being the subcommand's name, and returns
 * the exit code: 0 done, 1 failed while running, 2 usage. Data goes to stdout,
 * talk to stderr. Only main.c knows the list. */
#ifndef HEADCOUNT_COMMANDS_H
#define HEADCOUNT_COMMANDS_H

#include "args.h"

enum { EXIT_DONE = ARGS_OK, EXIT_FAILED = ARGS_FAILED, EXIT_USAGE = ARGS_USAGE };

int command_convert(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_overlap(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_show(int argc, char **argv);
int command_verify(int argc, char **argv);

#endif
