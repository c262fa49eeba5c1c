/* A member of a consumer group as a source.
 *
 * A poll serves librdkafka's queues, in which the callbacks note what happened,
 * and then makes one step of the first of these: the assignment if it was not
 * told yet, the end of a commit, what the batch in hand holds, how the
 * assignment ends. So a fact keeps its place between the messages: nothing of
 * an assignment comes before ASSIGNED, nothing of it is read after REVOKED.
 *
 * The queues wake an eventfd; they are then read without waiting, because a
 * batch read that waits does so until the batch is full. */
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define TICK_MS 100      /* deadlines and retries are looked at this often */
#define HELD_TICK_MS 10
#define GROUP_CHECK_MS 500
#define LEAVE_MS 2000    /* to tell the group that we leave */

/* What librdkafka writes to the eventfd. */
static const uint64_t one = 1;

static struct source_kafka *kafka(struct source *source) { return (struct source_kafka *)source; }

/* Whether the whole assignment was read to its ends. */
static bool all_done(const struct source_kafka *k)
{
    for (size_t i = 0; i < k->count; i++)
        if (!k->slots[i].done)
            return false;
    return true;
}

/* Whether a member without partitions need not wait for any. */
static bool group_is_done(struct source_kafka *k)
{
    int64_t now = clock_monotonic_ms();

    if (k->together)
        return atomic_load(&k->together->reading) > 1 || atomic_load(&k->together->readers) > 0;
    if (now < k->group_check_ms)
        return false;
    k->group_check_ms = now + GROUP_CHECK_MS;
    return kafka_group_is_done(k);
}

/* Whether the others are through as well. The last one says so for good. */
static bool all_are_through(struct source_kafka *k)
{
    int left;

    if (!k->together)
        return true;
    if (!k->through) {
        k->through = true;
        k->read = k->count > 0;
        if (k->read)
            atomic_fetch_add(&k->together->readers, 1);
        left = atomic_load(&k->together->reading);
        while (!atomic_compare_exchange_weak(&k->together->reading, &left,
                                             left == 1 ? -1 : left - 1))
            ;
    }
    return atomic_load(&k->together->reading) < 0;
}

/* exit_at_end: decides whether this member is through. */
static void end_look(struct source_kafka *k)
{
    if (k->together && atomic_load(&k->together->reading) < 0)
        k->finishing = true;
    if (!k->exit_at_end || !k->live || !k->told || k->ending != KAFKA_GOES_ON || k->held)
        return;
    if (!k->finishing && (k->count == 0 ? !group_is_done(k) : !all_done(k)))
        return;
    if (!k->finishing && !all_are_through(k))
        return;
    k->finishing = true;
    k->ending = KAFKA_REVOKED;
}

static bool failed_step(struct source_kafka *k, struct source_step *step)
{
    if (!k->failed[0] && !kafka_notes_fatal(&k->notes, k->failed, sizeof(k->failed)))
        return false;
    step->kind = SOURCE_FAILED;
    step->error = k->failed;
    return true;
}

static bool assigned_step(struct source_kafka *k, struct source_step *step)
{
    if (!k->live || k->told)
        return false;
    k->told = true;
    step->kind = SOURCE_ASSIGNED;
    step->assignment = &k->assignment;
    return true;
}

/* The topic was made again: told, then given up and asked for anew. */
static bool remade_step(struct source_kafka *k, struct source_step *step)
{
    if (!k->suspect || k->remade || !k->live)
        return false;
    k->remade = true;
    k->ending = KAFKA_LOST;
    k->batch_next = k->batch_count;
    for (size_t i = 0; i < k->count; i++) {
        struct kafka_known *known = &k->known[k->slots[i].partition];

        known->anew = true;
        if (k->commit.busy)
            known->doubtful = k->slots[i].committed;
    }
    log_event(LOG_WARN, "topic_remade", LOG_S("topic", k->topic),
              LOG_I("partition", k->slots[k->suspect_slot].partition));
    step->kind = SOURCE_REMADE;
    step->slot = k->suspect_slot;
    return true;
}

