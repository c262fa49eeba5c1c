/* A checkpoint out of an untrusted line. The arrays are sized before they are
 * filled, so that pointers into them stay good. */
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "record_reader.h"

/* RFC 3339 with a fraction, of which milliseconds are kept. */
static bool read_time(struct record_reader *reader, int64_t *time_ms)
{
    int token;
    int64_t seconds;
    size_t size;
    if (!need_member(reader, 0, "time", JSON_STRING, &token))
        return false;
    const char *text = json_text(reader->json, token, &size);
    if (!number_rfc3339_s(text, size, &seconds))
        return reader_fail(reader, "\"time\" is not RFC 3339");
    int64_t ms = 0, weight = 100;
    const char *point = memchr(text, '.', size);
    for (const char *at = point; at && ++at < text + size && *at >= '0' && *at <= '9';) {
        ms += (*at - '0') * weight;
        weight /= 10;
    }
    *time_ms = seconds * 1000 + ms;
    return true;
}

static bool read_sequences(struct record_reader *reader, struct record_checkpoint *record)
{
    int array;
    int64_t first, last;
    if (!need_member(reader, 0, "sequences", JSON_ARRAY, &array))
        return false;
    if (json_size(reader->json, array) != 2)
        return reader_fail(reader, "\"sequences\" is not [first,last]");
    int token = json_first(reader->json, array);
    if (!need_int_token(reader, token, "sequences", 0, RECORD_COUNT_MAX, &first) ||
        !need_int_token(reader, json_next(reader->json, token), "sequences", 0, RECORD_COUNT_MAX,
                        &last))
        return false;
    record->sequence_first = (uint64_t)first;
    record->sequence_last = (uint64_t)last;
    return true;
}

static bool read_replaced(struct record_reader *reader, struct record_checkpoint *record)
{
    int array;
    if (!need_member(reader, 0, "replaced", JSON_ARRAY, &array))
        return false;
    size_t count = (size_t)json_size(reader->json, array);
    if (!reader_room(reader, (void **)&reader->replaced, &reader->replaced_room, count,
                     sizeof(reader->replaced[0])))
        return false;
    int token = json_first(reader->json, array);
    for (size_t i = 0; i < count; i++, token = json_next(reader->json, token)) {
        int64_t sequence;
        if (!need_int_token(reader, token, "replaced", 0, INT64_MAX, &sequence))
            return false;
        reader->replaced[i] = (uint64_t)sequence;
        if (reader->replaced[i] < record->sequence_first ||
            reader->replaced[i] > record->sequence_last)
            return reader_fail(reader, "\"replaced\" lies outside \"sequences\"");
    }
    record->replaced = reader->replaced;
    record->replaced_count = count;
    return true;
}

static bool read_range(struct record_reader *reader, int array, struct record_range *range)
{
    if (json_kind(reader->json, array) != JSON_ARRAY || json_size(reader->json, array) != 2)
        return reader_fail(reader, "\"missing\" holds what is not [from,to]");
    int token = json_first(reader->json, array);
    return need_int_token(reader, token, "missing", 0, INT64_MAX, &range->from) &&
           need_int_token(reader, json_next(reader->json, token), "missing", 0, INT64_MAX,
                          &range->to);
}

/* Ranges of one partition into `missing`: in order, apart, inside it. */
static bool read_missing(struct record_reader *reader, int array,
                         struct record_partition *partition, struct record_range *missing)
{
    int64_t floor = partition->from;
    size_t count = 0;
    for (int token = json_first(reader->json, array); token >= 0;
         token = json_next(reader->json, token)) {
        struct record_range *range = &missing[count++];
        if (!read_range(reader, token, range))
            return false;
        if (range->from < floor || range->to <= range->from || range->to > partition->to)
            return reader_fail(reader, "\"missing\" is not in order or not inside its partition");
        floor = range->to;
    }
    partition->missing = missing;
    partition->missing_count = count;
    return true;
}

static bool read_watermark(struct record_reader *reader, int object, int64_t *watermark_s)
{
    int token = json_member(reader->json, object, "watermark", strlen("watermark"));
    if (token >= 0 && json_kind(reader->json, token) == JSON_NULL) {
        *watermark_s = INT64_MIN;
        return true;
    }
    return need_int(reader, object, "watermark", -RECORD_WATERMARK_MAX, RECORD_WATERMARK_MAX,
                    watermark_s);
}

static bool read_partition(struct record_reader *reader, int object,
                           struct record_partition *partition, struct record_range *missing)
{
    int64_t number;
    int array;
    if (!need_int(reader, object, "partition", 0, RECORD_PARTITIONS_TOTAL - 1, &number) ||
        !need_int(reader, object, "from", 0, INT64_MAX, &partition->from) ||
        !need_int(reader, object, "to", partition->from, INT64_MAX, &partition->to) ||
        !need_member(reader, object, "missing", JSON_ARRAY, &array) ||
        !read_watermark(reader, object, &partition->watermark_s) ||
        !need_bool(reader, object, "idle", &partition->idle) ||
        !need_bool(reader, object, "end", &partition->end))
        return false;
    partition->partition = (int32_t)number;
    return read_missing(reader, array, partition, missing);
}

