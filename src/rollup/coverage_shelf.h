/* Checkpoints on their way to a shelf and back. Private to coverage. */
#ifndef ROLLUP_COVERAGE_SHELF_H
#define ROLLUP_COVERAGE_SHELF_H

#include "coverage_inside.h"
#include "coverage_state.h"

/* Whatever lacks what has come since the last time is taken from the shelf; what can be
 * counted is counted, and the others are put there. HC_ENOMEM, HC_EROOM. */
enum hc_status coverage_shelve(struct coverage *coverage, const struct coverage_shelf *shelf);
/* The names that a source is known by. */
void coverage_put_names(struct text *text, const struct source *source);
void coverage_get_names(struct state_reader *reader, struct record_checkpoint *key);

#endif
