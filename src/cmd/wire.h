/* From settings to a running pipeline, and what is said at its end. */
#ifndef CMD_WIRE_H
#define CMD_WIRE_H

#include <stdatomic.h>

#include "config.h"
#include "pipeline.h"
#include "team.h"

/* Builds everything that `config` asks for, runs it until it ends or *stop is
 * set, says what became of it, and returns the exit code. */
int wire_run(const struct config *config, const atomic_int *stop);
/* --validate: findings on stdout; the exit code. */
int wire_validate(const struct config *config);

/* validate.c: whether the files can be read and written that are named; findings
 * on stdout. Nothing is opened: a FIFO's writer would see it. */
bool validate_files(const struct config *config);

/* summary.c: what all workers did together. */
struct summary;
struct summary *summary_create(void); /* NULL: no memory */
void summary_destroy(struct summary **summary);
/* One line on stderr that overwrites the one before, once a second: what workers
 * have told last. Called by each for itself, at any time. */
void summary_progress(struct summary *summary, size_t worker, const struct pipeline *pipeline);
/* What was counted, and what became of the rest. */
void summary_print(struct summary *summary, const struct config *config,
                   const struct team *team);

/* What several workers' are together: none of them first, then one after the other. */
struct pipeline_status summary_none(void);
void summary_add(struct pipeline_status *sum, const struct pipeline_status *more);

/* verdict.c. Writes what is left of several workers' readable lines; why that
 * failed, borrowed from the team, or NULL. */
const char *verdict_last_lines(const struct config *config, const struct team *team);
/* The exit code, and why. */
int verdict(const struct config *config, const struct team *team, const char *unwritten);
/* Said last, and however quiet: the user chose to lose them. */
void verdict_rejects_lost(const struct config *config, const struct team *team);

/* hint.c: what a person could try whose frames are all rejected, as one line
 * in `hint`; "" when nothing comes to mind. */
void hint_for_rejected(const struct config *config, const struct pipeline *pipeline, char *hint,
                       size_t hint_size);

#endif
