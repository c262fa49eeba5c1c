/* Goal: who is never silent but too slow is cut off: one that sends a byte now and
 * then, one that takes some. A stream is not, however long it goes on. And the
 * deadlines by themselves. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "http_deadline.h"
#include "http_fixture.h"
#include "metrics.h"

#define STEP_MS 10
#define STEPS_MAX 6000

static int connect_hurried(void)
{
    start_hurried();
    return client_connect(http_server_address(server));
}

/* A byte every STEP_MS, until the other side hangs up. */
static void drip_until_cut(int fd)
{
    client_say(fd, "GET /hello?");
    for (int i = 0; i < STEPS_MAX; i++) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};

        client_send(fd, "x", 1);
        if (poll(&wait, 1, STEP_MS) == 1)
            return;
    }
    ck_abort_msg("never cut off");
}

START_TEST(a_request_that_drips_is_cut_off)
{
    int fd = connect_hurried();
    struct answer *answer;

    drip_until_cut(fd);
    answer = client_answer(fd);
    ck_assert_int_eq(answer->status, 0);
    answer_free(&answer);
    close(fd);
}
END_TEST

static long connections(void)
{
    struct text page = {0};
    long count;

    metrics_http(&page, server);
    count = strtol(strstr(page.bytes, "\nheadcount_http_connections ") + 28, NULL, 10);
    text_free(&page);
    return count;
}

START_TEST(an_answer_that_is_sipped_is_cut_off)
{
    int fd = connect_hurried();
    struct answer *answer;
    char sip, first[16];
    int steps = 0;

    client_say(fd, "GET /huge HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(recv(fd, first, sizeof first, MSG_WAITALL), sizeof first);
    ck_assert_int_eq(strncmp(first, "HTTP/1.1 200 OK\r", sizeof first), 0);
    do {
        ck_assert_int_eq(recv(fd, &sip, 1, 0), 1);
        usleep(STEP_MS * 1000);
    } while (connections() > 0 && steps++ < STEPS_MAX);
    ck_assert_int_lt(steps, STEPS_MAX);
    answer = client_answer(fd);
    ck_assert_uint_lt(strlen(answer->head), HUGE_BYTES);
    answer_free(&answer);
    close(fd);
}
END_TEST

START_TEST(a_stream_goes_on)
{
    int stream_fd = connect_hurried();
    char some[100];

    client_say(stream_fd, "GET /stream?endless HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_gt(recv(stream_fd, some, sizeof some, 0), 0);
    /* So much time passes, and then so much that it would be noticed. */
    for (int i = 0; i < 2; i++) {
        int fd = client_connect(http_server_address(server));

        drip_until_cut(fd);
        close(fd);
        ck_assert_int_eq(atomic_load(&ended), 0);
    }
    ck_assert_int_gt(recv(stream_fd, some, sizeof some, 0), 0);
    close(stream_fd);
}
END_TEST

START_TEST(deadlines_are_each_connections_own)
{
    struct http_deadlines *deadlines = http_deadlines_create();
    struct http_deadline *late, *gone, *calm;
    int pairs[3][2];
    char byte;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
    gone = http_deadline_add(deadlines, pairs[0][0]);
    late = http_deadline_add(deadlines, pairs[1][0]);
    calm = http_deadline_add(deadlines, pairs[2][0]);
    http_deadline_set(deadlines, gone, 0);
    http_deadline_remove(deadlines, &gone);
    ck_assert_ptr_null(gone);
    http_deadline_set(deadlines, calm, 0);
    http_deadline_set(deadlines, calm, INT64_MAX);
    http_deadline_set(deadlines, late, 0);
    ck_assert_int_eq(recv(pairs[1][1], &byte, 1, 0), 0); /* waits for the end */
    ck_assert_int_eq(recv(pairs[0][1], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(recv(pairs[2][1], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    http_deadline_remove(deadlines, &late);
    http_deadline_remove(deadlines, &calm);
    http_deadlines_destroy(&deadlines);
    ck_assert_ptr_null(deadlines);
    for (int i = 0; i < 6; i++)
        close(pairs[i / 2][i % 2]);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_checked_fixture(cases, NULL, stop);
    tcase_add_test(cases, a_request_that_drips_is_cut_off);
    tcase_add_test(cases, an_answer_that_is_sipped_is_cut_off);
    tcase_add_test(cases, a_stream_goes_on);
    tcase_add_test(cases, deadlines_are_each_connections_own);
}
