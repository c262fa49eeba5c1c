/* Goal: the contract of sketch.h, hash.h and error.h, argument by argument:
 * ranges, what is written on failure, what `changed` says, where the one
 * promotion lies, what a sketch takes and gives back. */
#include <malloc.h>

#include "check_main.h"
#include "sketch_kit.h"

static const struct {
    int value;
    const char *name;
} status_names[] = {
    {0, "HC_OK"},         {1, "HC_ENOMEM"},   {2, "HC_ERANGE"},     {3, "HC_EPROFILE"},
    {4, "HC_EROOM"},      {5, "HC_ETRUNCATED"}, {6, "HC_EMAGIC"},   {7, "HC_EVERSION"},
    {8, "HC_ECORRUPT"},   {9, "HC_ECHECKSUM"}, {10, "HC_EPRECISION"}, {11, "HC_EWIDE"},
    {12, "HC_UNKNOWN"},   {-1, "HC_UNKNOWN"}, {1000, "HC_UNKNOWN"},
};

START_TEST(statuses)
{
    for (size_t i = 0; i < sizeof status_names / sizeof status_names[0]; i++) {
        enum hc_status status = (enum hc_status)status_names[i].value;
        const char *text = hc_status_text(status);

        ck_assert_str_eq(hc_status_name(status), status_names[i].name);
        ck_assert_uint_gt(strlen(text), 0);
        ck_assert_int_ne(text[strlen(text) - 1], '.');
    }
}
END_TEST

START_TEST(profiles)
{
    enum hc_profile profile = (enum hc_profile)77;

    ck_assert_int_eq(HC_PROFILE_REDIS, 1);
    ck_assert_str_eq(hc_profile_name(HC_PROFILE_REDIS), "redis");
    ck_assert_ptr_null(hc_profile_name((enum hc_profile)0));
    ck_assert_ptr_null(hc_profile_name((enum hc_profile)200));
    ck_assert_int_eq(hc_profile_by_name("Redis", &profile), 0);
    ck_assert_int_eq(hc_profile_by_name("", &profile), 0);
    ck_assert_int_eq(profile, 77);
    ck_assert_int_eq(hc_profile_by_name("redis", &profile), 1);
    ck_assert_int_eq(profile, HC_PROFILE_REDIS);
}
END_TEST

START_TEST(refuses_options)
{
    struct hc_sketch_options options = {HC_PROFILE_REDIS, HC_PRECISION_MIN - 1, NULL, NULL};
    struct hc_sketch *untouched = (struct hc_sketch *)(uintptr_t)64, *sketch = untouched;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_ERANGE);
    options.precision = HC_PRECISION_MAX + 1;
    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_ERANGE);
    options.precision = 14;
    options.profile = (enum hc_profile)0;
    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_ERANGE);
    ck_assert_ptr_eq(sketch, untouched);
}
END_TEST

START_TEST(empty)
{
    struct hc_sketch *sketch = kit_create(14, NULL), *nothing = NULL;
    struct hc_estimate estimate = hc_sketch_estimate(sketch);

    kit_check(sketch);
    ck_assert_int_eq(hc_sketch_profile(sketch), HC_PROFILE_REDIS);
    ck_assert_uint_eq(hc_sketch_precision(sketch), 14);
    ck_assert_int_eq(hc_sketch_is_sparse(sketch), 1);
    ck_assert_double_eq(estimate.value, 0);
    ck_assert_double_eq(estimate.low, 0);
    ck_assert_double_eq(estimate.high, 0);
    ck_assert_double_eq(estimate.error, 0);
    hc_sketch_destroy(&sketch);
    ck_assert_ptr_null(sketch);
    hc_sketch_destroy(&nothing);
}
END_TEST

START_TEST(add_is_hash_then_add_hash)
{
    struct hc_sketch *by_id = kit_create(14, NULL), *by_hash = kit_create(14, NULL);
    const char *ids[] = {"", "a", "b", "user-1", "0123456789abcdef", "a"};

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct hc_hash hash = hc_hash_bytes(HC_PROFILE_REDIS, ids[i], strlen(ids[i]));
        int by_id_changed = 7, by_hash_changed = 7;

        ck_assert_int_eq(hc_sketch_add(by_id, ids[i], strlen(ids[i]), &by_id_changed), HC_OK);
        ck_assert_int_eq(hc_sketch_add_hash(by_hash, hash, &by_hash_changed), HC_OK);
        ck_assert_int_eq(by_id_changed, i < 5);
        ck_assert_int_eq(by_hash_changed, i < 5);
    }
    kit_same(by_id, by_hash);
    ck_assert_int_eq(hc_sketch_add(by_id, NULL, 0, NULL), HC_OK); /* the empty id again */
    kit_same(by_id, by_hash);
    hc_sketch_destroy(&by_id);
    hc_sketch_destroy(&by_hash);
}
END_TEST

