/* Goal: who is new, who returns and who is retained is what the sets of users say, by day,
 * week and month; where the sketches can't tell there is no number; days that are missing
 * are neither counted as periods that were skipped nor called complete. */
#include <stdarg.h>

#include "api_kit.h"
#include "check_main.h"

#define START_S INT64_C(1475452800) /* Monday, 2016-10-03 */
#define DAY_S INT64_C(86400)
#define DAYS 30
#define MISSING_DAY 20
/* Day d has the users [d * STEP, d * STEP + USERS). */
#define USERS 300
#define STEP 100
#define LARGE 150000

static struct api_kit kit;

static void fill_small(struct store *store)
{
    for (int day = 0; day < DAYS; day++) {
        if (day == MISSING_DAY) {
            api_kit_checkpoint(&kit, store, "small", START_S + day * DAY_S);
            kit.checkpoints++; /* one that never came */
            continue;
        }
        api_kit_range(&kit, store, "small", START_S + day * DAY_S, day * STEP,
                      day * STEP + USERS);
        if (day == MISSING_DAY + 1)
            api_kit_checkpoint(&kit, store, "small", START_S + day * DAY_S + 3600);
    }
    api_kit_checkpoint(&kit, store, "small", START_S + DAYS * DAY_S);
}

/* Days of many users: the second shares half of the first's, the third 40, the fourth all. */
static void fill_large(struct store *store)
{
    static const int first[] = {0, LARGE / 2, LARGE * 3 / 2 - 40, LARGE / 4};
    static const int users[] = {LARGE, LARGE, LARGE, LARGE / 2};

    for (int day = 0; day < 4; day++)
        api_kit_range(&kit, store, "large", START_S + day * DAY_S, first[day],
                      first[day] + users[day]);
    kit.checkpoints = 0;
    api_kit_checkpoint(&kit, store, "large", START_S + 4 * DAY_S);
}

static void make(void)
{
    struct store *store;

    memset(&kit, 0, sizeof kit);
    kit_make(&kit.kit);
    store = kit_open(&kit.kit);
    fill_small(store);
    fill_large(store);
    ck_assert_msg(store_flush(store), "%s", store_error(store));
    store_close(&store);
    kit.now_ms = (START_S + DAYS * DAY_S) * 1000 - 1;
}

static void unmake(void)
{
    kit_remove(&kit.kit);
}

static void set_up(void)
{
    api_kit_start(&kit);
}

static void tear_down(void)
{
    api_kit_stop(&kit);
}

