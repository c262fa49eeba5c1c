/* What the emitters on stdout share: the outbox written at each poll. Private
 * to them. */
#ifndef EMIT_STDOUT_H
#define EMIT_STDOUT_H

#include <stdbool.h>

#include "emit.h"
#include "emit_outbox.h"

struct emit_stdout {
    struct emit base;
    struct outbox box;
    bool failed;
    bool titled;        /* emit_lines: the header line is in the outbox */
    bool over_progress; /* emit_lines: a progress line may stand on the same terminal */
    char error[128];
};

/* The same in the caller's zeroed memory; outbox_free() ends it. False: no memory. */
bool emit_stdout_init(struct emit_stdout *out, const struct emit_ops *ops);
/* One with these ops, the three below among them; NULL: no memory. */
struct emit_stdout *emit_stdout_new(const struct emit_ops *ops);
size_t emit_stdout_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room);
const char *emit_stdout_failed(struct emit *emit);
void emit_stdout_destroy(struct emit *emit);

/* emit_lines.c: the readable line of `summary`, as far as there is room. */
enum emit_result emit_lines_add(struct emit_stdout *out, const struct emit_summary *summary,
                                uint64_t token);
/* emit_lines.c: a progress line may stand on the terminal that the lines go to. */
bool emit_lines_over_progress(void);

#endif
