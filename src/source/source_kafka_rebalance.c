/* Assignments: taken at once, given up when the pipeline has answered.
 *
 * The group's ASSIGN is taken inside the callback, since a member that lets it
 * wait is expelled. Where that can't be (the brokers do not say where to start,
 * or the pipeline still has the assignment before), an empty assignment is
 * taken instead, which keeps the membership alive, and the real one waits for
 * kafka_assignment_retry.
 *
 * REVOKE is noted in the callback and answered by release, after the pipeline
 * has published and committed. Until then nothing of it is read. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define RETRY_MS 500
/* How long after a topic was deleted its committed offsets are not believed: the
 * coordinator removes them a little later (15-70 ms were seen). */
#define SETTLE_MS 2000
/* A topic's metadata is asked for every 5 s. */
#define JOIN_AGAIN_MS 6000
#define JOINS_AGAIN 3

static void assign_nothing(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);

    (void)rd_kafka_assign(k->client, none);
    rd_kafka_topic_partition_list_destroy(none);
}

static void waiting_drop(struct source_kafka *k)
{
    if (k->waiting)
        rd_kafka_topic_partition_list_destroy(k->waiting);
    k->waiting = NULL;
}

static bool waiting_assign(struct source_kafka *k)
{
    rd_kafka_resp_err_t code = rd_kafka_assign(k->client, k->waiting);

    if (code) {
        (void)snprintf(k->failed, sizeof(k->failed), "assignment refused: %s",
                       rd_kafka_err2str(code));
        return false;
    }
    /* A pause outlives a rebalance. */
    if (k->waiting->cnt > 0)
        (void)rd_kafka_resume_partitions(k->client, k->waiting);
    return true;
}

/* Takes what waits; false when it has to go on waiting. */
static bool waiting_take(struct source_kafka *k)
{
    assert(k->waiting && !k->live);
    if (k->waiting->cnt > LIMIT_PARTITIONS) {
        (void)snprintf(k->failed, sizeof(k->failed),
                       "%d partitions are more than one member takes (%d)", k->waiting->cnt,
                       LIMIT_PARTITIONS);
        return false;
    }
    if (clock_monotonic_ms() < k->settled_ms || !kafka_assignment_build(k, k->waiting))
        return false;
    k->live = waiting_assign(k);
    k->unknown = k->unknown && !k->live;
    k->told = false;
    waiting_drop(k);
    if (!k->live)
        kafka_assignment_free(k);
    else if (k->held)
        kafka_pause(k);
    kafka_watch_assignment(k);
    return true;
}

static void waiting_postpone(struct source_kafka *k)
{
    int64_t swallowed = 0, now = clock_monotonic_ms();

    k->waiting_retry_ms = now < k->settled_ms ? k->settled_ms : now + RETRY_MS;
    if (now >= k->settled_ms && kafka_notes_loud(&k->notes, "assignment_waits", &swallowed))
        log_event(LOG_WARN, "assignment_waits", LOG_S("topic", k->topic),
                  LOG_S("text", "the brokers do not say where to start; trying again"));
}

static void on_assign(struct source_kafka *k, const rd_kafka_topic_partition_list_t *partitions)
{
    waiting_drop(k);
    if (k->finishing && !k->live) {
        assign_nothing(k);
        return;
    }
    k->waiting = rd_kafka_topic_partition_list_copy(partitions);
    if (k->live) {
        /* The group did not wait for our answer: the one before is lost. */
        k->ending = KAFKA_LOST;
        k->revoke_owed = false;
        assign_nothing(k);
    } else if (!waiting_take(k)) {
        assign_nothing(k);
        waiting_postpone(k);
    }
}

static void on_revoke(struct source_kafka *k)
{
    waiting_drop(k);
    if (!k->live) {
        (void)rd_kafka_assign(k->client, NULL);
        return;
    }
    if (rd_kafka_assignment_lost(k->client))
        k->ending = KAFKA_LOST;
    else if (k->ending == KAFKA_GOES_ON)
        k->ending = KAFKA_REVOKED;
    k->revoke_owed = true;
}

void kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                        rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct source_kafka *k = ((struct kafka_notes *)opaque)->owner;

    if (k->leaving)
        (void)rd_kafka_assign(client, NULL);
    else if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assign(k, partitions);
    else
        on_revoke(k);
}

/* After a topic was made again: librdkafka may have joined with what it knew of
 * the old one, and then doesn't see the new one for good. Joining a few times
 * more makes it ask. */
static void join_again(struct source_kafka *k, int64_t now_ms)
{
    if (k->live && k->count > 0)
        k->join_again_ms = 0;
    if (k->join_again_ms == 0 || now_ms < k->join_again_ms || !k->live || !k->told ||
        k->ending != KAFKA_GOES_ON || k->finishing)
        return;
    k->join_again_ms = ++k->joins_again < JOINS_AGAIN ? now_ms + JOIN_AGAIN_MS : 0;
    (void)kafka_subscribe(k, k->failed, sizeof(k->failed));
}

void kafka_assignment_retry(struct source_kafka *k, int64_t now_ms)
{
    join_again(k, now_ms);
    if (!k->waiting || k->live || now_ms < k->waiting_retry_ms)
        return;
    if (!waiting_take(k))
        waiting_postpone(k);
}

bool kafka_subscribe(struct source_kafka *k, char *error, size_t error_size)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(topics, k->topic, RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(k->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code)
        (void)snprintf(error, error_size, "cannot subscribe to %s: %s", k->topic,
                       rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_assignment_free(struct source_kafka *k)
{
    for (size_t i = 0; i < k->count; i++)
        free((char *)k->partitions[i].metadata);
    free(k->partitions);
    free(k->slots);
    free(k->slot_of);
    k->partitions = NULL;
    k->slots = NULL;
    k->slot_of = NULL;
    k->count = 0;
    k->seeks = 0;
}

void kafka_assignment_release(struct source_kafka *k)
{
    bool owed = k->revoke_owed, again = k->remade;

    assert(k->live && k->ending_told);
    kafka_commit_drop(k);
    k->batch_next = k->batch_count;
    k->live = k->told = k->ending_told = k->revoke_owed = false;
    k->suspect = k->remade = false;
    k->ending = KAFKA_GOES_ON;
    kafka_watch_assignment(k);
    kafka_assignment_free(k);
    if (k->finishing)
        k->finished = true;
    if (owed || again)
        (void)rd_kafka_assign(k->client, NULL);
    if (again && !owed && !k->waiting && !k->finishing)
        (void)kafka_subscribe(k, k->failed, sizeof(k->failed));
    k->waiting_retry_ms = 0;
    if (again)
        k->settled_ms = clock_monotonic_ms() + SETTLE_MS;
    if (again) {
        k->join_again_ms = clock_monotonic_ms() + JOIN_AGAIN_MS;
        k->joins_again = 0;
    }
}
