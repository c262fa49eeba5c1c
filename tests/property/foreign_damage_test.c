/* Goal: whatever happens to an engine's bytes, our decoder says what a second
 * reader says (support/foreign_model.h): refused, or the same registers.
 *
 * Samples of every form of every engine, ours and the engines' own, are cut at
 * every byte, lengthened, every bit is flipped, every byte and every group of
 * bytes set to extremes, bytes at random are exchanged. What decodes is valid
 * and comes back from being written again. No allocation is larger than the
 * header promises, and nothing leaks. The bytes lie at the end of a block of
 * their size, so that a sanitizer sees a read too far. */
#include "check_main.h"
#include "foreign_forms.h"
#include "foreign_model.h"
#include "vectors.h"

#define IMAGE_MAX HC_FOREIGN_SIZE_MAX(HC_PRECISION_MAX)
/* Damage costs time by the register: larger samples are damaged at fewer places. */
#define EFFORT (1 << 17)
#define SURPLUS_MAX 9

static uint8_t image[IMAGE_MAX], registers[KIT_REGISTERS_MAX];
static struct foreign_model model;

struct sample {
    enum hc_profile profile;
    size_t size;
    uint8_t *bytes; /* with room for the surplus */
    unsigned precision;
    size_t accepted, refused;
};

/* Counts, and keeps what the largest request was. */
struct meter {
    struct kit_memory memory;
    size_t request_max;
};

static void *meter_resize(void *context, void *pointer, size_t size)
{
    struct meter *meter = context;

    meter->request_max = size > meter->request_max ? size : meter->request_max;
    return kit_memory_resize(&meter->memory, pointer, size);
}

static void meter_release(void *context, void *pointer)
{
    kit_memory_release(&((struct meter *)context)->memory, pointer);
}

/* Has the sketch the model's registers? */
static bool is_the_model(const struct hc_sketch *sketch)
{
    size_t size = (size_t)1 << model.precision;

    return hc_sketch_precision(sketch) == model.precision &&
           hc_sketch_registers(sketch, registers, sizeof registers) == HC_OK &&
           memcmp(registers, model.registers, size) == 0;
}

/* Registers of all ones are written narrower by some columns of PostgreSQL. */
static void comes_back(const struct hc_sketch *sketch, unsigned way)
{
    enum hc_profile profile = hc_sketch_profile(sketch);
    struct hc_sketch *back = NULL;
    size_t size = 0;
    enum hc_status status = forms_encode(sketch, way, image, IMAGE_MAX, &size);

    if (status == HC_ERANGE || status == HC_EPRECISION)
        return;
    if (status != HC_OK || size > HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch)))
        ck_abort_msg("%s writes %zu bytes", hc_status_name(status), size);
    if (forms_decoder(profile)(image, size, NULL, &back) != HC_OK || !is_the_model(back))
        ck_abort_msg("%s: way %u changes a sketch", hc_profile_name(profile), way);
    hc_sketch_destroy(&back);
}

static void is_read_right(struct sample *sample, const uint8_t *bytes, size_t size,
                          const char *damage, size_t at)
{
    struct meter meter = {.memory.left = -1};
    struct hc_allocator allocator = {meter_resize, meter_release, &meter};
    size_t bound = size * 2 > KIT_REGISTERS_MAX ? size * 2 : KIT_REGISTERS_MAX;
    uint8_t *exact = malloc(size + 1);
    struct hc_sketch *sketch = NULL;
    enum hc_status status;
    bool is_right;

    memcpy(exact + 1, bytes, size);
    status = forms_decoder(sample->profile)(exact + 1, size, &allocator, &sketch);
    is_right = model_read(sample->profile, exact + 1, size, &model);
    free(exact);
    if ((status == HC_OK) != is_right)
        ck_abort_msg("%s, %zu bytes, %s at %zu: %s, and the model %s",
                     hc_profile_name(sample->profile), size, damage, at, hc_status_name(status),
                     is_right ? "accepts" : "refuses");
    if (status == HC_OK) {
        struct hc_estimate estimate = hc_sketch_estimate(sketch);

        kit_check(sketch);
        if (!is_the_model(sketch) || !(estimate.value >= 0 && estimate.high < 1e300))
            ck_abort_msg("%s, %zu bytes, %s at %zu: other registers than the model's",
                         hc_profile_name(sample->profile), size, damage, at);
        comes_back(sketch, (unsigned)(sample->accepted++ % FORMS_MAX));
    } else if ((status < HC_ETRUNCATED || status > HC_ECORRUPT) && status != HC_EPRECISION) {
        ck_abort_msg("answered %s", hc_status_name(status));
    }
    sample->refused += status != HC_OK;
    hc_sketch_destroy(&sketch);
    if (meter.memory.blocks != 0 || meter.request_max > bound)
        ck_abort_msg("%s at %zu: %zu blocks left, %zu bytes asked for", damage, at,
                     meter.memory.blocks, meter.request_max);
}

/* Of larger samples every so many places. */
static size_t stride(const struct sample *sample, size_t tries)
{
    size_t cost = sample->size * tries * (((size_t)1 << sample->precision) / 4 + 64);

    return cost / EFFORT + 1;
}

static void cut(struct sample *sample)
{
    for (size_t size = 0; size < sample->size; size++) {
        if (size < 64 || size % stride(sample, 1) == 0 || size + 16 > sample->size)
            is_read_right(sample, sample->bytes, size, "cut", size);
    }
}

static void lengthened(struct sample *sample)
{
    const uint8_t fillings[] = {0, 1, 0x7f, 0x80, 0xff};

    for (size_t filling = 0; filling < sizeof fillings; filling++) {
        memset(sample->bytes + sample->size, fillings[filling], SURPLUS_MAX);
        for (size_t more = 1; more <= SURPLUS_MAX; more++)
            is_read_right(sample, sample->bytes, sample->size + more, "lengthened", more);
    }
}

