/* Goal: who is let in. The names in Host where only this machine is served, tokens and
 * their files, addresses to listen on. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check_main.h"
#include "http_fixture.h"
#include "limits.h"
#include "test_folder.h"

#define TOKEN "0123456789abcdef-token"
#define TOKEN_CUT "0123456789abcdef-toke"

static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];

static void make(void)
{
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/token", folder);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

START_TEST(names_of_others_in_host_are_misdirected)
{
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"localhost", 200},         {"LOCALHOST:1", 200},  {"127.0.0.1:65535", 200},
                 {"127.5.6.7", 200},         {"[::1]:80", 200},     {"[::1]", 200},
                 {"evil.example", 421},      {"evil.example:80", 421},
                 {"localhost.evil.example", 421}, {"127.0.0.1.evil.example", 421},
                 {"127.0.0.evil", 421},      {"localhost:80:80", 421}, {"localhost:x", 421},
                 {"10.0.0.1", 421},          {"[::2]", 421},        {"[::1", 421},
                 {"evil@localhost", 421},    {"0.0.0.0", 421},      {"127.0.0.1 evil", 421}};

    start_plain();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256];

        snprintf(request, sizeof request,
                 "GET /hello HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", cases[i].host);
        expect(request, cases[i].status);
    }
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
    char error[256] = "", wanted[256];
    struct http_server_options options = {.routes = routes};

    start_plain();
    options.listen = http_server_address(server) + strlen("http://");
    snprintf(wanted, sizeof wanted, "--listen %s: Address already in use", options.listen);
    ck_assert_ptr_null(http_server_start(&options, error, sizeof error));
    ck_assert_str_eq(error, wanted);
}
END_TEST

START_TEST(an_address_has_one_form)
{
    static const char *const good[] = {"127.0.0.1:0", "localhost:80", "[::1]:65535", "0.0.0.0:1",
                                       "[::]:1"};
    static const char *const bad[] = {"", ":", ":80", "80", "127.0.0.1", "127.0.0.1:", "::1:80",
                                      "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8o",
                                      "[::1]", "[::1]80", "[]:80", "[:80", "example.com:80",
                                      "127.1:80", "127.0.0.1:80 ", " 127.0.0.1:80",
                                      "http://127.0.0.1:80", "127.0.0.1:080000", "[127.0.0.1]:80",
                                      "[::1%lo]:80",
                                      "0000000000000000000000000000000000000000000000000000:80"};
    char error[256] = "";

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(http_listen_is_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!http_listen_is_valid(bad[i]), "%s", bad[i]);
    ck_assert(!http_server_check(&(struct http_server_options){.listen = "0.0.0.0:1"}, error,
                                 sizeof error));
    ck_assert_str_eq(error, "--listen 0.0.0.0:1 can be reached from other machines: it needs a "
                            "--token-file");
    ck_assert(!http_server_check(&(struct http_server_options){.listen = "[::]:1"}, error,
                                 sizeof error));
}
END_TEST

/* A file that only we can read. */
static void write_file(const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, 0600), 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

START_TEST(a_token_opens_what_is_not_open_to_all)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {{"", 401},
                 {"Authorization: Bearer " TOKEN "\r\n", 200},
                 {"Authorization: bearer   " TOKEN "\r\n", 200},
                 {"Authorization: Bearer " TOKEN "x\r\n", 401},
                 {"Authorization: Bearer " TOKEN_CUT "\r\n", 401},
                 {"Authorization: Bearer x" TOKEN_CUT "n\r\n", 401},
                 {"Authorization: Bearer\r\n", 401},
                 {"Authorization: Bearer " TOKEN TOKEN "\r\n", 401},
                 {"Authorization: " TOKEN "\r\n", 401},
                 {"Authorization: Token " TOKEN "\r\n", 401},
                 {"Authorization: Basic OjAxMjM0NTY3ODlhYmNkZWYtdG9rZW4=\r\n", 200},
                 {"Authorization: Basic bWU6MDEyMzQ1Njc4OWFiY2RlZi10b2tlbg==\r\n", 200},
                 {"Authorization: Basic bWU6MDEyMzQ1Njc4OWFiY2RlZi10b2tlbg\r\n", 401},
                 {"Authorization: Basic MDEyMzQ1Njc4OWFiY2RlZi10b2tlbg==\r\n", 401},
                 {"Authorization: Basic OmE=\r\n", 401},
                 {"Authorization: Basic Og==\r\n", 401},
                 {"Authorization: Basic \r\n", 401}};
    char request[512];
    struct answer *answer;

    write_file(TOKEN "\n");
    start("127.0.0.1:0", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(request, sizeof request, GET_WITH("/hello", "%s"), cases[i].line);
        expect(request, cases[i].status);
    }
    expect(GET("/open"), 200);
    expect(GET("/nothing"), 401);
    /* Who has the token is no page of others, whatever it calls us. */
    expect("GET /hello HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
           "Authorization: Bearer " TOKEN "\r\n\r\n", 200);
    answer = ask(GET("/hello"));
    ck_assert_ptr_nonnull(strstr(answer->head, "WWW-Authenticate: Bearer realm=\"headcount\"\r\n"));
    ck_assert_ptr_null(strstr(answer->head, "WWW-Authenticate: Basic"));
    answer_free(&answer);
}
END_TEST

static void expect_no_token(const char *text, mode_t mode, const char *why)
{
    char error[1024] = "", wanted[1024];

    write_file(text);
    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert(!http_server_check(&(struct http_server_options){.listen = "127.0.0.1:0",
                                                               .token_file = path},
                                 error, sizeof error));
    snprintf(wanted, sizeof wanted, "--token-file %s: %s", path, why);
    ck_assert_str_eq(error, wanted);
}

START_TEST(a_token_that_is_none_is_refused)
{
    struct text all = {0};
    char error[256];

    expect_no_token("", 0600, "too short, a token has at least 16 characters");
    expect_no_token("0123456789abcde\n", 0600, "too short, a token has at least 16 characters");
    expect_no_token("0123456789abcdef\nmore\n", 0600, "it has more than one line");
    expect_no_token("0123456789 abcdef\n", 0600,
                    "a token has no spaces and no characters but those of ASCII");
    expect_no_token("0123456789abcdef\n", 0644,
                    "others can read it (mode 644): chmod 600, and make a new one if it matters");
    for (int i = 0; i <= LIMIT_HTTP_TOKEN_BYTES; i++)
        text_char(&all, 'a');
    expect_no_token(all.bytes, 0600, "too long, a token has at most 512 characters");
    write_file(all.bytes + 1);
    ck_assert(http_server_check(&(struct http_server_options){.listen = "0.0.0.0:0",
                                                              .token_file = path},
                                error, sizeof error));
    text_free(&all);
    ck_assert(!http_server_check(&(struct http_server_options){.listen = "127.0.0.1:0",
                                                               .token_file = "/nowhere"},
                                 error, sizeof error));
    ck_assert_str_eq(error, "--token-file /nowhere: No such file or directory");
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_unchecked_fixture(cases, make, unmake);
    tcase_add_checked_fixture(cases, NULL, stop);
    tcase_add_test(cases, names_of_others_in_host_are_misdirected);
    tcase_add_test(cases, an_address_in_use_is_named);
    tcase_add_test(cases, an_address_has_one_form);
    tcase_add_test(cases, a_token_opens_what_is_not_open_to_all);
    tcase_add_test(cases, a_token_that_is_none_is_refused);
}
