#include "team.h"

#include <assert.h>

#include "log.h"
#include "source.h"

static bool leaves(const struct team *team)
{
    return atomic_load(team->stop) != 0 || atomic_load(&team->failed) != 0;
}

static void worker_run(struct worker *worker)
{
    while (pipeline_turn(worker->pipeline, leaves(worker->team)))
        ;
    worker->result = pipeline_result(worker->pipeline);
    if (worker->result != PIPELINE_DONE)
        atomic_store(&worker->team->failed, 1);
    emit_passed(worker->output, INT64_MAX);
    if (worker->print)
        emit_passed(worker->print, INT64_MAX);
    if (worker->team->ended)
        worker->team->ended(worker);
    /* A member that nobody polls would hold up the group until it is expelled. */
    source_destroy(&worker->source);
}

static void *worker_thread(void *worker)
{
    worker_run(worker);
    return NULL;
}

void team_run(struct team *team)
{
    size_t started = 1;

    for (; started < team->count; started++) {
        struct worker *worker = &team->workers[started];

        if (pthread_create(&worker->thread, NULL, worker_thread, worker) != 0)
            break;
    }
    team->short_of_threads = started < team->count;
    if (team->short_of_threads)
        atomic_store(&team->failed, 1);
    worker_run(&team->workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(team->workers[i].thread, NULL);
    /* Those without a thread have read nothing. */
    for (size_t i = started; i < team->count; i++)
        worker_run(&team->workers[i]);
}

void team_free(struct team *team)
{
    for (size_t i = 0; i < team->count; i++) {
        struct worker *worker = &team->workers[i];

        pipeline_destroy(&worker->pipeline);
        emit_destroy(&worker->rejects);
        emit_destroy(&worker->print);
        emit_destroy(&worker->output);
        decoder_destroy(&worker->decoder);
        source_destroy(&worker->source);
    }
}

/* DONE is 0. */
static int gravity(enum pipeline_result result)
{
    static const int gravities[] = {[PIPELINE_DONE] = 0,
                                    [PIPELINE_UNSAFE] = 1,
                                    [PIPELINE_INVALID] = 2,
                                    [PIPELINE_FAILED] = 3,
                                    [PIPELINE_CONFIG] = 4};

    return gravities[result];
}

enum pipeline_result team_result(const struct team *team, const struct worker **worst)
{
    *worst = &team->workers[0];
    for (size_t i = 1; i < team->count; i++)
        if (gravity(team->workers[i].result) > gravity((*worst)->result))
            *worst = &team->workers[i];
    return (*worst)->result;
}

bool team_is_disproved(const struct team *team)
{
    uint64_t rejected = 0;

    if (team->count == 1 || atomic_load(&team->proof.proven))
        return false;
    for (size_t i = 0; i < team->count; i++) {
        struct pipeline_status status;

        pipeline_status(team->workers[i].pipeline, &status);
        rejected += counters_rejected_total(&status.counters);
    }
    return rejected > 0;
}
