/* Where words come from: the command line, the environment, a file. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args_body.h"
#include "limits.h"

#define VARIABLE_BYTES 128
#define NAME_BYTES 32
#define MEANT_BYTES 64

static enum args_status no_memory(struct args *args)
{
    return args_fail(args, ARGS_FAILED, "out of memory");
}

static enum args_status give(struct args *args, int option, enum args_source source,
                             const char *word)
{
    return args_give(args, option, source, word) ? ARGS_OK : no_memory(args);
}

/* The words of the command line, read one after the other. */
struct words {
    char **next;
    char **end;
};

/* What follows a name that is no option's: " (did you mean '...'?)", or nothing. */
static const char *meant(const struct args *args, const char *name, size_t size,
                         char text[MEANT_BYTES])
{
    int near = args_near(args, name, size);

    text[0] = '\0';
    if (near >= 0)
        snprintf(text, MEANT_BYTES, " (did you mean '%s'?)", args->program->options[near].name);
    return text;
}

/* "--name", "--name=value", "--name value". */
static enum args_status read_long(struct args *args, const char *word, struct words *words)
{
    const char *name = word + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] ? name + size + 1 : NULL;
    int option = args_find(args, name, size);
    char text[MEANT_BYTES];

    if (option < 0)
        return args_fail(args, ARGS_USAGE, "unknown option '--%.*s'%s", (int)size, name,
                         meant(args, name, size, text));
    if (args->program->options[option].kind == ARGS_FLAG) {
        if (value)
            return args_fail(args, ARGS_USAGE, "--%.*s takes no value: '%s'", (int)size, name,
                             word);
        return give(args, option, ARGS_FROM_LINE, "true");
    }
    if (!value) {
        if (words->next == words->end)
            return args_fail(args, ARGS_USAGE, "--%s needs a value (%s)", name,
                             args->program->options[option].argument);
        value = *words->next++;
    }
    return give(args, option, ARGS_FROM_LINE, value);
}

static int find_letter(const struct args *args, char letter)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args->program->options[i].letter == letter)
            return (int)i;
    }
    return -1;
}

/* "-f", "-fg", "-n value", "-nvalue", "-fnvalue". */
static enum args_status read_short(struct args *args, const char *word, struct words *words)
{
    enum args_status status = ARGS_OK;

    for (const char *at = word + 1; *at && !status; at++) {
        int option = find_letter(args, *at);

        if (option < 0)
            return args_fail(args, ARGS_USAGE, "unknown option '-%c' in '%s'", *at, word);
        if (args->program->options[option].kind == ARGS_FLAG) {
            status = give(args, option, ARGS_FROM_LINE, "true");
            continue;
        }
        if (at[1])
            return give(args, option, ARGS_FROM_LINE, at + 1);
        if (words->next == words->end)
            return args_fail(args, ARGS_USAGE, "-%c needs a value (%s)", *at,
                             args->program->options[option].argument);
        return give(args, option, ARGS_FROM_LINE, *words->next++);
    }
    return status;
}

enum args_status args_read_line(struct args *args, int argc, char **argv)
{
    struct words words = {.next = argv + (argc > 0), .end = argv + argc};
    bool options_ended = false;
    enum args_status status = ARGS_OK;

    while (words.next < words.end && !status) {
        const char *word = *words.next++;

        if (options_ended || word[0] != '-' || word[1] == '\0')
            args->positional[args->positional_count++] = word;
        else if (strcmp(word, "--") == 0)
            options_ended = true;
        else if (word[1] == '-')
            status = read_long(args, word, &words);
        else
            status = read_short(args, word, &words);
    }
    return status;
}

/* "HEADCOUNT" and "user-field" make HEADCOUNT_USER_FIELD. */
static void name_variable(const struct args *args, int option, char *name, size_t size)
{
    int length = snprintf(name, size, "%s_%s", args->program->environment,
                          args->program->options[option].name);

    assert(length > 0 && (size_t)length < size);
    for (; *name; name++)
        *name = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
}

/* A list's items are the lines that are not empty. */
static enum args_status give_lines(struct args *args, int option, char *text)
{
    enum args_status status = ARGS_OK;
    char *rest = text, *line;

    while (!status && (line = strsep(&rest, "\n"))) {
        if (*line)
            status = give(args, option, ARGS_FROM_ENVIRONMENT, line);
    }
    return status;
}

