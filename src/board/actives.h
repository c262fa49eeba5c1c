/* Actives over several rows: users of the last 7 or 28 days, and of a day so far.
 * Both go along the rows of a finished roll-up, whose sketches they unite. */
#ifndef BOARD_ACTIVES_H
#define BOARD_ACTIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "calendar.h"
#include "rollup.h"

#define ACTIVES_DAYS_MAX 366

struct actives_row {
    int64_t start_s, end_s;       /* all that is united: [start_s, end_s) */
    struct hc_estimate estimate;
    uint64_t rows;                /* that are in it */
    bool complete;                /* nothing of [start_s, end_s) is missing */
};

struct actives;

/* The last `days` (1..ACTIVES_DAYS_MAX) days that end with each row. `rollup` is by
 * day with sketches, `calendar` the one it was made with; both are borrowed. NULL:
 * no memory. */
struct actives *actives_rolling(struct rollup *rollup, struct calendar *calendar, unsigned days);
/* All from the first row to each, of any grain. */
struct actives *actives_so_far(struct rollup *rollup);
void actives_destroy(struct actives **actives);

/* The next row of the total, one for each of the roll-up's: 1, 0 at the end, -1 on
 * failure (no memory, or rollup_error). Days that are missing have no row, and are
 * missing in the rows after them. */
int actives_next(struct actives *actives, struct actives_row *row);

#endif
