/* The page of metrics. Each is described in docs/METRICS.md. */
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "figures_inside.h"
#include "properties.h"
#include "watermark.h"
#include "wire.h"

struct counted {
    const char *name, *help;
    size_t at; /* in struct counters */
};

#define COUNTED(name, field, help) \
    {"headcount_" name "_total", help, offsetof(struct counters, field)}

static const struct counted counted[] = {
    COUNTED("frames", frames, "Valid frames, counted."),
    COUNTED("read_bytes", bytes, "Bytes of all frames read."),
    COUNTED("late_frames", late, "Valid frames of minutes that had closed; counted, too."),
    COUNTED("lost_rejects", rejects_lost, "Rejected frames that --rejects should have kept."),
    COUNTED("missing_offsets", missing, "Offsets that were gone before they were read."),
    COUNTED("clock_resets", clock_resets, "Times that the clock of a partition went back."),
    COUNTED("records", records, "Sketch records given to the output."),
    COUNTED("failed_records", records_failed,
            "Sketch records that did not arrive, and were published again."),
    COUNTED("evicted_windows", evicted, "Windows published early for want of memory."),
    COUNTED("checkpoints", checkpoints, "Checkpoints that the output acknowledged."),
    COUNTED("commits", commits, "Commits that were done."),
    COUNTED("failed_commits", commits_failed,
            "Commits that were refused or took too long, and were tried again."),
};

static void add_counted(struct text *page, const struct counters *counters)
{
    static const char name[] = "headcount_rejected_frames_total";

    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        metrics_counter(page, counted[i].name, counted[i].help,
                        *(const uint64_t *)((const char *)counters + counted[i].at));
    metrics_family(page, METRICS_COUNTER, name, "Frames that were not counted, by reason.");
    for (int i = REJECT_NONE + 1; i < REJECT_COUNT; i++)
        metrics_int(page, name,
                    (const struct metrics_label[]){{"reason", reject_name((enum reject)i)},
                                                   {NULL, NULL}},
                    (int64_t)counters->rejected[i]);
}

/* A time that is known. */
static bool is_time(int64_t time_s)
{
    return time_s >= 0 && time_s <= LIMIT_TIME_S;
}

static void add_time(struct text *page, const char *name, const char *help, bool known,
                     double time_s)
{
    metrics_family(page, METRICS_GAUGE, name, help);
    if (known)
        metrics_double(page, name, NULL, time_s);
}

/* When the checkpoint was acknowledged that is the oldest of the workers' last; -1. */
static int64_t oldest_checkpoint_ms(const struct figures *figures)
{
    int64_t oldest_ms = -1;

    for (size_t i = 0; i < figures->count; i++) {
        const struct figures_worker *worker = &figures->workers[i];

        if (worker->told && !worker->ended && worker->status.partitions > 0 &&
            worker->status.checkpoint_ms >= 0 &&
            (oldest_ms < 0 || worker->status.checkpoint_ms < oldest_ms))
            oldest_ms = worker->status.checkpoint_ms;
    }
    return oldest_ms;
}

static void add_times(const struct figures *figures, struct text *page,
                      const struct pipeline_status *sum)
{
    int64_t checkpoint_ms = oldest_checkpoint_ms(figures);

    add_time(page, "headcount_watermark_timestamp_seconds",
             "Unix time up to which minutes are closed, of the worker that is behind the others.",
             is_time(sum->watermark_s), (double)sum->watermark_s);
    add_time(page, "headcount_checkpoint_timestamp_seconds",
             "Unix time of the last checkpoint, of the worker whose last is the oldest.",
             checkpoint_ms >= 0, (double)checkpoint_ms / 1000);
}

