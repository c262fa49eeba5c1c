/* Options from the command line, the environment and a file.
 *
 * One table describes a program's options. A value comes, in this order of
 * precedence, from the command line, from PREFIX_<OPTION> in the environment
 * (upper case, '-' as '_'), and from `option=value` lines of a file. Every
 * error names the option, the value and what is allowed.
 *
 * Command line: `--name value`, `--name=value`, `-n value`, `-nvalue`, flags in
 * one word (`-vq`). Of a repeated option the last counts; lists and sets
 * collect. What follows an option that takes a value is its value, even "-" or
 * "--".
 * Environment: an empty variable counts as not set; a list or set has one item
 * a line; variables that name no option are none of ours.
 * File: white space around key and value is trimmed; empty lines and lines that
 * start with '#' are skipped; only lists and sets may stand twice; unknown keys
 * are errors. At most LIMIT_CONFIG_BYTES.
 * The flags `help` and `version` are taken from the command line only, and
 * where they stand there nothing else is read. */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum args_kind {
    ARGS_FLAG,     /* bool: no value on the command line; true/false elsewhere */
    ARGS_STRING,   /* const char *: from argv, or owned by the args */
    ARGS_INT,      /* int64_t in [min, max] */
    ARGS_DOUBLE,   /* double in [min, max] */
    ARGS_DURATION, /* int64_t, milliseconds */
    ARGS_SIZE,     /* int64_t, bytes */
    ARGS_TIME,     /* int64_t, Unix seconds */
    ARGS_CHOICE,   /* int: index into `choices` */
    ARGS_LIST,     /* struct args_list: repeatable; one source wins as a whole */
    ARGS_SET       /* unsigned: bit 1 << index into `choices` for each that is named, none of
                    * them twice; repeatable, or several with commas; as with lists */
};

struct args_list {
    const char **items; /* owned by the args, as what they point to may be */
    size_t count;
};

struct args_option {
    const char *name;      /* long name without dashes; NULL ends a table */
    char letter;           /* short name, or 0 */
    enum args_kind kind;
    void *value;           /* holds the default before parsing; see args_kind for its type */
    int64_t min, max;      /* ARGS_INT, ARGS_DOUBLE, ARGS_DURATION, ARGS_SIZE */
    const char *const *choices; /* ARGS_CHOICE, ARGS_SET: NULL-terminated */
    const char *argument;  /* what help calls the value ("LIST"), NULL for flags */
    const char *help;      /* one line, or several separated by '\n' */
    bool *given;           /* set to true when any source gave it; or NULL */
    bool not_in_environment; /* the variable means another option of a sister program */
};

struct args_program {
    const char *name;        /* "headcountd" */
    const char *usage;       /* the lines behind "usage:" */
    const char *epilogue;    /* what help prints after the options, or NULL */
    const char *environment; /* prefix ("HEADCOUNT"), or NULL: command line only */
    const struct args_option *options;
};

struct args; /* owns what parsing allocated */

/* What a program exits with then. */
enum args_status {
    ARGS_OK = 0,
    ARGS_FAILED = 1, /* out of memory */
    ARGS_USAGE = 2,  /* a word on the command line is wrong */
    ARGS_CONFIG = 78 /* a value in the environment or the file is wrong */
};

/* Parses everything. `file_option` names the ARGS_STRING option that holds the
 * file's path ("config"), or NULL. Words that are no options are in
 * *positional (words of argv, order kept; "--" ends options; the list itself is
 * the args'). On failure a message for people is in `error` (one line, no
 * newline, cut to fit), *args is NULL and values may have been written. */
enum args_status args_parse(const struct args_program *program, int argc, char **argv,
                            const char *file_option, struct args **args,
                            struct args_list *positional, char *error, size_t error_size);
void args_destroy(struct args **args);

/* Help as text on `stream` (FILE *), at most 80 columns where words allow it. */
void args_help(const struct args_program *program, void *stream);

#endif
