/* Any bytes in an engine's form: refused without a leak, or a valid sketch that
 * keeps its registers in every form that the engine has. */
#ifndef SUPPORT_FOREIGN_FUZZ_H
#define SUPPORT_FOREIGN_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foreign_forms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(int holds)
{
    if (!holds)
        abort();
}

static inline uint8_t *fuzz_registers(const struct hc_sketch *sketch)
{
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = malloc(size);

    fuzz_require(registers != NULL);
    fuzz_require(hc_sketch_registers(sketch, registers, size) == HC_OK);
    return registers;
}

/* Writes, reads and compares; a precision or option may be unknown there. */
static inline void fuzz_rewrite(const struct hc_sketch *sketch, const uint8_t *registers,
                                unsigned way)
{
    size_t room = HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch)), size = 0;
    struct hc_sketch *again = NULL;
    uint8_t *bytes = malloc(room), *back;
    enum hc_status status;

    fuzz_require(bytes != NULL);
    status = forms_encode(sketch, way, bytes, room, &size);
    fuzz_require(status == HC_OK || status == HC_EPRECISION || status == HC_ERANGE);
    if (status == HC_OK) {
        fuzz_require(forms_decoder(hc_sketch_profile(sketch))(bytes, size, NULL, &again) == HC_OK);
        back = fuzz_registers(again);
        fuzz_require(hc_sketch_precision(again) == hc_sketch_precision(sketch));
        fuzz_require(memcmp(back, registers, (size_t)1 << hc_sketch_precision(sketch)) == 0);
        free(back);
        hc_sketch_destroy(&again);
    }
    free(bytes);
}

static inline int fuzz_form(enum hc_profile profile, const uint8_t *data, size_t size)
{
    struct hc_sketch *sketch = NULL;
    uint8_t *registers;

    if (forms_decoder(profile)(data, size, NULL, &sketch) != HC_OK) {
        fuzz_require(sketch == NULL);
        return 0;
    }
    fuzz_require(hc_sketch_check(sketch, NULL));
    registers = fuzz_registers(sketch);
    fuzz_rewrite(sketch, registers, size % FORMS_MAX);
    free(registers);
    hc_sketch_destroy(&sketch);
    return 0;
}

#endif
