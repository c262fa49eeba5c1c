/* Goal: people see each minute of several workers once, as the union of what they
 * have, when it has passed for all; once more, whole, when late users come; what
 * nobody will go on with at the end; never more memory than was said; and a terminal
 * that stands still loses no line and holds the tokens back. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "emit.h"
#include "headcount/sketch.h"
#include "stdout_pipe.h"

#define MINUTE 1468244340
#define TITLE "minute (UTC)          uniques  95 % interval     state\n"

static const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
static struct emit_ack acks[1000];
static int reading_end;
static uint64_t next_token;

static struct emit *union_on_a_pipe(size_t memory_max)
{
    struct emit *emit = emit_union_create(&options, memory_max);

    ck_assert(emit != NULL);
    reading_end = stdout_pipe(O_NONBLOCK);
    return emit;
}

/* A worker's sketch of a minute: the users [from, to). */
static enum emit_result tell(struct emit *emit, int64_t minute_s, int from, int to,
                             const char *state)
{
    struct hc_sketch *sketch;
    enum emit_result result;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (int user = from; user < to; user++)
        ck_assert_int_eq(hc_sketch_add(sketch, &user, sizeof user, NULL), HC_OK);
    struct emit_summary summary = {.minute_s = minute_s,
                                   .state = state,
                                   .interim = strcmp(state, "interim") == 0,
                                   .sketch = sketch};
    if (summary.interim)
        summary.state = "open";
    struct emit_record record = {.value = "{}", .value_size = 2, .summary = &summary,
                                 .token = ++next_token};
    result = emit_produce(emit, &record);
    hc_sketch_destroy(&sketch);
    return result;
}

static void expect_shown(const char *expected)
{
    static char text[100000];
    ssize_t got = read(reading_end, text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    ck_assert_str_eq(text, expected);
}

START_TEST(once_when_it_has_passed)
{
    struct emit *emit = union_on_a_pipe(1 << 20);

    ck_assert_int_eq(tell(emit, MINUTE + 60, 0, 10, "closed"), EMIT_OK);
    ck_assert_int_eq(tell(emit, MINUTE, 0, 10, "interim"), EMIT_OK);
    ck_assert_int_eq(tell(emit, MINUTE, 5, 20, "closed"), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1000), 3);
    ck_assert(acks[2].token == next_token && !acks[2].error);
    expect_shown("");
    emit_passed(emit, MINUTE + 59);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown("");
    emit_passed(emit, MINUTE + 60);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1000), 0);
    expect_shown(TITLE "2016-07-11 13:39           20  (20-20)           closed\n");
    ck_assert_int_eq(tell(emit, MINUTE, 5, 20, "closed"), EMIT_OK); /* nothing new */
    emit_passed(emit, INT64_MAX);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown("2016-07-11 13:40           10  (10-10)           closed\n");
    emit_destroy(&emit);
}
END_TEST

START_TEST(late_users_and_minutes_left_open)
{
    struct emit *emit = union_on_a_pipe(1 << 20);

    ck_assert_int_eq(tell(emit, MINUTE, 0, 10, "closed"), EMIT_OK);
    emit_passed(emit, MINUTE + 60);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown(TITLE "2016-07-11 13:39           10  (10-10)           closed\n");
    ck_assert_int_eq(tell(emit, MINUTE, 8, 15, "late"), EMIT_OK);
    ck_assert_int_eq(tell(emit, MINUTE + 60, 0, 3, "open"), EMIT_OK);
    ck_assert_int_eq(tell(emit, MINUTE + 60, 3, 5, "closed"), EMIT_OK);
    emit_passed(emit, INT64_MAX);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown("2016-07-11 13:39           15  (15-15)           late\n"
                 "2016-07-11 13:40            5  (5-5)             open\n");
    emit_destroy(&emit);
}
END_TEST

/* The clock of one who has more to read may go back. */
START_TEST(a_clock_that_goes_back)
{
    struct emit *emit = union_on_a_pipe(1 << 20);

    emit_passed(emit, MINUTE + 60);
    emit_passed(emit, MINUTE - 60);
    ck_assert_int_eq(tell(emit, MINUTE, 0, 10, "closed"), EMIT_OK);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown("");
    emit_passed(emit, MINUTE + 60);
    (void)emit_poll(emit, 0, acks, 1000);
    expect_shown(TITLE "2016-07-11 13:39           10  (10-10)           closed\n");
    emit_destroy(&emit);
}
END_TEST

START_TEST(short_of_memory_the_oldest_are_shown_early)
{
    struct emit *emit = union_on_a_pipe(20000);
    char text[10000];
    int shown = 0;

    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(tell(emit, MINUTE + 60 * i, 0, 100 + i, "interim"), EMIT_OK);
    (void)emit_poll(emit, 0, acks, 1000);
    ssize_t got = read(reading_end, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    for (const char *at = text; (at = strstr(at, " open\n")); at++)
        shown++;
    ck_assert(shown > 10 && shown < 50);
    ck_assert_ptr_nonnull(strstr(text, "2016-07-11 13:39          100"));
    emit_passed(emit, INT64_MAX);
    (void)emit_poll(emit, 0, acks, 1000);
    got = read(reading_end, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    for (const char *at = text; (at = strstr(at, " closed\n")); at++)
        shown++;
    ck_assert_int_eq(shown, 50);
    emit_destroy(&emit);
}
END_TEST

/* More lines than the outbox and the pipe hold together. */
START_TEST(a_terminal_that_stands_still)
{
    enum { MINUTES = 40000 };
    struct emit *emit = union_on_a_pipe((size_t)1 << 30);
    static char text[70000];
    size_t lines = 0, answered = 0, count;
    ssize_t got;

    for (int i = 0; i < MINUTES; i++) {
        ck_assert_int_eq(tell(emit, MINUTE + 60 * i, 0, 1, "closed"), EMIT_OK);
        answered += emit_poll(emit, 0, acks, 1000);
    }
    ck_assert_uint_eq(answered, MINUTES);
    emit_passed(emit, INT64_MAX);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1000), 0);
    enum emit_result last = tell(emit, MINUTE, 0, 1, "closed");
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1000), 0);
    do {
        count = emit_poll(emit, 0, acks, 1000);
        answered += count;
        got = read(reading_end, text, sizeof text);
        for (ssize_t i = 0; i < got; i++)
            lines += text[i] == '\n';
    } while (got > 0 || count > 0);
    ck_assert_int_eq(last, EMIT_OK);
    ck_assert_uint_eq(answered, MINUTES + 1);
    ck_assert_uint_eq(lines, MINUTES + 1); /* the title */
    emit_destroy(&emit);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, once_when_it_has_passed);
    tcase_add_test(tcase, late_users_and_minutes_left_open);
    tcase_add_test(tcase, a_clock_that_goes_back);
    tcase_add_test(tcase, short_of_memory_the_oldest_are_shown_early);
    tcase_add_test(tcase, a_terminal_that_stands_still);
}
