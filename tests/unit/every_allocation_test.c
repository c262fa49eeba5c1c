/* Goal: any one allocation of any call may fail, alone or with all that follow:
 * the call answers HC_ENOMEM, or does without and gives what it always gives.
 * Nothing leaks, no argument is the worse for it, no result is written.
 *
 * Every public function that asks for memory is in the table; each runs on
 * every profile, on few users, on many, and on sketches that are unlike. */
#include <stdbool.h>

#include "check_main.h"
#include "foreign_forms.h"
#include "headcount/overlap.h"
#include "sketch_kit.h"

#define PROFILES 6
#define UNWRITTEN 12345

/* What a call works on; all of it comes from one allocator. */
struct world {
    struct kit_memory memory;
    long seen;  /* allocations since it was armed */
    long fails; /* the first of them that fails; 0 for none */
    int once;   /* that one only */
    struct hc_allocator allocator;
    struct hc_sketch *sketch, *other;
    struct hc_codec *codec;
    uint8_t *bytes; /* what a decoder reads, or room for an encoder */
    size_t room, size;
};

/* Runs a call in one of FORMS_MAX ways; the digest of its result goes to *result. */
typedef enum hc_status operation(struct world *world, unsigned way, uint64_t *result);

struct fill {
    unsigned precision, other_precision;
    uint64_t count, other_count;
};

static const struct fill fills[] = {
    {14, 14, 0, 3},       {14, 14, 5, 6},      {14, 12, 10, 200}, {14, 14, 300, 2500},
    {14, 14, 5000, 9000}, {10, 11, 100, 3000}, {11, 10, 3000, 5}, {15, 14, 9000, 6000},
};

static void *world_resize(void *context, void *pointer, size_t size)
{
    struct world *world = context;

    world->seen++;
    if (world->fails > 0 && (world->once ? world->seen == world->fails
                                         : world->seen >= world->fails))
        return NULL;
    return kit_memory_resize(&world->memory, pointer, size);
}

static void world_release(void *context, void *pointer)
{
    kit_memory_release(&((struct world *)context)->memory, pointer);
}

static void fill_ids(struct hc_sketch *sketch, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++) {
        if (hc_sketch_add(sketch, &i, sizeof i, NULL) != HC_OK)
            ck_abort_msg("id %llu could not be added", (unsigned long long)i);
    }
}

