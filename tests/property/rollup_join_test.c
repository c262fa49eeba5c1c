/* Goal: records that are read in parts, each into a roll-up of its own, and
 * joined in order give what the same records give one after the other: rows,
 * archive, coverage to the last number, streams, profiles, and the verdict on
 * every record that comes later. For random lives of a stream, for records that
 * disagree in stream, fields, profile and key, and for parts whose sketches and
 * checkpoints had to wait in a file. Where a join is declined the part's records are added one by
 * one, as callers do; it must not be declined without a reason. */
#include <string.h>

#include "check_main.h"
#include "coverage_source.h"
#include "rollup_history.h"
#include "rollup_tell.h"

struct joining {
    struct rollup_options options;
    enum calendar_grain grain;
    size_t part_bytes_max;      /* of sketches in memory */
    size_t waiting_bytes_max;   /* of checkpoints in memory, of parts and what they go to */
    struct record_reader *reader;
    unsigned joined, apart;
};

/* Notes in `refusals` which line was refused, and why. */
static void add_line(struct joining *joining, struct rollup *rollup,
                     const struct history_line *line, struct text *refusals)
{
    struct record record;
    const char *error = NULL;
    enum rollup_result result;

    ck_assert_int_ne(record_read(joining->reader, line->bytes, line->size, &record, &error),
                     RECORD_NONE);
    result = rollup_add(rollup, &record);
    ck_assert_int_ne(result, ROLLUP_FAILED);
    if (result == ROLLUP_REFUSED)
        text_format(refusals, "refused, %s: %.150s\n", rollup_error(rollup), line->bytes);
}

static void add_lines(struct joining *joining, struct rollup *rollup,
                      const struct history *history, size_t from, size_t to,
                      struct text *refusals)
{
    for (size_t i = from; i < to; i++)
        add_line(joining, rollup, &history->lines[i], refusals);
}

/* A part of its own, joined to `whole`, or added to it. */
static void join_lines(struct joining *joining, struct rollup *whole,
                       const struct history *history, size_t from, size_t to,
                       struct text *refusals)
{
    struct text of_part = {0};
    struct calendar *calendar = history_calendar(joining->grain, "UTC");
    struct rollup_options options = joining->options;
    struct rollup *part;
    enum rollup_joined joined;

    options.calendar = calendar;
    options.sketch_bytes_max = joining->part_bytes_max;
    options.waiting_bytes_max = joining->waiting_bytes_max;
    part = rollup_create(&options);
    ck_assert_ptr_nonnull(part);
    add_lines(joining, part, history, from, to, &of_part);
    joined = rollup_join(whole, part);
    ck_assert_int_ne(joined, ROLLUP_JOIN_FAILED);
    joining->joined += joined == ROLLUP_JOINED;
    joining->apart += joined == ROLLUP_APART;
    if (joined == ROLLUP_APART)
        add_lines(joining, whole, history, from, to, refusals);
    else if (of_part.size)
        text_string(refusals, of_part.bytes);
    text_free(&of_part);
    rollup_destroy(&part);
    calendar_destroy(&calendar);
}

static bool tell_line(void *text, const char *bytes, size_t size)
{
    text_bytes(text, bytes, size);
    text_char(text, '\n');
    return true;
}

/* Adds what comes `later`, then all that a finished roll-up says, into `text`. */
static void tell(struct joining *joining, struct rollup *rollup, const struct history *later,
                 struct text *text)
{
    const char *const *names;

    add_lines(joining, rollup, later, 0, later->count, text);
    ck_assert(rollup_finish(rollup));
    for (size_t i = 0; i < rollup_streams(rollup, &names); i++)
        text_format(text, "stream %s\n", names[i]);
    text_format(text, "profile %d of %x, lacking %zu\n", (int)rollup_profile(rollup),
                rollup_profiles(rollup), rollup_lacking(rollup));
    tell_coverage(text, rollup->coverage);
    text_char(text, '\n');
    if (rollup_stream(rollup) && rollup->options.archive)
        ck_assert(rollup_archive(rollup, tell_line, text));
    else if (rollup_stream(rollup))
        tell_rows(text, rollup);
    ck_assert(!text->failed);
}

/* All lines one after the other, and in random parts: the same. */
static void same_in_parts(struct joining *joining, const struct history *history,
                          const struct history *later, uint64_t *random)
{
    size_t parts = 1 + random_below(random, 6), at = 0;
    struct calendar *calendar = history_calendar(joining->grain, "UTC");
    struct rollup_options options;
    struct rollup *whole, *joined;
    struct text expected = {0}, got = {0};

    joining->reader = record_reader_create();
    joining->options.calendar = calendar;
    whole = rollup_create(&joining->options);
    options = joining->options;
    options.waiting_bytes_max = joining->waiting_bytes_max;
    joined = rollup_create(&options);
    ck_assert(joining->reader && whole && joined);
    add_lines(joining, whole, history, 0, history->count, &expected);
    for (size_t part = 0; part < parts; part++) {
        size_t left = history->count - at;
        size_t to = part + 1 == parts ? history->count : at + random_below(random, left + 1);

        join_lines(joining, joined, history, at, to, &got);
        at = to;
    }
    tell(joining, whole, later, &expected);
    tell(joining, joined, later, &got);
    same_text(&got, &expected);
    text_free(&got);
    text_free(&expected);
    rollup_destroy(&whole);
    rollup_destroy(&joined);
    calendar_destroy(&calendar);
    record_reader_destroy(&joining->reader);
}

