/* Goal: which profile rows are of, and that nobody who was counted in another
 * one is passed over in silence.
 *
 * Records of a few profiles by hand, in every order; rows as text. Times are
 * minutes after 2016-07-11T13:39:00Z. */
#include <string.h>

#include "check_main.h"
#include "limits.h"
#include "rollup_history.h"

#define BASE_S INT64_C(1468244340)
#define RECORDS_MAX 8

static const uint8_t keys[2][HC_KEY_SIZE] = {{1}, {2}};

struct given {
    enum hc_profile profile;
    int64_t minute;
    int users;
    const char *instance;
    const char *fields;
    int key;
};

static struct calendar *calendar;
static struct rollup *rollup;
static struct text rows;

static void set_up(void)
{
    calendar = history_calendar(CALENDAR_MINUTE, NULL);
}

static void tear_down(void)
{
    text_free(&rows);
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
}

static void begin(enum hc_profile profile, bool archive)
{
    struct rollup_options options = {.calendar = calendar,
                                     .profile = profile,
                                     .to_s = LIMIT_TIME_S + 1,
                                     .archive = archive};

    rollup_destroy(&rollup);
    rollup = rollup_create(&options);
    ck_assert_ptr_nonnull(rollup);
}

static enum rollup_result add(const struct given *given, uint64_t sequence)
{
    struct hc_sketch_options options = {.profile = given->profile, .precision = 14};
    struct hc_sketch *sketch = NULL;
    struct record record = {.kind = RECORD_SKETCH};

    if (given->profile == HC_PROFILE_KEYED)
        options.key = keys[given->key];
    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (int i = 0; i < given->users; i++)
        ck_assert_int_eq(hc_sketch_add(sketch, &i, sizeof i, NULL), HC_OK);
    record.sketch = (struct record_sketch){
        .stream = "users", .minute_s = BASE_S + given->minute * 60, .group = "{}",
        .state = RECORD_CLOSED, .whole = true, .frames = 9,
        .instance = given->instance ? given->instance : "host/0/0", .epoch_ms = 1,
        .sequence = sequence, .fields = given->fields ? given->fields : "5d0c",
        .estimate = hc_sketch_estimate(sketch), .sketch = sketch};
    enum rollup_result result = rollup_add(rollup, &record);
    hc_sketch_destroy(&sketch);
    return result;
}

/* A checkpoint of `instance` over its sequences up to `last`, with the clock at
 * the end of minute 4. */
static void check(const char *instance, uint64_t last, int32_t partition)
{
    struct record_partition read = {.partition = partition, .to = 100,
                                    .watermark_s = BASE_S + 5 * 60};
    struct record record = {.kind = RECORD_CHECKPOINT,
                            .checkpoint = {.stream = "users", .instance = instance,
                                           .epoch_ms = 1, .number = 1, .cluster = "c",
                                           .topic = "users", .partitions_total = 2,
                                           .input_group = "g", .sequence_first = 1,
                                           .sequence_last = last, .partitions = &read,
                                           .partitions_count = 1}};

    ck_assert_int_eq(rollup_add(rollup, &record), ROLLUP_TAKEN);
}

/* "minute users state", a line a row. */
static void expect_rows(const char *expected)
{
    struct rollup_row row;
    int more;

    ck_assert_msg(rollup_finish(rollup), "%s", rollup_error(rollup));
    text_clear(&rows);
    while ((more = rollup_next(rollup, &row)) > 0) {
        text_format(&rows, "%d %.0f %s\n", (int)(row.start_s - BASE_S) / 60, row.estimate.value,
                    rollup_state_name(row.state));
        ck_assert(!row.sketch || hc_sketch_profile(row.sketch) == rollup_profile(rollup));
    }
    ck_assert_int_eq(more, 0);
    ck_assert_str_eq(rows.bytes ? rows.bytes : "", expected);
}

/* Adds in an order that `order` stands for: 0 to the faculty of count - 1. */
static void add_in_order(const struct given *given, size_t count, unsigned order)
{
    size_t left[RECORDS_MAX];

    for (size_t i = 0; i < count; i++)
        left[i] = i;
    for (size_t n = count; n > 0; n--) {
        size_t at = order % n, index = left[at];

        order /= (unsigned)n;
        memmove(left + at, left + at + 1, (n - at - 1) * sizeof *left);
        enum rollup_result result = add(&given[index], index + 1);
        ck_assert(result == ROLLUP_TAKEN || result == ROLLUP_OTHER_PROFILE);
    }
}

static const struct given two_runs[] = {
    {HC_PROFILE_KEYED, 1, 9, NULL, NULL, 0},     {HC_PROFILE_DATASKETCHES, 1, 8, NULL, NULL, 0},
    {HC_PROFILE_POSTGRES, 1, 7, NULL, NULL, 0},  {HC_PROFILE_DATASKETCHES, 3, 5, NULL, NULL, 0},
    {HC_PROFILE_KEYED, 3, 6, NULL, NULL, 0},     {HC_PROFILE_POSTGRES, 3, 4, NULL, NULL, 0}};

