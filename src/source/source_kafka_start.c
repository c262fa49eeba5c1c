/* Where an assignment starts: at the committed positions, else where the
 * options say; and, for exit_at_end, where it ends.
 *
 * Everything is asked of the brokers within one deadline, from inside the
 * rebalance callback; heartbeats go on meanwhile from librdkafka's own thread. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define ASK_MS 3000
#define LEAST_MS 100
#define GROUP_ASK_MS 1000

/* What is left of the deadline, but never nothing: an answer may be there. */
static int left(int64_t deadline_ms)
{
    int64_t ms = deadline_ms - clock_monotonic_ms();

    return (int)(ms < LEAST_MS ? LEAST_MS : ms);
}

/* A list of the same partitions, every offset being `offset`. */
static rd_kafka_topic_partition_list_t *list_like(const rd_kafka_topic_partition_list_t *list,
                                                  int64_t offset)
{
    rd_kafka_topic_partition_list_t *like = rd_kafka_topic_partition_list_new(list->cnt);

    for (int i = 0; i < list->cnt; i++)
        rd_kafka_topic_partition_list_add(like, list->elems[i].topic, list->elems[i].partition)
            ->offset = offset;
    return like;
}

/* The number of partitions of the topic, or -1. */
static int32_t partitions_total(struct source_kafka *k, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(k->client, k->topic, NULL);
    rd_kafka_resp_err_t code;
    int32_t total = -1;

    if (!topic)
        return -1;
    code = rd_kafka_metadata(k->client, 0, topic, &metadata, timeout_ms);
    if (!code) {
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
        if (!code)
            total = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code)
        kafka_source_error(k, "kafka_error", "metadata", code, NULL);
    rd_kafka_topic_destroy(topic);
    return total;
}

static bool cluster_find(struct source_kafka *k, int timeout_ms)
{
    char *cluster;

    if (k->cluster[0])
        return true;
    cluster = rd_kafka_clusterid(k->client, timeout_ms);
    if (!cluster)
        return false;
    (void)snprintf(k->cluster, sizeof(k->cluster), "%s", cluster);
    rd_kafka_mem_free(k->client, cluster);
    return true;
}

/* Room to remember `count` partitions. */
static bool known_grow(struct source_kafka *k, size_t count)
{
    struct kafka_known *known;

    if (count <= k->known_count)
        return true;
    known = realloc(k->known, count * sizeof(*known));
    if (!known)
        return false;
    for (size_t i = k->known_count; i < count; i++)
        known[i] = (struct kafka_known){.start = -1, .end = -1, .doubtful = -1};
    k->known = known;
    k->known_count = count;
    return true;
}

/* Whether to go on at the committed offset. Not when it belongs to a former topic
 * of that name: the partition's offsets went back, or it ends below, or our own
 * last commit was under way when the topic was made again. */
static bool resumes(struct source_kafka *k, const rd_kafka_topic_partition_t *committed,
                    int64_t end)
{
    struct kafka_known *known = &k->known[committed->partition];
    bool stale = known->remade || committed->offset == known->doubtful ||
                 (end >= 0 && committed->offset > end);

    if (!k->start_committed || committed->offset < 0)
        return false;
    if (!stale)
        return true;
    log_event(LOG_WARN, "committed_not_believed", LOG_S("topic", k->topic),
              LOG_I("partition", committed->partition), LOG_I("committed", committed->offset),
              LOG_I("end", end), LOG_S("text", "the topic was made again"));
    return false;
}

/* What to ask for the start of a partition that does not resume. A partition that
 * came into being under our eyes is read from its beginning, and `latest` means
 * what was the end when this process first had the partition. */
static int64_t start_wanted(const struct source_kafka *k, int32_t partition)
{
    const struct kafka_known *known = &k->known[partition];

    if (known->anew || (k->first_total > 0 && partition >= k->first_total))
        return RD_KAFKA_OFFSET_BEGINNING;
    if (k->start == SOURCE_START_TIME)
        return k->start_time_ms;
    return k->start == SOURCE_START_LATEST ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
}

static rd_kafka_topic_partition_list_t *starts_wanted(struct source_kafka *k,
                                                      rd_kafka_topic_partition_list_t *starts)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(starts->cnt);

    for (int i = 0; i < starts->cnt; i++) {
        rd_kafka_topic_partition_t *start = &starts->elems[i];
        int64_t wanted = start_wanted(k, start->partition);

        if (start->offset < 0 && wanted == RD_KAFKA_OFFSET_END)
            start->offset = k->known[start->partition].start;
        if (start->offset < 0)
            rd_kafka_topic_partition_list_add(asked, k->topic, start->partition)->offset = wanted;
    }
    return asked;
}

/* Writes the start of every partition that does not resume to `starts`. Those
 * that do have their committed offset there already. */
