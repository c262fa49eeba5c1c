/* Registers in a zstd frame. Entropy coding is all there is to gain, so matches
 * are switched off and literals coded by Huffman.
 *
 * A context of zstd is costly to make: it asks the processor what it is, which
 * takes microseconds on a virtual machine, and clears its tables. Whoever
 * encodes or decodes more than once keeps them in a codec. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "codec_payload.h"
#include "dense.h"

static void *codec_zstd_allocate(void *allocator, size_t size)
{
    return sketch_allocate(allocator, size);
}

static void codec_zstd_release(void *allocator, void *block)
{
    sketch_release(allocator, block);
}

static ZSTD_customMem codec_zstd_memory(struct hc_codec *codec)
{
    return (ZSTD_customMem){codec_zstd_allocate, codec_zstd_release, &codec->allocator};
}

/* The strategy with the least work, told to find no match: it takes the largest
 * steps that there are when it looks for one. */
static const struct {
    ZSTD_cParameter parameter;
    int value;
} codec_zstd_settings[] = {
    {ZSTD_c_strategy, ZSTD_fast},
    {ZSTD_c_hashLog, 6},
    {ZSTD_c_minMatch, 7},
    {ZSTD_c_targetLength, ZSTD_TARGETLENGTH_MAX},
    {ZSTD_c_contentSizeFlag, 1},
    {ZSTD_c_checksumFlag, 0},
    {ZSTD_c_literalCompressionMode, ZSTD_ps_enable},
};

#define CODEC_ZSTD_SETTINGS (sizeof codec_zstd_settings / sizeof codec_zstd_settings[0])

static bool codec_has_compressor(struct hc_codec *codec)
{
    if (codec->compressor != NULL)
        return true;
    codec->compressor = ZSTD_createCCtx_advanced(codec_zstd_memory(codec));
    for (size_t i = 0; codec->compressor != NULL && i < CODEC_ZSTD_SETTINGS; i++) {
        size_t result = ZSTD_CCtx_setParameter(
            codec->compressor, codec_zstd_settings[i].parameter, codec_zstd_settings[i].value);

        assert(!ZSTD_isError(result));
    }
    return codec->compressor != NULL;
}

static bool codec_has_decompressor(struct hc_codec *codec)
{
    if (codec->decompressor == NULL)
        codec->decompressor = ZSTD_createDCtx_advanced(codec_zstd_memory(codec));
    return codec->decompressor != NULL;
}

size_t codec_dense_size_max(const struct hc_sketch *sketch)
{
    return ZSTD_compressBound(dense_size(sketch->precision));
}

size_t codec_dense_write(struct hc_codec *codec, const struct hc_sketch *sketch, uint8_t *bytes,
                         size_t room)
{
    size_t result;

    if (!codec_has_compressor(codec))
        return 0;
    result = ZSTD_compress2(codec->compressor, bytes, room, sketch->registers,
                            dense_size(sketch->precision));
    return ZSTD_isError(result) ? 0 : result;
}

/* One frame, all of the payload, that says it holds `size` bytes. */
static bool codec_is_frame(const struct cursor *cursor, size_t size)
{
    size_t left = cursor_left(cursor);

    return ZSTD_getFrameContentSize(cursor->next, left) == size &&
           ZSTD_findFrameCompressedSize(cursor->next, left) == left;
}

enum hc_status codec_dense_read(struct hc_codec *codec, struct cursor *cursor,
                                struct hc_sketch *sketch)
{
    size_t size = dense_size(sketch->precision), result;
    unsigned rank_max = place_rank_max(sketch->profile, sketch->precision);
    uint8_t *registers;

    if (!codec_is_frame(cursor, size))
        return HC_ECORRUPT;
    registers = sketch_allocate(&sketch->allocator, size);
    if (registers == NULL)
        return HC_ENOMEM;
    sketch->registers = registers;
    sketch->dense = 1;
    sketch->capacity = 0;
    if (!codec_has_decompressor(codec))
        return HC_ENOMEM;
    result = ZSTD_decompressDCtx(codec->decompressor, registers, size, cursor->next,
                                 cursor_left(cursor));
    if (result != size || !dense_is_bounded(registers, sketch->precision, rank_max))
        return HC_ECORRUPT;
    return HC_OK;
}

void codec_dense_release(struct hc_codec *codec)
{
    ZSTD_freeCCtx(codec->compressor);
    ZSTD_freeDCtx(codec->decompressor);
    codec->compressor = NULL;
    codec->decompressor = NULL;
}
