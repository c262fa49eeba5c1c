/* Records as JSON lines. Members stand in the order in which people look for
 * them; the bytes of the sketch, which nobody reads, come last. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "record.h"
#include "record_limits.h"

static const char *const record_state_names[] = {
    [RECORD_OPEN] = "open", [RECORD_CLOSED] = "closed", [RECORD_LATE] = "late"};

const char *record_state_name(enum record_state state)
{
    assert((unsigned)state <= RECORD_LATE);
    return record_state_names[state];
}

/* ,"name": */
static void write_name(struct text *text, const char *name)
{
    text_string(text, ",\"");
    text_string(text, name);
    text_string(text, "\":");
}

static void write_string(struct text *text, const char *name, const char *string)
{
    assert(string);
    write_name(text, name);
    text_json_string(text, string, strlen(string));
}

static void write_count(struct text *text, const char *name, uint64_t count)
{
    assert(count <= INT64_MAX);
    write_name(text, name);
    text_int(text, (int64_t)count);
}

static void write_bool(struct text *text, const char *name, bool value)
{
    write_name(text, name);
    text_string(text, value ? "true" : "false");
}

/* A count of ids as a whole number. */
static void write_ids(struct text *text, const char *name, double ids)
{
    assert(isfinite(ids) && ids >= 0);
    write_name(text, name);
    text_format(text, "%.0f", ids);
}

static void write_head(struct text *text, const char *type, const char *stream)
{
    text_string(text, "{\"type\":\"");
    text_string(text, type);
    text_string(text, "\",\"version\":1");
    write_string(text, "stream", stream);
}

static void write_estimate(struct text *text, const struct hc_estimate *estimate)
{
    write_ids(text, "uniques", round(estimate->value));
    write_ids(text, "low", floor(estimate->low));
    write_ids(text, "high", ceil(estimate->high));
    write_name(text, "error");
    text_json_double(text, estimate->error, 3);
    text_string(text, ",\"additive\":false");
}

static enum hc_status write_sketch_bytes(struct text *text, const struct hc_sketch *sketch,
                                         struct hc_codec *codec)
{
    size_t size, room = hc_encode_size_max(sketch);
    unsigned char *bytes = malloc(room);
    if (!bytes)
        return HC_ENOMEM;
    enum hc_status status = codec ? hc_codec_encode(codec, sketch, bytes, room, &size)
                                  : hc_encode(sketch, bytes, room, &size);
    if (status == HC_OK) {
        text_format(text, ",\"sketch\":{\"profile\":\"%s\",\"precision\":%u,\"encoding\":\"%s\"",
                    hc_profile_name(hc_sketch_profile(sketch)), hc_sketch_precision(sketch),
                    hc_sketch_is_sparse(sketch) ? "sparse" : "dense");
        if (hc_sketch_key_id(sketch))
            text_format(text, ",\"key_id\":\"%016" PRIx64 "\"", hc_sketch_key_id(sketch));
        text_string(text, ",\"bytes\":\"");
        text_base64(text, bytes, size);
        text_string(text, "\"}");
    }
    free(bytes);
    return status;
}

enum hc_status record_write_sketch(const struct record_sketch *record, struct text *text)
{
    assert(record->minute_s % RECORD_SECONDS == 0);
    write_head(text, "sketch", record->stream);
    write_name(text, "minute");
    text_int(text, record->minute_s);
    text_string(text, ",\"start\":\"");
    text_utc(text, record->minute_s);
    text_format(text, "\",\"seconds\":%d,\"group\":", RECORD_SECONDS);
    text_string(text, record->group);
    text_format(text, ",\"state\":\"%s\"", record_state_name(record->state));
    write_bool(text, "whole", record->whole);
    write_estimate(text, &record->estimate);
    write_count(text, "frames", record->frames);
    write_string(text, "instance", record->instance);
    write_name(text, "epoch");
    text_int(text, record->epoch_ms);
    write_count(text, "sequence", record->sequence);
    write_string(text, "fields", record->fields);
    enum hc_status status = write_sketch_bytes(text, record->sketch, record->codec);
    text_char(text, '}');
    return text->failed ? HC_ENOMEM : status;
}

