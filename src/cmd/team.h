/* The workers of one process: each a whole pipeline on a thread of its own. They
 * share the files or the consumer group, the outputs, and what is said of them. */
#ifndef CMD_TEAM_H
#define CMD_TEAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "limits.h"
#include "pipeline.h"

#define INSTANCE_MAX 128

struct parts; /* wire.c: what the workers are made of */
struct worker {
    struct team *team;
    struct parts *parts;
    unsigned number;
    struct source *source;
    struct decoder *decoder;
    struct emit *output, *print, *rejects;
    struct pipeline *pipeline;
    char instance[INSTANCE_MAX];
    pthread_t thread;
    enum pipeline_result result;
};

struct team {
    struct worker workers[LIMIT_WORKERS];
    size_t count;
    const atomic_int *stop;      /* borrowed */
    atomic_int failed;           /* a worker; the others leave in order */
    atomic_int told_first_start;
    struct pipeline_proof proof;
    bool short_of_threads;
    void (*ended)(struct worker *worker); /* on its thread, before its source goes; or NULL */
};

/* Runs all pipelines until each has ended: one in this thread. What a worker has
 * not published when another fails is published first. A worker's source goes
 * when its pipeline ends, so that the group doesn't wait for it. */
void team_run(struct team *team);
/* Frees what the workers have. */
void team_free(struct team *team);

/* The gravest result, and the first worker that has it. DONE only if all have. */
enum pipeline_result team_result(const struct team *team, const struct worker **worst);
/* Several workers have read frames, and none was valid: what a pipeline that is
 * alone says itself. */
bool team_is_disproved(const struct team *team);

#endif
