/* Goal: a frame's user and time are found whatever stands around them, in
 * whatever form they are written, and time's arithmetic is exact.
 *
 * A generator writes frames with known fields between decoys: inner objects
 * with the same keys, strings that look like fields, second occurrences. Times
 * start as whole nanoseconds and are written as decimals whose point and
 * exponent are moved about, so that the answer needs no arithmetic on text.
 * Then frames are damaged: what still counts must be valid and in range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "decode.h"
#include "limits.h"
#include "text.h"

#define FRAMES 20000
#define DAMAGED_FRAMES 300

static uint64_t state = 0x853c49e6748fea9b;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

struct known {
    char user[LIMIT_USER_BYTES];
    size_t user_size;
    int64_t time_s;
};

static const struct decode_options options = {
    .user_field = "uid",
    .time_field = "ts",
    .frame_max = LIMIT_FRAME_DEFAULT,
    .ahead_max_ms = DECODE_UNLIMITED,
    .late_max_ms = DECODE_UNLIMITED,
};

/* ASCII as it is or as an escape. */
static void put_text(struct text *frame, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (draw(6) == 0 || bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == '\\')
            text_format(frame, "\\u%04x", (unsigned)bytes[i]);
        else
            text_char(frame, bytes[i]);
    }
}

static void put_key(struct text *frame, const char *key)
{
    text_char(frame, '"');
    put_text(frame, key, strlen(key));
    text_string(frame, draw(3) ? "\":" : "\" : ");
}

/* Some decimal that is `digits` times ten to the minus `places`. */
static void put_decimal(struct text *number, const char *digits, int places)
{
    int size = (int)strlen(digits);
    int shift = (int)draw(25) - 12; /* where the point goes, from its place */
    int point = size - places + shift;

    if (point <= 0)
        text_format(number, "0.%.*s%s", -point, "0000000000000000000000", digits);
    else if (point < size)
        text_format(number, "%.*s.%s", point, digits, digits + point);
    else
        text_format(number, "%s%.*s", digits, point - size, "0000000000000000000000");
    if (shift || draw(2))
        text_format(number, "%c%s%d", "eE"[draw(2)], shift < 0 && draw(2) ? "+" : "", -shift);
}

/* A random time with nine decimal places; returns its seconds. */
static int64_t put_time(struct text *frame)
{
    static const int64_t tops[] = {1, 60, 100000, 1500000000, LIMIT_TIME_S + 1};
    int64_t time_s = (int64_t)draw((uint64_t)tops[draw(5)]);
    struct text number = {0};
    char digits[32];

    if (time_s == 0) {
        text_format(&number, "0.%09d", (int)draw(1000000000));
    } else {
        snprintf(digits, sizeof digits, "%lld%09d", (long long)time_s, (int)draw(1000000000));
        put_decimal(&number, digits, 9);
    }
    if (draw(2)) {
        text_bytes(frame, number.bytes, number.size);
    } else {
        text_char(frame, '"');
        put_text(frame, number.bytes, number.size);
        text_char(frame, '"');
    }
    text_free(&number);
    return time_s;
}

static void put_user(struct text *frame, struct known *known)
{
    if (draw(4) == 0) {
        known->user_size = (size_t)snprintf(known->user, sizeof known->user, "%llu",
                                            (unsigned long long)draw(UINT64_MAX));
        text_string(frame, known->user);
        return;
    }
    known->user_size = 1 + draw(30);
    for (size_t i = 0; i < known->user_size; i++)
        known->user[i] = (char)draw(127);
    text_char(frame, '"');
    put_text(frame, known->user, known->user_size);
    text_char(frame, '"');
}

static void put_decoy(struct text *frame)
{
    static const char *const decoys[] = {
        "\"in\":{\"uid\":\"decoy\",\"ts\":1}", "\"a\":[{\"uid\":\"decoy\"},[\"uid\",\"ts\"],2]",
        "\"s\":\"\\\"uid\\\":\\\"decoy\\\",\\\"ts\\\":3\"", "\"b\":\"}{][\\\\\"", "\"UID\":1",
        "\"uid \":\"x\"", "\"ui\":\"d\"", "\"\":\"uid\"", "\"t\\u0073x\":4",
        "\"\xd0\xbf\":\"\xd1\x80\"", "\"n\":-1.5e-3", "\"t\":true", "\"o\":{}", "\"v\":null"};

    text_string(frame, decoys[draw(sizeof decoys / sizeof *decoys)]);
}

