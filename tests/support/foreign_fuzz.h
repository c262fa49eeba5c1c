/* Any bytes in an engine's form: refused without a leak, or a valid sketch that
 * can be read, unites with itself to no change, and keeps its registers in every
 * form that the engine has. How an engine's bytes are mended is in its target. */
#ifndef SUPPORT_FOREIGN_FUZZ_H
#define SUPPORT_FOREIGN_FUZZ_H

#include <math.h>

#include "foreign_forms.h"
#include "fuzz_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs with less room are not mended. */
#define FUZZ_MEND_ROOM 64

/* Work beyond decoding takes time by the register: above these precisions it is
 * done for a share of the sketches that falls as they grow. */
#define FUZZ_PRECISION_CHECK 9
#define FUZZ_PRECISION_REWRITE 5

static inline int fuzz_is_chosen(const struct hc_sketch *sketch, uint32_t sum, unsigned free)
{
    unsigned precision = hc_sketch_precision(sketch);

    return precision <= free || sum >> (32 - (precision - free)) == 0;
}

static inline uint32_t fuzz_sum(const uint8_t *data, size_t size)
{
    uint32_t sum = 1;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * UINT32_C(0x01000193);
    return sum;
}

/* The registers, to be released. */
static inline uint8_t *fuzz_registers(const struct hc_sketch *sketch)
{
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = arena_allocate(size);

    fuzz_require(hc_sketch_registers(sketch, registers, size) == HC_OK);
    return registers;
}

/* Writes, reads and compares; a precision or option may be unknown there. */
static inline void fuzz_rewrite(struct hc_sketch *sketch, const struct hc_allocator *allocator,
                                unsigned way)
{
    unsigned precision = hc_sketch_precision(sketch);
    size_t room = HC_FOREIGN_SIZE_MAX(precision), size = 0;
    uint8_t *bytes = arena_allocate(room), *registers = fuzz_registers(sketch), *back;
    enum hc_status status = forms_encode(sketch, way, bytes, room, &size);
    struct hc_sketch *again = NULL;
    int changed;

    fuzz_require(status == HC_OK || status == HC_EPRECISION || status == HC_ERANGE);
    if (status == HC_OK) {
        fuzz_require(forms_decoder(hc_sketch_profile(sketch))(bytes, size, allocator, &again) ==
                     HC_OK);
        fuzz_require(hc_sketch_precision(again) == precision);
        back = fuzz_registers(again);
        fuzz_require(memcmp(back, registers, (size_t)1 << precision) == 0);
        fuzz_require(hc_sketch_union(again, sketch, NULL) == HC_OK);
        fuzz_require(hc_sketch_union(sketch, sketch, &changed) == HC_OK && !changed);
        fuzz_require(hc_sketch_union(again, sketch, &changed) == HC_OK && !changed);
        arena_release(NULL, back);
        hc_sketch_destroy(&again);
    }
    arena_release(NULL, registers);
    arena_release(NULL, bytes);
}

static inline void fuzz_estimate(const struct hc_sketch *sketch)
{
    struct hc_estimate estimate = hc_sketch_estimate(sketch);

    fuzz_require(isfinite(estimate.high) && 0 <= estimate.low && estimate.low <= estimate.value &&
                 estimate.value <= estimate.high);
}

static inline int fuzz_form(enum hc_profile profile, const uint8_t *data, size_t size)
{
    size_t registers_max = (size_t)1 << HC_PRECISION_MAX;
    struct hc_allocator allocator = arena_start(registers_max + 2 * size);
    struct hc_sketch *sketch = NULL;
    uint32_t sum;

    if (forms_decoder(profile)(data, size, &allocator, &sketch) != HC_OK) {
        fuzz_require(sketch == NULL);
    } else {
        sum = fuzz_sum(data, size);
        if (fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_CHECK)) {
            fuzz_require(hc_sketch_check(sketch, NULL));
            fuzz_estimate(sketch);
        }
        if (fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_REWRITE)) {
            arena.request_max = ARENA_SIZE;
            fuzz_rewrite(sketch, &allocator, sum % FORMS_MAX);
        }
        hc_sketch_destroy(&sketch);
    }
    arena_end();
    return 0;
}

/* Three in four of libFuzzer's mutations are mended: lengths, counts and orders
 * made right, so that what lies behind them is reached. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

/* libFuzzer's own; not there where a corpus drives the target. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

typedef size_t fuzz_mend(uint8_t *data, size_t size, size_t room);

static inline size_t fuzz_mutate(uint8_t *data, size_t size, size_t room, unsigned seed,
                                 fuzz_mend *mend)
{
    size = LLVMFuzzerMutate(data, size, room);
    return seed % 4 == 0 || room < FUZZ_MEND_ROOM ? size : mend(data, size, room);
}

/* Cuts the bytes, or lengthens them with zeros; `wanted` is at most the room. */
static inline size_t fuzz_resize(uint8_t *data, size_t size, size_t wanted)
{
    if (size < wanted)
        memset(data + size, 0, wanted - size);
    return wanted;
}

static inline uint32_t fuzz_read(const uint8_t *data, unsigned size)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint32_t)data[i] << (8 * i);
    return number;
}

static inline void fuzz_write(uint8_t *data, uint32_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(number >> (8 * i));
}

/* The precision if it is one of `least` to `most`, else one of the eight from
 * `least` on. */
static inline uint8_t fuzz_precision(uint8_t precision, uint8_t least, uint8_t most)
{
    if (precision >= least && precision <= most)
        return precision;
    return (uint8_t)(least + precision % 8);
}

#endif
