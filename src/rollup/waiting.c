/* The bytes are numbers of seven bits a byte, the lowest first, each as little as
 * what stands before it allows: positions as lengths, times as differences. */
#include "waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 10

/* A block for so many, its counts set; all arrays are of 8-byte elements. */
static struct waiting *waiting_alloc(size_t partitions_count, size_t missing_count,
                                     size_t replaced_count)
{
    size_t size = sizeof(struct waiting) + partitions_count * sizeof(struct record_partition) +
                  missing_count * sizeof(struct record_range) + replaced_count * sizeof(uint64_t);
    struct waiting *waiting = malloc(size);
    if (!waiting)
        return NULL;
    *waiting = (struct waiting){.size = size,
                                .record = {.partitions_count = partitions_count,
                                           .replaced_count = replaced_count}};
    return waiting;
}

static struct record_partition *partitions_of(struct waiting *waiting)
{
    return (struct record_partition *)(waiting + 1);
}

static size_t count_missing(const struct record_checkpoint *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->partitions_count; i++)
        count += record->partitions[i].missing_count;
    return count;
}

struct waiting *waiting_create(const struct record_checkpoint *record)
{
    struct waiting *waiting = waiting_alloc(record->partitions_count, count_missing(record),
                                            record->replaced_count);
    if (!waiting)
        return NULL;
    struct record_partition *partitions = partitions_of(waiting);
    struct record_range *missing = (struct record_range *)(partitions + record->partitions_count);
    waiting->record = *record;
    waiting->record.stream = waiting->record.instance = waiting->record.cluster = NULL;
    waiting->record.topic = waiting->record.input_group = NULL;
    waiting->record.partitions = partitions;
    for (size_t i = 0; i < record->partitions_count; i++) {
        partitions[i] = record->partitions[i];
        partitions[i].missing = missing;
        for (size_t m = 0; m < partitions[i].missing_count; m++)
            *missing++ = record->partitions[i].missing[m];
    }
    if (record->replaced_count)
        memcpy(missing, record->replaced, record->replaced_count * sizeof(uint64_t));
    waiting->record.replaced = (const uint64_t *)missing;
    return waiting;
}

static void put(struct text *text, uint64_t number)
{
    char *bytes = text_reserve(text, NUMBER_BYTES_MAX);
    size_t size = 0;
    if (!bytes)
        return;
    for (; number >= 0x80; number >>= 7)
        bytes[size++] = (char)(number | 0x80);
    bytes[size++] = (char)number;
    text_added(text, size);
}

/* to - from, which may wrap around: small ones of either sign are short. */
static void put_step(struct text *text, int64_t from, int64_t to)
{
    uint64_t step = (uint64_t)to - (uint64_t)from;
    put(text, step << 1 ^ (step >> 63 ? UINT64_MAX : 0));
}

static uint64_t get(const unsigned char **at)
{
    uint64_t number = 0;
    unsigned shift = 0;
    for (; **at & 0x80; shift += 7)
        number |= (uint64_t)(*(*at)++ & 0x7f) << shift;
    return number | (uint64_t)*(*at)++ << shift;
}

static int64_t get_step(const unsigned char **at, int64_t from)
{
    uint64_t step = get(at);
    return (int64_t)((uint64_t)from + (step >> 1 ^ (step & 1 ? UINT64_MAX : 0)));
}

static void write_partition(const struct record_partition *partition, int64_t time_s,
                            struct text *text)
{
    put(text, (uint64_t)partition->partition);
    put_step(text, 0, partition->from);
    put_step(text, partition->from, partition->to);
    put_step(text, time_s, partition->watermark_s);
    put(text, partition->missing_count);
    for (size_t i = 0; i < partition->missing_count; i++) {
        put_step(text, partition->from, partition->missing[i].from);
        put_step(text, partition->from, partition->missing[i].to);
    }
}

void waiting_write(const struct waiting *waiting, struct text *text)
{
    const struct record_checkpoint *record = &waiting->record;
    int64_t first = (int64_t)record->sequence_first;
    put(text, record->partitions_count);
    put(text, count_missing(record));
    put(text, record->replaced_count);
    put_step(text, 0, record->time_ms);
    put_step(text, 0, first);
    put_step(text, first, (int64_t)record->sequence_last);
    put(text, record->frames);
    put(text, record->rejects_lost);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        put(text, record->rejected[reason]);
    for (size_t i = 0; i < record->partitions_count; i++)
        write_partition(&record->partitions[i], record->time_ms / 1000, text);
    for (size_t i = 0; i < record->replaced_count; i++)
        put_step(text, first, (int64_t)record->replaced[i]);
}

/* Its missing ranges go to `missing`. */
static void read_partition(const unsigned char **at, int64_t time_s,
                           struct record_partition *partition, struct record_range *missing)
{
    *partition = (struct record_partition){.partition = (int32_t)get(at), .missing = missing};
    partition->from = get_step(at, 0);
    partition->to = get_step(at, partition->from);
    partition->watermark_s = get_step(at, time_s);
    partition->missing_count = get(at);
    for (size_t i = 0; i < partition->missing_count; i++) {
        missing[i].from = get_step(at, partition->from);
        missing[i].to = get_step(at, partition->from);
    }
}

struct waiting *waiting_read(const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    size_t partitions_count = get(&at), missing_count = get(&at), replaced_count = get(&at);
    struct waiting *waiting = waiting_alloc(partitions_count, missing_count, replaced_count);
    if (!waiting)
        return NULL;
    struct record_checkpoint *record = &waiting->record;
    struct record_partition *partitions = partitions_of(waiting);
    struct record_range *missing = (struct record_range *)(partitions + partitions_count);
    uint64_t *replaced = (uint64_t *)(missing + missing_count);
    record->time_ms = get_step(&at, 0);
    int64_t first = get_step(&at, 0);
    record->sequence_first = (uint64_t)first;
    record->sequence_last = (uint64_t)get_step(&at, first);
    record->frames = get(&at);
    record->rejects_lost = get(&at);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        record->rejected[reason] = get(&at);
    for (size_t i = 0; i < partitions_count; i++) {
        read_partition(&at, record->time_ms / 1000, &partitions[i], missing);
        missing += partitions[i].missing_count;
    }
    for (size_t i = 0; i < replaced_count; i++)
        replaced[i] = (uint64_t)get_step(&at, first);
    record->partitions = partitions;
    record->replaced = replaced;
    assert(at == bytes + size);
    return waiting;
}
