/* Trino, Presto and Velox: what approx_set makes and cardinality() reads.
 * Numbers are little-endian; the forms are those of airlift's stats.
 *
 *   sparse    2 | p | count, 16 bits | entries of 32 bits, ascending
 *   dense     3 | p | baseline | 2^(p-1) bytes of deltas
 *             | overflows, 16 bits | buckets, 16 bits each | 8 bits each
 *
 * An entry is the top 26 bits of a hash and the number of zeros after them: one
 * of our coupons, whose rank is 1 more. Where we know no rank the prefix alone
 * decides the register, and whatever stands for the zeros is never looked at;
 * cardinality() counts prefixes, so these have to be exact.
 *
 * A register is the baseline, its delta of 4 bits (even buckets in the high
 * half of a byte), and what an overflow adds where that is 15. */
#include "foreign_body.h"

#define TRINO_SPARSE 2
#define TRINO_DENSE 3
#define TRINO_PREFIX_BITS 26
#define TRINO_ZEROS_MAX (64 - TRINO_PREFIX_BITS)
#define TRINO_DELTA_MAX 15

/* Airlift keeps entries while they take less room than the deltas. */
static bool trino_is_sparse(const struct hc_sketch *sketch)
{
    return !sketch->dense && sketch->count * 8 < dense_size(sketch->precision);
}

static enum hc_status trino_encode_sparse(const struct hc_sketch *sketch, uint8_t *bytes,
                                          size_t room, size_t *size)
{
    struct writer writer = writer_over(bytes, room);
    struct sparse_cursor coupons = sparse_cursor(sketch);
    uint32_t coupon;

    if (room < 4 + sketch->count * sizeof coupon)
        return HC_EROOM;
    writer_number(&writer, TRINO_SPARSE, 1);
    writer_number(&writer, sketch->precision, 1);
    writer_number(&writer, sketch->count, 2);
    while (sparse_next(&coupons, &coupon)) {
        uint32_t rank = coupon & SPARSE_RANK_MASK, zeros = rank > 0 ? rank - 1 : 0;

        writer_number(&writer, (uint64_t)sparse_index(coupon) << 6 | zeros, 4);
    }
    *size = (size_t)(writer.next - bytes);
    return HC_OK;
}

static unsigned trino_baseline(const uint8_t *registers, size_t count)
{
    unsigned baseline = registers[0];

    for (size_t i = 1; i < count; i++)
        baseline = registers[i] < baseline ? registers[i] : baseline;
    return baseline;
}

static unsigned trino_delta(unsigned rank, unsigned baseline)
{
    return rank - baseline < TRINO_DELTA_MAX ? rank - baseline : TRINO_DELTA_MAX;
}

static enum hc_status trino_write_dense(const uint8_t *registers, unsigned precision,
                                        uint8_t *bytes, size_t room, size_t *size)
{
    struct writer writer = writer_over(bytes, room);
    size_t count = dense_size(precision), overflows = 0;
    unsigned baseline = trino_baseline(registers, count), top = baseline + TRINO_DELTA_MAX;

    for (size_t i = 0; i < count; i++)
        overflows += registers[i] > top;
    if (room < 5 + count / 2 + 3 * overflows)
        return HC_EROOM;
    writer_number(&writer, TRINO_DENSE, 1);
    writer_number(&writer, precision, 1);
    writer_number(&writer, baseline, 1);
    for (size_t i = 0; i < count; i += 2)
        writer_number(&writer, trino_delta(registers[i], baseline) << 4 |
                      trino_delta(registers[i + 1], baseline), 1);
    writer_number(&writer, overflows, 2);
    for (size_t i = 0; i < count; i++) {
        if (registers[i] > top)
            writer_number(&writer, i, 2);
    }
    for (size_t i = 0; i < count; i++) {
        if (registers[i] > top)
            writer_number(&writer, registers[i] - top, 1);
    }
    *size = (size_t)(writer.next - bytes);
    return HC_OK;
}

enum hc_status hc_trino_encode(const struct hc_sketch *sketch, void *bytes, size_t room,
                               size_t *size)
{
    enum hc_status status;
    uint8_t *registers;

    assert(sketch != NULL && bytes != NULL && size != NULL);
    if (sketch->profile->id != HC_PROFILE_TRINO)
        return HC_EPROFILE;
    if (sketch->precision > HC_TRINO_PRECISION_MAX)
        return HC_EPRECISION;
    if (trino_is_sparse(sketch))
        return trino_encode_sparse(sketch, bytes, room, size);
    registers = foreign_registers(sketch, sketch->precision);
    if (registers == NULL)
        return HC_ENOMEM;
    status = trino_write_dense(registers, sketch->precision, bytes, room, size);
    sketch_release(&sketch->allocator, registers);
    return status;
}