static char *get(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *get(const char *format, ...)
{
    char target[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(target, sizeof target, format, arguments);
    va_end(arguments);
    ck_assert_msg(api_kit_get(&kit, target) == 200, "%s", kit.response.body.bytes);
    return kit.response.body.bytes;
}

/* The member holds `users`. */
static void holds(const char *row, const char *name, double users)
{
    const char *part = api_kit_member(row, name);

    ck_assert_msg(api_kit_number(part, "low") <= users && users <= api_kit_number(part, "high"),
                  "%s: %g in %s", name, users, row);
    ck_assert_double_eq_tol(api_kit_number(part, "value"), users, 5);
}

START_TEST(new_and_returning_by_day)
{
    char *at = get("/api/v1/returning?stream=small&from=%lld", (long long)START_S), *row;
    int day = 0, rows = 0;

    while ((row = api_kit_row(&at))) {
        day = (int)((api_kit_time(row, "start") - START_S) / DAY_S);
        ck_assert_double_eq(api_kit_number(row, "uniques"), USERS);
        /* Who came first on the missing day is new on the next. */
        int fresh = day == 0 ? USERS : day == MISSING_DAY + 1 ? 2 * STEP : STEP;

        holds(row, "new", fresh);
        holds(row, "returning", USERS - fresh);
        ck_assert_msg(api_kit_is(row, "complete", day < MISSING_DAY ? "true" : "false"), "%s", row);
        ck_assert(api_kit_is(row, "additive", "false}"));
        rows++;
    }
    ck_assert_int_eq(day, DAYS - 1);
    ck_assert_int_eq(rows, DAYS - 1);
    /* Of the days before the first one nothing is known: who is new then may not be. */
    at = get("/api/v1/returning?stream=small&from=%lld", (long long)(START_S - 3 * DAY_S));
    ck_assert(api_kit_is(api_kit_row(&at), "complete", "false"));
}
END_TEST

START_TEST(new_and_returning_by_week)
{
    char *at = get("/api/v1/returning?stream=small&by=week&from=%lld", (long long)START_S), *row;

    row = api_kit_row(&at);
    holds(row, "new", 6 * STEP + USERS);
    holds(row, "returning", 0);
    row = api_kit_row(&at);
    ck_assert_int_eq(api_kit_time(row, "start"), START_S + 7 * DAY_S);
    holds(row, "new", 7 * STEP);
    holds(row, "returning", USERS - STEP);
}
END_TEST

START_TEST(retention_by_day)
{
    char *at = get("/api/v1/retention?stream=small&cohort=%lld",
                   (long long)(START_S + 18 * DAY_S + 4000)), *row;
    char *cohort = strstr(at, "\"cohort\":{");
    int period = 0;

    ck_assert_ptr_nonnull(cohort);
    ck_assert_double_eq(api_kit_number(cohort, "uniques"), USERS);
    ck_assert_int_eq(api_kit_time(cohort, "start"), START_S + 18 * DAY_S);
    while ((row = api_kit_row(&at))) {
        int left;

        period = (int)((api_kit_time(row, "start") - START_S) / DAY_S) - 18;
        left = period < 3 ? USERS - period * STEP : 0;
        ck_assert_int_eq((int)api_kit_number(row, "period"), period);
        holds(row, "retained", left);
        ck_assert_double_eq_tol(api_kit_number(api_kit_member(row, "share"), "value"),
                                left / (double)USERS, 0.005);
        ck_assert(api_kit_is(row, "complete", period == 3 ? "false" : "true"));
    }
    ck_assert_int_eq(period, DAYS - 1 - 18);
}
END_TEST

START_TEST(cohorts_that_are_not_complete)
{
    char *at = get("/api/v1/retention?stream=small&cohort=%lld",
                   (long long)(START_S + (MISSING_DAY + 1) * DAY_S)), *row;
    int rows = 0;

    for (; (row = api_kit_row(&at)); rows++)
        ck_assert_msg(api_kit_is(row, "complete", "false"), "%s", row);
    ck_assert_int_eq(rows, DAYS - MISSING_DAY - 2);
}
END_TEST

START_TEST(cohorts_without_later_days)
{
    char *at = get("/api/v1/retention?stream=small&cohort=now"), *cohort;

    cohort = strstr(at, "\"cohort\":{");
    ck_assert(cohort && api_kit_number(cohort, "uniques") == USERS);
    ck_assert_ptr_nonnull(strstr(at, "\"rows\":[\n]}"));
    at = get("/api/v1/retention?stream=small&cohort=%lld", (long long)(START_S - 10 * DAY_S));
    ck_assert_ptr_nonnull(strstr(at, "\"cohort\":null,\"rows\":[\n]}"));
    at = get("/api/v1/retention?stream=small&cohort=-%dd", DAYS - MISSING_DAY - 1);
    ck_assert_ptr_nonnull(strstr(at, "\"cohort\":null,\"rows\":[\n]}"));
}
END_TEST

START_TEST(retention_by_week_and_month)
{
    char *at = get("/api/v1/retention?stream=small&by=week&cohort=%lld", (long long)START_S), *row;

    row = api_kit_row(&at);
    holds(row, "retained", USERS - STEP);
    row = api_kit_row(&at);
    holds(row, "retained", 0);
    at = get("/api/v1/retention?stream=small&by=month&cohort=%lld", (long long)START_S);
    row = api_kit_row(&at);
    ck_assert_int_eq(api_kit_time(row, "start"), INT64_C(1477958400));
    holds(row, "retained", USERS - STEP);
}
END_TEST

START_TEST(what_is_too_wide_is_refused)
{
    char *at = get("/api/v1/retention?stream=large&cohort=%lld&to=%lld", (long long)START_S,
                   (long long)(START_S + 4 * DAY_S)), *row;

    row = api_kit_row(&at);
    ck_assert_msg(api_kit_number(api_kit_member(row, "retained"), "low") <= LARGE / 2 &&
                  LARGE / 2 <= api_kit_number(api_kit_member(row, "retained"), "high"), "%s", row);
    row = api_kit_row(&at); /* nobody, or so it seems: no number, and no share */
    ck_assert_msg(api_kit_is(row, "retained", "{\"refused\":\"too wide to tell\"}"), "%s", row);
    ck_assert(api_kit_is(row, "share", "null"));
    at = get("/api/v1/returning?stream=large&from=%lld&to=%lld", (long long)START_S,
             (long long)(START_S + 4 * DAY_S));
    row = api_kit_row(&at);
    row = api_kit_row(&at);
    row = api_kit_row(&at);
    ck_assert_msg(api_kit_is(row, "returning", "{\"refused\":\"too wide to tell\"}"), "%s", row);
    row = api_kit_row(&at); /* all were there before */
    ck_assert_msg(api_kit_is(row, "new", "{\"refused\":\"too wide to tell\"}"), "%s", row);
    at = get("/api/v1/returning?stream=large&from=%lld&to=%lld&format=csv", (long long)START_S,
             (long long)(START_S + 4 * DAY_S));
    ck_assert_ptr_nonnull(strstr(at, ",,,,"));
}
END_TEST

START_TEST(both_have_csv)
{
    char *at = get("/api/v1/retention?stream=small&cohort=%lld&format=csv", (long long)START_S);

    ck_assert_str_eq(kit.response.file_name, "retention.csv");
    at = strchr(at, '\n') + 1;
    ck_assert_msg(strncmp(at, "2016-10-04T00:00:00Z,2016-10-05T00:00:00Z,day,1,300,", 52) == 0,
                  "%s", at);
    at = get("/api/v1/returning?stream=small&from=%lld&format=csv", (long long)START_S);
    ck_assert_str_eq(kit.response.file_name, "returning.csv");
    at = strchr(at, '\n') + 1;
    ck_assert_msg(strncmp(at, "2016-10-03T00:00:00Z,2016-10-04T00:00:00Z,day,300,", 50) == 0,
                  "%s", at);
}
END_TEST

static const struct api_kit_wrong wrong[] = {
    {"/api/v1/retention?stream=small", 400, "cohort"},
    {"/api/v1/retention?stream=small&cohort=1480000000", 400, "cohort"},
    {"/api/v1/retention?stream=small&cohort=1475452800&to=1475452800", 400, "to"},
    {"/api/v1/retention?stream=small&cohort=0", 422, "from"},
    {"/api/v1/retention?stream=small&cohort=0&by=hour", 400, "by"},
    {"/api/v1/returning?stream=small&from=0", 422, "from"},
    {"/api/v1/returning?stream=small&by=year", 400, "by"},
    {"/api/v1/returning?from=-3d", 400, "stream"}};

START_TEST(what_is_wrong_is_named)
{
    api_kit_refuses(&kit, &wrong[_i]);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, unmake);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, new_and_returning_by_day);
    tcase_add_test(tests, new_and_returning_by_week);
    tcase_add_test(tests, retention_by_day);
    tcase_add_test(tests, cohorts_that_are_not_complete);
    tcase_add_test(tests, cohorts_without_later_days);
    tcase_add_test(tests, retention_by_week_and_month);
    tcase_add_test(tests, what_is_too_wide_is_refused);
    tcase_add_test(tests, both_have_csv);
    tcase_add_loop_test(tests, what_is_wrong_is_named, 0, sizeof(wrong) / sizeof(wrong[0]));
}
