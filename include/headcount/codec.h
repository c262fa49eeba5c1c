/* The native form: a sketch as bytes, self-describing and checked.
 *
 * docs/FORMAT.md has the layout. Equal sketches have equal content and equal
 * checksums, whatever the order in which their ids came. Threads: as sketch.h. */
#ifndef HEADCOUNT_CODEC_H
#define HEADCOUNT_CODEC_H

#include "headcount/sketch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room in bytes that hc_encode never exceeds for this sketch as it is now. */
size_t hc_encode_size_max(const struct hc_sketch *sketch);

/* Writes the native form to `bytes` and its length to *size. HC_EROOM when
 * `room` is below hc_encode_size_max, even if less would do; HC_ENOMEM. On
 * failure *size is not written and `bytes` is undefined. */
enum hc_status hc_encode(const struct hc_sketch *sketch, void *bytes, size_t room, size_t *size);

/* A new sketch from exactly `size` untrusted bytes into *sketch, owned by the
 * caller. `allocator` as in hc_sketch_options. What decodes is valid:
 * hc_sketch_check holds. HC_ETRUNCATED, HC_EMAGIC, HC_EVERSION, HC_ECORRUPT,
 * HC_ECHECKSUM, HC_ENOMEM; *sketch is written only on success. */
enum hc_status hc_decode(const void *bytes, size_t size, const struct hc_allocator *allocator,
                         struct hc_sketch **sketch);

/* Working memory for the compression of dense sketches, kept from call to call:
 * about 180 KiB at precision 14, 600 at 18, from the first dense sketch on. It
 * saves almost half of the time of hc_decode and a quarter of that of hc_encode.
 * A call that failed leaves it as good as before. One codec belongs to one
 * thread at a time. */
struct hc_codec; /* opaque */

/* A codec into *codec, owned by the caller; `allocator` as in hc_sketch_options,
 * also that of the sketches it decodes. HC_ENOMEM; *codec is written only on
 * success. */
enum hc_status hc_codec_create(const struct hc_allocator *allocator, struct hc_codec **codec);

/* Frees *codec (NULL is allowed) and sets it to NULL. Its sketches stay. */
void hc_codec_destroy(struct hc_codec **codec);

/* hc_encode and hc_decode, with the codec's memory. */
enum hc_status hc_codec_encode(struct hc_codec *codec, const struct hc_sketch *sketch, void *bytes,
                               size_t room, size_t *size);
enum hc_status hc_codec_decode(struct hc_codec *codec, const void *bytes, size_t size,
                               struct hc_sketch **sketch);

/* The checksum of the content: equal for sketches with equal profile,
 * precision, form and content. */
uint64_t hc_digest(const struct hc_sketch *sketch);

#ifdef __cplusplus
}
#endif
#endif