/* How many missing ranges all partitions together have; what is no such array
 * is found later. */
static size_t count_missing(const struct record_reader *reader, int partitions)
{
    const struct json *json = reader->json;
    size_t count = 0;
    for (int token = json_first(json, partitions); token >= 0; token = json_next(json, token)) {
        if (json_kind(json, token) != JSON_OBJECT)
            continue;
        int missing = json_member(json, token, "missing", strlen("missing"));
        if (missing >= 0 && json_kind(json, missing) == JSON_ARRAY)
            count += (size_t)json_size(json, missing);
    }
    return count;
}

/* Sets a bit for each; false when one stands there twice. */
static bool partitions_differ(const struct record_partition *partitions, size_t count)
{
    uint64_t seen[RECORD_PARTITIONS_TOTAL / 64] = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t *word = &seen[partitions[i].partition / 64];
        uint64_t bit = UINT64_C(1) << (partitions[i].partition % 64);
        if (*word & bit)
            return false;
        *word |= bit;
    }
    return true;
}

static bool read_partitions(struct record_reader *reader, struct record_checkpoint *record)
{
    int array;
    if (!need_member(reader, 0, "partitions", JSON_ARRAY, &array))
        return false;
    size_t count = (size_t)json_size(reader->json, array);
    if (count > LIMIT_PARTITIONS)
        return reader_fail(reader, "\"partitions\" has more than %d", LIMIT_PARTITIONS);
    if (!reader_room(reader, (void **)&reader->partitions, &reader->partitions_room, count,
                     sizeof(reader->partitions[0])) ||
        !reader_room(reader, (void **)&reader->missing, &reader->missing_room,
                     count_missing(reader, array), sizeof(reader->missing[0])))
        return false;
    struct record_range *missing = reader->missing;
    int token = json_first(reader->json, array);
    for (size_t i = 0; i < count; i++, token = json_next(reader->json, token)) {
        struct record_partition *partition = &reader->partitions[i];
        if (json_kind(reader->json, token) != JSON_OBJECT)
            return reader_fail(reader, "\"partitions\" holds what is not an object");
        if (!read_partition(reader, token, partition, missing))
            return false;
        missing += partition->missing_count;
    }
    if (!partitions_differ(reader->partitions, count))
        return reader_fail(reader, "\"partitions\" has one twice");
    record->partitions = reader->partitions;
    record->partitions_count = count;
    return true;
}

/* Reasons that this version does not know are left alone. */
static bool read_rejected(struct record_reader *reader, uint64_t *rejected)
{
    int object;
    if (!need_member(reader, 0, "rejected", JSON_OBJECT, &object))
        return false;
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++) {
        const char *name = reject_name(reason);
        if (json_member(reader->json, object, name, strlen(name)) >= 0 &&
            !need_count(reader, object, name, &rejected[reason]))
            return false;
    }
    return true;
}

/* None unless it stands there. */
static bool read_lost(struct record_reader *reader, uint64_t *lost)
{
    static const char name[] = "rejects_lost";
    *lost = 0;
    return json_member(reader->json, 0, name, sizeof name - 1) < 0 ||
           need_count(reader, 0, name, lost);
}

bool read_checkpoint(struct record_reader *reader, struct record_checkpoint *record)
{
    int64_t total;
    if (!need_string(reader, 0, "stream", RECORD_NAME_MAX, &record->stream) ||
        !need_string(reader, 0, "instance", RECORD_NAME_MAX, &record->instance) ||
        !need_int(reader, 0, "epoch", 0, INT64_MAX, &record->epoch_ms) ||
        !need_count(reader, 0, "number", &record->number) ||
        !read_time(reader, &record->time_ms) ||
        !need_string(reader, 0, "cluster", RECORD_NAME_MAX, &record->cluster) ||
        !need_string(reader, 0, "topic", RECORD_TOPIC_MAX, &record->topic) ||
        !need_int(reader, 0, "partitions_total", 0, RECORD_PARTITIONS_TOTAL, &total) ||
        !need_string(reader, 0, "input_group", RECORD_NAME_MAX, &record->input_group) ||
        !read_sequences(reader, record) || !read_replaced(reader, record) ||
        !read_partitions(reader, record) ||
        !need_count(reader, 0, "frames", &record->frames) ||
        !read_rejected(reader, record->rejected) || !read_lost(reader, &record->rejects_lost))
        return false;
    record->partitions_total = (int32_t)total;
    return true;
}
