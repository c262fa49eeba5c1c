/* Goal: several threads ask while the writer commits, and each answer is that of one
 * moment: exactly what merging the records of one commit says, never one older than
 * what was committed before the question. A question that is given no time fails in
 * good order, and so does one for which no reader is free. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check_main.h"
#include "clock.h"
#include "store_kit.h"
#include "store_readers.h"

#define START_S 1477785600 /* 2016-10-30, the day on which Zurich's clocks go back */
#define THREADS 4
#define READERS 3 /* fewer than threads, so that they wait for each other */
#define COMMITS 24
#define WAIT_MS 120000

static const enum calendar_grain grains[] = {CALENDAR_MINUTE, CALENDAR_HOUR, CALENDAR_DAY};
#define GRAINS (sizeof(grains) / sizeof(grains[0]))

static struct store_kit kit;
static struct history history;

struct world {
    struct store_readers *readers;
    struct text expected[COMMITS + 1][GRAINS]; /* after so many commits */
    atomic_int committed, questions;
    atomic_bool over;
};

struct asker {
    pthread_t thread;
    struct world *world;
    int number, asked;
    char wrong[512]; /* empty: nothing was */
};

static struct rollup_options everything(enum calendar_grain grain)
{
    return (struct rollup_options){.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                   .calendar = history_calendar(grain, "Europe/Zurich")};
}

static size_t lines_of(int commits)
{
    return history.count * (size_t)commits / COMMITS;
}

/* Which commit it is the answer of, of those from `first` to `last`; -1: none. */
static int commit_of(const struct world *world, size_t grain, const struct text *got, int first,
                     int last)
{
    for (int i = first; i <= last; i++) {
        const struct text *expected = &world->expected[i][grain];

        if (got->size == expected->size && memcmp(got->bytes, expected->bytes, got->size) == 0)
            return i;
    }
    return -1;
}

static void ask_once(struct asker *asker)
{
    struct world *world = asker->world;
    size_t grain = (size_t)(asker->number + asker->asked) % GRAINS;
    struct rollup_options options = everything(grains[grain]);
    struct text got = {0};
    struct store_reader *reader;
    struct rollup *rollup = NULL;
    int before;

    if (store_readers_take(world->readers, clock_monotonic_ms() + WAIT_MS, &reader, asker->wrong,
                           sizeof asker->wrong) != STORE_TURN) {
        snprintf(asker->wrong, sizeof asker->wrong, "there was no reader");
        goto out;
    }
    before = atomic_load(&world->committed);
    rollup = store_roll_up(reader, &options);
    if (!rollup)
        snprintf(asker->wrong, sizeof asker->wrong, "%s", store_reader_error(reader));
    store_readers_give(world->readers, &reader);
    if (!rollup)
        goto out;
    kit_tell_all(&got, rollup, NULL);
    /* The writer may have committed once more, and not said so yet. */
    if (commit_of(world, grain, &got, before,
                  atomic_load(&world->committed) < COMMITS ? atomic_load(&world->committed) + 1
                                                           : COMMITS) < 0)
        snprintf(asker->wrong, sizeof asker->wrong, "rows of no commit from %d on: %.300s", before,
                 got.bytes);
out:
    rollup_destroy(&rollup);
    text_free(&got);
    calendar_destroy(&options.calendar);
    asker->asked++;
    atomic_fetch_add(&world->questions, 1);
}

static void *ask(void *argument)
{
    struct asker *asker = argument;
    bool last;

    do {
        last = atomic_load(&asker->world->over);
        ask_once(asker);
    } while (!last && !asker->wrong[0]);
    atomic_store(&asker->world->over, true);
    return NULL;
}

/* Each commit happens while questions are asked: some were answered since the one
 * before. */
static void commit_all(struct world *world, struct store *store)
{
    struct record_reader *records = record_reader_create();

    for (int commit = 1; commit <= COMMITS && !atomic_load(&world->over); commit++) {
        int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
        int questions = atomic_load(&world->questions);

        for (size_t i = lines_of(commit - 1); i < lines_of(commit); i++)
            kit_add(store, records, &history.lines[i]);
        ck_assert_msg(store_flush(store), "%s", store_error(store));
        atomic_store(&world->committed, commit);
        while (atomic_load(&world->questions) < questions + 2 &&
               !atomic_load(&world->over) && clock_monotonic_ms() < until_ms)
            sched_yield();
    }
    record_reader_destroy(&records);
}

static void expect(struct world *world)
{
    for (int commit = 0; commit <= COMMITS; commit++) {
        for (size_t grain = 0; grain < GRAINS; grain++) {
            struct rollup_options options = everything(grains[grain]);

            kit_tell_merged(&history, lines_of(commit), &options, &world->expected[commit][grain]);
            calendar_destroy(&options.calendar);
        }
    }
}

static void set_up(void)
{
    uint64_t random = 3;

    memset(&history, 0, sizeof history);
    history_make(&history, &(struct history_options){.seed = 8, .start_s = START_S, .steps = 6,
                                                     .frames = 40, .step_minutes = 60,
                                                     .users = 900, .missing_percent = 5});
    history_shuffle(&history, &random);
    kit_make(&kit);
}

static void tear_down(void)
{
    kit_remove(&kit);
    history_free(&history);
}

