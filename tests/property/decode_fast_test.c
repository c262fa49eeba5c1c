/* Goal: the fast way finds what a plain reader finds, in every way that this
 * processor has, and gives the verdict that the strict one gives of what was
 * read: for the hard frames and for frames that a generator makes of marks,
 * backslashes, quotes and half characters, whole and damaged, cut at every byte,
 * shifted over the borders of blocks, and under paths of every kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "decode_judge.h"
#include "limits.h"
#include "text.h"

#define FRAME_MAX 16384
#define FRAMES 3000
#define CUT_FRAMES 120
#define SHIFTS 64

static const char *const fields[][2] = {
    {"uid", "ts"},
    {"/a/0", "/a/1"},
    {"/a/uid", "/t~1s/ts"},
    {"/a", "/a/ts"},
    {"uid", "uid"},
    {"/a/0/uid", "/a/0/ts/2"},
    {"", "ts"},
    {"uid", ""},
    {"identifier of the user", "identifier of the time"},
    {"u\"id", "t\\n"},
    {"/", "/ "},
};
#define PATHS (sizeof fields / sizeof *fields)

/* The path that frames are made for. */
static size_t path_now;
static uint64_t state = 0x853c49e6748fea9b;

static size_t draw(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % below;
}

static struct decode_judge *create(size_t path)
{
    struct decode_options options = {
        .user_field = fields[path][0],
        .time_field = fields[path][1],
        .user_from = *fields[path][0] ? DECODE_USER_FIELD : DECODE_USER_KEY,
        .time_from = *fields[path][1] ? DECODE_TIME_FIELD : DECODE_TIME_RECORD,
        .time_unit = (enum decode_time_unit)draw(4),
        .frame_max = FRAME_MAX,
        .ahead_max_ms = draw(2) ? DECODE_UNLIMITED : INT64_C(3600000) * 24,
        .late_max_ms = DECODE_UNLIMITED,
    };

    path_now = path;
    return decode_judge_create(&options);
}

/* The keys that each path wants, the outer ones first. */
static const char *const wanted[PATHS][4] = {
    {"uid", "ts", "ts", "uid"}, {"a", "a", "a", "a"},       {"a", "t/s", "uid", "ts"},
    {"a", "a", "ts", "ts"},     {"uid", "uid", "a", "uid"}, {"a", "a", "uid", "ts"},
    {"ts", "ts", "ts", "ts"},   {"uid", "uid", "uid", "a"}, {"identifier of the user",
     "identifier of the time", "identifier of the time", "uid"},
    {"u\\\"id", "t\\\\n", "a", "ts"}, {"", " ", "", " "}};

/* A name of a path's step, or something like it. */
static const char *pick_name(int depth)
{
    static const char *const names[] = {
        "uid", "ts", "a", "uid", "ts", "a", "t/s", "t\\/s", "\\u0075id", "t\\u0073", "\\u0061",
        "identifier of the user", "identifier of the tim\\u0065", "identifier of the time",
        "identifier of the us", "u\\\"id", "t\\\\n", "t\\n", "", " ", "ui", "uidd", "UID",
        "\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87", "a string that fills the better part of a block of 64"};

    if (draw(2))
        return wanted[path_now][draw(2) + (depth > 1 ? 2 : 0)];
    return names[draw(sizeof names / sizeof *names)];
}

static const char *pick_inner(void)
{
    static const char *const inner[] = {
        "x", "{", "}", "[", "]", ":", ",", " ", "uid", "\\\"", "\\\\", "\\/", "\\n", "\\u0041",
        "\\ud83d\\ude00", "\\u0000", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "0123456789abcdef", "\xd0\xbf\xd1\x80\xd0\xb8", "\x7f"};

    return inner[draw(sizeof inner / sizeof *inner)];
}

