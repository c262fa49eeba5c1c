/* Sketches that are put aside in a file until they are asked for. Private to
 * rollup. */
#ifndef ROLLUP_SPILL_H
#define ROLLUP_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headcount/sketch.h"

/* The place of no sketch. */
#define ROLLUP_SPILL_NONE INT64_C(-1)

struct rollup_spill;

/* Makes no file yet. It will be in `folder`, borrowed; NULL: in TMPDIR, else /tmp.
 * NULL when there is no memory. */
struct rollup_spill *rollup_spill_create(const char *folder);
void rollup_spill_destroy(struct rollup_spill **spill);

/* Writes `sketch` in front of the chain that begins at *place, which may be
 * ROLLUP_SPILL_NONE; *place becomes the new beginning. False on failure, with
 * a message in rollup_spill_error and *place as it was. */
bool rollup_spill_put(struct rollup_spill *spill, const struct hc_sketch *sketch, int64_t *place);

/* Unites all sketches of the chain at `place` with *sketch, which is made when
 * it is NULL; owned by the caller, on failure too. */
bool rollup_spill_get(struct rollup_spill *spill, int64_t place, struct hc_sketch **sketch);

/* Makes `error` the one that rollup_spill_error tells: another file's. */
void rollup_spill_blame(struct rollup_spill *spill, const char *error);
/* Why a call failed, one line for people. */
const char *rollup_spill_error(const struct rollup_spill *spill);

#endif