static void add_gauges(const struct figures *figures, struct text *page,
                       const struct pipeline_status *sum)
{
    int64_t running = 0, held = 0, down = 0;

    for (size_t i = 0; i < figures->count; i++) {
        const struct figures_worker *worker = &figures->workers[i];

        running += worker->told && !worker->ended;
        held += worker->told && !worker->ended && worker->status.held;
        down += worker->told && !worker->ended && worker->status.rejects_down;
    }
    metrics_gauge(page, "headcount_workers", "Workers that run.", running);
    metrics_gauge(page, "headcount_held_workers",
                  "Workers that do not read, until the output or the rejects sink takes more.",
                  held);
    metrics_gauge(page, "headcount_rejects_down_workers",
                  "Workers whose rejected frames can't be set aside at present.", down);
    metrics_gauge(page, "headcount_ready", "1 when /-/ready says so, else 0.",
                  figures_unready(figures, clock_monotonic_ms()) == NULL);
    metrics_gauge(page, "headcount_assigned_partitions", "Partitions (or files) being read.",
                  (int64_t)sum->partitions);
    metrics_gauge(page, "headcount_windows", "Minutes held in memory.", (int64_t)sum->windows);
    metrics_gauge(page, "headcount_open_windows", "Minutes held that have not closed.",
                  (int64_t)sum->windows_open);
    metrics_gauge(page, "headcount_window_memory_bytes", "Memory of the minutes held.",
                  (int64_t)sum->memory);
    metrics_gauge(page, "headcount_window_memory_limit_bytes", "The cap on it: --memory.",
                  figures->config->memory);
    metrics_gauge(page, "headcount_unsettled_records",
                  "Sketch records that wait for their acknowledgement.",
                  (int64_t)sum->unsettled);
}

enum of_partition { LAG, WATERMARK };

static void add_partition(struct text *page, const char *name, const char *topic,
                          int32_t partition, int64_t value)
{
    char number[16];

    snprintf(number, sizeof number, "%" PRId32, partition);
    metrics_int(page, name,
                (const struct metrics_label[]){
                    {"topic", topic}, {"partition", number}, {NULL, NULL}},
                value);
}

static void add_partitions(const struct figures *figures, struct text *page, const char *name,
                           enum of_partition what)
{
    for (size_t i = 0; i < figures->count && figures->config->topic; i++) {
        const struct figures_worker *worker = &figures->workers[i];

        for (size_t j = 0; j < worker->status.partitions; j++) {
            const struct pipeline_partition *told = &worker->partitions[j].told;

            if (what == LAG ? told->lag >= 0 : is_time(told->watermark_s))
                add_partition(page, name, figures->config->topic, told->partition,
                              what == LAG ? told->lag : told->watermark_s);
        }
    }
}

static void add_topic(const struct figures *figures, struct text *page)
{
    metrics_family(page, METRICS_GAUGE, "headcount_lag_messages",
                   "Messages between what was read and the end that the broker last told.");
    add_partitions(figures, page, "headcount_lag_messages", LAG);
    metrics_family(page, METRICS_GAUGE, "headcount_partition_watermark_timestamp_seconds",
                   "Unix time up to which a partition is read, by the times in its frames.");
    add_partitions(figures, page, "headcount_partition_watermark_timestamp_seconds", WATERMARK);
}

static void add_client_errors(const struct figures *figures, struct text *page)
{
    struct kafka_tally_entry entries[KAFKA_TALLY_MAX];
    size_t count = kafka_tally_read(figures->tally, entries);

    metrics_family(page, METRICS_COUNTER, "headcount_kafka_errors_total",
                   "Errors of brokers and of Kafka clients, by client and code.");
    for (size_t i = 0; i < count; i++)
        metrics_int(page, "headcount_kafka_errors_total",
                    (const struct metrics_label[]){
                        {"client", entries[i].producer ? "producer" : "consumer"},
                        {"code", entries[i].name},
                        {NULL, NULL}},
                    (int64_t)entries[i].times);
}

void figures_page(const struct figures *figures, struct text *page)
{
    const struct metrics_label libraries[] = {{"librdkafka", kafka_version()}, {NULL, NULL}};
    struct pipeline_status sum = summary_none();

    for (size_t i = 0; i < figures->count; i++)
        if (figures->workers[i].told)
            summary_add(&sum, &figures->workers[i].status);
    add_counted(page, &sum.counters);
    add_gauges(figures, page, &sum);
    add_times(figures, page, &sum);
    add_topic(figures, page);
    add_client_errors(figures, page);
    metrics_http(page, figures->server);
    metrics_program(page, libraries);
}
