/* The one bounded parser for what people type: numbers, durations, sizes, times.
 *
 * Each takes the whole NUL-terminated text, returns true and writes *out when
 * it is in [min, max], and false otherwise. Pure. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

bool number_int64(const char *text, int64_t min, int64_t max, int64_t *out);
bool number_double(const char *text, double min, double max, double *out);
/* "250ms" "5s" "1m" "2h" "30d", "0"; in milliseconds. A unit is needed but for 0. */
bool number_duration_ms(const char *text, int64_t min, int64_t max, int64_t *out);
/* "4096" "64KiB" "16MiB" "1GiB"; in bytes. */
bool number_size(const char *text, int64_t min, int64_t max, int64_t *out);
/* A Unix time in seconds, or RFC 3339 ("2016-07-11T13:39:00Z", offsets, a
 * fraction is cut off); in seconds, 0..LIMIT_TIME_S. */
bool number_time_s(const char *text, int64_t *out);
/* The RFC 3339 part of it for `size` bytes that need no NUL. */
bool number_rfc3339_s(const char *text, uint64_t size, int64_t *out);
/* The same in milliseconds (what is finer is cut off), for whatever is well
 * formed: the years 0000 to 9999, so *out may be negative. */
bool number_rfc3339_ms(const char *text, uint64_t size, int64_t *out);

#endif
