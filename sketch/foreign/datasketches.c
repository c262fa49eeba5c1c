/* Apache DataSketches' HLL sketch, also Spark's hll_sketch_agg: how we write it.
 * datasketches_form.h has the layout.
 *
 * We write HIP 0 and "out of order", which makes readers estimate from the
 * registers. */
#include "datasketches_form.h"

static void ds_write_header(struct writer *writer, const struct ds_header *header)
{
    const uint8_t preambles[] = {2, 3, 10};

    writer_number(writer, preambles[header->mode], 1);
    writer_number(writer, DS_VERSION, 1);
    writer_number(writer, DS_FAMILY, 1);
    writer_number(writer, header->lg_k, 1);
    writer_number(writer, header->lg_array, 1);
    writer_number(writer, header->flags, 1);
    writer_number(writer, header->low, 1);
    writer_number(writer, header->mode | header->target << 2, 1);
}

static uint32_t ds_coupon(uint32_t coupon)
{
    return sparse_index(coupon) | (coupon & SPARSE_RANK_MASK) << TABLE_SLOT_BITS;
}

static void ds_write_coupons(struct writer *writer, const struct hc_sketch *sketch, bool is_table,
                             unsigned lg_array)
{
    struct sparse_cursor coupons = sparse_cursor(sketch);
    uint8_t *table = writer->next;
    uint32_t coupon;

    for (size_t i = 0; is_table && i < (size_t)1 << lg_array; i++)
        writer_number(writer, 0, 4);
    while (sparse_next(&coupons, &coupon)) {
        if (is_table)
            table_insert(table, lg_array, ds_coupon(coupon), ds_coupon(coupon));
        else
            writer_number(writer, ds_coupon(coupon), 4);
    }
}

static enum hc_status ds_encode_coupons(const struct hc_sketch *sketch, struct ds_header *header,
                                        struct writer *writer)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT, is_set = sketch->count > DS_LIST_SIZE;
    size_t count = sketch->count, head = DS_HEADER_SIZE + (is_set ? 4 : 0);

    header->mode = is_set ? DS_SET : DS_LIST;
    header->lg_array = DS_LIST_LG;
    if (is_set)
        header->lg_array = table_lg(DS_SET_LG_MIN, count);
    else
        header->low = (unsigned)count;
    if (count == 0)
        header->flags |= DS_FLAG_EMPTY;
    if ((size_t)(writer->end - writer->next) <
        head + 4 * (is_compact ? count : (size_t)1 << header->lg_array))
        return HC_EROOM;
    ds_write_header(writer, header);
    if (is_set)
        writer_number(writer, count, 4);
    ds_write_coupons(writer, sketch, is_set && !is_compact, header->lg_array);
    for (size_t i = count; !is_set && !is_compact && i < DS_LIST_SLOTS; i++)
        writer_number(writer, 0, 4);
    return HC_OK;
}

/* What the estimators of the engine keep beside the registers. */
struct ds_sums {
    double kxq0, kxq1;
    uint32_t at_minimum;
    uint32_t exceptions;
    unsigned minimum;
};

static struct ds_sums ds_sum(const uint8_t *registers, unsigned lg_k, enum ds_target target)
{
    struct ds_sums sums = {0, 0, 0, 0, 0};

    if (target == DS_HLL_4) {
        sums.minimum = PROFILE_SPLIT_RANK_MAX;
        for (size_t i = 0; i < dense_size(lg_k); i++)
            sums.minimum = registers[i] < sums.minimum ? registers[i] : sums.minimum;
    }
    for (size_t i = 0; i < dense_size(lg_k); i++) {
        double share = 1 / (double)(UINT64_C(1) << registers[i]);

        if (registers[i] < 32)
            sums.kxq0 += share;
        else
            sums.kxq1 += share;
        sums.at_minimum += registers[i] == sums.minimum;
        sums.exceptions += target == DS_HLL_4 && registers[i] >= sums.minimum + DS_EXCEPTION;
    }
    return sums;
}

static void ds_write_double(struct writer *writer, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    writer_number(writer, bits, sizeof bits);
}

