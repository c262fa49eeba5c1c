#include "cover.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "properties.h"

/* The same place in argv, to be written to; NULL when it is not there. */
static char *find_in(int argc, char **argv, const char *item)
{
    for (int i = 1; i < argc; i++) {
        size_t size = strlen(argv[i]);
        if (item >= argv[i] && item <= argv[i] + size)
            return argv[i] + (item - argv[i]);
    }
    return NULL;
}

bool cover_secrets(struct cover *cover, struct args_list *properties, int argc, char **argv)
{
    for (size_t i = 0; i < properties->count; i++) {
        size_t secret = kafka_pair_secret(properties->items[i]);
        char *place = secret ? find_in(argc, argv, properties->items[i]) : NULL;
        if (!place)
            continue;
        char **copies = realloc(cover->copies, (cover->count + 1) * sizeof *copies);
        if (!copies)
            return false;
        cover->copies = copies;
        copies[cover->count] = strdup(place);
        if (!copies[cover->count])
            return false;
        properties->items[i] = copies[cover->count++];
        explicit_bzero(place + secret, strlen(place + secret));
        place[secret - 1] = '\0';
        log_event(LOG_WARN, "secret_on_command_line", LOG_S("property", place),
                  LOG_S("text", "every user of this machine could read it: write @FILE "
                                "instead, or put it into the environment"));
        place[secret - 1] = '=';
    }
    return true;
}

void cover_end(struct cover *cover)
{
    for (size_t i = 0; i < cover->count; i++) {
        explicit_bzero(cover->copies[i], strlen(cover->copies[i]));
        free(cover->copies[i]);
    }
    free(cover->copies);
    *cover = (struct cover){0};
}
