/* Goal: of records that jump about in time only the minutes are written at first; nobody
 * who asks can tell, neither before they are united with what they lie in, nor on the
 * way, nor after, when the larger sketches stand for themselves; and no minute is let go
 * before. The same totals become due. */
#include <sqlite3.h>

#include "check_main.h"
#include "store_kit.h"

#define START_S 1477785600 /* 2016-10-30, the day on which Zurich's clocks go back */

static struct store_kit kit;
static struct history history;
static struct record_reader *records;

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    history_make(&history, &(struct history_options){.seed = 5, .start_s = START_S, .steps = 10,
                                                     .frames = 50, .step_minutes = 40,
                                                     .users = 900});
    kit_make(&kit);
    records = record_reader_create();
}

static void tear_down(void)
{
    record_reader_destroy(&records);
    kit_remove(&kit);
    history_free(&history);
}

static void add_all(struct store *store, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
}

static void same_by(struct store_reader *reader, enum calendar_grain grain, int64_t from_s)
{
    const struct rollup_options options = {.stream = "users", .from_s = from_s,
                                           .from_given = from_s > 0, .to_s = LIMIT_TIME_S + 1};
    const struct calendar_options calendar = {.grain = grain, .zone = "Europe/Zurich"};

    kit_same(reader, &history, history.count, options, &calendar);
}

static int64_t count_pending(void)
{
    int64_t count;
    sqlite3_stmt *statement;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM pending", -1, &statement, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void same_numbers(struct store_reader *reader)
{
    const struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                           .numbers = true};

    for (int grain = CALENDAR_MINUTE; grain <= CALENDAR_DAY; grain++) {
        const struct calendar_options calendar = {.grain = (enum calendar_grain)grain};

        kit_same(reader, &history, history.count, options, &calendar);
    }
}

/* So that only some hours are touched often in one run. */
static struct store *add_jumping(struct store *store, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_all(store, i, i + 1);
        if (i % 3 != 0 && i + 1 < count)
            continue;
        ck_assert(store_flush(store));
        store_close(&store);
        store = kit_open(&kit);
    }
    return store;
}

/* Rows are the same before minutes were united with what they lie in, on the way, and
 * after; and minutes are not let go before. */
START_TEST(minutes_that_are_pending)
{
    struct store *store = kit_open(&kit);
    struct store_reader *reader;
    uint64_t random = 9;
    int64_t pending;
    int more = 1;

    history_shuffle(&history, &random);
    store = add_jumping(store, history.count);
    pending = count_pending();
    ck_assert_int_gt(pending, 3);
    reader = kit_read(&kit);
    same_numbers(reader);
    same_by(reader, CALENDAR_HOUR, START_S + 720);
    if (_i == 1) {
        while (more == 1)
            more = store_keep_minutes(store, START_S + 2 * 3600);
        ck_assert_int_eq(more, 0);
        ck_assert_int_lt(count_pending(), pending);
        same_by(reader, CALENDAR_HOUR, 0);
        same_by(reader, CALENDAR_DAY, 0);
    }
    while ((more = store_tidy(store)) == 1)
        continue;
    ck_assert_int_eq(more, 0);
    ck_assert_int_eq(count_pending(), 0);
    same_by(reader, CALENDAR_HOUR, 0);
    same_by(reader, CALENDAR_DAY, 0);
    if (_i == 0)
        same_numbers(reader);
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

static void sum_due(void *context, const struct store_due *due)
{
    *(int64_t *)context += due->start_s;
}

static void settle(void *context, const struct store_due *due)
{
    ck_assert_int_eq(store_settle(context, due, true), HC_OK);
}

static void each_due(void (*each)(void *context, const struct store_due *due), void *context)
{
    struct store_reader *reader = kit_read(&kit);

    ck_assert(store_dues(reader, each, context));
    store_reader_close(&reader);
}

/* A store that has just been opened knows no stream yet, and does that work all the same. */
START_TEST(work_of_a_run_before)
{
    size_t half = history.count / 2;
    int64_t due[2] = {0};
    uint64_t random = 9;

    history_shuffle(&history, &random);
    for (int tidied = 0; tidied < 2; tidied++) {
        const struct store_options options = {.path = kit.path, .dues = true};
        struct store *store = add_jumping(kit_open(&kit), half);

        ck_assert_int_gt(count_pending(), 0);
        store_close(&store);
        store = store_open(&options, kit.error, sizeof kit.error);
        each_due(settle, store);
        while (tidied && store_tidy(store) == 1)
            continue;
        add_all(store, half, history.count);
        ck_assert(store_flush(store));
        each_due(sum_due, &due[tidied]);
        store_close(&store);
        kit_remove(&kit);
        kit_make(&kit);
    }
    ck_assert_int_gt(due[0], 0);
    ck_assert_int_eq(due[1], due[0]);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, minutes_that_are_pending, 0, 2);
    tcase_add_test(tests, work_of_a_run_before);
}
