#include "http_deadline.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "limits.h"

#define LOOK_S 1
#define NEVER INT64_MAX

struct http_deadline {
    struct http_deadline *before, *after;
    int socket;
    int64_t until_ms;
};

struct http_deadlines {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    struct http_deadline *first;
    bool stopping;
    pthread_t thread;
};

static void shut_down_late(struct http_deadlines *deadlines)
{
    int64_t now_ms = clock_monotonic_ms();

    for (struct http_deadline *one = deadlines->first; one; one = one->after) {
        if (now_ms < one->until_ms)
            continue;
        (void)shutdown(one->socket, SHUT_RDWR);
        one->until_ms = NEVER;
    }
}

static void *look(void *context)
{
    struct http_deadlines *deadlines = context;
    struct timespec until;

    pthread_mutex_lock(&deadlines->lock);
    while (!deadlines->stopping) {
        shut_down_late(deadlines);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S;
        pthread_cond_timedwait(&deadlines->wake, &deadlines->lock, &until);
    }
    pthread_mutex_unlock(&deadlines->lock);
    return NULL;
}

struct http_deadlines *http_deadlines_create(void)
{
    struct http_deadlines *deadlines = calloc(1, sizeof *deadlines);
    pthread_condattr_t attributes;

    if (!deadlines)
        return NULL;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&deadlines->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&deadlines->lock, NULL);
    if (pthread_create(&deadlines->thread, NULL, look, deadlines) == 0)
        return deadlines;
    pthread_mutex_destroy(&deadlines->lock);
    pthread_cond_destroy(&deadlines->wake);
    free(deadlines);
    return NULL;
}

void http_deadlines_destroy(struct http_deadlines **deadlines)
{
    struct http_deadlines *gone = *deadlines;

    if (!gone)
        return;
    pthread_mutex_lock(&gone->lock);
    gone->stopping = true;
    pthread_cond_signal(&gone->wake);
    pthread_mutex_unlock(&gone->lock);
    pthread_join(gone->thread, NULL);
    assert(!gone->first);
    pthread_mutex_destroy(&gone->lock);
    pthread_cond_destroy(&gone->wake);
    free(gone);
    *deadlines = NULL;
}

struct http_deadline *http_deadline_add(struct http_deadlines *deadlines, int socket)
{
    struct http_deadline *one = malloc(sizeof *one);

    if (!one)
        return NULL;
    pthread_mutex_lock(&deadlines->lock);
    *one = (struct http_deadline){
        .after = deadlines->first, .socket = socket, .until_ms = NEVER};
    if (one->after)
        one->after->before = one;
    deadlines->first = one;
    pthread_mutex_unlock(&deadlines->lock);
    return one;
}

void http_deadline_remove(struct http_deadlines *deadlines, struct http_deadline **deadline)
{
    struct http_deadline *gone = *deadline;

    if (!gone)
        return;
    pthread_mutex_lock(&deadlines->lock);
    if (gone->before)
        gone->before->after = gone->after;
    else
        deadlines->first = gone->after;
    if (gone->after)
        gone->after->before = gone->before;
    pthread_mutex_unlock(&deadlines->lock);
    free(gone);
    *deadline = NULL;
}

void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       int64_t in_ms)
{
    if (!deadline)
        return;
    pthread_mutex_lock(&deadlines->lock);
    deadline->until_ms = in_ms == NEVER ? NEVER : clock_monotonic_ms() + in_ms;
    pthread_mutex_unlock(&deadlines->lock);
}
