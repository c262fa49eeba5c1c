/* Coupons in Rice's code: the number of them, four bytes, then for each the gap
 * to the one before. A sorted draw of `count` places has gaps close to a
 * geometric distribution, for which that code is within a seventh of a bit of
 * the best, and mostly much closer. Its parameter follows from the count.
 *
 *   gap >> b zeros, a one   the low b bits of the gap   rank - 1 zeros, a one
 *   |<------ unary ------>|                             |<-- where it is kept
 *
 * Ranks are geometric too, each half as frequent as the one before: unary is
 * their best code, two bits on average. */
#include "codec_payload.h"
#include "sparse.h"

#define COUNT_SIZE 4

/* The Rice parameter: 2^b is at most the mean gap and above half of it. */
static unsigned codec_rice_bits(const struct profile *profile, uint32_t count)
{
    unsigned bits = 0;

    while (((uint64_t)count << (bits + 1)) <= UINT64_C(1) << profile->sparse_bits)
        bits++;
    return bits;
}

static bool codec_is_ranked(const struct hc_sketch *sketch, uint32_t index)
{
    return place_keeps_rank(sketch->profile, index, sketch->profile->sparse_bits,
                            sketch->precision);
}

/* The unary parts of all gaps are no longer than all places by 2^b. */
size_t codec_sparse_size_max(const struct hc_sketch *sketch)
{
    size_t bits = 0;
    unsigned rice;

    if (sketch->count == 0)
        return COUNT_SIZE;
    rice = codec_rice_bits(sketch->profile, sketch->count);
    for (uint32_t i = 0; i < sketch->capacity; i++)
        bits += sketch->coupons[i] & SPARSE_RANK_MASK;
    bits += (size_t)sketch->count * (rice + 1);
    bits += (size_t)1 << (sketch->profile->sparse_bits - rice);
    return COUNT_SIZE + bits / 8 + 1;
}

size_t codec_sparse_write(const struct hc_sketch *sketch, uint8_t *bytes, size_t room)
{
    struct writer writer = writer_over(bytes, room);
    struct sparse_cursor coupons = sparse_cursor(sketch);
    unsigned rice = codec_rice_bits(sketch->profile, sketch->count > 0 ? sketch->count : 1);
    uint32_t coupon, expected = 0;

    writer_number(&writer, sketch->count, COUNT_SIZE);
    while (sparse_next(&coupons, &coupon)) {
        uint32_t gap = sparse_index(coupon) - expected;

        writer_zeros(&writer, gap >> rice);
        writer_bits(&writer, gap & ((UINT32_C(1) << rice) - 1), rice);
        if (codec_is_ranked(sketch, sparse_index(coupon)))
            writer_zeros(&writer, (coupon & SPARSE_RANK_MASK) - 1);
        expected = sparse_index(coupon) + 1;
    }
    writer_finish(&writer);
    return (size_t)(writer.next - bytes);
}

static enum hc_status codec_read_coupons(struct cursor *cursor, const struct hc_sketch *sketch,
                                         struct sparse_layer *layer)
{
    unsigned bits = sketch->profile->sparse_bits;
    unsigned rice = codec_rice_bits(sketch->profile, sketch->count);
    size_t rank_max = place_rank_max(sketch->profile, bits);
    uint64_t index = 0;

    for (uint32_t i = 0; i < sketch->count; i++, index++) {
        size_t rank = 0;

        index += (uint64_t)cursor_zeros(cursor) << rice;
        index += cursor_bits(cursor, rice);
        if (cursor->failed || index >> bits != 0)
            return HC_ECORRUPT;
        if (codec_is_ranked(sketch, (uint32_t)index))
            rank = cursor_zeros(cursor) + 1;
        if (rank > rank_max)
            return HC_ECORRUPT;
        sparse_lay(layer, (uint32_t)index << SPARSE_RANK_BITS | (uint32_t)rank);
    }
    return cursor_done(cursor) ? HC_OK : HC_ECORRUPT;
}

enum hc_status codec_sparse_read(struct cursor *cursor, struct hc_sketch *sketch)
{
    uint32_t count = (uint32_t)cursor_number(cursor, COUNT_SIZE);
    struct sparse_layer layer;
    uint64_t least;

    if (cursor->failed || count > sparse_limit(sketch->profile, sketch->precision))
        return HC_ECORRUPT;
    if (count == 0)
        return cursor_left(cursor) == 0 ? HC_OK : HC_ECORRUPT;
    /* Refuse what cannot fit before there is memory for it. */
    least = (uint64_t)count * (codec_rice_bits(sketch->profile, count) + 1);
    if (least > (uint64_t)cursor_left(cursor) * 8)
        return HC_ECORRUPT;
    if (!sparse_reserve(sketch, count, &layer))
        return HC_ENOMEM;
    return codec_read_coupons(cursor, sketch, &layer);
}
