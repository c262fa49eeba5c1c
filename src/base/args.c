/* Words first, values second: each source only notes which words it gives for
 * which option, the best source wins, and what won is then read as a value. So
 * a value that is overruled is never judged. */
#include "args.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args_body.h"
#include "limits.h"

enum args_status args_fail(struct args *args, enum args_status status, const char *format, ...)
{
    va_list arguments;

    assert(status != ARGS_OK);
    va_start(arguments, format);
    vsnprintf(args->error, args->error_size, format, arguments);
    va_end(arguments);
    /* Words come from anywhere: a message stays one line. */
    for (char *at = args->error; args->error_size && *at; at++) {
        if ((unsigned char)*at < ' ')
            *at = ' ';
    }
    return status;
}

int args_find(const struct args *args, const char *name, size_t size)
{
    const struct args_option *options = args->program->options;

    for (size_t i = 0; i < args->count; i++) {
        if (strlen(options[i].name) == size && memcmp(options[i].name, name, size) == 0)
            return (int)i;
    }
    return -1;
}

bool args_is_immediate(const struct args_option *option)
{
    return option->kind == ARGS_FLAG &&
           (strcmp(option->name, "help") == 0 || strcmp(option->name, "version") == 0);
}

bool args_collects(const struct args_option *option)
{
    return option->kind == ARGS_LIST || option->kind == ARGS_SET;
}

bool args_give(struct args *args, int option, enum args_source source, const char *word)
{
    struct args_given *given = &args->given[option];
    bool collects = args_collects(&args->program->options[option]);

    assert(source >= given->source);
    if (source > given->source || !collects)
        given->count = 0;
    given->source = source;
    if (given->count == given->room) {
        size_t room = given->room ? given->room * 2 : 4;
        const char **words = realloc(given->words, room * sizeof *words);

        if (!words)
            return false;
        given->words = words;
        given->room = room;
    }
    given->words[given->count++] = word;
    return true;
}

static bool is_immediate_given(const struct args *args)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args_is_immediate(&args->program->options[i]) && args->given[i].source)
            return true;
    }
    return false;
}

static enum args_status set_values(struct args *args)
{
    for (size_t i = 0; i < args->count; i++) {
        enum args_status status;

        if (!args->given[i].source)
            continue;
        status = args_set_value(args, (int)i);
        if (status)
            return status;
        if (args->program->options[i].given)
            *args->program->options[i].given = true;
    }
    return ARGS_OK;
}

/* Help or version are asked for: they alone are set. */
static enum args_status set_immediate(struct args *args)
{
    for (size_t i = 0; i < args->count; i++) {
        if (!args_is_immediate(&args->program->options[i]))
            args->given[i].source = ARGS_FROM_NOTHING;
    }
    return set_values(args);
}

static enum args_status read_sources(struct args *args, int argc, char **argv,
                                     const char *file_option)
{
    enum args_status status = args_read_line(args, argc, argv);
    const struct args_given *file;
    int option;

    if (status)
        return status;
    if (is_immediate_given(args))
        return set_immediate(args);
    status = args_read_environment(args);
    if (status)
        return status;
    if (file_option) {
        option = args_find(args, file_option, strlen(file_option));
        assert(option >= 0 && args->program->options[option].kind == ARGS_STRING);
        file = &args->given[option];
        if (file->source)
            status = args_read_file(args, file->words[0], option);
        if (status)
            return status;
    }
    return set_values(args);
}

static struct args *create(const struct args_program *program, int argc)
{
    struct args *args = calloc(1, sizeof *args);

    if (!args)
        return NULL;
    args->program = program;
    while (program->options[args->count].name)
        args->count++;
    args->given = calloc(args->count + 1, sizeof *args->given);
    args->positional = calloc((size_t)argc + 1, sizeof *args->positional);
    if (!args->given || !args->positional)
        args_destroy(&args);
    return args;
}

enum args_status args_parse(const struct args_program *program, int argc, char **argv,
                            const char *file_option, struct args **args,
                            struct args_list *positional, char *error, size_t error_size)
{
    enum args_status status;

    *args = create(program, argc);
    if (!*args) {
        snprintf(error, error_size, "out of memory");
        return ARGS_FAILED;
    }
    (*args)->error = error;
    (*args)->error_size = error_size;
    status = read_sources(*args, argc, argv, file_option);
    if (status) {
        args_destroy(args);
        return status;
    }
    *positional = (struct args_list){(*args)->positional, (*args)->positional_count};
    /* What belongs to the caller is not kept. */
    (*args)->error = NULL;
    (*args)->program = NULL;
    return ARGS_OK;
}

/* Words may be secrets: nothing of them stays behind. */
static void wipe_and_free(char *bytes, size_t size)
{
    if (bytes)
        explicit_bzero(bytes, size);
    free(bytes);
}

void args_destroy(struct args **args)
{
    if (!*args)
        return;
    for (size_t i = 0; (*args)->given && i < (*args)->count; i++) {
        free((*args)->given[i].words);
        wipe_and_free((*args)->given[i].copy, (*args)->given[i].copy_size);
    }
    free((*args)->given);
    free((*args)->positional);
    wipe_and_free((*args)->file_bytes, LIMIT_CONFIG_BYTES + 2);
    free(*args);
    *args = NULL;
}