static bool starts_ask(struct source_kafka *k, rd_kafka_topic_partition_list_t *starts,
                       rd_kafka_topic_partition_list_t *ends, int64_t deadline_ms)
{
    rd_kafka_topic_partition_list_t *asked = starts_wanted(k, starts);
    bool done = kafka_offsets_query(k, asked, left(deadline_ms));

    for (int i = 0; done && i < asked->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &asked->elems[i];
        rd_kafka_topic_partition_t *start =
            rd_kafka_topic_partition_list_find(starts, k->topic, answer->partition);
        const rd_kafka_topic_partition_t *end =
            rd_kafka_topic_partition_list_find(ends, k->topic, answer->partition);

        /* A time behind the last record: the end. */
        start->offset = answer->offset >= 0 ? answer->offset : end->offset;
        done = start->offset >= 0;
    }
    rd_kafka_topic_partition_list_destroy(asked);
    return done;
}

/* The borrowed metadata of a commit as text that is ours, or NULL. */
static char *metadata_text(const rd_kafka_topic_partition_t *committed)
{
    if (!committed->metadata || committed->metadata_size == 0)
        return NULL;
    return strndup(committed->metadata, committed->metadata_size);
}

/* One slot. `offset` is where it starts. */
static void slot_fill(struct source_kafka *k, size_t slot, int64_t offset, bool resumed,
                      const rd_kafka_topic_partition_t *committed, int64_t end)
{
    struct kafka_known *known = &k->known[committed->partition];

    if (known->end < 0)
        known->end = end;
    if (known->start < 0 || known->anew)
        known->start = offset;
    known->remade = known->anew = false;
    known->doubtful = -1;
    k->slot_of[committed->partition] = (int32_t)slot;
    k->slots[slot] = (struct kafka_slot){.partition = committed->partition,
                                         .next = offset,
                                         .eof = -1,
                                         .end = k->exit_at_end ? known->end : -1,
                                         .committed = offset,
                                         .kept = resumed};
    k->partitions[slot] =
        (struct source_partition){.partition = committed->partition,
                                  .start = offset,
                                  .resumed = resumed,
                                  .metadata = resumed ? metadata_text(committed) : NULL};
}

static bool slots_allocate(struct source_kafka *k, size_t count, size_t total)
{
    if (!known_grow(k, total))
        return false;
    k->partitions = calloc(count ? count : 1, sizeof(*k->partitions));
    k->slots = calloc(count ? count : 1, sizeof(*k->slots));
    k->slot_of = malloc((k->known_count ? k->known_count : 1) * sizeof(*k->slot_of));
    if (!k->partitions || !k->slots || !k->slot_of)
        return false;
    for (size_t i = 0; i < k->known_count; i++)
        k->slot_of[i] = -1;
    return true;
}

/* What the brokers said of the partitions to assign, in their order. An entry
 * of `starts` with an opaque resumes at its committed offset. */
struct answers {
    rd_kafka_topic_partition_list_t *committed, *ends, *starts;
    int32_t total;
};

static void answers_free(struct answers *answers)
{
    if (answers->committed)
        rd_kafka_topic_partition_list_destroy(answers->committed);
    if (answers->ends)
        rd_kafka_topic_partition_list_destroy(answers->ends);
    if (answers->starts)
        rd_kafka_topic_partition_list_destroy(answers->starts);
}

/* What the reader itself knows, in the place of what the group has committed. */
static bool known_positions(const struct source_kafka *k,
                            rd_kafka_topic_partition_list_t *committed)
{
    for (int i = 0; i < committed->cnt; i++) {
        int64_t next = k->positions.next(k->positions.context, k->cluster, k->topic,
                                         committed->elems[i].partition);

        committed->elems[i].offset = next >= 0 ? next : RD_KAFKA_OFFSET_INVALID;
    }
    return true;
}

/* The committed offsets into `committed`. */
static bool committed_ask(struct source_kafka *k, rd_kafka_topic_partition_list_t *committed,
                          int timeout_ms)
{
    rd_kafka_resp_err_t code;

    if (k->positions.next)
        return known_positions(k, committed);
    code = rd_kafka_committed(k->client, committed, timeout_ms);
    for (int i = 0; !code && i < committed->cnt; i++)
        code = committed->elems[i].err;
    if (code)
        kafka_source_error(k, "kafka_error", "committed", code, NULL);
    return !code;
}

/* Asks for everything. The ends may stay unknown: a leader that is away must
 * not keep back the partitions of the others. */
static bool answers_ask(struct source_kafka *k, const rd_kafka_topic_partition_list_t *partitions,
                        struct answers *answers)
{
    int64_t deadline_ms = clock_monotonic_ms() + ASK_MS;

