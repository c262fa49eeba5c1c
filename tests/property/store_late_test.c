/* Goal: which minutes had frames after they were closed is what the records say that
 * were taken, whatever their order, how often each came and how often the store was
 * closed between them: in the bits of two files, and in rows that begin and end
 * anywhere. Totals are due where a minute is late for the first time, new users or
 * not; imports and archives say nothing of it. */
#include <sqlite3.h>

#include "check_main.h"
#include "store_kit.h"

#define START_S 1477778400
#define DAYS 5
#define MINUTES (DAYS * 1440)
#define RECORDS 900

static struct store_kit kit;
static struct record_reader *records;

static void set_up(void)
{
    kit_make(&kit);
    records = record_reader_create();
}

static void tear_down(void)
{
    record_reader_destroy(&records);
    kit_remove(&kit);
}

struct line {
    int64_t minute_s;
    enum record_state state;
    const char *instance;
    enum hc_profile profile;
    unsigned user;
};

static void add_line(struct history *history, const struct line *line)
{
    struct hc_sketch_options options = {.profile = line->profile, .precision = 14};
    const struct record_sketch record = {
        .stream = "users", .minute_s = line->minute_s, .group = "{}", .state = line->state,
        .whole = true, .frames = 1, .instance = line->instance, .epoch_ms = 7,
        .sequence = history->count + 1, .fields = ""};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    history_add_user(sketch, line->user);
    history_add_sketch(history, record, sketch);
}

/* Which minutes of redis sketches are late, a flag each. */
static void make(struct history *history, uint8_t *late, uint64_t *random)
{
    static const enum record_state states[] = {RECORD_OPEN, RECORD_CLOSED, RECORD_LATE};
    static const char *const instances[] = {"host/1/0", "host/2/1", "host/1/0",
                                            "import/0123456789abcdef/0",
                                            "merge/0123456789abcdef/0"};

    memset(late, 0, MINUTES);
    for (size_t i = 0; i < RECORDS; i++) {
        size_t minute = random_below(random, MINUTES), instance = random_below(random, 5);
        const struct line line = {
            .minute_s = START_S + 60 * (int64_t)minute,
            .state = states[random_below(random, 3)], .instance = instances[instance],
            .profile = random_below(random, 4) ? HC_PROFILE_REDIS : HC_PROFILE_TRINO,
            .user = (unsigned)random_below(random, 50)};

        add_line(history, &line);
        if (line.state == RECORD_LATE && instance < 3 && line.profile == HC_PROFILE_REDIS)
            late[minute] = 1;
    }
}

/* All of them, some again, in runs that end with or without what was not flushed. */
static void fill(const struct history *history, uint64_t *random)
{
    struct store *store = kit_open_with(&kit, random_below(random, 2) ? 0 : 40000);

    for (size_t i = 0; i < history->count; i++) {
        kit_add(store, records, &history->lines[i]);
        if (i > 0 && random_below(random, 4) == 0)
            kit_add(store, records, &history->lines[random_below(random, i)]);
        if (random_below(random, 60) == 0) {
            ck_assert(store_flush(store));
            store_close(&store);
            store = kit_open(&kit);
        }
    }
    ck_assert(store_flush(store));
    store_close(&store);
}

