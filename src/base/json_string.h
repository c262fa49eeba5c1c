/* The inside of a JSON string that has been checked. */
#ifndef BASE_JSON_STRING_H
#define BASE_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a hexadecimal digit, or -1. */
int json_hex_value(char digit);
/* By letter: the byte that a one-letter escape stands for, '\0' for none. */
extern const char json_escape_values[256];
/* Decodes the escape at `at`, a backslash; writes it to `into` and its length
 * (1..4) to *length. Returns how many bytes of the raw text it takes. */
size_t json_escape_decode(const char *at, char into[4], size_t *length);

#endif
