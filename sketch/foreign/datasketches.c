/* Apache DataSketches' HLL sketch, also Spark's hll_sketch_agg. Little-endian.
 *
 *   0        1       2      3   4     5     6            7           8
 *   +--------+-------+------+---+-----+-----+------------+-----------+---- - -
 *   |preamble|version|family|lgK|lgArr|flags|count,curMin|mode,target| body
 *   +--------+-------+------+---+-----+-----+------------+-----------+---- - -
 *
 * A coupon is the low 26 bits of the hash and above them the rank in six: what
 * we keep, the other way round. Body, by mode:
 *
 *   LIST   up to 7 coupons; their number stands in byte 6
 *   SET    their number in 32 bits, then coupons, from lgK 8 on
 *   HLL    HIP, KxQ0, KxQ1 (doubles), number at curMin, number of exceptions,
 *          then registers: HLL_8 a byte each; HLL_6 six bits each, lowest first,
 *          and a byte; HLL_4 the rank above curMin in four bits, lowest first,
 *          where 15 stands for an exception: a coupon of slot and rank
 *
 * Images are compact, or updatable: then lists have all their 8 slots, sets and
 * exceptions are hash tables with zeros as empty slots. We write HIP 0 and "out
 * of order", which makes readers estimate from the registers. */
#include "datasketches_table.h"

#define DS_VERSION 1
#define DS_FAMILY 7
#define DS_PRECISION_MAX 21
#define DS_FLAG_EMPTY 4
#define DS_FLAG_COMPACT 8
#define DS_FLAG_OUT_OF_ORDER 16
#define DS_FLAGS (DS_FLAG_EMPTY | DS_FLAG_COMPACT | DS_FLAG_OUT_OF_ORDER)
#define DS_LIST_SIZE 7
#define DS_LIST_SLOTS 8
#define DS_LIST_LG 3
#define DS_SET_LG_MIN 5
#define DS_SET_PRECISION_MIN 8
#define DS_EXCEPTION 15
#define DS_HEADER_SIZE 8
#define DS_HLL_HEADER_SIZE 40

enum ds_mode { DS_LIST, DS_SET, DS_HLL };
enum ds_target { DS_HLL_4, DS_HLL_6, DS_HLL_8 };

struct ds_header {
    unsigned mode;
    unsigned target;
    unsigned lg_k;
    unsigned lg_array;
    unsigned flags;
    unsigned low; /* byte 6: a list's count, or curMin */
};

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

