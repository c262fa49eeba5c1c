/* Records out of untrusted lines. What is read is strictly typed and in range;
 * what this version does not know is left alone, so that later versions can
 * add members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "record_reader.h"

struct record_reader *record_reader_create(void)
{
    struct record_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return NULL;
    reader->json = json_create();
    if (reader->json && hc_codec_create(NULL, &reader->codec) == HC_OK &&
        text_reserve(&reader->strings, READER_STRINGS))
        return reader;
    record_reader_destroy(&reader);
    return NULL;
}

void record_reader_destroy(struct record_reader **reader)
{
    struct record_reader *old = *reader;
    if (!old)
        return;
    hc_sketch_destroy(&old->sketch);
    hc_codec_destroy(&old->codec);
    free(old->replaced);
    free(old->missing);
    free(old->partitions);
    text_free(&old->line);
    text_free(&old->native);
    text_free(&old->scratch);
    text_free(&old->group);
    text_free(&old->strings);
    json_destroy(&old->json);
    free(old);
    *reader = NULL;
}

static bool read_state(struct record_reader *reader, enum record_state *state)
{
    int token;
    if (!need_member(reader, 0, "state", JSON_STRING, &token))
        return false;
    for (enum record_state s = RECORD_OPEN; s <= RECORD_LATE; s++) {
        const char *name = record_state_name(s);
        if (json_string_is(reader->json, token, name, strlen(name))) {
            *state = s;
            return true;
        }
    }
    return reader_fail(reader, "\"state\" is not open, closed or late");
}

/* The minute stands there twice; a damaged line that names another minute
 * would put its users in the wrong place. */
static bool read_minute(struct record_reader *reader, int64_t *minute_s)
{
    int64_t minute, start, seconds;
    int token;
    if (!need_int(reader, 0, "minute", 0, LIMIT_TIME_S, &minute) ||
        !need_int(reader, 0, "seconds", RECORD_SECONDS, RECORD_SECONDS, &seconds) ||
        !need_member(reader, 0, "start", JSON_STRING, &token))
        return false;
    if (minute % RECORD_SECONDS != 0)
        return reader_fail(reader, "\"minute\" is not the start of a minute");
    size_t size;
    const char *text = json_text(reader->json, token, &size);
    if (!number_rfc3339_s(text, size, &start) || start != minute)
        return reader_fail(reader, "\"start\" and \"minute\" are not the same time");
    *minute_s = minute;
    return true;
}

static bool read_estimate(struct record_reader *reader, struct hc_estimate *estimate)
{
    if (!need_number(reader, 0, "uniques", &estimate->value) ||
        !need_number(reader, 0, "low", &estimate->low) ||
        !need_number(reader, 0, "high", &estimate->high) ||
        !need_number(reader, 0, "error", &estimate->error))
        return false;
    if (estimate->low > estimate->value || estimate->value > estimate->high)
        return reader_fail(reader, "\"uniques\" does not lie between \"low\" and \"high\"");
    return true;
}

/* The native bytes out of member "bytes" of `object`. */
static bool read_bytes(struct record_reader *reader, int object)
{
    int token;
    size_t size;
    if (!need_member(reader, object, "bytes", JSON_STRING, &token))
        return false;
    if (token == reader->native_token)
        return true;
    const char *text = json_text(reader->json, token, &size);
    /* Some writers escape every slash. */
    if (memchr(text, '\\', size)) {
        text_clear(&reader->scratch);
        char *decoded = text_reserve(&reader->scratch, size);
        if (!decoded)
            return reader_fail(reader, "out of memory");
        if (!json_string(reader->json, token, decoded, size, &size))
            return reader_fail(reader, "\"bytes\" can't be read");
        text = decoded;
    }
    text_clear(&reader->native);
    if (!text_from_base64(&reader->native, text, size))
        return reader_fail(reader, "\"bytes\" is not base64");
    return true;
}

/* A sketch with a key names it. */
static bool check_key_id(struct record_reader *reader, int object)
{
    char name[17];
    int key_id;
    if (hc_sketch_key_id(reader->sketch) == 0)
        return true;
    if (!need_member(reader, object, "key_id", JSON_STRING, &key_id))
        return false;
    snprintf(name, sizeof name, "%016" PRIx64, hc_sketch_key_id(reader->sketch));
    if (!json_string_is(reader->json, key_id, name, strlen(name)))
        return reader_fail(reader, "\"key_id\" is not that of \"bytes\"");
    return true;
}