START_TEST(the_first_of_the_enum_is_taken_in_any_order)
{
    for (unsigned order = 0; order < 720; order++) {
        begin(0, false);
        add_in_order(two_runs, 6, order);
        ck_assert_int_eq(rollup_profile(rollup), HC_PROFILE_DATASKETCHES);
        ck_assert_uint_eq(rollup_profiles(rollup), 1u << HC_PROFILE_DATASKETCHES |
                                                       1u << HC_PROFILE_POSTGRES |
                                                       1u << HC_PROFILE_KEYED);
        check("host/0/0", 6, 0);
        check("host/1/0", 0, 1);
        expect_rows("1 8 complete\n2 0 complete\n3 5 complete\n4 0 complete\n");
        ck_assert_uint_eq(rollup_lacking(rollup), 0);
    }
}
END_TEST

START_TEST(the_one_asked_for_is_taken)
{
    static const struct {
        enum hc_profile profile;
        const char *rows;
    } asked[] = {{HC_PROFILE_KEYED, "1 9 partial\n3 6 partial\n"},
                 {HC_PROFILE_POSTGRES, "1 7 partial\n3 4 partial\n"},
                 {HC_PROFILE_REDIS, ""}};

    for (size_t i = 0; i < 3; i++) {
        begin(asked[i].profile, false);
        add_in_order(two_runs, 6, 99);
        expect_rows(asked[i].rows);
        ck_assert_int_eq(rollup_profile(rollup), asked[i].profile);
        ck_assert_uint_eq(rollup_lacking(rollup), asked[i].profile == HC_PROFILE_REDIS);
    }
}
END_TEST

/* A profile was added at minute 3: before, it is neither zero nor complete. */
START_TEST(minutes_of_other_profiles_are_no_zeros)
{
    static const struct given given[] = {{HC_PROFILE_REDIS, 1, 5, NULL, NULL, 0},
                                         {HC_PROFILE_REDIS, 3, 6, NULL, NULL, 0},
                                         {HC_PROFILE_TRINO, 3, 6, NULL, NULL, 0}};

    begin(HC_PROFILE_TRINO, false);
    add_in_order(given, 3, 0);
    check("host/0/0", 3, 0);
    check("host/1/0", 0, 1);
    expect_rows("2 0 complete\n3 6 complete\n4 0 complete\n");
}
END_TEST

/* Two runs share the partitions, each with a profile of its own: what they
 * count is in no row of the other's, and nothing of it is complete. */
START_TEST(runs_with_other_profiles_are_missed)
{
    static const struct given given[] = {{HC_PROFILE_REDIS, 1, 5, "a/0/0", NULL, 0},
                                         {HC_PROFILE_REDIS, 4, 6, "a/0/0", NULL, 0},
                                         {HC_PROFILE_TRINO, 1, 7, "b/0/0", NULL, 0},
                                         {HC_PROFILE_TRINO, 2, 8, "b/0/0", NULL, 0}};

    for (unsigned order = 0; order < 24; order++) {
        begin(0, false);
        add_in_order(given, 4, order);
        check("a/0/0", 2, 0);
        check("b/0/0", 0, 1);
        expect_rows("1 5 partial\n3 0 complete\n4 6 complete\n");
        ck_assert_uint_eq(rollup_lacking(rollup), 1);
        ck_assert(!rollup_archive_covers(rollup));
    }
}
END_TEST

START_TEST(keys_do_not_meet)
{
    static const struct given given[] = {{HC_PROFILE_KEYED, 1, 5, NULL, NULL, 0},
                                         {HC_PROFILE_KEYED, 1, 6, NULL, NULL, 1},
                                         {HC_PROFILE_KEYED, 2, 7, NULL, NULL, 1},
                                         {HC_PROFILE_KEYED, 3, 8, NULL, NULL, 0}};
    char id[2][20];

    for (int i = 0; i < 2; i++)
        snprintf(id[i], sizeof id[i], "%016llx", (unsigned long long)hc_key_id(keys[i]));
    for (int archive = 0; archive < 2; archive++) {
        begin(0, archive);
        for (int i = 0; i < 4; i++) {
            bool fits = given[i].key == 0;
            enum rollup_result result = add(&given[i], (uint64_t)i + 1);

            ck_assert_int_eq(result, fits ? ROLLUP_TAKEN : ROLLUP_REFUSED);
            if (fits)
                continue;
            ck_assert_ptr_nonnull(strstr(rollup_error(rollup), "keyed"));
            ck_assert_ptr_nonnull(strstr(rollup_error(rollup), id[0]));
            ck_assert_ptr_nonnull(strstr(rollup_error(rollup), id[1]));
        }
    }
}
END_TEST

