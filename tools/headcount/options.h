/* What the options of all subcommands have in common. */
#ifndef HEADCOUNT_OPTIONS_H
#define HEADCOUNT_OPTIONS_H

#include <stdbool.h>

#include "args.h"

/* Parses the words of a subcommand. True: go on, with *args (args_destroy it)
 * and the words that are no options in *words. False: return *code at once;
 * help (when *help was set) or the error has been printed. */
bool options_parse(const struct args_program *program, const bool *help, int argc, char **argv,
                   struct args **args, struct args_list *words, int *code);

#define OPTIONS_HELP(flag) \
    {.name = "help", .letter = 'h', .kind = ARGS_FLAG, .value = (flag), .help = "this text"}

#endif
