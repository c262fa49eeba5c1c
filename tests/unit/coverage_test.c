/* Goal: each thing that can be wrong with a dump of records is found, and named
 * as what it is; what is ordinary (duplicates, replays, other orders, retries)
 * is not taken for wrong. */
#include "coverage.h"

#include <string.h>

#include "check_main.h"

#define MINUTE INT64_C(1468244340)

/* What a checkpoint of these tests says; zero where it does not matter. */
struct said {
    const char *instance; /* NULL: "a" */
    uint64_t number, first, last;
    int32_t partition;
    int64_t from, to;
    int64_t watermark_s; /* 0: none yet */
    const char *cluster, *topic, *group; /* NULL: "k", "t", "g" */
    int32_t total;       /* 0: 1 */
    bool end;
    int64_t time_ms;
};

static const char *or_else(const char *string, const char *otherwise)
{
    return string ? string : otherwise;
}

static void add_full(struct coverage *coverage, const struct said *said,
                     const struct record_range *missing, const uint64_t *replaced)
{
    struct record_partition partition = {
        .partition = said->partition, .from = said->from, .to = said->to, .missing = missing,
        .missing_count = missing ? 1 : 0, .end = said->end,
        .watermark_s = said->watermark_s ? said->watermark_s : INT64_MIN};
    struct record_checkpoint record = {
        .stream = "s", .instance = or_else(said->instance, "a"), .epoch_ms = 1,
        .number = said->number, .cluster = or_else(said->cluster, "k"),
        .topic = or_else(said->topic, "t"), .input_group = or_else(said->group, "g"),
        .partitions_total = said->total ? said->total : 1,
        .sequence_first = said->first ? said->first : 1, .sequence_last = said->last,
        .partitions = &partition, .partitions_count = 1, .frames = 10, .time_ms = said->time_ms,
        .replaced = replaced, .replaced_count = replaced ? 1 : 0};
    record.rejected[REJECT_NOT_JSON] = 2;
    ck_assert_int_eq(coverage_add_checkpoint(coverage, &record), HC_OK);
}

static void add(struct coverage *coverage, struct said said)
{
    add_full(coverage, &said, NULL, NULL);
}

static void read_state(struct coverage *coverage, const char *instance, uint64_t sequence,
                       int64_t minute_s, enum record_state state)
{
    struct record_sketch record = {.stream = "s", .minute_s = minute_s, .group = "{}",
                                   .instance = instance, .epoch_ms = 1, .sequence = sequence,
                                   .fields = "", .state = state};
    ck_assert_int_eq(coverage_add_sketch(coverage, &record), HC_OK);
}

static void read_sketches(struct coverage *coverage, const char *instance, uint64_t first,
                          uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++)
        read_state(coverage, instance, sequence, MINUTE, RECORD_OPEN);
}

static const struct coverage_source *judged(struct coverage *coverage)
{
    ck_assert_int_eq(coverage_judge(coverage), HC_OK);
    ck_assert_uint_eq(coverage_sources_count(coverage), 1);
    return coverage_source(coverage, 0);
}

static void expect_hole(const struct coverage_partition *partition, int64_t from, int64_t to)
{
    ck_assert_uint_eq(partition->holes_count, 1);
    ck_assert_int_eq(partition->holes[0].from, from);
    ck_assert_int_eq(partition->holes[0].to, to);
}

