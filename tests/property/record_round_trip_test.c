/* Goal: whatever is written is read back the same, and written again is the
 * same line; a damaged line is refused, or at worst differs in a label: never
 * another sketch, never another minute, never a crash. (Check's assertions write
 * a mark each, which is slow: where there are very many it is plain assert.) */
#include "record_samples.h"

#include <assert.h>
#include <stdlib.h>

#include "check_main.h"
#include "limits.h"

#define ROUNDS 300
#define STRING_MAX 24

/* Text of any characters that UTF-8 has in one to four bytes. */
static const char *random_string(uint64_t *state, char room[4 * STRING_MAX + 1])
{
    static const char *const pieces[] = {"a", "Z", "0", "\"", "\\", "/", "\n", "\x01", "\x7f", " ",
                                         "\xc3\xa9", "\xd0\x96", "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80"};
    uint64_t count = random_below(state, STRING_MAX);
    char *at = room;
    *at = '\0';
    for (uint64_t i = 0; i < count; i++)
        at = stpcpy(at, pieces[random_below(state, sizeof pieces / sizeof *pieces)]);
    return room;
}

/* Small, large and at the limits. */
static uint64_t random_count(uint64_t *state)
{
    switch (random_below(state, 4)) {
    case 0:
        return random_below(state, 3);
    case 1:
        return INT64_MAX - 1 - random_below(state, 3);
    default:
        return random_below(state, (uint64_t)1 << (1 + random_below(state, 62)));
    }
}

struct strings {
    char stream[4 * STRING_MAX + 1], instance[4 * STRING_MAX + 1], fields[4 * STRING_MAX + 1];
    char cluster[4 * STRING_MAX + 1], topic[4 * STRING_MAX + 1], group[4 * STRING_MAX + 1];
};

static struct record_sketch random_sketch_record(uint64_t *state, struct strings *strings,
                                                 const struct hc_sketch *sketch)
{
    return (struct record_sketch){
        .stream = random_string(state, strings->stream),
        .minute_s = (int64_t)random_below(state, LIMIT_TIME_S / 60 + 1) * 60,
        .group = random_below(state, 2) ? "{}" : "{\"a\":\"\\n\",\"b\":-1.5e3}",
        .state = (enum record_state)random_below(state, 3),
        .whole = random_below(state, 2),
        .frames = random_count(state),
        .instance = random_string(state, strings->instance),
        .epoch_ms = (int64_t)random_count(state),
        .sequence = random_count(state),
        .fields = random_string(state, strings->fields),
        .estimate = hc_sketch_estimate(sketch),
        .sketch = sketch};
}

static void read_back(struct record_reader *reader, const struct text *line, struct record *record,
                      enum record_kind expected)
{
    const char *error = "";
    enum record_kind kind = record_read(reader, line->bytes, line->size, record, &error);
    ck_assert_msg(kind == expected, "%s: %s", error, line->bytes);
}

/* A line differs from another only where the estimate was rounded. */
static void same_when_written_again(struct record *record, const struct text *line)
{
    struct text again = {0};
    if (record->kind == RECORD_SKETCH) {
        record->sketch.estimate = hc_sketch_estimate(record->sketch.sketch);
        ck_assert_int_eq(record_write_sketch(&record->sketch, &again), HC_OK);
    } else {
        ck_assert_int_eq(record_write_checkpoint(&record->checkpoint, &again), HC_OK);
    }
    ck_assert_str_eq(again.bytes, line->bytes);
    text_free(&again);
}

START_TEST(sketches)
{
    uint64_t state = 11;
    struct record_reader *reader = record_reader_create();
    struct hc_codec *codec;
    struct text line = {0};
    struct strings strings;
    struct record record;
    ck_assert_int_eq(hc_codec_create(NULL, &codec), HC_OK);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned precision = HC_PRECISION_MIN + (unsigned)random_below(&state, 11);
        unsigned users = (unsigned)random_below(&state, (uint64_t)2 << precision);
        enum hc_profile profile = (enum hc_profile)(1 + random_below(&state, HC_PROFILE_KEYED));
        struct hc_sketch *sketch =
            sample_sketch_in(profile, precision, (unsigned)round * 1000, users);
        struct record_sketch written = random_sketch_record(&state, &strings, sketch);
        written.codec = random_below(&state, 2) ? codec : NULL; /* the same bytes */
        text_clear(&line);
        ck_assert_int_eq(record_write_sketch(&written, &line), HC_OK);
        ck_assert_ptr_null(strchr(line.bytes, '\n'));
        read_back(reader, &line, &record, RECORD_SKETCH);
        sample_same_sketch(&record.sketch, &written);
        same_when_written_again(&record, &line);
        hc_sketch_destroy(&sketch);
    }
    hc_codec_destroy(&codec);
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

static int64_t random_position(uint64_t *state, int64_t from)
{
    uint64_t room = (uint64_t)(INT64_MAX - from);
    uint64_t step = random_count(state);
    return from + (int64_t)(step < room ? step : room);
}

