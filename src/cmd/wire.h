/* From settings to a running pipeline, and what is said at its end. */
#ifndef CMD_WIRE_H
#define CMD_WIRE_H

#include <stdatomic.h>

#include "config.h"
#include "pipeline.h"

/* Builds everything that `config` asks for, runs it until it ends or *stop is
 * set, says what became of it, and returns the exit code. */
int wire_run(const struct config *config, const atomic_int *stop);
/* --validate: findings on stdout; the exit code. */
int wire_validate(const struct config *config);

/* validate.c: whether the files can be read and written that are named; findings
 * on stdout. Nothing is opened: a FIFO's writer would see it. */
bool validate_files(const struct config *config);

/* summary.c */
struct summary {
    int64_t started_ms; /* monotonic */
    int64_t last_ms;    /* of the progress line before */
    uint64_t last_frames;
    bool line_open;     /* a progress line stands on the terminal */
};
/* One line on stderr that overwrites the one before. */
void summary_progress(struct summary *summary, const struct pipeline *pipeline);
/* What was counted, and what became of the rest. */
void summary_print(struct summary *summary, const struct config *config,
                   const struct pipeline *pipeline);

/* hint.c: what a person could try whose frames are all rejected, as one line
 * in `hint`; "" when nothing comes to mind. */
void hint_for_rejected(const struct config *config, const struct pipeline *pipeline, char *hint,
                       size_t hint_size);

#endif