    answers->total = partitions_total(k, left(deadline_ms));
    if (answers->total < 0 || !cluster_find(k, left(deadline_ms)))
        return false;
    answers->committed = list_like(partitions, RD_KAFKA_OFFSET_INVALID);
    answers->ends = list_like(partitions, RD_KAFKA_OFFSET_END);
    answers->starts = list_like(partitions, RD_KAFKA_OFFSET_INVALID);
    if (partitions->cnt == 0)
        return true;
    if (!committed_ask(k, answers->committed, left(deadline_ms)))
        return false;
    (void)kafka_offsets_query(k, answers->ends, left(deadline_ms));
    return true;
}

static bool answers_resolve(struct source_kafka *k, struct answers *answers)
{
    for (int i = 0; i < answers->starts->cnt; i++) {
        rd_kafka_topic_partition_t *start = &answers->starts->elems[i];

        if (!resumes(k, &answers->committed->elems[i], answers->ends->elems[i].offset))
            continue;
        start->offset = answers->committed->elems[i].offset;
        start->opaque = start;
    }
    return starts_ask(k, answers->starts, answers->ends, clock_monotonic_ms() + ASK_MS);
}

/* A member that was through has more to read, unless all are. */
static void read_again(struct source_kafka *k)
{
    int left = k->through ? atomic_load(&k->together->reading) : -1;

    while (left >= 0)
        if (atomic_compare_exchange_weak(&k->together->reading, &left, left + 1)) {
            k->through = false;
            atomic_fetch_sub(&k->together->readers, k->read);
            return;
        }
}

static void assignment_fill(struct source_kafka *k, rd_kafka_topic_partition_list_t *partitions,
                            const struct answers *answers)
{
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *start = &answers->starts->elems[i];

        assert(answers->committed->elems[i].partition == partitions->elems[i].partition);
        slot_fill(k, (size_t)i, start->offset, start->opaque != NULL,
                  &answers->committed->elems[i], answers->ends->elems[i].offset);
        partitions->elems[i].offset = start->offset;
    }
    read_again(k);
    if (k->first_total == 0)
        k->first_total = answers->total;
    k->count = (size_t)partitions->cnt;
    k->unreached = 0;
    k->seeks = 0;
    k->assignment = (struct source_assignment){.cluster = k->cluster,
                                               .topic = k->topic,
                                               .partitions_total = answers->total,
                                               .partitions = k->partitions,
                                               .count = k->count};
}

bool kafka_assignment_build(struct source_kafka *k, rd_kafka_topic_partition_list_t *partitions)
{
    struct answers answers = {0};
    size_t room = 0;
    bool done = false;

    assert(!k->live && k->count == 0);
    if (!answers_ask(k, partitions, &answers))
        goto out;
    for (int i = 0; i < partitions->cnt; i++)
        if ((size_t)partitions->elems[i].partition >= room)
            room = (size_t)partitions->elems[i].partition + 1;
    if ((size_t)answers.total > room)
        room = (size_t)answers.total;
    if (!slots_allocate(k, (size_t)partitions->cnt, room) || !answers_resolve(k, &answers)) {
        kafka_assignment_free(k);
        goto out;
    }
    assignment_fill(k, partitions, &answers);
    done = true;
out:
    answers_free(&answers);
    return done;
}

/* All partitions of the topic, every offset being `offset`. */
static rd_kafka_topic_partition_list_t *list_whole(struct source_kafka *k, int64_t offset)
{
    int32_t total = k->assignment.partitions_total;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(total);

    for (int32_t i = 0; i < total; i++)
        rd_kafka_topic_partition_list_add(list, k->topic, i)->offset = offset;
    return list;
}

bool kafka_group_is_done(struct source_kafka *k)
{
    rd_kafka_topic_partition_list_t *ends = list_whole(k, RD_KAFKA_OFFSET_END);
    rd_kafka_topic_partition_list_t *lows = list_whole(k, RD_KAFKA_OFFSET_BEGINNING);
    rd_kafka_topic_partition_list_t *committed = list_whole(k, RD_KAFKA_OFFSET_INVALID);
    bool done = kafka_offsets_query(k, ends, GROUP_ASK_MS) &&
                kafka_offsets_query(k, lows, GROUP_ASK_MS) &&
                committed_ask(k, committed, GROUP_ASK_MS);

    for (int i = 0; i < ends->cnt; i++) {
        struct kafka_known *known = &k->known[i];

        if (known->end < 0 && ends->elems[i].offset >= 0)
            known->end = ends->elems[i].offset;
        /* A partition that never held anything has nothing to be committed. */
        done = done && known->end >= 0 &&
               (committed->elems[i].offset >= known->end || lows->elems[i].offset >= known->end);
    }
    rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_topic_partition_list_destroy(lows);
    rd_kafka_topic_partition_list_destroy(committed);
    return done;
}