START_TEST(a_chain)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 6);
    add(c, (struct said){.number = 1, .first = 1, .last = 2, .from = 100, .to = 110});
    add(c, (struct said){.number = 2, .first = 3, .last = 6, .from = 110, .to = 130,
                         .watermark_s = MINUTE});
    const struct coverage_source *source = judged(c);
    ck_assert(source->whole);
    ck_assert_str_eq(source->stream, "s");
    ck_assert_str_eq(source->cluster, "k");
    ck_assert_str_eq(source->topic, "t");
    ck_assert_str_eq(source->input_group, "g");
    ck_assert_uint_eq(source->checkpoints, 2);
    ck_assert_uint_eq(source->repeated, 0);
    ck_assert_uint_eq(source->frames, 20);
    ck_assert_uint_eq(source->rejected[REJECT_NOT_JSON], 4);
    ck_assert_uint_eq(source->partitions_count, 1);
    const struct coverage_partition *partition = &source->partitions[0];
    ck_assert_int_eq(partition->first, 100);
    ck_assert_int_eq(partition->last, 130);
    ck_assert_uint_eq(partition->covered, 30);
    ck_assert_uint_eq(partition->again, 0);
    ck_assert_int_eq(partition->watermark_s, MINUTE);
    ck_assert_uint_eq(partition->spans_count, 1);
    ck_assert_uint_eq(coverage_loose_count(c), 0);
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_checkpoint_taken_out)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 6);
    add(c, (struct said){.number = 1, .first = 1, .last = 2, .from = 100, .to = 110});
    add(c, (struct said){.number = 3, .first = 5, .last = 6, .from = 130, .to = 150});
    const struct coverage_source *source = judged(c);
    ck_assert(!source->whole);
    expect_hole(&source->partitions[0], 110, 130);
    ck_assert_uint_eq(source->partitions[0].covered, 30);
    ck_assert_uint_eq(coverage_loose_count(c), 1);
    ck_assert(!coverage_loose(c, 0)->tail);
    ck_assert_uint_eq(coverage_loose(c, 0)->sequence, 3);
    ck_assert_uint_eq(coverage_loose(c, 0)->sequences, 2);
    coverage_destroy(&c);
}
END_TEST

/* The first is missed too: its sketches are there. */
START_TEST(the_first_checkpoint_taken_out)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 4);
    add(c, (struct said){.number = 2, .first = 3, .last = 4, .from = 110, .to = 130});
    ck_assert(judged(c)->whole);
    ck_assert_uint_eq(coverage_loose_count(c), 1);
    ck_assert(!coverage_loose(c, 0)->tail);
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_sketch_taken_out)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 3);
    read_sketches(c, "a", 6, 8);
    add(c, (struct said){.number = 1, .first = 1, .last = 2, .from = 100, .to = 110});
    add(c, (struct said){.number = 2, .first = 3, .last = 6, .from = 110, .to = 130});
    add(c, (struct said){.number = 3, .first = 7, .last = 8, .from = 130, .to = 140});
    const struct coverage_source *source = judged(c);
    ck_assert(!source->whole);
    expect_hole(&source->partitions[0], 110, 130);
    ck_assert_uint_eq(source->checkpoints, 2);
    ck_assert_uint_eq(source->frames, 20);
    ck_assert_uint_eq(source->unmet_count, 1);
    ck_assert_uint_eq(source->unmet[0].number, 2);
    ck_assert_uint_eq(source->unmet[0].sequence, 4);
    ck_assert_uint_eq(source->unmet[0].sequences, 2);
    ck_assert_str_eq(source->unmet[0].instance, "a");
    coverage_destroy(&c);
}
END_TEST

START_TEST(the_last_sketch_taken_out)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 2);
    add(c, (struct said){.number = 1, .last = 2, .from = 100, .to = 110});
    add(c, (struct said){.number = 2, .first = 3, .last = 3, .from = 110, .to = 130});
    expect_hole(&judged(c)->partitions[0], 110, 130);
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_sketch_replaced)
{
    static const uint64_t replaced = 2;
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 1);
    read_sketches(c, "a", 3, 3);
    struct said said = {.number = 1, .last = 3, .from = 100, .to = 110};
    add_full(c, &said, NULL, &replaced);
    ck_assert(judged(c)->whole);
    coverage_destroy(&c);
}
END_TEST

/* A broker writes records twice, a dump is read twice, checkpoints come first. */
START_TEST(duplicates_in_any_order)
{
    struct coverage *c = coverage_create();
    for (int round = 0; round < 3; round++) {
        add(c, (struct said){.number = 2, .first = 3, .last = 4, .from = 110, .to = 130});
        add(c, (struct said){.number = 1, .first = 1, .last = 2, .from = 100, .to = 110});
        read_sketches(c, "a", 3, 4);
        read_sketches(c, "a", 1, 2);
    }
    const struct coverage_source *source = judged(c);
    ck_assert(source->whole);
    ck_assert_uint_eq(source->checkpoints, 2);
    ck_assert_uint_eq(source->repeated, 4);
    ck_assert_uint_eq(source->frames, 20);
    ck_assert_uint_eq(source->partitions[0].again, 0);
    coverage_destroy(&c);
}
END_TEST

/* b goes on where a had committed, 10 before what a had published. */
/* Nobody writes two checkpoints of one name. If they are there, the first that is
 * read is the one, whether it waits in memory or in a file. */
