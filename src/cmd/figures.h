/* What watchers read of a running program, by --listen: /metrics, /-/healthy, /-/ready.
 *
 * Each worker tells of itself once a second, on its own thread and between two turns
 * of its loop; what is read is the sum of what all have told last. So the figures
 * are a second old at most, those of one worker belong together, and nobody who
 * reads them holds up a worker for longer than it takes to add them up. */
#ifndef CMD_FIGURES_H
#define CMD_FIGURES_H

#include <stddef.h>

#include "config.h"
#include "pipeline.h"

struct figures;
struct kafka_tally;

/* `config` is borrowed. NULL: no memory. */
struct figures *figures_create(const struct config *config);
void figures_destroy(struct figures **figures);
/* Where clients count their errors; the figures'. */
struct kafka_tally *figures_tally(struct figures *figures);

/* Answers from now on; false with a line for people in `error`. */
bool figures_listen(struct figures *figures, char *error, size_t error_size);
/* Not any more. */
void figures_close(struct figures *figures);

/* By worker `number`, at any time. */
void figures_tell(struct figures *figures, size_t number, const struct pipeline *pipeline);
/* The last time: its pipeline has ended. */
void figures_ended(struct figures *figures, size_t number, const struct pipeline *pipeline);

#endif
