/* A decoder of one frame, and messages for it. */
#ifndef SUPPORT_DECODE_KIT_H
#define SUPPORT_DECODE_KIT_H

#include <check.h>
#include <string.h>

#include "decode.h"
#include "limits.h"

/* Nothing but the two fields is asked for. */
static const struct decode_options plain = {
    .user_field = "uid",
    .time_field = "ts",
    .frame_max = LIMIT_FRAME_DEFAULT,
    .ahead_max_ms = DECODE_UNLIMITED,
    .late_max_ms = DECODE_UNLIMITED,
};

static inline struct decoder *create(const struct decode_options *options)
{
    char error[256];
    struct decoder *decoder = decoder_create(options, error, sizeof error);

    ck_assert_msg(decoder != NULL, "%s", error);
    return decoder;
}

/* The verdict on one frame of a decoder that is made for it. */
static inline enum reject decode_once(const struct decode_options *options,
                                      const struct message *message, int64_t *time_s)
{
    struct decoder *decoder = create(options);
    struct frame frame = {0};
    enum reject reason = decoder_decode(decoder, message, &frame);

    if (time_s)
        *time_s = frame.time_s;
    decoder_destroy(&decoder);
    ck_assert_ptr_null(decoder);
    return reason;
}

static inline struct message message_of(const char *bytes)
{
    return (struct message){
        .bytes = bytes, .size = strlen(bytes), .timestamp_ms = MESSAGE_NO_TIMESTAMP};
}

#endif
