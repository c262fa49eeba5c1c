/* Goal: what the API says is true of the users that were there, who are known here one by
 * one: by every grain, in zones with offsets of all kinds over a change of their clocks,
 * as JSON and as CSV; users of 7 and 28 days, and of a day so far. */
#include "api_kit.h"
#include "check_main.h"

#define START_S INT64_C(1474934400) /* 2016-09-27 */
#define DAYS 50
#define HOURS (DAYS * 24)
#define END_S (START_S + DAYS * INT64_C(86400))
/* These have no users, and are known to have none; those were lost. */
#define QUIET_HOUR 100
#define LOST_FROM_HOUR 300
#define LOST_TO_HOUR 330

static struct api_kit kit;
static bool seen[HOURS][API_KIT_USERS]; /* in the 17th minute of each hour */

static bool is_lost(int hour)
{
    return hour >= LOST_FROM_HOUR && hour < LOST_TO_HOUR;
}

static int64_t minute_of(int hour)
{
    return START_S + hour * INT64_C(3600) + 17 * 60;
}

static void fill(struct store *store)
{
    uint64_t random = 1;

    for (int hour = 0; hour < HOURS; hour++) {
        memset(seen[hour], 0, sizeof seen[hour]);
        if (hour == QUIET_HOUR || is_lost(hour))
            continue;
        for (int i = 0; i < 12; i++)
            seen[hour][random_below(&random, (uint64_t)(hour / 12 % 2 ? 400 : 60))] = true;
        api_kit_minute(&kit, store, "users", minute_of(hour), seen[hour]);
        kit.checkpoints += hour == LOST_TO_HOUR; /* one that never came */
        if (hour == LOST_FROM_HOUR - 1 || hour == LOST_TO_HOUR)
            api_kit_checkpoint(&kit, store, "users", minute_of(hour) + 60);
    }
    api_kit_checkpoint(&kit, store, "users", END_S - 3600);
}

/* Once for all tests that only ask: each does so in a process of its own. */
static void make(void)
{
    struct store *store;

    memset(&kit, 0, sizeof kit);
    kit_make(&kit.kit);
    store = kit_open(&kit.kit);
    fill(store);
    ck_assert_msg(store_flush(store), "%s", store_error(store));
    store_close(&store);
    kit.now_ms = END_S * 1000 - 1;
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

static int users_in(int64_t from_s, int64_t to_s)
{
    bool users[API_KIT_USERS] = {false};
    int count = 0;

    for (int hour = 0; hour < HOURS; hour++) {
        for (int id = 0; minute_of(hour) >= from_s && minute_of(hour) < to_s &&
                         id < API_KIT_USERS; id++) {
            count += seen[hour][id] && !users[id];
            users[id] = users[id] || seen[hour][id];
        }
    }
    return count;
}

static void holds(const char *row, int users)
{
    ck_assert_msg(api_kit_number(row, "uniques") == users, "%d users are %s", users, row);
    ck_assert_msg(api_kit_number(row, "low") <= users && users <= api_kit_number(row, "high"),
                  "%d users are not in %s", users, row);
    ck_assert(api_kit_is(row, "additive", "false}"));
}

static const char *const zones[] = {"UTC", "Europe/Zurich", "Asia/Kathmandu",
                                    "Australia/Lord_Howe", "America/St_Johns"};
static const int hours_in_rows[] = {1, 1, 24, 7 * 24, 28 * 24, 365 * 24, 100 * 365 * 24};

/* Rows follow each other, hold exactly their users, and all users are in some. */
static void check_rows(int by)
{
    char *at = kit.response.body.bytes, *row;
    bool told[HOURS] = {false};
    int64_t last_s = 0;

    while ((row = api_kit_row(&at))) {
        int64_t start_s = api_kit_time(row, "start"), end_s = api_kit_time(row, "end");

        ck_assert_int_ge(start_s, last_s);
        ck_assert_int_gt(end_s, start_s);
        ck_assert_int_le(end_s - start_s, hours_in_rows[by] * INT64_C(3600) + 4 * 86400);
        ck_assert_int_eq((int64_t)api_kit_number(row, "of"), (end_s - start_s) / 60);
        holds(row, users_in(start_s, end_s));
        if (api_kit_is(row, "complete", "true"))
            ck_assert(api_kit_is(row, "state", "\"complete\"") &&
                      api_kit_number(row, "minutes") == api_kit_number(row, "of"));
        for (int hour = 0; hour < HOURS; hour++) {
            if (minute_of(hour) >= start_s && minute_of(hour) < end_s)
                told[hour] = true;
        }
        last_s = end_s;
    }
    for (int hour = 0; hour < HOURS; hour++)
        ck_assert_msg(told[hour] || is_lost(hour), "hour %d", hour);
}

START_TEST(uniques_are_the_users)
{
    char target[256];

    for (int by = 0; calendar_grain_names[by]; by++) {
        /* All minutes are more than the rows that there may be: zeros are rows. */
        snprintf(target, sizeof target, "/api/v1/uniques?by=%s&tz=%s&from=%lld&to=%lld",
                 calendar_grain_names[by], zones[_i],
                 (long long)(START_S - (by == CALENDAR_ALL ? 0 : 86400)), (long long)END_S);
        if (by == CALENDAR_MINUTE) {
            ck_assert_int_eq(api_kit_get(&kit, target), 422);
            ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "50000"));
            continue;
        }
        ck_assert_msg(api_kit_get(&kit, target) == 200, "%s", kit.response.body.bytes);
        ck_assert_str_eq(kit.response.type, "application/json");
        check_rows(by);
    }
}
END_TEST