static void prefetch_from(enum hc_profile profile, unsigned precision, unsigned users)
{
    static const uint8_t key[HC_KEY_SIZE] = {1};
    struct hc_sketch_options options = {
        .profile = profile, .precision = precision,
        .key = profile == HC_PROFILE_KEYED ? key : NULL};
    struct hc_sketch *sketch = NULL, *before;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (unsigned i = 0; i < users; i++)
        hc_sketch_add(sketch, &i, sizeof i, NULL);
    before = kit_copy(sketch);
    for (unsigned i = 0; i < 1000; i++)
        hc_sketch_prefetch(sketch, &i, sizeof i);
    hc_sketch_prefetch(sketch, NULL, 0);
    kit_same(sketch, before);
    hc_sketch_destroy(&before);
    hc_sketch_destroy(&sketch);
}

/* It changes nothing, whatever the form, the profile, the precision and the id. */
START_TEST(prefetch_is_a_hint)
{
    for (enum hc_profile profile = HC_PROFILE_REDIS; profile <= HC_PROFILE_KEYED; profile++) {
        for (unsigned precision = 10; precision <= 16; precision++) {
            for (unsigned users = 0; users < 100000; users = users * 40 + 1)
                prefetch_from(profile, precision, users);
        }
    }
}
END_TEST

/* `changed` against the truth: the encoded bytes before and after. */
START_TEST(changed_is_exact)
{
    for (unsigned precision = 4; precision <= 8; precision++) {
        struct hc_sketch *sketch = kit_create(precision, NULL);

        for (uint64_t i = 0; i < 600; i++) {
            struct hc_sketch *before = kit_copy(sketch);
            int changed = 7;

            ck_assert_int_eq(hc_sketch_add_hash(sketch, kit_hash(i * i % 499), &changed), HC_OK);
            ck_assert_int_eq(changed, hc_sketch_is_sparse(before) != hc_sketch_is_sparse(sketch) ||
                                          hc_digest(before) != hc_digest(sketch));
            hc_sketch_destroy(&before);
        }
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

/* The form depends on how many places the ids take: a bit for each. */
static void promotes_at_limit(enum hc_profile profile, unsigned precision)
{
    static uint8_t taken[1 << 23];
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);
    uint64_t limit = kit_limit(profile, precision), places = 0;

    memset(taken, 0, sizeof taken);
    for (uint64_t i = 0; places < limit + 10; i++) {
        uint32_t place = kit_place(profile, kit_hash(i));

        kit_add(sketch, i, i + 1);
        places += (taken[place / 8] >> place % 8 & 1) == 0;
        taken[place / 8] |= (uint8_t)(1 << place % 8);
        if (hc_sketch_is_sparse(sketch) != (places <= limit))
            ck_abort_msg("%s, p %u: wrong form at %llu places", hc_profile_name(profile),
                         precision, (unsigned long long)places);
    }
    kit_check(sketch);
    hc_sketch_destroy(&sketch);
}

START_TEST(promotes_once)
{
    for (int profile = HC_PROFILE_REDIS; profile <= HC_PROFILE_KEYED; profile++) {
        for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++)
            promotes_at_limit((enum hc_profile)profile, precision);
    }
}
END_TEST

/* Folding must not make a dense sketch one that would have been sparse. */
START_TEST(limits_fall_with_precision)
{
    for (int profile = HC_PROFILE_REDIS; profile <= HC_PROFILE_KEYED; profile++) {
        ck_assert_uint_ge(kit_limit((enum hc_profile)profile, HC_PRECISION_MIN), 1);
        for (unsigned precision = HC_PRECISION_MIN; precision < HC_PRECISION_MAX; precision++)
            ck_assert_uint_lt(kit_limit((enum hc_profile)profile, precision),
                              kit_limit((enum hc_profile)profile, precision + 1));
    }
}
END_TEST

/* What the allocator gave is what the sketch says it holds, and all of it
 * comes back. Four bytes a user, and little for a few. */
START_TEST(memory_is_accounted)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch *sketch = kit_create(14, &allocator);

    ck_assert_uint_eq(hc_sketch_memory(sketch), memory.bytes);
    ck_assert_uint_lt(hc_sketch_memory(sketch), 100);
    for (uint64_t i = 0; i < 5000; i++) {
        kit_add(sketch, i, i + 1);
        if (hc_sketch_memory(sketch) != memory.bytes)
            ck_abort_msg("%zu of %zu bytes", hc_sketch_memory(sketch), memory.bytes);
        if (i == 1)
            ck_assert_uint_lt(memory.bytes, 100);
        if (hc_sketch_is_sparse(sketch) && memory.bytes > 120 + 27 * i / 4)
            ck_abort_msg("%zu bytes for %llu ids", memory.bytes, (unsigned long long)i);
    }
    ck_assert_uint_lt(memory.bytes, 16384 + 100);
    ck_assert_int_eq(hc_sketch_fold(sketch, 10), HC_OK);
    ck_assert_uint_eq(hc_sketch_memory(sketch), memory.bytes);
    ck_assert_uint_lt(memory.bytes, 1024 + 100);
    hc_sketch_destroy(&sketch);
    ck_assert_uint_eq(memory.blocks, 0);
    ck_assert_uint_eq(memory.bytes, 0);
}
END_TEST

