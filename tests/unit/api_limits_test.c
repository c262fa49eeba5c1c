/* Goal: what the API can't say it refuses, with the status and the parameter that the
 * OpenAPI document has; what it need not refuse it answers, if only with no rows; and at the
 * ends of time, of memory kept and of patience it does one of the two. */
#include "api_kit.h"
#include "check_main.h"
#include "clock.h"

#define START_S INT64_C(1474934400) /* 2016-09-27 */
#define HOURS (30 * 24)
#define USERS 30

static struct api_kit kit;
static const char *const zones[] = {"UTC", "Europe/Zurich", "Asia/Kathmandu",
                                    "Australia/Lord_Howe", "America/St_Johns"};

/* Hour h has the users [h, h + USERS), in its first minute. */
static void set_up(void)
{
    struct store *store;

    memset(&kit, 0, sizeof kit);
    kit_make(&kit.kit);
    store = kit_open(&kit.kit);
    for (int hour = 0; hour < HOURS; hour++)
        api_kit_range(&kit, store, "users", START_S + hour * 3600, hour, hour + USERS);
    api_kit_checkpoint(&kit, store, "users", START_S + HOURS * 3600);
    ck_assert_msg(store_flush(store), "%s", store_error(store));
    store_close(&store);
    kit.now_ms = (START_S + HOURS * INT64_C(3600)) * 1000 - 1;
    api_kit_start(&kit);
}

static void tear_down(void)
{
    api_kit_stop(&kit);
    kit_remove(&kit.kit);
}

/* As many hours' users as follow each other. */
static void has_hours(const char *row, int hours)
{
    ck_assert_msg(api_kit_number(row, "uniques") == hours - 1 + USERS, "%d hours: %s", hours, row);
}

static const struct api_kit_wrong wrong[] = {
    {"/api/v1/uniques?stream=other", 404, "stream"},
    {"/api/v1/uniques?tz=Europe/Zürich", 400, "tz"},
    {"/api/v1/uniques?tz=../../etc/passwd", 400, "tz"},
    {"/api/v1/uniques?tz=right/UTC", 400, "tz"},
    {"/api/v1/uniques?from=now", 400, "from"},
    {"/api/v1/uniques?to=0", 400, "to"},
    {"/api/v1/uniques?by=hour&from=0", 422, "from"},
    {"/api/v1/actives?from=0", 422, "from"},
    {"/api/v1/actives?by=day", 400, "by"},
    {"/api/v1/so-far?by=day", 400, "by"},
    {"/api/v1/so-far?from=0", 400, "from"},
    {"/api/v1/streams?stream=users", 400, "stream"}};

START_TEST(what_is_wrong_is_named)
{
    api_kit_refuses(&kit, &wrong[_i]);
}
END_TEST

/* Two streams have to be told apart, and with none there is nothing to say. */
START_TEST(a_stream_is_chosen)
{
    struct store *store = kit_open(&kit.kit);

    api_kit_range(&kit, store, "other \"one\"", START_S, 0, 9);
    ck_assert(store_flush(store));
    store_close(&store);
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=day"), 400);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "other"));
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=all&stream=other \"one\""), 200);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "{\"stream\":\"other \\\"one\\\"\""));
}
END_TEST

static const char *const questions[] = {
    "/api/v1/uniques", "/api/v1/uniques?by=day&tz=Asia/Kathmandu", "/api/v1/actives",
    "/api/v1/so-far", "/api/v1/returning", "/api/v1/retention?cohort=-9d"};

/* What is not there is no error: a profile that nobody counts with, days before the first. */
START_TEST(nothing_is_an_answer)
{
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=day&profile=trino"), 200);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "\"rows\":[\n]}"));
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=all&from=1000000000&to=1100000000"),
                     200);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "\"rows\":[\n]}"));
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?stream=nobody"), 404);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "there is users"));
}
END_TEST

static const char *const edges[] = {
    "uniques?by=all&to=253402300799", "uniques?by=year&from=0&to=253402300799",
    "uniques?by=day&from=253402300798&to=253402300799", "uniques?by=hour&from=0&to=1",
    "uniques?by=week&from=0&to=60", "uniques?by=month&to=253402300799", "uniques?by=minute&to=60",
    "actives?from=0&to=86400", "actives?from=253402300798&to=253402300799", "actives?to=1",
    "so-far?day=0", "so-far?day=253402300799&by=minute", "returning?from=0&to=1&by=month",
    "returning?to=253402300799", "retention?cohort=0&to=1", "retention?cohort=0&to=99999&by=month",
    "retention?cohort=253402300798&to=253402300799&by=week"};

