/* Base64 with the standard alphabet and padding (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that `size` bytes become; `size` is at most SIZE_MAX / 2. */
size_t base64_encoded_size(size_t size);
/* Writes so many characters, and no NUL. */
void base64_encode(char *into, const void *bytes, size_t size);

/* The bytes behind `size` characters; `into` has room for size / 4 * 3 of them,
 * and all of that may be written to. *decoded is how many they are. False, and
 * nothing useful in `into`, when it is no base64: a length that is no multiple
 * of 4, another character, padding elsewhere than at the end, or bits behind
 * the last byte that are not zero, which come from no encoder. */
bool base64_decode(uint8_t *into, const char *text, size_t size, size_t *decoded);

/* What a processor may have to decode many characters at a time. */
struct base64_way {
    const char *name;
    /* Decodes characters from the first on as long as it finds digits, and
     * returns how many, a multiple of 4; the rest is for the plain code. Writes
     * to the first size / 4 * 3 bytes of `into` only. */
    size_t (*decode)(uint8_t *into, const char *text, size_t size);
};

/* The ways that this processor has, from the plainest to the fastest: the
 * number of them, at least 1, and into *ways the first, which leaves all to the
 * plain code. Static. */
size_t base64_ways(const struct base64_way **ways);
/* base64_decode in one of them, for tests. */
bool base64_decode_in(const struct base64_way *way, uint8_t *into, const char *text, size_t size,
                      size_t *decoded);

#endif