static enum hc_status trino_read_sparse(struct cursor *cursor, struct hc_sketch *sketch)
{
    uint32_t count = (uint32_t)cursor_number(cursor, 2), before = 0;

    if (cursor->failed)
        return HC_ETRUNCATED;
    if (count > INT16_MAX)
        return HC_ECORRUPT;
    if (cursor_left(cursor) != count * sizeof before)
        return cursor_left(cursor) < count * sizeof before ? HC_ETRUNCATED : HC_ECORRUPT;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = (uint32_t)cursor_number(cursor, 4), zeros = entry & 0x3f;
        struct place place = {entry >> 6, zeros + 1};

        if (zeros > TRINO_ZEROS_MAX || (i > 0 && entry >> 6 <= before >> 6))
            return HC_ECORRUPT;
        if (sketch_add_place(sketch, place, NULL) != HC_OK)
            return HC_ENOMEM;
        before = entry;
    }
    return HC_OK;
}

static enum hc_status trino_read_overflows(struct cursor *cursor, struct hc_sketch *sketch,
                                           unsigned top)
{
    size_t count = (size_t)cursor_number(cursor, 2);
    const uint8_t *above;
    int64_t before = -1;

    if (cursor->failed || cursor_left(cursor) < 3 * count)
        return HC_ETRUNCATED;
    if (cursor_left(cursor) > 3 * count)
        return HC_ECORRUPT;
    above = cursor->next + 2 * count;
    for (size_t i = 0; i < count; i++) {
        int64_t bucket = (int64_t)cursor_number(cursor, 2);

        if (bucket <= before || (size_t)bucket >= dense_size(sketch->precision) ||
            sketch->registers[bucket] != top || above[i] == 0 || above[i] > 64)
            return HC_ECORRUPT;
        sketch->registers[bucket] = (uint8_t)(top + above[i]);
        before = bucket;
    }
    return HC_OK;
}

static enum hc_status trino_read_dense(struct cursor *cursor, struct hc_sketch *sketch)
{
    unsigned rank_max = place_rank_max(sketch->profile, sketch->precision);
    unsigned baseline = (unsigned)cursor_number(cursor, 1);
    size_t count = dense_size(sketch->precision);
    enum hc_status status;

    if (cursor->failed || cursor_left(cursor) < count / 2)
        return HC_ETRUNCATED;
    if (baseline > rank_max)
        return HC_ECORRUPT;
    status = foreign_make_dense(sketch);
    if (status != HC_OK)
        return status;
    for (size_t i = 0; i < count; i += 2) {
        unsigned pair = (unsigned)cursor_number(cursor, 1);

        sketch->registers[i] = (uint8_t)(baseline + (pair >> 4));
        sketch->registers[i + 1] = (uint8_t)(baseline + (pair & 15));
    }
    status = trino_read_overflows(cursor, sketch, baseline + TRINO_DELTA_MAX);
    if (status == HC_OK && !dense_is_bounded(sketch->registers, sketch->precision, rank_max))
        status = HC_ECORRUPT;
    return status;
}

enum hc_status hc_trino_decode(const void *bytes, size_t size,
                               const struct hc_allocator *allocator, struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct hc_sketch *made;
    unsigned form, precision;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    form = (unsigned)cursor_number(&cursor, 1);
    if (!cursor.failed && form != TRINO_SPARSE && form != TRINO_DENSE)
        return HC_EMAGIC;
    precision = (unsigned)cursor_number(&cursor, 1);
    if (cursor.failed)
        return HC_ETRUNCATED;
    if (precision < 1 || precision > HC_TRINO_PRECISION_MAX)
        return HC_ECORRUPT;
    if (precision < HC_PRECISION_MIN)
        return HC_EPRECISION;
    made = foreign_new(HC_PROFILE_TRINO, precision, allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (form == TRINO_SPARSE)
        return foreign_finish(trino_read_sparse(&cursor, made), &made, sketch);
    return foreign_finish(trino_read_dense(&cursor, made), &made, sketch);
}
