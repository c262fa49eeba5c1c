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

/* The index of the choice that has this name, or -1. */
static int find_choice(const struct args_option *option, const char *name, size_t size)
{
    for (int i = 0; option->choices[i]; i++) {
        if (strlen(option->choices[i]) == size && memcmp(option->choices[i], name, size) == 0)
            return i;
    }
    return -1;
}

static bool set_choice(const struct args_option *option, const char *word)
{
    int found = find_choice(option, word, strlen(word));

    if (found < 0)
        return false;
    *(int *)option->value = found;
    return true;
}

/* "a", "a,b", "a, b" */
static bool add_choices(const struct args_option *option, const char *word, unsigned *set)
{
    for (;; word++) {
        word += strspn(word, " ");
        size_t size = strcspn(word, ",");
        size_t name = size;

        while (name > 0 && word[name - 1] == ' ')
            name--;
        int found = find_choice(option, word, name);
        if (found < 0 || (*set & (1u << found)))
            return false;
        *set |= 1u << found;
        word += size;
        if (!*word)
            return true;
    }
}

/* The word at which it fails becomes the first: it is what the message names. */
static bool add_set(const struct args_option *option, const struct args_given *given)
{
    unsigned set = 0;

    for (size_t i = 0; i < given->count; i++) {
        if (!add_choices(option, given->words[i], &set)) {
            given->words[0] = given->words[i];
            return false;
        }
    }
    *(unsigned *)option->value = set;
    return true;
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
    case ARGS_SET:
        return add_set(option, given);
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
    case ARGS_SET:
        text_string(text, "of these, each once:");
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
