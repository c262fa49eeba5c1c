/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, up to U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length (1..4) of the character that `bytes` starts with, 0 when it
 * starts with none, or `size` is 0. */
size_t utf8_length(const char *bytes, size_t size);
/* Writes a code point that is no surrogate; returns its length (1..4). */
size_t utf8_encode(uint32_t code_point, char bytes[4]);

#endif
