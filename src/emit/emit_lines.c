/* A readable line for each minute, on stdout:
 *
 *   minute (UTC)          uniques  95 % interval     state
 *   2016-07-11 13:39          638  (637-639)         closed
 *
 * Columns widen for numbers that need it; the numbers stay whole. A progress
 * line that may stand on the same terminal gives way. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "emit.h"
#include "emit_stdout.h"

#define LINE_BYTES 256
/* To the left margin, and away with what stands there. */
#define CLEAR_LINE "\r\033[K"

static size_t lines_format(const struct emit_summary *summary, char *line, size_t room)
{
    time_t start = (time_t)summary->minute_s;
    struct tm utc;
    char minute[32] = "?", interval[64];
    int size;

    if (gmtime_r(&start, &utc))
        strftime(minute, sizeof minute, "%Y-%m-%d %H:%M", &utc);
    snprintf(interval, sizeof interval, "(%.0f-%.0f)", summary->low, summary->high);
    size = snprintf(line, room, "%-16s %12.0f  %-17s %s", minute, summary->uniques, interval,
                    summary->state);
    return (size_t)size < room ? (size_t)size : room - 1;
}

/* The header goes with the first line, so that an empty run prints nothing. */
static size_t lines_title(char *line, size_t room)
{
    int size = snprintf(line, room, "%-16s %12s  %-17s %s\n", "minute (UTC)", "uniques",
                        "95 % interval", "state");

    return (size_t)size;
}

enum emit_result emit_lines_add(struct emit_stdout *out, const struct emit_summary *summary,
                                uint64_t token)
{
    char line[2 * LINE_BYTES];
    size_t size = 0;
    enum emit_result result;

    if (out->over_progress)
        size = (size_t)snprintf(line, sizeof line, "%s", CLEAR_LINE);
    if (!out->titled)
        size += lines_title(line + size, LINE_BYTES / 2);
    size += lines_format(summary, line + size, LINE_BYTES);
    result = outbox_add(&out->box, token, line, size);
    out->titled |= result == EMIT_OK;
    return result;
}

bool emit_lines_over_progress(void)
{
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

static enum emit_result lines_produce(struct emit *emit, const struct emit_record *record)
{
    struct emit_stdout *out = (struct emit_stdout *)emit;

    if (out->failed)
        return EMIT_FULL;
    if (!record->summary || record->summary->interim)
        return outbox_add(&out->box, record->token, NULL, 0);
    return emit_lines_add(out, record->summary, record->token);
}

static const struct emit_ops lines_ops = {
    .produce = lines_produce,
    .poll = emit_stdout_poll,
    .failed = emit_stdout_failed,
    .destroy = emit_stdout_destroy,
};

struct emit *emit_lines_create(void)
{
    struct emit_stdout *out = emit_stdout_new(&lines_ops);

    if (out)
        out->over_progress = emit_lines_over_progress();
    return out ? &out->base : NULL;
}
