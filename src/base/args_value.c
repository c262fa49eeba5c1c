/* Words -> values, and what to say about a word that is none. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "args_body.h"
#include "number.h"
#include "text.h"

static bool set_flag(const char *word, bool *value)
{
    bool yes = strcmp(word, "true") == 0;

    if (!yes && strcmp(word, "false") != 0)
        return false;
    *value = yes;
    return true;
}

static bool set_choice(const struct args_option *option, const char *word)
{
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], word) == 0) {
            *(int *)option->value = i;
            return true;
        }
    }
    return false;
}

static bool set_value(const struct args_option *option, const struct args_given *given)
{
    const char *word = given->count ? given->words[0] : NULL;

    switch (option->kind) {
    case ARGS_FLAG:
        return set_flag(word, option->value);
    case ARGS_STRING:
        *(const char **)option->value = word;
        return true;
    case ARGS_INT:
        return number_int64(word, option->min, option->max, option->value);
    case ARGS_DOUBLE:
        return number_double(word, (double)option->min, (double)option->max, option->value);
    case ARGS_DURATION:
        return number_duration_ms(word, option->min, option->max, option->value);
    case ARGS_SIZE:
        return number_size(word, option->min, option->max, option->value);
    case ARGS_TIME:
        return number_time_s(word, option->value);
    case ARGS_CHOICE:
        return set_choice(option, word);
    case ARGS_LIST:
        *(struct args_list *)option->value = (struct args_list){given->words, given->count};
        return true;
    }
    assert(!"a kind of option");
    return false;
}

struct unit {
    int64_t factor;
    const char *name;
};

static const struct unit durations[] = {
    {86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
static const struct unit sizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
static const struct unit no_units[] = {{1, ""}};

/* In the largest unit that leaves no remainder. `units` ends with factor 1. */
static void put_unit(struct text *text, const struct unit *units, int64_t number)
{
    while (units->factor > 1 && (number == 0 || number % units->factor != 0))
        units++;
    text_int(text, number / units->factor);
    text_string(text, units->name);
}

static void put_range(struct text *text, const struct unit *units, const char *what,
                      const struct args_option *option)
{
    text_format(text, "%s from ", what);
    put_unit(text, units, option->min);
    text_string(text, " to ");
    put_unit(text, units, option->max);
}

static void put_allowed(struct text *text, const struct args_option *option)
{
    switch (option->kind) {
    case ARGS_FLAG:
        text_string(text, "true or false");
        return;
    case ARGS_INT:
        put_range(text, no_units, "a whole number", option);
        return;
    case ARGS_DOUBLE:
        put_range(text, no_units, "a number", option);
        return;
    case ARGS_DURATION:
        put_range(text, durations, "a duration (ms s m h d)", option);
        return;
    case ARGS_SIZE:
        put_range(text, sizes, "a size in bytes (KiB MiB GiB)", option);
        return;
    case ARGS_TIME:
        text_string(text, "a Unix time, or one like 2016-07-11T13:39:00Z");
        return;
    case ARGS_CHOICE:
        text_string(text, "one of");
        for (int i = 0; option->choices[i]; i++)
            text_format(text, " %s", option->choices[i]);
        return;
    case ARGS_STRING:
    case ARGS_LIST:
        break;
    }
    assert(!"a kind that can be wrong");
}

/* "--name", "PREFIX_NAME", or "file:line: name": as the user wrote it. */
static void put_origin(struct text *text, const struct args *args, int option)
{
    const struct args_given *given = &args->given[option];
    const char *name = args->program->options[option].name;

    switch (given->source) {
    case ARGS_FROM_LINE:
        text_format(text, "--%s", name);
        return;
    case ARGS_FROM_ENVIRONMENT:
        text_format(text, "%s_", args->program->environment);
        for (; *name; name++)
            text_char(text, *name == '-' ? '_' : (char)toupper((unsigned char)*name));
        return;
    case ARGS_FROM_FILE:
        text_format(text, "%s:%d: %s", args->file_path, given->line, name);
        return;
    case ARGS_FROM_NOTHING:
        break;
    }
    assert(!"a source");
}

enum args_status args_set_value(struct args *args, int option)
{
    const struct args_given *given = &args->given[option];
    enum args_status status = given->source == ARGS_FROM_LINE ? ARGS_USAGE : ARGS_CONFIG;
    struct text text = {0};

    if (set_value(&args->program->options[option], given))
        return ARGS_OK;
    put_origin(&text, args, option);
    text_format(&text, " '%s': must be ", given->words[0]);
    put_allowed(&text, &args->program->options[option]);
    args_fail(args, status, "%s", text.failed ? "out of memory" : text.bytes);
    text_free(&text);
    return status;
}