/* FNV-1a. */
static uint64_t digest_bytes(const void *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The end of a call that makes a sketch. */
static enum hc_status made(enum hc_status status, struct hc_sketch **sketch, uint64_t *result)
{
    ck_assert_int_eq(status == HC_OK, *sketch != NULL);
    if (status == HC_OK) {
        kit_check(*sketch);
        *result = hc_digest(*sketch);
    }
    hc_sketch_destroy(sketch);
    return status;
}

/* The end of a call that changes world->sketch. */
static enum hc_status changed(enum hc_status status, const struct world *world, uint64_t *result)
{
    if (status == HC_OK)
        *result = hc_digest(world->sketch);
    return status;
}

/* The end of a call that writes bytes. */
static enum hc_status written(enum hc_status status, const struct world *world, size_t size,
                              uint64_t *result)
{
    ck_assert_int_eq(status == HC_OK, size != UNWRITTEN);
    if (status == HC_OK)
        *result = digest_bytes(world->bytes, size);
    return status;
}

static enum hc_status call_create(struct world *world, unsigned way, uint64_t *result)
{
    enum hc_profile profile = hc_sketch_profile(world->sketch);
    const uint8_t *key = profile == HC_PROFILE_KEYED ? KIT_KEY : NULL;
    struct hc_sketch_options options = {profile, 4 + way, &world->allocator, key};
    struct hc_sketch *sketch = NULL;

    return made(hc_sketch_create(&options, &sketch), &sketch, result);
}

static enum hc_status call_copy(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_sketch *copy = NULL;

    (void)way;
    return made(hc_sketch_copy(world->sketch, &copy), &copy, result);
}

/* One more id; the fills end right before a sketch grows, or don't. */
static enum hc_status call_add(struct world *world, unsigned way, uint64_t *result)
{
    uint64_t id = 1000000 + way;

    return changed(hc_sketch_add(world->sketch, &id, sizeof id, NULL), world, result);
}

static enum hc_status call_union(struct world *world, unsigned way, uint64_t *result)
{
    const struct hc_sketch *from = way % 2 == 0 ? world->other : world->sketch;

    return changed(hc_sketch_union(world->sketch, from, NULL), world, result);
}

static enum hc_status call_fold(struct world *world, unsigned way, uint64_t *result)
{
    unsigned precision = hc_sketch_precision(world->sketch);

    return changed(hc_sketch_fold(world->sketch, precision - way), world, result);
}

static enum hc_status call_intersection(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_estimate estimate = {0};
    enum hc_status status = way % 2 == 0
        ? hc_sketch_intersection(world->sketch, world->other, &estimate)
        : hc_sketch_intersection(world->other, world->sketch, &estimate);

    *result = digest_bytes(&estimate, sizeof estimate);
    return status;
}

static enum hc_status call_difference(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_estimate estimate = {0};
    enum hc_status status = way % 2 == 0
        ? hc_sketch_difference(world->sketch, world->other, &estimate)
        : hc_sketch_difference(world->other, world->sketch, &estimate);

    *result = digest_bytes(&estimate, sizeof estimate);
    return status;
}

static enum hc_status call_encode(struct world *world, unsigned way, uint64_t *result)
{
    size_t size = UNWRITTEN;
    enum hc_status status = hc_encode(world->sketch, world->bytes, world->room, &size);

    (void)way;
    return written(status, world, size, result);
}

static enum hc_status call_decode(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_sketch *sketch = NULL;

    (void)way;
    return made(hc_decode(world->bytes, world->size, &world->allocator, &sketch), &sketch, result);
}

static enum hc_status call_codec_create(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_codec *codec = NULL;
    enum hc_status status = hc_codec_create(&world->allocator, &codec);

    (void)way;
    ck_assert_int_eq(status == HC_OK, codec != NULL);
    hc_codec_destroy(&codec);
    *result = 0;
    return status;
}

static enum hc_status call_codec_encode(struct world *world, unsigned way, uint64_t *result)
{
    size_t size = UNWRITTEN;
    enum hc_status status =
        hc_codec_encode(world->codec, world->sketch, world->bytes, world->room, &size);

    (void)way;
    return written(status, world, size, result);
}

static enum hc_status call_codec_decode(struct world *world, unsigned way, uint64_t *result)
{
    struct hc_sketch *sketch = NULL;

    (void)way;
    return made(hc_codec_decode(world->codec, world->bytes, world->size, &sketch), &sketch,
                result);
}

static enum hc_status call_foreign_encode(struct world *world, unsigned way, uint64_t *result)
{
    size_t size = UNWRITTEN;
    enum hc_status status = forms_encode(world->sketch, way, world->bytes, world->room, &size);

    return written(status, world, size, result);
}

static enum hc_status call_foreign_decode(struct world *world, unsigned way, uint64_t *result)
{
    forms_decode *decode = forms_decoder(hc_sketch_profile(world->sketch));
    struct hc_sketch *sketch = NULL;

    (void)way;
    return made(decode(world->bytes, world->size, &world->allocator, &sketch), &sketch, result);
}

static const struct {
    const char *name;
    operation *call;
    unsigned ways;
    enum { READS_NOTHING, READS_NATIVE, READS_FOREIGN } reads;
} operations[] = {
    {"hc_sketch_create", call_create, 1, READS_NOTHING},
    {"hc_sketch_copy", call_copy, 1, READS_NOTHING},
    {"hc_sketch_add", call_add, 2, READS_NOTHING},
    {"hc_sketch_union", call_union, 2, READS_NOTHING},
    {"hc_sketch_fold", call_fold, FORMS_MAX, READS_NOTHING},
    {"hc_sketch_intersection", call_intersection, 2, READS_NOTHING},
    {"hc_sketch_difference", call_difference, 2, READS_NOTHING},
    {"hc_encode", call_encode, 1, READS_NOTHING},
    {"hc_decode", call_decode, 1, READS_NATIVE},
    {"hc_codec_create", call_codec_create, 1, READS_NOTHING},
    {"hc_codec_encode", call_codec_encode, 1, READS_NOTHING},
    {"hc_codec_decode", call_codec_decode, 1, READS_NATIVE},
    {"encoding for an engine", call_foreign_encode, FORMS_MAX, READS_NOTHING},
    {"decoding an engine's", call_foreign_decode, FORMS_MAX, READS_FOREIGN},
};

#define OPERATIONS (sizeof operations / sizeof operations[0])

static void world_make(struct world *world, const struct hc_sketch *sketch,
                       const struct hc_sketch *other)
{
    const struct hc_sketch *from[] = {sketch, other};
    struct hc_sketch **into[] = {&world->sketch, &world->other};
    size_t rooms[2] = {hc_encode_size_max(sketch),
                       HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch))};

    *world = (struct world){.memory = {.left = -1}};
    world->allocator = (struct hc_allocator){world_resize, world_release, world};
    for (int i = 0; i < 2; i++) {
        *into[i] = kit_create_as(hc_sketch_profile(from[i]), hc_sketch_precision(from[i]),
                                 &world->allocator);
        ck_assert_int_eq(hc_sketch_union(*into[i], from[i], NULL), HC_OK);
    }
    ck_assert_int_eq(hc_codec_create(&world->allocator, &world->codec), HC_OK);
    world->room = rooms[0] > rooms[1] ? rooms[0] : rooms[1];
    world->bytes = malloc(world->room);
    ck_assert_ptr_nonnull(world->bytes);
}