START_TEST(the_first_of_a_name)
{
    struct coverage *c = coverage_create();
    if (_i)
        coverage_hold(c, 1, NULL);
    add(c, (struct said){.number = 1, .first = 1, .last = 1, .from = 100, .to = 110});
    add(c, (struct said){.number = 2, .first = 2, .last = 2, .from = 110, .to = 120});
    read_sketches(c, "a", 1, 2);
    add(c, (struct said){.number = 1, .first = 2, .last = 2, .from = 100, .to = 150});
    add(c, (struct said){.number = 3, .first = 2, .last = 1, .from = 120, .to = 150});
    add(c, (struct said){.number = 2, .first = 2, .last = 3, .from = 110, .to = 120});
    const struct coverage_source *source = judged(c);
    ck_assert(source->whole);
    ck_assert_uint_eq(source->checkpoints, 3);
    ck_assert_uint_eq(source->repeated, 2);
    ck_assert_uint_eq(source->partitions[0].covered, 50);
    ck_assert_uint_eq(source->partitions[0].again, 0);
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_crash_and_its_replay)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 3);
    read_sketches(c, "b", 1, 1);
    add(c, (struct said){.number = 1, .last = 2, .from = 100, .to = 120});
    add(c, (struct said){.instance = "b", .number = 1, .last = 1, .from = 110, .to = 150});
    const struct coverage_source *source = judged(c);
    ck_assert(source->whole);
    ck_assert_uint_eq(source->partitions[0].covered, 50);
    ck_assert_uint_eq(source->partitions[0].again, 10);
    ck_assert_uint_eq(coverage_loose_count(c), 1);
    ck_assert(coverage_loose(c, 0)->tail);
    ck_assert_uint_eq(coverage_loose(c, 0)->sequence, 3);
    coverage_destroy(&c);
}
END_TEST

/* Equal sequences of two instances are not each other's. */
START_TEST(instances_apart)
{
    struct coverage *c = coverage_create();
    read_sketches(c, "a", 1, 2);
    add(c, (struct said){.number = 1, .last = 2, .from = 100, .to = 120});
    add(c, (struct said){.instance = "b", .number = 1, .last = 2, .from = 120, .to = 150});
    const struct coverage_source *source = judged(c);
    expect_hole(&source->partitions[0], 120, 150);
    ck_assert_str_eq(source->unmet[0].instance, "b");
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_partition_that_nobody_names)
{
    struct coverage *c = coverage_create();
    add(c, (struct said){.number = 1, .from = 100, .to = 120, .total = 3, .watermark_s = MINUTE});
    add(c, (struct said){.instance = "b", .number = 1, .partition = 2, .total = 3});
    const struct coverage_source *source = judged(c);
    ck_assert(!source->whole);
    ck_assert_uint_eq(source->partitions_count, 3);
    ck_assert(source->partitions[0].seen && !source->partitions[1].seen);
    ck_assert(source->partitions[2].seen);
    ck_assert_int_eq(source->partitions[1].partition, 1);
    ck_assert(!coverage_minute(c, "s", MINUTE - 600).complete);
    coverage_destroy(&c);
}
END_TEST

START_TEST(what_the_broker_lost)
{
    static const struct record_range missing = {105, 108};
    struct coverage *c = coverage_create();
    struct said said = {.number = 1, .from = 100, .to = 120};
    add_full(c, &said, &missing, NULL);
    const struct coverage_source *source = judged(c);
    ck_assert(!source->whole);
    ck_assert_uint_eq(source->partitions[0].holes_count, 0);
    ck_assert_uint_eq(source->partitions[0].lost_count, 1);
    ck_assert_int_eq(source->partitions[0].lost[0].from, 105);
    ck_assert_int_eq(source->partitions[0].lost[0].to, 108);
    ck_assert_uint_eq(source->partitions[0].covered, 17);
    ck_assert_uint_eq(source->partitions[0].spans_count, 2);
    coverage_destroy(&c);
}
END_TEST

/* Another instance had read it before the broker lost it. */
START_TEST(lost_for_one_only)
{
    static const struct record_range missing = {105, 108};
    struct coverage *c = coverage_create();
    struct said said = {.number = 1, .from = 100, .to = 120};
    add_full(c, &said, &missing, NULL);
    add(c, (struct said){.instance = "b", .number = 1, .from = 104, .to = 110});
    const struct coverage_source *source = judged(c);
    ck_assert(source->whole);
    ck_assert_uint_eq(source->partitions[0].covered, 20);
    ck_assert_uint_eq(source->partitions[0].again, 3);
    coverage_destroy(&c);
}
END_TEST

