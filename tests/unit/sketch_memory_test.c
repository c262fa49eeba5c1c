/* Goal: whichever allocation fails, the call answers HC_ENOMEM, leaves its
 * sketches as they were and leaks nothing.
 *
 * Each scenario runs with 0, 1, 2, ... allocations allowed until it passes, so
 * that every allocation of the library fails once. */
#include "check_main.h"
#include "headcount/foreign.h"
#include "sketch_kit.h"

/* A call under test: its status, with `sketch` and `other` at hand. */
struct scenario {
    const char *name;
    enum hc_status (*call)(struct hc_sketch *sketch, const struct hc_sketch *other);
    unsigned precision, other_precision;
    uint64_t count, other_count;
};

static enum hc_status call_add(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    (void)other;
    return hc_sketch_add_hash(sketch, kit_hash(1000000), NULL);
}

static enum hc_status call_union(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    return hc_sketch_union(sketch, other, NULL);
}

static enum hc_status call_fold(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    return hc_sketch_fold(sketch, hc_sketch_precision(other));
}

static enum hc_status call_copy(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    struct hc_sketch *copy = NULL;
    enum hc_status status = hc_sketch_copy(sketch, &copy);

    (void)other;
    ck_assert_int_eq(status == HC_OK, copy != NULL);
    hc_sketch_destroy(&copy);
    return status;
}

static enum hc_status call_encode(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    size_t room = hc_encode_size_max(sketch), size = 12345;
    void *bytes = malloc(room);
    enum hc_status status = hc_encode(sketch, bytes, room, &size);

    (void)other;
    ck_assert_int_eq(status == HC_OK, size != 12345);
    free(bytes);
    return status;
}

static enum hc_status call_redis(struct hc_sketch *sketch, const struct hc_sketch *other)
{
    uint8_t bytes[HC_REDIS_SIZE_MAX];
    size_t size = 12345;
    enum hc_status status = hc_redis_encode(sketch, bytes, sizeof bytes, &size);

    (void)other;
    ck_assert_int_eq(status == HC_OK, size != 12345);
    return status;
}

static const struct scenario scenarios[] = {
    {"the block of coupons", call_add, 14, 14, 5, 0},
    {"a larger block", call_add, 14, 14, 10, 0},
    {"promotion", call_add, 10, 14, 153, 0},
    {"union of sparse", call_union, 14, 14, 100, 500},
    {"union of sparse at different precision", call_union, 14, 12, 100, 500},
    {"union of sparse that becomes dense", call_union, 10, 10, 120, 150},
    {"union of sparse and dense", call_union, 10, 10, 120, 2000},
    {"union of dense and coarser dense", call_union, 12, 10, 2000, 2000},
    {"union of dense and coarser sparse", call_union, 12, 8, 2000, 20},
    {"fold to dense", call_fold, 14, 8, 100, 0},
    {"fold of dense", call_fold, 12, 4, 2000, 0},
    {"copy of few", call_copy, 14, 14, 3, 0},
    {"copy of sparse", call_copy, 14, 14, 100, 0},
    {"copy of dense", call_copy, 10, 14, 1000, 0},
    {"encoding sparse", call_encode, 14, 14, 1000, 0},
    {"encoding dense", call_encode, 14, 14, 5000, 0},
    {"encoding dense of 2^18", call_encode, 18, 18, 70000, 0},
    {"Redis from sparse", call_redis, 14, 14, 100, 0},
    {"Redis from dense", call_redis, 16, 14, 20000, 0},
};

/* Whether the scenario passed with `left` allocations. */
static int scenario_passes(const struct scenario *scenario, long left)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch *sketch = kit_create(scenario->precision, &allocator), *before;
    struct hc_sketch *other =
        kit_range(scenario->other_precision, 500, 500 + scenario->other_count);
    enum hc_status status;
    size_t bytes;

    kit_add(sketch, 0, scenario->count);
    before = kit_range(scenario->precision, 0, scenario->count);
    bytes = memory.bytes;
    memory.left = left;
    status = scenario->call(sketch, other);
    memory.left = -1;
    ck_assert_uint_eq(hc_sketch_memory(sketch), memory.bytes);
    kit_check(sketch);
    if (status != HC_OK) {
        ck_assert_msg(status == HC_ENOMEM, "%s: %s", scenario->name, hc_status_name(status));
        ck_assert_uint_eq(memory.bytes, bytes);
        kit_same(sketch, before);
    }
    hc_sketch_destroy(&sketch);
    ck_assert_uint_eq(memory.blocks, 0);
    hc_sketch_destroy(&before);
    hc_sketch_destroy(&other);
    return status == HC_OK;
}

START_TEST(every_allocation_fails)
{
    const struct scenario *scenario = &scenarios[_i];
    long allocations = 0;

    while (!scenario_passes(scenario, allocations))
        allocations++;
    if (scenario->call != call_encode || scenario->count > 3072)
        ck_assert_msg(allocations > 0, "%s allocates nothing", scenario->name);
    ck_assert_int_lt(allocations, 20);
}
END_TEST

START_TEST(creation_fails)
{
    struct kit_memory memory = {.left = 0};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch_options options = {HC_PROFILE_REDIS, 14, &allocator, NULL};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_ENOMEM);
    ck_assert_ptr_null(sketch);
}
END_TEST

