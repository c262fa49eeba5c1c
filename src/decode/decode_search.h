/* Two paths that are followed into a frame while it is read, from the front to
 * the back: where a key stands twice the first wins, and a path that it leads
 * astray is lost. */
#ifndef DECODE_DECODE_SEARCH_H
#define DECODE_DECODE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "decode_fields.h"

/* The step of a pointer, made ready for comparing: the first eight bytes of the
 * name with a closing quote behind it, and which of them there are. */
struct search_step {
    struct json_step step;
    uint64_t head;
    uint64_t mask;
    bool whole; /* they say all: a raw key that begins with them is this one */
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
    struct field *fields;                  /* [FIELDS], where findings go */
    const struct search_step *step[FIELDS]; /* the next one */
    size_t steps[FIELDS];                  /* how many are left */
    unsigned due[FIELDS]; /* how deep the container is where that has to be; 0: nowhere */
    int64_t elements[FIELDS]; /* of it that have passed, if it is an array */
    unsigned pending;     /* fields whose value has begun and not ended, as bits */
    unsigned left;        /* fields that have not ended */
};

/* Sets the fields to FIELD_MISSING. One path at least has steps. */
void search_start(struct search *search, const struct search_path paths[FIELDS],
                  struct field fields[FIELDS]);

/* Those of the candidates whose step is this raw key, between its quotes and
 * checked; `behind` may be further on by white space. */
unsigned search_compare(const struct search *search, unsigned candidates, const char *key,
                        const char *behind);
/* An element begins in a container where a step is due: whose step it is. */
unsigned search_element(struct search *search, unsigned depth);
/* The value of `met` is a container; `depth` is of the one that holds it. Whether
 * no field is left: one that is a container ends where it begins. */
bool search_enter(struct search *search, unsigned met, unsigned depth, const char *at);
/* The value of `met` is something else. */
void search_begin(struct search *search, unsigned met, const char *at);
/* The mark behind that. Whether no field is left. */
bool search_end(struct search *search, const char *mark);

/* A container ends. */
static inline void search_leave(struct search *search, unsigned depth)
{
    for (int i = 0; i < FIELDS; i++) {
        if (search->due[i] == depth)
            search->due[i] = 0;
    }
}

static inline bool search_is_due(const struct search *search, unsigned depth)
{
    return search->due[FIELD_USER] == depth || search->due[FIELD_TIME] == depth;
}

/* Eight bytes, the first in the lowest place. */
static inline uint64_t search_load(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The fields whose step is due here and is the raw key that begins at `at`;
 * *candidates are those where that takes a closer look: a key that means a name
 * can differ from it only from a backslash on. */
static inline unsigned search_match(const struct search *search, unsigned depth, const char *at,
                                    const char *end, unsigned *candidates)
{
    unsigned found = 0;
    uint64_t word;

    if (end - at < (ptrdiff_t)sizeof word) {
        *candidates = (unsigned)(search->due[FIELD_USER] == depth) << FIELD_USER |
                      (unsigned)(search->due[FIELD_TIME] == depth) << FIELD_TIME;
        return 0;
    }
    word = search_load(at);
    for (unsigned i = 0; i < FIELDS; i++) {
        uint64_t differing;

        if (search->due[i] != depth)
            continue;
        differing = (word ^ search->step[i]->head) & search->step[i]->mask;
        if (!differing && search->step[i]->whole)
            found |= 1U << i;
        else if (!differing || (char)(word >> (__builtin_ctzll(differing) & ~7)) == '\\')
            *candidates |= 1U << i;
    }
    return found;
}

#endif
