/* Goal: checkpoints whose sketches don't come wait in a table: what each flush writes
 * of a stream does not grow with them, nor when they come again; and should their
 * sketches come after all, they count, and the table is empty. */
#include <sqlite3.h>

#include "check_main.h"
#include "store_faults.h"
#include "store_kit.h"

#define START_S 1477785600
#define COUNT 3000

static struct store_kit kit;
static struct history history; /* the sketches of all, then the checkpoints of all */
static struct record_reader *records;

static void make_sketch(uint64_t sequence)
{
    struct hc_sketch *sketch = history_sketch(14);
    const struct record_sketch record = {
        .stream = "users", .minute_s = START_S + (int64_t)sequence * 60, .group = "{}",
        .state = RECORD_CLOSED, .whole = true, .instance = "host/1/0", .epoch_ms = 7,
        .sequence = sequence, .fields = "f", .frames = 1};

    history_add_user(sketch, (unsigned)sequence % 50);
    history_add_sketch(&history, record, sketch);
}

static void make_checkpoint(uint64_t number)
{
    const struct record_partition partition = {
        .from = (int64_t)number - 1, .to = (int64_t)number,
        .watermark_s = START_S + (int64_t)number * 60 + 60};
    const struct record_checkpoint record = {
        .stream = "users", .instance = "host/1/0", .epoch_ms = 7, .number = number,
        .time_ms = (int64_t)number, .cluster = "c", .topic = "t", .partitions_total = 1,
        .input_group = "g", .sequence_first = number, .sequence_last = number,
        .partitions = &partition, .partitions_count = 1, .frames = 1};
    struct text text = {0};

    ck_assert_int_eq(record_write_checkpoint(&record, &text), HC_OK);
    history_add_line(&history, text.bytes, text.size);
    text_free(&text);
}

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    for (uint64_t n = 1; n <= COUNT; n++)
        make_sketch(n);
    for (uint64_t n = 1; n <= COUNT; n++)
        make_checkpoint(n);
    kit_make(&kit);
    records = record_reader_create();
    faults_set(FAULT_NONE, 0);
}

static void tear_down(void)
{
    record_reader_destroy(&records);
    kit_remove(&kit);
    history_free(&history);
}

static int64_t ask(const char *sql)
{
    int64_t number;
    sqlite3_stmt *statement;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static void add(struct store *store, size_t from, size_t to, size_t batch)
{
    for (size_t i = from; i < to; i++) {
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
        if ((i + 1) % batch == 0)
            ck_assert_msg(store_flush(store), "%s", store_error(store));
    }
    ck_assert_msg(store_flush(store), "%s", store_error(store));
}

START_TEST(sketches_that_come_late)
{
    static const char rows[] = "SELECT count(*) FROM waiting";
    static const char size[] = "SELECT length(state) FROM stream";
    const struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1};
    const struct calendar_options calendar = {.grain = CALENDAR_HOUR};
    struct store *store = kit_open(&kit);
    struct store_reader *reader;
    int64_t state_size;

    add(store, COUNT, COUNT + 100, 10);
    ck_assert_int_eq(ask(rows), 100);
    state_size = ask(size);
    add(store, COUNT + 100, 2 * COUNT, 100);
    ck_assert_int_eq(ask(rows), COUNT);
    ck_assert_int_le(ask(size), state_size + 8);
    /* Again, by one that has just begun. */
    store_close(&store);
    store = kit_open(&kit);
    add(store, COUNT, COUNT + 500, 100);
    ck_assert_int_eq(ask(rows), COUNT);
    /* And the sketches, which can't be written at first. */
    add(store, 0, COUNT / 2, 100);
    ck_assert_int_eq(ask(rows), COUNT - COUNT / 2);
    for (size_t i = COUNT / 2; i < COUNT; i++) {
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
        if (i % 300 != 0)
            continue;
        faults_set(FAULT_FULL, 1);
        ck_assert(!store_flush(store));
        faults_set(FAULT_NONE, 0);
    }
    ck_assert(store_flush(store));
    ck_assert_int_eq(ask(rows), 0);
    reader = kit_read(&kit);
    kit_same(reader, &history, history.count, options, &calendar);
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, sketches_that_come_late);
}
