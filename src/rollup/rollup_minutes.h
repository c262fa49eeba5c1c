/* A set of minutes between 1970 and 9999. Private to rollup. */
#ifndef ROLLUP_MINUTES_H
#define ROLLUP_MINUTES_H

#include <stdbool.h>
#include <stdint.h>

#define ROLLUP_MINUTE_S INT64_C(60)

struct rollup_minutes;

struct rollup_minutes *rollup_minutes_create(void); /* NULL: no memory */
void rollup_minutes_destroy(struct rollup_minutes **minutes);

/* Minutes are named by their first second, a multiple of ROLLUP_MINUTE_S in
 * 0..LIMIT_TIME_S. False when there is no memory. */
bool rollup_minutes_add(struct rollup_minutes *minutes, int64_t minute_s);
/* Adds minutes of the day that begins at `day_s`: bit i % 8 of bytes[i / 8] is its
 * minute i, for 1,440 of them. */
bool rollup_minutes_add_day(struct rollup_minutes *minutes, int64_t day_s, const uint8_t *bytes);
/* Adds all of `from`. False when there is no memory. */
bool rollup_minutes_unite(struct rollup_minutes *into, const struct rollup_minutes *from);
bool rollup_minutes_has(const struct rollup_minutes *minutes, int64_t minute_s);
/* The first minute of the set that is not before `minute_s`, or INT64_MAX. */
int64_t rollup_minutes_next(const struct rollup_minutes *minutes, int64_t minute_s);
/* How many of the set begin in [from_s, to_s), two minutes of 0..LIMIT_TIME_S + 60. */
uint64_t rollup_minutes_count(const struct rollup_minutes *minutes, int64_t from_s, int64_t to_s);

#endif
