/* Goal: every error is counted, whatever its code; a kind is let through once
 * and then kept quiet, other kinds are not; and there is something to do about
 * each. */
#include <pthread.h>
#include <string.h>

#include "check_main.h"
#include "client.h"

#define THREADS 4
#define TIMES 2000

static uint64_t total(struct kafka_notes *notes)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < notes->counts_used; i++)
        sum += notes->counts[i].times;
    return sum;
}

START_TEST(test_counts_by_code)
{
    struct kafka_notes notes;

    kafka_notes_init(&notes, NULL);
    for (int code = 1; code <= 10; code++)
        for (int times = 0; times < code; times++)
            kafka_notes_count(&notes, code);
    ck_assert_uint_eq(notes.counts_used, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(notes.counts[i].times, (uint64_t)notes.counts[i].code);
    kafka_notes_destroy(&notes);
}
END_TEST

/* More codes than there is room for: none is lost, none is written beyond. */
START_TEST(test_counts_beyond_the_table)
{
    struct kafka_notes notes;

    kafka_notes_init(&notes, NULL);
    for (int code = -KAFKA_COUNTS_MAX; code < 2 * KAFKA_COUNTS_MAX; code++)
        kafka_notes_count(&notes, code);
    ck_assert_uint_eq(notes.counts_used, KAFKA_COUNTS_MAX);
    ck_assert_uint_eq(total(&notes), 3 * KAFKA_COUNTS_MAX);
    ck_assert_uint_eq(notes.counts[KAFKA_COUNTS_MAX - 1].times, 2 * KAFKA_COUNTS_MAX + 1);
    kafka_notes_sum(&notes, "topic");
    kafka_notes_destroy(&notes);
}
END_TEST

static void *count_many(void *context)
{
    for (int i = 0; i < TIMES; i++)
        kafka_notes_count(context, i % 7);
    return NULL;
}

START_TEST(test_counts_of_many_threads)
{
    struct kafka_notes notes;
    pthread_t threads[THREADS];

    kafka_notes_init(&notes, NULL);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_many, &notes), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(total(&notes), THREADS * TIMES);
    kafka_notes_destroy(&notes);
}
END_TEST

START_TEST(test_a_kind_is_loud_once)
{
    struct kafka_notes notes;
    int64_t swallowed = -1;

    kafka_notes_init(&notes, NULL);
    ck_assert(kafka_notes_loud(&notes, "read NOT_LEADER", &swallowed));
    ck_assert_int_eq(swallowed, 0);
    for (int i = 0; i < 100; i++)
        ck_assert(!kafka_notes_loud(&notes, "read NOT_LEADER", &swallowed));
    ck_assert(kafka_notes_loud(&notes, "commit NOT_LEADER", &swallowed));
    ck_assert_int_eq(notes.quieted[0].swallowed, 100);
    kafka_notes_destroy(&notes);
}
END_TEST

/* The text of a code that nobody knows, and of each that a broker or the client
 * has: one line, and never the last resort for those that an operator can mend. */
START_TEST(test_advice)
{
    const char *last_resort = kafka_advice(999);
    const int mendable[] = {
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
        RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED, RD_KAFKA_RESP_ERR__AUTHENTICATION};

    for (int code = -200; code < 200; code++) {
        ck_assert_uint_gt(strlen(kafka_advice(code)), 10);
        ck_assert_ptr_null(strchr(kafka_advice(code), '\n'));
        ck_assert_uint_lt(strlen(kafka_advice(code)), KAFKA_TEXT_MAX / 2);
    }
    for (size_t i = 0; i < sizeof mendable / sizeof mendable[0]; i++)
        ck_assert_str_ne(kafka_advice(mendable[i]), last_resort);
}
END_TEST

void add_cases(TCase *all)
{
    tcase_add_test(all, test_counts_by_code);
    tcase_add_test(all, test_counts_beyond_the_table);
    tcase_add_test(all, test_counts_of_many_threads);
    tcase_add_test(all, test_a_kind_is_loud_once);
    tcase_add_test(all, test_advice);
}
