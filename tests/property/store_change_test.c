/* Goal: what a store tells of its commits is what they changed: every minute that has
 * more users than before or is late since, and no other, by the file before and after;
 * nothing of a commit that failed, or of records that say nothing new. */
#include "check_main.h"
#include "store_faults.h"
#include "store_kit.h"

#define START_S 1477785600
#define MINUTES_MAX 4096
#define FLOOR_S (START_S + 3600)

static struct store_kit kit;
static struct history history;
static struct record_reader *records;

/* Minutes of all that was told since it was emptied. */
struct told {
    int64_t minutes[MINUTES_MAX];
    size_t count;
    int64_t from_s, to_s;
    unsigned calls, checkpoints;
};

static void note(void *context, const struct store_change *change)
{
    struct told *told = context;

    ck_assert_str_eq(change->stream, "users");
    ck_assert(change->to_s > 0 || (change->checkpoints && change->minutes_count == 0));
    for (size_t i = 0; i < change->minutes_count; i++) {
        ck_assert_uint_lt(told->count, MINUTES_MAX);
        ck_assert(i == 0 || change->minutes[i] > change->minutes[i - 1]);
        ck_assert_int_ge(change->minutes[i], change->from_s);
        ck_assert_int_lt(change->minutes[i], change->to_s);
        told->minutes[told->count++] = change->minutes[i];
    }
    told->from_s = change->from_s;
    told->to_s = change->to_s;
    told->checkpoints += change->checkpoints;
    told->calls++;
}

/* The minutes with users, and a digest of each, other when it is late. */
struct snapshot {
    int64_t minutes[MINUTES_MAX];
    uint64_t digests[MINUTES_MAX];
    size_t count;
};

static void take_snapshot(struct snapshot *snapshot)
{
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                     .calendar = history_calendar(CALENDAR_MINUTE, "UTC")};
    struct store_reader *reader = kit_read(&kit);
    struct rollup *rollup = store_roll_up(reader, &options);
    struct rollup_row row;

    ck_assert_ptr_nonnull(rollup);
    snapshot->count = 0;
    while (rollup_next(rollup, &row) == 1) {
        if (!row.sketch)
            continue;
        ck_assert_uint_lt(snapshot->count, MINUTES_MAX);
        snapshot->minutes[snapshot->count] = row.start_s;
        snapshot->digests[snapshot->count++] = hc_digest(row.sketch) + row.late;
    }
    rollup_destroy(&rollup);
    store_reader_close(&reader);
    calendar_destroy(&options.calendar);
}

static uint64_t digest_at(const struct snapshot *snapshot, int64_t minute_s)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        if (snapshot->minutes[i] == minute_s)
            return snapshot->digests[i];
    }
    return 0;
}

/* Told once for each minute that differs, in order. */
static void check_told(const struct told *told, const struct snapshot *before,
                       const struct snapshot *after)
{
    size_t at = 0;

    for (size_t i = 0; i < after->count; i++) {
        if (digest_at(before, after->minutes[i]) == after->digests[i])
            continue;
        ck_assert_uint_lt(at, told->count);
        ck_assert_int_eq(told->minutes[at++], after->minutes[i]);
    }
    ck_assert_uint_eq(at, told->count);
}

