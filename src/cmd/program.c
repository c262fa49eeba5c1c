/* See program.h. */
#include "program.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cover.h"
#include "log.h"
#include "properties.h"
#include "shown.h"

/* In the order of enum log_format. */
const char *const program_log_formats[] = {"logfmt", "json", NULL};

void program_add(struct program_table *table, const struct args_option *options)
{
    for (; options->name; options++) {
        assert(table->count < LIMIT_OPTIONS);
        table->options[table->count++] = *options;
    }
}

static bool lists_properties(const struct program_options *options)
{
    return options->properties.count == 1 && strcmp(options->properties.items[0], "list") == 0;
}

/* What is asked of the program itself. True: that was all. */
static bool answer(const struct program *program)
{
    const struct program_options *options = program->options;
    if (options->help)
        args_help(&program->words, stdout);
    else if (options->version)
        printf("%s %s (librdkafka %s)\n", program->words.name, HEADCOUNT_VERSION,
               kafka_version());
    else if (lists_properties(options))
        kafka_properties_list(stdout);
    else
        return false;
    return true;
}

static int run(const struct program *program, int argc, char **argv, struct cover *cover)
{
    struct program_options *options = program->options;
    log_configure(options->quiet ? LOG_ERROR : options->verbose ? LOG_DEBUG : LOG_INFO,
                  (enum log_format)options->log_format);
    if (cover_secrets(cover, &options->properties, argc, argv))
        return program->run(program->config);
    say("%s: out of memory\n", program->words.name);
    return CONFIG_EXIT_FAILED;
}

static int complain(const char *name, int code, const char *error)
{
    say("%s: %s\n", name, error);
    if (code == CONFIG_EXIT_USAGE)
        say("Try '%s --help'.\n", name);
    return code;
}

int program_main(const struct program *program, int argc, char **argv)
{
    struct program_options *options = program->options;
    struct cover cover = {0};
    char error[1024];
    int code = (int)args_parse(&program->words, argc, argv, "config", &options->args,
                               &options->files, error, sizeof error);
    if (code != CONFIG_EXIT_DONE) {
        code = complain(program->words.name, code, error);
    } else if (!answer(program)) {
        code = program->check(program->config, error, sizeof error);
        code = code == CONFIG_EXIT_DONE ? run(program, argc, argv, &cover)
                                        : complain(program->words.name, code, error);
    }
    if (code == CONFIG_EXIT_DONE && !say_stdout_written(program->words.name))
        code = CONFIG_EXIT_FAILED;
    cover_end(&cover);
    args_destroy(&options->args);
    return code;
}

int program_kafka(const struct program_options *options, struct kafka_properties **properties,
                  char *error, size_t error_size)
{
    errno = 0;
    *properties = kafka_properties_create(options->brokers, options->properties.items,
                                          options->properties.count, error, error_size);
    if (*properties)
        return CONFIG_EXIT_DONE;
    return errno == ENOMEM ? CONFIG_EXIT_FAILED : CONFIG_EXIT_CONFIG;
}