static void world_end(struct world *world)
{
    hc_sketch_destroy(&world->sketch);
    hc_sketch_destroy(&world->other);
    hc_codec_destroy(&world->codec);
    ck_assert_uint_eq(world->memory.blocks, 0);
    ck_assert_uint_eq(world->memory.bytes, 0);
    free(world->bytes);
}

/* What the operation decodes; 0 when the engine has no such form. */
static int world_read(struct world *world, size_t which, unsigned way)
{
    if (operations[which].reads == READS_NATIVE)
        return hc_encode(world->sketch, world->bytes, world->room, &world->size) == HC_OK;
    if (operations[which].reads == READS_FOREIGN)
        return forms_encode(world->sketch, way, world->bytes, world->room, &world->size) == HC_OK;
    return 1;
}

/* A call in `world`, where allocation number `fails` does; 1 if there were so
 * many. Then once more, and the status and result are of the call that had memory. */
static int call_failing(struct world *world, size_t which, unsigned way, long fails,
                        enum hc_status *status, uint64_t *result)
{
    operation *call = operations[which].call;
    struct hc_sketch *before = kit_copy(world->sketch), *other = kit_copy(world->other);
    size_t blocks = world->memory.blocks;
    long seen;

    world->seen = 0;
    world->fails = fails;
    *status = call(world, way, result);
    seen = world->seen;
    world->fails = 0;
    kit_check(world->sketch);
    kit_same(world->other, other);
    if (*status == HC_ENOMEM) {
        /* What zstd has got stays with the codec. */
        if (world->memory.blocks != blocks && call != call_codec_encode &&
            call != call_codec_decode)
            ck_abort_msg("%s leaks", operations[which].name);
        kit_same(world->sketch, before);
        *status = call(world, way, result);
    } else if (seen >= fails && !world->once) {
        ck_abort_msg("%s: no memory, and %s", operations[which].name, hc_status_name(*status));
    }
    hc_sketch_destroy(&before);
    hc_sketch_destroy(&other);
    return seen >= fails;
}

/* The operation with and without the failure; 1 if there was one. */
static int operation_fails(size_t which, unsigned way, const struct hc_sketch *sketch,
                           const struct hc_sketch *other, long fails, int once)
{
    uint64_t expected = 0, result = 0;
    enum hc_status usual, status;
    struct world world, well;
    int failed = 0;

    world_make(&well, sketch, other);
    world_make(&world, sketch, other);
    if (world_read(&well, which, way) && world_read(&world, which, way)) {
        world.once = once;
        usual = operations[which].call(&well, way, &expected);
        failed = call_failing(&world, which, way, fails, &status, &result);
        if (status != usual || result != expected)
            ck_abort_msg("%s, way %u: %s, usually %s", operations[which].name, way,
                         hc_status_name(status), hc_status_name(usual));
    }
    world_end(&world);
    world_end(&well);
    return failed;
}

static unsigned ways_of(size_t which, enum hc_profile profile)
{
    bool is_foreign = operations[which].call == call_foreign_encode ||
                      operations[which].call == call_foreign_decode;
    bool has_one_form = profile == HC_PROFILE_REDIS || profile == HC_PROFILE_TRINO;

    if (is_foreign && profile == HC_PROFILE_KEYED)
        return 0;
    return is_foreign && has_one_form ? 1 : operations[which].ways;
}

START_TEST(every_allocation)
{
    enum hc_profile profile = (enum hc_profile)(_i % PROFILES + 1);
    const struct fill *fill = &fills[_i / PROFILES];
    struct hc_sketch *sketch = kit_create_as(profile, fill->precision, NULL);
    struct hc_sketch *other = kit_create_as(profile, fill->other_precision, NULL);

    fill_ids(sketch, 0, fill->count);
    fill_ids(other, fill->count / 2, fill->other_count);
    for (size_t which = 0; which < OPERATIONS; which++) {
        for (unsigned way = 0; way < ways_of(which, profile); way++) {
            for (int once = 0; once < 2; once++) {
                long fails = 1;

                while (operation_fails(which, way, sketch, other, fails, once))
                    ck_assert_int_lt(++fails, 200);
            }
        }
    }
    hc_sketch_destroy(&sketch);
    hc_sketch_destroy(&other);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, every_allocation, 0,
                        (int)(sizeof fills / sizeof fills[0]) * PROFILES);
}
