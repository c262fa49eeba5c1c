/* What people read on stderr: a progress line, and the closing summary. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "shown.h"
#include "text.h"
#include "watermark.h"
#include "wire.h"

/* Workers tell of themselves once a second; the line is for all of them. */
#define PROGRESS_MS 900

static double seconds(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0.001;
}

struct summary {
    pthread_mutex_t lock;
    int64_t started_ms; /* monotonic */
    int64_t last_ms;    /* of the progress line before */
    uint64_t last_frames;
    bool line_open;     /* a progress line stands on the terminal */
    struct pipeline_status told[LIMIT_WORKERS]; /* by each worker, when it last did */
    size_t count;       /* of those that did, counted from 0 */
};

struct summary *summary_create(void)
{
    struct summary *summary = calloc(1, sizeof *summary);
    if (!summary || pthread_mutex_init(&summary->lock, NULL) != 0) {
        free(summary);
        return NULL;
    }
    summary->started_ms = summary->last_ms = clock_monotonic_ms();
    return summary;
}

void summary_destroy(struct summary **summary)
{
    if (!*summary)
        return;
    pthread_mutex_destroy(&(*summary)->lock);
    free(*summary);
    *summary = NULL;
}

static void add_counters(struct counters *sum, const struct counters *more)
{
    sum->frames += more->frames;
    sum->bytes += more->bytes;
    for (int i = 0; i < REJECT_COUNT; i++)
        sum->rejected[i] += more->rejected[i];
    sum->rejects_lost += more->rejects_lost;
    sum->late += more->late;
    sum->records += more->records;
    sum->records_failed += more->records_failed;
    sum->evicted += more->evicted;
    sum->checkpoints += more->checkpoints;
    sum->commits += more->commits;
    sum->commits_failed += more->commits_failed;
    sum->clock_resets += more->clock_resets;
    sum->missing += more->missing;
}

/* The watermark is that of the last one; one that knows none says nothing. */
void summary_add(struct pipeline_status *sum, const struct pipeline_status *more)
{
    add_counters(&sum->counters, &more->counters);
    sum->windows += more->windows;
    sum->windows_open += more->windows_open;
    sum->partitions += more->partitions;
    sum->memory += more->memory;
    sum->memory_peak += more->memory_peak;
    if (sum->watermark_s == WATERMARK_NONE ||
        (more->watermark_s != WATERMARK_NONE && more->watermark_s < sum->watermark_s))
        sum->watermark_s = more->watermark_s;
    if (sum->lag >= 0)
        sum->lag = more->lag < 0 ? -1 : sum->lag + more->lag;
    sum->unsettled += more->unsettled;
    sum->held |= more->held;
    sum->rejects_down |= more->rejects_down;
    if (more->minute_first_s < sum->minute_first_s)
        sum->minute_first_s = more->minute_first_s;
    if (more->minute_last_s > sum->minute_last_s)
        sum->minute_last_s = more->minute_last_s;
}

struct pipeline_status summary_none(void)
{
    return (struct pipeline_status){.watermark_s = WATERMARK_NONE,
                                    .minute_first_s = INT64_MAX,
                                    .minute_last_s = INT64_MIN};
}

static void print_progress(struct summary *summary, const struct pipeline_status *status,
                           int64_t now_ms)
{
    uint64_t read = status->counters.frames + counters_rejected_total(&status->counters);
    double rate = (double)(read - summary->last_frames) / seconds(summary->last_ms, now_ms);
    char lag[40] = "", clock[40] = "";
    if (status->lag >= 0)
        snprintf(lag, sizeof lag, "  lag %" PRId64, status->lag);
    if (status->watermark_s >= 0 && status->watermark_s <= LIMIT_TIME_S) {
        struct text text = {0};
        text_utc(&text, status->watermark_s);
        if (!text.failed)
            snprintf(clock, sizeof clock, "  to %s", text.bytes);
        text_free(&text);
    }
    fprintf(stderr, "\r\033[K%" PRIu64 " frames  %.0f/s  %zu minutes  %.1f MiB%s%s%s", read, rate,
            status->windows, (double)status->memory / (1024 * 1024), clock, lag,
            status->rejects_down ? "  rejects down"
            : status->held       ? "  waiting for the output"
                                 : "");
    fflush(stderr);
    summary->last_ms = now_ms;
    summary->last_frames = read;
    summary->line_open = true;
}

void summary_progress(struct summary *summary, size_t worker, const struct pipeline *pipeline)
{
    int64_t now_ms = clock_monotonic_ms();
    struct pipeline_status sum = summary_none();
    pthread_mutex_lock(&summary->lock);
    pipeline_status(pipeline, &summary->told[worker]);
    for (; summary->count <= worker; summary->count++)
        if (summary->count < worker)
            summary->told[summary->count] = summary_none();
    for (size_t i = 0; i < summary->count; i++)
        summary_add(&sum, &summary->told[i]);
    if (!summary->line_open || now_ms - summary->last_ms >= PROGRESS_MS)
        print_progress(summary, &sum, now_ms);
    pthread_mutex_unlock(&summary->lock);
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
                   const struct team *team)
{
    struct pipeline_status status = summary_none();
    for (size_t i = 0; i < team->count; i++) {
        struct pipeline_status own;
        pipeline_status(team->workers[i].pipeline, &own);
        summary_add(&status, &own);
    }
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
