/* Each engine's decoder and every way to write its form. */
#ifndef SUPPORT_FOREIGN_FORMS_H
#define SUPPORT_FOREIGN_FORMS_H

#include "headcount/foreign.h"

typedef enum hc_status forms_decode(const void *bytes, size_t size,
                                    const struct hc_allocator *allocator,
                                    struct hc_sketch **sketch);

#define FORMS_MAX 6

static inline forms_decode *forms_decoder(enum hc_profile profile)
{
    switch (profile) {
    case HC_PROFILE_DATASKETCHES:
        return hc_datasketches_decode;
    case HC_PROFILE_POSTGRES:
        return hc_postgres_decode;
    case HC_PROFILE_ZETASKETCH:
        return hc_zetasketch_decode;
    case HC_PROFILE_TRINO:
        return hc_trino_decode;
    default:
        return hc_redis_decode;
    }
}

/* Writes the sketch in its engine's form, in the way `way` of FORMS_MAX. */
static inline enum hc_status forms_encode(const struct hc_sketch *sketch, unsigned way,
                                          void *bytes, size_t room, size_t *size)
{
    const struct hc_datasketches_options widths[FORMS_MAX] = {{4, 0}, {6, 0}, {8, 0},
                                                              {4, 1}, {6, 1}, {8, 1}};
    const struct hc_postgres_options columns[FORMS_MAX] = {{5, -1, 1}, {5, 0, 0}, {5, 256, 1},
                                                           {6, 0, 1}, {7, 1, 0}, {5, 0, 1}};
    unsigned precision = hc_sketch_precision(sketch);
    const unsigned sparse[FORMS_MAX] = {0, precision, precision + 5, precision + 7, 25, 0};

    switch (hc_sketch_profile(sketch)) {
    case HC_PROFILE_DATASKETCHES:
        return hc_datasketches_encode(sketch, &widths[way], bytes, room, size);
    case HC_PROFILE_POSTGRES:
        return hc_postgres_encode(sketch, &columns[way], bytes, room, size);
    case HC_PROFILE_ZETASKETCH:
        return hc_zetasketch_encode(sketch, sparse[way], bytes, room, size);
    case HC_PROFILE_TRINO:
        return hc_trino_encode(sketch, bytes, room, size);
    default:
        return hc_redis_encode(sketch, bytes, room, size);
    }
}

#endif
