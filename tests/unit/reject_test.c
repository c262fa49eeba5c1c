/* Goal: the reasons have the names that users see, all of them, in an order that
 * stays; and their sum counts each once, valid frames not. */
#include <string.h>

#include "check_main.h"
#include "counters.h"

START_TEST(reasons_have_their_names)
{
    static const char *const names[] = {
        "none",      "empty",      "not_json",      "not_object", "no_user",    "no_time",
        "user_type", "user_empty", "user_too_long", "time_type",  "time_range", "time_ahead",
        "time_late", "too_large",  "too_deep",      "bad_escape", "bad_utf8"};

    ck_assert_int_eq(REJECT_NONE, 0);
    ck_assert_uint_eq(REJECT_COUNT, sizeof names / sizeof *names);
    for (int i = 0; i < REJECT_COUNT; i++)
        ck_assert_str_eq(reject_name((enum reject)i), names[i]);
}
END_TEST

START_TEST(the_total_is_that_of_the_reasons)
{
    struct counters counters = {.frames = 1000};

    ck_assert_uint_eq(counters_rejected_total(&counters), 0);
    for (int i = 0; i < REJECT_COUNT; i++)
        counters.rejected[i] = UINT64_C(1) << i;
    ck_assert_uint_eq(counters_rejected_total(&counters), (UINT64_C(1) << REJECT_COUNT) - 2);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, reasons_have_their_names);
    tcase_add_test(tcase, the_total_is_that_of_the_reasons);
}
