/* Goal: a bucket holds the union of what was put into it, whether that stayed
 * in memory or was put aside in a file, and memory stays under its cap.
 *
 * Each case runs without a cap and with caps so small that nearly every use
 * puts another bucket aside. */
#include "rollup_table.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check_main.h"
#include "headcount/codec.h"
#include "test_random.h"

#define BUCKETS 50
#define UNIONS 1000

static uint64_t random_state;

static uint64_t number_below(uint64_t bound)
{
    return random_below(&random_state, bound);
}

static struct hc_sketch *sketch_of(unsigned precision, unsigned users)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = precision};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (unsigned i = 0; i < users; i++) {
        uint64_t user = number_below(1000000);

        if (hc_sketch_add(sketch, &user, sizeof user, NULL) != HC_OK)
            ck_abort_msg("no memory");
    }
    return sketch;
}

static const char *const groups[] = {"{}", "{\"city\":\"Basel\"}", "{\"city\":\"Bern\"}"};
static const size_t caps[] = {SIZE_MAX, 200000, 20000, 1};
#define CAPS (sizeof caps / sizeof *caps)

static struct rollup_bucket *bucket_get(struct rollup_table *table, int64_t start_s,
                                        const char *group)
{
    return rollup_table_get(table, start_s, start_s + 60, group, HC_PROFILE_REDIS);
}

START_TEST(buckets_hold_unions)
{
    struct rollup_table *table = rollup_table_create(caps[_i], NULL);
    struct hc_sketch *expected[BUCKETS] = {NULL};

    random_state = 3;
    for (int i = 0; i < UNIONS; i++) {
        size_t key = number_below(BUCKETS);
        int64_t start_s = (int64_t)(key / 3) * 60;
        struct rollup_bucket *bucket =
            bucket_get(table, start_s, groups[key % 3]);
        struct hc_sketch *sketch =
            sketch_of(i % 7 ? 14 : 12, (unsigned)number_below(i % 50 ? 100 : 20000));

        ck_assert_int_eq(rollup_bucket_union(table, bucket, sketch), HC_OK);
        if (!expected[key])
            ck_assert_int_eq(hc_sketch_copy(sketch, &expected[key]), HC_OK);
        ck_assert_int_eq(hc_sketch_union(expected[key], sketch, NULL), HC_OK);
        hc_sketch_destroy(&sketch);
    }
    rollup_table_sort(table);
    ck_assert_uint_eq(rollup_table_count(table), BUCKETS);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < BUCKETS; i++) {
            struct rollup_bucket *bucket = rollup_table_bucket(table, i);
            size_t group = 0;
            const struct hc_sketch *sketch = rollup_bucket_sketch(table, bucket);

            while (strcmp(groups[group], bucket->group) != 0)
                group++;
            size_t key = (size_t)(bucket->start_s / 60) * 3 + group;
            ck_assert_ptr_nonnull(sketch);
            ck_assert(hc_sketch_check(sketch, NULL));
            ck_assert(hc_digest(sketch) == hc_digest(expected[key]));
            ck_assert_int_eq(bucket->end_s, bucket->start_s + 60);
        }
    }
    for (size_t i = 0; i < BUCKETS; i++)
        hc_sketch_destroy(&expected[i]);
    rollup_table_destroy(&table);
}
END_TEST

/* By start, then by group, the total first; starts below 0 are before 1970. */
START_TEST(buckets_are_sorted)
{
    struct rollup_table *table = rollup_table_create(SIZE_MAX, NULL);
    const int64_t starts[] = {60, -3600, 120, 0, -7200};

    for (size_t i = 0; i < 5; i++) {
        for (size_t g = 0; g < 3; g++)
            ck_assert_ptr_nonnull(bucket_get(table, starts[i], groups[g]));
    }
    rollup_table_sort(table);
    ck_assert_uint_eq(rollup_table_count(table), 15);
    for (size_t i = 1; i < 15; i++) {
        const struct rollup_bucket *a = rollup_table_bucket(table, i - 1);
        const struct rollup_bucket *b = rollup_table_bucket(table, i);

        ck_assert_int_le(a->start_s, b->start_s);
        ck_assert_str_eq(a->group, groups[(i - 1) % 3]);
        ck_assert(a->start_s < b->start_s || i % 3 != 0);
    }
    rollup_table_destroy(&table);
}
END_TEST

