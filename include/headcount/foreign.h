/* Sketches in the bytes of other engines. Threads: as sketch.h. */
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

#ifdef __cplusplus
}
#endif
#endif
