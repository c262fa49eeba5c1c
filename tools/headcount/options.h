/* What the options of all subcommands have in common. */
#ifndef HEADCOUNT_OPTIONS_H
#define HEADCOUNT_OPTIONS_H

#include <stdbool.h>

#include "args.h"
#include "headcount/hash.h"

/* Parses the words of a subcommand. True: go on, with *args (args_destroy it)
 * and the words that are no options in *words. False: return *code at once;
 * help (when *help was set) or the error has been printed. */
bool options_parse(const struct args_program *program, const bool *help, int argc, char **argv,
                   struct args **args, struct args_list *words, int *code);

/* --profile of a subcommand that reads records, into an int that is
 * OPTIONS_PROFILE_NONE at first. */
#define OPTIONS_PROFILE_NONE (-1)
extern const char *const options_profile_names[];
#define OPTIONS_PROFILE(number) \
    {.name = "profile", .kind = ARGS_CHOICE, .value = (number), .not_in_environment = true, \
     .choices = options_profile_names, .argument = "NAME", \
     .help = "whose sketches, where there are several profiles (the first that is there of " \
             "redis, datasketches, postgres, zetasketch, trino, keyed)"}
/* The profile that it names, or 0. */
enum hc_profile options_profile(int number);

/* --threads of a subcommand that unites files, into an int64_t that is 0 at first. */
#define OPTIONS_THREADS_MAX 64
#define OPTIONS_THREADS(number) \
    {.name = "threads", .kind = ARGS_INT, .value = (number), .min = 1, \
     .max = OPTIONS_THREADS_MAX, .argument = "N", \
     .help = "read several files at once (default: as many as there are " \
             "processors, at most 8); what is printed is the same"}

#define OPTIONS_HELP(flag) \
    {.name = "help", .letter = 'h', .kind = ARGS_FLAG, .value = (flag), .help = "this text"}

#endif