static void bits_flipped(struct sample *sample)
{
    size_t step = stride(sample, 8);

    for (size_t bit = 0; bit < 8 * sample->size; bit += bit < 8 * 48 ? 1 : step) {
        sample->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_read_right(sample, sample->bytes, sample->size, "flipped bit", bit);
        sample->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* Numbers of every width, at every place, whether there is one or not. */
static void numbers_set(struct sample *sample)
{
    const uint64_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
                               0x80000000, 0xffffffff, UINT64_C(1) << 63, UINT64_MAX};
    size_t tries = sizeof values / sizeof values[0], step = stride(sample, 2 * tries);
    uint8_t kept[8];

    for (size_t at = 0; at < sample->size; at += at < 16 ? 1 : step) {
        for (size_t value = 0; value < tries; value++) {
            size_t width = value < 5 ? 1 : value < 8 ? 2 : value < 11 ? 4 : 8;

            if (at + width > sample->size)
                break;
            memcpy(kept, sample->bytes + at, width);
            for (size_t i = 0; i < width; i++)
                sample->bytes[at + i] = (uint8_t)(values[value] >> (8 * i));
            is_read_right(sample, sample->bytes, sample->size, "number set", at);
            for (size_t i = 0; i < width; i++)
                sample->bytes[at + i] = (uint8_t)(values[value] >> (8 * (width - 1 - i)));
            is_read_right(sample, sample->bytes, sample->size, "number set", at);
            memcpy(sample->bytes + at, kept, width);
        }
    }
}

/* One to four bytes become others, or exchange places. */
static void garbled(struct sample *sample)
{
    size_t rounds = 1000 / stride(sample, 4) + 20;
    uint8_t *kept = malloc(sample->size);

    memcpy(kept, sample->bytes, sample->size);
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t random = kit_hash(round).first;

        for (unsigned i = 0; i <= random >> 62; i++) {
            uint64_t dice = kit_hash(round * 4 + i + (1 << 20)).first;
            size_t at = dice % sample->size, other = (dice >> 32) % sample->size;
            uint8_t byte = sample->bytes[at];

            sample->bytes[at] = random & 1 ? (uint8_t)(dice >> 56) : sample->bytes[other];
            if (!(random & 1))
                sample->bytes[other] = byte;
        }
        is_read_right(sample, sample->bytes, sample->size, "garbled", (size_t)round);
        memcpy(sample->bytes, kept, sample->size);
    }
    free(kept);
}

static void damage(enum hc_profile profile, unsigned precision, const uint8_t *bytes, size_t size)
{
    struct sample sample = {.profile = profile, .size = size, .precision = precision};

    sample.bytes = malloc(size + SURPLUS_MAX);
    memcpy(sample.bytes, bytes, size);
    is_read_right(&sample, sample.bytes, size, "nothing", 0);
    if (sample.accepted != 1)
        ck_abort_msg("%s: the sample itself is refused", hc_profile_name(profile));
    cut(&sample);
    lengthened(&sample);
    bits_flipped(&sample);
    numbers_set(&sample);
    garbled(&sample);
    free(sample.bytes);
}

/* The engines' own bytes. */
START_TEST(engines)
{
    static uint8_t bytes[ROOM];
    int rows = member(0, "sketches"), count = 0;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        int token = member(row, "bytes_hex");
        size_t size = token < 0 ? 0 : unhex(token, bytes);

        if (profile_of(row) != (enum hc_profile)_i || size == 0 ||
            (int64_t)size != number_of(row, "bytes_length"))
            continue;
        damage(profile_of(row), (unsigned)number_of(row, "precision"), bytes, size);
        count++;
    }
    ck_assert_int_ge(count, 5);
}
END_TEST

/* A hash with long runs of zeros now and then, so that ranks overflow. */
static struct hc_hash hash_of(uint64_t i)
{
    struct hc_hash hash = {kit_hash(i).first, kit_hash(~i).first};

    if (i % 7 == 0) {
        hash.first &= UINT64_MAX << 44 | 0xffffff;
        hash.second >>= kit_hash(i).first % 60;
    }
    if (i % 11 == 0)
        hash.first >>= 30;
    return hash;
}

/* Our own, in every way to write them, through every change of form. */
START_TEST(ours)
{
    const struct {
        unsigned precision;
        uint64_t count;
    } cases[] = {{4, 0}, {4, 1}, {4, 6}, {4, 300}, {5, 40}, {7, 9}, {8, 20}, {10, 0}, {10, 3},
                 {10, 30}, {10, 200}, {10, 5000}, {14, 2}, {14, 50}, {14, 20000}, {16, 4}, {18, 7}};
    static uint8_t bytes[IMAGE_MAX];
    enum hc_profile profile = (enum hc_profile)_i;

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct hc_sketch *sketch = kit_create_as(profile, cases[c].precision, NULL);

        for (uint64_t i = 0; i < cases[c].count; i++)
            hc_sketch_add_hash(sketch, hash_of(i), NULL);
        for (unsigned way = 0; way < FORMS_MAX; way++) {
            size_t size;

            if (forms_encode(sketch, way, bytes, IMAGE_MAX, &size) == HC_OK)
                damage(profile, cases[c].precision, bytes, size);
            if (profile == HC_PROFILE_REDIS || profile == HC_PROFILE_TRINO)
                break;
        }
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, vectors_open, vectors_close);
    tcase_add_loop_test(tcase, engines, HC_PROFILE_REDIS, HC_PROFILE_KEYED);
    tcase_add_loop_test(tcase, ours, HC_PROFILE_REDIS, HC_PROFILE_KEYED);
}
