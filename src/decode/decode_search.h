/* Two paths that are followed into a frame while it is read, from the front to
 * the back: where a key stands twice the first wins, and a path that it leads
 * astray is lost.
 *
 * Whoever reads the frame knows its marks and levels, a block at a time, and asks
 * here about places where a step may be: quotes of keys, commas of an array. What
 * is found there is followed to its end in the raw bytes, ahead of the reader,
 * who checks them afterwards: what is found counts if everything up to
 * search->stop is undamaged. */
#ifndef DECODE_DECODE_SEARCH_H
#define DECODE_DECODE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode_fields.h"

/* The step of a pointer, and where its key may be seen: at opening quotes with `first`
 * behind them and another quote `reach` further on. */
struct search_step {
    struct json_step step;
    char first;
    unsigned char reach; /* 1..63 */
    bool plain; /* else only at closing quotes, since it is written with escapes or is long */
};

/* Without steps: not asked for. */
struct search_path {
    struct search_step *steps;
    size_t count;
};

/* False: no memory. A NULL pointer makes a path without steps. The names are
 * borrowed from the pointer. */
bool search_path_create(struct search_path *path, const struct json_pointer *pointer);
void search_path_destroy(struct search_path *path);

struct search {
    const char *bytes, *end;  /* the frame */
    struct field *fields;     /* [FIELDS], where findings go */
    const struct search_step *step[FIELDS]; /* the next one */
    size_t steps[FIELDS];     /* how many are left */
    unsigned due[FIELDS];     /* how deep the container is where that has to be; 0: nowhere */
    bool array[FIELDS];       /* it is an array: */
    int64_t elements[FIELDS]; /* so many of it have passed */
    unsigned deepest;         /* of `due` */
    unsigned left;            /* fields that are not found */
    size_t stop; /* the byte that ends the last of those found; the frame's size: none does */
    /* How the next steps are found: */
    char first[FIELDS];       /* byte behind the opening quote */
    unsigned char reach[FIELDS]; /* from there to the closing one */
    bool unnamed;             /* one of them otherwise than by the name */
    uint64_t named[FIELDS];   /* by the name: all bits, or none */
    uint64_t beyond[FIELDS];  /* as many of the highest bits as `reach` says */
};

/* Sets the fields to FIELD_MISSING. One path at least has steps. */
void search_start(struct search *search, const struct search_path paths[FIELDS],
                  const char *bytes, size_t size, struct field fields[FIELDS]);
/* A field's next step is due in an object, whose key may begin at this opening
 * quote. */
void search_at_opening(struct search *search, unsigned field, size_t at);
/* The same for a key that ends at this closing quote and has no damage in it. */
void search_at_closing(struct search *search, unsigned field, size_t at);
/* It is due in an array, and here is a comma of it. */
void search_at_comma(struct search *search, unsigned field, size_t at);
/* Containers deeper than this have ended. */
void search_leave(struct search *search, unsigned depth);

#endif
