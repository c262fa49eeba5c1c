/* The strict decoder: the whole frame is checked, then its two fields are read.
 *
 * All memory is taken at creation, addresses at least: a frame can be damaged,
 * but never fail for want of memory. Text without escapes, which is nearly all,
 * is handed over where it stands in the message. */
#include "decode.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_time.h"
#include "json.h"
#include "limits.h"

struct decoder {
    struct decode_options options; /* without the fields' texts */
    struct json *json;             /* NULL when no field is asked for */
    struct json_pointer *user;     /* NULL unless the user is a field */
    struct json_pointer *time;
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

    decoder->json = json_create();
    decoder->time_text = malloc(frame_max ? frame_max : 1);
    return decoder->json && decoder->time_text && json_reserve(decoder->json, frame_max);
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
    if (user && !compile_field("user", options->user_field, &decoder->user, error, error_size))
        goto failed;
    if (time && !compile_field("time", options->time_field, &decoder->time, error, error_size))
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
    json_pointer_destroy(&(*decoder)->time);
    json_pointer_destroy(&(*decoder)->user);
    json_destroy(&(*decoder)->json);
    free(*decoder);
    *decoder = NULL;
}

static enum reject read_document(struct decoder *decoder, const struct message *message)
{
    switch (json_parse(decoder->json, message->bytes, message->size)) {
    case JSON_OK:
        return json_kind(decoder->json, 0) == JSON_OBJECT ? REJECT_NONE : REJECT_NOT_OBJECT;
    case JSON_EMPTY:
        return REJECT_EMPTY;
    case JSON_NOT_JSON:
        return REJECT_NOT_JSON;
    case JSON_TOO_DEEP:
        return REJECT_TOO_DEEP;
    case JSON_BAD_ESCAPE:
        return REJECT_BAD_ESCAPE;
    case JSON_BAD_UTF8:
        return REJECT_BAD_UTF8;
    case JSON_NO_MEMORY:
        break;
    }
    assert(!"room for any frame was reserved");
    return REJECT_NOT_JSON;
}

/* A string or number as text: in place, or decoded into `into`. False when a
 * string with escapes takes more than `room`. */
static bool read_text(const struct json *json, int token, char *into, size_t room,
                      const char **text, size_t *size)
{
    *text = json_text(json, token, size);
    if (json_kind(json, token) == JSON_NUMBER || !memchr(*text, '\\', *size))
        return true;
    *text = into;
    return json_string(json, token, into, room, size);
}

static bool is_text(const struct json *json, int token)
{
    enum json_kind kind = json_kind(json, token);

    return kind == JSON_STRING || kind == JSON_NUMBER;
}

static enum reject read_user(struct decoder *decoder, const struct message *message,
                             struct frame *frame)
{
    int token;

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
        token = json_pointer_find(decoder->json, decoder->user);
        if (token < 0)
            return REJECT_NO_USER;
        if (!is_text(decoder->json, token))
            return REJECT_USER_TYPE;
        if (!read_text(decoder->json, token, decoder->user_text, sizeof decoder->user_text,
                       &frame->user, &frame->user_size))
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

static enum reject read_time(struct decoder *decoder, const struct message *message,
                             struct frame *frame)
{
    enum decode_time_unit unit = decoder->options.time_unit;
    enum reject reason;
    const char *text;
    int64_t time_ms;
    size_t size;
    bool fits;
    int token;

    if (decoder->options.time_from == DECODE_TIME_RECORD)
        return read_record_time(message, frame);
    token = json_pointer_find(decoder->json, decoder->time);
    if (token < 0)
        return REJECT_NO_TIME;
    if (!is_text(decoder->json, token) ||
        (unit == DECODE_RFC3339 && json_kind(decoder->json, token) != JSON_STRING))
        return REJECT_TIME_TYPE;
    /* A frame's strings fit into a frame's size. */
    fits = read_text(decoder->json, token, decoder->time_text, decoder->options.frame_max, &text,
                     &size);
    assert(fits);
    reason = decode_time_text(text, size, unit, &time_ms);
    if (reason)
        return reason;
    frame->time_s = time_ms / 1000;
    return judge_distance(&decoder->options, message, time_ms);
}

enum reject decoder_decode(struct decoder *decoder, const struct message *message,
                           struct frame *frame)
{
    enum reject reason = REJECT_NONE;
    struct frame found;

    if (message->size > decoder->options.frame_max)
        return REJECT_TOO_LARGE;
    if (decoder->options.user_from == DECODE_USER_VALUE && message->size == 0)
        return REJECT_EMPTY;
    if (decoder->json)
        reason = read_document(decoder, message);
    if (!reason)
        reason = read_user(decoder, message, &found);
    if (!reason)
        reason = read_time(decoder, message, &found);
    if (!reason)
        *frame = found;
    return reason;
}
