/* Goal: what the header says of windows, one sentence at a time, and the edges:
 * the first and the last minute, many windows, windows that must not go.
 * Random histories stand in window_model_test. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "limits.h"
#include "window.h"

#define MINUTE_S INT64_C(1468244340)
#define OTHER_GROUP "{\"country\":\"CH\"}"

static struct window_table *create(size_t profiles, size_t memory_max)
{
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    struct window_options options = {sketches, profiles, memory_max};
    struct window_table *table;

    for (size_t i = 0; i < profiles; i++)
        sketches[i] = (struct hc_sketch_options){HC_PROFILE_REDIS, (unsigned)(14 - i), NULL, NULL};
    table = window_table_create(&options);
    ck_assert_ptr_nonnull(table);
    return table;
}

static struct window *get(struct window_table *table, int64_t time_s)
{
    struct window *window = window_table_get(table, time_s, WINDOW_GROUP_TOTAL);

    ck_assert_ptr_nonnull(window);
    return window;
}

static void add(struct window_table *table, struct window *window, int id)
{
    if (window_add_user(table, window, &id, sizeof id) != HC_OK)
        ck_abort_msg("id %d", id);
}

/* Publishes what is due; how many sketches that were. */
static int publish(struct window_table *table, struct window *window)
{
    struct window_sketch *sketch;
    int count = 0;

    while ((sketch = window_publish_next(table, window, 0))) {
        ck_assert(sketch->changed || sketch->published_state != 0);
        window_published(window, 0);
        count++;
    }
    return count;
}

START_TEST(a_new_window_is_whole_and_unpublished)
{
    struct window_table *table = create(2, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S + 59);

    ck_assert_int_eq(window->minute_s, MINUTE_S);
    ck_assert_str_eq(window->group, WINDOW_GROUP_TOTAL);
    ck_assert_uint_eq(window->frames, 0);
    ck_assert_int_eq(window->closed_ms, -1);
    ck_assert_uint_eq(window->in_flight, 0);
    ck_assert_int_eq(window->published_state, WINDOW_UNPUBLISHED);
    ck_assert(!window->changed && !window->failed && !window->late && window->whole);
    ck_assert_uint_eq(window_table_profiles(table), 2);
    ck_assert_uint_eq(hc_sketch_precision(window->sketches[0].sketch), 14);
    ck_assert_uint_eq(hc_sketch_precision(window->sketches[1].sketch), 13);
    ck_assert_uint_eq(window->sketches[0].sequence, 0);
    ck_assert_ptr_null(window_first_changed(table)); /* nothing to publish yet */
    window_table_destroy(&table);
    ck_assert_ptr_null(table);
    window_table_destroy(&table);
}
END_TEST

START_TEST(the_options_are_copied)
{
    struct hc_sketch_options sketch = {HC_PROFILE_REDIS, 10, NULL, NULL};
    struct window_options options = {&sketch, 1, LIMIT_MEMORY_DEFAULT};
    struct window_table *table = window_table_create(&options);

    sketch.precision = 4;
    ck_assert_uint_eq(hc_sketch_precision(get(table, 0)->sketches[0].sketch), 10);
    window_table_destroy(&table);
}
END_TEST

START_TEST(minute_and_group_are_the_key)
{
    struct window_table *table = create(1, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);
    struct window *other = window_table_get(table, MINUTE_S, OTHER_GROUP);
    char same[] = OTHER_GROUP;

    ck_assert_ptr_eq(get(table, MINUTE_S + 59), window);
    ck_assert_ptr_ne(get(table, MINUTE_S + 60), window);
    ck_assert_ptr_ne(get(table, MINUTE_S - 1), window);
    ck_assert_ptr_ne(other, window);
    ck_assert_ptr_eq(window_table_get(table, MINUTE_S + 7, same), other); /* by its text */
    ck_assert_ptr_eq(window_table_find(table, MINUTE_S, same), other);
    ck_assert_ptr_null(window_table_find(table, MINUTE_S + 600, same));
    ck_assert_uint_eq(window_table_count(table), 4);
    ck_assert_int_eq(get(table, 0)->minute_s, 0);
    ck_assert_int_eq(get(table, 59)->minute_s, 0);
    ck_assert_int_eq(get(table, LIMIT_TIME_S)->minute_s, LIMIT_TIME_S - 59);
    window_table_destroy(&table);
}
END_TEST

