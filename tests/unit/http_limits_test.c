/* Goal: several requests on a connection, however they are cut; what is too long or too
 * many; and that a client that is slow, silent, gone or many holds up nobody but
 * itself. */
#include <string.h>

#include "check_main.h"
#include "http_fixture.h"
#include "limits.h"

/* What comes for several requests that are sent at once, in pieces of `piece` bytes. */
static struct answer *ask_in_pieces(const char *requests, size_t piece)
{
    int fd = client_connect(http_server_address(server));
    size_t size = strlen(requests);
    struct answer *answer;

    for (size_t at = 0; at < size; at += piece)
        client_send(fd, requests + at, size - at < piece ? size - at : piece);
    answer = client_answer(fd);
    close(fd);
    return answer;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

START_TEST(a_connection_serves_several_requests)
{
    static const char requests[] = "GET /hello?n=1 HTTP/1.1\r\n" HOST "\r\n"
                                   "HEAD /hello?n=2 HTTP/1.1\r\n" HOST "\r\n"
                                   "GET /nothing HTTP/1.1\r\n" HOST "\r\n"
                                   "GET /stream HTTP/1.1\r\n" HOST "\r\n" GET("/hello?n=3");
    static const size_t pieces[] = {1, 2, 7, 100, sizeof requests};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct answer *all = ask_in_pieces(requests, pieces[i]);

        ck_assert_uint_eq(count_of(all->head, "HTTP/1.1 "), 5);
        ck_assert_uint_eq(count_of(all->head, "HTTP/1.1 200 OK\r\n"), 4);
        ck_assert_uint_eq(count_of(all->head, "n=1\n"), 1);
        ck_assert_uint_eq(count_of(all->head, "n=2\n"), 0);
        ck_assert_uint_eq(count_of(all->head, "n=3\n"), 1);
        ck_assert_uint_eq(count_of(all->head, "data: "), 3);
        answer_free(&all);
    }
}
END_TEST

/* A request with `size` bytes too much of something. */
static struct answer *ask_long(const char *before, char filling, size_t size, const char *after)
{
    struct text request = {0};
    struct answer *answer;

    text_string(&request, before);
    for (size_t i = 0; i < size; i++)
        text_char(&request, filling);
    text_string(&request, after);
    answer = ask(request.bytes);
    text_free(&request);
    return answer;
}

static void expect_long(const char *before, char filling, size_t size, const char *after,
                        int status)
{
    struct answer *answer = ask_long(before, filling, size, after);

    ck_assert_msg(answer->status == status, "%zu: %s", size, answer->head);
    answer_free(&answer);
}

START_TEST(what_is_too_long_is_said_to_be)
{
    const char rest[] = " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";

    expect_long("GET /hello?a=", 'x', LIMIT_HTTP_TARGET_BYTES - strlen("/hello?a="), rest, 200);
    expect_long("GET /hello?a=", 'x', LIMIT_HTTP_TARGET_BYTES - strlen("/hello?a=") + 1, rest, 414);
    expect_long("GET /hello?a=", 'x', (size_t)4 * LIMIT_HTTP_MEMORY_BYTES, rest, 414);
    /* Too many for libmicrohttpd, which takes a list of them, too: it hangs up. */
    expect_long("GET /hello?", '&', 5000, rest, 0);
    expect_long("GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\nX: ", 'x', 16000, "\r\n\r\n",
                200);
    expect_long("GET /hello HTTP/1.1\r\n" HOST "X: ", 'x', (size_t)4 * LIMIT_HTTP_MEMORY_BYTES,
                "\r\n\r\n", 431);
}
END_TEST

START_TEST(parameters_are_counted)
{
    struct text request = {0};

    text_string(&request, "GET /hello?");
    for (int i = 0; i < LIMIT_HTTP_FIELDS; i++)
        text_format(&request, "p%d=1&", i);
    text_string(&request, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect(request.bytes, 200);
    text_clear(&request);
    text_string(&request, "GET /hello?");
    for (int i = 0; i <= LIMIT_HTTP_FIELDS; i++)
        text_format(&request, "p%d=1&", i);
    text_string(&request, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect(request.bytes, 400);
    text_free(&request);
}
END_TEST

/* Half a request on each of `count` connections. */
static void hold(int *held, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        held[i] = client_connect(http_server_address(server));
        client_say(held[i], "GET /hello HTT");
    }
}

START_TEST(others_who_are_slow_hold_up_nobody)
{
    int held[LIMIT_HTTP_CONNECTIONS_PER_ADDRESS / 2];
    size_t count = sizeof held / sizeof *held;

    hold(held, count);
    for (int i = 0; i < 20; i++)
        expect(GET("/hello"), 200);
    for (size_t i = 0; i < count; i++) {
        struct answer *late;

        client_say(held[i], "P/1.1\r\n" HOST "Connection: close\r\n\r\n");
        late = client_answer(held[i]);
        ck_assert_int_eq(late->status, 200);
        answer_free(&late);
        close(held[i]);
    }
}
END_TEST

START_TEST(connections_from_one_address_have_an_end)
{
    static int held[LIMIT_HTTP_CONNECTIONS_PER_ADDRESS];
    struct answer *refused;
    int attempts = 0;

    hold(held, LIMIT_HTTP_CONNECTIONS_PER_ADDRESS);
    refused = ask(GET("/hello"));
    ck_assert_int_eq(refused->status, 0);
    answer_free(&refused);
    for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS_PER_ADDRESS; i++)
        close(held[i]);
    do {
        struct answer *answer = ask(GET("/hello"));
        int status = answer->status;

        answer_free(&answer);
        if (status == 200)
            return;
    } while (attempts++ < 100000);
    ck_abort_msg("no room again");
}
END_TEST

START_TEST(who_hangs_up_ends_a_stream)
{
    int fd = client_connect(http_server_address(server));
    char some[100];

    client_say(fd, "GET /stream?endless HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_gt(recv(fd, some, sizeof some, 0), 0);
    close(fd);
    for (int i = 0; i < 10000 && atomic_load(&ended) == 0; i++)
        usleep(1000);
    ck_assert_int_eq(atomic_load(&ended), 1);
}
END_TEST

START_TEST(stopping_ends_streams_and_half_requests)
{
    int stream_fd = client_connect(http_server_address(server)), half;
    char some[100];

    hold(&half, 1);
    client_say(stream_fd, "GET /stream?endless HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_gt(recv(stream_fd, some, sizeof some, 0), 0);
    stop();
    ck_assert_int_eq(atomic_load(&ended), 1);
    close(stream_fd);
    close(half);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_checked_fixture(cases, start_plain, stop);
    tcase_add_test(cases, a_connection_serves_several_requests);
    tcase_add_test(cases, what_is_too_long_is_said_to_be);
    tcase_add_test(cases, parameters_are_counted);
    tcase_add_test(cases, others_who_are_slow_hold_up_nobody);
    tcase_add_test(cases, connections_from_one_address_have_an_end);
    tcase_add_test(cases, who_hangs_up_ends_a_stream);
    tcase_add_test(cases, stopping_ends_streams_and_half_requests);
}