START_TEST(answers_are_of_one_commit)
{
    struct world *world = calloc(1, sizeof *world);
    struct asker askers[THREADS] = {0};
    struct store *store = kit_open_with(&kit, 60000);

    world->readers = store_readers_create(kit.path, READERS);
    ck_assert_ptr_nonnull(world->readers);
    expect(world);
    for (int i = 0; i < THREADS; i++) {
        askers[i].world = world;
        askers[i].number = i;
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    commit_all(world, store);
    atomic_store(&world->over, true);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
        ck_assert_msg(!askers[i].wrong[0], "%s", askers[i].wrong);
    }
    ck_assert_int_ge(atomic_load(&world->questions), COMMITS * 2);
    store_readers_destroy(&world->readers);
    store_close(&store);
    for (int commit = 0; commit <= COMMITS; commit++) {
        for (size_t grain = 0; grain < GRAINS; grain++)
            text_free(&world->expected[commit][grain]);
    }
    free(world);
}
END_TEST

static void fill(size_t from, size_t to)
{
    struct record_reader *records = record_reader_create();
    struct store *store = kit_open(&kit);

    for (size_t i = from; i < to; i++)
        kit_add(store, records, &history.lines[i]);
    ck_assert(store_flush(store));
    store_close(&store);
    record_reader_destroy(&records);
}

/* Rows of all lines up to there, by the same reader. */
static void answers(struct store_reader *reader, size_t count)
{
    const struct calendar_options calendar = {.grain = CALENDAR_HOUR, .zone = "UTC"};

    store_reader_until(reader, INT64_MAX);
    kit_same(reader, &history, count,
             (struct rollup_options){.stream = "users", .to_s = LIMIT_TIME_S + 1}, &calendar);
}

/* What failed left nothing open: the next question sees what was written after. */
START_TEST(questions_without_time)
{
    struct rollup_options options = everything(CALENDAR_HOUR);
    size_t half = history.count / 2;
    struct store_reader *reader;
    int64_t from_s;

    fill(0, half);
    reader = kit_read(&kit);
    for (int round = 0; round < 2; round++) {
        store_reader_until(reader, clock_monotonic_ms());
        ck_assert_ptr_null(store_roll_up(reader, &options));
        ck_assert(store_reader_is_late(reader));
        ck_assert_ptr_nonnull(strstr(store_reader_error(reader), "longer than it was given"));
        ck_assert(!store_minutes_from(reader, &from_s));
        store_reader_until(reader, clock_monotonic_ms() + WAIT_MS);
        ck_assert(!store_reader_is_late(reader));
        ck_assert(store_minutes_from(reader, &from_s));
        answers(reader, round ? history.count : half);
        fill(half, history.count);
    }
    store_reader_close(&reader);
    calendar_destroy(&options.calendar);
}
END_TEST

/* Wherever the time is over, and it may be anywhere. */
START_TEST(time_that_ends_on_the_way)
{
    struct store_readers *readers = store_readers_create(kit.path, 1);
    struct rollup_options options = everything(CALENDAR_MINUTE);
    struct store_reader *reader;
    char error[1200];

    fill(0, history.count);
    for (int tries = 0; tries < 600; tries++) {
        struct rollup *rollup;

        ck_assert_int_eq(store_readers_take(readers, clock_monotonic_ms() + tries % 6, &reader,
                                            error, sizeof error), STORE_TURN);
        rollup = store_roll_up(reader, &options);
        ck_assert(store_reader_is_late(reader) == !rollup);
        rollup_destroy(&rollup);
        store_readers_give(readers, &reader);
    }
    ck_assert_int_eq(store_readers_take(readers, INT64_MAX, &reader, error, sizeof error),
                     STORE_TURN);
    answers(reader, history.count);
    store_readers_give(readers, &reader);
    store_readers_destroy(&readers);
    calendar_destroy(&options.calendar);
}
END_TEST

START_TEST(no_reader_is_free)
{
    struct store_readers *readers = store_readers_create(kit.path, 2);
    struct store_reader *one, *other, *third;
    char error[1200] = "";

    ck_assert_int_eq(store_readers_take(readers, INT64_MAX, &one, error, sizeof error),
                     STORE_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(error, "No such file"));
    fill(0, history.count);
    ck_assert_int_eq(store_readers_take(readers, INT64_MAX, &one, error, sizeof error),
                     STORE_TURN);
    ck_assert_int_eq(store_readers_take(readers, INT64_MAX, &other, error, sizeof error),
                     STORE_TURN);
    ck_assert_int_eq(store_readers_take(readers, clock_monotonic_ms() + 20, &third, error,
                                        sizeof error), STORE_BUSY);
    ck_assert_ptr_null(third);
    third = other;
    store_readers_give(readers, &other);
    ck_assert_int_eq(store_readers_take(readers, INT64_MAX, &other, error, sizeof error),
                     STORE_TURN);
    ck_assert_ptr_eq(other, third);
    store_readers_give(readers, &one);
    store_readers_give(readers, &other);
    store_readers_destroy(&readers);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, answers_are_of_one_commit);
    tcase_add_test(tests, questions_without_time);
    tcase_add_test(tests, time_that_ends_on_the_way);
    tcase_add_test(tests, no_reader_is_free);
}