static size_t ds_registers_size(enum ds_target target, unsigned lg_k)
{
    if (target == DS_HLL_8)
        return dense_size(lg_k);
    return target == DS_HLL_6 ? dense_size(lg_k) / 4 * 3 + 1 : dense_size(lg_k) / 2;
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

/* A table without exceptions says 0, and has its least size all the same. */
static size_t ds_exceptions_slots(const struct ds_header *header)
{
    unsigned lg = header->lg_array;

    return (size_t)1 << (lg == 0 ? table_exceptions_lg(header->lg_k) : lg);
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

static enum hc_status ds_read_header(struct cursor *cursor, struct ds_header *header)
{
    const uint8_t preambles[] = {2, 3, 10, 0};
    unsigned preamble = (unsigned)cursor_number(cursor, 1);
    unsigned version = (unsigned)cursor_number(cursor, 1);
    unsigned family = (unsigned)cursor_number(cursor, 1);
    unsigned mode;

    if (!cursor->failed && family != DS_FAMILY)
        return HC_EMAGIC;
    if (!cursor->failed && version != DS_VERSION)
        return version == 0 ? HC_ECORRUPT : HC_EVERSION;
    header->lg_k = (unsigned)cursor_number(cursor, 1);
    header->lg_array = (unsigned)cursor_number(cursor, 1);
    header->flags = (unsigned)cursor_number(cursor, 1);
    header->low = (unsigned)cursor_number(cursor, 1);
    mode = (unsigned)cursor_number(cursor, 1);
    if (cursor->failed)
        return HC_ETRUNCATED;
    header->mode = mode & 3;
    header->target = mode >> 2;
    if (preamble != preambles[header->mode] || header->mode > DS_HLL ||
        header->target > DS_HLL_8 || (header->flags & ~(unsigned)DS_FLAGS) != 0 ||
        header->lg_k < HC_PRECISION_MIN || header->lg_k > DS_PRECISION_MAX ||
        (header->mode == DS_SET && header->lg_k < DS_SET_PRECISION_MIN))
        return HC_ECORRUPT;
    return HC_OK;
}

/* The bytes left are exactly `words` of 32 bits. */
static enum hc_status ds_expect(const struct cursor *cursor, uint64_t words)
{
    if (cursor_left(cursor) == words * 4)
        return HC_OK;
    return cursor_left(cursor) < words * 4 ? HC_ETRUNCATED : HC_ECORRUPT;
}

/* All words that are left: `count` coupons, and zeros where it is a table. Where
 * in the table a coupon stands, and how often, makes no difference. */
static enum hc_status ds_read_coupons(struct cursor *cursor, bool is_compact, size_t count,
                                      struct hc_sketch *sketch)
{
    while (cursor_left(cursor) > 0) {
        uint32_t word = (uint32_t)cursor_number(cursor, 4);
        struct place place = {word & TABLE_SLOT_MASK, word >> TABLE_SLOT_BITS};

        if (word == 0 && !is_compact)
            continue;
        if (place.rank == 0 || count == 0)
            return HC_ECORRUPT;
        if (sketch_add_place(sketch, place, NULL) != HC_OK)
            return HC_ENOMEM;
        count--;
    }
    return count == 0 ? HC_OK : HC_ECORRUPT;
}

static enum hc_status ds_read_list(struct cursor *cursor, const struct ds_header *header,
                                   struct hc_sketch *sketch)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT;
    size_t count = header->low, slots = DS_LIST_SLOTS;
    enum hc_status status;

    if (header->mode == DS_SET) {
        count = (size_t)cursor_number(cursor, 4);
        if (cursor->failed)
            return HC_ETRUNCATED;
        if (header->lg_array > DS_PRECISION_MAX)
            return HC_ECORRUPT;
        slots = (size_t)1 << header->lg_array;
    }
    if (count > (header->mode == DS_SET ? slots : DS_LIST_SIZE) ||
        ((header->flags & DS_FLAG_EMPTY) && count > 0))
        return HC_ECORRUPT;
    status = ds_expect(cursor, is_compact ? count : slots);
    if (status != HC_OK)
        return status;
    return ds_read_coupons(cursor, is_compact, count, sketch);
}

/* A register of a precision that may be above the sketch's. */
static void ds_raise(struct hc_sketch *sketch, uint32_t slot, unsigned rank)
{
    dense_raise(sketch->registers, place_fold_split((struct place){slot, rank},
                                                    sketch->precision));
}

/* An exception belongs to a slot that says so, and to it alone: exceptions come
 * as often as slots say, and each but once, for the slot's nibble is cleared. */
static enum hc_status ds_read_exceptions(struct cursor *cursor, const struct ds_header *header,
                                         uint8_t *slots, size_t count, struct hc_sketch *sketch)
{
    bool is_compact = header->flags & DS_FLAG_COMPACT;

    while (cursor_left(cursor) > 0) {
        uint32_t word = (uint32_t)cursor_number(cursor, 4);
        uint32_t slot = word & TABLE_SLOT_MASK, rank = word >> TABLE_SLOT_BITS;

        if (word == 0 && !is_compact)
            continue;
        if (count == 0 || slot >> header->lg_k != 0 || slots[slot] != DS_EXCEPTION ||
            rank < header->low + DS_EXCEPTION)
            return HC_ECORRUPT;
        slots[slot] = 0;
        ds_raise(sketch, slot, rank);
        count--;
    }
    return count == 0 ? HC_OK : HC_ECORRUPT;
}

static enum hc_status ds_read_slots(struct cursor *cursor, const struct ds_header *header,
                                    uint8_t *slots, size_t exceptions, struct hc_sketch *sketch)
{
    struct cursor nibbles = *cursor;
    size_t found = 0;

    nibbles.end = nibbles.next + dense_size(header->lg_k) / 2;
    cursor->next = nibbles.end;
    for (uint32_t i = 0; i < dense_size(header->lg_k); i++) {
        slots[i] = (uint8_t)cursor_bits(&nibbles, 4);
        if (slots[i] != DS_EXCEPTION && slots[i] + header->low > PROFILE_SPLIT_RANK_MAX)
            return HC_ECORRUPT;
        if (slots[i] != DS_EXCEPTION)
            ds_raise(sketch, i, slots[i] + header->low);
        found += slots[i] == DS_EXCEPTION;
    }
    if (found != exceptions)
        return HC_ECORRUPT;
    return ds_read_exceptions(cursor, header, slots, exceptions, sketch);
}

static enum hc_status ds_read_four(struct cursor *cursor, const struct ds_header *header,
                                   size_t exceptions, struct hc_sketch *sketch)
{
    size_t words = exceptions, nibbles = ds_registers_size(DS_HLL_4, header->lg_k);
    struct cursor pairs = *cursor;
    enum hc_status status;
    uint8_t *slots;

    if (cursor_left(cursor) < nibbles)
        return HC_ETRUNCATED;
    if (exceptions > dense_size(header->lg_k) ||
        header->lg_array > DS_PRECISION_MAX + 1 ||
        header->low > PROFILE_SPLIT_RANK_MAX)
        return HC_ECORRUPT;
    if (!(header->flags & DS_FLAG_COMPACT))
        words = ds_exceptions_slots(header);
    pairs.next += nibbles;
    status = ds_expect(&pairs, words);
    if (status != HC_OK)
        return status;
    slots = sketch_allocate(&sketch->allocator, dense_size(header->lg_k));
    if (slots == NULL)
        return HC_ENOMEM;
    status = ds_read_slots(cursor, header, slots, exceptions, sketch);
    sketch_release(&sketch->allocator, slots);
    return status;
}

/* HLL_6 and HLL_8. */
static enum hc_status ds_read_whole(struct cursor *cursor, const struct ds_header *header,
                                    struct hc_sketch *sketch)
{
    size_t size = ds_registers_size((enum ds_target)header->target, header->lg_k);
    unsigned bits = header->target == DS_HLL_8 ? 8 : 6;

    if (cursor_left(cursor) != size)
        return cursor_left(cursor) < size ? HC_ETRUNCATED : HC_ECORRUPT;
    for (uint32_t i = 0; i < dense_size(header->lg_k); i++) {
        unsigned rank = cursor_bits(cursor, bits);

        if (rank > PROFILE_SPLIT_RANK_MAX)
            return HC_ECORRUPT;
        ds_raise(sketch, i, rank);
    }
    return HC_OK;
}

static enum hc_status ds_read_registers(struct cursor *cursor, const struct ds_header *header,
                                        struct hc_sketch *sketch)
{
    enum hc_status status;
    size_t exceptions;

    for (int word = 0; word < 7; word++)
        cursor_number(cursor, 4); /* HIP, KxQ0, KxQ1, the number at curMin */
    exceptions = (size_t)cursor_number(cursor, 4);
    if (cursor->failed)
        return HC_ETRUNCATED;
    if (header->flags & DS_FLAG_EMPTY)
        return HC_ECORRUPT;
    if (cursor_left(cursor) < ds_registers_size((enum ds_target)header->target, header->lg_k))
        return HC_ETRUNCATED;
    status = foreign_make_dense(sketch);
    if (status != HC_OK)
        return status;
    if (header->target == DS_HLL_4)
        return ds_read_four(cursor, header, exceptions, sketch);
    return ds_read_whole(cursor, header, sketch);
}

enum hc_status hc_datasketches_decode(const void *bytes, size_t size,
                                      const struct hc_allocator *allocator,
                                      struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct ds_header header;
    struct hc_sketch *made;
    enum hc_status status;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    status = ds_read_header(&cursor, &header);
    if (status != HC_OK)
        return status;
    made = foreign_new(HC_PROFILE_DATASKETCHES, foreign_precision(header.lg_k), allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (header.mode == DS_HLL)
        status = ds_read_registers(&cursor, &header, made);
    else
        status = ds_read_list(&cursor, &header, made);
    return foreign_finish(status, &made, sketch);
}
