/* ZetaSketch and BigQuery's HLL_COUNT: a protocol buffer.
 *
 *   1 type = 112            extension 112:
 *   2 number of values        2 number of sparse values
 *   3 encoding = 2            3 precision p
 *   4 value type = 11         4 sparse precision s, p to 25; without it dense
 *                             5 data: 2^p registers
 *                             6 sparse data: ascending, differences as varints
 *
 * A sparse value is the top s bits of a hash where the last s - p of them are
 * not all zero and thus decide the register; otherwise
 *
 *   flag | top p bits << 6 | leading zeros of the other 64 - s bits, + 1
 *
 * with the flag at bit max(s, p + 6). We keep 25 bits, so that every s can be
 * written; what is read becomes our coupons where s is 25, else registers. */
#include "foreign_body.h"

#define ZETA_TYPE 112
#define ZETA_ENCODING 2
#define ZETA_VALUE_TYPE 11
#define ZETA_SPARSE_MAX 25
#define ZETA_FOREIGN_MAX 24
#define ZETA_RANK_BITS 6
/* Tags: number << 3, and 0 for a varint or 2 for bytes. */
#define ZETA_TAG_TYPE 8
#define ZETA_TAG_VALUES 16
#define ZETA_TAG_ENCODING 24
#define ZETA_TAG_VALUE_TYPE 32
#define ZETA_TAG_EXTENSION 898
#define ZETA_TAG_SPARSE_SIZE 16
#define ZETA_TAG_PRECISION 24
#define ZETA_TAG_SPARSE_PRECISION 32
#define ZETA_TAG_DATA 42
#define ZETA_TAG_SPARSE_DATA 50

static size_t varint_size(uint64_t number)
{
    size_t size = 1;

    while (number >>= 7)
        size++;
    return size;
}

static void varint_write(struct writer *writer, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        writer_number(writer, (number & 0x7f) | 0x80, 1);
    writer_number(writer, number, 1);
}

static void zeta_write_field(struct writer *writer, uint64_t tag, uint64_t number)
{
    varint_write(writer, tag);
    varint_write(writer, number);
}

static uint32_t zeta_flag(unsigned precision, unsigned sparse)
{
    unsigned packed = precision + ZETA_RANK_BITS;

    return UINT32_C(1) << (sparse > packed ? sparse : packed);
}

/* The sparse values of a sketch, ascending: first those without a flag. */
struct zeta_values {
    struct sparse_cursor coupons;
    const struct hc_sketch *sketch;
    unsigned sparse;
    bool flagged;
    bool has_next;
    uint32_t next;
};

/* The value of a coupon; whether it is one of this round. */
static bool zeta_value(const struct zeta_values *values, uint32_t coupon, uint32_t *value)
{
    unsigned dropped = values->sparse - values->sketch->precision;
    struct place place = sparse_place(values->sketch->profile, coupon, values->sparse);
    bool flagged = (place.index & ((UINT32_C(1) << dropped) - 1)) == 0;

    *value = place.index;
    if (flagged)
        *value = zeta_flag(values->sketch->precision, values->sparse) |
                 place.index >> dropped << ZETA_RANK_BITS | place.rank;
    return flagged == values->flagged;
}

static void zeta_values_read(struct zeta_values *values)
{
    uint32_t coupon;

    values->has_next = false;
    while (!values->has_next) {
        if (sparse_next(&values->coupons, &coupon)) {
            values->has_next = zeta_value(values, coupon, &values->next);
        } else if (!values->flagged) {
            values->flagged = true;
            values->coupons = sparse_cursor(values->sketch);
        } else {
            return;
        }
    }
}

static struct zeta_values zeta_values_of(const struct hc_sketch *sketch, unsigned sparse)
{
    struct zeta_values values = {.coupons = sparse_cursor(sketch), .sketch = sketch,
                                 .sparse = sparse};

    zeta_values_read(&values);
    return values;
}

/* The next value that differs, or the largest of those with one index. */
static bool zeta_values_next(struct zeta_values *values, uint32_t *value)
{
    uint32_t flag = zeta_flag(values->sketch->precision, values->sparse);
    bool found = values->has_next;

    if (found)
        *value = values->next;
    while (values->has_next) {
        bool alike = values->next == *value;

        if (values->next & flag)
            alike = values->next >> ZETA_RANK_BITS == *value >> ZETA_RANK_BITS;
        if (!alike)
            break;
        *value = values->next > *value ? values->next : *value;
        zeta_values_read(values);
    }
    return found;
}

