/* A second reader of frames, as plain as can be: one byte after the other, down
 * into each value by recursion, and no further than the fast way is to read. It
 * shares only the pointers' compiled steps with what it judges. */
#ifndef SUPPORT_FRAME_ORACLE_H
#define SUPPORT_FRAME_ORACLE_H

#include "decode_fast.h"

struct frame_oracle;

/* For frames of up to `size_max` bytes. Aborts when there is no memory. */
struct frame_oracle *frame_oracle_create(size_t size_max);
void frame_oracle_destroy(struct frame_oracle **oracle);

/* What struct fast_way says of `read`. */
bool frame_oracle_read(struct frame_oracle *oracle, struct json_pointer *const pointers[FIELDS],
                       const char *bytes, size_t size, struct field fields[FIELDS], size_t *stop);

/* The brackets that close what is open at that stop, the innermost first. */
const char *frame_oracle_brackets(const struct frame_oracle *oracle, size_t *size);

#endif