/* Whose fields are not known fits all; the first that are known rule. */
START_TEST(unknown_fields_fit)
{
    static const struct given given[] = {{HC_PROFILE_REDIS, 1, 5, "import/0/0", "", 0},
                                         {HC_PROFILE_REDIS, 1, 6, NULL, "beef", 0},
                                         {HC_PROFILE_REDIS, 1, 7, "import/0/0", "", 0},
                                         {HC_PROFILE_REDIS, 1, 8, NULL, "f00d", 0}};

    begin(0, false);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(add(&given[i], (uint64_t)i + 1), ROLLUP_TAKEN);
    ck_assert_int_eq(add(&given[3], 4), ROLLUP_REFUSED);
    ck_assert_ptr_nonnull(strstr(rollup_error(rollup), "beef"));
    expect_rows("1 7 partial\n");
}
END_TEST

static struct history archive(enum hc_profile profile, const struct given *given, size_t count)
{
    struct history lines = {0};

    begin(profile, true);
    add_in_order(given, count, 0);
    check("host/0/0", count, 0);
    check("host/1/0", 0, 1);
    ck_assert(rollup_finish(rollup));
    ck_assert_msg(rollup_archive(rollup, history_add_archived, &lines), "%s",
                  rollup_error(rollup));
    return lines;
}

static void feed_archive(const struct history *lines, enum hc_profile profile, bool again)
{
    begin(profile, again);
    ck_assert_uint_eq(history_feed(lines, rollup), 0);
}

START_TEST(an_archive_keeps_all_profiles)
{
    struct history lines = archive(0, two_runs, 6), again = {0};

    ck_assert_uint_eq(lines.count, 7);
    feed_archive(&lines, 0, false);
    expect_rows("1 8 complete\n2 0 complete\n3 5 complete\n4 0 complete\n");
    feed_archive(&lines, HC_PROFILE_KEYED, false);
    expect_rows("1 9 complete\n2 0 complete\n3 6 complete\n4 0 complete\n");
    feed_archive(&lines, 0, true);
    ck_assert(rollup_finish(rollup));
    ck_assert(rollup_archive(rollup, history_add_archived, &again));
    ck_assert_uint_eq(again.count, lines.count);
    for (size_t i = 0; i < lines.count; i++)
        ck_assert_str_eq(again.lines[i].bytes, lines.lines[i].bytes);
    history_free(&again);
    history_free(&lines);
}
END_TEST

START_TEST(an_archive_of_one_profile_is_a_whole_one)
{
    struct history lines = archive(HC_PROFILE_POSTGRES, two_runs, 6);

    ck_assert_uint_eq(lines.count, 3);
    feed_archive(&lines, 0, false);
    expect_rows("1 7 complete\n2 0 complete\n3 4 complete\n4 0 complete\n");
    history_free(&lines);
}
END_TEST

/* Minute 1 is there in redis only: in an archive of trino it would be a zero. */
START_TEST(an_archive_covers_what_it_can_say)
{
    static const struct given given[] = {{HC_PROFILE_REDIS, 1, 5, NULL, NULL, 0},
                                         {HC_PROFILE_REDIS, 3, 6, NULL, NULL, 0},
                                         {HC_PROFILE_TRINO, 3, 6, NULL, NULL, 0}};
    struct history trino = archive(HC_PROFILE_TRINO, given, 3);
    struct history all = archive(0, given, 3);

    ck_assert_uint_eq(trino.count, 1);
    feed_archive(&trino, 0, false);
    expect_rows("3 6 partial\n");
    ck_assert_uint_eq(all.count, 4);
    feed_archive(&all, HC_PROFILE_TRINO, false);
    expect_rows("2 0 complete\n3 6 complete\n4 0 complete\n");
    history_free(&trino);
    history_free(&all);
}
END_TEST

/* Minute 1 was counted by two runs, each in its own profile: who reads it in an
 * archive can't know that somebody is missed. Minutes of their own are no harm. */
START_TEST(an_archive_covers_no_minute_that_misses_somebody)
{
    struct given given[] = {{HC_PROFILE_REDIS, 1, 5, "a/0/0", NULL, 0},
                            {HC_PROFILE_TRINO, 1, 6, "b/0/0", NULL, 0}};

    for (int apart = 0; apart < 2; apart++) {
        given[1].minute += apart;
        begin(0, true);
        add_in_order(given, 2, 0);
        check("a/0/0", 1, 0);
        check("b/0/0", 0, 1);
        ck_assert(rollup_finish(rollup));
        ck_assert_int_eq(rollup_archive_covers(rollup), apart);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_first_of_the_enum_is_taken_in_any_order);
    tcase_add_test(tcase, the_one_asked_for_is_taken);
    tcase_add_test(tcase, minutes_of_other_profiles_are_no_zeros);
    tcase_add_test(tcase, runs_with_other_profiles_are_missed);
    tcase_add_test(tcase, keys_do_not_meet);
    tcase_add_test(tcase, unknown_fields_fit);
    tcase_add_test(tcase, an_archive_keeps_all_profiles);
    tcase_add_test(tcase, an_archive_of_one_profile_is_a_whole_one);
    tcase_add_test(tcase, an_archive_covers_what_it_can_say);
    tcase_add_test(tcase, an_archive_covers_no_minute_that_misses_somebody);
}
