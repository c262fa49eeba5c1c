/* headcount: the offline tool. Finds the subcommand and hands over. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "shown.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"merge", command_merge, "minutes into hours, days, weeks, months, years"},
    {"show", command_show, "what each record says, to read"},
    {"convert", command_convert, "sketches into the bytes of other engines, and back"},
    {"overlap", command_overlap, "users that two days, or two files, have in common"},
    {"verify", command_verify, "are the input positions covered without a hole"},
    {"replay", command_replay, "rejected frames as they were"},
    {"generate", command_generate, "frames to count, with a known truth"},
};
#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *stream)
{
    fprintf(stream, "usage: headcount COMMAND [OPTION]... [FILE]...\n"
                    "       headcount COMMAND -h\n\n"
                    "Reads records as headcountd writes them, one a line, from FILEs or stdin\n"
                    "('-' too is stdin). Data goes to stdout, talk to stderr.\n\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream, "\nExit codes: 0 done; 1 failed while running, or something was refused;\n"
                    "2 usage.\n");
}

static int close_stdout(int code)
{
    return say_stdout_written("headcount") ? code : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        print_usage(stdout);
        return close_stdout(EXIT_DONE);
    }
    if (strcmp(word, "--version") == 0) {
        puts("headcount " HEADCOUNT_VERSION);
        return close_stdout(EXIT_DONE);
    }
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(word, commands[i].name) == 0)
            return close_stdout(commands[i].run(argc - 1, argv + 1));
    }
    say("headcount: no command is called '%s'; 'headcount -h' lists them\n", word);
    return EXIT_USAGE;
}