START_TEST(decoding_fails)
{
    const uint64_t counts[] = {0, 3, 1000, 5000};

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct hc_sketch *sketch = kit_range(14, 0, counts[c]), *decoded = NULL;
        enum hc_status status = HC_ENOMEM;
        size_t size;
        uint8_t *bytes = kit_encode(sketch, &size);
        long left = -1;

        while (status == HC_ENOMEM) {
            struct kit_memory memory = {.left = ++left};
            struct hc_allocator allocator = kit_allocator(&memory);

            status = hc_decode(bytes, size, &allocator, &decoded);
            memory.left = -1;
            ck_assert_int_eq(status == HC_OK, decoded != NULL);
            if (decoded != NULL)
                kit_same(sketch, decoded);
            hc_sketch_destroy(&decoded);
            ck_assert_uint_eq(memory.blocks, 0);
        }
        ck_assert_int_eq(status, HC_OK);
        ck_assert_int_gt(left, 0);
        free(bytes);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

/* The same calls once more after the first failure, with the memory that a
 * failed one left: the codec is none the worse for it. */
static enum hc_status codec_call(struct hc_codec *codec, const struct hc_sketch *sketch,
                                 struct kit_memory *memory)
{
    size_t room = hc_encode_size_max(sketch), size = 12345;
    uint8_t *bytes = malloc(room);
    struct hc_sketch *decoded = NULL;
    enum hc_status first, status = hc_codec_encode(codec, sketch, bytes, room, &size);
    long left;

    ck_assert_int_eq(status == HC_OK, size != 12345);
    first = status;
    if (status == HC_ENOMEM) {
        memory->left = -1;
        ck_assert_int_eq(hc_codec_encode(codec, sketch, bytes, room, &size), HC_OK);
    }
    status = hc_codec_decode(codec, bytes, size, &decoded);
    ck_assert_int_eq(status == HC_OK, decoded != NULL);
    if (status == HC_ENOMEM) {
        first = status;
        memory->left = -1;
        ck_assert_int_eq(hc_codec_decode(codec, bytes, size, &decoded), HC_OK);
    }
    left = memory->left;
    memory->left = -1; /* comparing needs memory, too */
    kit_same(decoded, sketch);
    memory->left = left;
    hc_sketch_destroy(&decoded);
    free(bytes);
    return first;
}

START_TEST(codec_fails)
{
    struct hc_sketch *sketches[] = {kit_range(14, 0, 100), kit_range(14, 0, 5000),
                                    kit_range(18, 0, 70000)};
    enum hc_status status = HC_ENOMEM;
    long left;

    for (left = 0; status == HC_ENOMEM; left++) {
        struct kit_memory memory = {.left = left};
        struct hc_allocator allocator = kit_allocator(&memory);
        struct hc_codec *codec = NULL;

        status = hc_codec_create(&allocator, &codec);
        ck_assert_int_eq(status == HC_OK, codec != NULL);
        for (size_t i = 0; i < 3 && codec != NULL; i++) {
            enum hc_status one = codec_call(codec, sketches[i], &memory);

            status = status == HC_OK ? one : status;
        }
        hc_codec_destroy(&codec);
        ck_assert_ptr_null(codec);
        hc_codec_destroy(&codec);
        ck_assert_uint_eq(memory.blocks, 0);
    }
    ck_assert_int_eq(status, HC_OK);
    ck_assert_int_ge(left, 10); /* itself, three sketches, two contexts, a larger one */
    for (size_t i = 0; i < 3; i++)
        hc_sketch_destroy(&sketches[i]);
}
END_TEST

/* Once its contexts are there, a codec asks for the sketches' memory only. */
START_TEST(codec_keeps_its_memory)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch *sketch = kit_range(14, 0, 5000), *decoded = NULL;
    size_t room = hc_encode_size_max(sketch), size, before;
    uint8_t *bytes = malloc(room);
    struct hc_codec *codec = NULL;

    ck_assert_int_eq(hc_codec_create(&allocator, &codec), HC_OK);
    ck_assert_uint_lt(memory.bytes, 100);
    for (int round = 0; round < 5; round++) {
        before = memory.allocations;
        ck_assert_int_eq(hc_codec_encode(codec, sketch, bytes, room, &size), HC_OK);
        if (round > 0)
            ck_assert_uint_eq(memory.allocations, before);
        ck_assert_int_eq(hc_codec_decode(codec, bytes, size, &decoded), HC_OK);
        if (round > 0)
            ck_assert_uint_eq(memory.allocations, before + 2);
        hc_sketch_destroy(&decoded);
    }
    ck_assert_uint_lt(memory.bytes, 300 * 1024);
    hc_codec_destroy(&codec);
    ck_assert_uint_eq(memory.bytes, 0);
    hc_sketch_destroy(&sketch);
    free(bytes);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, every_allocation_fails, 0,
                        (int)(sizeof scenarios / sizeof scenarios[0]));
    tcase_add_test(tcase, creation_fails);
    tcase_add_test(tcase, decoding_fails);
    tcase_add_test(tcase, codec_fails);
    tcase_add_test(tcase, codec_keeps_its_memory);
}
