/* Help, in two columns:
 *
 *   -b, --brokers LIST        Kafka bootstrap servers
 *       --time-unit U         ...
 */
#include <stdio.h>
#include <string.h>

#include "args.h"

#define HELP_COLUMN 28
#define HELP_COLUMNS 80

/* One line, broken between words where it would be too long. The cursor stands
 * at HELP_COLUMN, and further lines start there. */
static void print_wrapped(FILE *stream, const char *text, size_t size)
{
    size_t column = HELP_COLUMN;

    for (;;) {
        const char *space = memchr(text, ' ', size);
        size_t word = space ? (size_t)(space - text) : size;

        if (column > HELP_COLUMN && column + 1 + word > HELP_COLUMNS) {
            fprintf(stream, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', stream);
            column++;
        }
        fwrite(text, 1, word, stream);
        column += word;
        if (!space)
            break;
        text += word + 1;
        size -= word + 1;
    }
    fputc('\n', stream);
}

static void print_option(FILE *stream, const struct args_option *option)
{
    const char *help = option->help;
    int column;

    if (option->letter)
        column = fprintf(stream, "  -%c, --%s", option->letter, option->name);
    else
        column = fprintf(stream, "      --%s", option->name);
    if (option->argument)
        column += fprintf(stream, " %s", option->argument);
    if (column > HELP_COLUMN - 2) {
        fputc('\n', stream);
        column = 0;
    }
    fprintf(stream, "%*s", HELP_COLUMN - column, "");
    for (;;) {
        size_t size = strcspn(help, "\n");

        print_wrapped(stream, help, size);
        if (!help[size])
            break;
        help += size + 1;
        fprintf(stream, "%*s", HELP_COLUMN, "");
    }
}

static void print_usage(FILE *stream, const char *usage)
{
    const char *before = "usage: ";

    for (;;) {
        size_t size = strcspn(usage, "\n");

        fprintf(stream, "%s%.*s\n", before, (int)size, usage);
        if (!usage[size] || !usage[size + 1])
            break;
        usage += size + 1;
        before = "       ";
    }
}

void args_help(const struct args_program *program, void *stream)
{
    FILE *out = stream;

    print_usage(out, program->usage);
    fputc('\n', out);
    for (const struct args_option *option = program->options; option->name; option++)
        print_option(out, option);
    if (program->epilogue) {
        size_t size = strlen(program->epilogue);

        fprintf(out, "\n%s%s", program->epilogue,
                size && program->epilogue[size - 1] == '\n' ? "" : "\n");
    }
}