/* The minutes of the last 24 hours, of which the last have not come. */
START_TEST(defaults_are_the_last_day_by_minute)
{
    char *at, *row;
    int rows = 0, users = 0;

    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques"), 200);
    at = kit.response.body.bytes;
    while ((row = api_kit_row(&at))) {
        int64_t start_s = api_kit_time(row, "start");

        holds(row, users_in(start_s, start_s + 60));
        ck_assert_int_ge(start_s, END_S - 86400);
        users += api_kit_number(row, "uniques") > 0;
        rows++;
    }
    /* 23 hours are over, and a minute of the last hour has users. */
    ck_assert_int_eq(rows, 23 * 60 + 1);
    ck_assert_int_eq(users, 24);
}
END_TEST

/* Said as a distance from now, a range begins with a whole bucket. */
START_TEST(relative_ranges_have_whole_buckets)
{
    char *at, *row;

    kit.now_ms = (END_S - 5 * 3600 - 7 * 60) * 1000;
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=day&from=-30h"), 200);
    at = kit.response.body.bytes;
    row = api_kit_row(&at);
    ck_assert_int_eq(api_kit_time(row, "start"), END_S - 2 * 86400);
    holds(row, users_in(END_S - 2 * 86400, END_S - 86400));
    ck_assert(api_kit_is(row, "complete", "true"));
}
END_TEST

START_TEST(zeros_and_missing_minutes_differ)
{
    char target[256], *at, *row;

    snprintf(target, sizeof target, "/api/v1/uniques?by=hour&from=%lld&to=%lld",
             (long long)(START_S + QUIET_HOUR * 3600), (long long)(START_S + 400 * 3600));
    ck_assert_int_eq(api_kit_get(&kit, target), 200);
    at = kit.response.body.bytes;
    row = api_kit_row(&at);
    holds(row, 0);
    ck_assert(api_kit_is(row, "complete", "true"));
    while ((row = api_kit_row(&at))) {
        int hour = (int)((api_kit_time(row, "start") - START_S) / 3600);

        /* What lies between the last minute before what was lost and an hour beyond the clock
         * behind it is not known: these hours have a row only if they have users. */
        ck_assert_msg(!is_lost(hour), "%s", row);
        ck_assert_msg(api_kit_is(row, "complete", hour >= LOST_FROM_HOUR - 1 &&
                                 hour <= LOST_TO_HOUR + 1 ? "false" : "true"), "%s", row);
    }
}
END_TEST

START_TEST(csv_is_the_same)
{
    char *json = NULL, *csv, *row, *line;

    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=day&from=-20d"), 200);
    json = strdup(kit.response.body.bytes);
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/uniques?by=day&from=-20d&format=csv"), 200);
    ck_assert_str_eq(kit.response.type, "text/csv; charset=utf-8");
    ck_assert_str_eq(kit.response.file_name, "uniques.csv");
    csv = kit.response.body.bytes;
    line = strsep(&csv, "\n");
    ck_assert_str_eq(line, "start,end,by,group,uniques,low,high,error,minutes,of,late,complete,"
                           "state,additive");
    for (char *at = json; (row = api_kit_row(&at));) {
        char expected[256];

        line = strsep(&csv, "\n");
        snprintf(expected, sizeof expected,
                 "%.20s,%.20s,day,\"{}\",%.0f,%.0f,%.0f,%g,%.0f,%.0f,%.0f,",
                 api_kit_member(row, "start") + 1, api_kit_member(row, "end") + 1,
                 api_kit_number(row, "uniques"), api_kit_number(row, "low"),
                 api_kit_number(row, "high"), api_kit_number(row, "error"),
                 api_kit_number(row, "minutes"), api_kit_number(row, "of"),
                 api_kit_number(row, "late"));
        ck_assert_msg(strncmp(line, expected, strlen(expected)) == 0, "%s\n%s", line, expected);
        ck_assert_str_eq(line + strlen(line) - 6, ",false");
    }
    ck_assert_str_eq(csv, "");
    free(json);
}
END_TEST

