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
 * the payload was compressed, which codec_sparse.c and codec_dense.c know. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "headcount/codec.h"

#include "codec_payload.h"
#include "dense.h"
#include "sparse.h"

#define CODEC_MAGIC UINT32_C(0x4b534348) /* "HCSK" */
#define CODEC_VERSION 1
#define CODEC_SPARSE 0
#define CODEC_DENSE 1
#define CODEC_HEADER_SIZE 28
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

enum hc_status hc_codec_create(const struct hc_allocator *allocator, struct hc_codec **codec)
{
    struct hc_allocator owned = sketch_allocator(allocator);
    struct hc_codec *made;

    assert(codec != NULL);
    made = sketch_allocate(&owned, sizeof *made);
    if (made == NULL)
        return HC_ENOMEM;
    *made = (struct hc_codec){.allocator = owned};
    *codec = made;
    return HC_OK;
}

void hc_codec_destroy(struct hc_codec **codec)
{
    struct hc_allocator allocator;

    assert(codec != NULL);
    if (*codec == NULL)
        return;
    codec_dense_release(*codec);
    allocator = (*codec)->allocator;
    sketch_release(&allocator, *codec);
    *codec = NULL;
}

static size_t codec_payload_size_max(const struct hc_sketch *sketch)
{
    return sketch->dense ? codec_dense_size_max(sketch) : codec_sparse_size_max(sketch);
}

size_t hc_encode_size_max(const struct hc_sketch *sketch)
{
    assert(sketch != NULL);
    return CODEC_HEADER_SIZE + codec_payload_size_max(sketch);
}

enum hc_status hc_codec_encode(struct hc_codec *codec, const struct hc_sketch *sketch, void *bytes,
                               size_t room, size_t *size)
{
    size_t payload_max, payload_size;
    uint8_t *first = bytes;
    struct writer header;

    assert(codec != NULL && sketch != NULL && bytes != NULL && size != NULL);
    payload_max = codec_payload_size_max(sketch);
    if (room < CODEC_HEADER_SIZE + payload_max)
        return HC_EROOM;
    if (sketch->dense)
        payload_size = codec_dense_write(codec, sketch, first + CODEC_HEADER_SIZE, payload_max);
    else
        payload_size = codec_sparse_write(sketch, first + CODEC_HEADER_SIZE, payload_max);
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

enum hc_status hc_encode(const struct hc_sketch *sketch, void *bytes, size_t room, size_t *size)
{
    struct hc_codec codec;
    enum hc_status status;

    assert(sketch != NULL);
    codec = (struct hc_codec){.allocator = sketch->allocator};
    status = hc_codec_encode(&codec, sketch, bytes, room, size);
    codec_dense_release(&codec);
    return status;
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

enum hc_status hc_codec_decode(struct hc_codec *codec, const void *bytes, size_t size,
                               struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct header header;
    struct hc_sketch *made;
    enum hc_status status;

    assert(codec != NULL && (bytes != NULL || size == 0) && sketch != NULL);
    status = codec_read_header(&cursor, &header);
    if (status != HC_OK)
        return status;
    made = sketch_new(profile_find((enum hc_profile)header.profile), header.precision,
                      &codec->allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (made->profile->is_keyed)
        made->key[0].id = header.key_id;
    if (header.encoding == CODEC_DENSE)
        status = codec_dense_read(codec, &cursor, made);
    else
        status = codec_sparse_read(&cursor, made);
    if (status == HC_OK && hc_digest(made) != header.checksum)
        status = HC_ECHECKSUM;
    if (status == HC_OK)
        *sketch = made;
    else
        hc_sketch_destroy(&made);
    return status;
}

enum hc_status hc_decode(const void *bytes, size_t size, const struct hc_allocator *allocator,
                         struct hc_sketch **sketch)
{
    struct hc_codec codec = {.allocator = sketch_allocator(allocator)};
    enum hc_status status = hc_codec_decode(&codec, bytes, size, sketch);

    codec_dense_release(&codec);
    return status;
}
