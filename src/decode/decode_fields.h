/* The two values that a frame is asked for, found but not yet read: what the
 * two ways of finding them hand over. */
#ifndef DECODE_DECODE_FIELDS_H
#define DECODE_DECODE_FIELDS_H

#include <stddef.h>

#include "frame.h"
#include "json.h"

enum field_kind {
    FIELD_MISSING,
    FIELD_STRING, /* the raw text between the quotes */
    FIELD_NUMBER, /* as written */
    FIELD_OTHER   /* no text: an object, an array, a word */
};

/* The text is borrowed from the frame. */
struct field {
    enum field_kind kind;
    const char *text;
    size_t size;
};

enum { FIELD_USER, FIELD_TIME, FIELDS };

/* The whole document is checked, then tokenised. `pointers` may
 * hold NULL for what isn't asked for, which is FIELD_MISSING. */
enum reject decode_strict(struct json *json, struct json_pointer *const pointers[FIELDS],
                          const char *bytes, size_t size, struct field fields[FIELDS]);

#endif
