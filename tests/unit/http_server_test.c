/* Goal: what a client gets over a socket, byte for byte where it matters: the status
 * for each kind of request, tags, gzip, HEAD, streams. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "check_main.h"
#include "http_fixture.h"

START_TEST(a_page_has_headers)
{
    static const char *const wanted[] = {
        "Content-Type: text/plain; charset=utf-8\r\n", "Cache-Control: no-cache\r\n",
        "Content-Security-Policy: default-src 'none'; ", "X-Content-Type-Options: nosniff\r\n",
        "Content-Length: 6\r\n", "ETag: W/\"", "Referrer-Policy: no-referrer\r\n"};
    struct answer *answer = ask(GET("/hello"));

    ck_assert_int_eq(answer->status, 200);
    ck_assert_str_eq(answer->body, "hello\n");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_msg(strstr(answer->head, wanted[i]) != NULL, "%s not in %s", wanted[i],
                      answer->head);
    ck_assert_ptr_null(strstr(answer->head, "Vary"));
    answer_free(&answer);
}
END_TEST

START_TEST(parameters_are_decoded)
{
    struct answer *answer = ask(GET("/hello?a=1&b=x%20y+z&a=%D0%9F&&c"));

    ck_assert_str_eq(answer->body, "hello\na=1\nb=x y z\na=\xd0\x9f\nc=\n");
    answer_free(&answer);
}
END_TEST

START_TEST(a_problem_names_the_parameter)
{
    struct answer *answer = ask(GET("/wrong?by=%22%0A"));

    ck_assert_int_eq(answer->status, 400);
    ck_assert_ptr_nonnull(strstr(answer->head, "Content-Type: application/problem+json\r\n"));
    ck_assert_str_eq(answer->body, "{\"type\":\"about:blank\",\"title\":\"Bad Request\","
                                   "\"status\":400,\"detail\":\"by is \\\"\\\"\\n\\\"\","
                                   "\"parameter\":\"by\"}\n");
    answer_free(&answer);
}
END_TEST

START_TEST(a_request_is_refused_by_what_is_wrong)
{
    expect(GET("/nothing"), 404);
    expect(GET("/hello/"), 404);
    expect(GET("//hello"), 404);
    expect(GET("/hello%00"), 400);
    expect(GET("/hello?a=%ff"), 400);
    expect(GET("/hello?a=%4"), 400);
    expect(GET("/he%6C%6co"), 200);
    expect(GET("http://localhost/hello"), 400);
    expect("POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\nConnection: close\r\n\r\n", 405);
    expect("POST /hello HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 405);
    expect("DELETE /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 405);
    expect("OPTIONS * HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 405);
    expect("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 413);
    expect("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413);
    expect("GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", 400);
    expect("GET /hello HTTP/1.0\r\n" HOST "\r\n", 200);
    expect("\x16\x03\x01\x02\r\n\r\n", 0);
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
    struct answer *get = ask(GET("/hello"));
    struct answer *head = ask("HEAD /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    const char *tag = strstr(get->head, "ETag:");

    ck_assert_int_eq(head->status, 200);
    ck_assert_uint_eq(head->size, 0);
    ck_assert_ptr_nonnull(strstr(head->head, "Content-Length: 6\r\n"));
    ck_assert_int_eq(strncmp(tag, strstr(head->head, "ETag:"), 25), 0);
    answer_free(&get);
    answer_free(&head);
    expect("HEAD /stream?endless HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200);
    ck_assert_int_eq(atomic_load(&ended), 1);
}
END_TEST

START_TEST(what_is_known_is_not_sent_again)
{
    struct answer *first = ask(GET("/large"));
    const char *tag = strstr(first->head, "ETag: ") + 6;
    char request[512];
    struct answer *second;

    snprintf(request, sizeof request, GET_WITH("/large", "If-None-Match: \"x\", %.*s\r\n"),
             (int)strcspn(tag, "\r"), tag);
    second = ask(request);
    ck_assert_int_eq(second->status, 304);
    ck_assert_uint_eq(second->size, 0);
    ck_assert_ptr_nonnull(strstr(second->head, "Vary: Accept-Encoding\r\n"));
    answer_free(&first);
    answer_free(&second);
    expect(GET_WITH("/large", "If-None-Match: W/\"0000000000000000\"\r\n"), 200);
    expect(GET_WITH("/wrong?by=x", "If-None-Match: *\r\n"), 400);
}
END_TEST

START_TEST(large_answers_are_packed_where_asked_for)
{
    struct answer *plain = ask(GET("/large"));
    struct answer *packed = ask(GET_WITH("/large", "Accept-Encoding: br, gzip\r\n"));
    struct answer *refused = ask(GET_WITH("/large", "Accept-Encoding: gzip;q=0\r\n"));
    char *unpacked = malloc(plain->size);
    z_stream unpack = {.next_in = (Bytef *)packed->body,
                       .avail_in = (uInt)packed->size,
                       .next_out = (Bytef *)unpacked,
                       .avail_out = (uInt)plain->size};

    ck_assert_ptr_nonnull(strstr(packed->head, "Content-Encoding: gzip\r\n"));
    ck_assert_ptr_nonnull(strstr(plain->head, "filename=\"large.json\"\r\n"));
    ck_assert_ptr_null(strstr(plain->head, "Content-Encoding"));
    ck_assert_ptr_null(strstr(refused->head, "Content-Encoding"));
    ck_assert_uint_lt(packed->size, plain->size / 3);
    ck_assert_int_eq(inflateInit2(&unpack, 31), Z_OK);
    ck_assert_int_eq(inflate(&unpack, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(unpack.total_out, plain->size);
    ck_assert_mem_eq(unpacked, plain->body, plain->size);
    inflateEnd(&unpack);
    free(unpacked);
    answer_free(&plain);
    answer_free(&packed);
    answer_free(&refused);
}
END_TEST

START_TEST(a_stream_is_sent_to_its_end)
{
    struct answer *answer = ask(GET_WITH("/stream", "Accept-Encoding: gzip\r\n"));

    ck_assert_int_eq(answer->status, 200);
    ck_assert_ptr_nonnull(strstr(answer->head, "Transfer-Encoding: chunked\r\n"));
    ck_assert_ptr_nonnull(strstr(answer->body, "data: 2\n\n"));
    ck_assert_ptr_nonnull(strstr(answer->body, "data: 0\n\n"));
    answer_free(&answer);
    stop();
    ck_assert_int_eq(atomic_load(&ended), 1);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_checked_fixture(cases, start_plain, stop);
    tcase_add_test(cases, a_page_has_headers);
    tcase_add_test(cases, parameters_are_decoded);
    tcase_add_test(cases, a_problem_names_the_parameter);
    tcase_add_test(cases, a_request_is_refused_by_what_is_wrong);
    tcase_add_test(cases, head_is_get_without_the_body);
    tcase_add_test(cases, what_is_known_is_not_sent_again);
    tcase_add_test(cases, large_answers_are_packed_where_asked_for);
    tcase_add_test(cases, a_stream_is_sent_to_its_end);
}
