/* A frame's verdict: its two fields are found, then read.
 *
 * All memory is taken at creation, addresses at least: a frame can be damaged,
 * but never fail for want of memory. Text without escapes, which is nearly all,
 * is handed over where it stands in the message. */
#include "decode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_fast.h"
#include "decode_fields.h"
#include "decode_time.h"
#include "json_string.h"
#include "limits.h"

/* Longer times are not remembered. */
#define TIME_BYTES 32

/* The time that was read last: neighbours often have the same. */
struct known_time {
    char text[TIME_BYTES];
    size_t size; /* 0: none */
    int64_t time_ms;
};

struct decoder {
    struct decode_options options; /* without the fields' texts */
    struct json *json;             /* to name damage; NULL when no field is asked for */
    const struct fast_way *way;    /* the same condition */
    struct json_pointer *pointers[FIELDS]; /* NULL unless it is a field */
    struct search_path paths[FIELDS];
    struct known_time known;
    char *time_text;               /* [frame_max], for a string with escapes */
    char user_text[LIMIT_USER_BYTES];
};

static bool compile_field(const char *what, const char *field, struct json_pointer **pointer,
                          char *error, size_t error_size)
{
    const char *reason;

    *pointer = json_pointer_create(field, &reason);
    if (!*pointer)
        snprintf(error, error_size, "%s field '%s': %s", what, field, reason);
    return *pointer;
}

static bool reserve(struct decoder *decoder)
{
    size_t frame_max = decoder->options.frame_max;
    const struct fast_way *const *ways;
    size_t fastest;

    decoder->time_text = malloc(frame_max ? frame_max : 1);
    decoder->json = json_create();
    if (!decoder->time_text || !decoder->json || !json_reserve(decoder->json, frame_max))
        return false;
    for (int i = 0; i < FIELDS; i++) {
        if (!search_path_create(&decoder->paths[i], decoder->pointers[i]))
            return false;
    }
    fastest = fast_ways(&ways) - 1;
    decoder->way = ways[fastest];
    return true;
}

struct decoder *decoder_create(const struct decode_options *options, char *error,
                               size_t error_size)
{
    bool user = options->user_from == DECODE_USER_FIELD;
    bool time = options->time_from == DECODE_TIME_FIELD;
    struct decoder *decoder = calloc(1, sizeof *decoder);

    assert(options->frame_max <= LIMIT_FRAME_MAX);
    if (!decoder) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    decoder->options = *options;
    decoder->options.user_field = decoder->options.time_field = NULL;
    if (user && !compile_field("user", options->user_field, &decoder->pointers[FIELD_USER], error,
                               error_size))
        goto failed;
    if (time && !compile_field("time", options->time_field, &decoder->pointers[FIELD_TIME], error,
                               error_size))
        goto failed;
    if ((user || time) && !reserve(decoder)) {
        snprintf(error, error_size, "no memory for frames of %zu bytes", options->frame_max);
        goto failed;
    }
    return decoder;

failed:
    decoder_destroy(&decoder);
    return NULL;
}

void decoder_destroy(struct decoder **decoder)
{
    if (!*decoder)
        return;
    free((*decoder)->time_text);
    for (int i = 0; i < FIELDS; i++) {
        search_path_destroy(&(*decoder)->paths[i]);
        json_pointer_destroy(&(*decoder)->pointers[i]);
    }
    json_destroy(&(*decoder)->json);
    free(*decoder);
    *decoder = NULL;
}

/* What the fast way stumbles over is named by reading it byte by byte, or taken:
 * no frame rests on the fast way's word alone that it is damaged. */
static enum reject find_fields(struct decoder *decoder, const struct message *message,
                               struct field fields[FIELDS])
{
    size_t stop;

    if (decoder->way->read(decoder->paths, message->bytes, message->size,
                           decoder->options.strict, fields, &stop))
        return REJECT_NONE;
    return decode_strict(decoder->json, decoder->pointers, message->bytes, message->size, fields);
}

/* A string or number as text: in place, or decoded into `into`. False when a
 * string with escapes takes more than `room`. */
static bool read_text(const struct field *field, char *into, size_t room, const char **text,
                      size_t *size)
{
    *text = field->text;
    *size = field->size;
    if (field->kind == FIELD_NUMBER || !memchr(field->text, '\\', field->size))
        return true;
    *text = into;
    return json_string_decode(field->text, field->size, into, room, size);
}

static bool is_text(const struct field *field)
{
    return field->kind == FIELD_STRING || field->kind == FIELD_NUMBER;
}