START_TEST(only_new_content_is_a_change)
{
    struct window_table *table = create(1, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);

    add(table, window, 1);
    ck_assert(window->changed);
    ck_assert_ptr_eq(window_first_changed(table), window);
    publish(table, window);
    ck_assert_ptr_null(window_first_changed(table));
    add(table, window, 1);
    ck_assert(!window->changed);
    ck_assert_uint_eq(window->frames, 2); /* a frame all the same */
    window_mark_failed(table, window, 0);
    ck_assert(window->changed && window->failed);
    publish(table, window);
    ck_assert(!window->changed && !window->failed);
    publish(table, window); /* twice is once */
    window_table_destroy(&table);
}
END_TEST

START_TEST(each_sketch_is_published_when_it_changed)
{
    struct window_table *table = create(3, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);

    add(table, window, 1);
    ck_assert_int_eq(publish(table, window), 3);
    add(table, window, 1);
    ck_assert_int_eq(publish(table, window), 0);
    for (size_t i = 0; i < 3; i++)
        window->sketches[i].sequence = 10 + i;
    window_mark_failed(table, window, 11);
    ck_assert_ptr_eq(window_publish_next(table, window, 0), &window->sketches[1]);
    ck_assert_int_eq(publish(table, window), 1);
    window_mark_failed(table, window, 5); /* an older one: nobody knows of which sketch */
    ck_assert_int_eq(publish(table, window), 3);
    window_mark_changed(table, window);
    ck_assert_int_eq(publish(table, window), 3);
    ck_assert_ptr_eq(window_publish_next(table, window, 1), &window->sketches[0]); /* a label */
    window_table_destroy(&table);
}
END_TEST

/* The output takes one record a turn, and users keep coming between two turns. */
START_TEST(publishing_goes_on_where_it_was_left_off)
{
    struct window_table *table = create(3, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);
    struct window_sketch *sketches = window->sketches;
    int id = 0;

    add(table, window, id++);
    window_table_next_round(table);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(window_publish_next(table, window, 0), &sketches[i]);
        window_published(window, 0);
        for (int more = 0; more < 50; more++) /* each changes all of them */
            add(table, window, id++);
    }
    ck_assert_ptr_null(window_publish_next(table, window, 0));
    ck_assert(window->changed); /* behind the round that it joined first */
    ck_assert_uint_eq(window->round, window_table_round(table));
    ck_assert_ptr_eq(window_first_changed(table), window);
    ck_assert_int_eq(publish(table, window), 3);
    ck_assert(!window->changed);
    window_table_destroy(&table);
}
END_TEST

/* What was published before a round began may have changed before it, too: such
 * a change must be in a record before the round is done. */
START_TEST(a_round_that_begins_in_the_middle_begins_anew)
{
    struct window_table *table = create(2, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);

    add(table, window, 1);
    ck_assert_ptr_eq(window_publish_next(table, window, 0), &window->sketches[0]);
    window_published(window, 0);
    ck_assert_ptr_eq(window_publish_next(table, window, 0), &window->sketches[1]);
    add(table, window, 2);
    window_table_next_round(table);
    ck_assert_ptr_eq(window_publish_next(table, window, 0), &window->sketches[0]);
    ck_assert_int_eq(publish(table, window), 2);
    ck_assert(!window->changed);
    window_table_destroy(&table);
}
END_TEST

START_TEST(a_label_or_failure_in_the_middle_is_not_forgotten)
{
    struct window_table *table = create(2, LIMIT_MEMORY_DEFAULT);
    struct window *window = get(table, MINUTE_S);

    add(table, window, 1);
    ck_assert_ptr_eq(window_publish_next(table, window, 0), &window->sketches[0]);
    window_published(window, 0);
    ck_assert_ptr_eq(window_publish_next(table, window, 1), &window->sketches[1]);
    window_published(window, 1); /* closed meanwhile */
    ck_assert_ptr_null(window_publish_next(table, window, 1));
    ck_assert(window->changed);
    ck_assert_ptr_eq(window_publish_next(table, window, 1), &window->sketches[0]);
    window->sketches[0].sequence = 7;
    window_published(window, 1);
    window_mark_failed(table, window, 7);
    ck_assert_ptr_null(window_publish_next(table, window, 1));
    ck_assert(window->changed && window->failed);
    ck_assert_ptr_eq(window_publish_next(table, window, 1), &window->sketches[0]);
    window_published(window, 1);
    ck_assert_ptr_null(window_publish_next(table, window, 1));
    ck_assert(!window->changed && !window->failed);
    window_table_destroy(&table);
}
END_TEST

