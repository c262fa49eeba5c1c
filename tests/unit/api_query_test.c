/* Goal: what an address asks for is what is understood, and whatever is not understood
 * is refused by name: unknown and repeated parameters, empty ones, words that are nothing,
 * ranges without time in them. */
#include <string.h>

#include "api_query.h"
#include "check_main.h"
#include "limits.h"

#define NOW_S INT64_C(1478000040)

static const struct api_rules all = {
    .parameters = API_FROM | API_TO | API_BY | API_TZ | API_WEEK_START | API_STREAM | API_PROFILE |
                  API_FORMAT | API_DAY | API_COHORT,
    .grains = API_GRAIN(CALENDAR_HOUR) | API_GRAIN(CALENDAR_DAY) | API_GRAIN(CALENDAR_ALL),
    .by = CALENDAR_DAY};

static struct api_query query;
static struct api_problem problem;

static bool parse(const struct api_rules *rules, const struct http_field *fields, size_t count)
{
    const struct http_request request = {.path = "/", .query = fields, .query_count = count};

    problem = (struct api_problem){.status = 0};
    return api_query_parse(&request, rules, NOW_S, &query, &problem);
}

static bool parse_one(const char *name, const char *value)
{
    return parse(&all, &(struct http_field){name, value}, 1);
}

static void refused(const char *name)
{
    ck_assert_int_eq(problem.status, 400);
    ck_assert_str_eq(problem.parameter, name);
    ck_assert_int_gt((int)strlen(problem.detail), 10);
}

START_TEST(nothing_is_the_defaults)
{
    ck_assert(parse(&all, NULL, 0));
    ck_assert_uint_eq(query.given, 0);
    ck_assert_int_eq(query.to_s, NOW_S);
    ck_assert_int_eq(query.day_s, NOW_S - 60);
    ck_assert_int_eq(query.by, CALENDAR_DAY);
    ck_assert_str_eq(query.zone, "UTC");
    ck_assert_ptr_null(query.stream);
    ck_assert_int_eq((int)query.profile, 0);
    ck_assert(!query.csv);
}
END_TEST

START_TEST(everything_is_taken)
{
    const struct http_field fields[] = {
        {"from", "1477000000"}, {"to", "2016-10-31T00:00:00Z"}, {"by", "hour"},
        {"tz", "Asia/Kathmandu"}, {"week_start", "saturday"}, {"stream", "users"},
        {"profile", "trino"}, {"format", "csv"}, {"day", "-1d"}, {"cohort", "0"}};

    ck_assert(parse(&all, fields, 10));
    ck_assert_uint_eq(query.given, all.parameters);
    ck_assert_int_eq(query.from_s, 1477000000);
    ck_assert_int_eq(query.to_s, 1477872000);
    ck_assert_int_eq(query.by, CALENDAR_HOUR);
    ck_assert_str_eq(query.zone, "Asia/Kathmandu");
    ck_assert_int_eq(query.week_start, CALENDAR_SATURDAY);
    ck_assert_str_eq(query.stream, "users");
    ck_assert_int_eq((int)query.profile, HC_PROFILE_TRINO);
    ck_assert(query.csv);
    ck_assert_int_eq(query.day_s, NOW_S - 60 - 86400);
    ck_assert_int_eq(query.cohort_s, 0);
    for (size_t i = 0; i < 10; i++) {
        struct http_field twice[] = {fields[i], fields[(i + 1) % 10], fields[i]};
        struct http_field empty = {fields[i].name, ""};
        struct api_rules others = all;

        ck_assert(!parse(&all, twice, 3));
        refused(fields[i].name);
        ck_assert(!parse(&all, &empty, 1));
        refused(fields[i].name);
        others.parameters &= ~(1u << i);
        ck_assert(!parse(&others, &fields[i], 1));
        others = all;
        others.required = 1u << i;
        ck_assert(!parse(&others, &fields[(i + 1) % 10], 1) && problem.parameter);
    }
}
END_TEST

static const struct {
    const char *word;
    int64_t time_s;
} times[] = {{"0", 0},
             {"253402300799", LIMIT_TIME_S},
             {"now", NOW_S},
             {"-0", NOW_S},
             {"-24h", NOW_S - 86400},
             {"now-7d", NOW_S - 7 * 86400},
             {"-90s", NOW_S - 90},
             {"-1500ms", NOW_S - 1},
             {"-90000d", 0},
             {"2016-10-31T00:00:00+02:00", 1477864800},
             {"2016-10-31T00:00:00 02:00", 1477864800}, /* a plus of the address */
             {"2016-10-31T00:00:00.999Z", 1477872000}};

START_TEST(times_are_read)
{
    ck_assert(parse_one("to", times[_i].word));
    ck_assert_int_eq(query.to_s, times[_i].time_s);
    ck_assert(query.from_relative);
    if (times[_i].time_s < NOW_S) {
        ck_assert(parse_one("from", times[_i].word));
        ck_assert(query.from_relative == (times[_i].word[0] == '-' || times[_i].word[0] == 'n'));
        ck_assert(query.to_relative);
        ck_assert(parse_one("to", times[_i].word));
        ck_assert(query.to_relative == (times[_i].word[0] == '-' || times[_i].word[0] == 'n'));
    }
}
END_TEST

static const struct http_field nothings[] = {
    {"from", "yesterday"}, {"from", "24h"}, {"from", "-24"}, {"from", "now-"}, {"from", "now+1h"},
    {"from", "--1h"}, {"from", "1e3"}, {"from", "-9223372036854775807d"}, {"to", "253402300800"},
    {"to", "2016-10-31"}, {"to", "2016-10-31T00:00:00"}, {"to", " 1"}, {"to", "1 "},
    {"to", "nowhere"}, {"day", "2016-13-31T00:00:00Z"}, {"cohort", "-"},
    {"day", "000000000000000000000000000000000000000000000000000000000000000000001"},
    {"by", "minute"}, {"by", "Hour"}, {"by", "fortnight"}, {"week_start", "tuesday"},
    {"profile", "REDIS"}, {"format", "xml"}, {"tz ", "UTC"}, {"limit", "3"}, {"", "x"},
    {"from", "1478000040"}, {"from", "1479000000"}, {"from", "now"}};

START_TEST(what_is_nothing_is_refused)
{
    ck_assert(!parse_one(nothings[_i].name, nothings[_i].value));
    refused(nothings[_i].name);
}
END_TEST

START_TEST(grains_are_named)
{
    ck_assert(!parse_one("by", "x"));
    ck_assert_str_eq(problem.detail, "by is hour, day or all");
}
END_TEST

/* Longer than what is said of it. */
START_TEST(long_words_are_cut)
{
    static char word[100000];

    memset(word, 'a', sizeof word - 1);
    ck_assert(!parse_one("from", word));
    refused("from");
    ck_assert(parse_one("stream", word));
    ck_assert(!parse_one(word, "1"));
    ck_assert_int_eq(problem.status, 400);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_test(tests, nothing_is_the_defaults);
    tcase_add_test(tests, everything_is_taken);
    tcase_add_loop_test(tests, times_are_read, 0, sizeof(times) / sizeof(times[0]));
    tcase_add_loop_test(tests, what_is_nothing_is_refused, 0,
                        sizeof(nothings) / sizeof(nothings[0]));
    tcase_add_test(tests, grains_are_named);
    tcase_add_test(tests, long_words_are_cut);
}
