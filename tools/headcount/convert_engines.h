/* The engines whose bytes headcount writes and reads: one line of a table each,
 * with what differs between them. */
#ifndef HEADCOUNT_CONVERT_ENGINES_H
#define HEADCOUNT_CONVERT_ENGINES_H

#include <stddef.h>
#include <stdint.h>

#include "headcount/foreign.h"

/* ENGINE_NONE: none was named. */
enum engine_id {
    ENGINE_NONE = -1,
    ENGINE_REDIS,
    ENGINE_DATASKETCHES,
    ENGINE_POSTGRES,
    ENGINE_ZETASKETCH,
    ENGINE_TRINO,
    ENGINE_NATIVE,
    ENGINE_COUNT
};

/* As ARGS_CHOICE takes them, in the order of the enum. */
extern const char *const engine_names[];

#define ENGINE_SPARSE_DEFAULT (-1)

/* What a sketch is to become. */
struct engine_options {
    unsigned precision;      /* 0: the sketch's own, or the engine's most if that is less */
    int64_t sparse_precision; /* zetasketch; ENGINE_SPARSE_DEFAULT: 5 above the precision */
    struct hc_postgres_options postgres;
    struct hc_datasketches_options datasketches;
};

struct engine {
    const char *name;
    enum hc_profile profile; /* 0: whichever */
    unsigned precision_min;  /* of those that both the engine and we have */
    unsigned precision_max;
    enum hc_status (*encode)(const struct hc_sketch *sketch, const struct engine_options *options,
                             void *bytes, size_t room, size_t *size);
    enum hc_status (*decode)(const void *bytes, size_t size, const struct hc_allocator *allocator,
                             struct hc_sketch **sketch);
};

const struct engine *engine_find(enum engine_id id);

/* The precision in which this sketch would be written, or 0: the engine, or
 * `options`, asks for more than the sketch has. */
unsigned engine_precision(const struct engine *engine, const struct engine_options *options,
                          const struct hc_sketch *sketch);

/* The sketch's bytes into *bytes, which is grown to *room as needed and is the
 * caller's to free; folds a copy where the precision is to be lower. HC_ENOMEM,
 * and what the engine's encoder answers. */
enum hc_status engine_encode(const struct engine *engine, const struct engine_options *options,
                             const struct hc_sketch *sketch, unsigned char **bytes, size_t *room,
                             size_t *size);

#endif
