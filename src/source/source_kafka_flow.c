/* Batches into steps, and the flow held back.
 *
 * What comes next is known for every partition: `next`. A message behind it
 * leaves a gap. Transactions and compaction leave gaps too, so it is a loss
 * only as far as it lies below the partition's first offset, which every fetch
 * reports; that is how a silent jump over deleted records is found. A message
 * before `next` means that the topic was deleted and made again.
 *
 * A batch whose checksum is wrong is fetched again. The client reports it, then
 * reads on at a place that means nothing, finds that the broker has no such offset
 * and begins with the partition's first one, at times long after it was sought
 * elsewhere. So nothing counts until it has been brought back to `next`, and for a
 * while offsets that go back are no sign of another topic. What is damaged on the
 * broker's disk holds its partition there.
 *
 * While held, the partitions are paused but the queue is still served, which
 * keeps the membership; what slips through is dropped. Afterwards every
 * partition is sought to `next`, and until that is done nothing of it counts. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define SEEK_MS 1000
#define SEEK_RETRY_MS 100
#define DAMAGE_FOLLOWS_MS 10000
/* A batch of so much, however few its frames, says that the queue was full or
 * nearly so. */
#define HOT_BYTES ((size_t)512 * 1024)

static struct kafka_slot *slot_find(struct source_kafka *k, int32_t partition)
{
    if (!k->live || partition < 0 || (size_t)partition >= k->known_count ||
        k->slot_of[partition] < 0)
        return NULL;
    return &k->slots[k->slot_of[partition]];
}

static uint32_t slot_index(const struct source_kafka *k, const struct kafka_slot *slot)
{
    return (uint32_t)(slot - k->slots);
}

void kafka_batch_free(struct source_kafka *k)
{
    for (size_t i = 0; i < k->batch_count; i++)
        rd_kafka_message_destroy(k->batch[i]);
    k->batch_count = k->batch_next = 0;
}

static void suspect_note(struct source_kafka *k, const rd_kafka_message_t *message)
{
    struct kafka_slot *slot = slot_find(k, message->partition);

    if (!k->live || k->suspect || k->remade)
        return;
    k->suspect = true;
    k->suspect_slot = slot ? slot_index(k, slot) : 0;
}

/* Something that the client reports in place of a message. */
static void error_note(struct source_kafka *k, const rd_kafka_message_t *message)
{
    const char *text = rd_kafka_message_errstr(message);
    bool unknown = message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    bool forbidden = message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                     message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return;
    if (unknown && k->live && k->count > 0) {
        kafka_notes_count(&k->notes, message->err);
        suspect_note(k, message);
        return;
    }
    k->unknown |= unknown;
    if (message->err == RD_KAFKA_RESP_ERR__FATAL || (k->exit_at_end && (unknown || forbidden)))
        (void)snprintf(k->failed, sizeof(k->failed), "%s: %s", text, kafka_advice(message->err));
    else
        kafka_source_error(k, unknown ? "topic_unknown" : "kafka_error", "read", message->err,
                           text);
}

static bool lately_damaged(const struct kafka_slot *slot)
{
    return slot->damaged_ms && clock_monotonic_ms() - slot->damaged_ms < DAMAGE_FOLLOWS_MS;
}

/* At once the first time: before the client gets an answer to its wrong offset. */
static void read_again(struct source_kafka *k, struct kafka_slot *slot)
{
    if (slot->seek || slot->done)
        return;
    slot->seek = true;
    k->seeks++;
    if (lately_damaged(slot))
        k->seek_retry_ms = clock_monotonic_ms() + SEEK_RETRY_MS;
}

/* What the client reports and leaves out is asked for again. */
static void damage_note(struct source_kafka *k, const rd_kafka_message_t *message)
{
    struct kafka_slot *slot = slot_find(k, message->partition);

    if (!slot || (message->err != RD_KAFKA_RESP_ERR__BAD_MSG &&
                  message->err != RD_KAFKA_RESP_ERR__BAD_COMPRESSION &&
                  message->err != RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED))
        return;
    read_again(k, slot);
    slot->damaged_ms = clock_monotonic_ms();
}

