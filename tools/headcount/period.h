/* Stretches of time as people name them. */
#ifndef HEADCOUNT_PERIOD_H
#define HEADCOUNT_PERIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct period {
    int64_t from_s, to_s; /* [from_s, to_s) within 0..LIMIT_TIME_S + 1 */
    bool whole_days;      /* it begins and ends with days of the zone */
};

/* Reads "2016", "2016-07" or "2016-07-11", in `zone` (a name of the tz
 * database), or "FROM..TO" of those, TO within; or of instants (Unix times of
 * five digits and more, RFC 3339), which have no length. False with a message
 * for people in `error`. */
bool period_read(const char *word, const char *zone, struct period *period, char *error,
                 size_t error_size);

#endif