START_TEST(lives)
{
    struct history history = {0}, later = {0};
    struct joining joining = {.options = {.to_s = LIMIT_TIME_S + 1}};
    uint64_t random = (uint64_t)_i;

    history_make_varied(&history, 300, _i);
    for (int round = 0; round < 16; round++) {
        joining.grain = round % 4 == 0 ? CALENDAR_MINUTE : (enum calendar_grain)(round % 7);
        joining.options.archive = joining.grain == CALENDAR_MINUTE && round % 8 == 0;
        joining.part_bytes_max = round % 3 == 0 ? 1 : 0;
        joining.waiting_bytes_max = round % 2 ? 0 : (size_t)1 << random_below(&random, 14);
        joining.options.from_s = round % 5 == 4 ? 1477789200 : 0;
        joining.options.from_given = round % 5 == 4;
        same_in_parts(&joining, &history, &later, &random);
        history_shuffle(&history, &random);
    }
    /* One stream, and no checkpoint that comes twice. */
    ck_assert_uint_eq(joining.apart, 0);
    ck_assert_uint_gt(joining.joined, 16);
    history_free(&history);
}
END_TEST

/* A checkpoint of nothing but positions and a watermark. */
static void add_positions(struct history *history, uint64_t number, int64_t from, int64_t to,
                          int64_t watermark_s)
{
    const struct record_partition partition = {.from = from, .to = to,
                                               .watermark_s = watermark_s};
    const struct record_checkpoint record = {
        .stream = "users", .instance = "k", .epoch_ms = 7, .number = number,
        .time_ms = (int64_t)number * 1000, .cluster = "c", .topic = "t", .partitions_total = 1,
        .input_group = "g", .sequence_first = 1, .partitions = &partition,
        .partitions_count = 1, .frames = number};
    struct text text = {0};

    ck_assert_int_eq(record_write_checkpoint(&record, &text), HC_OK);
    history_add_line(history, text.bytes, text.size);
    text_free(&text);
}

enum { ODD_STREAM = 1, ODD_FIELDS = 2, ODD_PROFILE = 4, ODD_KEY = 8, ODD_ALL = 16 };

/* A sketch record in which something may differ. */
static void add_odd(struct history *history, uint64_t *random, uint64_t sequence, unsigned odd)
{
    static const char *const streams[] = {"users", "guests"};
    static const char *const fields[] = {"a", "", "b"};
    static const enum hc_profile profiles[] = {HC_PROFILE_KEYED, HC_PROFILE_REDIS,
                                               HC_PROFILE_DATASKETCHES};
    static const enum record_state states[] = {RECORD_OPEN, RECORD_CLOSED, RECORD_LATE};
    uint8_t key[HC_KEY_SIZE] = {(uint8_t)(1 + (odd & ODD_KEY ? random_below(random, 2) : 0))};
    struct hc_sketch_options options = {
        .profile = odd & ODD_PROFILE ? profiles[random_below(random, 3)]
                   : odd & ODD_KEY ? HC_PROFILE_KEYED : HC_PROFILE_REDIS,
        .precision = 10};
    const struct record_sketch record = {
        .stream = streams[odd & ODD_STREAM ? random_below(random, 2) : 0],
        .minute_s = 1477778400 + 60 * (int64_t)random_below(random, 200), .group = "{}",
        .state = states[random_below(random, 3)], .whole = true,
        .frames = random_below(random, 50), .instance = random_below(random, 2) ? "i" : "j",
        .epoch_ms = 7, .sequence = sequence,
        .fields = fields[odd & ODD_FIELDS ? random_below(random, 3) : 0]};
    struct hc_sketch *sketch = NULL;

    if (options.profile == HC_PROFILE_KEYED)
        options.key = key;
    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (uint64_t users = random_below(random, 5); users > 0; users--)
        history_add_user(sketch, (unsigned)random_below(random, 100));
    history_add_sketch(history, record, sketch);
}

/* Records that are alike for long stretches, and not always. */
START_TEST(records_that_disagree)
{
    struct joining joining = {.options = {.to_s = LIMIT_TIME_S + 1}};
    uint64_t random = 40 + (uint64_t)_i;

    for (int round = 0; round < 80; round++) {
        struct history history = {0}, later = {0};
        unsigned odd = 0;

        for (uint64_t n = 1; n <= 24; n++) {
            if (n % 6 == 1)
                odd = random_below(&random, 2) ? (unsigned)random_below(&random, ODD_ALL) : 0;
            add_odd(n <= 20 ? &history : &later, &random, n, odd);
        }
        /* With it minutes are zeros or complete, unless another profile has them. */
        add_positions(&later, 1, 0, 10, 1477778400 + 60 * 200);
        joining.grain = round % 2 ? CALENDAR_HOUR : CALENDAR_MINUTE;
        joining.options.archive = round % 4 == 0;
        joining.options.stream = random_below(&random, 2) ? "guests" : NULL;
        joining.options.profile = random_below(&random, 3) ? 0 : HC_PROFILE_KEYED;
        same_in_parts(&joining, &history, &later, &random);
        history_free(&history);
        history_free(&later);
    }
    ck_assert_uint_gt(joining.joined, 80);
    ck_assert_uint_gt(joining.apart, 20);
}
END_TEST

