/* What is healthy, and what is ready.
 *
 * Healthy: each worker's loop comes round. Whatever it waits for, it does so in turns
 * of some milliseconds, so a loop that does not come round for half a minute will
 * not by itself: a new start may help.
 *
 * Ready: something is assigned, and it gets on. Three things have to move, or have
 * nothing left to do, within half a minute each, and none of them moves when the
 * one after it is stuck for long:
 *   - a partition of a topic: frames came, or its broker said that there are none.
 *     Files are as slow as whoever writes them.
 *   - what was read: a checkpoint of it was acknowledged by the output (and by the
 *     rejects sink, which checkpoints rest on); these are due every --emit-every;
 *   - what was published: it was committed, where commits are made.
 * Half a minute is longer than a broker's death takes its group: new leaders are
 * there after 3 to 16 s. */
#include "figures_inside.h"

#define PATIENCE_MS 30000

static bool reads_topic(const struct figures *figures)
{
    return figures->config->topic != NULL;
}

static const struct figures_partition *find(const struct figures_partition *partitions,
                                            size_t count, int32_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (partitions[i].told.partition == partition)
            return &partitions[i];
    return NULL;
}

static void note_partitions(struct figures_worker *worker, const struct pipeline_status *before,
                            const struct figures_partition *partitions, int64_t now_ms)
{
    for (size_t i = 0; i < worker->status.partitions; i++) {
        struct figures_partition *one = &worker->partitions[i];
        /* They mostly stand where they stood. */
        const struct figures_partition *was =
            i < before->partitions && partitions[i].told.partition == one->told.partition
                ? &partitions[i]
                : find(partitions, before->partitions, one->told.partition);

        if (was && before->assigned)
            one->progress = was->progress;
        else
            health_start(&one->progress, now_ms);
        /* Who is held back does not read: that is the output's matter. */
        health_note(&one->progress,
                    worker->status.held || (was && one->told.position != was->told.position),
                    now_ms);
        if (one->told.end_confirmed_ms > one->progress.good_ms)
            one->progress.good_ms = one->told.end_confirmed_ms;
    }
}

void figures_note(struct figures_worker *worker, const struct pipeline_status *before,
                  const struct figures_partition *partitions, int64_t now_ms)
{
    const struct pipeline_status *now = &worker->status;
    bool first = !worker->told;

    health_note(&worker->turning, true, now_ms);
    health_note(&worker->publishing,
                first || now->told || now->counters.checkpoints != before->counters.checkpoints,
                now_ms);
    health_note(&worker->committing,
                first || now->committed || now->counters.commits != before->counters.commits,
                now_ms);
    /* Between two assignments there is a moment without; at the start, there is none. */
    if (now->partitions > 0)
        health_start(&worker->assigned, now_ms);
    else if (first)
        health_start(&worker->assigned, now_ms - PATIENCE_MS - 1);
    note_partitions(worker, before, partitions, now_ms);
}

const char *figures_unhealthy(const struct figures *figures, int64_t now_ms)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figures_worker *worker = &figures->workers[i];

        if (worker->told && !worker->ended &&
            health_is_stuck(&worker->turning, now_ms, PATIENCE_MS))
            return "the loop of a worker does not come round";
    }
    return NULL;
}

static const char *worker_unready(const struct figures *figures,
                                  const struct figures_worker *worker, int64_t now_ms)
{
    int64_t due_ms = figures->config->emit_every_ms + PATIENCE_MS;

    if (health_is_stuck(&worker->publishing, now_ms, due_ms))
        return "what was read is not published: the output or the rejects sink takes nothing";
    if (health_is_stuck(&worker->committing, now_ms, 2 * due_ms))
        return "what was published is not committed";
    for (size_t i = 0; reads_topic(figures) && i < worker->status.partitions; i++)
        if (health_is_stuck(&worker->partitions[i].progress, now_ms, PATIENCE_MS))
            return "a partition gives neither frames nor its end";
    return NULL;
}

const char *figures_unready(const struct figures *figures, int64_t now_ms)
{
    const char *wrong = figures_unhealthy(figures, now_ms);
    bool assigned = !reads_topic(figures), running = false;

    for (size_t i = 0; i < figures->count && !wrong; i++) {
        const struct figures_worker *worker = &figures->workers[i];

        if (!worker->told)
            return "starting";
        if (worker->ended)
            continue;
        running = true;
        assigned |= !health_is_stuck(&worker->assigned, now_ms, PATIENCE_MS);
        wrong = worker_unready(figures, worker, now_ms);
    }
    if (wrong)
        return wrong;
    return !running ? "ending" : assigned ? NULL : "no partitions are assigned";
}
