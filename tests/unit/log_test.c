/* Goal: a line is one write of one line, valid in either format whatever the
 * strings hold; levels are obeyed; lines of several threads do not mix. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check_main.h"
#include "clock.h"
#include "json.h"
#include "log.h"
#include "number.h"

static int ends[2]; /* stderr becomes ends[1]: each write is one packet */
static int real_stderr;
static char line[16384];

static void set_up(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_configure(LOG_INFO, LOG_LOGFMT);
}

static void tear_down(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
}

/* What one write(2) wrote; false when there was none. */
static bool next_write(void)
{
    ssize_t size = recv(ends[0], line, sizeof line - 1, 0);

    line[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* The line behind its time, which is checked. */
static const char *rest_of_line(void)
{
    static const char head[] = "ts=";
    int64_t now_ms = clock_wall_ms(), ms;

    ck_assert(next_write());
    ck_assert(strncmp(line, head, 3) == 0);
    ck_assert(number_rfc3339_ms(line + 3, 24, &ms));
    ck_assert(ms <= now_ms && ms > now_ms - 60000);
    ck_assert_int_eq(line[27], ' ');
    return line + 28;
}

START_TEST(fields_are_written_in_order)
{
    log_event(LOG_WARN, "clock_reset", LOG_I("partition", 3), LOG_S("topic", "t"),
              LOG_F("rate", 0.25), LOG_I("least", INT64_MIN));
    ck_assert_str_eq(rest_of_line(), "level=warn event=clock_reset partition=3 topic=t rate=0.25 "
                                     "least=-9223372036854775808\n");
    log_event(LOG_ERROR, "bare");
    ck_assert_str_eq(rest_of_line(), "level=error event=bare\n");
    ck_assert(!next_write());
}
END_TEST

START_TEST(strings_are_quoted_where_needed)
{
    static const char *const cases[][2] = {
        {"plain-0/9:x,y", "plain-0/9:x,y"}, {"\xd0\xbf", "\xd0\xbf"}, {"", "\"\""},
        {NULL, "\"\""},         {"two words", "\"two words\""}, {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""}, {"\"", "\"\\\"\""}, {"a\\b", "\"a\\\\b\""},
        {"a\nb\x1b", "\"a\\nb\\u001b\""}, {"\x7f", "\"\\u007f\""}, {"\xff", "\"\xef\xbf\xbd\""},
        {"\xc2\x9b" "0m", "\"\\u009b0m\""}, {"\xe2\x80\xae", "\"\\u202e\""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[128];

        log_event(LOG_INFO, "e", LOG_S("s", cases[i][0]));
        snprintf(want, sizeof want, "level=info event=e s=%s\n", cases[i][1]);
        ck_assert_str_eq(rest_of_line(), want);
    }
}
END_TEST

START_TEST(numbers_that_are_none_are_named)
{
    log_event(LOG_INFO, "e", LOG_F("a", NAN), LOG_F("b", INFINITY), LOG_F("c", -INFINITY));
    ck_assert_str_eq(rest_of_line(), "level=info event=e a=nan b=inf c=-inf\n");
}
END_TEST

static void expect_member(const struct json *json, const char *name, const char *want)
{
    size_t size;
    const char *text = json_text(json, json_member(json, 0, name, strlen(name)), &size);

    ck_assert_msg(size == strlen(want) && memcmp(text, want, size) == 0, "%s: %s", name, line);
}

START_TEST(json_lines_are_json)
{
    struct json *json = json_create();

    log_configure(LOG_INFO, LOG_JSON);
    log_event(LOG_INFO, "e", LOG_S("s", "a \"b\"\n\xff"), LOG_I("i", -5), LOG_F("f", 1e300),
              LOG_F("n", NAN), LOG_S("null", NULL));
    ck_assert(next_write());
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_int_eq(json_parse(json, line, strlen(line)), JSON_OK);
    ck_assert_int_eq(json_size(json, 0), 8);
    expect_member(json, "level", "info");
    expect_member(json, "event", "e");
    expect_member(json, "s", "a \\\"b\\\"\\n\xef\xbf\xbd");
    expect_member(json, "i", "-5");
    expect_member(json, "f", "1e+300");
    expect_member(json, "n", "nan");
    expect_member(json, "null", "");
    json_destroy(&json);
}
END_TEST

START_TEST(levels_are_obeyed)
{
    for (int most = LOG_ERROR; most <= LOG_DEBUG; most++) {
        log_configure((enum log_level)most, LOG_LOGFMT);
        for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            log_event((enum log_level)level, "e", LOG_I("i", level));
            ck_assert_int_eq(next_write(), level <= most);
        }
    }
}
END_TEST

/* A string of characters of two bytes is cut between two of them. */
START_TEST(long_strings_are_cut)
{
    struct json *json = json_create();
    char string[10001];
    size_t size;

    log_configure(LOG_INFO, LOG_JSON);
    for (size_t shift = 0; shift < 2; shift++) {
        memset(string, 'x', sizeof string);
        for (size_t i = shift; i + 1 < sizeof string - 1; i += 2)
            memcpy(string + i, "\xd0\xbf", 2);
        string[sizeof string - 1] = '\0';
        log_event(LOG_INFO, "e", LOG_S("s", string), LOG_I("i", 1));
        ck_assert(next_write());
        ck_assert_int_eq(json_parse(json, line, strlen(line)), JSON_OK);
        ck_assert_ptr_null(strstr(line, "\xef\xbf\xbd"));
        json_text(json, json_member(json, 0, "s", 1), &size);
        ck_assert_uint_eq(size, 2048 - shift);
        expect_member(json, "i", "1");
    }
    json_destroy(&json);
}
END_TEST

START_TEST(errno_is_left_alone)
{
    close(STDERR_FILENO);
    errno = ERANGE;
    log_event(LOG_ERROR, "e");
    ck_assert_int_eq(errno, ERANGE);
}
END_TEST

static void *log_many(void *name)
{
    for (int i = 0; i < 20; i++)
        log_event(LOG_INFO, name, LOG_S("s", "ssssssssssssssssssssssssss"), LOG_I("i", i));
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    char names[4][2] = {"a", "b", "c", "d"};
    int seen[4] = {0};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    while (next_write()) {
        char want[128];
        int name = line[28 + 17] - 'a';

        ck_assert(name >= 0 && name < 4);
        snprintf(want, sizeof want, "level=info event=%c s=ssssssssssssssssssssssssss i=%d\n",
                 'a' + name, seen[name]++);
        ck_assert_str_eq(line + 28, want);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(seen[i], 20);
}
END_TEST

START_TEST(clocks_run)
{
    int64_t first = clock_monotonic_ms(), second = clock_monotonic_ms();

    ck_assert_int_ge(second, first);
    /* Later than this test was written, earlier than 9999. */
    ck_assert(clock_wall_ms() > INT64_C(1700000000000));
    ck_assert(clock_wall_ms() < INT64_C(253402300799000));
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, fields_are_written_in_order);
    tcase_add_test(tcase, strings_are_quoted_where_needed);
    tcase_add_test(tcase, numbers_that_are_none_are_named);
    tcase_add_test(tcase, json_lines_are_json);
    tcase_add_test(tcase, levels_are_obeyed);
    tcase_add_test(tcase, long_strings_are_cut);
    tcase_add_test(tcase, errno_is_left_alone);
    tcase_add_test(tcase, lines_of_threads_do_not_mix);
    tcase_add_test(tcase, clocks_run);
}