/* Few profiles and keys in a row: what decides which are refused is let go later. */
START_TEST(keys_that_are_let_go)
{
    struct joining joining = {.options = {.to_s = LIMIT_TIME_S + 1}, .grain = CALENDAR_HOUR};
    uint64_t random = 6;

    for (int round = 0; round < 80; round++) {
        struct history history = {0}, later = {0};

        for (uint64_t n = 1; n <= 5; n++)
            add_odd(&history, &random, n, ODD_KEY | (random_below(&random, 3) ? 0 : ODD_PROFILE));
        same_in_parts(&joining, &history, &later, &random);
        history_free(&history);
    }
    ck_assert_uint_gt(joining.apart, 10);
}
END_TEST

struct reading {
    struct record_partition partition;
    struct record_checkpoint record;
};

static void shuffle_readings(struct reading *readings, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, i);
        struct reading reading = readings[i - 1];

        readings[i - 1] = readings[other];
        readings[other] = reading;
    }
}

static struct source *count_readings(struct reading *readings, size_t count)
{
    struct source *source = source_create(&readings->record);

    ck_assert_ptr_nonnull(source);
    for (size_t i = 0; i < count; i++) {
        readings[i].record.partitions = &readings[i].partition;
        ck_assert(source_see(source, &readings[i].record));
        ck_assert(source_count(source, &readings[i].record));
    }
    return source;
}

/* What is found when the first `split` are counted apart from the others. */
static struct text tell_readings(struct reading *readings, size_t count, size_t split)
{
    struct source *source = count_readings(readings, split);
    struct source *other = count_readings(readings + split, count - split);
    struct text text = {0};

    ck_assert(source_join(source, other));
    ck_assert(source_judge(source));
    tell_sums(&text, &source->found);
    tell_partition(&text, &source->partitions[0]);
    source_destroy(other);
    source_destroy(source);
    return text;
}

/* Positions read again and again, with watermarks that say other things, or
 * nothing: what is found is the same in any order, and joined. */
START_TEST(readings_in_any_order)
{
    enum { READINGS = 6 };
    uint64_t random = 9;

    for (int round = 0; round < 5000; round++) {
        struct reading readings[READINGS + 1];
        struct text first = {0};

        for (size_t i = 0; i <= READINGS; i++) {
            int64_t from = (int64_t)random_below(&random, 10);
            int64_t watermark_s = (int64_t)random_below(&random, 5) * 60;

            readings[i].partition = (struct record_partition){
                .from = from, .to = from + (int64_t)random_below(&random, 8),
                .watermark_s = watermark_s ? watermark_s : INT64_MIN};
            readings[i].record = (struct record_checkpoint){
                .stream = "s", .cluster = "c", .topic = "t", .input_group = "g",
                .partitions_total = 1, .partitions_count = 1, .frames = i,
                .time_ms = (int64_t)random_below(&random, 3)};
        }
        for (int order = 0; order < 6; order++) {
            struct text text =
                tell_readings(readings, READINGS, 1 + random_below(&random, READINGS));

            if (order == 0)
                text_string(&first, text.bytes);
            same_text(&text, &first);
            text_free(&text);
            shuffle_readings(readings, READINGS, &random);
        }
        text_free(&first);
    }
}
END_TEST

/* A dump of more checkpoints than wait, joined with itself: sums can't be. */
START_TEST(the_same_twice)
{
    struct history history = {0}, later = {0};
    struct joining joining = {.options = {.to_s = LIMIT_TIME_S + 1}, .grain = CALENDAR_DAY};
    uint64_t random = 3;
    size_t count;

    history_make(&history, &(struct history_options){.seed = 5,
                                                     .start_s = 1477778400,
                                                     .steps = 1500,
                                                     .frames = 2,
                                                     .step_minutes = 2,
                                                     .users = 50});
    count = history.count;
    for (size_t i = 0; i < count; i++)
        history_add_line(&history, history.lines[i].bytes, history.lines[i].size);
    for (int round = 0; round < 3; round++)
        same_in_parts(&joining, &history, &later, &random);
    ck_assert_uint_gt(joining.apart, 0);
    ck_assert_uint_gt(joining.joined, 0);
    history_free(&history);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_loop_test(tcase, lives, 0, 4);
    tcase_add_loop_test(tcase, records_that_disagree, 0, 4);
    tcase_add_test(tcase, keys_that_are_let_go);
    tcase_add_test(tcase, readings_in_any_order);
    tcase_add_test(tcase, the_same_twice);
}
