/* Goal: which rows there are, which are zeros, which are complete, and what is
 * refused.
 *
 * Each case adds a few records by hand and compares all rows, as text, with
 * what they have to be. Times are minutes after 2016-07-11T13:39:00Z. */
#include "rollup.h"

#include <string.h>

#include "check_main.h"
#include "limits.h"

#define BASE_S INT64_C(1468244340)

struct fixture {
    struct calendar *calendar;
    struct rollup *rollup;
    uint64_t sequence;
    struct text rows;
};

static struct fixture fixture_of(enum calendar_grain grain, const char *zone,
                                 struct rollup_options options)
{
    struct calendar_options calendar = {.grain = grain, .zone = zone};
    struct fixture fixture = {0};
    char error[200];

    fixture.calendar = calendar_create(&calendar, error, sizeof error);
    ck_assert_msg(fixture.calendar != NULL, "%s", error);
    options.calendar = fixture.calendar;
    if (!options.to_given)
        options.to_s = LIMIT_TIME_S + 1;
    fixture.rollup = rollup_create(&options);
    ck_assert_ptr_nonnull(fixture.rollup);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    text_free(&fixture->rows);
    rollup_destroy(&fixture->rollup);
    calendar_destroy(&fixture->calendar);
}

static struct record sketch_record(struct fixture *fixture, int64_t minute,
                                   const struct hc_sketch *sketch)
{
    return (struct record){.kind = RECORD_SKETCH,
                           .sketch = {.stream = "users",
                                      .minute_s = BASE_S + minute * 60,
                                      .group = "{}",
                                      .state = RECORD_CLOSED,
                                      .whole = true,
                                      .frames = 9,
                                      .instance = "host/0/0",
                                      .epoch_ms = 1,
                                      .sequence = ++fixture->sequence,
                                      .fields = "5d0c",
                                      .sketch = sketch}};
}

static struct hc_sketch *sketch_of(int users)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (int i = 0; i < users; i++)
        ck_assert_int_eq(hc_sketch_add(sketch, &i, sizeof i, NULL), HC_OK);
    return sketch;
}

/* Adds users 0 to users - 1 to a minute; `change` may be NULL. */
static enum rollup_result add(struct fixture *fixture, int64_t minute, int users,
                              void (*change)(struct record_sketch *))
{
    struct hc_sketch *sketch = sketch_of(users);
    struct record record = sketch_record(fixture, minute, sketch);
    enum rollup_result result;

    if (change)
        change(&record.sketch);
    result = rollup_add(fixture->rollup, &record);
    hc_sketch_destroy(&sketch);
    return result;
}

static void make_late(struct record_sketch *record) { record->state = RECORD_LATE; }
static void make_open(struct record_sketch *record) { record->state = RECORD_OPEN; }
static void make_grouped(struct record_sketch *record) { record->group = "{\"city\":\"Bern\"}"; }
static void make_other(struct record_sketch *record) { record->stream = "other"; }
static void make_refused(struct record_sketch *record) { record->fields = "beef"; }

/* A checkpoint over everything so far, with the clock at the end of minute
 * `clock` - 1; it needs `lacking` sequences more than there are. */
static void check(struct fixture *fixture, int64_t clock, uint64_t lacking)
{
    struct record_partition partition = {.from = 0, .to = 100,
                                         .watermark_s = BASE_S + clock * 60};
    struct record record = {.kind = RECORD_CHECKPOINT,
                            .checkpoint = {.stream = "users",
                                           .instance = "host/0/0",
                                           .epoch_ms = 1,
                                           .number = 1,
                                           .cluster = "c",
                                           .topic = "users",
                                           .partitions_total = 1,
                                           .input_group = "g",
                                           .sequence_first = 1,
                                           .sequence_last = fixture->sequence + lacking,
                                           .partitions = &partition,
                                           .partitions_count = 1}};

    ck_assert_int_eq(rollup_add(fixture->rollup, &record), ROLLUP_TAKEN);
}

/* "start end uniques minutes state group", a line a row; the group only if it
 * is not the total. */