START_TEST(rounds_tell_when_a_window_first_changed)
{
    struct window_table *table = create(1, LIMIT_MEMORY_DEFAULT);
    struct window *a = get(table, 0), *b = get(table, 60), *c = get(table, 120);
    uint64_t round = window_table_round(table);

    add(table, b, 1);
    window_table_next_round(table);
    ck_assert_uint_eq(window_table_round(table), round + 1);
    add(table, a, 1);
    add(table, b, 2); /* it is on the list: neither place nor round change */
    add(table, c, 1);
    ck_assert_uint_eq(b->round, round);
    ck_assert_uint_eq(a->round, round + 1);
    ck_assert_ptr_eq(window_first_changed(table), b);
    ck_assert_ptr_eq(window_next_changed(b), a);
    ck_assert_ptr_eq(window_next_changed(a), c);
    ck_assert_ptr_null(window_next_changed(c));
    publish(table, a); /* from the middle */
    ck_assert_ptr_eq(window_next_changed(b), c);
    publish(table, b);
    add(table, b, 3);
    ck_assert_ptr_eq(window_next_changed(c), b);
    ck_assert_uint_eq(b->round, round + 1);
    window_table_destroy(&table);
}
END_TEST

START_TEST(the_last_used_is_the_hottest)
{
    struct window_table *table = create(1, LIMIT_MEMORY_DEFAULT);
    struct window *a = get(table, 0), *b = get(table, 60), *c = get(table, 120);

    ck_assert_ptr_eq(window_coldest(table), a);
    get(table, 1);
    ck_assert_ptr_eq(window_coldest(table), b);
    ck_assert_ptr_eq(window_next_hotter(b), c);
    ck_assert_ptr_eq(window_next_hotter(c), a);
    ck_assert_ptr_null(window_next_hotter(a));
    window_table_find(table, 60, WINDOW_GROUP_TOTAL); /* a look is no use */
    ck_assert_ptr_eq(window_coldest(table), b);
    window_forget(table, c);
    ck_assert_ptr_eq(window_next_hotter(b), a);
    window_table_destroy(&table);
}
END_TEST

START_TEST(what_was_let_go_does_not_come_back_whole)
{
    struct window_table *table = create(1, LIMIT_MEMORY_DEFAULT);

    for (int64_t i = 0; i < 45 * 1440; i++) /* 45 days in a row are told apart */
        get(table, 60 * i);
    for (int64_t i = 0; i < 45 * 1440; i += 2)
        window_forget(table, window_table_find(table, 60 * i, WINDOW_GROUP_TOTAL));
    for (int64_t i = 0; i < 45 * 1440; i++)
        if (get(table, 60 * i)->whole != i % 2)
            ck_abort_msg("minute %d", (int)i);
    window_table_destroy(&table);
}
END_TEST

START_TEST(memory_is_that_of_the_windows)
{
    struct window_table *table = create(2, LIMIT_MEMORY_DEFAULT);
    size_t empty = window_table_memory(table), peak;
    struct window *window = get(table, MINUTE_S), *other = get(table, 0);

    for (int id = 0; id < 30000; id++) { /* sparse, and dense one after the other */
        const struct window_sketch *sketches = window->sketches;
        size_t sum = sizeof *window + 2 * sizeof *sketches;

        add(table, window, id);
        for (int i = 0; i < 2; i++)
            sum += hc_sketch_memory(sketches[i].sketch);
        if (window_memory(table, window) != sum)
            ck_abort_msg("id %d", id);
    }
    ck_assert(!hc_sketch_is_sparse(window->sketches[0].sketch));
    peak = empty + window_memory(table, window) + window_memory(table, other);
    ck_assert_uint_eq(window_table_memory(table), peak);
    publish(table, window);
    window_forget(table, window);
    window_forget(table, other);
    ck_assert_uint_eq(window_table_memory(table), empty);
    ck_assert_uint_eq(window_table_memory_peak(table), peak);
    ck_assert_uint_eq(window_table_count(table), 0);
    window_table_destroy(&table);
}
END_TEST

static const uint8_t key[HC_KEY_SIZE] = {1, 2, 3};

/* A table with the first `profiles` profiles of them all. */
static struct window_table *create_all(size_t profiles, unsigned precision, size_t memory_max)
{
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    struct window_options options = {sketches, profiles, memory_max};

