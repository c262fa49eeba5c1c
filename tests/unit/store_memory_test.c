/* Goal: wherever memory runs out, a store or its reader says so, and when the process
 * begins again from the positions in the file, nothing is lost and no row is wrong.
 *
 * The same records go into a store and become rows, again and again, each time with the
 * next allocation failing. What fails is tried again, and where the store says that this
 * can't be, all is begun again, as by a board that has ended. */
#include "check_main.h"
#include "sim_memory.h"
#include "store_kit.h"

#define START_S 1477785600
#define LINES_A_FLUSH 40

static struct store_kit kit;
static struct history history;

struct attempt {
    struct record_reader *records;
    struct store *store;
    struct store_reader *reader;
    bool failed;        /* an allocation did, and it went well all the same */
    char message[1200]; /* of the failure */
};

static bool say(struct attempt *attempt, const char *message)
{
    snprintf(attempt->message, sizeof attempt->message, "%s", message);
    return false;
}

/* What is tried again goes well, but in a store that says that it can't. */
static bool spoilt(struct attempt *attempt)
{
    ck_assert_msg(store_is_spoiled(attempt->store), "%s", store_error(attempt->store));
    return say(attempt, store_error(attempt->store));
}

/* From the position on, to the end. */
static bool fill(struct attempt *attempt)
{
    struct store_position position = {.cluster = "c", .topic = "t"};
    const struct store_options options = {.path = kit.path, .memory_bytes = 100000, .dues = true};
    size_t at;
    int more;

    attempt->store = store_open(&options, attempt->message, sizeof attempt->message);
    if (!attempt->store)
        return false;
    at = store_go_on(attempt->store, &position) == 1 ? (size_t)position.next : 0;
    while (at < history.count) {
        struct record record;
        const char *error = "";

        if (record_read(attempt->records, history.lines[at].bytes, history.lines[at].size, &record,
                        &error) == RECORD_NONE)
            return say(attempt, error);
        if (store_add(attempt->store, &record) != STORE_TAKEN &&
            store_add(attempt->store, &record) != STORE_TAKEN)
            return spoilt(attempt);
        position.next = (int64_t)++at;
        if (store_read_up_to(attempt->store, &position) != HC_OK)
            return say(attempt, "position");
        if (at % LINES_A_FLUSH == 0 && !store_flush(attempt->store) &&
            !store_flush(attempt->store))
            return spoilt(attempt);
    }
    while ((more = store_tidy(attempt->store)) == 1)
        continue;
    return more == 0 || say(attempt, store_error(attempt->store));
}

static bool ask(struct attempt *attempt, struct calendar *calendar, struct text *text)
{
    const struct rollup_options options = {.stream = "users", .calendar = calendar,
                                           .to_s = LIMIT_TIME_S + 1};
    struct rollup *rollup;

    attempt->reader = store_reader_open(kit.path, attempt->message, sizeof attempt->message);
    if (!attempt->reader)
        return false;
    rollup = store_roll_up(attempt->reader, &options);
    if (!rollup)
        return say(attempt, store_reader_error(attempt->reader));
    attempt->failed = memory_failed() > 0;
    memory_fail_at(0); /* rows of a roll-up are another test's */
    kit_tell_all(text, rollup, NULL);
    rollup_destroy(&rollup);
    return true;
}

static void end(struct attempt *attempt)
{
    store_reader_close(&attempt->reader);
    store_close(&attempt->store);
    record_reader_destroy(&attempt->records);
}

static bool run(struct calendar *calendar, struct text *text, struct attempt *attempt)
{
    bool done;

    *attempt = (struct attempt){.records = record_reader_create()};
    done = attempt->records ? fill(attempt) && ask(attempt, calendar, text)
                            : say(attempt, "reader");
    end(attempt);
    return done;
}

static void forget_file(void)
{
    kit_remove(&kit);
    kit_make(&kit);
}

START_TEST(every_allocation_fails_once)
{
    struct calendar *calendar = history_calendar(_i ? CALENDAR_DAY : CALENDAR_MINUTE,
                                                 "Europe/Zurich");
    struct attempt *attempt = calloc(1, sizeof *attempt);
    struct text expected = {0};
    uint64_t failures = 0, random = 7;
    bool failed = true;

    history_make(&history, &(struct history_options){.seed = 5, .start_s = START_S, .steps = 3,
                                                     .frames = 14, .step_minutes = 20,
                                                     .users = 3000, .missing_percent = 40});
    history_shuffle(&history, &random);
    kit_make(&kit);
    ck_assert_msg(run(calendar, &expected, attempt), "%s", attempt->message);
    for (uint64_t n = 1; failed; n += 1 + n / 50) {
        struct text got = {0};

        forget_file();
        memory_fail_at(n);
        failed = !run(calendar, &got, attempt);
        if (failed) {
            ck_assert_msg(memory_failed() > 0 && attempt->message[0], "at %llu",
                          (unsigned long long)n);
            memory_fail_at(0);
            ck_assert_msg(run(calendar, &got, attempt), "%s", attempt->message);
        }
        failed = failed || attempt->failed;
        same_text(&got, &expected);
        text_free(&got);
        failures += failed;
    }
    ck_assert_uint_gt(failures, 100);
    text_free(&expected);
    free(attempt);
    kit_remove(&kit);
    history_free(&history);
    calendar_destroy(&calendar);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 2);
}