static bool ending_step(struct source_kafka *k, struct source_step *step)
{
    if (k->ending == KAFKA_GOES_ON || k->ending_told || !k->live)
        return false;
    k->ending_told = true;
    k->batch_next = k->batch_count;
    step->kind = k->ending == KAFKA_LOST ? SOURCE_LOST : SOURCE_REVOKED;
    step->final = k->finishing;
    return true;
}

static bool finished_step(struct source_kafka *k, struct source_step *step)
{
    if (k->finishing && !k->live)
        k->finished = true;
    if (!k->finished)
        return false;
    step->kind = SOURCE_FINISHED;
    return true;
}

static bool next_step(struct source_kafka *k, struct source_step *step)
{
    if (kafka_commit_ended(k, step) || failed_step(k, step) || assigned_step(k, step))
        return true;
    if (kafka_unread_end_step(k, step) || kafka_batch_step(k, step))
        return true;
    end_look(k);
    return remade_step(k, step) || ending_step(k, step) || finished_step(k, step);
}

static void wait_for_queues(const struct source_kafka *k, int64_t wait_ms)
{
    struct pollfd wake = {.fd = k->wake, .events = POLLIN};
    int64_t most_ms = k->held ? HELD_TICK_MS : TICK_MS;

    (void)poll(&wake, 1, (int)(wait_ms < most_ms ? wait_ms : most_ms));
}

static void source_kafka_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct source_kafka *k = kafka(source);
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms, now;

    *step = (struct source_step){.kind = SOURCE_NOTHING};
    for (;;) {
        kafka_gather(k);
        if (next_step(k, step))
            return;
        now = clock_monotonic_ms();
        kafka_look_for_stalls(k, now);
        if (now >= deadline_ms)
            return;
        wait_for_queues(k, deadline_ms - now);
    }
}

static void source_kafka_release(struct source *source)
{
    kafka_assignment_release(kafka(source));
}

static bool source_kafka_commit(struct source *source, const struct source_position *positions,
                                size_t count, const char *metadata)
{
    return kafka_commit_start(kafka(source), positions, count, metadata);
}

static void source_kafka_hold(struct source *source, bool held)
{
    kafka_hold(kafka(source), held);
}

static int64_t source_kafka_end_confirmed_ms(struct source *source, uint32_t slot)
{
    struct source_kafka *k = kafka(source);
    int64_t asked_ms, high;

    assert(slot < k->count);
    if (k->slots[slot].eof < 0)
        return -1;
    high = kafka_watch_high(k, slot, &asked_ms);
    return high == k->slots[slot].eof ? asked_ms : -1;
}

static int64_t source_kafka_lag(struct source *source, uint32_t slot)
{
    struct source_kafka *k = kafka(source);
    int64_t asked_ms, high;

    assert(slot < k->count);
    high = kafka_watch_high(k, slot, &asked_ms);
    if (high < 0)
        return -1;
    return high > k->slots[slot].next ? high - k->slots[slot].next : 0;
}

static void source_kafka_close(struct source *source)
{
    struct source_kafka *k = kafka(source);

    k->finishing = true;
    if (k->live && k->ending == KAFKA_GOES_ON)
        k->ending = KAFKA_REVOKED;
}

/* Tells the group, so that others take over at once. A coordinator that does
 * not answer is not waited for: the session runs out. */
static void leave(struct source_kafka *k)
{
    rd_kafka_queue_t *closing = rd_kafka_queue_new(k->client);
    int64_t deadline_ms = clock_monotonic_ms() + LEAVE_MS;
    rd_kafka_error_t *error;

    k->leaving = true;
    error = rd_kafka_consumer_close_queue(k->client, closing);
    if (error)
        rd_kafka_error_destroy(error);
    else
        while (!rd_kafka_consumer_closed(k->client) && clock_monotonic_ms() < deadline_ms)
            kafka_serve_and_drop(k, closing, HELD_TICK_MS);
    rd_kafka_queue_destroy(closing);
}

/* Everything that librdkafka gave us goes before the client: what is left over
 * would keep it from ending. False: it stays, and what it may touch with it. */
