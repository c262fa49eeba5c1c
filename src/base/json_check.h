/* Is this one JSON document? The full grammar of RFC 8259, bytes included. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include <stddef.h>

#include "json.h"

struct json_shape {
    size_t tokens;    /* values and keys, at most (size + 1) / 2 */
    unsigned closing; /* the most closing brackets with no token between them */
};

/* JSON_OK and the document's *shape, or what is wrong at the first byte that is.
 * Pure, no memory. */
enum json_status json_check(const char *bytes, size_t size, struct json_shape *shape);

#endif
