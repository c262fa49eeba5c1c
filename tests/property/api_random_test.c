/* Goal: no request ends the program, and every answer is one: whatever a client makes up of
 * the parameters and their words, right, wrong and on the edge of both, is answered with
 * rows or with a problem that names a parameter, as JSON that can be read or as CSV. */
#include "api_kit.h"
#include "check_main.h"
#include "json_check.h"

#define REQUESTS 1500
#define START_S INT64_C(1475452800)
#define HOURS 200

static const char *const paths[] = {"uniques", "actives", "so-far", "returning", "retention",
                                    "streams"};
static const char *const names[] = {"from", "to", "by", "tz", "week_start", "stream", "profile",
                                    "format", "day", "cohort", "limit"};
static const char *const times[] = {
    "0", "1", "59", "60", "-0", "now", "-1m", "-7d", "-99999d", "now-36h", "1475452800",
    "1475456399", "1475452830", "1475900000", "253402300799", "253402300798", "253402300800",
    "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00",
    "2016-10-04T00:00:00+05:45", "2011-12-30T12:00:00Z", "x", ""};
static const char *const zones[] = {"UTC", "Europe/Zurich", "Asia/Kathmandu", "Pacific/Apia",
                                    "Australia/Lord_Howe", "America/St_Johns",
                                    "Africa/Monrovia", "Pacific/Kiritimati", "Nowhere", ""};
static const char *const words[] = {"minute", "hour", "day", "week", "month", "year", "all",
                                    "sunday", "saturday", "users", "json", "csv", "redis",
                                    "keyed", "x", "", "\xff\xfe", "a\"b\\"};

static struct api_kit kit;
static uint64_t at_random = 77;

static const char *one_of(const char *const *list, size_t count)
{
    return list[random_below(&at_random, count)];
}
#define ONE_OF(list) one_of(list, sizeof(list) / sizeof(list[0]))

/* A word that may be right for the parameter, most of the time. */
static const char *word_for(const char *name)
{
    if (random_below(&at_random, 12) == 0)
        return ONE_OF(words);
    switch (name[0]) {
    case 'f':
        return name[1] == 'r' ? ONE_OF(times) : one_of(&words[10], 2);
    case 't':
        return name[1] == 'o' ? ONE_OF(times) : ONE_OF(zones);
    case 'd':
    case 'c':
        return ONE_OF(times);
    case 'b':
        return one_of(words, 7);
    case 'w':
        return one_of(&words[7], 2);
    case 's':
        return "users";
    default:
        return one_of(&words[12], 2);
    }
}

static void make_target(char *target, size_t room)
{
    size_t size = (size_t)snprintf(target, room, "/api/v1/%s", ONE_OF(paths));
    char between = '?';

    if (strstr(target, "retention")) {
        size += (size_t)snprintf(target + size, room - size, "?cohort=%s", ONE_OF(times));
        between = '&';
    }
    for (uint64_t i = random_below(&at_random, 5); i > 0; i--) {
        const char *name = one_of(names, random_below(&at_random, 8) ? 8 : 11);

        size += (size_t)snprintf(target + size, room - size, "%c%s=%s", between, name,
                                 word_for(name));
        between = '&';
    }
}

static void fill(struct store *store)
{
    for (int hour = 0; hour < HOURS; hour++)
        api_kit_range(&kit, store, "users", START_S + hour * 3600, hour, hour + 30);
    /* What a damaged clock writes. */
    api_kit_range(&kit, store, "users", 0, 0, 3);
    api_kit_range(&kit, store, "users", LIMIT_TIME_S - 59, 0, 3);
    api_kit_checkpoint(&kit, store, "users", START_S + HOURS * 3600);
}

static bool is_json(const struct text *body)
{
    struct json_shape shape;

    return json_check(body->bytes, body->size, &shape) == JSON_OK;
}

START_TEST(every_request_is_answered)
{
    unsigned answered = 0, rows = 0;
    char target[512];

    for (int i = 0; i < REQUESTS; i++) {
        struct text *body = &kit.response.body;
        int status;

        kit.now_ms = (START_S + (int64_t)random_below(&at_random, 400) * 3600) * 1000;
        make_target(target, sizeof target);
        status = api_kit_get(&kit, target);
        ck_assert_msg(status == 200 || status == 400 || status == 404 || status == 422, "%s: %d",
                      target, status);
        answered += status == 200;
        rows += status == 200 && strstr(body->bytes, "additive\":false") != NULL;
        if (status != 200)
            ck_assert_msg(strstr(body->bytes, "\"parameter\":\"") != NULL, "%s: %s", target,
                          body->bytes);
        if (strcmp(kit.response.type, "text/csv; charset=utf-8") != 0)
            ck_assert_msg(is_json(body), "%s: %s", target, body->bytes);
    }
    ck_assert_uint_gt(answered, REQUESTS / 5);
    ck_assert_uint_gt(rows, REQUESTS / 10);
}
END_TEST

static void make(void)
{
    struct store *store;

    kit_make(&kit.kit);
    store = kit_open(&kit.kit);
    fill(store);
    ck_assert_msg(store_flush(store), "%s", store_error(store));
    store_close(&store);
    api_kit_start(&kit);
}

static void unmake(void)
{
    api_kit_stop(&kit);
    kit_remove(&kit.kit);
}

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, make, unmake);
    tcase_add_test(tests, every_request_is_answered);
}
