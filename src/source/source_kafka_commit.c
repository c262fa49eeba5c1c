/* Commits: asynchronous, one under way, with a deadline of our own.
 *
 * A synchronous commit does not return while the coordinator is frozen, so
 * none is made. An answer that comes after the deadline is ignored; at worst a
 * position goes back, and what is read again changes nothing.
 *
 * A topic that is deleted and made again at once looks like the old one, and a
 * longer one is read on in its middle, as if nothing had happened. But the group
 * loses its committed positions with a topic. So each commit first asks for the
 * positions that stand there: where one has vanished, the topic is another. A
 * commit without that question would hide it for good. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define COMMIT_DEADLINE_MS 10000

/* The commit's own result counts first: a member that was replaced is told so
 * there, while its partitions say that nothing is wrong. */
static rd_kafka_resp_err_t commit_code(rd_kafka_resp_err_t code,
                                       const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; !code && partitions && i < partitions->cnt; i++)
        code = partitions->elems[i].err;
    return code;
}

/* The pipeline tells it; what to do about it goes along. */
static void commit_note(struct source_kafka *k, rd_kafka_resp_err_t code)
{
    if (code)
        kafka_notes_count(&k->notes, code);
    (void)snprintf(k->commit.error, sizeof(k->commit.error), "%s%s%s",
                   code ? rd_kafka_err2str(code) : "", code ? ": " : "",
                   code ? kafka_advice(code) : "");
}

/* These positions stand in the group now. */
static void commit_kept(struct source_kafka *k, const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; k->live && i < partitions->cnt; i++) {
        int32_t partition = partitions->elems[i].partition;

        if ((size_t)partition < k->known_count && k->slot_of[partition] >= 0)
            k->slots[k->slot_of[partition]].kept = true;
    }
}

/* Called by kafka_commit_ended, through the queue of replies. */
static void on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct source_kafka *k = ((struct kafka_notes *)rd_kafka_opaque(client))->owner;

    if (!k->commit.busy || k->commit.done || (uint64_t)(uintptr_t)opaque != k->commit.number)
        return;
    k->commit.done = true;
    code = commit_code(code, partitions);
    commit_note(k, code);
    if (!code && partitions)
        commit_kept(k, partitions);
}

static rd_kafka_topic_partition_list_t *commit_list(struct source_kafka *k,
                                                    const struct source_position *positions,
                                                    size_t count, const char *metadata)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (size_t i = 0; i < count; i++) {
        struct kafka_slot *slot;
        rd_kafka_topic_partition_t *entry;

        assert(positions[i].slot < k->count);
        slot = &k->slots[positions[i].slot];
        assert(positions[i].position >= 0 && positions[i].position <= slot->next);
        if (slot->committed < positions[i].position)
            slot->committed = positions[i].position;
        entry = rd_kafka_topic_partition_list_add(list, k->topic, slot->partition);
        entry->offset = slot->committed;
        if (metadata) {
            entry->metadata = strdup(metadata);
            entry->metadata_size = entry->metadata ? strlen(metadata) : 0;
        }
    }
    return list;
}

/* Those of them that the group has a position of; NULL when there is none. */
static rd_kafka_topic_partition_list_t *kept_list(struct source_kafka *k,
                                                  const struct source_position *positions,
                                                  size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (size_t i = 0; i < count; i++)
        if (k->slots[positions[i].slot].kept)
            rd_kafka_topic_partition_list_add(list, k->topic,
                                              k->slots[positions[i].slot].partition);
    if (list->cnt > 0)
        return list;
    rd_kafka_topic_partition_list_destroy(list);
    return NULL;
}

/* Sends it. */
static void commit_send(struct source_kafka *k)
{
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(k->client, k->commit.waiting, k->replies,
                                                     on_commit,
                                                     (void *)(uintptr_t)k->commit.number);

    rd_kafka_topic_partition_list_destroy(k->commit.waiting);
    k->commit.waiting = NULL;
    k->commit.done = code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code)
        commit_note(k, code);
}

static void commit_refuse(struct source_kafka *k, const char *why)
{
    rd_kafka_topic_partition_list_destroy(k->commit.waiting);
    k->commit.waiting = NULL;
    k->commit.done = true;
    (void)snprintf(k->commit.error, sizeof(k->commit.error), "%s", why);
}

/* Goes on once it is known what the group has. */
static void commit_go_on(struct source_kafka *k)
{
    rd_kafka_resp_err_t code;
    bool vanished;

    if (!kafka_watch_committed(k, &code, &vanished))
        return;
    if (vanished) {
        log_event(LOG_WARN, "committed_vanished", LOG_S("topic", k->topic),
                  LOG_S("text", "the topic was deleted and made again"));
        commit_refuse(k, "the topic was deleted and made again");
        k->suspect = !k->remade;
        k->suspect_slot = 0;
        for (size_t i = 0; i < k->count; i++) {
            k->known[k->slots[i].partition].remade = true;
            k->known[k->slots[i].partition].end = -1;
        }
    } else if (code) {
        commit_refuse(k, "");
        commit_note(k, code);
    } else {
        commit_send(k);
    }
}

void kafka_commit_drop(struct source_kafka *k)
{
    if (k->commit.waiting)
        commit_refuse(k, "its assignment is over");
}

bool kafka_commit_start(struct source_kafka *k, const struct source_position *positions,
                        size_t count, const char *metadata)
{
    rd_kafka_topic_partition_list_t *kept;

    assert(!metadata || strlen(metadata) <= KAFKA_METADATA_MAX);
    if (!k->live || !k->told || k->remade || k->suspect || k->ending == KAFKA_LOST ||
        k->commit.busy || count == 0)
        return false;
    k->commit.waiting = commit_list(k, positions, count, metadata);
    k->commit.number++;
    k->commit.busy = true;
    k->commit.done = false;
    k->commit.error[0] = '\0';
    k->commit.deadline_ms = clock_monotonic_ms() + COMMIT_DEADLINE_MS;
    kept = kept_list(k, positions, count);
    if (kept)
        kafka_watch_committed_ask(k, kept);
    else
        commit_send(k);
    return true;
}

bool kafka_commit_ended(struct source_kafka *k, struct source_step *step)
{
    if (!k->commit.busy)
        return false;
    if (k->commit.waiting)
        commit_go_on(k);
    if (!k->commit.done && clock_monotonic_ms() >= k->commit.deadline_ms) {
        kafka_commit_drop(k);
        k->commit.done = true;
        kafka_notes_count(&k->notes, RD_KAFKA_RESP_ERR__TIMED_OUT);
        (void)snprintf(k->commit.error, sizeof(k->commit.error),
                       "no answer from the group's coordinator within %d s",
                       COMMIT_DEADLINE_MS / 1000);
    }
    if (!k->commit.done)
        return false;
    k->commit.busy = false;
    step->kind = SOURCE_COMMITTED;
    step->error = k->commit.error[0] ? k->commit.error : NULL;
    return true;
}
