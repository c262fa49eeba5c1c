/* What many trials of one kind came to; a line of the results. */
#ifndef ACCURACY_TALLY_H
#define ACCURACY_TALLY_H

#include <stdint.h>

#include "headcount/sketch.h"

struct tally {
    uint64_t trials;
    uint64_t sparse; /* estimates from sparse sketches */
    double error;    /* sum of estimate / n - 1 */
    double square;   /* sum of its squares */
    double claimed;  /* sum of the claimed standard errors */
    uint64_t covered; /* intervals that hold n */
    uint64_t above;   /* intervals that lie above n */
};

void tally_add(struct tally *tally, const struct hc_estimate *estimate, double n, int is_sparse);

/* Which trials a line is about. */
struct tally_key {
    const char *how; /* "simulated" or "real" */
    const char *what;
    const char *profile;
    unsigned precision;
    double n;
};

/* The names of the columns, then a line a call; lines of equal keys may be
 * added up, column by column. */
void tally_print_head(void);
void tally_print(const struct tally_key *key, const struct tally *tally);

#endif