/* What goes into the extension. */
struct zeta_body {
    unsigned precision;
    unsigned sparse;          /* 0: none */
    const uint8_t *registers; /* NULL: sparse */
    size_t count;             /* sparse values */
    size_t size;              /* of the data */
};

static size_t zeta_body_size(const struct zeta_body *body)
{
    size_t size = 1 + varint_size(body->precision);

    if (body->count > 0)
        size += 1 + varint_size(body->count);
    if (body->sparse > 0)
        size += 1 + varint_size(body->sparse);
    if (body->size > 0 || body->registers == NULL)
        size += 1 + varint_size(body->size) + body->size;
    return size;
}

static void zeta_measure(struct zeta_body *body, const struct hc_sketch *sketch)
{
    struct zeta_values values = zeta_values_of(sketch, body->sparse);
    uint32_t value, before = 0;

    while (zeta_values_next(&values, &value)) {
        body->size += varint_size(value - before);
        body->count++;
        before = value;
    }
}

static void zeta_write_values(struct writer *writer, const struct zeta_body *body,
                              const struct hc_sketch *sketch)
{
    struct zeta_values values = zeta_values_of(sketch, body->sparse);
    uint32_t value, before = 0;

    zeta_write_field(writer, ZETA_TAG_SPARSE_DATA, body->size);
    while (zeta_values_next(&values, &value)) {
        varint_write(writer, value - before);
        before = value;
    }
}

static void zeta_write_body(struct writer *writer, const struct zeta_body *body,
                            const struct hc_sketch *sketch)
{
    zeta_write_field(writer, ZETA_TAG_EXTENSION, zeta_body_size(body));
    if (body->count > 0)
        zeta_write_field(writer, ZETA_TAG_SPARSE_SIZE, body->count);
    zeta_write_field(writer, ZETA_TAG_PRECISION, body->precision);
    if (body->sparse > 0)
        zeta_write_field(writer, ZETA_TAG_SPARSE_PRECISION, body->sparse);
    if (body->registers == NULL) {
        zeta_write_values(writer, body, sketch);
    } else if (body->size > 0) {
        zeta_write_field(writer, ZETA_TAG_DATA, body->size);
        for (size_t i = 0; i < body->size; i++)
            writer_number(writer, body->registers[i], 1);
    }
}

/* The engine's number of values added, repeated ones too, which we don't know.
 * It is a signed number there. */
static uint64_t zeta_values_estimate(const struct hc_sketch *sketch)
{
    double value = hc_sketch_estimate(sketch).value + 0.5;

    return value < (double)INT64_MAX ? (uint64_t)value : INT64_MAX;
}

static enum hc_status zeta_write(const struct zeta_body *body, const struct hc_sketch *sketch,
                                 void *bytes, size_t room, size_t *size)
{
    uint64_t values = zeta_values_estimate(sketch);
    size_t inner = zeta_body_size(body);
    struct writer writer = writer_over(bytes, room);

    if (room < 9 + varint_size(values) + varint_size(inner) + inner)
        return HC_EROOM;
    zeta_write_field(&writer, ZETA_TAG_TYPE, ZETA_TYPE);
    zeta_write_field(&writer, ZETA_TAG_VALUES, values);
    zeta_write_field(&writer, ZETA_TAG_ENCODING, ZETA_ENCODING);
    zeta_write_field(&writer, ZETA_TAG_VALUE_TYPE, ZETA_VALUE_TYPE);
    zeta_write_body(&writer, body, sketch);
    *size = (size_t)(writer.next - (uint8_t *)bytes);
    return HC_OK;
}

enum hc_status hc_zetasketch_encode(const struct hc_sketch *sketch, unsigned sparse_precision,
                                    void *bytes, size_t room, size_t *size)
{
    struct zeta_body body = {.sparse = sparse_precision};
    enum hc_status status;
    uint8_t *registers;

    assert(sketch != NULL && bytes != NULL && size != NULL);
    if (sketch->profile->id != HC_PROFILE_ZETASKETCH)
        return HC_EPROFILE;
    body.precision = sketch->precision;
    if (body.precision < HC_ZETASKETCH_PRECISION_MIN)
        return HC_EPRECISION;
    if (body.sparse != 0 && (body.sparse < body.precision || body.sparse > ZETA_SPARSE_MAX))
        return HC_ERANGE;
    if (body.sparse != 0 && !sketch->dense)
        zeta_measure(&body, sketch);
    if (body.sparse != 0 && !sketch->dense && body.size * 4 <= dense_size(body.precision) * 3)
        return zeta_write(&body, sketch, bytes, room, size);
    registers = foreign_registers(sketch, body.precision);
    if (registers == NULL)
        return HC_ENOMEM;
    body.registers = registers;
    body.count = 0;
    body.size = foreign_filled(registers, body.precision) > 0 ? dense_size(body.precision) : 0;
    status = zeta_write(&body, sketch, bytes, room, size);
    sketch_release(&sketch->allocator, registers);
    return status;
}

