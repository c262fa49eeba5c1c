/* The bytes of a sketch out of what people and other programs write down. */
#ifndef HEADCOUNT_CONVERT_BYTES_H
#define HEADCOUNT_CONVERT_BYTES_H

#include "convert.h"
#include "text.h"

/* What can be a sketch: ZetaSketch has 2^24 registers of a byte at most. */
#define CONVERT_BYTES_MAX ((size_t)(1 << 24) + 4096)
/* The same as hexadecimal digits. */
#define CONVERT_DIGITS_MAX (2 * CONVERT_BYTES_MAX)

/* The bytes that `size` characters stand for, in place of what is in `into`.
 * White space around them is none of theirs. Hexadecimal digits may begin with
 * 0x, or with \x as PostgreSQL shows a bytea (\\x in the files of COPY). NULL,
 * or what is wrong: constant. */
const char *convert_bytes_read(enum convert_format format, const char *characters, size_t size,
                               struct text *into);

/* All of a file ("-" is stdin), in place of what is in `into`. NULL, or what is
 * wrong: constant, or strerror's. */
const char *convert_bytes_file(const char *path, struct text *into);

#endif
