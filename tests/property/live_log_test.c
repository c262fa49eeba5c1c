/* Goal: whoever asks what changed since a version is told every minute that changed, in
 * ranges that are apart, in order and few; of a stream in which nothing changed, nothing;
 * and who asks about versions that are no longer kept, that anything may have changed.
 * A model keeps every minute of every version. Checkpoints tell the minutes that their
 * partitions' clocks have passed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "limits.h"
#include "live_log.h"

#define STREAMS 3
#define VERSIONS 400
#define NOTES_MAX 40
#define DAY_MINUTES 1440

static const char *const names[STREAMS] = {"users", "devices", "bots"};

/* The minutes of each version, by stream. */
struct model {
    struct {
        int stream;
        int64_t minute_s;
    } notes[VERSIONS][NOTES_MAX];
    int counts[VERSIONS];
};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static struct record sketch_of(const char *stream, int64_t minute_s)
{
    return (struct record){.kind = RECORD_SKETCH,
                           .sketch = {.stream = stream, .minute_s = minute_s}};
}

static bool is_told(const struct live_answer *answer, int64_t minute_s)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->ranges[i].from_s <= minute_s && minute_s < answer->ranges[i].to_s)
            return true;
    return false;
}

static void check_form(const struct live_answer *answer)
{
    int64_t minutes = 0;

    ck_assert_int_eq(answer->news == LIVE_NOTHING, answer->count == 0);
    ck_assert_uint_le(answer->count, answer->news == LIVE_WIDE ? 1 : LIVE_RANGES_MAX);
    for (size_t i = 0; i < answer->count; i++) {
        ck_assert_int_lt(answer->ranges[i].from_s, answer->ranges[i].to_s);
        ck_assert_int_eq(answer->ranges[i].from_s % 60, 0);
        minutes += (answer->ranges[i].to_s - answer->ranges[i].from_s) / 60;
        if (i > 0)
            ck_assert_int_lt(answer->ranges[i - 1].to_s, answer->ranges[i].from_s);
    }
    if (answer->news == LIVE_ROWS)
        ck_assert_int_le(minutes, LIVE_MINUTES_MAX);
}

static void check_ask(const struct live_log *log, const struct model *model, uint64_t since)
{
    uint64_t last = live_log_version(log);

    for (size_t s = 0; s < live_log_streams(log); s++) {
        struct live_answer answer;
        size_t wanted = 0, alone = 0;

        live_log_ask(log, s, since, &answer);
        check_form(&answer);
        for (uint64_t v = since + 1; v <= last; v++)
            for (int i = 0; i < model->counts[v]; i++)
                if (strcmp(names[model->notes[v][i].stream], live_log_stream(log, s)) == 0) {
                    wanted++;
                    ck_assert(is_told(&answer, model->notes[v][i].minute_s));
                }
        if (last - since > LIVE_VERSIONS)
            ck_assert_int_eq(answer.news, LIVE_WIDE);
        else
            ck_assert_int_eq(answer.news == LIVE_NOTHING, wanted == 0);
        /* Nothing that did not change, where all can be told. */
        for (size_t i = 0; answer.news == LIVE_ROWS && i < answer.count; i++)
            alone += (size_t)(answer.ranges[i].to_s - answer.ranges[i].from_s) / 60;
        ck_assert_uint_le(alone, wanted);
    }
}

