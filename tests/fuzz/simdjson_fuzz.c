/* Any bytes as a document and as a frame: our strict verdict is simdjson's, and so
 * are the kinds, members, decoded strings and numbers, the user's bytes and the
 * time; the fast verdict is the same for what is a document. Only the depth
 * limit is our own. Which fields are asked for, and in which unit the time is,
 * depends on the bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "limits.h"
#include "simdjson_judge.h"

/* Larger inputs are not looked at. */
#define BYTES_MAX 65536
#define DECODERS 8

struct reader {
    struct json *json;
    struct simdjson_judge *judge;
    struct decode_options options[DECODERS];
    struct decoder *decoders[DECODERS];
    struct decoder *fast[DECODERS];
};

/* Made once: to make it takes longer than to use it. */
static struct reader reader;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void create_decoder(unsigned which)
{
    char error[128];

    reader.options[which] = (struct decode_options){
        .user_field = which & 4 ? "/a/0" : "uid",
        .time_field = which & 4 ? "/t~1s/ts" : "ts",
        .time_unit = (enum decode_time_unit)(which % 4),
        .frame_max = BYTES_MAX,
        .ahead_max_ms = DECODE_UNLIMITED,
        .late_max_ms = DECODE_UNLIMITED,
    };
    reader.fast[which] = decoder_create(&reader.options[which], error, sizeof error);
    reader.options[which].strict = true;
    reader.decoders[which] = decoder_create(&reader.options[which], error, sizeof error);
    assert(reader.fast[which] && reader.decoders[which]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    reader.json = json_create();
    reader.judge = simdjson_judge_create(BYTES_MAX);
    assert(reader.json);
    for (unsigned which = 0; which < DECODERS; which++)
        create_decoder(which);
    return 0;
}

/* Only if more brackets are open than we allow may we call it too deep. */
static bool is_deep(const char *bytes, size_t size)
{
    size_t opening = 0;

    for (size_t i = 0; i < size; i++)
        opening += bytes[i] == '[' || bytes[i] == '{';
    return opening > LIMIT_DEPTH;
}

static void stop_if(const char *difference)
{
    if (!difference)
        return;
    fprintf(stderr, "simdjson sees it otherwise: %s\n", difference);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message message = {
        .bytes = (const char *)data, .size = size, .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    struct frame frame = {0};
    enum json_status status;
    enum reject reason;
    unsigned which = 0;

    if (size > BYTES_MAX)
        return 0;
    if (!reader.json)
        LLVMFuzzerInitialize(NULL, NULL);
    status = json_parse(reader.json, message.bytes, size);
    if (status == JSON_TOO_DEEP) {
        assert(is_deep(message.bytes, size));
        return 0;
    }
    if ((status == JSON_OK) != simdjson_judge_takes_cut(reader.judge, message.bytes, size))
        stop_if("the verdict");
    if (status == JSON_OK)
        stop_if(simdjson_judge_compare(reader.judge, reader.json));
    for (size_t i = 0; i < size; i++)
        which += data[i];
    which %= DECODERS;
    reason = decoder_decode(reader.decoders[which], &message, &frame);
    stop_if(simdjson_judge_frame(reader.judge, &reader.options[which], reason, &frame));
    if (status != JSON_OK)
        return 0;
    reason = decoder_decode(reader.fast[which], &message, &frame);
    stop_if(simdjson_judge_frame(reader.judge, &reader.options[which], reason, &frame));
    return 0;
}
