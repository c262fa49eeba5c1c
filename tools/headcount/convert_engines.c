#include "convert_engines.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "headcount/codec.h"

/* How much finer ZetaSketch is by itself while it is sparse. */
#define ZETASKETCH_SPARSE_ABOVE 5

static enum hc_status encode_redis(const struct hc_sketch *sketch,
                                   const struct engine_options *options, void *bytes, size_t room,
                                   size_t *size)
{
    (void)options;
    return hc_redis_encode(sketch, bytes, room, size);
}

static enum hc_status encode_datasketches(const struct hc_sketch *sketch,
                                          const struct engine_options *options, void *bytes,
                                          size_t room, size_t *size)
{
    return hc_datasketches_encode(sketch, &options->datasketches, bytes, room, size);
}

static enum hc_status encode_postgres(const struct hc_sketch *sketch,
                                      const struct engine_options *options, void *bytes,
                                      size_t room, size_t *size)
{
    return hc_postgres_encode(sketch, &options->postgres, bytes, room, size);
}

static enum hc_status encode_zetasketch(const struct hc_sketch *sketch,
                                        const struct engine_options *options, void *bytes,
                                        size_t room, size_t *size)
{
    unsigned sparse_precision = options->sparse_precision == ENGINE_SPARSE_DEFAULT
                                    ? hc_sketch_precision(sketch) + ZETASKETCH_SPARSE_ABOVE
                                    : (unsigned)options->sparse_precision;
    return hc_zetasketch_encode(sketch, sparse_precision, bytes, room, size);
}

static enum hc_status encode_trino(const struct hc_sketch *sketch,
                                   const struct engine_options *options, void *bytes, size_t room,
                                   size_t *size)
{
    (void)options;
    return hc_trino_encode(sketch, bytes, room, size);
}

static enum hc_status encode_native(const struct hc_sketch *sketch,
                                    const struct engine_options *options, void *bytes, size_t room,
                                    size_t *size)
{
    (void)options;
    return hc_encode(sketch, bytes, room, size);
}

static const struct engine engines[] = {
    [ENGINE_REDIS] = {"redis", HC_PROFILE_REDIS, HC_REDIS_PRECISION, HC_REDIS_PRECISION,
                      encode_redis, hc_redis_decode},
    [ENGINE_DATASKETCHES] = {"datasketches", HC_PROFILE_DATASKETCHES, HC_PRECISION_MIN,
                             HC_PRECISION_MAX, encode_datasketches, hc_datasketches_decode},
    [ENGINE_POSTGRES] = {"postgres", HC_PROFILE_POSTGRES, HC_PRECISION_MIN,
                         HC_POSTGRES_PRECISION_MAX, encode_postgres, hc_postgres_decode},
    [ENGINE_ZETASKETCH] = {"zetasketch", HC_PROFILE_ZETASKETCH, HC_ZETASKETCH_PRECISION_MIN,
                           HC_PRECISION_MAX, encode_zetasketch, hc_zetasketch_decode},
    [ENGINE_TRINO] = {"trino", HC_PROFILE_TRINO, HC_PRECISION_MIN, HC_TRINO_PRECISION_MAX,
                      encode_trino, hc_trino_decode},
    [ENGINE_NATIVE] = {"native", 0, HC_PRECISION_MIN, HC_PRECISION_MAX, encode_native, hc_decode},
};

const char *const engine_names[] = {
    [ENGINE_REDIS] = "redis", [ENGINE_DATASKETCHES] = "datasketches",
    [ENGINE_POSTGRES] = "postgres", [ENGINE_ZETASKETCH] = "zetasketch",
    [ENGINE_TRINO] = "trino", [ENGINE_NATIVE] = "native", [ENGINE_COUNT] = NULL};

const struct engine *engine_find(enum engine_id id)
{
    assert(id >= 0 && id < ENGINE_COUNT);
    return &engines[id];
}

unsigned engine_precision(const struct engine *engine, const struct engine_options *options,
                          const struct hc_sketch *sketch)
{
    unsigned own = hc_sketch_precision(sketch);
    if (options->precision)
        return options->precision <= own ? options->precision : 0;
    if (own > engine->precision_max)
        return engine->precision_max;
    return own >= engine->precision_min ? own : 0;
}

/* Room for whatever the engine makes of this sketch. */
static bool make_room(const struct engine *engine, const struct hc_sketch *sketch,
                      unsigned char **bytes, size_t *room)
{
    size_t needed = engine->profile ? HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch))
                                    : hc_encode_size_max(sketch);
    if (needed <= *room)
        return true;
    unsigned char *larger = realloc(*bytes, needed);
    if (!larger)
        return false;
    *bytes = larger;
    *room = needed;
    return true;
}

enum hc_status engine_encode(const struct engine *engine, const struct engine_options *options,
                             const struct hc_sketch *sketch, unsigned char **bytes, size_t *room,
                             size_t *size)
{
    struct hc_sketch *folded = NULL;
    unsigned precision = engine_precision(engine, options, sketch);
    enum hc_status status = HC_OK;
    if (precision == 0)
        return HC_EPRECISION;
    if (precision < hc_sketch_precision(sketch)) {
        status = hc_sketch_copy(sketch, &folded);
        if (status == HC_OK)
            status = hc_sketch_fold(folded, precision);
    }
    if (status == HC_OK && !make_room(engine, folded ? folded : sketch, bytes, room))
        status = HC_ENOMEM;
    if (status == HC_OK)
        status = engine->encode(folded ? folded : sketch, options, *bytes, *room, size);
    hc_sketch_destroy(&folded);
    return status;
}
