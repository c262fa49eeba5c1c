/* Sketches in the bytes of other engines. Threads: as sketch.h.
 *
 * Every encoder writes at most `room` bytes and their number to *size: HC_EROOM
 * when they don't fit (HC_FOREIGN_SIZE_MAX always suffices), HC_ENOMEM,
 * HC_EPROFILE unless the sketch has the engine's profile, HC_EPRECISION where
 * the engine has no such precision. On failure *size is not written.
 *
 * Every decoder makes a new sketch from exactly `size` untrusted bytes into
 * *sketch, owned by the caller; `allocator` as in hc_sketch_options. Counts and
 * estimates that the bytes hold ready are not believed. What decodes is valid:
 * hc_sketch_check holds. HC_EMAGIC, HC_EVERSION, HC_ETRUNCATED, HC_ECORRUPT,
 * HC_ENOMEM, HC_EPRECISION for a precision that the engine or we don't have;
 * *sketch is written only on success.
 *
 * Bytes that can't be right are mostly refused before there is memory for
 * registers, and no allocation is above 2^HC_PRECISION_MAX bytes or twice
 * `size`, whichever is more. Decoded sketches are sparse where the bytes hold
 * as much of each hash as we keep (DataSketches' lists and sets, explicit ones
 * of postgresql-hll, Trino's sparse ones, ZetaSketch's with a sparse precision
 * of 25), and dense otherwise, however few their users are. */
#ifndef HEADCOUNT_FOREIGN_H
#define HEADCOUNT_FOREIGN_H

#include "headcount/sketch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Redis and Valkey have 2^14 registers, always. */
#define HC_REDIS_PRECISION 14
/* A dense Redis string: 16 bytes of header, 6 bits a register. */
#define HC_REDIS_SIZE_MAX 12304

/* Writes the string that SET stores and PFCOUNT and PFMERGE read, and its
 * length to *size. The cached count is marked stale. A sketch of higher
 * precision is folded on the way. HC_EPROFILE unless the profile is `redis`,
 * HC_EPRECISION below 14, HC_EROOM when `room` is too small (HC_REDIS_SIZE_MAX
 * always suffices), HC_ENOMEM. */
enum hc_status hc_redis_encode(const struct hc_sketch *sketch, void *bytes, size_t room,
                               size_t *size);

enum hc_status hc_redis_decode(const void *bytes, size_t size,
                               const struct hc_allocator *allocator, struct hc_sketch **sketch);

/* Room for any engine's form of a sketch of this precision. */
#define HC_FOREIGN_SIZE_MAX(precision) (((size_t)9 << (precision)) + 128)

/* Trino and Presto: HyperLogLog, as approx_set makes it. */
#define HC_TRINO_PRECISION_MAX 16

enum hc_status hc_trino_encode(const struct hc_sketch *sketch, void *bytes, size_t room,
                               size_t *size);
enum hc_status hc_trino_decode(const void *bytes, size_t size,
                               const struct hc_allocator *allocator, struct hc_sketch **sketch);

/* postgresql-hll: the hll type. The precision is log2m. */
#define HC_POSTGRES_PRECISION_MAX 17
#define HC_POSTGRES_REGWIDTH_MAX 7
#define HC_POSTGRES_EXPTHRESH_MAX (INT64_C(1) << 32)

/* As hll() in SQL has them: a union demands that both sides are alike. */
struct hc_postgres_options {
    unsigned regwidth; /* 1..HC_POSTGRES_REGWIDTH_MAX; 5 holds all that we do */
    int64_t expthresh; /* -1 automatic, 0 none, or a power of two */
    int sparse_on;
};

/* HC_ERANGE for options outside their range. */
enum hc_status hc_postgres_encode(const struct hc_sketch *sketch,
                                  const struct hc_postgres_options *options, void *bytes,
                                  size_t room, size_t *size);
enum hc_status hc_postgres_decode(const void *bytes, size_t size,
                                  const struct hc_allocator *allocator, struct hc_sketch **sketch);

/* Apache DataSketches: HllSketch, also of Spark, Druid and Hive. The precision
 * is lgK. Images of up to lgK 21 are read, and folded to HC_PRECISION_MAX. */
struct hc_datasketches_options {
    unsigned bits; /* a register's: 4, 6 or 8, for HLL_4, HLL_6, HLL_8 */
    int updatable; /* the form that Spark keeps; otherwise compact */
};

/* HC_ERANGE for options outside their range. */
enum hc_status hc_datasketches_encode(const struct hc_sketch *sketch,
                                      const struct hc_datasketches_options *options, void *bytes,
                                      size_t room, size_t *size);
enum hc_status hc_datasketches_decode(const void *bytes, size_t size,
                                      const struct hc_allocator *allocator,
                                      struct hc_sketch **sketch);

/* ZetaSketch and BigQuery's HLL_COUNT, of strings. Precisions of up to 24 are
 * read, and folded to HC_PRECISION_MAX. */
#define HC_ZETASKETCH_PRECISION_MIN 10

/* `sparse_precision`: from the sketch's precision to 25, ZetaSketch's own being
 * 5 above; 0 for dense only. HC_ERANGE for others. As the number of values
 * added, which ZetaSketch keeps beside its estimate and adds up in unions, it
 * is given our estimate. */
enum hc_status hc_zetasketch_encode(const struct hc_sketch *sketch, unsigned sparse_precision,
                                    void *bytes, size_t room, size_t *size);
enum hc_status hc_zetasketch_decode(const void *bytes, size_t size,
                                    const struct hc_allocator *allocator,
                                    struct hc_sketch **sketch);

#ifdef __cplusplus
}
#endif
#endif
