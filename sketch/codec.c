/* The native form: the one encoder and the one decoder. docs/FORMAT.md has the
 * layout and a worked example.
 *
 *   0        4       5       6         7        8      16         20       28
 *   +--------+-------+-------+---------+--------+------+----------+--------+-- - -
 *   | "HCSK" |version|profile|precision|encoding|key id|   size   |checksum|payload
 *   +--------+-------+-------+---------+--------+------+----------+--------+-- - -
 *
 * The checksum is XXH64 over bytes 5 to 15 and the decoded content: coupons in
 * ascending order, four bytes each, or registers. It does not depend on how
 * the payload was compressed.
 *
 * Sparse payload: the number of coupons, four bytes, then for each the gap to
 * the one before in Rice's code: a sorted draw of `count` places has
 * gaps close to a geometric distribution, for which that code is within a
 * twentieth of a bit of the best. Its parameter follows from the count. A rank
 * of six bits stands after those indices that need one.
 *
 * Dense payload: one zstd frame of the registers. Entropy coding is all there
 * is to gain, so matches are switched off and literals coded by Huffman. */
#define XXH_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <xxhash.h>
#include <zstd.h>

#include "headcount/codec.h"

#include "cursor.h"
#include "dense.h"
#include "sparse.h"

#define CODEC_MAGIC UINT32_C(0x4b534348) /* "HCSK" */
#define CODEC_VERSION 1
#define CODEC_SPARSE 0
#define CODEC_DENSE 1
#define CODEC_HEADER_SIZE 28
#define CODEC_COUNT_SIZE 4
/* The part of the header that the checksum covers. */
#define CODEC_SUMMED_SIZE 11
/* Coupons that go through the checksum at a time. */
#define CODEC_CHUNK 64

struct header {
    uint8_t version;
    uint8_t profile;
    uint8_t precision;
    uint8_t encoding;
    uint64_t key_id;
    uint32_t payload_size;
    uint64_t checksum;
};

/* The Rice parameter: 2^b is at most the mean gap and above half of it. */
static unsigned codec_rice_bits(const struct profile *profile, uint32_t count)
{
    unsigned bits = 0;

    while (((uint64_t)count << (bits + 1)) <= UINT64_C(1) << profile->sparse_bits)
        bits++;
    return bits;
}

static void codec_digest_coupons(XXH64_state_t *state, const struct hc_sketch *sketch)
{
    struct sparse_cursor coupons = sparse_cursor(sketch);
    uint8_t chunk[CODEC_CHUNK * sizeof(uint32_t)];
    struct writer writer = writer_over(chunk, sizeof chunk);
    uint32_t coupon;

    while (sparse_next(&coupons, &coupon)) {
        if (writer.next == writer.end) {
            XXH64_update(state, chunk, sizeof chunk);
            writer = writer_over(chunk, sizeof chunk);
        }
        writer_number(&writer, coupon, sizeof coupon);
    }
    XXH64_update(state, chunk, (size_t)(writer.next - chunk));
}

/* Bytes 5 to 15 of the header. */
static void codec_write_summed(struct writer *writer, const struct hc_sketch *sketch)
{
    writer_number(writer, (uint64_t)sketch->profile->id, 1);
    writer_number(writer, sketch->precision, 1);
    writer_number(writer, sketch->dense ? CODEC_DENSE : CODEC_SPARSE, 1);
    writer_number(writer, sketch_key_id(sketch), 8);
}

uint64_t hc_digest(const struct hc_sketch *sketch)
{
    uint8_t summed[CODEC_SUMMED_SIZE];
    struct writer writer = writer_over(summed, sizeof summed);
    XXH64_state_t state;

    assert(sketch != NULL);
    codec_write_summed(&writer, sketch);
    XXH64_reset(&state, 0);
    XXH64_update(&state, summed, sizeof summed);
    if (sketch->dense)
        XXH64_update(&state, sketch->registers, dense_size(sketch->precision));
    else
        codec_digest_coupons(&state, sketch);
    return XXH64_digest(&state);
}

static size_t codec_payload_size_max(const struct hc_sketch *sketch)
{
    size_t coupon_bits, gap_bits;
    unsigned rice;

    if (sketch->dense)
        return ZSTD_compressBound(dense_size(sketch->precision));
    if (sketch->count == 0)
        return CODEC_COUNT_SIZE;
    rice = codec_rice_bits(sketch->profile, sketch->count);
    coupon_bits = rice + 1 + SPARSE_RANK_BITS;
    gap_bits = (size_t)1 << (sketch->profile->sparse_bits - rice);
    return CODEC_COUNT_SIZE + (sketch->count * coupon_bits + gap_bits) / 8 + 1;
}

size_t hc_encode_size_max(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return CODEC_HEADER_SIZE + codec_payload_size_max(sketch);
}

/* Whether the rank of this index says something at the sketch's precision. */
static bool codec_is_ranked(const struct hc_sketch *sketch, uint32_t index)
{
    struct place place = {index, SPARSE_RANK_MASK};

    return (sparse_pack(sketch->profile, place, sketch->precision) & SPARSE_RANK_MASK) != 0;
}