void kafka_serve_and_drop(struct source_kafka *k, rd_kafka_queue_t *queue, int timeout_ms)
{
    rd_kafka_message_t *dropped[KAFKA_DROPPED_BATCH];
    ssize_t count;

    do {
        count = rd_kafka_consume_batch_queue(queue, timeout_ms, dropped, KAFKA_DROPPED_BATCH);
        for (ssize_t i = 0; i < count; i++) {
            if (dropped[i]->err) {
                error_note(k, dropped[i]);
                damage_note(k, dropped[i]);
            }
            rd_kafka_message_destroy(dropped[i]);
        }
    } while (count == KAFKA_DROPPED_BATCH);
}

static void batch_read(struct source_kafka *k)
{
    ssize_t count;

    if (k->batch_count == LIMIT_BATCH_MESSAGES || k->batch_bytes >= HOT_BYTES)
        kafka_watch_hot(k);
    kafka_batch_free(k);
    k->batch_bytes = 0;
    count = rd_kafka_consume_batch_queue(k->queue, 0, k->batch, LIMIT_BATCH_MESSAGES);
    k->batch_count = count > 0 ? (size_t)count : 0;
}

/* Brings what the client reads back to our own positions. */
static void seek_all(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->seeks);
    rd_kafka_error_t *error;

    for (size_t i = 0; i < k->count; i++)
        if (k->slots[i].seek)
            rd_kafka_topic_partition_list_add(list, k->topic, k->slots[i].partition)->offset =
                k->slots[i].next;
    error = rd_kafka_seek_partitions(k->client, list, SEEK_MS);
    if (error)
        rd_kafka_error_destroy(error);
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_slot *slot = slot_find(k, list->elems[i].partition);

        assert(slot && slot->seek);
        if (list->elems[i].err)
            continue;
        slot->seek = false;
        slot->eof = -1;
        k->seeks--;
    }
    rd_kafka_topic_partition_list_destroy(list);
    k->seek_retry_ms = clock_monotonic_ms() + SEEK_RETRY_MS;
}

void kafka_gather(struct source_kafka *k)
{
    uint64_t wakes;
    int64_t now = clock_monotonic_ms();

    (void)!read(k->wake, &wakes, sizeof(wakes));
    (void)rd_kafka_queue_poll_callback(k->replies, 0);
    kafka_assignment_retry(k, now);
    /* Not with a batch in hand, which would count again behind the seek. */
    if (k->seeks > 0 && !k->held && k->ending == KAFKA_GOES_ON && now >= k->seek_retry_ms &&
        k->batch_next == k->batch_count)
        seek_all(k);
    if (k->held || k->ending != KAFKA_GOES_ON || k->finished)
        kafka_serve_and_drop(k, k->queue, 0);
    else if (k->batch_next == k->batch_count)
        batch_read(k);
}

/* The offsets of a slot went back. */
static void step_back(struct source_kafka *k, struct kafka_slot *slot, int64_t offset)
{
    log_event(LOG_WARN, "offsets_went_back", LOG_S("topic", k->topic),
              LOG_I("partition", slot->partition), LOG_I("expected", slot->next),
              LOG_I("offset", offset));
    k->known[slot->partition].remade = true;
    k->known[slot->partition].end = -1;
    if (!k->suspect) {
        k->suspect = true;
        k->suspect_slot = slot_index(k, slot);
    }
}

/* The client is at `offset`, behind `next`. True with a step when a part of
 * what lies between is gone for good. */
static bool gap_step(struct source_kafka *k, struct kafka_slot *slot, int64_t offset,
                     struct source_step *step)
{
    int64_t low = -1, high = -1;

    (void)rd_kafka_get_watermark_offsets(k->client, k->topic, slot->partition, &low, &high);
    if (low > offset)
        low = offset;
    if (low <= slot->next) {
        slot->next = offset;
        return false;
    }
    step->kind = SOURCE_MISSING;
    step->slot = slot_index(k, slot);
    step->from = slot->next;
    step->to = low;
    slot->next = low;
    return true;
}

static bool end_step(struct source_kafka *k, struct kafka_slot *slot, struct source_step *step)
{
    slot->done = true;
    step->kind = SOURCE_AT_END;
    step->slot = slot_index(k, slot);
    step->position = slot->next;
    return true;
}

static void message_add(struct source_kafka *k, struct kafka_slot *slot,
                        const rd_kafka_message_t *from, size_t index)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(from, &type);

    slot->next = from->offset + 1;
    slot->eof = -1;
    k->batch_bytes += from->len;
    k->messages[index] = (struct message){
        .bytes = from->payload,
        .size = from->payload ? from->len : 0,
        .key = from->key,
        .key_size = from->key ? from->key_len : 0,
        .position = from->offset,
        .next = from->offset + 1,
        .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? MESSAGE_NO_TIMESTAMP
                                                                 : timestamp_ms,
        .slot = slot_index(k, slot),
    };
}