START_TEST(files)
{
    struct coverage *c = coverage_create();
    add(c, (struct said){.number = 1, .cluster = "file", .topic = "1", .to = 120, .end = true});
    add(c, (struct said){.number = 2, .cluster = "file", .topic = "2", .to = 120});
    add(c, (struct said){.number = 3, .cluster = "file", .topic = "3", .from = 5, .to = 120,
                         .end = true});
    ck_assert_int_eq(coverage_judge(c), HC_OK);
    ck_assert_uint_eq(coverage_sources_count(c), 3);
    ck_assert(coverage_source(c, 0)->whole);
    ck_assert(!coverage_source(c, 1)->whole);
    ck_assert(coverage_source(c, 1)->partitions[0].open_end);
    ck_assert(!coverage_source(c, 2)->whole);
    expect_hole(&coverage_source(c, 2)->partitions[0], 0, 5);
    coverage_destroy(&c);
}
END_TEST

/* Judged apart: what one group read does not fill the other's holes. */
START_TEST(groups_apart)
{
    struct coverage *c = coverage_create();
    add(c, (struct said){.number = 1, .from = 100, .to = 110});
    add(c, (struct said){.number = 2, .from = 120, .to = 130});
    add(c, (struct said){.instance = "b", .group = "h", .number = 1, .from = 105, .to = 125});
    ck_assert_int_eq(coverage_judge(c), HC_OK);
    ck_assert_uint_eq(coverage_sources_count(c), 2);
    ck_assert(!coverage_source(c, 0)->whole);
    ck_assert(coverage_source(c, 1)->whole);
    coverage_destroy(&c);
}
END_TEST

static void expect_minute(const struct coverage *c, int64_t minute_s, bool reached, bool complete)
{
    struct coverage_minute minute = coverage_minute(c, "s", minute_s);
    ck_assert_msg(minute.reached == reached && minute.complete == complete,
                  "minute %+d: reached %d complete %d", (int)((minute_s - MINUTE) / 60),
                  minute.reached, minute.complete);
}

START_TEST(minutes_up_to_the_slowest_partition)
{
    struct coverage *c = coverage_create();
    read_state(c, "x", 1, MINUTE - 6000, RECORD_LATE);
    read_state(c, "x", 2, MINUTE - 120, RECORD_CLOSED);
    add(c, (struct said){.number = 1, .to = 9, .total = 2, .watermark_s = MINUTE + 119});
    add(c, (struct said){.number = 2, .partition = 1, .to = 9, .total = 2,
                         .watermark_s = MINUTE + 300});
    judged(c);
    expect_minute(c, MINUTE - 6000, false, true);
    expect_minute(c, MINUTE - 180, false, true);
    expect_minute(c, MINUTE - 120, true, true);
    expect_minute(c, MINUTE, true, true);
    expect_minute(c, MINUTE + 60, false, false);
    ck_assert(!coverage_minute(c, "another stream", MINUTE).complete);
    ck_assert(!coverage_minute(c, "another stream", MINUTE).reached);
    coverage_destroy(&c);
}
END_TEST

/* The clock of the furthest position holds, and of its latest checkpoint. */
START_TEST(a_clock_that_went_back)
{
    struct coverage *c = coverage_create();
    read_state(c, "x", 1, MINUTE, RECORD_OPEN);
    add(c, (struct said){.number = 1, .to = 9, .watermark_s = MINUTE + 6000, .time_ms = 1});
    add(c, (struct said){.number = 2, .from = 9, .to = 20, .watermark_s = MINUTE + 6000,
                         .time_ms = 2});
    add(c, (struct said){.number = 3, .from = 20, .to = 20, .watermark_s = MINUTE + 60,
                         .time_ms = 3});
    add(c, (struct said){.instance = "b", .number = 1, .from = 20, .to = 20, .time_ms = 4});
    add(c, (struct said){.instance = "b", .number = 2, .from = 5, .to = 10,
                         .watermark_s = MINUTE + 600, .time_ms = 5});
    judged(c);
    expect_minute(c, MINUTE, true, true);
    expect_minute(c, MINUTE + 60, false, false);
    coverage_destroy(&c);
}
END_TEST

