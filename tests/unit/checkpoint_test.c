/* Goal: the limits of the bookkeeping, and its rules one at a time as examples.
 * Random histories stand in checkpoint_model_test. */
#include "check_main.h"
#include "checkpoint.h"
#include "limits.h"
#include "unsettled.h"

#define SLOTS 2

static const struct counters no_counters;
static const struct checkpoint_mark no_marks[SLOTS];
static int owners[LIMIT_RECORDS_IN_FLIGHT + 1];

/* Assigned to SLOTS slots from 1000 and 2000 on. */
static struct checkpoints *create(void)
{
    static const int64_t starts[SLOTS] = {1000, 2000};
    struct checkpoints *c = checkpoints_create();

    ck_assert_ptr_nonnull(c);
    ck_assert(checkpoints_assign(c, starts, SLOTS, &no_counters));
    return c;
}

static void begin_and_gather(struct checkpoints *c)
{
    ck_assert(checkpoints_begin(c, no_marks, &no_counters));
    ck_assert(checkpoints_gathering(c));
    checkpoints_gathered(c);
}

/* The checkpoint that is ready, written; its number. */
static uint64_t write_ready(struct checkpoints *c, struct checkpoint_view *view)
{
    ck_assert(checkpoints_ready(c, view));
    checkpoints_written(c, view->number);
    return view->number;
}

static uint64_t produce(struct checkpoints *c, uint64_t previous, void *owner)
{
    ck_assert(checkpoints_record_room(c));
    return checkpoints_record_produced(c, previous, owner);
}

