/* Any bytes in an engine's form: refused without a leak, or a valid sketch that
 * can be read, unites with itself to no change, and keeps its registers in every
 * form that the engine has. How an engine's bytes are mended is in its target. */
#ifndef SUPPORT_FOREIGN_FUZZ_H
#define SUPPORT_FOREIGN_FUZZ_H

#include "foreign_forms.h"
#include "foreign_model.h"
#include "fuzz_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One in so many inputs is read by the slow model too. */
#define FUZZ_COMPARE 16

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

/* What a second reader makes of it. */
static inline void fuzz_compare(const struct hc_sketch *sketch, enum hc_profile profile,
                                const uint8_t *data, size_t size)
{
    static struct foreign_model model;
    int is_right = model_read(profile, data, size, &model);
    uint8_t *registers;

    fuzz_require(is_right == (sketch != NULL));
    if (sketch == NULL)
        return;
    fuzz_require(model.precision == hc_sketch_precision(sketch));
    registers = fuzz_registers(sketch);
    fuzz_require(memcmp(registers, model.registers, (size_t)1 << model.precision) == 0);
    arena_release(NULL, registers);
}

static inline void fuzz_form(enum hc_profile profile, const uint8_t *data, size_t size, int whole)
{
    struct hc_allocator allocator = arena_allocator();
    uint32_t sum = fuzz_sum(data, size);
    struct hc_sketch *sketch = NULL;

    arena.request_max = ((size_t)1 << HC_PRECISION_MAX) + 2 * size;
    if (forms_decoder(profile)(data, size, &allocator, &sketch) != HC_OK)
        fuzz_require(sketch == NULL);
    arena.request_max = ARENA_SIZE;
    if (whole && (sum >> 8) % FUZZ_COMPARE == 0)
        fuzz_compare(sketch, profile, data, size);
    if (sketch == NULL)
        return;
    if (fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_CHECK))
        fuzz_require(hc_sketch_check(sketch, NULL));
    if (whole && fuzz_is_chosen(sketch, sum, FUZZ_PRECISION_REWRITE) && sum % FUZZ_REWRITE == 0) {
        fuzz_estimate(sketch);
        fuzz_rewrite(sketch, &allocator, sum / FUZZ_REWRITE % FORMS_MAX);
    }
    hc_sketch_destroy(&sketch);
}

#endif
