/* Which option a name that is none was meant to be: the one that the fewest keys pressed
 * wrongly lead to, letters swapped counting as one, if they are few for its length. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args_body.h"

#define LETTERS 32 /* no option's name is longer */
#define WRONG_MOST 2
#define SHORT_NAME 5 /* of one that has fewer letters only one may be wrong */

extern char **environ;

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Letters to insert, remove, replace or swap with their neighbour to make b of a. */
static int distance(const char *a, int a_size, const char *b, int b_size)
{
    int steps[LETTERS + 1][LETTERS + 1];

    for (int i = 0; i <= a_size; i++) {
        for (int j = 0; j <= b_size; j++) {
            int *here = &steps[i][j];

            if (i == 0 || j == 0) {
                *here = i + j;
                continue;
            }
            *here = least(least(steps[i - 1][j], steps[i][j - 1]) + 1,
                          steps[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                *here = least(*here, steps[i - 2][j - 2] + 1);
        }
    }
    return steps[a_size][b_size];
}

int args_near(const struct args *args, const char *name, size_t size)
{
    int nearest = -1, wrong = size < SHORT_NAME ? 1 : WRONG_MOST;

    if (size == 0 || size > LETTERS)
        return -1;
    for (size_t i = 0; i < args->count; i++) {
        const char *option = args->program->options[i].name;
        size_t option_size = strlen(option);
        int away = option_size > LETTERS ? LETTERS
                                         : distance(name, (int)size, option, (int)option_size);

        if (away < wrong || (away == wrong && nearest < 0)) {
            nearest = (int)i;
            wrong = away;
        }
    }
    return nearest;
}

/* The name that a variable would be an option's by, or "". */
static void option_name(const char *variable, size_t prefix_size, char name[LETTERS + 1])
{
    size_t size = strcspn(variable, "="), used = 0;

    for (size_t i = prefix_size + 1; i < size && used < LETTERS; i++)
        name[used++] = variable[i] == '_' ? '-' : (char)tolower((unsigned char)variable[i]);
    name[size - prefix_size - 1 <= LETTERS ? used : 0] = '\0';
}

/* Others may use variables that begin with our name, as Kubernetes does for a service of
 * it: one that is like no option is theirs. */
enum args_status args_check_environment(struct args *args)
{
    const char *prefix = args->program->environment;
    size_t prefix_size = prefix ? strlen(prefix) : 0;

    for (char **at = environ; prefix && at && *at; at++) {
        char name[LETTERS + 1];
        int option;

        if (strncmp(*at, prefix, prefix_size) != 0 || (*at)[prefix_size] != '_' ||
            !strchr(*at, '='))
            continue;
        option_name(*at, prefix_size, name);
        option = args_find(args, name, strlen(name)) < 0 ? args_near(args, name, strlen(name)) : -1;
        if (option >= 0)
            return args_fail(args, ARGS_CONFIG,
                             "%.*s in the environment: unknown option '%s' (did you mean '%s'?)",
                             (int)strcspn(*at, "="), *at, name,
                             args->program->options[option].name);
    }
    return ARGS_OK;
}
