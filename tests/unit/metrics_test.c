/* Goal: the text of a page, to the byte: escapes, labels, numbers at their ends; that
 * names against the conventions stop the program; and that what a program tells of
 * itself is there. A parser of others reads whole pages in tests/cli/test_listen.py. */
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "check_main.h"
#include "health.h"
#include "metrics.h"

static struct text page;

static void free_page(void)
{
    text_free(&page);
}

START_TEST(a_page_reads_as_the_format_says)
{
    const struct metrics_label labels[] = {{"reason", "a\"b\\c\nd"}, {"topic", "t"}, {NULL, NULL}};

    metrics_family(&page, METRICS_COUNTER, "headcount_x_total",
                   "Help with \\ and\nan end, \"so\".");
    metrics_int(&page, "headcount_x_total", labels, INT64_MAX);
    metrics_int(&page, "headcount_x_total", labels + 2, INT64_MIN);
    metrics_gauge(&page, "headcount_y_bytes", "H.", -1);
    metrics_counter(&page, "headcount_z_total", "H.", 0);
    ck_assert_str_eq(page.bytes,
                     "# HELP headcount_x_total Help with \\\\ and\\nan end, \"so\".\n"
                     "# TYPE headcount_x_total counter\n"
                     "headcount_x_total{reason=\"a\\\"b\\\\c\\nd\",topic=\"t\"} "
                     "9223372036854775807\n"
                     "headcount_x_total -9223372036854775808\n"
                     "# HELP headcount_y_bytes H.\n# TYPE headcount_y_bytes gauge\n"
                     "headcount_y_bytes -1\n"
                     "# HELP headcount_z_total H.\n# TYPE headcount_z_total counter\n"
                     "headcount_z_total 0\n");
}
END_TEST

START_TEST(labels_are_utf8)
{
    const struct metrics_label label[] = {{"l", "\xd0\x9f\xff\xc3\x01"}, {NULL, NULL}};

    metrics_int(&page, "n", label, 1);
    ck_assert_str_eq(page.bytes, "n{l=\"\xd0\x9f\xef\xbf\xbd\xef\xbf\xbd\x01\"} 1\n");
}
END_TEST

START_TEST(numbers_that_are_none_have_names)
{
    metrics_double(&page, "n", NULL, 0.1);
    metrics_double(&page, "n", NULL, INFINITY);
    metrics_double(&page, "n", NULL, -INFINITY);
    metrics_double(&page, "n", NULL, NAN);
    ck_assert_str_eq(page.bytes, "n 0.10000000000000001\nn +Inf\nn -Inf\nn NaN\n");
}
END_TEST

START_TEST(a_counter_ends_in_total)
{
    metrics_family(&page, METRICS_COUNTER, "headcount_x", "H.");
}
END_TEST

START_TEST(nothing_else_ends_in_total)
{
    metrics_family(&page, METRICS_GAUGE, "headcount_x_total", "H.");
}
END_TEST

START_TEST(a_name_has_no_other_characters)
{
    metrics_family(&page, METRICS_GAUGE, "headcount-x", "H.");
}
END_TEST

START_TEST(a_program_tells_of_itself)
{
    static const char *const names[] = {
        "\nheadcount_build_info{version=\"" HEADCOUNT_VERSION "\",lib=\"1.2\"} 1\n",
        "\nprocess_cpu_seconds_total ", "\nprocess_start_time_seconds ",
        "\nprocess_resident_memory_bytes ", "\nprocess_virtual_memory_bytes ",
        "\nprocess_open_fds ", "\nprocess_max_fds "};

    metrics_program(&page, (const struct metrics_label[]){{"lib", "1.2"}, {NULL, NULL}});
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(strstr(page.bytes, names[i]) != NULL, "%s in %s", names[i], page.bytes);
    ck_assert_ptr_null(strstr(page.bytes, "_bytes 0\n"));
}
END_TEST

START_TEST(patience_ends_one_step_behind_its_length)
{
    struct health_progress progress;

    health_start(&progress, 1000);
    ck_assert(!health_is_stuck(&progress, 1500, 500));
    ck_assert(health_is_stuck(&progress, 1501, 500));
    health_note(&progress, false, 1501);
    ck_assert(health_is_stuck(&progress, 1501, 500));
    health_note(&progress, true, 1501);
    ck_assert(!health_is_stuck(&progress, 2001, 500));
}
END_TEST

START_TEST(health_is_a_status_and_a_line)
{
    struct http_response well = {.status = 200}, ill = {.status = 200};

    health_answer(&well, "ready", NULL);
    health_answer(&ill, "ready", "nothing is assigned");
    ck_assert_int_eq(well.status, 200);
    ck_assert_str_eq(well.body.bytes, "ready\n");
    ck_assert_int_eq(ill.status, 503);
    ck_assert_str_eq(ill.body.bytes, "nothing is assigned\n");
    text_free(&well.body);
    text_free(&ill.body);
}
END_TEST

void add_cases(TCase *text)
{
    tcase_add_checked_fixture(text, NULL, free_page);
    tcase_add_test(text, a_page_reads_as_the_format_says);
    tcase_add_test(text, labels_are_utf8);
    tcase_add_test(text, numbers_that_are_none_have_names);
    tcase_add_test_raise_signal(text, a_counter_ends_in_total, SIGABRT);
    tcase_add_test_raise_signal(text, nothing_else_ends_in_total, SIGABRT);
    tcase_add_test_raise_signal(text, a_name_has_no_other_characters, SIGABRT);
    tcase_add_test(text, a_program_tells_of_itself);
    tcase_add_test(text, patience_ends_one_step_behind_its_length);
    tcase_add_test(text, health_is_a_status_and_a_line);
}