/* Decoys, one field, decoys, the other, decoys, perhaps a field again. */
static void put_frame(struct text *frame, struct known *known)
{
    bool user_first = draw(2);

    text_clear(frame);
    text_char(frame, '{');
    for (int field = 0; field < 2; field++) {
        for (uint64_t i = draw(3); i > 0; i--) {
            put_decoy(frame);
            text_string(frame, draw(4) ? "," : " ,\t");
        }
        if (user_first == (field == 0)) {
            put_key(frame, "uid");
            put_user(frame, known);
        } else {
            put_key(frame, "ts");
            known->time_s = put_time(frame);
        }
        if (field == 0)
            text_char(frame, ',');
    }
    if (draw(3) == 0)
        text_string(frame, draw(2) ? ",\"uid\":\"second\"" : ",\"ts\":[7]");
    text_char(frame, '}');
    ck_assert(!frame->failed);
}

static struct decoder *create(void)
{
    char error[128];
    struct decoder *decoder = decoder_create(&options, error, sizeof error);

    ck_assert_ptr_nonnull(decoder);
    return decoder;
}

START_TEST(known_fields_are_found)
{
    struct decoder *decoder = create();
    struct text text = {0};
    struct known known;

    for (int i = 0; i < FRAMES; i++) {
        struct message message = {.timestamp_ms = MESSAGE_NO_TIMESTAMP};
        struct frame frame;
        enum reject reason;

        put_frame(&text, &known);
        message.bytes = text.bytes;
        message.size = text.size;
        reason = decoder_decode(decoder, &message, &frame);
        ck_assert_msg(reason == REJECT_NONE, "%s: %s", reject_name(reason), text.bytes);
        ck_assert_msg(frame.time_s == known.time_s, "%lld: %s", (long long)frame.time_s,
                      text.bytes);
        ck_assert_uint_eq(frame.user_size, known.user_size);
        ck_assert_mem_eq(frame.user, known.user, known.user_size);
    }
    text_free(&text);
    decoder_destroy(&decoder);
}
END_TEST

/* The same bytes give the same verdict, whatever was decoded before. */
static void check_damaged(struct decoder *decoder, struct decoder *fresh, const char *bytes,
                          size_t size)
{
    struct message message = {.size = size, .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    char *copy = malloc(size ? size : 1);
    struct frame frame = {0}, again = {0};
    enum reject reason;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    message.bytes = copy;
    reason = decoder_decode(decoder, &message, &frame);
    ck_assert_int_eq(decoder_decode(fresh, &message, &again), reason);
    ck_assert_int_lt(reason, REJECT_COUNT);
    if (!reason) {
        ck_assert(frame.time_s >= 0 && frame.time_s <= LIMIT_TIME_S);
        ck_assert(frame.user_size >= 1 && frame.user_size <= LIMIT_USER_BYTES);
        ck_assert_int_eq(frame.time_s, again.time_s);
        ck_assert_uint_eq(frame.user_size, again.user_size);
        ck_assert_mem_eq(frame.user, again.user, frame.user_size);
    }
    free(copy);
}

START_TEST(damaged_frames_are_judged_alike)
{
    struct decoder *decoder = create();
    struct text text = {0};
    struct known known;

    for (int i = 0; i < DAMAGED_FRAMES; i++) {
        struct decoder *fresh = create();

        put_frame(&text, &known);
        for (size_t size = 0; size < text.size; size++) {
            check_damaged(decoder, fresh, text.bytes, size);
            text.bytes[size] ^= (char)(1 << draw(8));
            check_damaged(decoder, fresh, text.bytes, text.size);
        }
        decoder_destroy(&fresh);
    }
    text_free(&text);
    decoder_destroy(&decoder);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, known_fields_are_found);
    tcase_add_test(tcase, damaged_frames_are_judged_alike);
}
