/* Goal: a person sees one line for each record that says something new of a
 * minute, in columns under one header; all other tokens come back unseen. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "emit.h"
#include "stdout_pipe.h"

static struct emit_ack acks[16];
static int reading_end;

static struct emit *lines_on_a_pipe(void)
{
    struct emit *emit = emit_lines_create();

    ck_assert(emit != NULL);
    reading_end = stdout_pipe(O_NONBLOCK);
    return emit;
}

static void produce(struct emit *emit, const struct emit_summary *summary, uint64_t token)
{
    struct emit_record record = {.value = "{}", .value_size = 2, .summary = summary,
                                 .token = token};

    ck_assert_int_eq(emit_produce(emit, &record), EMIT_OK);
}

static const char *shown(void)
{
    static char text[2000];
    ssize_t got = read(reading_end, text, sizeof text - 1);

    text[got > 0 ? got : 0] = '\0';
    return text;
}

START_TEST(columns)
{
    struct emit *emit = lines_on_a_pipe();
    struct emit_summary one = {1468244340, 638, 637, 639, "closed", false, NULL};
    struct emit_summary two = {1468244400, 0, 0, 0, "open", false, NULL};
    struct emit_summary large = {253402300740, 1e12, 9.9e11, 1.01e12, "late", false, NULL};

    produce(emit, &one, 1);
    produce(emit, &two, 2);
    produce(emit, &large, 3);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 16), 3);
    ck_assert_str_eq(shown(),
                     "minute (UTC)          uniques  95 % interval     state\n"
                     "2016-07-11 13:39          638  (637-639)         closed\n"
                     "2016-07-11 13:40            0  (0-0)             open\n"
                     "9999-12-31 23:59 1000000000000  (990000000000-1010000000000) late\n");
    emit_destroy(&emit);
}
END_TEST

START_TEST(interim_and_checkpoints_are_unseen)
{
    struct emit *emit = lines_on_a_pipe();
    struct emit_summary interim = {1468244340, 638, 637, 639, "open", true, NULL};
    struct emit_summary closed = {1468244340, 700.4, 699.5, 701.6, "closed", false, NULL};

    produce(emit, &interim, 1);
    produce(emit, NULL, 2);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 16), 2);
    ck_assert(acks[0].token == 1 && acks[1].token == 2 && acks[1].error == NULL);
    ck_assert_str_eq(shown(), "");
    produce(emit, &closed, 3);
    produce(emit, NULL, 4);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 16), 2);
    ck_assert_str_eq(shown(),
                     "minute (UTC)          uniques  95 % interval     state\n"
                     "2016-07-11 13:39          700  (700-702)         closed\n");
    emit_destroy(&emit);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, columns);
    tcase_add_test(tcase, interim_and_checkpoints_are_unseen);
}
