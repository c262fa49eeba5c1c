/* Is this one JSON document? The full grammar of RFC 8259, bytes included. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include <stddef.h>

#include "json.h"

/* JSON_OK and the number of values and keys in *tokens, or what is wrong at the
 * first byte that is. At most (size + 1) / 2 tokens. Pure, no memory. */
enum json_status json_check(const char *bytes, size_t size, size_t *tokens);

#endif
