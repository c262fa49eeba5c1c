/* Goal: that the reader takes the sketch's base64 out of a line before it parses
 * it changes nothing, whatever the line holds. White space before a line is no
 * part of the record, but with enough of it the reader finds no long string and
 * parses the line whole: both must be read the same, or refused for the same
 * reason. (Plain asserts where there are very many, since Check's write a mark.) */
#include "record_samples.h"

#include <assert.h>

#include "check_main.h"

#define ROUNDS 3000

static struct record_reader *short_reader, *whole_reader;

/* Whether the line is a record; both readers must say the same of it. */
static bool reads_the_same(const struct text *line)
{
    struct text padded = {0};
    struct record a, b;
    const char *a_error = "", *b_error = "";

    for (size_t i = 0; i <= line->size; i++)
        text_char(&padded, ' ');
    text_bytes(&padded, line->bytes, line->size);
    record_read(short_reader, line->bytes, line->size, &a, &a_error);
    record_read(whole_reader, padded.bytes, padded.size, &b, &b_error);
    if (a.kind != b.kind || strcmp(a_error, b_error) != 0)
        ck_abort_msg("%d '%s' but whole %d '%s': %.600s", a.kind, a_error, b.kind, b_error,
                     line->bytes);
    if (a.kind == RECORD_SKETCH)
        sample_same_sketch(&a.sketch, &b.sketch);
    else if (a.kind == RECORD_CHECKPOINT)
        sample_same_checkpoint(&a.checkpoint, &b.checkpoint);
    text_free(&padded);
    return a.kind != RECORD_NONE;
}

static void open_readers(void)
{
    short_reader = record_reader_create();
    whole_reader = record_reader_create();
    ck_assert(short_reader && whole_reader);
}

static void close_readers(void)
{
    record_reader_destroy(&short_reader);
    record_reader_destroy(&whole_reader);
}

/* A line with a long sketch. */
static struct text sample_line(unsigned users)
{
    struct hc_sketch *sketch = sample_sketch_of(12, 0, users);
    struct record_sketch record = sample_sketch_record(sketch);
    struct text line = {0};

    ck_assert_int_eq(record_write_sketch(&record, &line), HC_OK);
    hc_sketch_destroy(&sketch);
    return line;
}

/* What lines are damaged with, and what they are written with. */
static const char *const pieces[] = {
    "\"", "\\", "\\\"", "\\u0041", "\\/", "/", "+", "=", "A", "{", "}", "[", "]", ",", ":", " ",
    "\x01", "\xff", "\xc3\xa9", "\"bytes\":\"\"", ",\"bytes\":\"\"", "\"sketch\":{}",
    ",\"x\":\"y\"", "\"\"", "\",\"", "1", "null"};

/* Where a line is most often damaged: in the head, and at the ends of the long
 * string. */
static size_t random_place(uint64_t *state, const struct text *line)
{
    const char *close = strrchr(line->bytes, '"');
    size_t end = close ? (size_t)(close - line->bytes) : 0;

    switch (random_below(state, 4)) {
    case 0:
        return (size_t)random_below(state, line->size < 520 ? line->size : 520);
    case 1:
        return line->size - 1 - (size_t)random_below(state, line->size < 8 ? line->size : 8);
    case 2:
        return end > 4 ? end - (size_t)random_below(state, 4) : 0;
    default:
        return (size_t)random_below(state, line->size);
    }
}

static void damage(uint64_t *state, const struct text *line, struct text *damaged)
{
    size_t at = random_place(state, line);
    size_t gone = (size_t)random_below(state, 3);
    const char *piece = pieces[random_below(state, sizeof pieces / sizeof *pieces)];

    if (gone > line->size - at)
        gone = line->size - at;
    text_clear(damaged);
    text_bytes(damaged, line->bytes, at);
    if (random_below(state, 4))
        text_string(damaged, piece);
    text_bytes(damaged, line->bytes + at + gone, line->size - at - gone);
}

START_TEST(damaged_lines)
{
    const unsigned users[] = {60, 300, 4000};
    uint64_t state = 5;
    size_t good = 0;

    open_readers();
    for (size_t i = 0; i < 3; i++) {
        struct text line = sample_line(users[i]), damaged = {0}, twice = {0};

        ck_assert(reads_the_same(&line));
        for (int round = 0; round < ROUNDS; round++) {
            damage(&state, &line, &damaged);
            good += reads_the_same(&damaged);
            damage(&state, &damaged, &twice);
            good += reads_the_same(&twice);
        }
        text_free(&twice);
        text_free(&damaged);
        text_free(&line);
    }
    /* Some stay records: labels change, and members are added. */
    ck_assert_uint_gt(good, 100);
    close_readers();
}
END_TEST