/* The table as it is in the file. */
static void tell_table(struct text *text)
{
    sqlite3_stmt *statement;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT id & 0xffffffff, seal, hex(bytes) FROM late"
                                        " ORDER BY id", -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        text_format(text, "%lld %lld %s\n", (long long)sqlite3_column_int64(statement, 0),
                    (long long)sqlite3_column_int64(statement, 1),
                    (const char *)sqlite3_column_text(statement, 2));
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static uint64_t count_late(const uint8_t *late, int64_t from_s, int64_t to_s)
{
    uint64_t count = 0;

    for (int64_t i = 0; i < MINUTES; i++) {
        int64_t minute_s = START_S + 60 * i;

        count += late[i] && minute_s >= from_s && minute_s < to_s;
    }
    return count;
}

static void check_rows(const uint8_t *late, uint64_t *random)
{
    static const char *const zones[] = {"UTC", "Europe/Zurich", "Asia/Kathmandu",
                                        "Australia/Lord_Howe", "America/St_Johns"};
    struct store_reader *reader = kit_read(&kit);
    struct rollup_options options = {.stream = "users", .profile = HC_PROFILE_REDIS,
                                     .from_given = true, .to_given = true,
                                     .numbers = random_below(random, 2)};
    uint64_t all = 0;
    struct rollup *rollup;
    struct rollup_row row;

    options.calendar = history_calendar((enum calendar_grain)random_below(random, 7),
                                        zones[random_below(random, 5)]);
    options.from_s = START_S - 9000 + (int64_t)random_below(random, MINUTES * 60 / 2);
    options.to_s = options.from_s + 1 + (int64_t)random_below(random, MINUTES * 60);
    rollup = store_roll_up(reader, &options);
    ck_assert_msg(rollup != NULL, "%s", store_reader_error(reader));
    while (rollup_next(rollup, &row) == 1) {
        int64_t from_s = row.start_s > options.from_s ? row.start_s : options.from_s;
        int64_t to_s = row.end_s < options.to_s ? row.end_s : options.to_s;

        ck_assert_uint_eq(row.late, count_late(late, from_s, to_s));
        ck_assert_uint_le(row.late, row.minutes);
        all += row.late;
    }
    ck_assert_uint_eq(all, count_late(late, options.from_s, options.to_s));
    rollup_destroy(&rollup);
    calendar_destroy(&options.calendar);
    store_reader_close(&reader);
}

START_TEST(whatever_the_order)
{
    struct text first = {0}, second = {0};
    struct history history = {0};
    uint64_t random = 300 + (uint64_t)_i;
    uint8_t *late = malloc(MINUTES);

    make(&history, late, &random);
    ck_assert_uint_gt(count_late(late, 0, INT64_MAX), 80);
    fill(&history, &random);
    tell_table(&first);
    for (int i = 0; i < 20; i++)
        check_rows(late, &random);
    kit_remove(&kit);
    kit_make(&kit);
    history_shuffle(&history, &random);
    fill(&history, &random);
    tell_table(&second);
    same_text(&second, &first);
    for (int i = 0; i < 20; i++)
        check_rows(late, &random);
    text_free(&first);
    text_free(&second);
    history_free(&history);
    free(late);
}
END_TEST

static void add(struct store *store, enum record_state state, const char *instance)
{
    const struct line line = {START_S + 60, state, instance, HC_PROFILE_REDIS, 1};
    struct history history = {0};

    add_line(&history, &line);
    ck_assert_int_eq(kit_add(store, records, &history.lines[0]), STORE_TAKEN);
    ck_assert(store_flush(store));
    history_free(&history);
}

static void count_dues(void *context, const struct store_due *due)
{
    *(unsigned *)context += due->version != 0;
}

static void settle_due(void *context, const struct store_due *due)
{
    ck_assert_int_eq(store_settle(context, due, true), HC_OK);
}

static unsigned dues(void (*each)(void *context, const struct store_due *due), void *context)
{
    struct store_reader *reader = kit_read(&kit);
    unsigned count = 0;

    ck_assert(store_dues(reader, each ? each : count_dues, each ? context : &count));
    store_reader_close(&reader);
    return count;
}

/* Totals that say how many minutes were late change without users. The second run goes by
 * quarter-hours: its minute is not kept. */
START_TEST(totals_are_due)
{
    const struct store_options options = {.path = kit.path, .dues = true};
    struct store *store = store_open(&options, kit.error, sizeof kit.error);

    ck_assert_ptr_nonnull(store);
    if (_i == 1)
        ck_assert_int_eq(store_keep_minutes(store, START_S + 86400), 0);
    add(store, RECORD_CLOSED, "host/1/0");
    ck_assert_uint_eq(dues(NULL, NULL), 2);
    dues(settle_due, store);
    add(store, RECORD_CLOSED, "host/1/0");
    add(store, RECORD_LATE, "import/0123456789abcdef/0");
    add(store, RECORD_LATE, "merge/0123456789abcdef/0");
    ck_assert_uint_eq(dues(NULL, NULL), 0);
    add(store, RECORD_LATE, "host/1/0");
    ck_assert_uint_eq(dues(NULL, NULL), 2);
    dues(settle_due, store);
    add(store, RECORD_LATE, "host/1/0");
    add(store, RECORD_LATE, "host/2/0");
    ck_assert_uint_eq(dues(NULL, NULL), 0);
    store_close(&store);
}
END_TEST

/* Its minutes go, that they were late stays. */
START_TEST(minutes_that_go)
{
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                     .calendar = history_calendar(CALENDAR_DAY, "UTC")};
    struct store *store = kit_open(&kit);
    struct store_reader *reader;
    struct rollup *rollup;
    struct rollup_row row;
    int more = 1;

    add(store, RECORD_LATE, "host/1/0");
    while (more == 1)
        more = store_keep_minutes(store, START_S + 86400);
    ck_assert_int_eq(more, 0);
    store_close(&store);
    reader = kit_read(&kit);
    rollup = store_roll_up(reader, &options);
    ck_assert_int_eq(rollup_next(rollup, &row), 1);
    ck_assert_uint_eq(row.late, 1);
    ck_assert_uint_eq(row.minutes, 1);
    rollup_destroy(&rollup);
    calendar_destroy(&options.calendar);
    store_reader_close(&reader);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, whatever_the_order, 0, 6);
    tcase_add_loop_test(tests, totals_are_due, 0, 2);
    tcase_add_test(tests, minutes_that_go);
}
