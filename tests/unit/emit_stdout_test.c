/* Goal: every record is on stdout once, whole and in order, before its token
 * comes back; a reader that is slow fills the outbox and stops nothing; a
 * reader that is gone or a disk that is full is a failure with its reason, and
 * the tokens that were not written come back with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "emit.h"
#include "limits.h"
#include "stdout_pipe.h"

static struct emit_ack acks[LIMIT_RECORDS_IN_FLIGHT];

static enum emit_result produce(struct emit *emit, const char *value, size_t size, uint64_t token)
{
    struct emit_record record = {
        .key = "key", .key_size = 3, .value = value, .value_size = size, .token = token};

    return emit_produce(emit, &record);
}

/* A pipe in the place of stdout; its reading end, non-blocking. */
static int pipe_as_stdout(bool nonblocking)
{
    int fd = stdout_pipe(O_NONBLOCK);

    signal(SIGPIPE, SIG_IGN);
    if (nonblocking)
        ck_assert_int_eq(fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static size_t take(int fd, char *into, size_t room)
{
    ssize_t got = read(fd, into, room);

    return got > 0 ? (size_t)got : 0;
}

START_TEST(lines_in_order)
{
    int fd = pipe_as_stdout(false);
    struct emit *emit = emit_stdout_create();
    char text[100] = "";

    ck_assert(emit != NULL);
    ck_assert_int_eq(produce(emit, "one", 3, 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, NULL, 0, 7), EMIT_OK);
    ck_assert_int_eq(produce(emit, "three", 5, UINT64_MAX), EMIT_OK);
    ck_assert_uint_eq(take(fd, text, sizeof text), 0);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 2), 2);
    ck_assert_uint_eq(take(fd, text, sizeof text), 11);
    ck_assert_str_eq(text, "one\n\nthree\n");
    ck_assert(acks[0].token == 1 && acks[0].error == NULL && acks[1].token == 7);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 2), 1);
    ck_assert(acks[0].token == UINT64_MAX);
    ck_assert_uint_eq(emit_poll(emit, 1000, acks, 2), 0);
    ck_assert(emit_failed(emit) == NULL);
    emit_destroy(&emit);
    ck_assert(emit == NULL);
}
END_TEST

/* Records of all sizes through a pipe that is read in dribs: writes are cut
 * anywhere, and the number of tokens back never exceeds the lines written. */
START_TEST(slow_reader_gets_everything)
{
    enum { RECORDS = 3000 };
    int fd = pipe_as_stdout(_i == 1);
    struct emit *emit = emit_stdout_create();
    size_t sent = 0, back = 0, lines = 0, column = 0, full = 0;
    char *value = malloc(70000), *text = malloc(70000);

    memset(value, 'x', 70000);
    while (lines < RECORDS) {
        size_t count, got;

        while (sent < RECORDS) {
            if (produce(emit, value, (sent * 7919) % (sent % 50 ? 300 : 70000), sent) != EMIT_OK) {
                full++;
                break;
            }
            sent++;
        }
        count = emit_poll(emit, 0, acks, LIMIT_RECORDS_IN_FLIGHT);
        for (size_t i = 0; i < count; i++)
            ck_assert(acks[i].token == back++ && acks[i].error == NULL);
        got = take(fd, text, 1 + (lines * 31) % 70000);
        for (size_t i = 0; i < got; i++) {
            if (text[i] != '\n') {
                column++;
                continue;
            }
            ck_assert_uint_eq(column, (lines * 7919) % (lines % 50 ? 300 : 70000));
            column = 0;
            lines++;
        }
        ck_assert(emit_failed(emit) == NULL);
    }
    while (back < RECORDS)
        back += emit_poll(emit, 0, acks, LIMIT_RECORDS_IN_FLIGHT);
    ck_assert_uint_eq(sent, RECORDS);
    ck_assert_uint_gt(full, 0);
    free(value);
    free(text);
    emit_destroy(&emit);
}
END_TEST

START_TEST(one_record_may_be_large)
{
    size_t size = 3 * 1024 * 1024, seen = 0;
    int fd = pipe_as_stdout(false);
    struct emit *emit = emit_stdout_create();
    char *value = malloc(size);

    memset(value, 'x', size);
    ck_assert_int_eq(produce(emit, value, size, 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, value, 1, 2), EMIT_FULL);
    while (emit_poll(emit, 0, acks, 1) == 0)
        seen += take(fd, value, size);
    ck_assert(acks[0].token == 1);
    seen += take(fd, value, size);
    ck_assert_uint_eq(seen, size + 1);
    ck_assert_int_eq(produce(emit, value, 1, 2), EMIT_OK);
    free(value);
    emit_destroy(&emit);
}
END_TEST

START_TEST(tokens_are_bounded)
{
    size_t sent = 0;
    int fd = pipe_as_stdout(false);
    struct emit *emit = emit_stdout_create();

    while (produce(emit, "", 0, sent) == EMIT_OK)
        sent++;
    ck_assert_uint_eq(sent, LIMIT_RECORDS_IN_FLIGHT);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1), 1);
    ck_assert_int_eq(produce(emit, "", 0, sent), EMIT_OK);
    ck_assert_int_eq(produce(emit, "", 0, sent), EMIT_FULL);
    close(fd);
    emit_destroy(&emit);
}
END_TEST

static void expect_failure(struct emit *emit, const char *reason)
{
    ck_assert_int_eq(produce(emit, "one", 3, 1), EMIT_OK);
    ck_assert_int_eq(produce(emit, "two", 3, 2), EMIT_OK);
    ck_assert(emit_failed(emit) == NULL);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 1), 1);
    ck_assert_uint_eq(acks[0].token, 1);
    ck_assert_str_eq(acks[0].error, reason);
    ck_assert_str_eq(emit_failed(emit), reason);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 2), 1);
    ck_assert_uint_eq(acks[0].token, 2);
    ck_assert_str_eq(acks[0].error, reason);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 2), 0);
    ck_assert_int_eq(produce(emit, "three", 5, 3), EMIT_FULL);
}

START_TEST(reader_is_gone)
{
    int fd = pipe_as_stdout(false);
    struct emit *emit = emit_stdout_create();

    close(fd);
    expect_failure(emit, "stdout: Broken pipe");
    emit_destroy(&emit);
}
END_TEST

START_TEST(disk_is_full)
{
    int fd = open("/dev/full", O_WRONLY);
    struct emit *emit = emit_stdout_create();

    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    expect_failure(emit, "stdout: No space left on device");
    emit_destroy(&emit);
}
END_TEST

/* What was written before the end is acknowledged as such. */
START_TEST(reader_goes_in_the_middle)
{
    int fd = pipe_as_stdout(false);
    struct emit *emit = emit_stdout_create();

    ck_assert_int_eq(produce(emit, "one", 3, 1), EMIT_OK);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 10), 1);
    ck_assert(acks[0].error == NULL);
    ck_assert_int_eq(produce(emit, "two", 3, 2), EMIT_OK);
    close(fd);
    ck_assert_uint_eq(emit_poll(emit, 0, acks, 10), 1);
    ck_assert(acks[0].token == 2 && acks[0].error != NULL);
    emit_destroy(&emit);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, lines_in_order);
    tcase_add_loop_test(tcase, slow_reader_gets_everything, 0, 2);
    tcase_add_test(tcase, one_record_may_be_large);
    tcase_add_test(tcase, tokens_are_bounded);
    tcase_add_test(tcase, reader_is_gone);
    tcase_add_test(tcase, disk_is_full);
    tcase_add_test(tcase, reader_goes_in_the_middle);
}
