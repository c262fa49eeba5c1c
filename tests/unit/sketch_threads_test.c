/* Goal: calls that take a const sketch may run at once, on the same sketches, and
 * answer as they do alone. Under the thread sanitizer this also finds what they
 * would write in secret; without it, wrong answers only. */
#include <pthread.h>

#include "check_main.h"
#include "foreign_forms.h"
#include "headcount/overlap.h"
#include "sketch_kit.h"

#define THREADS 4
#define ROUNDS 6
#define SKETCHES 4

/* What every thread reads: sparse and dense, of two precisions. */
struct shared {
    struct hc_sketch *sketches[SKETCHES];
    pthread_barrier_t start;
};

/* All that can be asked of a const sketch, as one number. */
struct answer {
    double values[5];
    uint64_t digests[3];
    size_t size;
};

struct reader {
    pthread_t thread;
    const struct shared *shared;
    pthread_barrier_t *start;
    struct answer answers[SKETCHES];
    int failed; /* libcheck's asserts belong to the main thread */
};

static int ask_for_estimates(const struct hc_sketch *sketch, const struct hc_sketch *other,
                             struct answer *answer)
{
    struct hc_estimate common = {0}, rest = {0};
    enum hc_status common_status = hc_sketch_intersection(sketch, other, &common);
    enum hc_status rest_status = hc_sketch_difference(sketch, other, &rest);

    answer->values[0] = hc_sketch_estimate(sketch).value;
    answer->values[1] = common.value;
    answer->values[2] = common.high;
    answer->values[3] = rest.value;
    answer->values[4] = rest.low;
    return common_status == HC_ENOMEM || rest_status == HC_ENOMEM;
}

static int ask_for_bytes(const struct hc_sketch *sketch, struct answer *answer)
{
    size_t room = HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch)), size;
    uint8_t *bytes = malloc(room);
    struct hc_sketch *decoded = NULL;
    int failed = bytes == NULL || hc_encode(sketch, bytes, room, &answer->size) != HC_OK ||
                 hc_decode(bytes, answer->size, NULL, &decoded) != HC_OK;

    if (!failed) {
        answer->digests[0] = hc_digest(sketch);
        answer->digests[1] = hc_digest(decoded);
        failed = hc_redis_encode(sketch, bytes, room, &size) != HC_OK ||
                 hc_sketch_registers(sketch, bytes, room) != HC_OK ||
                 !hc_sketch_check(sketch, NULL);
    }
    hc_sketch_destroy(&decoded);
    free(bytes);
    return failed;
}

static int ask_for_sketches(const struct hc_sketch *sketch, const struct hc_sketch *other,
                            struct answer *answer)
{
    struct hc_sketch *own = NULL;
    int failed = hc_sketch_copy(sketch, &own) != HC_OK ||
                 hc_sketch_union(own, other, NULL) != HC_OK ||
                 hc_sketch_fold(own, hc_sketch_precision(own) - 1) != HC_OK;

    if (!failed)
        answer->digests[2] = hc_digest(own);
    hc_sketch_destroy(&own);
    return failed;
}

static int ask(const struct shared *shared, size_t which, struct answer *answer)
{
    const struct hc_sketch *sketch = shared->sketches[which];
    const struct hc_sketch *other = shared->sketches[(which + 1) % SKETCHES];

    memset(answer, 0, sizeof *answer);
    return ask_for_estimates(sketch, other, answer) || ask_for_bytes(sketch, answer) ||
           ask_for_sketches(sketch, other, answer);
}

static void *read_on(void *argument)
{
    struct reader *reader = argument;
    struct answer answer;

    pthread_barrier_wait(reader->start);
    for (size_t i = 0; i < ROUNDS * SKETCHES; i++) {
        size_t which = i % SKETCHES;

        reader->failed |= ask(reader->shared, which, &answer);
        if (i >= SKETCHES)
            reader->failed |= memcmp(&answer, &reader->answers[which], sizeof answer) != 0;
        reader->answers[which] = answer;
    }
    return NULL;
}

/* Nothing is asked before the threads do: the first use of a kind is at once too. */
START_TEST(const_calls_run_at_once)
{
    struct shared shared = {.sketches = {kit_range(14, 0, 2000), kit_range(14, 1000, 4000),
                                         kit_range(15, 0, 50000), kit_range(14, 20000, 70000)}};
    struct reader readers[THREADS] = {0};
    struct answer alone;

    ck_assert_int_eq(pthread_barrier_init(&shared.start, NULL, THREADS), 0);
    for (size_t t = 0; t < THREADS; t++) {
        readers[t].shared = &shared;
        readers[t].start = &shared.start;
        ck_assert_int_eq(pthread_create(&readers[t].thread, NULL, read_on, &readers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        ck_assert_int_eq(pthread_join(readers[t].thread, NULL), 0);
    for (size_t which = 0; which < SKETCHES; which++) {
        ck_assert_int_eq(ask(&shared, which, &alone), 0);
        for (size_t t = 0; t < THREADS; t++) {
            ck_assert_int_eq(readers[t].failed, 0);
            ck_assert_mem_eq(&readers[t].answers[which], &alone, sizeof alone);
        }
    }
    for (size_t which = 0; which < SKETCHES; which++)
        hc_sketch_destroy(&shared.sketches[which]);
    pthread_barrier_destroy(&shared.start);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, const_calls_run_at_once);
}
