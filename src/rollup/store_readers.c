#include "store_readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "limits.h"

struct store_readers {
    char *path;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t given;
    unsigned most, taken, idle_count;
    struct store_reader *idle[LIMIT_STORE_READERS]; /* the last was used last */
};

/* The condition waits by the clock that the deadlines are of. */
static bool make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    bool done;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
           pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return done;
}

struct store_readers *store_readers_create(const char *path, unsigned most)
{
    struct store_readers *readers = calloc(1, sizeof *readers);

    assert(most >= 1 && most <= LIMIT_STORE_READERS);
    if (!readers)
        return NULL;
    readers->most = most;
    readers->path = strdup(path);
    if (!readers->path || !make_condition(&readers->given))
        goto no_condition;
    if (pthread_mutex_init(&readers->mutex, NULL) == 0)
        return readers;
    pthread_cond_destroy(&readers->given);
no_condition:
    free(readers->path);
    free(readers);
    return NULL;
}

void store_readers_destroy(struct store_readers **readers)
{
    struct store_readers *old = *readers;

    if (!old)
        return;
    assert(old->taken == 0);
    while (old->idle_count > 0)
        store_reader_close(&old->idle[--old->idle_count]);
    pthread_mutex_destroy(&old->mutex);
    pthread_cond_destroy(&old->given);
    free(old->path);
    free(old);
    *readers = NULL;
}

/* Whether one may be taken before then; the mutex is held. */
static bool wait_for_turn(struct store_readers *readers, int64_t until_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};

    while (readers->taken == readers->most) {
        if (until_ms == INT64_MAX)
            pthread_cond_wait(&readers->given, &readers->mutex);
        else if (pthread_cond_timedwait(&readers->given, &readers->mutex, &until) != 0)
            return readers->taken < readers->most;
    }
    return true;
}

static void give(struct store_readers *readers, struct store_reader *reader)
{
    pthread_mutex_lock(&readers->mutex);
    if (reader)
        readers->idle[readers->idle_count++] = reader;
    readers->taken--;
    pthread_cond_signal(&readers->given);
    pthread_mutex_unlock(&readers->mutex);
}

enum store_turn store_readers_take(struct store_readers *readers, int64_t until_ms,
                                   struct store_reader **reader, char *error, size_t error_size)
{
    bool turn;

    *reader = NULL;
    pthread_mutex_lock(&readers->mutex);
    turn = wait_for_turn(readers, until_ms);
    if (turn)
        readers->taken++;
    if (turn && readers->idle_count > 0)
        *reader = readers->idle[--readers->idle_count];
    pthread_mutex_unlock(&readers->mutex);
    if (!turn)
        return STORE_BUSY;
    if (!*reader)
        *reader = store_reader_open(readers->path, error, error_size);
    if (!*reader) {
        give(readers, NULL);
        return STORE_UNREADABLE;
    }
    store_reader_until(*reader, until_ms);
    return STORE_TURN;
}

void store_readers_give(struct store_readers *readers, struct store_reader **reader)
{
    store_reader_until(*reader, INT64_MAX);
    give(readers, *reader);
    *reader = NULL;
}