/* A varint of at most 64 bits. */
static uint64_t varint_read(struct cursor *cursor)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = cursor_number(cursor, 1);

        if (shift == 63 && byte > 1)
            break;
        number |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
    cursor->failed = true;
    return 0;
}

/* So many bytes of their own, after their number. */
static struct cursor zeta_read_bytes(struct cursor *cursor)
{
    uint64_t size = varint_read(cursor);
    struct cursor bytes = cursor_over(cursor->next, 0);

    if (cursor->failed || size > cursor_left(cursor)) {
        cursor->failed = true;
        return bytes;
    }
    bytes.end = cursor->next += size;
    return bytes;
}

struct zeta_message {
    uint64_t type;
    uint64_t encoding;
    uint64_t value_type;
    uint64_t count;
    uint64_t precision;
    uint64_t sparse;
    struct cursor data;
    struct cursor sparse_data;
};

static enum hc_status zeta_read_extension(struct cursor cursor, struct zeta_message *message)
{
    while (cursor_left(&cursor) > 0) {
        uint64_t tag = varint_read(&cursor);

        if (tag == ZETA_TAG_SPARSE_SIZE)
            message->count = varint_read(&cursor);
        else if (tag == ZETA_TAG_PRECISION)
            message->precision = varint_read(&cursor);
        else if (tag == ZETA_TAG_SPARSE_PRECISION)
            message->sparse = varint_read(&cursor);
        else if (tag == ZETA_TAG_DATA)
            message->data = zeta_read_bytes(&cursor);
        else if (tag == ZETA_TAG_SPARSE_DATA)
            message->sparse_data = zeta_read_bytes(&cursor);
        else
            return HC_ECORRUPT;
        if (cursor.failed)
            return HC_ECORRUPT;
    }
    return HC_OK;
}

static enum hc_status zeta_read_message(struct cursor *cursor, struct zeta_message *message)
{
    enum hc_status status = HC_OK;
    struct cursor extension;

    if (cursor_left(cursor) == 0)
        return HC_ETRUNCATED;
    while (status == HC_OK && cursor_left(cursor) > 0) {
        uint64_t tag = varint_read(cursor);

        if (tag == ZETA_TAG_TYPE) {
            message->type = varint_read(cursor);
        } else if (tag == ZETA_TAG_VALUES) {
            varint_read(cursor);
        } else if (tag == ZETA_TAG_ENCODING) {
            message->encoding = varint_read(cursor);
        } else if (tag == ZETA_TAG_VALUE_TYPE) {
            message->value_type = varint_read(cursor);
        } else if (tag == ZETA_TAG_EXTENSION) {
            extension = zeta_read_bytes(cursor);
            status = cursor->failed ? HC_OK : zeta_read_extension(extension, message);
        } else if (!cursor->failed) {
            return message->type == 0 ? HC_EMAGIC : HC_ECORRUPT;
        }
        if (cursor->failed)
            return HC_ETRUNCATED;
    }
    return status;
}

static enum hc_status zeta_check(const struct zeta_message *message)
{
    if (message->type != ZETA_TYPE)
        return HC_EMAGIC;
    if (message->encoding != ZETA_ENCODING)
        return message->encoding > ZETA_ENCODING ? HC_EVERSION : HC_ECORRUPT;
    if (message->value_type != ZETA_VALUE_TYPE || message->precision > ZETA_FOREIGN_MAX ||
        message->precision == 0)
        return HC_ECORRUPT;
    if (message->precision < HC_ZETASKETCH_PRECISION_MIN)
        return HC_EPRECISION;
    if (message->sparse != 0 &&
        (message->sparse < message->precision || message->sparse > ZETA_SPARSE_MAX))
        return HC_ECORRUPT;
    if (cursor_left(&message->data) > 0 &&
        (cursor_left(&message->sparse_data) > 0 || message->count != 0 ||
         cursor_left(&message->data) != (uint64_t)1 << message->precision))
        return HC_ECORRUPT;
    if (cursor_left(&message->sparse_data) > 0 && message->sparse == 0)
        return HC_ECORRUPT;
    return HC_OK;
}