static size_t codec_write_sparse(const struct hc_sketch *sketch, uint8_t *bytes, size_t room)
{
    struct writer writer = writer_over(bytes, room);
    struct sparse_cursor coupons = sparse_cursor(sketch);
    unsigned rice = codec_rice_bits(sketch->profile, sketch->count > 0 ? sketch->count : 1);
    uint32_t coupon, expected = 0;

    writer_number(&writer, sketch->count, CODEC_COUNT_SIZE);
    while (sparse_next(&coupons, &coupon)) {
        uint32_t gap = sparse_index(coupon) - expected;

        writer_zeros(&writer, gap >> rice);
        writer_bits(&writer, gap & ((UINT32_C(1) << rice) - 1), rice);
        if (codec_is_ranked(sketch, sparse_index(coupon)))
            writer_bits(&writer, coupon & SPARSE_RANK_MASK, SPARSE_RANK_BITS);
        expected = sparse_index(coupon) + 1;
    }
    writer_finish(&writer);
    return (size_t)(writer.next - bytes);
}

static void *codec_zstd_allocate(void *allocator, size_t size)
{
    return sketch_allocate(allocator, size);
}

static void codec_zstd_release(void *allocator, void *block)
{
    sketch_release(allocator, block);
}

static ZSTD_customMem codec_zstd_memory(const struct hc_allocator *allocator)
{
    return (ZSTD_customMem){codec_zstd_allocate, codec_zstd_release, (void *)(uintptr_t)allocator};
}

/* The strategy with the least work, told to find no match. */
static const struct {
    ZSTD_cParameter parameter;
    int value;
} codec_zstd_settings[] = {
    {ZSTD_c_strategy, ZSTD_fast},
    {ZSTD_c_hashLog, 6},
    {ZSTD_c_minMatch, 7},
    {ZSTD_c_targetLength, 0},
    {ZSTD_c_contentSizeFlag, 1},
    {ZSTD_c_checksumFlag, 0},
    {ZSTD_c_literalCompressionMode, ZSTD_ps_enable},
};

#define CODEC_ZSTD_SETTINGS (sizeof codec_zstd_settings / sizeof codec_zstd_settings[0])

/* The compressed size, or 0 when there is no memory. */
static size_t codec_write_dense(const struct hc_sketch *sketch, uint8_t *bytes, size_t room)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx_advanced(codec_zstd_memory(&sketch->allocator));
    size_t size = 0, result;

    if (zstd == NULL)
        return 0;
    for (size_t i = 0; i < CODEC_ZSTD_SETTINGS; i++) {
        result = ZSTD_CCtx_setParameter(zstd, codec_zstd_settings[i].parameter,
                                        codec_zstd_settings[i].value);
        assert(!ZSTD_isError(result));
    }
    result = ZSTD_compress2(zstd, bytes, room, sketch->registers, dense_size(sketch->precision));
    if (!ZSTD_isError(result))
        size = result;
    ZSTD_freeCCtx(zstd);
    return size;
}

enum hc_status hc_encode(const struct hc_sketch *sketch, void *bytes, size_t room, size_t *size)
{
    size_t payload_room, payload_size;
    uint8_t *first = bytes;
    struct writer header;

    assert(sketch != NULL && bytes != NULL && size != NULL);
    if (room < hc_encode_size_max(sketch))
        return HC_EROOM;
    payload_room = codec_payload_size_max(sketch);
    if (sketch->dense)
        payload_size = codec_write_dense(sketch, first + CODEC_HEADER_SIZE, payload_room);
    else
        payload_size = codec_write_sparse(sketch, first + CODEC_HEADER_SIZE, payload_room);
    if (payload_size == 0)
        return HC_ENOMEM;
    header = writer_over(bytes, CODEC_HEADER_SIZE);
    writer_number(&header, CODEC_MAGIC, 4);
    writer_number(&header, CODEC_VERSION, 1);
    codec_write_summed(&header, sketch);
    writer_number(&header, payload_size, 4);
    writer_number(&header, hc_digest(sketch), 8);
    *size = CODEC_HEADER_SIZE + payload_size;
    return HC_OK;
}

static enum hc_status codec_read_header(struct cursor *cursor, struct header *header)
{
    uint32_t magic = (uint32_t)cursor_number(cursor, 4);
    const struct profile *profile;

    if (!cursor->failed && magic != CODEC_MAGIC)
        return HC_EMAGIC;
    header->version = (uint8_t)cursor_number(cursor, 1);
    if (!cursor->failed && header->version != CODEC_VERSION)
        return header->version == 0 ? HC_ECORRUPT : HC_EVERSION;
    header->profile = (uint8_t)cursor_number(cursor, 1);
    header->precision = (uint8_t)cursor_number(cursor, 1);
    header->encoding = (uint8_t)cursor_number(cursor, 1);
    header->key_id = cursor_number(cursor, 8);
    header->payload_size = (uint32_t)cursor_number(cursor, 4);
    header->checksum = cursor_number(cursor, 8);
    if (cursor->failed)
        return HC_ETRUNCATED;
    profile = profile_find((enum hc_profile)header->profile);
    if (profile == NULL || profile->is_keyed != (header->key_id != 0) ||
        header->precision < HC_PRECISION_MIN || header->precision > HC_PRECISION_MAX ||
        header->encoding > CODEC_DENSE)
        return HC_ECORRUPT;
    if (cursor_left(cursor) < header->payload_size)
        return HC_ETRUNCATED;
    return cursor_left(cursor) > header->payload_size ? HC_ECORRUPT : HC_OK;
}

