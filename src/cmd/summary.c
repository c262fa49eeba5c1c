/* What people read on stderr: a progress line, and the closing summary. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "shown.h"
#include "text.h"
#include "watermark.h"
#include "wire.h"

static double seconds(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0.001;
}

void summary_progress(struct summary *summary, const struct pipeline *pipeline)
{
    struct pipeline_status status;
    pipeline_status(pipeline, &status);
    int64_t now_ms = clock_monotonic_ms();
    uint64_t read = status.counters.frames + counters_rejected_total(&status.counters);
    double rate = (double)(read - summary->last_frames) / seconds(summary->last_ms, now_ms);
    char lag[40] = "", clock[40] = "";
    if (status.lag >= 0)
        snprintf(lag, sizeof lag, "  lag %" PRId64, status.lag);
    if (status.watermark_s >= 0 && status.watermark_s <= LIMIT_TIME_S) {
        struct text text = {0};
        text_utc(&text, status.watermark_s);
        if (!text.failed)
            snprintf(clock, sizeof clock, "  to %s", text.bytes);
        text_free(&text);
    }
    fprintf(stderr, "\r\033[K%" PRIu64 " frames  %.0f/s  %zu minutes  %.1f MiB%s%s%s", read, rate,
            status.windows, (double)status.memory / (1024 * 1024), clock, lag,
            status.rejects_down ? "  rejects down"
            : status.held       ? "  waiting for the output"
                                : "");
    fflush(stderr);
    summary->last_ms = now_ms;
    summary->last_frames = read;
    summary->line_open = true;
}

static void print_rejects(const struct config *config, const struct counters *counters)
{
    uint64_t total = counters_rejected_total(counters);
    if (total == 0)
        return;
    fprintf(stderr, "  rejected  %" PRIu64 ":", total);
    for (int i = REJECT_NONE + 1; i < REJECT_COUNT; i++)
        if (counters->rejected[i] > 0)
            fprintf(stderr, " %s %" PRIu64, reject_name((enum reject)i), counters->rejected[i]);
    if (config->rejects && counters->rejects_lost > 0)
        say(", set aside in %s but for %" PRIu64 " that are lost\n",
            config->rejects, counters->rejects_lost);
    else if (config->rejects)
        say(", set aside in %s\n", config->rejects);
    else
        fprintf(stderr, ", dropped (--rejects keeps them)\n");
    if (counters->rejected[REJECT_TIME_AHEAD] > 0 && !config->topic) {
        struct text text = {0};
        text_utc(&text, config->now_s);
        fprintf(stderr, "  now       %s is what times were measured against (--now)\n",
                text.failed ? "" : text.bytes);
        text_free(&text);
    }
}

static void print_minutes(const struct pipeline_status *status)
{
    if (status->minute_first_s > status->minute_last_s)
        return;
    struct text text = {0};
    text_utc(&text, status->minute_first_s);
    text_string(&text, " to ");
    text_utc(&text, status->minute_last_s);
    if (!text.failed)
        fprintf(stderr, "  minutes   %s\n", text.bytes);
    text_free(&text);
}

void summary_print(struct summary *summary, const struct config *config,
                   const struct pipeline *pipeline)
{
    struct pipeline_status status;
    pipeline_status(pipeline, &status);
    const struct counters *counters = &status.counters;
    double took = seconds(summary->started_ms, clock_monotonic_ms());
    uint64_t read = counters->frames + counters_rejected_total(counters);
    if (summary->line_open)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr,
            "headcountd: %" PRIu64 " frames in %.1f s (%.0f/s, %.1f MB/s), %" PRIu64 " counted\n",
            read, took, (double)read / took, (double)counters->bytes / took / 1e6,
            counters->frames);
    print_minutes(&status);
    print_rejects(config, counters);
    if (counters->late > 0)
        fprintf(stderr, "  late      %" PRIu64 " frames of closed minutes, counted\n",
                counters->late);
    if (counters->missing > 0)
        fprintf(stderr, "  missing   %" PRIu64 " offsets were gone before they were read\n",
                counters->missing);
    if (counters->clock_resets > 0)
        fprintf(stderr, "  clock     went back %" PRIu64 " times\n", counters->clock_resets);
    fprintf(stderr,
            "  records   %" PRIu64 ", checkpoints %" PRIu64 ", commits %" PRIu64
            ", windows at most %.1f MiB\n",
            counters->records, counters->checkpoints, counters->commits,
            (double)status.memory_peak / (1024 * 1024));
}