static void set_up(void)
{
    uint64_t random = 5;

    memset(&history, 0, sizeof history);
    history_make(&history, &(struct history_options){.seed = 6, .start_s = START_S, .steps = 8,
                                                     .frames = 60, .step_minutes = 40,
                                                     .users = 500});
    history_shuffle(&history, &random);
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

static void add(struct store *store, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ck_assert_int_eq(kit_add(store, records, &history.lines[i]), STORE_TAKEN);
}

START_TEST(every_minute_that_changed)
{
    struct snapshot *before = calloc(1, sizeof *before), *after = calloc(1, sizeof *after);
    struct told *told = calloc(1, sizeof *told);
    struct store *store = kit_open(&kit);
    size_t step = history.count / 12;

    store_watch(store, note, told);
    for (size_t at = 0; at < history.count; at += step) {
        struct snapshot *old = before;
        size_t to = at + step < history.count ? at + step : history.count;

        *told = (struct told){0};
        add(store, at / 2, to); /* many of them again */
        ck_assert_uint_eq(told->calls, 0);
        ck_assert(store_flush(store));
        ck_assert_uint_eq(told->calls, 1);
        take_snapshot(after);
        check_told(told, before, after);
        ck_assert_uint_gt(told->count, 0);
        before = after;
        after = old;
    }
    store_close(&store);
    free(told);
    free(after);
    free(before);
}
END_TEST

static bool is_checkpoint(const struct history_line *line)
{
    struct record record;
    const char *error;

    return record_read(records, line->bytes, line->size, &record, &error) == RECORD_CHECKPOINT;
}

START_TEST(nothing_that_did_not)
{
    struct told told = {0};
    struct store *store = kit_open(&kit);

    add(store, 0, history.count);
    ck_assert(store_flush(store));
    store_watch(store, note, &told);
    for (size_t i = 0; i < history.count; i++) {
        if (!is_checkpoint(&history.lines[i]))
            add(store, i, i + 1);
    }
    ck_assert(store_flush(store));
    ck_assert_uint_eq(told.calls, 0);
    for (size_t i = 0; i < history.count; i++) {
        if (is_checkpoint(&history.lines[i]))
            add(store, i, i + 1);
    }
    ck_assert(store_flush(store) && store_flush(store));
    ck_assert_uint_eq(told.calls, 1);
    ck_assert_uint_eq(told.checkpoints, 1);
    ck_assert_int_eq(told.to_s, 0);
    store_close(&store);
}
END_TEST

START_TEST(commits_that_fail)
{
    struct told told = {0};
    struct store *store = kit_open(&kit);

    store_watch(store, note, &told);
    add(store, 0, history.count);
    faults_set(FAULT_FULL, 1);
    ck_assert(!store_flush(store));
    ck_assert_uint_eq(told.calls, 0);
    faults_set(FAULT_NONE, 0);
    ck_assert(store_flush(store));
    ck_assert_uint_eq(told.calls, 1);
    ck_assert_uint_gt(told.count, 100);
    store_close(&store);
}
END_TEST

/* Of minutes that are not kept it is known within which quarter-hours they lie. */
START_TEST(minutes_that_are_not_kept)
{
    struct told told = {0};
    struct store *store = kit_open(&kit);
    unsigned kept = 0;

    ck_assert_int_eq(store_keep_minutes(store, FLOOR_S), 0);
    store_watch(store, note, &told);
    add(store, 0, history.count);
    ck_assert(store_flush(store));
    for (size_t i = 0; i < told.count; i++)
        kept += told.minutes[i] >= FLOOR_S;
    ck_assert_uint_eq(kept, told.count);
    ck_assert_uint_gt(kept, 0);
    ck_assert_int_eq(told.from_s, START_S);
    store_close(&store);
}
END_TEST

/* A minute of several groups is told once. */
START_TEST(minutes_of_several_groups)
{
    static const char *const groups[] = {"{}", "{\"os\":\"a\"}", "{\"os\":\"b\"}"};
    struct hc_sketch *sketch = history_sketch(14);
    struct told told = {0};
    struct store *store = kit_open(&kit);

    history_add_user(sketch, 1);
    store_watch(store, note, &told);
    for (uint64_t n = 0; n < 9; n++) {
        const struct record record = {
            .kind = RECORD_SKETCH,
            .sketch = {.stream = "users", .minute_s = START_S + 60 * (int64_t)(n % 3),
                       .group = groups[n / 3], .instance = "i", .epoch_ms = 7, .sequence = n + 1,
                       .fields = "", .sketch = sketch}};

        ck_assert_int_eq(store_add(store, &record), STORE_TAKEN);
    }
    ck_assert(store_flush(store));
    ck_assert_uint_eq(told.count, 3);
    hc_sketch_destroy(&sketch);
    store_close(&store);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_minute_that_changed);
    tcase_add_test(tests, nothing_that_did_not);
    tcase_add_test(tests, commits_that_fail);
    tcase_add_test(tests, minutes_that_are_not_kept);
    tcase_add_test(tests, minutes_of_several_groups);
}
