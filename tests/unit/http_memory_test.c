/* Goal: wherever memory runs out, a client gets its answer, a 503 or the end of the
 * connection, and the next one gets its answer; a server that can't start says so.
 * The leak checker of the sanitized build sees the rest. */
#include <string.h>

#include "check_main.h"
#include "http_fixture.h"
#include "sim_memory.h"

#define FAULTS_MAX 10000
#define ANSWER_BYTES (4 * 1024 * 1024)

static char received[ANSWER_BYTES];

/* The status, 0 for none, without an allocation of the test's own: libcheck makes some
 * at each of its checks. */
static int ask_quietly(const char *request)
{
    int fd = client_try(http_server_address(server)), status = 0;
    size_t size = 0;
    ssize_t got;

    client_say(fd, request);
    while ((got = recv(fd, received + size, sizeof received - size - 1, 0)) > 0)
        size += (size_t)got;
    received[size] = '\0';
    close(fd);
    (void)sscanf(received, "HTTP/1.%*d %d ", &status);
    return status;
}

/* With each allocation failing in turn, until the request needs no more of them. */
static int count_faults(const char *request, int status)
{
    uint64_t n = 1;
    bool fails;

    do {
        int found;

        memory_fail_at(n);
        found = ask_quietly(request);
        fails = memory_failed() > 0;
        memory_fail_at(0);
        ck_assert_msg(found == status || (fails && (found == 0 || found == 503)),
                      "%s: %d with allocation %d", request, found, (int)n);
        ck_assert_int_eq(ask_quietly(request), status);
    } while (fails && n++ < FAULTS_MAX);
    ck_assert(!fails);
    return (int)n - 1;
}

START_TEST(an_answer_without_memory)
{
    /* The connection, its deadline, and what the body grows through. */
    ck_assert_int_ge(count_faults(GET("/hello"), 200), 3);
    ck_assert_int_ge(count_faults(GET_WITH("/large", "Accept-Encoding: gzip\r\n"), 200), 12);
    ck_assert_int_ge(count_faults(GET("/nothing"), 404), 3);
    ck_assert_int_ge(count_faults(GET("/wrong?by=x"), 400), 3);
    ck_assert_int_ge(count_faults(GET("/stream"), 200), 4);
}
END_TEST

START_TEST(a_start_without_memory)
{
    uint64_t n = 0;
    bool fails;

    do {
        char error[256] = "";

        stop();
        memory_fail_at(++n);
        server = http_server_start(
            &(struct http_server_options){.listen = "127.0.0.1:0", .routes = routes}, error,
            sizeof error);
        fails = memory_failed() > 0;
        memory_fail_at(0);
        ck_assert_msg(server || (fails && strlen(error) > 0), "%s", error);
        if (server)
            expect(GET("/hello"), 200);
    } while (fails && n < FAULTS_MAX);
    ck_assert_ptr_nonnull(server);
    ck_assert_uint_ge(n, 3);
}
END_TEST

void add_cases(TCase *faults)
{
    tcase_add_checked_fixture(faults, start_plain, stop);
    tcase_add_test(faults, an_answer_without_memory);
    tcase_add_test(faults, a_start_without_memory);
}
