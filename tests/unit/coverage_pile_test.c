/* Goal: a checkpoint that waits in a file comes back with all that counts of it,
 * whatever its numbers; runs come back as one, in order, equal ones as they were
 * put aside. A file that gives back something else is noticed, and where there is
 * no room for a file all stays in memory. */
#include "coverage_pile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "coverage_inside.h"

static char name_a[] = "a", name_b[] = "b";

static const struct record_range ranges[] = {{1, 2}, {INT64_MIN, INT64_MAX}, {5, 5}};
static const uint64_t replaced[] = {0, 7, UINT64_MAX};

static const struct record_partition partitions[] = {
    {.partition = 0, .from = 0, .to = 0, .watermark_s = INT64_MIN},
    {.partition = INT32_MAX, .from = INT64_MIN, .to = INT64_MAX, .watermark_s = INT64_MAX,
     .missing = ranges, .missing_count = 3},
    {.partition = 7, .from = 1000, .to = 900, .watermark_s = -1, .missing = ranges,
     .missing_count = 1}};

static struct waiting *waiting_of(struct start *start, uint64_t number, uint64_t frames)
{
    struct record_checkpoint record = {
        .stream = "s", .instance = "i", .cluster = "c", .topic = "t", .input_group = "g",
        .number = number, .time_ms = number % 2 ? INT64_MIN : 1468244380123,
        .sequence_first = number % 3 ? 1 : INT64_MAX - 1, .sequence_last = number % 5,
        .replaced = replaced, .replaced_count = number % 4, .partitions = partitions,
        .partitions_count = number % 7 % 4, .frames = frames, .rejects_lost = UINT64_MAX};
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        record.rejected[reason] = number << reason;
    struct waiting *waiting = waiting_create(&record);
    ck_assert_ptr_nonnull(waiting);
    waiting->start = start;
    waiting->source = (struct source *)&name_a; /* nobody looks into it */
    return waiting;
}

static void same_partition(const struct record_partition *a, const struct record_partition *b)
{
    ck_assert_int_eq(a->partition, b->partition);
    ck_assert_int_eq(a->from, b->from);
    ck_assert_int_eq(a->to, b->to);
    ck_assert_int_eq(a->watermark_s, b->watermark_s);
    ck_assert_uint_eq(a->missing_count, b->missing_count);
    for (size_t i = 0; i < a->missing_count; i++) {
        ck_assert_int_eq(a->missing[i].from, b->missing[i].from);
        ck_assert_int_eq(a->missing[i].to, b->missing[i].to);
    }
}

/* As waiting_of has made it. */
static void same_waiting(const struct waiting *got)
{
    struct waiting *made = waiting_of(got->start, got->record.number, got->record.frames);
    const struct record_checkpoint *a = &got->record, *b = &made->record;
    ck_assert_ptr_eq(got->source, made->source);
    ck_assert_uint_eq(got->size, made->size);
    ck_assert_int_eq(a->time_ms, b->time_ms);
    ck_assert_uint_eq(a->sequence_first, b->sequence_first);
    ck_assert_uint_eq(a->sequence_last, b->sequence_last);
    ck_assert_uint_eq(a->rejects_lost, b->rejects_lost);
    ck_assert_mem_eq(a->rejected, b->rejected, sizeof a->rejected);
    ck_assert_uint_eq(a->replaced_count, b->replaced_count);
    for (size_t i = 0; i < a->replaced_count; i++)
        ck_assert_uint_eq(a->replaced[i], b->replaced[i]);
    ck_assert_uint_eq(a->partitions_count, b->partitions_count);
    for (size_t i = 0; i < a->partitions_count; i++)
        same_partition(&a->partitions[i], &b->partitions[i]);
    free(made);
}

/* So many checkpoints, twice each, from two starts, in runs of `run` and the rest
 * in memory. */