static void zeta_raise(struct hc_sketch *sketch, struct place place, unsigned from)
{
    dense_raise(sketch->registers, place_fold_high(place, from, sketch->precision));
}

static enum hc_status zeta_read_dense(struct zeta_message *message, struct hc_sketch *sketch)
{
    unsigned precision = (unsigned)message->precision;

    for (uint32_t i = 0; i < UINT32_C(1) << precision; i++) {
        uint32_t rank = (uint32_t)cursor_number(&message->data, 1);

        if (rank > 65 - precision)
            return HC_ECORRUPT;
        zeta_raise(sketch, (struct place){i, rank}, precision);
    }
    return HC_OK;
}

/* The place among 2^sparse that a value stands for; whether it is one that
 * ZetaSketch writes. */
static bool zeta_read_value(const struct zeta_message *message, uint64_t value,
                            struct place *place)
{
    unsigned precision = (unsigned)message->precision, sparse = (unsigned)message->sparse;
    uint32_t flag = zeta_flag(precision, sparse), low = (UINT32_C(1) << (sparse - precision)) - 1;
    uint64_t packed = value - flag;

    if (value < flag) {
        *place = (struct place){(uint32_t)value, 1};
        return value >> sparse == 0 && (value & low) != 0;
    }
    place->rank = packed & ((1 << ZETA_RANK_BITS) - 1);
    place->index = (uint32_t)(packed >> ZETA_RANK_BITS) << (sparse - precision);
    return packed >> (precision + ZETA_RANK_BITS) == 0 && place->rank > 0 &&
           place->rank <= 65 - sparse;
}

/* Into a dense sketch, or into a sparse one that has places of the same size. */
static enum hc_status zeta_add_place(struct hc_sketch *sketch, struct place place, unsigned sparse)
{
    if (sparse == sketch->profile->sparse_bits)
        return sketch_add_place(sketch, place, NULL);
    zeta_raise(sketch, place, sparse);
    return HC_OK;
}

/* The values into the sketch, or nowhere when that is NULL. */
static enum hc_status zeta_read_sparse(const struct zeta_message *message,
                                       struct hc_sketch *sketch)
{
    struct cursor cursor = message->sparse_data;
    uint64_t value = 0, count = 0;
    struct place place;

    for (; cursor_left(&cursor) > 0; count++) {
        uint64_t gap = varint_read(&cursor);

        if (cursor.failed || gap > UINT32_MAX || (count > 0 && gap == 0))
            return HC_ECORRUPT;
        value += gap;
        if (value > UINT32_MAX || !zeta_read_value(message, value, &place))
            return HC_ECORRUPT;
        if (sketch != NULL && zeta_add_place(sketch, place, (unsigned)message->sparse) != HC_OK)
            return HC_ENOMEM;
    }
    return count == message->count ? HC_OK : HC_ECORRUPT;
}

enum hc_status hc_zetasketch_decode(const void *bytes, size_t size,
                                    const struct hc_allocator *allocator,
                                    struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct zeta_message message = {0};
    struct hc_sketch *made;
    enum hc_status status;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    message.data = message.sparse_data = cursor_over(cursor.end, 0);
    status = zeta_read_message(&cursor, &message);
    if (status == HC_OK)
        status = zeta_check(&message);
    if (status == HC_OK)
        status = zeta_read_sparse(&message, NULL);
    if (status != HC_OK)
        return status;
    made = foreign_new(HC_PROFILE_ZETASKETCH, foreign_precision((unsigned)message.precision),
                       allocator);
    if (made == NULL)
        return HC_ENOMEM;
    if (cursor_left(&message.data) > 0 ||
        (message.count > 0 && message.sparse != made->profile->sparse_bits))
        status = foreign_make_dense(made);
    if (status == HC_OK && cursor_left(&message.data) > 0)
        status = zeta_read_dense(&message, made);
    else if (status == HC_OK)
        status = zeta_read_sparse(&message, made);
    return foreign_finish(status, &made, sketch);
}
