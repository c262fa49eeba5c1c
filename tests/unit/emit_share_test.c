/* Goal: the handles of one emitter, each in a thread of its own, put every record out
 * once and whole, and get their own tokens back and no others; what is refused for one
 * never keeps another from having something under way; time has passed when it has
 * for all of them; a failure is everybody's. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "emit.h"
#include "limits.h"
#include "stdout_pipe.h"

#define SHARERS 5
#define RECORDS 3000
#define CHECKPOINT_BIT (UINT64_C(1) << 63)
#define VALUE_MAX 9000

static struct emit *handles[LIMIT_WORKERS];
static struct emit_ack acks[300];

/* An inner emitter that the test plays. */
struct fake {
    struct emit base;
    size_t room, held;
    struct emit_ack given[100];
    char values[100][20];
    const char *failed;
    int64_t passed_s;
    size_t forgotten;
    bool *destroyed;
};

static struct fake *of(struct emit *emit)
{
    return (struct fake *)emit;
}

static enum emit_result fake_produce(struct emit *emit, const struct emit_record *record)
{
    struct fake *fake = of(emit);

    if (record->value_size >= sizeof fake->values[0])
        return EMIT_TOO_LARGE;
    if (fake->held == fake->room || fake->failed)
        return EMIT_FULL;
    memcpy(fake->values[fake->held], record->value, record->value_size);
    fake->values[fake->held][record->value_size] = '\0';
    fake->given[fake->held++] = (struct emit_ack){.token = record->token};
    return EMIT_OK;
}

static size_t fake_poll(struct emit *emit, int timeout_ms, struct emit_ack *into, size_t room)
{
    struct fake *fake = of(emit);
    size_t count = fake->held < room ? fake->held : room;

    ck_assert_int_eq(timeout_ms, 0);
    for (size_t i = 0; i < count; i++) {
        into[i] = fake->given[i];
        into[i].error = fake->failed;
    }
    fake->held = 0;
    return count;
}

static const char *fake_failed(struct emit *emit)
{
    return of(emit)->failed;
}

static void fake_destroy(struct emit *emit)
{
    *of(emit)->destroyed = true;
}

static void fake_forget(struct emit *emit)
{
    of(emit)->forgotten++;
}

static void fake_passed(struct emit *emit, int64_t time_s)
{
    of(emit)->passed_s = time_s;
}

static const struct emit_ops fake_ops = {.produce = fake_produce, .poll = fake_poll,
                                         .failed = fake_failed, .destroy = fake_destroy,
                                         .down = fake_failed, .forget = fake_forget,
                                         .passed = fake_passed};

static enum emit_result produce(size_t handle, const char *value, uint64_t token)
{
    struct emit_record record = {.key = "k", .key_size = 1, .value = value,
                                 .value_size = strlen(value), .token = token};

    return emit_produce(handles[handle], &record);
}

static size_t poll_now(size_t handle)
{
    return emit_poll(handles[handle], 0, acks, 300);
}

static void destroy_all(size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit_destroy(&handles[i]);
}

START_TEST(tokens_come_back_to_whom_they_belong)
{
    bool gone = false;
    struct fake fake = {.base = {&fake_ops}, .room = 100, .destroyed = &gone};

    ck_assert(emit_share(&fake.base, LIMIT_WORKERS, handles));
    ck_assert_int_eq(produce(0, "a", 7), EMIT_OK);
    ck_assert_int_eq(produce(63, "b", 7 | CHECKPOINT_BIT), EMIT_OK);
    ck_assert_int_eq(produce(5, "c", 7), EMIT_OK);
    ck_assert_int_eq(produce(5, "a value that is too large", 8), EMIT_TOO_LARGE);
    ck_assert_uint_eq(poll_now(6), 0);
    ck_assert_uint_eq(poll_now(63), 1);
    ck_assert(acks[0].token == (7 | CHECKPOINT_BIT) && !acks[0].error);
    ck_assert_uint_eq(poll_now(5), 1);
    ck_assert(acks[0].token == 7);
    ck_assert_uint_eq(poll_now(0), 1);
    ck_assert(acks[0].token == 7);
    ck_assert_uint_eq(poll_now(0), 0);
    emit_forget(handles[9]);
    ck_assert_uint_eq(fake.forgotten, 1);
    destroy_all(LIMIT_WORKERS - 1);
    ck_assert(!gone);
    emit_destroy(&handles[LIMIT_WORKERS - 1]);
    ck_assert(gone);
}
END_TEST