static bool client_close(struct source_kafka *k)
{
    kafka_watch_stop(k);
    kafka_batch_free(k);
    if (k->queue)
        leave(k);
    if (k->waiting)
        rd_kafka_topic_partition_list_destroy(k->waiting);
    if (k->queue)
        rd_kafka_queue_destroy(k->queue);
    if (k->replies)
        rd_kafka_queue_destroy(k->replies);
    return kafka_client_destroy(k->client);
}

static void source_kafka_destroy(struct source *source)
{
    struct source_kafka *k = kafka(source);

    kafka_commit_drop(k);
    k->live = false;
    kafka_assignment_free(k);
    free(k->known);
    kafka_notes_sum(&k->notes, k->topic);
    if (k->client && !client_close(k))
        return;
    if (k->wake >= 0)
        (void)close(k->wake);
    kafka_notes_destroy(&k->notes);
    free(k->topic);
    free(k);
}

static const struct source_ops ops = {
    .poll = source_kafka_poll,
    .release = source_kafka_release,
    .commit = source_kafka_commit,
    .hold = source_kafka_hold,
    .end_confirmed_ms = source_kafka_end_confirmed_ms,
    .lag = source_kafka_lag,
    .close = source_kafka_close,
    .destroy = source_kafka_destroy,
};

static bool client_open(struct source_kafka *k, const struct source_kafka_options *options,
                        char *error, size_t error_size)
{
    rd_kafka_conf_t *conf =
        kafka_conf_create(options->properties, KAFKA_CONSUMER, &k->notes, error, error_size);

    if (!conf)
        return false;
    if (!kafka_conf_put(conf, "group.id", options->group, error, error_size)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    rd_kafka_conf_set_rebalance_cb(conf, kafka_on_rebalance);
    k->client = kafka_client_create(KAFKA_CONSUMER, conf, error, error_size);
    return k->client != NULL;
}

/* The queues, and the eventfd that either of them wakes. */
static bool queues_open(struct source_kafka *k, char *error, size_t error_size)
{
    k->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (k->wake < 0) {
        (void)snprintf(error, error_size, "no event descriptor");
        return false;
    }
    (void)rd_kafka_poll_set_consumer(k->client);
    k->queue = rd_kafka_queue_get_consumer(k->client);
    k->replies = rd_kafka_queue_new(k->client);
    rd_kafka_queue_io_event_enable(k->queue, k->wake, &one, sizeof(one));
    rd_kafka_queue_io_event_enable(k->replies, k->wake, &one, sizeof(one));
    return true;
}

static bool open_all(struct source_kafka *k, const struct source_kafka_options *options,
                     char *error, size_t error_size)
{
    if (!client_open(k, options, error, error_size))
        return false;
    if (!kafka_watch_start(k)) {
        (void)snprintf(error, error_size, "no thread");
        return false;
    }
    return queues_open(k, error, error_size) && kafka_subscribe(k, error, error_size);
}

struct source *source_kafka_create(const struct source_kafka_options *options, char *error,
                                   size_t error_size)
{
    struct source_kafka *k;

    if (options->topic[0] == '^' || options->topic[0] == '\0') {
        (void)snprintf(error, error_size, "'%s' is not the name of a topic", options->topic);
        return NULL;
    }
    k = calloc(1, sizeof(*k));
    if (!k || !(k->topic = strdup(options->topic))) {
        (void)snprintf(error, error_size, "no memory");
        free(k);
        return NULL;
    }
    k->source.ops = &ops;
    k->wake = -1;
    k->start_committed = options->start_committed;
    if (options->positions)
        k->positions = *options->positions;
    k->start = options->start;
    k->start_time_ms = options->start_time_ms;
    k->exit_at_end = options->exit_at_end;
    k->together = options->exit_at_end ? options->together : NULL;
    kafka_notes_init(&k->notes, k);
    if (!open_all(k, options, error, error_size)) {
        source_kafka_destroy(&k->source);
        return NULL;
    }
    return &k->source;
}
