/* Records as lines on stdout.
 *
 * produce() only fills the outbox; poll() writes as much as stdout takes and
 * acknowledges what write(2) has taken. A reader that is slow makes the outbox
 * full, never the loop stand still. A write error is for good: nothing that
 * was not taken by then will ever be safe. */
#include "emit_stdout.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct emit_stdout *emit_stdout_new(const struct emit_ops *ops)
{
    struct emit_stdout *out = calloc(1, sizeof *out);

    if (out && !emit_stdout_init(out, ops)) {
        free(out);
        return NULL;
    }
    return out;
}

bool emit_stdout_init(struct emit_stdout *out, const struct emit_ops *ops)
{
    out->base.ops = ops;
    return outbox_init(&out->box);
}

static struct emit_stdout *of(struct emit *emit)
{
    return (struct emit_stdout *)emit;
}

size_t emit_stdout_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct emit_stdout *out = of(emit);
    int error;

    assert(timeout_ms >= 0 && room > 0);
    if (!out->failed) {
        error = outbox_write(&out->box, STDOUT_FILENO, timeout_ms);
        outbox_synced(&out->box);
        if (error) {
            out->failed = true;
            snprintf(out->error, sizeof out->error, "stdout: %s", strerror(error));
        }
    }
    return outbox_acks(&out->box, out->failed ? out->error : NULL, acks, room);
}

const char *emit_stdout_failed(struct emit *emit)
{
    return of(emit)->failed ? of(emit)->error : NULL;
}

void emit_stdout_destroy(struct emit *emit)
{
    outbox_free(&of(emit)->box);
    free(emit);
}

static enum emit_result stdout_produce(struct emit *emit, const struct emit_record *record)
{
    struct emit_stdout *out = of(emit);

    if (out->failed)
        return EMIT_FULL;
    return outbox_add(&out->box, record->token, record->value ? record->value : "",
                      record->value_size);
}

static const struct emit_ops stdout_ops = {
    .produce = stdout_produce,
    .poll = emit_stdout_poll,
    .failed = emit_stdout_failed,
    .destroy = emit_stdout_destroy,
};

struct emit *emit_stdout_create(void)
{
    struct emit_stdout *out = emit_stdout_new(&stdout_ops);

    return out ? &out->base : NULL;
}
