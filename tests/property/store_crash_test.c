/* Goal: whenever the process ends, killed at any change of any file of the store,
 * with or without half of that change on the disk, the file then holds exactly the
 * records up to the position in it: registers, minutes, coverage. And from there
 * the rest gives what all records give. */
#include <sys/wait.h>

#include "check_main.h"
#include "store_faults.h"
#include "store_kit.h"

#define BATCH 9 /* records a transaction */

/* Adds what comes behind the position. */
static void go_on(struct store_kit *kit, const struct history *history)
{
    struct store_position position = {.cluster = "c", .topic = "uniques"};
    struct record_reader *reader = record_reader_create();
    struct store *store = kit_open_with(kit, 30000);
    size_t at = store_go_on(store, &position) == 1 ? (size_t)position.next : 0;

    while (at < history->count) {
        kit_add(store, reader, &history->lines[at]);
        position.next = (int64_t)++at;
        ck_assert_int_eq(store_read_up_to(store, &position), HC_OK);
        if (at % BATCH == 0 || at == history->count)
            ck_assert_msg(store_flush(store), "%s", store_error(store));
    }
    store_close(&store);
    record_reader_destroy(&reader);
}

/* In a process of its own, since SQLite must not be carried across a fork. False:
 * it was killed. */
static bool in_child(struct store_kit *kit, const struct history *history, enum store_fault fault,
                     long countdown)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        faults_set(fault, countdown);
        go_on(kit, history);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        return false;
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return true;
}

/* The first so many lines are there, and no more. */
static size_t check_file(struct store_kit *kit, const struct history *history)
{
    static const enum calendar_grain grains[] = {CALENDAR_MINUTE, CALENDAR_DAY};
    const struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1};
    struct store_position position = {.cluster = "c", .topic = "uniques"};
    struct store *store = kit_open(kit);
    struct store_reader *reader = kit_read(kit);
    size_t count = store_go_on(store, &position) == 1 ? (size_t)position.next : 0;

    for (size_t i = 0; i < sizeof(grains) / sizeof(grains[0]); i++) {
        const struct calendar_options calendar = {
            .grain = grains[i], .zone = i % 2 ? "Asia/Kathmandu" : "UTC"};

        kit_same(reader, history, count, options, &calendar);
    }
    store_reader_close(&reader);
    store_close(&store);
    return count;
}

static void forget_file(struct store_kit *kit)
{
    kit_remove(kit);
    kit_make(kit);
}

START_TEST(at_every_change)
{
    struct history history = {0};
    struct store_kit kit;
    long crashes = 0;
    size_t last = 0;

    history_make(&history, &(struct history_options){.seed = 41 + (uint64_t)_i,
                                                     .start_s = 1477778400,
                                                     .steps = 2,
                                                     .frames = 20,
                                                     .step_minutes = 20,
                                                     .users = 300,
                                                     .missing_percent = 5,
                                                     .precisions = _i % 2});
    kit_make(&kit);
    while (!in_child(&kit, &history, _i % 2 ? FAULT_TORN : FAULT_KILL, crashes + 1)) {
        size_t count = check_file(&kit, &history);

        ck_assert_uint_ge(count, last);
        last = count;
        ck_assert(in_child(&kit, &history, FAULT_NONE, 0));
        ck_assert_uint_eq(check_file(&kit, &history), history.count);
        forget_file(&kit);
        crashes++;
    }
    /* The last one ended after everything had been committed. */
    ck_assert_int_gt(crashes, 60);
    ck_assert_uint_eq(last, history.count);
    kit_remove(&kit);
    history_free(&history);
}
END_TEST

/* One file, which is killed again and again and comes to its end all the same. */
START_TEST(again_and_again)
{
    struct history history = {0};
    struct store_kit kit;
    uint64_t random = 7;
    int crashes = 0;

    history_make(&history, &(struct history_options){.seed = 51, .start_s = 1477778400,
                                                     .steps = 8, .frames = 25,
                                                     .step_minutes = 20, .users = 300});
    kit_make(&kit);
    while (!in_child(&kit, &history, random_below(&random, 2) ? FAULT_TORN : FAULT_KILL,
                     20 + (long)random_below(&random, 60))) {
        check_file(&kit, &history);
        crashes++;
    }
    ck_assert_uint_eq(check_file(&kit, &history), history.count);
    ck_assert_int_gt(crashes, 5);
    kit_remove(&kit);
    history_free(&history);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, at_every_change, 0, 2);
    tcase_add_test(tests, again_and_again);
}