/* The coupons into `coupons`, which has room for `count`. */
static enum hc_status codec_read_coupons(struct cursor *cursor, const struct hc_sketch *sketch,
                                         uint32_t *coupons, uint32_t count)
{
    unsigned bits = sketch->profile->sparse_bits, rice = codec_rice_bits(sketch->profile, count);
    unsigned rank_max = place_rank_max(sketch->profile, bits);
    uint64_t index = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = 0;

        index += (uint64_t)cursor_zeros(cursor) << rice;
        index += cursor_bits(cursor, rice);
        if (cursor->failed || index >> bits != 0)
            return HC_ECORRUPT;
        if (codec_is_ranked(sketch, (uint32_t)index)) {
            rank = cursor_bits(cursor, SPARSE_RANK_BITS);
            if (rank == 0 || rank > rank_max)
                return HC_ECORRUPT;
        }
        coupons[i] = (uint32_t)index << SPARSE_RANK_BITS | rank;
        index++;
    }
    return cursor_done(cursor) ? HC_OK : HC_ECORRUPT;
}

/* Into an empty sketch. */
static enum hc_status codec_read_sparse(struct cursor *cursor, struct hc_sketch *sketch)
{
    uint32_t count = (uint32_t)cursor_number(cursor, CODEC_COUNT_SIZE);
    uint64_t least;

    if (cursor->failed || count > sparse_limit(sketch->precision))
        return HC_ECORRUPT;
    if (count == 0)
        return cursor_left(cursor) == 0 ? HC_OK : HC_ECORRUPT;
    /* Refuse what cannot fit before there is memory for it. */
    least = (uint64_t)count * (codec_rice_bits(sketch->profile, count) + 1);
    if (least > (uint64_t)cursor_left(cursor) * 8)
        return HC_ECORRUPT;
    if (count > SPARSE_FEW) {
        uint32_t *coupons = sketch_allocate(&sketch->allocator, count * sizeof *coupons);

        if (coupons == NULL)
            return HC_ENOMEM;
        sketch->coupons = coupons;
        sketch->capacity = count;
    }
    sketch->count = count;
    return codec_read_coupons(cursor, sketch, sketch->coupons, count);
}

/* One frame, all of the payload, that says it holds `size` bytes. */
static bool codec_is_frame(const struct cursor *cursor, size_t size)
{
    size_t left = cursor_left(cursor);

    return ZSTD_getFrameContentSize(cursor->next, left) == size &&
           ZSTD_findFrameCompressedSize(cursor->next, left) == left;
}

static enum hc_status codec_read_dense(struct cursor *cursor, struct hc_sketch *sketch)
{
    size_t size = dense_size(sketch->precision), result;
    ZSTD_DCtx *zstd;
    uint8_t *registers;

    if (!codec_is_frame(cursor, size))
        return HC_ECORRUPT;
    registers = sketch_allocate(&sketch->allocator, size);
    if (registers == NULL)
        return HC_ENOMEM;
    sketch->registers = registers;
    sketch->dense = 1;
    sketch->capacity = 0;
    zstd = ZSTD_createDCtx_advanced(codec_zstd_memory(&sketch->allocator));
    if (zstd == NULL)
        return HC_ENOMEM;
    result = ZSTD_decompressDCtx(zstd, registers, size, cursor->next, cursor_left(cursor));
    ZSTD_freeDCtx(zstd);
    if (result != size || !dense_is_bounded(registers, sketch->precision,
                                            place_rank_max(sketch->profile, sketch->precision)))
        return HC_ECORRUPT;
    return HC_OK;
}

enum hc_status hc_decode(const void *bytes, size_t size, const struct hc_allocator *allocator,
                         struct hc_sketch **sketch)
{
    struct hc_allocator owned = sketch_allocator(allocator);
    struct cursor cursor = cursor_over(bytes, size);
    struct header header;
    struct hc_sketch *made;
    enum hc_status status;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    status = codec_read_header(&cursor, &header);
    if (status != HC_OK)
        return status;
    made = sketch_new(profile_find((enum hc_profile)header.profile), header.precision, &owned);
    if (made == NULL)
        return HC_ENOMEM;
    if (made->profile->is_keyed)
        made->key[0].id = header.key_id;
    if (header.encoding == CODEC_DENSE)
        status = codec_read_dense(&cursor, made);
    else
        status = codec_read_sparse(&cursor, made);
    if (status == HC_OK && hc_digest(made) != header.checksum)
        status = HC_ECHECKSUM;
    if (status == HC_OK)
        *sketch = made;
    else
        hc_sketch_destroy(&made);
    return status;
}
