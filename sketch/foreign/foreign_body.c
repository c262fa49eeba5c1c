/* What the foreign forms share. */
#include "foreign_body.h"

struct hc_sketch *foreign_new(enum hc_profile profile, unsigned precision,
                              const struct hc_allocator *allocator)
{
    struct hc_allocator owned = sketch_allocator(allocator);

    return sketch_new(profile_find(profile), precision, &owned);
}

enum hc_status foreign_make_dense(struct hc_sketch *sketch)
{
    uint8_t *registers = dense_allocate(&sketch->allocator, sketch->precision);

    assert(!sketch->dense && sketch->count == 0 && sketch->coupons == sketch->few);
    if (registers == NULL)
        return HC_ENOMEM;
    sketch->registers = registers;
    sketch->dense = 1;
    sketch->capacity = 0;
    return HC_OK;
}

enum hc_status foreign_finish(enum hc_status status, struct hc_sketch **made,
                              struct hc_sketch **sketch)
{
    if (status == HC_OK)
        *sketch = *made;
    else
        hc_sketch_destroy(made);
    return status;
}

uint8_t *foreign_registers(const struct hc_sketch *sketch, unsigned precision)
{
    uint8_t *registers = dense_allocate(&sketch->allocator, precision);

    if (registers != NULL)
        dense_add_sketch(registers, precision, sketch);
    return registers;
}

size_t foreign_filled(const uint8_t *registers, unsigned precision)
{
    size_t filled = 0;

    for (size_t i = 0; i < dense_size(precision); i++)
        filled += registers[i] > 0;
    return filled;
}