/* Once the ids are known, adding them again asks for nothing. */
START_TEST(steady_state_allocates_nothing)
{
    const uint64_t sizes[] = {1, 100, 3072, 50000};

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct kit_memory memory = {.left = -1};
        struct hc_allocator allocator = kit_allocator(&memory);
        struct hc_sketch *sketch = kit_create(14, &allocator);
        size_t before;

        kit_add(sketch, 0, sizes[s]);
        before = memory.allocations;
        kit_add(sketch, 0, sizes[s]);
        hc_sketch_estimate(sketch);
        hc_digest(sketch);
        ck_assert_uint_eq(memory.allocations, before);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

START_TEST(copy_is_independent)
{
    const uint64_t sizes[] = {0, 1, 5, 6, 64, 65, 1000, 3072, 3073};

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct hc_sketch *sketch = kit_range(14, 0, sizes[s]), *copy = kit_copy(sketch);
        struct hc_sketch *again = kit_range(14, 0, sizes[s]);

        kit_same(sketch, copy);
        kit_add(copy, 5000, 5010);
        kit_same(sketch, again);
        hc_sketch_destroy(&sketch);
        kit_add(again, 5000, 5010);
        kit_same(copy, again);
        hc_sketch_destroy(&copy);
        hc_sketch_destroy(&again);
    }
}
END_TEST

START_TEST(registers_need_room)
{
    struct hc_sketch *sketch = kit_range(6, 0, 3);
    uint8_t registers[64];

    memset(registers, 0xaa, sizeof registers);
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, 63), HC_EROOM);
    for (size_t i = 0; i < sizeof registers; i++)
        ck_assert_uint_eq(registers[i], 0xaa);
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, 64), HC_OK);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(fold_refuses)
{
    struct hc_sketch *sketch = kit_range(10, 0, 100), *same = kit_copy(sketch);

    ck_assert_int_eq(hc_sketch_fold(sketch, 11), HC_ERANGE);
    ck_assert_int_eq(hc_sketch_fold(sketch, HC_PRECISION_MIN - 1), HC_ERANGE);
    ck_assert_int_eq(hc_sketch_fold(sketch, 0), HC_ERANGE);
    ck_assert_int_eq(hc_sketch_fold(sketch, 10), HC_OK);
    kit_same(sketch, same);
    hc_sketch_destroy(&sketch);
    hc_sketch_destroy(&same);
}
END_TEST

/* An allocator that sees which blocks hold the key as they come back, and the
 * first of those that went out. */
struct key_watch {
    void *first;
    int seen;
};

static int holds_key(void *block)
{
    return memmem(block, malloc_usable_size(block), KIT_KEY, HC_KEY_SIZE) != NULL;
}

static void *watch_resize(void *context, void *pointer, size_t size)
{
    struct key_watch *watch = context;

    ck_assert_ptr_null(pointer);
    pointer = calloc(1, size);
    if (watch->first == NULL)
        watch->first = pointer;
    return pointer;
}

static void watch_release(void *context, void *pointer)
{
    struct key_watch *watch = context;

    watch->seen += holds_key(pointer);
    free(pointer);
}

START_TEST(destroy_wipes_the_key)
{
    struct key_watch watch = {NULL, 0};
    struct hc_allocator allocator = {watch_resize, watch_release, &watch};
    const uint64_t counts[] = {0, 100, 5000};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct hc_sketch *sketch, *copy = NULL;

        watch.first = NULL;
        sketch = kit_create_as(HC_PROFILE_KEYED, 14, &allocator);
        ck_assert_msg(holds_key(watch.first), "the key is not where it is looked for");
        kit_add(sketch, 0, counts[i]);
        ck_assert_int_eq(hc_sketch_copy(sketch, &copy), HC_OK);
        hc_sketch_destroy(&sketch);
        hc_sketch_destroy(&copy);
        ck_assert_int_eq(watch.seen, 0);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, statuses);
    tcase_add_test(cases, profiles);
    tcase_add_test(cases, refuses_options);
    tcase_add_test(cases, empty);
    tcase_add_test(cases, add_is_hash_then_add_hash);
    tcase_add_test(cases, changed_is_exact);
    tcase_add_test(cases, promotes_once);
    tcase_add_test(cases, prefetch_is_a_hint);
    tcase_add_test(cases, limits_fall_with_precision);
    tcase_add_test(cases, memory_is_accounted);
    tcase_add_test(cases, steady_state_allocates_nothing);
    tcase_add_test(cases, copy_is_independent);
    tcase_add_test(cases, registers_need_room);
    tcase_add_test(cases, fold_refuses);
    tcase_add_test(cases, destroy_wipes_the_key);
}
