/* What a coverage has noted, as bytes: kept in a store from one run to the next,
 * and read again whenever somebody asks, since judging uses a coverage up.
 * Private to rollup. */
#ifndef ROLLUP_COVERAGE_STATE_H
#define ROLLUP_COVERAGE_STATE_H

#include "coverage.h"
#include "state_bytes.h"

/* One that can be saved: checkpoints that wait do so in memory. NULL: no memory. */
struct coverage *coverage_kept(void);
/* Appends all that was noted, which is not judged yet. Checkpoints whose
 * sequences have come are counted first. HC_ENOMEM. */
enum hc_status coverage_save(struct coverage *coverage, struct text *text);
/* A coverage that goes on where the saved one was; owned by the caller. NULL:
 * reader->failed, or no memory. Who only judges it can do without the checkpoints
 * that wait, which come last: they count for nothing yet, and there may be many. It
 * then tells no coverage_unmet, and sequences as loose that only those name. */
enum coverage_use { COVERAGE_GO_ON, COVERAGE_JUDGE };
struct coverage *coverage_load(struct state_reader *reader, enum coverage_use use);

#endif