/* The first and the last times that there are, in zones in which they are other days. */
START_TEST(times_have_an_end)
{
    char target[256];

    for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
        snprintf(target, sizeof target, "/api/v1/%s&tz=%s", edges[_i], zones[zone]);
        ck_assert_msg(api_kit_get(&kit, target) == 200, "%s: %s", target,
                      kit.response.body.bytes);
    }
}
END_TEST

START_TEST(an_empty_store_has_no_stream)
{
    struct api_kit empty = {.now_ms = 1};
    struct store *store;

    kit_make(&empty.kit);
    store = kit_open(&empty.kit);
    store_close(&store);
    api_kit_start(&empty);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        ck_assert_int_eq(api_kit_get(&empty, questions[i]), 200);
        ck_assert_ptr_nonnull(
            strstr(empty.response.body.bytes, "{\"stream\":null,\"profile\":null"));
        ck_assert_ptr_nonnull(strstr(empty.response.body.bytes, "\"rows\":[\n]}"));
    }
    ck_assert_int_eq(api_kit_get(&empty, "/api/v1/uniques?stream=x"), 404);
    ck_assert_int_eq(api_kit_get(&empty, "/api/v1/streams"), 200);
    ck_assert_str_eq(empty.response.body.bytes, "{\"streams\":[\n]}\n");
    api_kit_stop(&empty);
    kit_remove(&empty.kit);
}
END_TEST

/* Single minutes are let go: what needs them is refused, or has no rows. */
START_TEST(minutes_that_are_not_kept)
{
    struct store *store = kit_open(&kit.kit);
    char target[256], *at;

    while (store_keep_minutes(store, START_S + 86400) == 1)
        continue;
    store_close(&store);
    snprintf(target, sizeof target, "/api/v1/uniques?by=hour&from=%lld", (long long)START_S + 60);
    ck_assert_int_eq(api_kit_get(&kit, target), 422);
    /* What is said as a distance from now begins and ends with a quarter-hour. */
    kit.now_ms = (START_S + 1000 * 60) * 1000 - 1;
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=all&from=-500m&to=-7m"), 200);
    at = kit.response.body.bytes;
    has_hours(api_kit_row(&at), 16 - 8); /* 08:15 to 16:30 */
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=hour&to=-7m"), 200);
    snprintf(target, sizeof target, "/api/v1/uniques?by=hour&from=%lld", (long long)START_S);
    ck_assert_int_eq(api_kit_get(&kit, target), 200);
    at = kit.response.body.bytes;
    has_hours(api_kit_row(&at), 1);
}
END_TEST

static int64_t slow_clock(void *context)
{
    int64_t begin_ms = clock_monotonic_ms();

    while (clock_monotonic_ms() < begin_ms + 3)
        continue;
    return api_kit_clock(context);
}

/* The time is over before the store is asked. */
START_TEST(an_answer_may_take_only_so_long)
{
    const struct api_options options = {
        .db = kit.kit.path, .wall_ms = slow_clock, .context = &kit, .time_ms = 1};
    char error[256];

    ck_assert_int_eq(api_kit_get(&kit, questions[_i]), 200);
    api_destroy(&kit.api);
    kit.api = api_create(&options, error, sizeof error);
    ck_assert_int_eq(api_kit_get(&kit, questions[_i]), 503);
    ck_assert_uint_gt(kit.response.retry_after_s, 0);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_wrong_is_named, 0, sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_loop_test(tests, an_answer_may_take_only_so_long, 0,
                        sizeof(questions) / sizeof(questions[0]));
    tcase_add_loop_test(tests, times_have_an_end, 0, sizeof(edges) / sizeof(edges[0]));
    tcase_add_test(tests, a_stream_is_chosen);
    tcase_add_test(tests, nothing_is_an_answer);
    tcase_add_test(tests, an_empty_store_has_no_stream);
    tcase_add_test(tests, minutes_that_are_not_kept);
}