START_TEST(every_change_is_told)
{
    struct model *model = calloc(1, sizeof *model);
    struct live_log *log = live_log_create();

    seed = (uint64_t)_i + 1;
    for (uint64_t v = 1; v < VERSIONS; v++) {
        /* Now and then so far apart that there are more ranges than are told. */
        int64_t spread = draw(4) == 0 ? 400 * DAY_MINUTES : 30;

        model->counts[v] = 1 + (int)draw(NOTES_MAX);
        for (int i = 0; i < model->counts[v]; i++) {
            int stream = (int)draw(draw(3) == 0 ? STREAMS : 1);
            int64_t minute_s = (int64_t)draw((uint64_t)spread) * 60;
            struct record record = sketch_of(names[stream], minute_s);

            model->notes[v][i].stream = stream;
            model->notes[v][i].minute_s = minute_s;
            live_log_note(log, &record);
        }
        ck_assert(live_log_publish(log));
        ck_assert_uint_eq(live_log_version(log), v);
        check_ask(log, model, v - draw(v < 100 ? v : 100) - 1);
    }
    ck_assert(!live_log_publish(log));
    live_log_destroy(&log);
    free(model);
}
END_TEST

static void note_checkpoint(struct live_log *log, int64_t from, int64_t to, int64_t watermark_s)
{
    const struct record_partition partition = {.partition = 3, .from = from, .to = to,
                                               .watermark_s = watermark_s};
    const struct record record = {
        .kind = RECORD_CHECKPOINT,
        .checkpoint = {.stream = "users", .cluster = "c", .topic = "t", .input_group = "",
                       .partitions = &partition, .partitions_count = 1}};

    live_log_note(log, &record);
    live_log_publish(log);
}

static void check_range(const struct live_log *log, int64_t from_s, int64_t to_s)
{
    struct live_answer answer;

    live_log_ask(log, 0, live_log_version(log) - 1, &answer);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert_int_eq(answer.ranges[0].from_s, from_s);
    ck_assert_int_eq(answer.ranges[0].to_s, to_s);
}

START_TEST(clocks_that_pass)
{
    struct live_log *log = live_log_create();
    struct record late = sketch_of("users", 60000);

    /* The first of a partition covers whatever was before. */
    note_checkpoint(log, 0, 10, 6000);
    check_range(log, 0, 6060);
    /* The next: from where the clock stood to where it stands. */
    note_checkpoint(log, 10, 20, 6130);
    check_range(log, 6000, 6180);
    /* One that does not follow may close a gap, of which nobody knows how long it was. */
    note_checkpoint(log, 25, 30, 6200);
    check_range(log, 0, 6240);
    /* A clock that goes back opens what it had passed. */
    note_checkpoint(log, 30, 40, 6100);
    check_range(log, 6060, 6240);
    /* A checkpoint counts when its sketches are there: they tell its minutes again. */
    live_log_note(log, &late);
    live_log_publish(log);
    {
        struct live_answer answer;

        live_log_ask(log, 0, live_log_version(log) - 1, &answer);
        ck_assert(is_told(&answer, 60000));
        ck_assert(is_told(&answer, 6120));
    }
    live_log_destroy(&log);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
    struct live_log *log = live_log_create();
    struct live_answer answer;

    /* More minutes than a version has ranges, and more streams than are known. */
    for (int64_t i = 0; i < 5000; i++) {
        struct record record = sketch_of("users", i * 600);

        live_log_note(log, &record);
    }
    for (int i = 0; i < LIMIT_LIVE_STREAMS + 100; i++) {
        char name[16];
        struct record record;

        snprintf(name, sizeof name, "s%d", i);
        record = sketch_of(name, 60 * i);
        live_log_note(log, &record);
    }
    live_log_publish(log);
    ck_assert_uint_eq(live_log_streams(log), LIMIT_LIVE_STREAMS);
    live_log_ask(log, 0, 0, &answer);
    ck_assert_int_eq(answer.news, LIVE_WIDE);
    ck_assert(answer.ranges[0].from_s == 0 && answer.ranges[0].to_s == 4999 * 600 + 60);
    live_log_ask(log, 700, 0, &answer);
    ck_assert(answer.news == LIVE_ROWS && answer.ranges[0].from_s == 60 * 699);
    live_log_destroy(&log);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_loop_test(cases, every_change_is_told, 0, 8);
    tcase_add_test(cases, clocks_that_pass);
    tcase_add_test(cases, more_than_there_is_room_for);
}
