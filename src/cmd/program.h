/* What headcountd and headcount-board share: options that mean the same in both, and
 * what main does with all of them. A program brings its own options, its check and
 * what it runs. */
#ifndef CMD_PROGRAM_H
#define CMD_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"
#include "exits.h"
#include "limits.h"

struct kafka_properties;

/* What the options below say. Zero-initialise; strings are owned by `args` or static. */
struct program_options {
    struct args *args;
    struct args_list files; /* words that are no options */
    const char *file;       /* -F */
    const char *brokers;
    struct args_list properties;
    int log_format;
    bool verbose, quiet, validate, version, help;
};

/* Entries of a program's table, in the order of its --help; `o` is its struct
 * program_options, what is added to a text a string literal. */
#define PROGRAM_BROKERS(o) \
    {.name = "brokers", .letter = 'b', .kind = ARGS_STRING, .value = &(o)->brokers, \
     .argument = "LIST", .help = "Kafka bootstrap servers"}
#define PROGRAM_PROPERTY(o, whose) \
    {.name = "property", .letter = 'X', .kind = ARGS_LIST, .value = &(o)->properties, \
     .argument = "K=V", \
     .help = "librdkafka property" whose "; -X list shows them; @FILE as the value of a " \
             "secret reads it from a file"}
#define PROGRAM_CONFIG(o) \
    {.name = "config", .letter = 'F', .kind = ARGS_STRING, .value = &(o)->file, \
     .argument = "FILE", .help = "read options from FILE"}
#define PROGRAM_OTHERS(o, silent) \
    {.name = "log-format", .kind = ARGS_CHOICE, .value = &(o)->log_format, \
     .choices = program_log_formats, .argument = "F", .help = "logfmt or json (logfmt)"}, \
    {.name = "verbose", .letter = 'v', .kind = ARGS_FLAG, .value = &(o)->verbose, \
     .help = "log more"}, \
    {.name = "quiet", .letter = 'q', .kind = ARGS_FLAG, .value = &(o)->quiet, \
     .help = "log errors only" silent}, \
    {.name = "validate", .kind = ARGS_FLAG, .value = &(o)->validate, \
     .help = "check the configuration and the brokers, then exit"}, \
    {.name = "version", .kind = ARGS_FLAG, .value = &(o)->version, .help = "print versions"}, \
    {.name = "help", .letter = 'h', .kind = ARGS_FLAG, .value = &(o)->help, .help = "print this"}
extern const char *const program_log_formats[];

/* What --help ends with: `environment` is the prefix of variables, `sizes` what is added. */
#define PROGRAM_EPILOGUE(environment, sizes) \
    "Every option also comes from " environment "_<OPTION> in the environment and from\n" \
    "option=value lines of the file that -F names; the command line wins, then the\n" \
    "environment. Durations take ms s m h d" sizes ".\n" \
    "Exit codes: 0 done; 1 failed while running; 2 usage; 78 bad configuration.\n"

/* All options of a program. Zero-initialise. */
struct program_table {
    struct args_option options[LIMIT_OPTIONS + 1];
    size_t count;
};

/* Appends options, as far as one without a name. */
void program_add(struct program_table *table, const struct args_option *options);

struct program {
    struct args_program words; /* its options point into *options and *config */
    struct program_options *options;
    void *config;              /* for the two below */
    /* Options that were read -> checked settings. CONFIG_EXIT_DONE, or the exit code with
     * a message in `error`. */
    int (*check)(void *config, char *error, size_t error_size);
    /* Logs are set up, secrets off the command line; the exit code. */
    int (*run)(const void *config);
};

/* Arguments to exit code; --help, --version and -X list are answered here. Strings of
 * the options are gone afterwards. */
int program_main(const struct program *program, int argc, char **argv);

/* What -b and -X say to a Kafka client, NULL in *properties on failure. The exit code. */
int program_kafka(const struct program_options *options, struct kafka_properties **properties,
                  char *error, size_t error_size);

#endif