START_TEST(without_an_assignment_there_is_nothing_to_do)
{
    struct checkpoints *c = checkpoints_create();

    ck_assert(!checkpoints_assigned(c));
    ck_assert(!checkpoints_can_begin(c));
    ck_assert_uint_eq(checkpoints_commit_begin(c, NULL, 0), 0);
    ck_assert(checkpoints_all_safe(c));
    ck_assert(checkpoints_all_committed(c));
    ck_assert_uint_eq(checkpoints_under_way(c), 0);
    ck_assert_uint_eq(checkpoints_unsettled(c), 0);
    ck_assert(!checkpoints_answered(c, 1, true));
    checkpoints_destroy(&c);
    ck_assert_ptr_null(c);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(a_checkpoint_goes_from_reading_to_a_commit)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;
    struct source_position positions[SLOTS];

    checkpoints_read(c, 0, 1010);
    ck_assert(!checkpoints_all_safe(c));
    ck_assert_uint_eq(produce(c, 0, owners), 1);
    begin_and_gather(c);
    checkpoints_read(c, 0, 1020); /* this comes with the next one */
    ck_assert(!checkpoints_ready(c, &view));
    ck_assert_ptr_eq(checkpoints_record_answered(c, 1, true), owners);
    uint64_t number = write_ready(c, &view);
    ck_assert_int_eq(view.from[0], 1000);
    ck_assert_int_eq(view.to[0], 1010);
    ck_assert_int_eq(view.from[1], 2000);
    ck_assert_int_eq(view.to[1], 2000);
    ck_assert_uint_eq(view.sequence_first, 1);
    ck_assert_uint_eq(view.sequence_last, 1);
    ck_assert_uint_eq(view.replaced_count, 0);
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 0); /* not acknowledged */
    ck_assert(checkpoints_answered(c, number, true));
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 1); /* slot 1 has not moved */
    ck_assert_uint_eq(positions[0].slot, 0);
    ck_assert_int_eq(positions[0].position, 1010);
    ck_assert(checkpoints_committing(c));
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 0); /* one at a time */
    checkpoints_commit_ended(c, false);
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 1); /* again */
    checkpoints_commit_ended(c, true);
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 0);
    ck_assert(!checkpoints_all_committed(c)); /* 1020 */
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(an_acknowledgement_settles_all_before_it_of_the_same_window)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;

    produce(c, 0, &owners[0]);
    produce(c, 0, &owners[1]);
    produce(c, 1, &owners[0]);
    produce(c, 3, &owners[0]);
    begin_and_gather(c);
    checkpoints_record_answered(c, 1, false);
    checkpoints_record_answered(c, 4, true); /* 3 has no answer yet */
    ck_assert_uint_eq(checkpoints_unsettled(c), 1);
    ck_assert(!checkpoints_ready(c, &view));
    checkpoints_record_answered(c, 2, true);
    ck_assert_uint_eq(checkpoints_unsettled(c), 0);
    ck_assert(checkpoints_ready(c, &view));
    ck_assert_uint_eq(view.replaced_count, 2);
    ck_assert_uint_eq(view.replaced[0], 1);
    ck_assert_uint_eq(view.replaced[1], 3);
    checkpoints_record_answered(c, 3, true); /* it did arrive */
    ck_assert(checkpoints_ready(c, &view));
    ck_assert_uint_eq(view.replaced_count, 1);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(at_most_two_are_under_way_and_one_is_written)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;

    begin_and_gather(c);
    checkpoints_read(c, 1, 2100);
    begin_and_gather(c);
    ck_assert(!checkpoints_can_begin(c));
    uint64_t first = write_ready(c, &view);
    ck_assert(!checkpoints_ready(c, &view)); /* the second goes on from the first */
    ck_assert(!checkpoints_answered(c, first + 1, true));
    ck_assert(!checkpoints_answered(c, first, false));
    ck_assert(checkpoints_can_begin(c));
    uint64_t second = write_ready(c, &view); /* it covers the first */
    ck_assert_int_eq(view.from[1], 2000);
    ck_assert_int_eq(view.to[1], 2100);
    ck_assert(checkpoints_answered(c, second, true));
    ck_assert(checkpoints_all_safe(c));
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(an_answer_for_a_former_assignment_changes_nothing)
{
    static const int64_t starts[] = {1000};
    struct checkpoints *c = create();
    struct checkpoint_view view;
    struct source_position positions[SLOTS];

    checkpoints_read(c, 0, 1010);
    begin_and_gather(c);
    ck_assert(checkpoints_answered(c, write_ready(c, &view), true));
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), 1);
    begin_and_gather(c);
    uint64_t number = write_ready(c, &view);
    checkpoints_unassign(c);
    ck_assert(checkpoints_assign(c, starts, 1, &no_counters));
    checkpoints_read(c, 0, 1005);
    begin_and_gather(c);
    ck_assert(!checkpoints_answered(c, number, true));
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, 1), 0); /* the old one is on its way */
    checkpoints_commit_ended(c, true);
    ck_assert(!checkpoints_all_committed(c));
    ck_assert(checkpoints_answered(c, write_ready(c, &view), true));
    ck_assert_uint_eq(checkpoints_commit_begin(c, positions, 1), 1);
    ck_assert_int_eq(positions[0].position, 1005);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(a_forbidden_commit_stays_forbidden_until_the_next_assignment)
{
    static const int64_t starts[] = {1000};
    struct checkpoints *c = create();
    struct source_position positions[SLOTS];
    struct checkpoint_view view;

    for (int i = 0; i < 2; i++) {
        if (i == 0)
            checkpoints_forbid_commits(c);
        checkpoints_read(c, 0, 1010);
        begin_and_gather(c);
        ck_assert(checkpoints_answered(c, write_ready(c, &view), true));
        ck_assert_uint_eq(checkpoints_commit_begin(c, positions, SLOTS), i);
        ck_assert(checkpoints_assign(c, starts, 1, &no_counters));
    }
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(losses_are_told_once_in_order)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;

    ck_assert(checkpoints_missing(c, 1, 2000, 2005));
    ck_assert(checkpoints_missing(c, 0, 1007, 1009));
    ck_assert(checkpoints_missing(c, 0, 1020, 1021));
    begin_and_gather(c);
    ck_assert(checkpoints_missing(c, 0, 1021, 1030)); /* after it began */
    uint64_t number = write_ready(c, &view);
    ck_assert_uint_eq(view.missing_count, 3);
    ck_assert_uint_eq(view.missing[0].slot, 0);
    ck_assert_int_eq(view.missing[0].from, 1007);
    ck_assert_int_eq(view.missing[1].from, 1020);
    ck_assert_int_eq(view.missing[1].to, 1021);
    ck_assert_uint_eq(view.missing[2].slot, 1);
    ck_assert_int_eq(view.to[1], 2005);
    ck_assert(checkpoints_answered(c, number, true));
    begin_and_gather(c);
    write_ready(c, &view);
    ck_assert_uint_eq(view.missing_count, 1);
    ck_assert_int_eq(view.missing[0].from, 1021);
    ck_assert_int_eq(view.to[0], 1030);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(rejects_have_room_until_they_wait)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;
    uint64_t first = 1;

    for (int round = 0; round < 3; round++) { /* their ring turns */
        for (int i = 0; i < LIMIT_RECORDS_IN_FLIGHT - 7; i++) {
            ck_assert(checkpoints_reject_room(c));
            ck_assert_uint_eq(checkpoints_reject_produced(c), first + (uint64_t)i);
        }
        begin_and_gather(c);
        for (int i = 0; i < 7; i++)
            checkpoints_reject_produced(c);
        ck_assert(!checkpoints_reject_room(c));
        for (uint64_t i = LIMIT_RECORDS_IN_FLIGHT - 1; i > 0; i--)
            checkpoints_reject_acknowledged(c, first + i);
        ck_assert(!checkpoints_ready(c, &view)); /* the first is missing */
        checkpoints_reject_acknowledged(c, first);
        ck_assert(checkpoints_answered(c, write_ready(c, &view), true));
        first += LIMIT_RECORDS_IN_FLIGHT;
    }
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(records_have_room_until_they_wait)
{
    struct checkpoints *c = create();
    uint64_t sequence = 0;

    for (int i = 0; i < LIMIT_RECORDS_IN_FLIGHT; i++)
        sequence = produce(c, 0, &owners[i]);
    ck_assert(!checkpoints_record_room(c));
    ck_assert_ptr_eq(checkpoints_record_answered(c, 77, true), &owners[76]);
    ck_assert_uint_eq(produce(c, 0, &owners[76]), sequence + 1); /* though older ones wait */
    ck_assert(!checkpoints_record_room(c));
    checkpoints_record_withdrawn(c, sequence + 1);
    ck_assert_uint_eq(produce(c, 0, &owners[76]), sequence + 1);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(failures_never_use_up_the_room)
{
    static uint64_t newest[LIMIT_RECORDS_IN_FLIGHT + 1];
    struct checkpoints *c = create();
    struct checkpoint_view view;
    uint64_t sequence = 0;

    newest[0] = sequence = produce(c, 0, &owners[0]); /* this one waits all the time */
    begin_and_gather(c);
    for (int round = 0; round < 8; round++) { /* all the others fail each time */
        uint64_t first = sequence + 1;

        for (int i = 1; i < LIMIT_RECORDS_IN_FLIGHT; i++)
            newest[i] = sequence = produce(c, newest[i], &owners[i]);
        ck_assert(!checkpoints_record_room(c));
        for (uint64_t s = sequence; s >= first; s--)
            checkpoints_record_answered(c, s, round == 7);
    }
    ck_assert_uint_eq(checkpoints_unsettled(c), 1);
    checkpoints_record_answered(c, 1, true);
    ck_assert(checkpoints_answered(c, write_ready(c, &view), true));
    begin_and_gather(c);
    write_ready(c, &view);
    ck_assert_uint_eq(view.sequence_last, sequence);
    ck_assert_uint_eq(view.replaced_count, 7 * (LIMIT_RECORDS_IN_FLIGHT - 1));
    for (size_t i = 0; i < view.replaced_count; i++)
        if (view.replaced[i] != 2 + i)
            ck_abort_msg("replaced[%zu] is %llu", i, (unsigned long long)view.replaced[i]);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(a_failure_behind_a_record_in_flight_is_not_forgotten)
{
    struct checkpoints *c = create();
    struct checkpoint_view view;
    uint64_t newest[4] = {0};

    for (int i = 0; i < 4; i++) {
        if (i == 3)
            begin_and_gather(c);
        newest[i] = produce(c, i ? newest[i - 1] : 0, owners);
    }
    checkpoints_record_answered(c, newest[1], false);
    checkpoints_record_answered(c, newest[2], false);
    for (int i = 0; i < 100; i++) /* others come and go: there is tidying to do */
        checkpoints_record_answered(c, produce(c, 0, &owners[1]), true);
    checkpoints_record_answered(c, newest[0], true);
    ck_assert(!checkpoints_ready(c, &view)); /* the second and third are only in the fourth */
    checkpoints_record_answered(c, newest[3], true);
    ck_assert(checkpoints_ready(c, &view));
    ck_assert_uint_eq(view.replaced_count, 2);
    ck_assert_uint_eq(view.replaced[0], newest[1]);
    ck_assert_uint_eq(view.replaced[1], newest[2]);
    checkpoints_destroy(&c);
}
END_TEST

START_TEST(what_is_kept_of_records_is_bounded)
{
    struct unsettled u;
    uint64_t newest = 0, other = 0;

    unsettled_init(&u);
    for (int i = 0; i < 1000000; i++) { /* one window fails for ever, another never */
        ck_assert_msg(unsettled_make_room(&u), "%d", i);
        newest = unsettled_produced(&u, newest, NULL);
        unsettled_answered(&u, newest, false);
        unsettled_make_room(&u);
        other = unsettled_produced(&u, other, NULL);
        unsettled_answered(&u, other, true);
        if (i % 100 == 0) /* checkpoints that were acknowledged */
            unsettled_forget(&u, other);
    }
    ck_assert_uint_le(u.room, 1024);
    ck_assert_uint_le(u.failed_room, 4096);
    ck_assert_uint_eq(unsettled_from(&u), 1);
    unsettled_make_room(&u);
    newest = unsettled_produced(&u, newest, NULL);
    unsettled_answered(&u, newest, true);
    ck_assert_uint_eq(u.not_settled, 0);
    ck_assert_uint_eq(unsettled_from(&u), newest + 1);
    unsettled_free(&u);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, without_an_assignment_there_is_nothing_to_do);
    tcase_add_test(tcase, a_checkpoint_goes_from_reading_to_a_commit);
    tcase_add_test(tcase, an_acknowledgement_settles_all_before_it_of_the_same_window);
    tcase_add_test(tcase, at_most_two_are_under_way_and_one_is_written);
    tcase_add_test(tcase, an_answer_for_a_former_assignment_changes_nothing);
    tcase_add_test(tcase, a_forbidden_commit_stays_forbidden_until_the_next_assignment);
    tcase_add_test(tcase, losses_are_told_once_in_order);
    tcase_add_test(tcase, rejects_have_room_until_they_wait);
    tcase_add_test(tcase, records_have_room_until_they_wait);
    tcase_add_test(tcase, failures_never_use_up_the_room);
    tcase_add_test(tcase, a_failure_behind_a_record_in_flight_is_not_forgotten);
    tcase_add_test(tcase, what_is_kept_of_records_is_bounded);
}
