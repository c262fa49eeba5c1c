/* What the parts of the option parser share: where each value came from. */
#ifndef BASE_ARGS_BODY_H
#define BASE_ARGS_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"

enum args_source { ARGS_FROM_NOTHING, ARGS_FROM_FILE, ARGS_FROM_ENVIRONMENT, ARGS_FROM_LINE };

/* The words that were given for one option, by the best source so far. */
struct args_given {
    enum args_source source;
    int line;            /* the file's, of the last word */
    const char **words;  /* a flag on the command line has the word "true" */
    size_t count, room;
    char *copy;          /* the environment's text, which the words point into */
    size_t copy_size;
};

struct args {
    const struct args_program *program;
    struct args_given *given; /* [number of options] */
    size_t count;             /* of the options */
    const char *file_path;
    char *file_bytes;         /* lines and words cut out of it in place */
    const char **positional;
    size_t positional_count;
    char *error;              /* the caller's, while it waits */
    size_t error_size;
};

/* Writes the message; always ARGS_USAGE or ARGS_CONFIG, as told. */
enum args_status args_fail(struct args *args, enum args_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The index of the option of that name, or -1. */
int args_find(const struct args *args, const char *name, size_t size);
/* The index of the option that a name was probably meant to be, or -1. */
int args_near(const struct args *args, const char *name, size_t size);
/* Whether no variable of the environment is an option's with a slip in its name. */
enum args_status args_check_environment(struct args *args);
/* Taken from the command line only, and before all else: help and version. */
bool args_is_immediate(const struct args_option *option);
/* A list or a set: its words add up. */
bool args_collects(const struct args_option *option);

/* Notes one more word for an option. A better source replaces the words of a
 * lesser one. False: no memory. */
bool args_give(struct args *args, int option, enum args_source source, const char *word);

/* The three sources, best first. Each leaves alone what a better one gave. */
enum args_status args_read_line(struct args *args, int argc, char **argv);
enum args_status args_read_environment(struct args *args);
enum args_status args_read_file(struct args *args, const char *path, int file_option);

/* Turns the words that were given into the option's value. */
enum args_status args_set_value(struct args *args, int option);

#endif