START_TEST(who_has_nothing_under_way_is_never_refused)
{
    bool gone = false;
    struct fake fake = {.base = {&fake_ops}, .room = 2, .destroyed = &gone};
    char value[10] = "left";

    ck_assert(emit_share(&fake.base, 3, handles));
    ck_assert_int_eq(produce(0, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(0, "two", 2), EMIT_OK);
    ck_assert_int_eq(produce(0, "three", 3), EMIT_FULL);
    ck_assert_int_eq(produce(1, value, 1), EMIT_OK);
    memset(value, 'x', 4);
    ck_assert_int_eq(produce(1, "more", 2), EMIT_FULL);
    ck_assert_uint_eq(poll_now(1), 0);
    ck_assert_int_eq(produce(1, "more", 2), EMIT_FULL);
    ck_assert_uint_eq(poll_now(2), 0); /* moves the left one on */
    ck_assert_uint_eq(poll_now(1), 1);
    ck_assert(acks[0].token == 1 && !acks[0].error);
    ck_assert_str_eq(fake.values[0], "left");
    ck_assert_uint_eq(poll_now(0), 2);
    destroy_all(3);
    ck_assert(gone);
}
END_TEST

START_TEST(a_failure_is_everybodys)
{
    bool gone = false;
    struct fake fake = {.base = {&fake_ops}, .room = 1, .destroyed = &gone};

    ck_assert(emit_share(&fake.base, 3, handles));
    ck_assert_int_eq(produce(0, "one", 1), EMIT_OK);
    ck_assert_int_eq(produce(1, "left", 1), EMIT_OK);
    fake.failed = "broken";
    ck_assert_int_eq(produce(2, "three", 1), EMIT_FULL);
    ck_assert_uint_eq(poll_now(2), 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(poll_now(i), 1);
        ck_assert(acks[0].token == 1 && acks[0].error);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(emit_failed(handles[i]), "broken");
        ck_assert_str_eq(emit_down(handles[i]), "broken");
    }
    destroy_all(3);
}
END_TEST

START_TEST(time_has_passed_when_it_has_for_all)
{
    bool gone = false;
    struct fake fake = {.base = {&fake_ops}, .room = 1, .passed_s = -7, .destroyed = &gone};

    ck_assert(emit_share(&fake.base, 3, handles));
    emit_passed(handles[0], 100);
    emit_passed(handles[1], 50);
    ck_assert_int_eq(fake.passed_s, -7);
    emit_passed(handles[2], 70);
    ck_assert_int_eq(fake.passed_s, 50);
    emit_passed(handles[1], INT64_MAX);
    ck_assert_int_eq(fake.passed_s, 70);
    emit_passed(handles[2], 60);
    ck_assert_int_eq(fake.passed_s, 60);
    emit_passed(handles[2], INT64_MAX);
    ck_assert_int_eq(fake.passed_s, 100);
    emit_passed(handles[0], INT64_MAX);
    ck_assert_int_eq(fake.passed_s, INT64_MAX);
    destroy_all(3);
}
END_TEST

/* Worker K's record N is a line of its own length: "K N xxx...". */
static size_t value_of(size_t worker, size_t number, char *value)
{
    size_t size = (size_t)snprintf(value, 100, "%zu %zu ", worker, number);

    memset(value + size, 'x', (number * 37) % (VALUE_MAX - 100));
    return size + (number * 37) % (VALUE_MAX - 100);
}

static void *worker(void *handle)
{
    size_t number = (size_t)((struct emit **)handle - handles), next = 1, back = 0;
    struct emit_ack own[64];
    char value[VALUE_MAX];

    while (back < RECORDS) {
        struct emit_record record = {.key = "k", .key_size = 1, .value = value, .token = next};
        size_t count;

        if (next <= RECORDS) {
            record.value_size = value_of(number, next, value);
            next += emit_produce(handles[number], &record) == EMIT_OK;
        }
        count = emit_poll(handles[number], next > RECORDS ? 10 : 0, own, 64);
        for (size_t i = 0; i < count; i++)
            ck_assert(own[i].token == ++back && !own[i].error);
    }
    return NULL;
}

/* All of them through a pipe that takes less than a record at once. */
START_TEST(records_of_threads_stay_whole)
{
    static char line[VALUE_MAX + 10], value[VALUE_MAX];
    pthread_t threads[SHARERS];
    size_t seen[SHARERS] = {0}, size;
    FILE *reader = fdopen(stdout_pipe(0), "r");

    ck_assert_ptr_nonnull(reader);
    ck_assert(emit_share(emit_stdout_create(), SHARERS, handles));
    for (size_t i = 0; i < SHARERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, worker, &handles[i]), 0);
    for (size_t i = 0; i < SHARERS * RECORDS; i++) {
        size_t from, number;

        ck_assert(fgets(line, sizeof line, reader) != NULL);
        ck_assert_int_eq(sscanf(line, "%zu %zu ", &from, &number), 2);
        ck_assert(from < SHARERS && number == ++seen[from]);
        size = value_of(from, number, value);
        ck_assert(strlen(line) == size + 1 && memcmp(line, value, size) == 0);
    }
    for (size_t i = 0; i < SHARERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    destroy_all(SHARERS);
    fclose(reader);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, tokens_come_back_to_whom_they_belong);
    tcase_add_test(tcase, who_has_nothing_under_way_is_never_refused);
    tcase_add_test(tcase, a_failure_is_everybodys);
    tcase_add_test(tcase, time_has_passed_when_it_has_for_all);
    tcase_add_test(tcase, records_of_threads_stay_whole);
}
