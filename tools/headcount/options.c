#include "options.h"

#include <assert.h>
#include <stdio.h>

#include "commands.h"
#include "shown.h"

/* In the order of the enum, which begins with 1. */
const char *const options_profile_names[] = {"redis", "datasketches", "postgres", "zetasketch",
                                             "trino", "keyed", NULL};

enum hc_profile options_profile(int number)
{
    enum hc_profile profile;

    if (number == OPTIONS_PROFILE_NONE)
        return 0;
    bool known = hc_profile_by_name(options_profile_names[number], &profile);
    assert(known);
    return profile;
}

bool options_parse(const struct args_program *program, const bool *help, int argc, char **argv,
                   struct args **args, struct args_list *words, int *code)
{
    char error[512];
    enum args_status status = args_parse(program, argc, argv, NULL, args, words, error,
                                         sizeof(error));
    if (status != ARGS_OK) {
        say("%s: %s\n", program->name, error);
        if (status == ARGS_USAGE)
            say("Try '%s --help'.\n", program->name);
        *code = (int)status;
        return false;
    }
    if (!*help)
        return true;
    args_help(program, stdout);
    args_destroy(args);
    *code = EXIT_DONE;
    return false;
}