static const char *pick_damage(void)
{
    static const char *const damages[] = {
        "\"", "\\", "\\x", "\\u12", "\\ud800", "\\udc00", "\\ud83d\\u0041", "\\ud83d\\\\ude00",
        "\n", "\t", "\x01", "\x1f", "\x80", "\xc3", "\xc0\x80", "\xe2\x82", "\xe0\x80\x80",
        "\xed\xa0\x80", "\xf0\x9f\x98", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "{", "}", "[", "]", ",", ":", "1", "-", ".", "e", "t", "\f", "\x1a", "\xa0"};

    return damages[draw(sizeof damages / sizeof *damages)];
}

static void put_space(struct text *frame)
{
    static const char *const spaces[] = {" ", "\t", "\r\n", "  ", "                     "};

    if (draw(6) == 0)
        text_string(frame, spaces[draw(5)]);
}

static void put_string(struct text *frame)
{
    text_char(frame, '"');
    for (size_t i = draw(draw(8) ? 4 : 70); i > 0; i--)
        text_string(frame, pick_inner());
    if (draw(8) == 0) {
        for (size_t i = draw(140) & ~(size_t)1; i > 0; i--)
            text_char(frame, '\\');
    }
    text_char(frame, '"');
}

static void put_scalar(struct text *frame)
{
    static const char *const scalars[] = {
        "1468244385", "\"1468244385\"", "0", "-0", "-1.5e-3", "1e3", "7E+2", "1468244385.25",
        "true", "1468244385", "false", "null", "\"\"", "\"user\"", "42", "\"\\u0031\"",
        "123456789012345678901234567890"};

    if (draw(3))
        text_string(frame, scalars[draw(sizeof scalars / sizeof *scalars)]);
    else
        put_string(frame);
}

/* *inner: the value had better be an object or array. */
static void put_key(struct text *frame, int depth, bool *inner)
{
    const char *name = pick_name(depth);

    text_format(frame, "\"%s\"", name);
    put_space(frame);
    text_char(frame, ':');
    put_space(frame);
    *inner = depth == 1 && strchr("at", *name) && strcmp(name, "ts") != 0;
}

/* More often than not an object or array where one is of use. */
static void put_value(struct text *frame, int depth, bool inner)
{
    size_t kind = depth < 5 ? draw(inner ? 3 : 8) : 7;

    if (kind > 1) {
        put_scalar(frame);
        return;
    }
    text_char(frame, kind ? '{' : '[');
    for (size_t i = 0, count = draw(5); i < count; i++) {
        text_string(frame, i ? "," : "");
        put_space(frame);
        if (kind)
            put_key(frame, depth + 1, &inner);
        put_value(frame, depth + 1, kind ? inner : depth < 3);
        put_space(frame);
    }
    text_char(frame, kind ? '}' : ']');
}

static void put_frame(struct text *frame)
{
    text_clear(frame);
    put_space(frame);
    text_char(frame, '{');
    for (size_t i = 0, count = draw(12); i < count; i++) {
        bool inner;

        text_string(frame, i ? "," : "");
        put_key(frame, 1, &inner);
        put_value(frame, 1, inner);
        put_space(frame);
    }
    text_char(frame, '}');
    put_space(frame);
    ck_assert(!frame->failed);
    if (frame->size > FRAME_MAX / 2)
        put_frame(frame);
}

/* Something put into the middle, in the place of up to two bytes. */
static void damage(struct text *into, const struct text *frame)
{
    size_t at = draw(frame->size + 1);
    size_t behind = at + draw(3) < frame->size ? at + draw(3) : at;

    text_clear(into);
    text_bytes(into, frame->bytes, at);
    text_string(into, pick_damage());
    if (behind < frame->size)
        text_bytes(into, frame->bytes + behind, frame->size - behind);
    ck_assert(!into->failed);
}