static void write_ranges(struct text *text, const struct record_range *ranges, size_t count)
{
    text_char(text, '[');
    for (size_t i = 0; i < count; i++)
        text_format(text, "%s[%" PRId64 ",%" PRId64 "]", i ? "," : "", ranges[i].from,
                    ranges[i].to);
    text_char(text, ']');
}

static void write_partition(struct text *text, const struct record_partition *partition)
{
    assert(0 <= partition->from && partition->from <= partition->to);
    text_format(text, "{\"partition\":%" PRId32 ",\"from\":%" PRId64 ",\"to\":%" PRId64
                ",\"missing\":", partition->partition, partition->from, partition->to);
    write_ranges(text, partition->missing, partition->missing_count);
    write_name(text, "watermark");
    if (partition->watermark_s == INT64_MIN)
        text_string(text, "null");
    else
        text_int(text, partition->watermark_s);
    write_bool(text, "idle", partition->idle);
    write_bool(text, "end", partition->end);
    text_char(text, '}');
}

static void write_rejected(struct text *text, const uint64_t *rejected)
{
    bool first = true;
    text_string(text, ",\"rejected\":{");
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++) {
        if (rejected[reason] == 0)
            continue;
        text_format(text, "%s\"%s\":%" PRIu64, first ? "" : ",", reject_name(reason),
                    rejected[reason]);
        first = false;
    }
    text_char(text, '}');
}

static void write_sequences(struct text *text, const struct record_checkpoint *record)
{
    text_format(text, ",\"sequences\":[%" PRIu64 ",%" PRIu64 "],\"replaced\":[",
                record->sequence_first, record->sequence_last);
    for (size_t i = 0; i < record->replaced_count; i++)
        text_format(text, "%s%" PRIu64, i ? "," : "", record->replaced[i]);
    text_char(text, ']');
}

/* RFC 3339 with milliseconds. */
static void write_time(struct text *text, int64_t time_ms)
{
    text_string(text, ",\"time\":\"");
    text_utc(text, time_ms / 1000);
    if (!text->failed)
        text->bytes[text->size - 1] = '.'; /* where the Z stood */
    text_format(text, "%03dZ\"", (int)(time_ms % 1000));
}

enum hc_status record_write_checkpoint(const struct record_checkpoint *record, struct text *text)
{
    write_head(text, "checkpoint", record->stream);
    write_string(text, "instance", record->instance);
    write_name(text, "epoch");
    text_int(text, record->epoch_ms);
    write_count(text, "number", record->number);
    write_time(text, record->time_ms);
    write_string(text, "cluster", record->cluster);
    write_string(text, "topic", record->topic);
    write_count(text, "partitions_total", (uint64_t)record->partitions_total);
    write_string(text, "input_group", record->input_group);
    write_sequences(text, record);
    text_string(text, ",\"partitions\":[");
    for (size_t i = 0; i < record->partitions_count; i++) {
        if (i)
            text_char(text, ',');
        write_partition(text, &record->partitions[i]);
    }
    text_char(text, ']');
    write_count(text, "frames", record->frames);
    write_rejected(text, record->rejected);
    if (record->rejects_lost > 0)
        write_count(text, "rejects_lost", record->rejects_lost);
    text_char(text, '}');
    return text->failed ? HC_ENOMEM : HC_OK;
}

void record_key_sketch(const struct record_sketch *record, struct text *text)
{
    text_string(text, record->stream);
    text_format(text, "\t%" PRId64 "\t", record->minute_s);
    text_string(text, record->group);
}

void record_key_checkpoint(const struct record_checkpoint *record, struct text *text)
{
    text_string(text, record->instance);
}

size_t record_size_max(unsigned precision, size_t stream_size, size_t group_size,
                       size_t instance_size)
{
    assert(precision >= HC_PRECISION_MIN && precision <= HC_PRECISION_MAX);
    /* Neither form is larger than the registers by more than a frame's overhead. */
    size_t native = ((size_t)1 << precision) + ((size_t)1 << precision) / 128 + 1024;
    /* An escape is at most 6 bytes for one. */
    size_t escaped = 6 * (stream_size + instance_size + RECORD_FIELDS_MAX);
    return 1024 + escaped + group_size + (native + 2) / 3 * 4;
}