/* Each place cut off, and each removed from the line. */
START_TEST(every_place)
{
    struct text line = sample_line(300), damaged = {0};

    open_readers();
    for (size_t at = 0; at < line.size; at++) {
        text_clear(&damaged);
        text_bytes(&damaged, line.bytes, at);
        assert(!reads_the_same(&damaged));
        text_bytes(&damaged, line.bytes + at + 1, line.size - at - 1);
        reads_the_same(&damaged);
    }
    text_free(&damaged);
    text_free(&line);
    close_readers();
}
END_TEST

/* `from` in the line, replaced by `to`. */
static struct text replaced(const struct text *line, const char *from, const char *to)
{
    const char *at = strstr(line->bytes, from);
    struct text result = {0};

    ck_assert_msg(at != NULL, "%s", from);
    text_bytes(&result, line->bytes, (size_t)(at - line->bytes));
    text_string(&result, to);
    text_string(&result, at + strlen(from));
    return result;
}

/* A long string of digits that is not the sketch's: it must not be lost. */
START_TEST(another_long_string)
{
    struct text line = sample_line(60), name = {0}, changed;
    struct record record;
    const char *error;

    open_readers();
    for (int i = 0; i < 1000; i++)
        text_char(&name, 'A');
    text_string(&name, "\",\"epoch\"");
    changed = replaced(&line, "host-1/9f3a61c27b50d4e8/0\",\"epoch\"", name.bytes);
    ck_assert(reads_the_same(&changed));
    ck_assert_int_eq(record_read(short_reader, changed.bytes, changed.size, &record, &error),
                     RECORD_SKETCH);
    ck_assert_uint_eq(strlen(record.sketch.instance), 1000);
    text_free(&changed);
    text_free(&name);
    text_free(&line);
    close_readers();
}
END_TEST

/* Other writers order members and put spaces as they like; a second "bytes" or
 * "sketch" is not the one that counts. */
START_TEST(other_writers)
{
    struct text line = sample_line(4000), changed;
    static const char *const changes[][2] = {
        {"\"bytes\":\"", "\"bytes\" : \""},
        {"\"profile\":\"redis\",", "\"profile\":\"redis\",\"bytes\":\"SENT\","},
        {"\"sketch\":{", "\"sketch\":{},\"sketch\":{"},
        {"\"sketch\":{", "\"\\u0073ketch\":{"},
        {"\"bytes\":\"", "\"\\u0062ytes\":\""},
        {"\"bytes\":\"", "\"bytes\":\"\\u0053\",\"other\":\""},
        {"\"bytes\":\"", "\"bytes\":\"\\\""},
        {"\"bytes\":\"", "\"bytes\":[\""},
        {"\"type\":\"sketch\"", "\"type\":\"checkpoint\""},
        {"\"stream\":", "\"a\":1,\"stream\":\"first\",\"stream\":"},
        {"{\"type\"", "[{\"type\""}};

    open_readers();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        changed = replaced(&line, changes[i][0], changes[i][1]);
        reads_the_same(&changed);
        text_free(&changed);
    }
    text_free(&line);
    close_readers();
}
END_TEST

static bool is_record(const struct text *line)
{
    struct record record;
    const char *error;

    return record_read(whole_reader, line->bytes, line->size, &record, &error) == RECORD_SKETCH;
}

/* Keys with escapes, more members than are listed, and of two the first. */
START_TEST(members_of_others)
{
    struct text line = sample_line(300), many = {0}, changed;

    open_readers();
    changed = replaced(&line, "\"stream\"", "\"str\\u0065am\"");
    ck_assert(is_record(&changed) && reads_the_same(&changed));
    text_free(&changed);
    changed = replaced(&line, "\"precision\"", "\"pr\\u0065cision\"");
    ck_assert(is_record(&changed) && reads_the_same(&changed));
    text_free(&changed);
    for (int i = 0; i < 100; i++)
        text_format(&many, "\"member %d\":[{\"stream\":%d}],", i, i);
    text_string(&many, "\"stream\"");
    changed = replaced(&line, "\"stream\"", many.bytes);
    ck_assert(is_record(&changed) && reads_the_same(&changed));
    text_free(&changed);
    changed = replaced(&line, "\"minute\"", "\"minute\":7,\"minute\"");
    ck_assert(!is_record(&changed) && !reads_the_same(&changed));
    text_free(&changed);
    changed = replaced(&line, "\"stream\"", "\"minute\":1468244340,\"minute\":7,\"stream\"");
    ck_assert(is_record(&changed) && reads_the_same(&changed));
    text_free(&changed);
    text_free(&many);
    text_free(&line);
    close_readers();
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, damaged_lines);
    tcase_add_test(tcase, every_place);
    tcase_add_test(tcase, another_long_string);
    tcase_add_test(tcase, other_writers);
    tcase_add_test(tcase, members_of_others);
}
