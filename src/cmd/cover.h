/* Secrets that stand on the command line, where every user of the machine can
 * read them in /proc. */
#ifndef CMD_COVER_H
#define CMD_COVER_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"

/* Zero-initialise. */
struct cover {
    char **copies;
    size_t count;
};

/* Takes the values of secret properties (-X sasl.password=...) out of argv: the
 * items of `properties` go on in copies, what stood in argv is wiped, and a
 * warning is logged. False: no memory. */
bool cover_secrets(struct cover *cover, struct args_list *properties, int argc, char **argv);
/* Wipes and frees the copies; nobody may use the items any more. */
void cover_end(struct cover *cover);

#endif