enum args_status args_read_environment(struct args *args)
{
    enum args_status status = args_check_environment(args);

    for (size_t i = 0; i < args->count && args->program->environment && !status; i++) {
        const struct args_option *option = &args->program->options[i];
        char name[VARIABLE_BYTES];
        const char *value;
        char *copy;

        if (args_is_immediate(option) || option->not_in_environment ||
            args->given[i].source == ARGS_FROM_LINE)
            continue;
        name_variable(args, (int)i, name, sizeof name);
        value = getenv(name);
        if (!value || !*value)
            continue;
        copy = args->given[i].copy = strdup(value);
        if (!copy)
            return no_memory(args);
        args->given[i].copy_size = strlen(copy);
        if (args_collects(option))
            status = give_lines(args, (int)i, copy);
        else
            status = give(args, (int)i, ARGS_FROM_ENVIRONMENT, copy);
    }
    return status;
}

static char *trim(char *text)
{
    size_t size;

    while (isspace((unsigned char)*text))
        text++;
    for (size = strlen(text); size && isspace((unsigned char)text[size - 1]); size--)
        ;
    text[size] = '\0';
    return text;
}

/* What stands where a name should be may be a secret that lost its own: shown is
 * what could be a name. */
static const char *showable(const char *word)
{
    size_t size = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-_.");

    return word[size] || size > NAME_BYTES ? "..." : word;
}

static enum args_status take_setting(struct args *args, char *line, int number, int file_option)
{
    char *equals = strchr(line, '=');
    const struct args_option *found;
    struct args_given *given;
    const char *key, *value;
    char text[MEANT_BYTES];
    int option;

    if (!equals)
        return args_fail(args, ARGS_CONFIG, "%s:%d: '%s' is no option=value", args->file_path,
                         number, showable(line));
    *equals = '\0';
    key = trim(line);
    value = trim(equals + 1);
    option = args_find(args, key, strlen(key));
    if (option < 0)
        return args_fail(args, ARGS_CONFIG, "%s:%d: unknown option '%s'%s", args->file_path,
                         number, showable(key), meant(args, key, strlen(key), text));
    found = &args->program->options[option];
    given = &args->given[option];
    if (option == file_option || args_is_immediate(found))
        return args_fail(args, ARGS_CONFIG, "%s:%d: '%s' can't stand in a file", args->file_path,
                         number, key);
    if (given->source == ARGS_FROM_FILE && !args_collects(found))
        return args_fail(args, ARGS_CONFIG, "%s:%d: '%s' stands in line %d already",
                         args->file_path, number, key, given->line);
    if (given->source > ARGS_FROM_FILE)
        return ARGS_OK;
    given->line = number;
    return give(args, option, ARGS_FROM_FILE, value);
}

/* The whole file, with a NUL behind it. */
static enum args_status load(struct args *args)
{
    FILE *file = fopen(args->file_path, "re");
    size_t size;
    int error;

    if (!file)
        return args_fail(args, ARGS_CONFIG, "%s: %s", args->file_path, strerror(errno));
    args->file_bytes = malloc(LIMIT_CONFIG_BYTES + 2);
    if (!args->file_bytes) {
        fclose(file);
        return no_memory(args);
    }
    size = fread(args->file_bytes, 1, LIMIT_CONFIG_BYTES + 1, file);
    error = ferror(file) ? errno : 0;
    fclose(file);
    if (error)
        return args_fail(args, ARGS_CONFIG, "%s: %s", args->file_path, strerror(error));
    if (size > LIMIT_CONFIG_BYTES)
        return args_fail(args, ARGS_CONFIG, "%s: larger than %d bytes", args->file_path,
                         LIMIT_CONFIG_BYTES);
    args->file_bytes[size] = '\0';
    if (strlen(args->file_bytes) != size)
        return args_fail(args, ARGS_CONFIG, "%s: a NUL byte at %zu", args->file_path,
                         strlen(args->file_bytes));
    return ARGS_OK;
}

enum args_status args_read_file(struct args *args, const char *path, int file_option)
{
    enum args_status status;
    char *rest, *line;

    args->file_path = path;
    status = load(args);
    rest = args->file_bytes;
    for (int number = 1; !status && (line = strsep(&rest, "\n")); number++) {
        line = trim(line);
        if (*line && *line != '#')
            status = take_setting(args, line, number, file_option);
    }
    return status;
}