static void ds_write_registers(struct writer *writer, const uint8_t *registers, unsigned lg_k,
                               enum ds_target target, unsigned minimum)
{
    for (size_t i = 0; i < dense_size(lg_k); i++) {
        unsigned above = registers[i] - minimum;

        if (target == DS_HLL_8)
            writer_number(writer, registers[i], 1);
        else if (target == DS_HLL_6)
            writer_bits(writer, registers[i], 6);
        else
            writer_bits(writer, above < DS_EXCEPTION ? above : DS_EXCEPTION, 4);
    }
    if (target == DS_HLL_6)
        writer_number(writer, 0, 1);
}

static void ds_write_exceptions(struct writer *writer, const uint8_t *registers,
                                const struct ds_header *header, unsigned top)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT;
    uint8_t *table = writer->next;

    for (size_t i = 0; !is_compact && i < ds_exceptions_slots(header); i++)
        writer_number(writer, 0, 4);
    for (uint32_t i = 0; i < dense_size(header->lg_k); i++) {
        uint32_t pair = i | (uint32_t)registers[i] << TABLE_SLOT_BITS;

        if (registers[i] < top)
            continue;
        if (is_compact)
            writer_number(writer, pair, 4);
        else
            table_insert(table, header->lg_array, i, pair);
    }
}

static enum hc_status ds_encode_registers(const uint8_t *registers, struct ds_header *header,
                                          struct writer *writer)
{
    struct ds_sums sums = ds_sum(registers, header->lg_k, (enum ds_target)header->target);
    size_t pairs = sums.exceptions, registers_size;

    header->mode = DS_HLL;
    header->flags |= DS_FLAG_OUT_OF_ORDER;
    header->low = sums.minimum;
    if (header->target == DS_HLL_4) {
        if (sums.exceptions > 0)
            header->lg_array = table_lg(table_exceptions_lg(header->lg_k), sums.exceptions);
        if (!(header->flags & DS_FLAG_COMPACT))
            pairs = ds_exceptions_slots(header);
    }
    registers_size = ds_registers_size((enum ds_target)header->target, header->lg_k);
    if ((size_t)(writer->end - writer->next) < DS_HLL_HEADER_SIZE + registers_size + 4 * pairs)
        return HC_EROOM;
    ds_write_header(writer, header);
    ds_write_double(writer, 0);
    ds_write_double(writer, sums.kxq0);
    ds_write_double(writer, sums.kxq1);
    writer_number(writer, sums.at_minimum, 4);
    writer_number(writer, sums.exceptions, 4);
    ds_write_registers(writer, registers, header->lg_k, (enum ds_target)header->target,
                       sums.minimum);
    if (header->target == DS_HLL_4)
        ds_write_exceptions(writer, registers, header, sums.minimum + DS_EXCEPTION);
    return HC_OK;
}

/* Whether the engine would still keep coupons. */
static bool ds_keeps_coupons(const struct hc_sketch *sketch)
{
    if (sketch->dense)
        return false;
    if (sketch->precision < DS_SET_PRECISION_MIN)
        return sketch->count <= DS_LIST_SIZE;
    return sketch->count * 4 <= dense_size(sketch->precision) / 8 * 3;
}

enum hc_status hc_datasketches_encode(const struct hc_sketch *sketch,
                                      const struct hc_datasketches_options *options, void *bytes,
                                      size_t room, size_t *size)
{
    struct writer writer = writer_over(bytes, room);
    enum hc_status status;
    uint8_t *registers;
    struct ds_header header;

    assert(sketch != NULL && options != NULL && bytes != NULL && size != NULL);
    if (sketch->profile->id != HC_PROFILE_DATASKETCHES)
        return HC_EPROFILE;
    if (options->bits != 4 && options->bits != 6 && options->bits != 8)
        return HC_ERANGE;
    header = (struct ds_header){
        .target = options->bits / 2 - 2,
        .lg_k = sketch->precision,
        .flags = options->updatable ? 0 : DS_FLAG_COMPACT,
    };
    if (ds_keeps_coupons(sketch)) {
        status = ds_encode_coupons(sketch, &header, &writer);
    } else {
        registers = foreign_registers(sketch, sketch->precision);
        if (registers == NULL)
            return HC_ENOMEM;
        status = ds_encode_registers(registers, &header, &writer);
        sketch_release(&sketch->allocator, registers);
    }
    if (status == HC_OK)
        *size = (size_t)(writer.next - (uint8_t *)bytes);
    return status;
}
