/* The payloads of the native form: coupons in Rice's code, or registers in a
 * zstd frame. Between codec.c, which has the rest of the form, and
 * codec_sparse.c and codec_dense.c. */
#ifndef SKETCH_CODEC_PAYLOAD_H
#define SKETCH_CODEC_PAYLOAD_H

#include "cursor.h"
#include "sketch_body.h"

/* zstd's working memory, made when a dense sketch first needs it. A codec that
 * is all zero but for its allocator is whole. */
struct hc_codec {
    struct hc_allocator allocator;
    struct ZSTD_CCtx_s *compressor;
    struct ZSTD_DCtx_s *decompressor;
};

/* Room for the payload, and the payload into that much room: its size, or 0
 * when there is no memory. */
size_t codec_sparse_size_max(const struct hc_sketch *sketch);
size_t codec_sparse_write(const struct hc_sketch *sketch, uint8_t *bytes, size_t room);
size_t codec_dense_size_max(const struct hc_sketch *sketch);
size_t codec_dense_write(struct hc_codec *codec, const struct hc_sketch *sketch, uint8_t *bytes,
                         size_t room);

/* All that is left of the cursor, untrusted, into an empty sketch; HC_ECORRUPT,
 * HC_ENOMEM. On failure the sketch is only good for hc_sketch_destroy. */
enum hc_status codec_sparse_read(struct cursor *cursor, struct hc_sketch *sketch);
enum hc_status codec_dense_read(struct hc_codec *codec, struct cursor *cursor,
                                struct hc_sketch *sketch);

/* Gives zstd's memory back. */
void codec_dense_release(struct hc_codec *codec);

#endif