static enum reject read_user(struct decoder *decoder, const struct message *message,
                             const struct field *field, struct frame *frame)
{
    switch (decoder->options.user_from) {
    case DECODE_USER_KEY:
        if (!message->key)
            return REJECT_NO_USER;
        frame->user = message->key;
        frame->user_size = message->key_size;
        break;
    case DECODE_USER_VALUE:
        frame->user = message->bytes;
        frame->user_size = message->size;
        break;
    case DECODE_USER_FIELD:
        if (field->kind == FIELD_MISSING)
            return REJECT_NO_USER;
        if (!is_text(field))
            return REJECT_USER_TYPE;
        if (!read_text(field, decoder->user_text, sizeof decoder->user_text, &frame->user,
                       &frame->user_size))
            return REJECT_USER_TOO_LONG;
        break;
    }
    if (frame->user_size == 0)
        return REJECT_USER_EMPTY;
    return frame->user_size > LIMIT_USER_BYTES ? REJECT_USER_TOO_LONG : REJECT_NONE;
}

/* Is `time_ms` further from the reference than the options allow? A limit that
 * lies beyond the numbers is none. */
static enum reject judge_distance(const struct decode_options *options,
                                  const struct message *message, int64_t time_ms)
{
    bool stamped = message->timestamp_ms != MESSAGE_NO_TIMESTAMP;
    int64_t reference_ms = stamped ? message->timestamp_ms : options->now_ms;
    int64_t limit_ms;

    if (options->ahead_max_ms != DECODE_UNLIMITED &&
        !__builtin_add_overflow(reference_ms, options->ahead_max_ms, &limit_ms) &&
        time_ms > limit_ms)
        return REJECT_TIME_AHEAD;
    if (options->late_max_ms != DECODE_UNLIMITED &&
        !__builtin_sub_overflow(reference_ms, options->late_max_ms, &limit_ms) &&
        time_ms < limit_ms)
        return REJECT_TIME_LATE;
    return REJECT_NONE;
}

static enum reject read_record_time(const struct message *message, struct frame *frame)
{
    if (message->timestamp_ms == MESSAGE_NO_TIMESTAMP)
        return REJECT_NO_TIME;
    if (message->timestamp_ms < 0 || message->timestamp_ms / 1000 > LIMIT_TIME_S)
        return REJECT_TIME_RANGE;
    frame->time_s = message->timestamp_ms / 1000;
    return REJECT_NONE;
}

/* The text's time; what was read last is known. */
static enum reject know_time(struct decoder *decoder, const char *text, size_t size,
                             int64_t *time_ms)
{
    struct known_time *known = &decoder->known;
    enum reject reason;

    if (size == known->size && size > 0 && memcmp(text, known->text, size) == 0) {
        *time_ms = known->time_ms;
        return REJECT_NONE;
    }
    reason = decode_time_text(text, size, decoder->options.time_unit, time_ms);
    if (!reason && size <= sizeof known->text) {
        memcpy(known->text, text, size);
        known->size = size;
        known->time_ms = *time_ms;
    }
    return reason;
}

static enum reject read_time(struct decoder *decoder, const struct message *message,
                             const struct field *field, struct frame *frame)
{
    enum reject reason;
    const char *text;
    int64_t time_ms;
    size_t size;
    bool fits;

    if (decoder->options.time_from == DECODE_TIME_RECORD)
        return read_record_time(message, frame);
    if (field->kind == FIELD_MISSING)
        return REJECT_NO_TIME;
    if (!is_text(field) ||
        (decoder->options.time_unit == DECODE_RFC3339 && field->kind != FIELD_STRING))
        return REJECT_TIME_TYPE;
    /* A frame's strings fit into a frame's size. */
    fits = read_text(field, decoder->time_text, decoder->options.frame_max, &text, &size);
    assert(fits);
    reason = know_time(decoder, text, size, &time_ms);
    if (reason)
        return reason;
    frame->time_s = time_ms / 1000;
    return judge_distance(&decoder->options, message, time_ms);
}

enum reject decoder_decode(struct decoder *decoder, const struct message *message,
                           struct frame *frame)
{
    enum reject reason = REJECT_NONE;
    struct field fields[FIELDS];
    struct frame found;

    if (message->size > decoder->options.frame_max)
        return REJECT_TOO_LARGE;
    if (decoder->options.user_from == DECODE_USER_VALUE && message->size == 0)
        return REJECT_EMPTY;
    if (decoder->json)
        reason = find_fields(decoder, message, fields);
    if (!reason)
        reason = read_user(decoder, message, &fields[FIELD_USER], &found);
    if (!reason)
        reason = read_time(decoder, message, &fields[FIELD_TIME], &found);
    if (!reason)
        *frame = found;
    return reason;
}
