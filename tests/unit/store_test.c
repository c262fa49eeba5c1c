/* Goal: what a store refuses it says, and changes nothing: newer stores, files of
 * others, damaged ones, ones that can't be written, a second board; a disk that is
 * full loses nothing that is not read again. Minutes that are let go are gone, for
 * good, and nothing else is. A copy made while it runs is of one moment. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check_main.h"
#include "store_faults.h"
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
    faults_set(FAULT_NONE, 0);
}

static void tear_down(void)
{
    faults_set(FAULT_NONE, 0);
    record_reader_destroy(&records);
    kit_remove(&kit);
    history_free(&history);
}

static void add_all(struct store *store, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
}

static void flush(struct store *store)
{
    ck_assert_msg(store_flush(store), "%s", store_error(store));
}

static void same_by(struct store_reader *reader, size_t count, enum calendar_grain grain,
                    int64_t from_s)
{
    const struct rollup_options options = {.stream = "users", .from_s = from_s,
                                           .from_given = from_s > 0, .to_s = LIMIT_TIME_S + 1};
    const struct calendar_options calendar = {.grain = grain, .zone = "Europe/Zurich"};

    kit_same(reader, &history, count, options, &calendar);
}

static void refused(const char *path, enum store_access access, const char *why)
{
    char error[1200] = "";

    if (access == STORE_WRITE) {
        const struct store_options options = {.path = path};

        ck_assert_ptr_null(store_open(&options, error, sizeof error));
    } else {
        ck_assert_ptr_null(store_reader_open(path, error, sizeof error));
    }
    ck_assert_msg(strstr(error, why) && strstr(error, path), "%s", error);
}

static void put_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(files_of_others)
{
    char page[8192], after[sizeof page];
    FILE *file;

    memset(page, 'x', sizeof page);
    put_file(kit.path, page, sizeof page);
    refused(kit.path, STORE_WRITE, "no store of headcount-board, nor any SQLite database");
    refused(kit.path, STORE_READ, "no store of headcount-board, nor any SQLite database");
    file = fopen(kit.path, "rb");
    ck_assert_uint_eq(fread(after, 1, sizeof after, file), sizeof after);
    ck_assert_mem_eq(page, after, sizeof page);
    fclose(file);
    unlink(kit.path);
    run_sql(kit.path, "CREATE TABLE theirs(a)");
    refused(kit.path, STORE_WRITE, "another program's database");
    refused(kit.path, STORE_READ, "another program's database");
}
END_TEST

START_TEST(newer_and_older_stores)
{
    struct store *store = kit_open(&kit);

    store_close(&store);
    run_sql(kit.path, "PRAGMA user_version = 3");
    refused(kit.path, STORE_WRITE, "a newer headcount-board has made it");
    refused(kit.path, STORE_READ, "a newer headcount-board has made it");
    run_sql(kit.path, "PRAGMA user_version = 1");
    refused(kit.path, STORE_WRITE, "an older headcount-board has made it");
    refused(kit.path, STORE_READ, "delete it, and the topic is read into a new one");
    run_sql(kit.path, "PRAGMA user_version = 2");
    store = kit_open(&kit);
    store_close(&store);
}
END_TEST

START_TEST(places_without_a_file)
{
    refused("/nonexistent/board.db", STORE_WRITE, "No such file");
    refused(kit.path, STORE_READ, "No such file");
    ck_assert_int_ne(access(kit.path, F_OK), 0);
    refused(kit.folder, STORE_READ, kit.folder);
}
END_TEST

START_TEST(a_second_board)
{
    struct store *store = kit_open(&kit);
    pid_t child;
    int status;

    refused(kit.path, STORE_WRITE, "another board has it open");
    child = fork();
    if (child == 0) {
        refused(kit.path, STORE_WRITE, "another board has it open");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    add_all(store, 0, history.count);
    flush(store);
    store_close(&store);
    store = kit_open(&kit);
    store_close(&store);
}
END_TEST

/* Root may write whatever the modes say, until it gives that up. */
START_TEST(a_file_that_cant_be_written)
{
    struct __user_cap_header_struct version = {.version = _LINUX_CAPABILITY_VERSION_3};
    static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    struct store *store = kit_open(&kit);
    pid_t child;
    int status;

    store_close(&store);
    ck_assert_int_eq(chmod(kit.path, 0444), 0);
    child = fork();
    if (child == 0) {
        ck_assert_int_eq(syscall(SYS_capset, &version, none), 0);
        refused(kit.path, STORE_WRITE, "it can't be written");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Wherever the disk is full: nothing is lost, and it goes on when there is room. */
START_TEST(full_disks)
{
    size_t half = history.count / 2;
    bool full = true;

    for (long change = 1; full; change += change / 8 + 1) {
        struct store *store = kit_open(&kit);
        struct store_reader *reader;

        add_all(store, 0, half);
        flush(store);
        faults_set(FAULT_FULL, change);
        add_all(store, half, history.count);
        full = !store_flush(store);
        if (full) {
            ck_assert_ptr_nonnull(strstr(store_error(store), "the disk is full"));
            reader = kit_read(&kit);
            same_by(reader, half, CALENDAR_HOUR, 0);
            store_reader_close(&reader);
            ck_assert(!store_flush(store));
        }
        faults_set(FAULT_NONE, 0);
        flush(store);
        reader = kit_read(&kit);
        same_by(reader, history.count, CALENDAR_HOUR, 0);
        same_by(reader, history.count, CALENDAR_MINUTE, 0);
        store_reader_close(&reader);
        store_close(&store);
        kit_remove(&kit);
        kit_make(&kit);
    }
}
END_TEST

/* A byte that is not as it was: the same rows, or an error. */
START_TEST(damaged_files)
{
    struct store *store = kit_open(&kit);
    struct stat status;
    unsigned told = 0;
    uint64_t random = 3;
    char *bytes;
    FILE *file;

    add_all(store, 0, history.count);
    flush(store);
    store_close(&store);
    ck_assert_int_eq(stat(kit.path, &status), 0);
    bytes = malloc((size_t)status.st_size);
    file = fopen(kit.path, "rb");
    ck_assert_uint_eq(fread(bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
    fclose(file);
    for (int round = 0; round < 300; round++) {
        struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                         .numbers = round % 2};
        struct text got = {0}, expected = {0};
        size_t at = random_below(&random, (uint64_t)status.st_size);
        struct store_reader *reader;
        struct rollup *rollup = NULL;

        bytes[at] = (char)(bytes[at] ^ 0x55);
        put_file(kit.path, bytes, (size_t)status.st_size);
        bytes[at] = (char)(bytes[at] ^ 0x55);
        reader = store_reader_open(kit.path, kit.error, sizeof kit.error);
        options.calendar = history_calendar(round % 3 ? CALENDAR_HOUR : CALENDAR_MINUTE, "UTC");
        if (reader)
            rollup = store_roll_up(reader, &options);
        if (rollup) {
            kit_tell_all(&got, rollup, NULL);
            kit_tell_merged(&history, history.count, &options, &expected);
            same_text(&got, &expected);
        }
        told += !rollup;
        if (reader && !rollup)
            ck_assert_uint_gt(strlen(store_reader_error(reader)), 0);
        text_free(&got);
        text_free(&expected);
        rollup_destroy(&rollup);
        store_reader_close(&reader);
        calendar_destroy(&options.calendar);
    }
    ck_assert_uint_gt(told, 0);
    free(bytes);
}
END_TEST

/* Hours that can't be read fail records in their midst; taken again when they can,
 * those are in every grain. */
START_TEST(records_that_are_half_taken)
{
    size_t half = history.count / 2;
    struct store *store = kit_open(&kit);
    struct store_reader *reader;
    unsigned failed = 0;

    add_all(store, 0, half);
    flush(store);
    store_close(&store);
    run_sql(kit.path, "CREATE TABLE kept AS SELECT * FROM hour; UPDATE hour SET bytes = x'00'");
    store = kit_open(&kit);
    for (size_t i = half; i < history.count; i++) {
        struct record record;
        const char *error;

        ck_assert_int_ne(record_read(records, history.lines[i].bytes, history.lines[i].size,
                                     &record, &error), RECORD_NONE);
        if (store_add(store, &record) == STORE_TAKEN)
            continue;
        ck_assert_ptr_nonnull(strstr(store_error(store), "damaged"));
        failed++;
    }
    ck_assert_uint_gt(failed, 0);
    flush(store);
    store_close(&store);
    run_sql(kit.path, "UPDATE hour SET bytes = (SELECT bytes FROM kept WHERE kept.id = hour.id)"
                      " WHERE id IN (SELECT id FROM kept); DROP TABLE kept");
    store = kit_open(&kit);
    add_all(store, half, history.count);
    flush(store);
    reader = kit_read(&kit);
    same_by(reader, history.count, CALENDAR_MINUTE, 0);
    same_by(reader, history.count, CALENDAR_HOUR, 0);
    same_by(reader, history.count, CALENDAR_ALL, 0);
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

START_TEST(minutes_that_are_let_go)
{
    size_t half = history.count / 2;
    int64_t floor_s = START_S + 3 * 3600 + 120, from_s;
    struct store *store = kit_open(&kit);
    struct store_reader *reader;
    struct rollup_options options = {.stream = "users", .from_given = true,
                                     .from_s = START_S + 600, .to_s = LIMIT_TIME_S + 1};
    uint64_t random = 11;
    int more;

    history_shuffle(&history, &random);
    add_all(store, 0, half);
    flush(store);
    while ((more = store_keep_minutes(store, floor_s + 59)) == 1)
        continue;
    ck_assert_int_eq(more, 0);
    /* What comes late reaches the rest; and the limit never goes back. */
    add_all(store, half, history.count);
    ck_assert_int_eq(store_keep_minutes(store, floor_s - 86400), 0);
    store_close(&store);
    store = kit_open(&kit);
    reader = kit_read(&kit);
    ck_assert(store_minutes_from(reader, &from_s));
    ck_assert_int_eq(from_s, floor_s);
    same_by(reader, history.count, CALENDAR_HOUR, 0);
    same_by(reader, history.count, CALENDAR_DAY, 0);
    same_by(reader, history.count, CALENDAR_HOUR, START_S + 900);
    same_by(reader, history.count, CALENDAR_MINUTE, floor_s);
    same_by(reader, history.count, CALENDAR_HOUR, floor_s);
    options.calendar = history_calendar(CALENDAR_HOUR, "UTC");
    ck_assert_ptr_null(store_roll_up(reader, &options));
    ck_assert_ptr_nonnull(strstr(store_reader_error(reader), "are not kept"));
    calendar_destroy(&options.calendar);
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

/* By minute, what was let go is no row: it is not there, and no zero either. */
START_TEST(no_rows_where_minutes_are_gone)
{
    struct store *store = kit_open(&kit);
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1};
    struct store_reader *reader;
    struct rollup_row row;
    struct rollup *rollup;
    int64_t floor_s = START_S + 7200;
    unsigned rows = 0;

    add_all(store, 0, history.count);
    ck_assert_int_eq(store_keep_minutes(store, floor_s), 0);
    reader = kit_read(&kit);
    options.calendar = history_calendar(CALENDAR_MINUTE, "UTC");
    rollup = store_roll_up(reader, &options);
    ck_assert_ptr_nonnull(rollup);
    while (rollup_next(rollup, &row) == 1) {
        ck_assert(row.start_s >= floor_s || !row.sketch);
        for (size_t i = 0; row.start_s < floor_s && i < history.truth_count; i++)
            ck_assert_int_ne(history.truth[i].minute_s, row.start_s);
        rows++;
    }
    ck_assert_uint_gt(rows, 10);
    rollup_destroy(&rollup);
    calendar_destroy(&options.calendar);
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

START_TEST(copies)
{
    struct store *store = kit_open(&kit);
    struct store_reader *reader, *copied;
    size_t half = history.count / 2;
    char path[TEST_PATH_ROOM + 8];

    snprintf(path, sizeof path, "%s.copy", kit.path);
    add_all(store, 0, half);
    flush(store);
    reader = kit_read(&kit);
    ck_assert_msg(store_backup(reader, path), "%s", store_reader_error(reader));
    add_all(store, half, history.count);
    flush(store);
    copied = store_reader_open(path, kit.error, sizeof kit.error);
    ck_assert_msg(copied != NULL, "%s", kit.error);
    same_by(copied, half, CALENDAR_HOUR, 0);
    store_reader_close(&copied);
    ck_assert_msg(store_backup(reader, path), "%s", store_reader_error(reader));
    copied = store_reader_open(path, kit.error, sizeof kit.error);
    same_by(copied, history.count, CALENDAR_HOUR, 0);
    store_reader_close(&copied);
    ck_assert(!store_backup(reader, "/nonexistent/copy"));
    store_reader_close(&reader);
    store_close(&store);
}
END_TEST

static void add_position(struct store *store, const char *topic, int32_t partition, int64_t next)
{
    const struct store_position position = {"lkc-1", topic, partition, next};

    ck_assert_int_eq(store_read_up_to(store, &position), HC_OK);
}

static void check_position(struct store *store, const char *topic, int32_t partition, int64_t next)
{
    struct store_position position = {"lkc-1", topic, partition, -1};

    ck_assert_int_eq(store_go_on(store, &position), next >= 0);
    ck_assert_int_eq(position.next, next);
}

START_TEST(positions)
{
    struct store *store = kit_open(&kit);
    struct store_position other = {"lkc-2", "t", 0, -1};

    for (int32_t p = 0; p < 40; p++)
        add_position(store, p % 2 ? "t" : "u", p, 1000 + p);
    check_position(store, "u", 2, 1002);
    flush(store);
    add_position(store, "u", 2, 5);
    store_close(&store);
    store = kit_open(&kit);
    for (int32_t p = 0; p < 40; p++)
        check_position(store, p % 2 ? "t" : "u", p, 1000 + p);
    check_position(store, "t", 2, -1);
    ck_assert_int_eq(store_go_on(store, &other), 0);
    store_close(&store);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, files_of_others);
    tcase_add_test(tests, newer_and_older_stores);
    tcase_add_test(tests, places_without_a_file);
    tcase_add_test(tests, a_second_board);
    tcase_add_test(tests, a_file_that_cant_be_written);
    tcase_add_test(tests, full_disks);
    tcase_add_test(tests, damaged_files);
    tcase_add_test(tests, records_that_are_half_taken);
    tcase_add_test(tests, minutes_that_are_let_go);
    tcase_add_test(tests, no_rows_where_minutes_are_gone);
    tcase_add_test(tests, copies);
    tcase_add_test(tests, positions);
}
