/* The inside of a JSON string that has been checked. */
#ifndef BASE_JSON_STRING_H
#define BASE_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a hexadecimal digit, or -1. */
int json_hex_value(char digit);
/* The same by byte, 0xff for none. */
extern const unsigned char json_hex_digits[256];
/* By letter: the byte that a one-letter escape stands for, '\0' for none. */
extern const char json_escape_values[256];
/* Decodes the escape at `at`, a backslash; writes it to `into` and its length
 * (1..4) to *length. Returns how many bytes of the raw text it takes. */
size_t json_escape_decode(const char *at, char into[4], size_t *length);
/* Decodes raw text into `into` (not terminated), the decoded size into *size.
 * False, and nothing useful there, when that exceeds `room`. */
bool json_string_decode(const char *raw, size_t raw_size, char *into, size_t room, size_t *size);
/* Whether the decoded text equals these bytes. */
bool json_string_equals(const char *raw, size_t raw_size, const char *bytes, size_t size);

#endif