static size_t random_partition(uint64_t *state, int32_t number, struct record_partition *partition,
                               struct record_range *missing)
{
    size_t count = 0;
    int64_t at = random_position(state, 0);
    *partition = (struct record_partition){.partition = number, .from = at, .missing = missing,
                                           .watermark_s = INT64_MIN,
                                           .idle = random_below(state, 2),
                                           .end = random_below(state, 2)};
    if (random_below(state, 3))
        partition->watermark_s = (int64_t)random_below(state, LIMIT_TIME_S) - 10;
    for (uint64_t i = random_below(state, 4); i > 0; i--) {
        int64_t from = random_position(state, at), to = random_position(state, from);
        if (from == to)
            break;
        missing[count++] = (struct record_range){from, to};
        at = to;
    }
    partition->missing_count = count;
    partition->to = random_position(state, at);
    return count;
}

START_TEST(checkpoints)
{
    uint64_t state = 12;
    struct record_reader *reader = record_reader_create();
    struct text line = {0};
    struct strings s;
    struct record record;
    for (int round = 0; round < ROUNDS; round++) {
        struct record_partition partitions[8];
        struct record_range missing[8 * 4];
        uint64_t replaced[8];
        size_t missing_count = 0;
        struct record_checkpoint written = {
            .stream = random_string(&state, s.stream),
            .instance = random_string(&state, s.instance),
            .epoch_ms = (int64_t)random_count(&state), .number = random_count(&state),
            .time_ms = (int64_t)random_below(&state, LIMIT_TIME_S * 1000),
            .cluster = random_string(&state, s.cluster), .topic = random_string(&state, s.topic),
            .partitions_total = (int32_t)random_below(&state, 65537),
            .input_group = random_string(&state, s.group), .frames = random_count(&state),
            .sequence_first = random_count(&state), .sequence_last = random_count(&state),
            .replaced = replaced, .partitions = partitions,
            .partitions_count = (size_t)random_below(&state, 9)};
        if (written.sequence_first + 8 < written.sequence_last)
            written.replaced_count = (size_t)random_below(&state, 9);
        for (size_t i = 0; i < written.replaced_count; i++)
            replaced[i] = written.sequence_first + i;
        for (size_t i = 0; i < written.partitions_count; i++)
            missing_count += random_partition(&state, (int32_t)(7 * i), &partitions[i],
                                              missing + missing_count);
        for (int reason = 1; reason < REJECT_COUNT; reason++)
            written.rejected[reason] = random_below(&state, 3) ? 0 : random_count(&state);
        text_clear(&line);
        ck_assert_int_eq(record_write_checkpoint(&written, &line), HC_OK);
        read_back(reader, &line, &record, RECORD_CHECKPOINT);
        sample_same_checkpoint(&record.checkpoint, &written);
        same_when_written_again(&record, &line);
    }
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

static const char *const golden[] = {"sparse.jsonl", "dense.jsonl", "checkpoint.jsonl"};

/* Copied to the byte, so that a sanitizer sees a read beyond it. */
static enum record_kind read_copy(struct record_reader *reader, const char *bytes, size_t size,
                                  struct record *record)
{
    const char *error = NULL;
    char *copy = malloc(size ? size : 1);
    assert(copy);
    memcpy(copy, bytes, size);
    enum record_kind kind = record_read(reader, copy, size, record, &error);
    assert(kind != RECORD_NONE || (error && error[0]));
    free(copy);
    return kind;
}

START_TEST(truncated)
{
    struct record_reader *reader = record_reader_create();
    struct text line = sample_golden(golden[_i]);
    struct record record;
    for (size_t size = 0; size < line.size; size++)
        assert(read_copy(reader, line.bytes, size, &record) == RECORD_NONE);
    ck_assert_int_ne(read_copy(reader, line.bytes, line.size, &record), RECORD_NONE);
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

START_TEST(flipped)
{
    struct record_reader *reader = record_reader_create();
    struct text line = sample_golden(golden[_i]);
    struct record record;
    size_t read = 0;
    ck_assert_int_ne(read_copy(reader, line.bytes, line.size, &record), RECORD_NONE);
    enum record_kind kind = record.kind;
    uint64_t digest = kind == RECORD_SKETCH ? hc_digest(record.sketch.sketch) : 0;
    int64_t minute_s = record.sketch.minute_s;
    for (size_t at = 0; at < line.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            line.bytes[at] ^= (char)(1 << bit);
            if (read_copy(reader, line.bytes, line.size, &record) != RECORD_NONE) {
                read++;
                assert(record.kind == kind && record.sketch.minute_s == minute_s);
                assert(kind != RECORD_SKETCH || hc_digest(record.sketch.sketch) == digest);
            }
            line.bytes[at] ^= (char)(1 << bit);
        }
    }
    /* Letters of names and digits of counters can't tell. */
    ck_assert_uint_lt(read, 1500);
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, sketches);
    tcase_add_test(tcase, checkpoints);
    tcase_add_loop_test(tcase, truncated, 0, 3);
    tcase_add_loop_test(tcase, flipped, 0, 3);
}