START_TEST(frames_and_damaged_frames)
{
    struct decode_judge *judge = create((size_t)_i);
    struct text frame = {0}, damaged = {0};
    int accepted = 0, only_strict = 0;

    for (int i = 0; i < FRAMES; i++) {
        put_frame(&frame);
        accepted += decode_judge_check(judge, frame.bytes, frame.size, NULL) == REJECT_NONE;
        for (int j = 0; j < 8; j++) {
            bool unseen;

            damage(&damaged, &frame);
            decode_judge_check(judge, damaged.bytes, damaged.size, &unseen);
            only_strict += unseen;
        }
    }
    /* The generator does its work. */
    ck_assert_msg(only_strict > 10, "only_strict %d", only_strict);
    ck_assert_msg(accepted > (_i == 3 || _i == 5 ? -1 : 3), "accepted %d", accepted);
    text_free(&damaged);
    text_free(&frame);
    decode_judge_destroy(&judge);
}
END_TEST

START_TEST(cut_at_every_byte_with_every_bit_flipped)
{
    struct decode_judge *judge = create((size_t)_i);
    struct text frame = {0};

    for (int i = 0; i < CUT_FRAMES; i++) {
        put_frame(&frame);
        for (size_t at = 0; at < frame.size; at++) {
            decode_judge_check(judge, frame.bytes, at, NULL);
            frame.bytes[at] ^= (char)(1 << draw(8));
            decode_judge_check(judge, frame.bytes, frame.size, NULL);
            frame.bytes[at] ^= (char)(draw(4) ? 0 : 1 << draw(8));
            if (draw(2))
                put_frame(&frame);
        }
    }
    text_free(&frame);
    decode_judge_destroy(&judge);
}
END_TEST

/* The bytes with all that space before them that moves them over a border. */
static void check_shifted(struct decode_judge *judge, const char *bytes, size_t size)
{
    struct text shifted = {0};

    for (int shift = 0; shift < SHIFTS; shift++) {
        text_clear(&shifted);
        text_format(&shifted, "%*s", shift, "");
        text_bytes(&shifted, bytes, size);
        ck_assert(!shifted.failed);
        decode_judge_check(judge, shifted.bytes, shifted.size, NULL);
    }
    text_free(&shifted);
}

/* A piece between the two halves of a frame, at every place of a block. */
static void check_piece(struct decode_judge *judge, const char *const halves[2],
                        const char *piece)
{
    struct text frame = {0};

    text_string(&frame, halves[0]);
    text_string(&frame, piece);
    text_string(&frame, halves[1]);
    check_shifted(judge, frame.bytes, frame.size);
    text_free(&frame);
}

/* In a value before the fields, before an escaped quote, in a key, in the user,
 * behind, before something else, and outside of strings. */
static const char *const places[][2] = {
    {"{\"x\":\"", "\",\"uid\":\"a\",\"ts\":5}"}, {"{\"x\":\"", "\\\"\",\"uid\":\"a\",\"ts\":5}"},
    {"{\"", "\":1,\"uid\":\"a\",\"ts\":5}"},       {"{\"ts\":5,\"uid\":\"", "\"}"},
    {"{\"ts\":5,\"uid\":\"a\",\"x\":\"", "\"}"}, {"{\"x\":\"", "u0041\",\"uid\":\"a\",\"ts\":5}"},
    {"{\"x\":[", "],\"uid\":\"a\",\"ts\":5}"}};
#define PLACES (sizeof places / sizeof *places)

START_TEST(runs_of_backslashes_at_every_place)
{
    struct decode_judge *judge = create(0);
    char backslashes[140] = "";

    for (size_t count = 1; count < sizeof backslashes; count++) {
        backslashes[count - 1] = '\\';
        for (size_t place = 0; place < PLACES; place++)
            check_piece(judge, places[place], backslashes);
    }
    decode_judge_destroy(&judge);
}
END_TEST

START_TEST(damage_at_every_place)
{
    struct decode_judge *judge = create(0);

    for (int i = 0; i < 400; i++) {
        const char *piece = i % 2 ? pick_damage() : pick_inner();

        for (size_t place = 0; place < PLACES; place++)
            check_piece(judge, places[place], piece);
    }
    decode_judge_destroy(&judge);
}
END_TEST

