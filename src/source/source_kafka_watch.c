/* The watch: a thread of its own that asks the brokers for the ends, and the
 * coordinator for what is committed.
 *
 * Three things need a fresh answer: whether a partition at its end is idle, how
 * far behind we are, and, for librdkafka 2.0.2, the broker threads themselves:
 * once the queue of messages was full they look at their partitions only once a
 * second, unless a request of ours wakes them. So while batches come back full
 * the same question is asked every 5 ms, otherwise twice a second.
 *
 * rd_kafka_query_watermark_offsets is not bounded while a broker is frozen;
 * rd_kafka_offsets_for_times is, and takes one request for each leader. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "source_kafka.h"

#define CALM_MS 500
#define HOT_MS 5
#define HOT_LASTS_MS 100
#define FAILED_MS 200
#define QUERY_MS 500
/* Not longer: the ends are asked for by the same thread. */
#define COMMITTED_MS 2000
/* Partitions of one question: enough to reach every leader when it is hot. */
#define CALM_PARTITIONS 512
#define HOT_PARTITIONS 32

bool kafka_offsets_query(struct source_kafka *k, rd_kafka_topic_partition_list_t *partitions,
                         int timeout_ms)
{
    rd_kafka_resp_err_t code;

    if (partitions->cnt == 0)
        return true;
    code = rd_kafka_offsets_for_times(k->client, partitions, timeout_ms);
    for (int i = 0; !code && i < partitions->cnt; i++)
        code = partitions->elems[i].err;
    if (code)
        kafka_source_error(k, "kafka_error", "offsets", code, NULL);
    return !code;
}

/* The next partitions to ask for, round and round. Locked. */
static rd_kafka_topic_partition_list_t *watch_question(struct source_kafka *k, size_t most)
{
    struct kafka_watch *w = &k->watch;
    size_t count = w->count < most ? w->count : most;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (size_t i = 0; i < count; i++) {
        size_t index = (w->cursor + i) % w->count;

        rd_kafka_topic_partition_list_add(list, k->topic, w->partitions[index])->offset =
            RD_KAFKA_OFFSET_END;
    }
    return list;
}

/* Keeps the answers to that question. Locked; the generation is still the same. */
static void watch_answer(struct kafka_watch *w, const rd_kafka_topic_partition_list_t *list,
                         int64_t asked_ms)
{
    for (int i = 0; i < list->cnt; i++) {
        size_t index = (w->cursor + (size_t)i) % w->count;

        assert(w->partitions[index] == list->elems[i].partition);
        w->highs[index] = list->elems[i].offset;
        w->asked_ms[index] = asked_ms;
    }
    w->cursor = (w->cursor + (size_t)list->cnt) % w->count;
}

/* One question and its answer. Locked, but while the broker is asked. Returns
 * how long to wait for the next one. */
static int64_t watch_ask(struct source_kafka *k, int64_t now)
{
    struct kafka_watch *w = &k->watch;
    bool hot = now < w->hot_until_ms;
    uint64_t generation = w->generation;
    rd_kafka_topic_partition_list_t *list =
        watch_question(k, hot ? HOT_PARTITIONS : CALM_PARTITIONS);
    bool answered;

    (void)pthread_mutex_unlock(&w->lock);
    answered = kafka_offsets_query(k, list, QUERY_MS);
    (void)pthread_mutex_lock(&w->lock);
    if (generation == w->generation && answered)
        watch_answer(w, list, now);
    else if (generation == w->generation)
        w->cursor = (w->cursor + (size_t)list->cnt) % w->count;
    rd_kafka_topic_partition_list_destroy(list);
    return !answered ? FAILED_MS : clock_monotonic_ms() < w->hot_until_ms ? HOT_MS : CALM_MS;
}

/* What the group has committed. Locked, but while the coordinator is asked. */
static void watch_ask_committed(struct source_kafka *k)
{
    struct kafka_watch *w = &k->watch;
    rd_kafka_topic_partition_list_t *list = w->asked;
    rd_kafka_resp_err_t code;

    w->asked = NULL;
    (void)pthread_mutex_unlock(&w->lock);
    code = rd_kafka_committed(k->client, list, COMMITTED_MS);
    (void)pthread_mutex_lock(&w->lock);
    w->vanished = false;
    for (int i = 0; !code && i < list->cnt; i++) {
        code = list->elems[i].err;
        w->vanished = w->vanished || (!code && list->elems[i].offset < 0);
    }
    rd_kafka_topic_partition_list_destroy(list);
    w->code = code;
    w->replied = w->asked == NULL; /* another question makes it an old answer */
}