static void print_rows(struct fixture *fixture)
{
    struct rollup_row row;
    int more;

    text_clear(&fixture->rows);
    rollup_rewind(fixture->rollup);
    while ((more = rollup_next(fixture->rollup, &row)) > 0) {
        ck_assert_int_eq((row.start_s - BASE_S) % 60, 0);
        text_format(&fixture->rows, "%lld %lld %.0f %llu %s%s\n",
                    (long long)(row.start_s - BASE_S) / 60, (long long)(row.end_s - BASE_S) / 60,
                    row.estimate.value, (unsigned long long)row.minutes,
                    rollup_state_name(row.state),
                    strcmp(row.group, "{}") == 0 ? "" : row.group);
        ck_assert(row.sketch || (row.estimate.high == 0 && strcmp(row.group, "{}") == 0));
    }
    ck_assert_int_eq(more, 0);
}

static void expect(struct fixture *fixture, const char *rows)
{
    ck_assert_msg(rollup_finish(fixture->rollup), "%s", rollup_error(fixture->rollup));
    print_rows(fixture);
    ck_assert_str_eq(fixture->rows.bytes ? fixture->rows.bytes : "", rows);
    print_rows(fixture);
    ck_assert_str_eq(fixture->rows.bytes ? fixture->rows.bytes : "", rows);
    fixture_free(fixture);
}

START_TEST(nothing_gives_nothing)
{
    struct fixture f = fixture_of(CALENDAR_DAY, NULL, (struct rollup_options){0});

    expect(&f, "");
}
END_TEST

START_TEST(zeros_between_users)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});

    add(&f, 3, 7, NULL);
    add(&f, 0, 5, NULL);
    add(&f, 1, 6, NULL);
    check(&f, 5, 0);
    expect(&f, "0 1 5 1 complete\n1 2 6 1 complete\n2 3 0 1 complete\n3 4 7 1 complete\n"
               "4 5 0 1 complete\n");
}
END_TEST

/* What no checkpoint covers is missing, not zero. */
START_TEST(no_zeros_without_coverage)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});

    add(&f, 0, 5, NULL);
    add(&f, 3, 7, NULL);
    expect(&f, "0 1 5 1 partial\n3 4 7 1 partial\n");
}
END_TEST

START_TEST(checkpoint_that_does_not_count)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});

    add(&f, 0, 5, NULL);
    add(&f, 3, 7, NULL);
    check(&f, 5, 1);
    expect(&f, "0 1 5 1 partial\n3 4 7 1 partial\n");
}
END_TEST

/* A damaged time long ago was counted late: no zeros from there on. One ahead
 * of the clock is a running minute. */
START_TEST(strays)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});

    add(&f, 0, 5, make_open);
    add(&f, 0, 8, make_late);
    add(&f, -17895697, 1, make_late);
    add(&f, 2, 3, NULL);
    add(&f, 1000000, 2, make_open);
    check(&f, 3, 0);
    expect(&f, "-17895697 -17895696 1 1 complete\n0 1 8 1 complete\n1 2 0 1 complete\n"
               "2 3 3 1 complete\n1000000 1000001 2 1 running\n");
}
END_TEST

/* Two years of silence are no million rows, unless they are asked for. */
START_TEST(long_silence)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});
    struct rollup_left_out left_out;
    struct rollup_row row;
    int64_t zeros = 0;

    add(&f, 0, 5, NULL);
    add(&f, 2, 5, NULL);
    add(&f, 1000000, 6, NULL);
    check(&f, 1000002, 0);
    ck_assert(rollup_finish(f.rollup));
    print_rows(&f);
    ck_assert_str_eq(f.rows.bytes, "0 1 5 1 complete\n1 2 0 1 complete\n2 3 5 1 complete\n"
                                   "1000000 1000001 6 1 complete\n1000001 1000002 0 1 complete\n");
    left_out = rollup_left_out(f.rollup);
    ck_assert_uint_eq(left_out.runs, 1);
    ck_assert_int_eq(left_out.start_s, BASE_S + 3 * 60);
    ck_assert_int_eq(left_out.end_s, BASE_S + 1000000 * 60);
    fixture_free(&f);

    f = fixture_of(CALENDAR_MINUTE, NULL,
                   (struct rollup_options){.from_given = true, .from_s = BASE_S});
    add(&f, 0, 5, NULL);
    add(&f, 1000000, 6, NULL);
    check(&f, 1000002, 0);
    ck_assert(rollup_finish(f.rollup));
    while (rollup_next(f.rollup, &row) > 0)
        zeros += row.estimate.value == 0;
    ck_assert_int_eq(zeros, 999999 + 1);
    ck_assert_uint_eq(rollup_left_out(f.rollup).runs, 0);
    fixture_free(&f);
}
END_TEST

