/* Numbers and names as bytes, for what is kept from one run to the next. Private
 * to rollup. The reader is bounded and remembers that something was wrong, so
 * that it is asked once, at the end. */
#ifndef ROLLUP_STATE_BYTES_H
#define ROLLUP_STATE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

void state_put_uint(struct text *text, uint64_t number);
void state_put_int(struct text *text, int64_t number);
void state_put_string(struct text *text, const char *string);
/* Ends all that was put into the text since `begin`, so that damage shows. */
void state_seal(struct text *text, size_t begin);

struct state_reader {
    const unsigned char *at, *end;
    bool failed; /* what is read from then on is 0, or empty */
};

/* Reads what state_seal ended; it failed at once when the seal is not its own. */
struct state_reader state_open(const void *bytes, size_t size);
uint64_t state_get_uint(struct state_reader *reader);
int64_t state_get_int(struct state_reader *reader);
/* Borrowed from the bytes; never NULL. */
const char *state_get_string(struct state_reader *reader);
/* How many elements follow, each of one byte at least. */
size_t state_get_count(struct state_reader *reader);
/* Fails unless `good`. */
void state_expect(struct state_reader *reader, bool good);

#endif