void kafka_watch_committed_ask(struct source_kafka *k,
                               rd_kafka_topic_partition_list_t *partitions)
{
    struct kafka_watch *w = &k->watch;

    (void)pthread_mutex_lock(&w->lock);
    if (w->asked)
        rd_kafka_topic_partition_list_destroy(w->asked);
    w->asked = partitions;
    w->replied = false;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
}

bool kafka_watch_committed(struct source_kafka *k, rd_kafka_resp_err_t *code, bool *vanished)
{
    struct kafka_watch *w = &k->watch;
    bool replied;

    (void)pthread_mutex_lock(&w->lock);
    replied = w->replied;
    w->replied = false;
    *code = w->code;
    *vanished = !w->code && w->vanished;
    (void)pthread_mutex_unlock(&w->lock);
    return replied;
}

static void watch_wait(struct kafka_watch *w, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    (void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

static void *watch_run(void *context)
{
    struct source_kafka *k = context;
    struct kafka_watch *w = &k->watch;
    int64_t due = 0, now;

    (void)pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        now = clock_monotonic_ms();
        if (now < w->hot_until_ms && due > now + HOT_MS)
            due = now;
        if (w->asked)
            watch_ask_committed(k);
        else if (w->count == 0)
            watch_wait(w, now + CALM_MS);
        else if (now < due)
            watch_wait(w, due);
        else
            due = now + watch_ask(k, now);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

bool kafka_watch_start(struct source_kafka *k)
{
    struct kafka_watch *w = &k->watch;
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    w->started = pthread_create(&w->thread, NULL, watch_run, k) == 0;
    return w->started;
}

void kafka_watch_stop(struct source_kafka *k)
{
    struct kafka_watch *w = &k->watch;

    if (w->started) {
        (void)pthread_mutex_lock(&w->lock);
        w->stop = true;
        (void)pthread_cond_signal(&w->wake);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
    }
    if (w->asked)
        rd_kafka_topic_partition_list_destroy(w->asked);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->partitions);
    free(w->highs);
    free(w->asked_ms);
}

void kafka_watch_assignment(struct source_kafka *k)
{
    struct kafka_watch *w = &k->watch;
    size_t count = k->live ? k->count : 0, room = count ? count : 1;
    int32_t *partitions = calloc(room, sizeof(*partitions));
    int64_t *highs = calloc(room, sizeof(*highs));
    int64_t *asked_ms = calloc(room, sizeof(*asked_ms));

    /* Without memory nothing is watched: no partition is called idle. */
    if (!partitions || !highs || !asked_ms)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        partitions[i] = k->slots[i].partition;
        highs[i] = asked_ms[i] = -1;
    }
    (void)pthread_mutex_lock(&w->lock);
    free(w->partitions);
    free(w->highs);
    free(w->asked_ms);
    w->partitions = partitions;
    w->highs = highs;
    w->asked_ms = asked_ms;
    w->count = count;
    w->cursor = 0;
    w->generation++;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
}

void kafka_watch_hot(struct source_kafka *k)
{
    struct kafka_watch *w = &k->watch;
    int64_t now = clock_monotonic_ms();

    if (now - k->hot_marked_ms < HOT_LASTS_MS / 2)
        return;
    k->hot_marked_ms = now;
    (void)pthread_mutex_lock(&w->lock);
    w->hot_until_ms = now + HOT_LASTS_MS;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
}

int64_t kafka_watch_high(struct source_kafka *k, uint32_t slot, int64_t *asked_ms)
{
    struct kafka_watch *w = &k->watch;
    int64_t high = -1;

    *asked_ms = -1;
    (void)pthread_mutex_lock(&w->lock);
    if (slot < w->count) {
        high = w->highs[slot];
        *asked_ms = w->asked_ms[slot];
    }
    (void)pthread_mutex_unlock(&w->lock);
    return high;
}