/* The longest run that is shown, and one more. */
START_TEST(longest_silence)
{
    for (int64_t silence = LIMIT_ZERO_ROWS - 1; silence <= LIMIT_ZERO_ROWS + 1; silence++) {
        struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});
        int64_t rows = 0, shown = silence <= LIMIT_ZERO_ROWS ? silence : 0;
        struct rollup_row row;

        add(&f, 0, 5, NULL);
        add(&f, silence + 1, 6, NULL);
        check(&f, silence + 2, 0);
        ck_assert(rollup_finish(f.rollup));
        while (rollup_next(f.rollup, &row) > 0)
            rows++;
        ck_assert_int_eq(rows, shown + 2);
        fixture_free(&f);
    }
}
END_TEST

/* 13:39 on: the hour's first 39 minutes were not seen. */
START_TEST(hour_that_began_before)
{
    struct fixture f = fixture_of(CALENDAR_HOUR, NULL, (struct rollup_options){0});

    add(&f, 0, 5, NULL);
    add(&f, 10, 9, NULL);
    check(&f, 30, 0);
    expect(&f, "-39 21 9 21 partial\n21 81 0 9 running\n");
}
END_TEST

START_TEST(hour_that_is_complete)
{
    struct fixture f = fixture_of(CALENDAR_HOUR, NULL, (struct rollup_options){0});

    add(&f, -39, 5, NULL);
    add(&f, 10, 9, NULL);
    check(&f, 21, 0);
    expect(&f, "-39 21 9 60 complete\n");
}
END_TEST

START_TEST(hour_under_way)
{
    struct fixture f = fixture_of(CALENDAR_HOUR, NULL, (struct rollup_options){0});

    add(&f, -39, 5, NULL);
    check(&f, 20, 0);
    expect(&f, "-39 21 5 59 running\n");
}
END_TEST

/* Half an hour's change at Lord Howe: a row of 30 minutes is complete. The
 * first is 2016-04-02T15:00Z. */
START_TEST(half_hour)
{
    int64_t first = (INT64_C(1459609200) - BASE_S) / 60;
    struct fixture f =
        fixture_of(CALENDAR_HOUR, "Australia/Lord_Howe", (struct rollup_options){0});

    add(&f, first, 5, NULL);
    check(&f, first + 31, 0);
    expect(&f, "-143919 -143889 5 30 complete\n-143889 -143829 0 1 running\n");
}
END_TEST

START_TEST(empty_day)
{
    struct fixture f = fixture_of(CALENDAR_DAY, NULL, (struct rollup_options){0});

    add(&f, -819, 5, NULL); /* midnight */
    add(&f, -819 + 3 * 1440 - 1, 6, NULL);
    check(&f, -819 + 3 * 1440, 0);
    expect(&f, "-819 621 5 1440 complete\n621 2061 0 1440 complete\n"
               "2061 3501 6 1440 complete\n");
}
END_TEST

START_TEST(all_of_it)
{
    struct fixture f = fixture_of(CALENDAR_ALL, NULL, (struct rollup_options){0});

    add(&f, 3, 5, NULL);
    add(&f, 9, 6, NULL);
    check(&f, 12, 0);
    expect(&f, "3 12 6 9 complete\n");

    f = fixture_of(CALENDAR_ALL, NULL, (struct rollup_options){0});
    add(&f, 3, 5, NULL);
    add(&f, 9, 6, NULL);
    expect(&f, "3 10 6 2 partial\n");
}
END_TEST

static const struct rollup_options cut = {
    .from_s = BASE_S + 60, .to_s = BASE_S + 180, .from_given = true, .to_given = true};

