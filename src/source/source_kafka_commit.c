/* Commits: asynchronous, one under way, with a deadline of our own.
 *
 * A synchronous commit does not return while the coordinator is frozen, so
 * none is made. An answer that comes after the deadline is ignored; at worst a
 * position goes back, and what is read again changes nothing. */
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

/* Called by kafka_commit_ended, through the queue of replies. */
static void on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct source_kafka *k = ((struct kafka_notes *)rd_kafka_opaque(client))->owner;

    if (!k->commit.busy || k->commit.done || (uint64_t)(uintptr_t)opaque != k->commit.number)
        return;
    k->commit.done = true;
    commit_note(k, commit_code(code, partitions));
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

bool kafka_commit_start(struct source_kafka *k, const struct source_position *positions,
                        size_t count, const char *metadata)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;

    assert(!metadata || strlen(metadata) <= KAFKA_METADATA_MAX);
    if (!k->live || !k->told || k->remade || k->ending == KAFKA_LOST || k->commit.busy ||
        count == 0)
        return false;
    list = commit_list(k, positions, count, metadata);
    k->commit.number++;
    code = rd_kafka_commit_queue(k->client, list, k->replies, on_commit,
                                 (void *)(uintptr_t)k->commit.number);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        kafka_source_error(k, "commit_not_started", "commit", code, NULL);
        return false;
    }
    k->commit.busy = true;
    k->commit.done = false;
    k->commit.deadline_ms = clock_monotonic_ms() + COMMIT_DEADLINE_MS;
    return true;
}

bool kafka_commit_ended(struct source_kafka *k, struct source_step *step)
{
    if (!k->commit.busy)
        return false;
    if (!k->commit.done && clock_monotonic_ms() >= k->commit.deadline_ms) {
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