START_TEST(a_file_read_to_its_end)
{
    struct coverage *c = coverage_create();
    read_state(c, "x", 1, MINUTE, RECORD_OPEN);
    add(c, (struct said){.number = 1, .cluster = "file", .to = 9, .end = true,
                         .watermark_s = MINUTE + 60});
    judged(c);
    expect_minute(c, MINUTE, true, true);
    /* Complete if a record names it; no zero without. */
    expect_minute(c, MINUTE + 60, false, true);
    coverage_destroy(&c);
}
END_TEST

/* Two topics feed the stream: both must have passed. Two groups read the same
 * topic: one is enough. */
START_TEST(minutes_of_several_sources)
{
    struct coverage *c = coverage_create();
    read_state(c, "x", 1, MINUTE, RECORD_OPEN);
    add(c, (struct said){.number = 1, .to = 9, .watermark_s = MINUTE + 180});
    add(c, (struct said){.number = 2, .topic = "u", .to = 9, .watermark_s = MINUTE + 60});
    add(c, (struct said){.number = 3, .topic = "u", .group = "h", .to = 9,
                         .watermark_s = MINUTE + 120});
    ck_assert_int_eq(coverage_judge(c), HC_OK);
    expect_minute(c, MINUTE, true, true);
    expect_minute(c, MINUTE + 60, true, true);
    expect_minute(c, MINUTE + 120, true, false);
    expect_minute(c, MINUTE + 180, false, false);
    coverage_destroy(&c);
}
END_TEST

/* What is in the hole lies between the clocks on its sides, give or take. */
START_TEST(a_hole_hides_its_minutes_only)
{
    struct coverage *c = coverage_create();
    read_state(c, "x", 1, MINUTE - 600, RECORD_OPEN);
    add(c, (struct said){.number = 1, .to = 10, .watermark_s = MINUTE});
    add(c, (struct said){.number = 3, .from = 30, .to = 40, .watermark_s = MINUTE + 600});
    add(c, (struct said){.number = 4, .from = 40, .to = 50, .watermark_s = MINUTE + 90000});
    judged(c);
    expect_minute(c, MINUTE - 60, true, true);
    expect_minute(c, MINUTE, true, false);
    expect_minute(c, MINUTE + 600, true, false);
    expect_minute(c, MINUTE + 600 + 3600, true, false);
    expect_minute(c, MINUTE + 600 + 3660, true, true);
    expect_minute(c, MINUTE + 86400, true, true);
    coverage_destroy(&c);
}
END_TEST

START_TEST(nothing_read)
{
    struct coverage *c = coverage_create();
    ck_assert_int_eq(coverage_judge(c), HC_OK);
    ck_assert_uint_eq(coverage_sources_count(c), 0);
    ck_assert_uint_eq(coverage_loose_count(c), 0);
    ck_assert(!coverage_minute(c, "s", 0).complete);
    coverage_destroy(&c);
    ck_assert_ptr_null(c);
    coverage_destroy(&c);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, a_chain);
    tcase_add_test(tcase, a_checkpoint_taken_out);
    tcase_add_test(tcase, the_first_checkpoint_taken_out);
    tcase_add_test(tcase, a_sketch_taken_out);
    tcase_add_test(tcase, the_last_sketch_taken_out);
    tcase_add_test(tcase, a_sketch_replaced);
    tcase_add_test(tcase, duplicates_in_any_order);
    tcase_add_loop_test(tcase, the_first_of_a_name, 0, 2);
    tcase_add_test(tcase, a_crash_and_its_replay);
    tcase_add_test(tcase, instances_apart);
    tcase_add_test(tcase, a_partition_that_nobody_names);
    tcase_add_test(tcase, what_the_broker_lost);
    tcase_add_test(tcase, lost_for_one_only);
    tcase_add_test(tcase, files);
    tcase_add_test(tcase, groups_apart);
    tcase_add_test(tcase, minutes_up_to_the_slowest_partition);
    tcase_add_test(tcase, a_clock_that_went_back);
    tcase_add_test(tcase, a_file_read_to_its_end);
    tcase_add_test(tcase, minutes_of_several_sources);
    tcase_add_test(tcase, a_hole_hides_its_minutes_only);
    tcase_add_test(tcase, nothing_read);
}