/* More values than are kept to be looked at in the end, one of which is none. */
START_TEST(damage_among_many_values)
{
    static const char *const values[] = {"1.5", "-1", "true", "false", "null", "1e3", "12"};
    static const char *const damages[] = {"1.", "-", "tru", "nulll", "01", "1e", "+1", "1.5.5"};
    struct decode_judge *judge = create(0);
    struct text frame = {0};

    for (size_t count = 1; count < 140; count++) {
        size_t bad = draw(3) ? draw(count) : count;

        text_clear(&frame);
        text_string(&frame, "{\"x\":[");
        for (size_t i = 0; i < count; i++)
            text_format(&frame, "%s%s", i ? "," : "",
                        i == bad ? damages[draw(8)] : values[draw(7)]);
        text_string(&frame, "],\"uid\":\"a\",\"ts\":5,\"y\":1.}");
        ck_assert(!frame.failed);
        ck_assert_int_eq(decode_judge_check(judge, frame.bytes, frame.size, NULL),
                         bad < count ? REJECT_NOT_JSON : REJECT_NONE);
    }
    text_free(&frame);
    decode_judge_destroy(&judge);
}
END_TEST

START_TEST(hard_frames)
{
    FILE *file = fopen(TEST_DATA "/golden/hard.jsonl", "r");
    struct decode_judge *judge = create(0);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    ck_assert_ptr_nonnull(file);
    while ((size = getline(&line, &room, file)) > 0) {
        if (size > FRAME_MAX)
            continue;
        decode_judge_check(judge, line, (size_t)size - 1, NULL);
        if (size > 1000)
            continue;
        check_shifted(judge, line, (size_t)size - 1);
        for (size_t at = 0; at < (size_t)size - 1; at++) {
            decode_judge_check(judge, line, at, NULL);
            for (int bit = 0; bit < 8; bit++) {
                line[at] ^= (char)(1 << bit);
                decode_judge_check(judge, line, (size_t)size - 1, NULL);
                line[at] ^= (char)(1 << bit);
            }
        }
    }
    free(line);
    fclose(file);
    decode_judge_destroy(&judge);
}
END_TEST

START_TEST(depth_is_counted)
{
    struct decode_judge *judge = create(0);
    struct text frame = {0};

    for (int levels = LIMIT_DEPTH - 2; levels <= LIMIT_DEPTH + 1; levels++) {
        for (int kind = 0; kind < 3; kind++) {
            text_clear(&frame);
            text_string(&frame, "{\"x\":");
            for (int i = 0; i < levels; i++)
                text_string(&frame, kind == 0 || (kind == 2 && i % 3) ? "[" : "{\"uid\":");
            text_string(&frame, "1");
            for (int i = levels - 1; i >= 0; i--)
                text_char(&frame, kind == 0 || (kind == 2 && i % 3) ? ']' : '}');
            text_string(&frame, ",\"uid\":\"a\",\"ts\":5}");
            ck_assert(!frame.failed);
            ck_assert_int_eq(decode_judge_check(judge, frame.bytes, frame.size, NULL),
                             levels < LIMIT_DEPTH ? REJECT_NONE : REJECT_TOO_DEEP);
        }
    }
    text_free(&frame);
    decode_judge_destroy(&judge);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, frames_and_damaged_frames, 0, (int)PATHS);
    tcase_add_loop_test(tcase, cut_at_every_byte_with_every_bit_flipped, 0, (int)PATHS);
    tcase_add_test(tcase, runs_of_backslashes_at_every_place);
    tcase_add_test(tcase, damage_at_every_place);
    tcase_add_test(tcase, damage_among_many_values);
    tcase_add_test(tcase, hard_frames);
    tcase_add_test(tcase, depth_is_counted);
}