START_TEST(cut_minutes)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, cut);

    for (int i = 0; i < 5; i += 2)
        add(&f, i, i + 1, NULL);
    check(&f, 5, 0);
    expect(&f, "1 2 0 1 complete\n2 3 3 1 complete\n");

    f = fixture_of(CALENDAR_HOUR, NULL, cut);
    for (int i = 0; i < 5; i++)
        add(&f, i, i + 1, NULL);
    check(&f, 60, 0);
    expect(&f, "-39 21 3 2 partial\n");

    f = fixture_of(CALENDAR_ALL, NULL, cut);
    for (int i = 0; i < 5; i++)
        add(&f, i, i + 1, NULL);
    check(&f, 60, 0);
    expect(&f, "1 3 3 2 complete\n");
}
END_TEST

/* A minute that began before --from is not in, however little of it is out. */
START_TEST(cut_within_a_minute)
{
    struct rollup_options options = {.from_s = BASE_S + 1, .to_s = BASE_S + 61,
                                     .from_given = true, .to_given = true};
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, options);

    for (int i = 0; i < 3; i++)
        add(&f, i, i + 1, NULL);
    check(&f, 3, 0);
    expect(&f, "1 2 2 1 complete\n");
}
END_TEST

START_TEST(groups_are_rows)
{
    struct fixture f = fixture_of(CALENDAR_HOUR, NULL, (struct rollup_options){0});

    add(&f, -39, 5, NULL);
    add(&f, -38, 3, make_grouped);
    add(&f, 30, 3, make_grouped);
    check(&f, 81, 0);
    expect(&f, "-39 21 5 60 complete\n-39 21 3 60 complete{\"city\":\"Bern\"}\n"
               "21 81 3 60 complete{\"city\":\"Bern\"}\n");
}
END_TEST

/* Another field is another count: refused, named, and not covered. */
START_TEST(other_fields)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});

    ck_assert_int_eq(add(&f, 0, 5, NULL), ROLLUP_TAKEN);
    ck_assert_int_eq(add(&f, 0, 9, make_refused), ROLLUP_REFUSED);
    ck_assert_ptr_nonnull(strstr(rollup_error(f.rollup), "5d0c"));
    ck_assert_ptr_nonnull(strstr(rollup_error(f.rollup), "beef"));
    check(&f, 2, 0);
    expect(&f, "0 1 5 1 partial\n");
}
END_TEST

START_TEST(other_streams)
{
    struct fixture f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){0});
    const char *const *names;

    ck_assert_int_eq(add(&f, 0, 5, NULL), ROLLUP_TAKEN);
    ck_assert_int_eq(add(&f, 0, 9, make_other), ROLLUP_OTHER_STREAM);
    ck_assert_uint_eq(rollup_streams(f.rollup, &names), 2);
    ck_assert_str_eq(names[0], "users");
    ck_assert_str_eq(names[1], "other");
    expect(&f, "0 1 5 1 partial\n");

    f = fixture_of(CALENDAR_MINUTE, NULL, (struct rollup_options){.stream = "other"});
    ck_assert_int_eq(add(&f, 0, 5, NULL), ROLLUP_OTHER_STREAM);
    ck_assert_int_eq(add(&f, 0, 9, make_other), ROLLUP_TAKEN);
    expect(&f, "0 1 9 1 partial\n");
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, nothing_gives_nothing);
    tcase_add_test(tcase, zeros_between_users);
    tcase_add_test(tcase, no_zeros_without_coverage);
    tcase_add_test(tcase, checkpoint_that_does_not_count);
    tcase_add_test(tcase, strays);
    tcase_add_test(tcase, long_silence);
    tcase_add_test(tcase, longest_silence);
    tcase_add_test(tcase, hour_that_began_before);
    tcase_add_test(tcase, hour_that_is_complete);
    tcase_add_test(tcase, hour_under_way);
    tcase_add_test(tcase, half_hour);
    tcase_add_test(tcase, empty_day);
    tcase_add_test(tcase, all_of_it);
    tcase_add_test(tcase, cut_minutes);
    tcase_add_test(tcase, cut_within_a_minute);
    tcase_add_test(tcase, groups_are_rows);
    tcase_add_test(tcase, other_fields);
    tcase_add_test(tcase, other_streams);
}