/* What the JSON says of the sketch must be what the sketch is. */
static bool check_sketch(struct record_reader *reader, int object)
{
    int profile, encoding;
    int64_t precision;
    const struct hc_sketch *sketch = reader->sketch;
    if (!need_member(reader, object, "profile", JSON_STRING, &profile) ||
        !need_member(reader, object, "encoding", JSON_STRING, &encoding) ||
        !need_int(reader, object, "precision", HC_PRECISION_MIN, HC_PRECISION_MAX, &precision))
        return false;
    const char *name = hc_profile_name(hc_sketch_profile(sketch));
    if (!json_string_is(reader->json, profile, name, strlen(name)))
        return reader_fail(reader, "\"profile\" is not that of \"bytes\"");
    if ((unsigned)precision != hc_sketch_precision(sketch))
        return reader_fail(reader, "\"precision\" is not that of \"bytes\"");
    name = hc_sketch_is_sparse(sketch) ? "sparse" : "dense";
    if (!json_string_is(reader->json, encoding, name, strlen(name)))
        return reader_fail(reader, "\"encoding\" is not that of \"bytes\"");
    return check_key_id(reader, object);
}

static bool read_sketch_object(struct record_reader *reader)
{
    int object;
    if (!need_member(reader, 0, "sketch", JSON_OBJECT, &object) || !read_bytes(reader, object))
        return false;
    const struct text *native = &reader->native;
    enum hc_status status =
        hc_codec_decode(reader->codec, native->bytes, native->size, &reader->sketch);
    if (status != HC_OK)
        return reader_fail(reader, "\"bytes\": %s", hc_status_text(status));
    return check_sketch(reader, object);
}

bool read_sketch(struct record_reader *reader, struct record_sketch *record)
{
    int group;
    if (!need_string(reader, 0, "stream", RECORD_NAME_MAX, &record->stream) ||
        !read_minute(reader, &record->minute_s) ||
        !need_member(reader, 0, "group", JSON_OBJECT, &group) || !read_group(reader, group) ||
        !read_state(reader, &record->state) ||
        !need_bool(reader, 0, "whole", &record->whole) ||
        !read_estimate(reader, &record->estimate) ||
        !need_count(reader, 0, "frames", &record->frames) ||
        !need_string(reader, 0, "instance", RECORD_NAME_MAX, &record->instance) ||
        !need_int(reader, 0, "epoch", 0, INT64_MAX, &record->epoch_ms) ||
        !need_count(reader, 0, "sequence", &record->sequence) ||
        !need_string(reader, 0, "fields", RECORD_FIELDS_MAX, &record->fields) ||
        !read_sketch_object(reader))
        return false;
    record->group = reader->group.bytes;
    record->sketch = reader->sketch;
    record->native = reader->native.bytes;
    record->native_size = reader->native.size;
    return true;
}

static enum record_kind read_object(struct record_reader *reader, struct record *record)
{
    int type;
    int64_t version;
    if (json_kind(reader->json, 0) != JSON_OBJECT) {
        reader_fail(reader, "not a JSON object");
        return RECORD_NONE;
    }
    if (!need_member(reader, 0, "type", JSON_STRING, &type) ||
        !need_int(reader, 0, "version", 1, INT64_MAX, &version))
        return RECORD_NONE;
    if (version > 1) {
        reader_fail(reader, "\"version\" is newer than this program, which reads 1");
        return RECORD_NONE;
    }
    if (json_string_is(reader->json, type, "sketch", 6))
        return read_sketch(reader, &record->sketch) ? RECORD_SKETCH : RECORD_NONE;
    if (json_string_is(reader->json, type, "checkpoint", 10))
        return read_checkpoint(reader, &record->checkpoint) ? RECORD_CHECKPOINT : RECORD_NONE;
    reader_fail(reader, "\"type\" is neither sketch nor checkpoint");
    return RECORD_NONE;
}

enum record_kind record_read(struct record_reader *reader, const char *line, size_t size,
                             struct record *record, const char **error)
{
    hc_sketch_destroy(&reader->sketch);
    text_clear(&reader->strings);
    reader->error[0] = '\0';
    *record = (struct record){.kind = RECORD_NONE};
    if (reader_parse(reader, line, size))
        record->kind = read_object(reader, record);
    if (record->kind == RECORD_NONE)
        *error = reader->error;
    return record->kind;
}