START_TEST(claims_are_maxima)
{
    struct rollup_table *table = rollup_table_create(SIZE_MAX, NULL);
    struct rollup_bucket *bucket = bucket_get(table, 0, "{}");

    ck_assert_uint_eq(rollup_bucket_frames(bucket), 0);
    ck_assert(rollup_bucket_claim(bucket, 1, 10));
    ck_assert(rollup_bucket_claim(bucket, 2, 5));
    ck_assert(rollup_bucket_claim(bucket, 1, 7));
    ck_assert_uint_eq(rollup_bucket_frames(bucket), 15);
    ck_assert(rollup_bucket_claim(bucket, 2, 6));
    ck_assert_uint_eq(rollup_bucket_frames(bucket), 16);
    ck_assert(rollup_bucket_claim(bucket, 3, INT64_MAX - 1));
    ck_assert_uint_eq(rollup_bucket_frames(bucket), (uint64_t)INT64_MAX - 1);
    rollup_table_destroy(&table);
}
END_TEST

START_TEST(no_room_for_the_file)
{
    struct rollup_table *table = rollup_table_create(1, NULL);
    struct hc_sketch *sketch = sketch_of(14, 100);

    setenv("TMPDIR", "/no/such/folder", 1);
    ck_assert_int_eq(rollup_bucket_union(table, bucket_get(table, 0, "{}"), sketch),
                     HC_OK);
    ck_assert_int_eq(rollup_bucket_union(table, bucket_get(table, 60, "{}"), sketch),
                     HC_EROOM);
    ck_assert_ptr_nonnull(strstr(rollup_table_error(table), "/no/such/folder"));
    hc_sketch_destroy(&sketch);
    rollup_table_destroy(&table);
}
END_TEST

static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static size_t encoded_size(const struct hc_sketch *sketch)
{
    size_t size = 0, room = hc_encode_size_max(sketch);
    void *bytes = malloc(room);

    ck_assert_int_eq(hc_encode(sketch, bytes, room, &size), HC_OK);
    free(bytes);
    return size;
}

/* The file can't grow, in the middle of a part. What was there before is still
 * right, and so is what comes when there is room again. */
START_TEST(full_disk)
{
    struct rollup_table *table = rollup_table_create(1, NULL);
    struct hc_sketch *sketch = sketch_of(14, 100000);
    const enum hc_status expected[] = {HC_OK, HC_OK, HC_EROOM, HC_EROOM, HC_OK, HC_OK};

    signal(SIGXFSZ, SIG_IGN);
    limit_files(encoded_size(sketch) * 3 / 2);
    for (int i = 0; i < 6; i++) {
        if (i == 4)
            limit_files(RLIM_INFINITY);
        ck_assert_int_eq(
            rollup_bucket_union(table, bucket_get(table, i * 60, "{}"), sketch),
            expected[i]);
    }
    rollup_table_sort(table);
    for (size_t i = 0; i < 6; i++) {
        struct rollup_bucket *bucket = rollup_table_bucket(table, i);

        ck_assert(hc_digest(rollup_bucket_sketch(table, bucket)) == hc_digest(sketch));
    }
    hc_sketch_destroy(&sketch);
    rollup_table_destroy(&table);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, buckets_hold_unions, 0, CAPS);
    tcase_add_test(tcase, buckets_are_sorted);
    tcase_add_test(tcase, claims_are_maxima);
    tcase_add_test(tcase, no_room_for_the_file);
    tcase_add_test(tcase, full_disk);
}