    for (size_t i = 0; i < profiles; i++) {
        enum hc_profile profile = (enum hc_profile)(HC_PROFILE_REDIS + i);

        sketches[i] = (struct hc_sketch_options){profile, precision, NULL,
                                                 profile == HC_PROFILE_KEYED ? key : NULL};
    }
    struct window_table *table = window_table_create(&options);
    ck_assert_ptr_nonnull(table);
    return table;
}

/* A cap that the program accepts (16 bytes a register and profile) leaves room
 * for windows. */
START_TEST(an_empty_table_is_not_full)
{
    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++) {
        for (size_t profiles = 1; profiles <= HC_PROFILE_KEYED; profiles++) {
            size_t memory_max = ((size_t)16 << precision) * profiles;

            if (memory_max < LIMIT_MEMORY_MIN)
                memory_max = LIMIT_MEMORY_MIN;
            struct window_table *table = create_all(profiles, precision, memory_max);
            ck_assert(!window_table_is_full(table));
            ck_assert_uint_le(window_table_memory(table), memory_max / 32);
            window_table_destroy(&table);
        }
    }
}
END_TEST

/* Every profile counts: who asks before each user stays below the cap, in the
 * window that becomes dense as in those that are new. */
START_TEST(the_cap_holds_with_all_profiles)
{
    for (unsigned precision = HC_PRECISION_MIN; precision <= 16; precision += 3) {
        size_t memory_max = LIMIT_MEMORY_MIN + ((size_t)16 << precision) * HC_PROFILE_KEYED;
        struct window_table *table = create_all(HC_PROFILE_KEYED, precision, memory_max);

        for (int id = 0; !window_table_is_full(table); id++) {
            add(table, get(table, 60 * (id % 7 ? 0 : id)), id);
            if (window_table_memory(table) > memory_max)
                ck_abort_msg("precision %u, id %d", precision, id);
        }
        ck_assert_uint_gt(window_table_memory(table), memory_max / 2);
        window_table_destroy(&table);
    }
}
END_TEST

START_TEST(it_is_full_before_the_cap_is_passed)
{
    struct window_table *table = create(1, LIMIT_MEMORY_MIN);
    int64_t minutes = 0;

    for (; !window_table_is_full(table); minutes++)
        add(table, get(table, 60 * minutes), 1);
    ck_assert_int_gt(minutes, 2000); /* small windows: most of the cap is used */
    ck_assert_uint_le(window_table_memory(table), LIMIT_MEMORY_MIN);
    ck_assert_uint_gt(window_table_memory(table), LIMIT_MEMORY_MIN * 9 / 10);
    window_table_destroy(&table);
}
END_TEST

static void forget_one_that_must_stay(bool changed, uint32_t in_flight)
{
    struct window_table *table = create(1, LIMIT_MEMORY_MIN);
    struct window *window = get(table, 0);

    if (changed)
        add(table, window, 1);
    window->in_flight = in_flight;
    window_forget(table, window);
}

START_TEST(a_changed_window_is_not_let_go)
{
    forget_one_that_must_stay(true, 0);
}
END_TEST

START_TEST(a_window_with_records_in_flight_is_not_let_go)
{
    forget_one_that_must_stay(false, 1);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_new_window_is_whole_and_unpublished);
    tcase_add_test(tcase, the_options_are_copied);
    tcase_add_test(tcase, minute_and_group_are_the_key);
    tcase_add_test(tcase, only_new_content_is_a_change);
    tcase_add_test(tcase, each_sketch_is_published_when_it_changed);
    tcase_add_test(tcase, publishing_goes_on_where_it_was_left_off);
    tcase_add_test(tcase, a_round_that_begins_in_the_middle_begins_anew);
    tcase_add_test(tcase, a_label_or_failure_in_the_middle_is_not_forgotten);
    tcase_add_test(tcase, rounds_tell_when_a_window_first_changed);
    tcase_add_test(tcase, the_last_used_is_the_hottest);
    tcase_add_test(tcase, what_was_let_go_does_not_come_back_whole);
    tcase_add_test(tcase, memory_is_that_of_the_windows);
    tcase_add_test(tcase, an_empty_table_is_not_full);
    tcase_add_test(tcase, the_cap_holds_with_all_profiles);
    tcase_add_test(tcase, it_is_full_before_the_cap_is_passed);
    tcase_add_test_raise_signal(tcase, a_changed_window_is_not_let_go, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_window_with_records_in_flight_is_not_let_go, SIGABRT);
}
