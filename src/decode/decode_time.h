/* The text of a time -> Unix time. */
#ifndef DECODE_DECODE_TIME_H
#define DECODE_DECODE_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"

/* A number by JSON's grammar, or with DECODE_RFC3339 such a time. Writes whole
 * milliseconds (what is finer is cut off) of seconds in 0..LIMIT_TIME_S and
 * returns REJECT_NONE; or REJECT_TIME_TYPE or REJECT_TIME_RANGE. Pure. */
enum reject decode_time_text(const char *text, size_t size, enum decode_time_unit unit,
                             int64_t *time_ms);

#endif