START_TEST(actives_are_the_users_of_days)
{
    static const int days[] = {1, 7, 28};
    static const char *const names[] = {"daily", "weekly", "monthly"};
    char *at, *row;
    int rows = 0;

    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/actives?from=-40d"), 200);
    at = kit.response.body.bytes;
    while ((row = api_kit_row(&at))) {
        int64_t start_s = api_kit_time(row, "start");
        int counts[3];

        ck_assert_int_eq(start_s, END_S - (40 - rows++) * INT64_C(86400));
        for (int i = 0; i < 3; i++) {
            const char *window = api_kit_member(row, names[i]);

            counts[i] = users_in(start_s - (days[i] - 1) * 86400, start_s + 86400);
            ck_assert_msg(api_kit_number(window, "uniques") == counts[i], "%s: %d in %s", names[i],
                          counts[i], row);
        }
        row = (char *)api_kit_member(row, "stickiness");
        ck_assert_double_eq_tol(api_kit_number(row, "value"), counts[0] / (double)counts[2], 1e-3);
        ck_assert(api_kit_number(row, "low") <= api_kit_number(row, "value") &&
                  api_kit_number(row, "value") <= api_kit_number(row, "high"));
    }
    ck_assert_int_eq(rows, 40);
}
END_TEST

/* A window is complete when all its days are. */
START_TEST(windows_are_complete_or_not)
{
    char *at, *row;
    int lost_day = LOST_FROM_HOUR / 24, complete = 0;

    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/actives?from=-50d"), 200);
    at = kit.response.body.bytes;
    while ((row = api_kit_row(&at))) {
        int day = (int)((api_kit_time(row, "start") - START_S) / 86400);
        const char *weekly = api_kit_member(row, "weekly");

        if (api_kit_is(api_kit_member(row, "weekly"), "complete", "true")) {
            ck_assert(day >= 6 && (day < lost_day || day > lost_day + 7));
            complete++;
        }
        ck_assert(strstr(weekly, "\"complete\":") != NULL);
    }
    ck_assert_int_gt(complete, 20);
}
END_TEST

static void so_far(const char *zone, int64_t offset_s, const char *by, int64_t step_s)
{
    int64_t day_s = START_S + 20 * 86400 - offset_s, last_s = day_s;
    char target[256], *at, *row;
    int rows = 0;

    snprintf(target, sizeof target, "/api/v1/so-far?day=%lld&by=%s&tz=%s",
             (long long)(day_s + 7200), by, zone);
    ck_assert_int_eq(api_kit_get(&kit, target), 200);
    at = kit.response.body.bytes;
    while ((row = api_kit_row(&at))) {
        int64_t end_s = api_kit_time(row, "end");

        ck_assert_int_eq(api_kit_time(row, "start"), day_s);
        ck_assert_int_eq(end_s, last_s + step_s);
        ck_assert(api_kit_is(row, "complete", "true"));
        holds(row, users_in(day_s, end_s));
        last_s = end_s;
        rows++;
    }
    ck_assert_int_eq(rows, 86400 / step_s);
}

START_TEST(a_day_so_far)
{
    so_far("UTC", 0, "hour", 3600);
    so_far("UTC", 0, "minute", 60);
    so_far("Asia/Kathmandu", 20700, "hour", 3600);
    /* Of the first day the beginning is not known. */
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/so-far?by=minute&day=1474934400"), 200);
    ck_assert_ptr_nonnull(strstr(kit.response.body.bytes, "\"complete\":false"));
    ck_assert_ptr_null(strstr(kit.response.body.bytes, "\"complete\":true"));
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/so-far"), 200);
}
END_TEST

START_TEST(streams_are_named)
{
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/streams"), 200);
    ck_assert_str_eq(kit.response.body.bytes,
                     "{\"streams\":[\n{\"stream\":\"users\",\"profiles\":[\"redis\"],"
                     "\"first\":\"2016-09-27T00:17:00Z\",\"last\":\"2016-11-15T23:18:00Z\","
                     "\"from\":\"2016-09-27T00:17:00Z\",\"to\":\"2016-11-15T23:18:00Z\"}\n]}\n");
    ck_assert_int_eq(api_kit_get(&kit, "/api/v1/streams?format=csv"), 200);
    ck_assert_str_eq(kit.response.body.bytes, "stream,profiles,first,last,from,to\n"
                     "\"users\",redis,2016-09-27T00:17:00Z,2016-11-15T23:18:00Z,"
                     "2016-09-27T00:17:00Z,2016-11-15T23:18:00Z\n");
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, unmake);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, uniques_are_the_users, 0, sizeof(zones) / sizeof(zones[0]));
    tcase_add_test(tests, defaults_are_the_last_day_by_minute);
    tcase_add_test(tests, relative_ranges_have_whole_buckets);
    tcase_add_test(tests, zeros_and_missing_minutes_differ);
    tcase_add_test(tests, csv_is_the_same);
    tcase_add_test(tests, actives_are_the_users_of_days);
    tcase_add_test(tests, windows_are_complete_or_not);
    tcase_add_test(tests, a_day_so_far);
    tcase_add_test(tests, streams_are_named);
}