static void fill(struct pile *pile, struct start starts[2], size_t count, size_t run)
{
    for (size_t i = 0; i < 4 * count; i++) {
        uint64_t number = i % (2 * count) * 7919 % (2 * count);
        ck_assert(pile_add(pile, waiting_of(&starts[number % 2], number / 2, i / (2 * count))));
        if (pile->count == run) {
            pile_sort(pile);
            ck_assert(pile_put_aside(pile));
        }
    }
}

/* Of runs: one each, some with the last in memory, one run, none. */
static const size_t lengths[] = {1, 7, 600, 2000, 2001};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

START_TEST(runs_come_back_in_order)
{
    const size_t count = 500;
    struct start starts[2] = {{.instance = name_b}, {.instance = name_a}};
    struct pile pile = {0};
    struct waiting *waiting;
    fill(&pile, starts, count, lengths[_i]);
    ck_assert_uint_eq(pile.runs_count, 4 * count / lengths[_i]);
    struct pile_reader *reader = pile_reader_create(&pile);
    for (size_t i = 0; i < 4 * count; i++) {
        ck_assert_int_eq(pile_next(reader, &waiting), HC_OK);
        ck_assert_ptr_nonnull(waiting);
        ck_assert_ptr_eq(waiting->start, &starts[i < 2 * count]);
        ck_assert_uint_eq(waiting->record.number, i % (2 * count) / 2);
        ck_assert_uint_eq(waiting->record.frames, i % 2);
        same_waiting(waiting);
        free(waiting);
    }
    ck_assert_int_eq(pile_next(reader, &waiting), HC_OK);
    ck_assert_ptr_null(waiting);
    pile_reader_destroy(&reader);
    pile_free(&pile);
}
END_TEST

/* Reads until the end or a failure, which it returns. */
static enum hc_status read_all(struct pile *pile)
{
    struct pile_reader *reader = pile_reader_create(pile);
    struct waiting *waiting;
    enum hc_status status = pile_next(reader, &waiting);
    while (status == HC_OK && waiting) {
        free(waiting);
        status = pile_next(reader, &waiting);
    }
    ck_assert_ptr_null(waiting);
    pile_reader_destroy(&reader);
    return status;
}

/* Each byte in turn becomes another one, and the file ends before it. */
START_TEST(damage_is_noticed)
{
    struct start starts[2] = {{.instance = name_b}, {.instance = name_a}};
    int64_t end = INT64_MAX;
    for (int64_t at = 0; at < end; at++) {
        for (int cut = 0; cut < 2; cut++) {
            struct pile pile = {0};
            unsigned char byte;
            fill(&pile, starts, 4, 8);
            end = pile.file.end;
            ck_assert(spill_file_read(&pile.file, &byte, 1, at));
            byte ^= (unsigned char)(1 << at % 8);
            ck_assert_int_eq(cut ? ftruncate(pile.file.fd, at)
                                 : (int)pwrite(pile.file.fd, &byte, 1, at) - 1, 0);
            ck_assert_int_eq(read_all(&pile), HC_EROOM);
            ck_assert_uint_gt(strlen(pile.file.error), 0);
            pile_free(&pile);
        }
    }
    ck_assert_int_gt(end, 1000);
}
END_TEST

START_TEST(no_room_for_a_file)
{
    struct start start = {.instance = name_a};
    struct pile pile = {.file = {.folder = "/nonexistent/folder"}};
    ck_assert(pile_add(&pile, waiting_of(&start, 1, 0)));
    ck_assert(!pile_put_aside(&pile));
    ck_assert_uint_eq(pile.count, 1);
    ck_assert_uint_eq(pile.runs_count, 0);
    ck_assert(!start.aside);
    ck_assert_str_eq(pile.file.error, "");
    ck_assert_int_eq(read_all(&pile), HC_OK);
    pile_free(&pile);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_loop_test(tcase, runs_come_back_in_order, 0, LENGTHS);
    tcase_add_test(tcase, damage_is_noticed);
    tcase_add_test(tcase, no_room_for_a_file);
}
