/* Any bytes as a frame, under options that the first byte picks: a verdict that
 * is one of the reasons and does not change, and a frame within its limits. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "limits.h"

#define FRAME_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct decode_options pick_options(uint8_t choice)
{
    struct decode_options options = {
        .user_field = choice & 0x10 ? "/a/0" : "uid",
        .time_field = choice & 0x10 ? "/t~1s" : "ts",
        .time_unit = (enum decode_time_unit)(choice % 8 % 5),
        .user_from = choice & 0x08 ? DECODE_USER_VALUE : DECODE_USER_FIELD,
        .frame_max = FRAME_MAX,
        .now_ms = INT64_C(1468244385000),
        .ahead_max_ms = choice & 0x20 ? 3600000 : DECODE_UNLIMITED,
        .late_max_ms = choice & 0x40 ? 3600000 : DECODE_UNLIMITED,
    };

    return options;
}

static void check_frame(const struct decode_options *options, const struct frame *frame)
{
    int64_t now_s = options->now_ms / 1000;

    assert(frame->user_size >= 1 && frame->user_size <= LIMIT_USER_BYTES);
    assert(frame->time_s >= 0 && frame->time_s <= LIMIT_TIME_S);
    if (options->ahead_max_ms != DECODE_UNLIMITED)
        assert(frame->time_s <= now_s + 3600);
    if (options->late_max_ms != DECODE_UNLIMITED)
        assert(frame->time_s >= now_s - 3600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decode_options options = pick_options(size ? data[0] : 0);
    struct message message = {.timestamp_ms = MESSAGE_NO_TIMESTAMP};
    struct frame first = {0}, second = {0};
    struct decoder *decoder;
    char error[128], *user;
    enum reject reason;

    if (size > 0) {
        message.bytes = (const char *)data + 1;
        message.size = size - 1;
    }
    decoder = decoder_create(&options, error, sizeof error);
    assert(decoder);
    reason = decoder_decode(decoder, &message, &first);
    assert(reason < REJECT_COUNT);
    assert((reason == REJECT_TOO_LARGE) == (message.size > FRAME_MAX));
    if (!reason) {
        check_frame(&options, &first);
        user = malloc(first.user_size);
        assert(user);
        memcpy(user, first.user, first.user_size);
        assert(decoder_decode(decoder, &message, &second) == REJECT_NONE);
        assert(second.time_s == first.time_s && second.user_size == first.user_size);
        assert(memcmp(user, second.user, first.user_size) == 0);
        free(user);
    }
    decoder_destroy(&decoder);
    return 0;
}
