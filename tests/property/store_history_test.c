/* Goal: what the store says is what headcount merge says of the same records, to
 * the digest of every sketch, minute and state, and to the last number of the
 * coverage: at any moment of a random life of a stream (late records, repeats,
 * several instances, precisions and profiles, lost records, positions that are
 * missing), for every grain, in zones with offsets of all kinds, for ranges that
 * begin and end anywhere, with little memory and much, while the store is closed
 * and opened, with and without what was not written. */
#include "check_main.h"
#include "store_kit.h"

static const char *const zones[] = {"UTC", "Europe/Zurich", "America/New_York",
                                    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"};

static void ask_at_random(struct store_reader *reader, const struct history *history, size_t count,
                          uint64_t *random)
{
    const struct calendar_options calendar = {
        .grain = (enum calendar_grain)random_below(random, 7),
        .week_start = (enum calendar_week)random_below(random, 3),
        .zone = zones[random_below(random, sizeof(zones) / sizeof(zones[0]))]};
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                     .numbers = random_below(random, 3) == 0};

    if (random_below(random, 3) == 0) {
        options.from_given = true;
        options.from_s = 1477778400 + 60 * (int64_t)random_below(random, 300);
    }
    if (random_below(random, 3) == 0) {
        options.to_given = true;
        options.to_s = 1477778400 + 1 + (int64_t)random_below(random, 60 * 400);
    }
    if (random_below(random, 2)) {
        options.from_s -= options.from_s % 3600;
        options.to_s += 3600 - options.to_s % 3600;
        options.to_s = options.to_given ? options.to_s : LIMIT_TIME_S + 1;
    }
    kit_same(reader, history, count, options, &calendar);
}

/* Adds lines up to `to` as a board would: with positions, flushed now and then,
 * and sometimes gone without a word. */
struct feeding {
    struct store_kit kit;
    struct store *store;
    struct record_reader *records;
    const struct history *history;
    size_t at, flushed;
    size_t memory_bytes;
};

static void feed_open(struct feeding *feeding)
{
    struct store_position position = {.cluster = "c", .topic = "uniques"};

    feeding->store = kit_open_with(&feeding->kit, feeding->memory_bytes);
    if (store_go_on(feeding->store, &position) == 1)
        feeding->at = (size_t)position.next;
    else
        feeding->at = 0;
    ck_assert_uint_ge(feeding->at, feeding->flushed);
}

static void feed_to(struct feeding *feeding, size_t to, uint64_t *random)
{
    while (feeding->at < to) {
        struct store_position position = {"c", "uniques", 0, (int64_t)feeding->at + 1};

        ck_assert_int_eq(kit_add(feeding->store, feeding->records,
                                 &feeding->history->lines[feeding->at]), STORE_TAKEN);
        ck_assert_int_eq(store_read_up_to(feeding->store, &position), HC_OK);
        feeding->at++;
        if (random_below(random, 40) == 0) {
            ck_assert_msg(store_flush(feeding->store), "%s", store_error(feeding->store));
            feeding->flushed = feeding->at;
        }
        if (random_below(random, 60) == 0) {
            ck_assert_int_ge(store_tidy(feeding->store), 0);
            feeding->flushed = feeding->at;
        }
        if (random_below(random, 120) == 0) {
            store_close(&feeding->store);
            feed_open(feeding);
        }
    }
    ck_assert_msg(store_flush(feeding->store), "%s", store_error(feeding->store));
    feeding->flushed = feeding->at;
}

static void live(const struct history *history, uint64_t *random)
{
    struct feeding feeding = {.history = history,
                              .memory_bytes = random_below(random, 2) ? 0 : 40000};
    struct store_reader *reader;

    kit_make(&feeding.kit);
    feeding.records = record_reader_create();
    feed_open(&feeding);
    reader = kit_read(&feeding.kit);
    for (int part = 1; part <= 4; part++) {
        feed_to(&feeding, history->count * (size_t)part / 4, random);
        for (int i = 0; i < 6; i++)
            ask_at_random(reader, history, feeding.at, random);
    }
    store_reader_close(&reader);
    store_close(&feeding.store);
    record_reader_destroy(&feeding.records);
    kit_remove(&feeding.kit);
}

START_TEST(lives)
{
    struct history history = {0};
    uint64_t random = 70 + (uint64_t)_i;

    history_make_varied(&history, 900, _i);
    for (int round = 0; round < 3; round++) {
        live(&history, &random);
        history_shuffle(&history, &random);
    }
    history_free(&history);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, lives, 0, 8);
}