enum taken {
    TAKEN,    /* dealt with, go on */
    TAKEN_IN, /* it joined the run of messages */
    STEP,     /* *step is a fact; look at the message again afterwards */
    STEP_PAST /* *step is a fact, the message is dealt with */
};

/* The end of a partition: `next` moves over what no message stands for. */
static enum taken take_end(struct source_kafka *k, struct kafka_slot *slot, int64_t offset,
                           struct source_step *step)
{
    if (offset != slot->next && gap_step(k, slot, offset, step))
        return STEP;
    slot->eof = offset;
    (void)end_step(k, slot, step);
    /* Only exit_at_end is over at an end; it knows it, or takes this one. */
    slot->done = k->exit_at_end && slot->next >= slot->end;
    return STEP_PAST;
}

/* One item of the batch. With messages in hand (`index` > 0) a fact has to
 * wait: STEP, and *step says nothing. */
static enum taken take(struct source_kafka *k, const rd_kafka_message_t *message, size_t index,
                       struct source_step *step)
{
    struct kafka_slot *slot = slot_find(k, message->partition);
    bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;

    if (message->err && !end) {
        error_note(k, message);
        damage_note(k, message);
        return TAKEN;
    }
    if (!slot || slot->seek || slot->done || k->suspect || k->remade)
        return TAKEN;
    if (message->offset < slot->next) {
        if (lately_damaged(slot))
            read_again(k, slot);
        else
            step_back(k, slot, message->offset);
        return TAKEN;
    }
    if (index > 0 && (end || message->offset != slot->next ||
                      (slot->end >= 0 && message->offset >= slot->end)))
        return STEP;
    if (end)
        return take_end(k, slot, message->offset, step);
    if (message->offset != slot->next && gap_step(k, slot, message->offset, step))
        return STEP;
    if (slot->end >= 0 && message->offset >= slot->end)
        return end_step(k, slot, step) ? STEP_PAST : TAKEN;
    message_add(k, slot, message, index);
    return TAKEN_IN;
}

bool kafka_batch_step(struct source_kafka *k, struct source_step *step)
{
    size_t count = 0;

    if (k->held || k->ending_told)
        return false;
    for (; k->batch_next < k->batch_count; k->batch_next++) {
        enum taken taken = take(k, k->batch[k->batch_next], count, step);

        if (taken == TAKEN_IN)
            count++;
        else if (taken == STEP_PAST)
            k->batch_next++;
        if (taken == STEP && count > 0)
            break;
        if (taken == STEP || taken == STEP_PAST)
            return true;
    }
    if (count == 0)
        return false;
    step->kind = SOURCE_MESSAGES;
    step->messages = k->messages;
    step->count = count;
    return true;
}

bool kafka_unread_end_step(struct source_kafka *k, struct source_step *step)
{
    if (!k->exit_at_end)
        return false;
    while (k->unreached < k->count) {
        struct kafka_slot *slot = &k->slots[k->unreached++];

        if (!slot->done && slot->end >= 0 && slot->next >= slot->end)
            return end_step(k, slot, step);
    }
    return false;
}

static rd_kafka_topic_partition_list_t *assigned_list(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->count);

    for (size_t i = 0; i < k->count; i++)
        rd_kafka_topic_partition_list_add(list, k->topic, k->slots[i].partition);
    return list;
}

void kafka_pause(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *list;

    if (k->count == 0)
        return;
    list = assigned_list(k);
    (void)rd_kafka_pause_partitions(k->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (size_t i = 0; i < k->count; i++)
        k->slots[i].seek = true;
    k->seeks = k->count;
}

/* What is left of the batch comes again. */
static void resume(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *list;

    k->batch_next = k->batch_count;
    if (k->count == 0)
        return;
    list = assigned_list(k);
    (void)rd_kafka_resume_partitions(k->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (k->ending == KAFKA_GOES_ON)
        seek_all(k);
}

void kafka_hold(struct source_kafka *k, bool held)
{
    if (k->held == held)
        return;
    k->held = held;
    if (!k->live)
        return;
    if (held)
        kafka_pause(k);
    else
        resume(k);
}
