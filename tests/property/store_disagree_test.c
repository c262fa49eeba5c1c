/* Goal: where records disagree (streams, profiles, groups, fields that some don't
 * know) and are mixed, the store still says of each stream and profile what merge
 * says of it: rows of every group, which profiles there are, what lacks. What merge
 * refuses the store refuses: other fields, another key. */
#include "check_main.h"
#include "store_kit.h"

#define START_S 1477778400
#define RECORDS 160

/* A sketch record in which everything may differ. */
static void add_odd(struct history *history, uint64_t *random, uint64_t sequence)
{
    static const char *const streams[] = {"users", "guests"};
    static const char *const groups[] = {"{}", "{\"os\":\"a\"}", "{\"os\":\"b\"}"};
    static const enum hc_profile profiles[] = {HC_PROFILE_TRINO, HC_PROFILE_REDIS,
                                               HC_PROFILE_DATASKETCHES};
    static const enum record_state states[] = {RECORD_OPEN, RECORD_CLOSED, RECORD_LATE};
    struct hc_sketch_options options = {
        .profile = profiles[random_below(random, 3)],
        .precision = random_below(random, 4) ? 10 : 8};
    const struct record_sketch record = {
        .stream = streams[random_below(random, 2)],
        .minute_s = START_S + 60 * (int64_t)random_below(random, 400),
        .group = groups[random_below(random, 3)], .state = states[random_below(random, 3)],
        .whole = true, .frames = 1, .instance = random_below(random, 2) ? "i" : "j",
        .epoch_ms = 7, .sequence = sequence, .fields = random_below(random, 2) ? "f" : ""};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (uint64_t users = random_below(random, 60); users > 0; users--)
        history_add_user(sketch, (unsigned)random_below(random, 500));
    history_add_sketch(history, record, sketch);
}

static void add_checkpoint(struct history *history, const char *stream, uint64_t number)
{
    const struct record_partition partition = {
        .from = (int64_t)number * 10, .to = (int64_t)number * 10 + 10,
        .watermark_s = START_S + 6000 * (int64_t)number};
    const struct record_checkpoint record = {
        .stream = stream, .instance = "k", .epoch_ms = 7, .number = number,
        .time_ms = (int64_t)number * 1000, .cluster = "c", .topic = "t", .partitions_total = 1,
        .input_group = "g", .sequence_first = 1, .partitions = &partition,
        .partitions_count = 1, .frames = number};
    struct text text = {0};

    ck_assert_int_eq(record_write_checkpoint(&record, &text), HC_OK);
    history_add_line(history, text.bytes, text.size);
    text_free(&text);
}

static void make(struct history *history, uint64_t *random)
{
    uint64_t number = 1;

    for (uint64_t n = 1; n <= RECORDS; n++) {
        add_odd(history, random, n);
        if (n % 40 == 0) {
            add_checkpoint(history, "users", number);
            add_checkpoint(history, "guests", number++);
        }
    }
}

START_TEST(mixtures)
{
    static const enum hc_profile profiles[] = {0, HC_PROFILE_REDIS, HC_PROFILE_DATASKETCHES,
                                               HC_PROFILE_TRINO, HC_PROFILE_POSTGRES};
    static const char *const streams[] = {"users", "guests", "nobody"};
    uint64_t random = 900 + (uint64_t)_i;
    struct record_reader *records = record_reader_create();
    struct history history = {0};
    struct store_reader *reader;
    struct store_kit kit;
    struct store *store;

    make(&history, &random);
    history_shuffle(&history, &random);
    kit_make(&kit);
    store = kit_open_with(&kit, random_below(&random, 2) ? 0 : 20000);
    for (size_t i = 0; i < history.count; i++) {
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
        if (i % 50 == 49) {
            ck_assert(store_flush(store));
            store_close(&store);
            store = kit_open(&kit);
        }
    }
    ck_assert(store_flush(store));
    reader = kit_read(&kit);
    for (size_t s = 0; s < 3; s++) {
        for (size_t p = 0; p < 5; p++) {
            const struct rollup_options options = {.stream = streams[s], .profile = profiles[p],
                                                   .to_s = LIMIT_TIME_S + 1,
                                                   .numbers = random_below(&random, 2)};
            const struct calendar_options calendar = {
                .grain = (enum calendar_grain)random_below(&random, 4), .zone = "Asia/Kathmandu"};

            kit_same(reader, &history, history.count, options, &calendar);
        }
    }
    store_reader_close(&reader);
    store_close(&store);
    kit_remove(&kit);
    record_reader_destroy(&records);
    history_free(&history);
}
END_TEST

static enum store_result add_like(struct store *store, const char *fields, uint8_t key_byte,
                                  uint64_t sequence)
{
    uint8_t key[HC_KEY_SIZE] = {key_byte};
    struct hc_sketch_options options = {.profile = HC_PROFILE_KEYED, .precision = 8, .key = key};
    struct record record = {.kind = RECORD_SKETCH,
                            .sketch = {.stream = "users", .minute_s = START_S, .group = "{}",
                                       .instance = "i", .epoch_ms = 7, .sequence = sequence,
                                       .fields = fields}};
    struct hc_sketch *sketch;
    enum store_result result;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    record.sketch.sketch = sketch;
    result = store_add(store, &record);
    hc_sketch_destroy(&sketch);
    return result;
}

START_TEST(others)
{
    struct store_kit kit;
    struct store *store;

    kit_make(&kit);
    store = kit_open(&kit);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(add_like(store, "", 1, 1), STORE_TAKEN);
        ck_assert_int_eq(add_like(store, "a", 1, 2), STORE_TAKEN);
        ck_assert_int_eq(add_like(store, "b", 1, 3), STORE_REFUSED);
        ck_assert_ptr_nonnull(strstr(store_error(store), "other fields (b)"));
        ck_assert_int_eq(add_like(store, "a", 2, 4), STORE_REFUSED);
        ck_assert_ptr_nonnull(strstr(store_error(store), "another key"));
        ck_assert(store_flush(store));
        store_close(&store);
        store = kit_open(&kit);
    }
    store_close(&store);
    kit_remove(&kit);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, mixtures, 0, 6);
    tcase_add_test(tests, others);
}
