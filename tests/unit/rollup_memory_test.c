/* Goal: wherever memory runs out, a roll-up says so, gives everything back, and
 * never gives rows that are wrong.
 *
 * The same few records become rows and an archive, again and again, each time
 * with the next allocation failing; as a whole, and as two parts that are
 * joined; with checkpoints that wait in memory, and in a file. Either the result
 * is the right one or a failure with a message; the leak checker of the sanitized
 * build sees the rest. */
#include <string.h>

#include "check_main.h"
#include "rollup_history.h"
#include "sim_memory.h"

struct attempt {
    struct calendar *calendar;
    struct rollup *rollup, *part;
    struct record_reader *reader;
    struct text result;
    const char *message; /* of the failure */
    char error[200];
};

static bool keep_line(void *context, const char *bytes, size_t size)
{
    struct text *text = context;

    text_bytes(text, bytes, size);
    return !text->failed;
}

/* The lines from one on to before another one. */
static bool feed(struct attempt *attempt, struct rollup *rollup, const struct history *history,
                 size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct record record;

        if (record_read(attempt->reader, history->lines[i].bytes, history->lines[i].size, &record,
                        &attempt->message) == RECORD_NONE)
            return false;
        if (rollup_add(rollup, &record) != ROLLUP_TAKEN) {
            attempt->message = rollup_error(rollup);
            return false;
        }
    }
    return true;
}

/* All lines; with `joined` the second half comes as a part. */
static bool feed_all(struct attempt *attempt, const struct history *history,
                     const struct rollup_options *options, bool joined)
{
    size_t half = joined ? history->count / 2 : history->count;

    if (!feed(attempt, attempt->rollup, history, 0, half))
        return false;
    if (!joined)
        return true;
    attempt->message = "create";
    attempt->part = rollup_create(options);
    if (!attempt->part || !feed(attempt, attempt->part, history, half, history->count))
        return false;
    attempt->message = rollup_error(attempt->rollup);
    return rollup_join(attempt->rollup, attempt->part) == ROLLUP_JOINED;
}

static bool print(struct attempt *attempt)
{
    struct rollup_row row;
    int more;

    while ((more = rollup_next(attempt->rollup, &row)) > 0) {
        text_format(&attempt->result, "%.17g %llu %d ", row.estimate.value,
                    (unsigned long long)row.minutes, (int)row.state);
        calendar_text_local(attempt->calendar, row.start_s, &attempt->result);
    }
    attempt->message = more < 0 ? rollup_error(attempt->rollup) : "text";
    return more == 0 && !attempt->result.failed;
}

static bool run(struct attempt *attempt, const struct history *history, enum calendar_grain grain,
                bool joined, size_t waiting)
{
    struct calendar_options calendar = {.grain = grain, .zone = "Europe/Zurich"};
    struct rollup_options options = {.to_s = LIMIT_TIME_S + 1,
                                     .archive = grain == CALENDAR_MINUTE,
                                     .waiting_bytes_max = waiting};

    attempt->message = attempt->error;
    attempt->calendar = calendar_create(&calendar, attempt->error, sizeof attempt->error);
    if (!attempt->calendar)
        return false;
    options.calendar = attempt->calendar;
    attempt->message = "create";
    attempt->rollup = rollup_create(&options);
    attempt->reader = record_reader_create();
    if (!attempt->rollup || !attempt->reader ||
        !feed_all(attempt, history, &options, joined))
        return false;
    attempt->message = rollup_error(attempt->rollup);
    if (!rollup_finish(attempt->rollup) || !print(attempt))
        return false;
    attempt->message = rollup_error(attempt->rollup);
    return !options.archive || rollup_archive(attempt->rollup, keep_line, &attempt->result);
}

static void clean_up(struct attempt *attempt)
{
    record_reader_destroy(&attempt->reader);
    rollup_destroy(&attempt->part);
    rollup_destroy(&attempt->rollup);
    calendar_destroy(&attempt->calendar);
    text_free(&attempt->result);
}

START_TEST(every_allocation_fails_once)
{
    enum calendar_grain grain = _i % 2 ? CALENDAR_DAY : CALENDAR_MINUTE;
    bool joined = _i % 4 >= 2;
    size_t waiting = _i >= 4 ? 700 : 0; /* bytes of checkpoints, or the usual */
    struct history history = {0};
    struct attempt good = {0};
    uint64_t failures = 0;

    history_make(&history, &(struct history_options){.seed = 5,
                                                     .start_s = 1477778400,
                                                     .steps = 4,
                                                     .frames = 30,
                                                     .step_minutes = 20,
                                                     .users = 3000,
                                                     .lost_percent = 5,
                                                     .missing_percent = 40});
    ck_assert_msg(run(&good, &history, grain, joined, waiting), "%s", good.message);
    for (uint64_t n = 1;; n++) {
        struct attempt attempt = {0};
        bool done, failed;

        memory_fail_at(n);
        done = run(&attempt, &history, grain, joined, waiting);
        failed = memory_failed() > 0;
        memory_fail_at(0);
        if (done)
            ck_assert_str_eq(attempt.result.bytes, good.result.bytes);
        else
            ck_assert_msg(failed && strlen(attempt.message) > 0, "at %llu", (unsigned long long)n);
        clean_up(&attempt);
        failures += failed;
        if (!failed)
            break;
    }
    ck_assert_uint_gt(failures, 100);
    clean_up(&good);
    history_free(&history);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_allocation_fails_once, 0, 8);
}
