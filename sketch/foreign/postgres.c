/* postgresql-hll and java-hll: the hll type, storage version 1.
 *
 *   0         1                        2                    3
 *   +---------+------------------------+--------------------+----- - -
 *   | 1, type | regwidth - 1 | log2m   | 0 | sparse | cutoff | body
 *   +---------+------------------------+--------------------+----- - -
 *     4    4           3         5       1     1        6
 *
 * Bits go from the highest down. Types: 1 empty; 2 explicit, 64-bit hashes in
 * signed order; 3 sparse, words of index and rank, ascending; 4 full, all
 * registers. The last byte is filled with zeros. The cutoff says up to how many
 * hashes stay explicit: 0 none, 63 automatic, else 2^(cutoff-1). We have no
 * whole hashes and never write explicit. */
#include "foreign_body.h"

#define POSTGRES_VERSION 1
#define POSTGRES_HEADER_SIZE 3
#define POSTGRES_CUTOFF_AUTO 63
#define POSTGRES_SPARSE_FLAG 0x40

enum postgres_type { POSTGRES_EMPTY = 1, POSTGRES_EXPLICIT, POSTGRES_SPARSE, POSTGRES_FULL };

/* Bits from the highest down, at most 32 at a time. */
struct postgres_bits {
    const uint8_t *bytes;
    size_t next; /* in bits */
    size_t end;
};

static uint32_t postgres_read_bits(struct postgres_bits *bits, unsigned count)
{
    size_t byte = bits->next / 8;
    uint64_t number = 0;

    assert(count <= 32 && count <= bits->end - bits->next);
    bits->next += count;
    for (; byte * 8 < bits->next; byte++)
        number = number << 8 | bits->bytes[byte];
    number >>= byte * 8 - bits->next;
    return (uint32_t)(number & ((UINT64_C(1) << count) - 1));
}

static void postgres_write_bits(uint8_t *bytes, size_t *next, uint32_t number, unsigned count)
{
    for (; count > 0; count--, ++*next) {
        if (number >> (count - 1) & 1)
            bytes[*next / 8] |= (uint8_t)(0x80 >> *next % 8);
    }
}

/* The cutoff's code, or -1 when there is none. */
static int postgres_cutoff(int64_t expthresh)
{
    int code = 1;

    if (expthresh == -1)
        return POSTGRES_CUTOFF_AUTO;
    if (expthresh == 0)
        return 0;
    if (expthresh < 0 || expthresh > HC_POSTGRES_EXPTHRESH_MAX ||
        (expthresh & (expthresh - 1)) != 0)
        return -1;
    while (expthresh >> code != 0)
        code++;
    return code;
}

struct postgres_shape {
    unsigned log2m;
    unsigned regwidth;
    size_t words; /* registers that the body holds */
    enum postgres_type type;
};

static size_t postgres_body_size(const struct postgres_shape *shape)
{
    size_t width = shape->regwidth;

    if (shape->type == POSTGRES_SPARSE)
        width += shape->log2m;
    return (shape->words * width + 7) / 8;
}

static struct postgres_shape postgres_choose(const uint8_t *registers, unsigned log2m,
                                             const struct hc_postgres_options *options)
{
    size_t filled = foreign_filled(registers, log2m);
    struct postgres_shape shape = {log2m, options->regwidth, filled, POSTGRES_EMPTY};

    if (filled == 0)
        return shape;
    shape.type = POSTGRES_SPARSE;
    if (!options->sparse_on ||
        filled * (log2m + shape.regwidth) >= dense_size(log2m) * shape.regwidth) {
        shape.type = POSTGRES_FULL;
        shape.words = dense_size(log2m);
    }
    return shape;
}

static void postgres_write_body(const struct postgres_shape *shape, const uint8_t *registers,
                                uint8_t *body)
{
    unsigned rank_max = (1U << shape->regwidth) - 1;
    size_t next = 0;

    memset(body, 0, postgres_body_size(shape));
    for (uint32_t i = 0; shape->words > 0 && i < dense_size(shape->log2m); i++) {
        uint32_t rank = registers[i] < rank_max ? registers[i] : rank_max;

        if (shape->type == POSTGRES_SPARSE && rank == 0)
            continue;
        if (shape->type == POSTGRES_SPARSE)
            postgres_write_bits(body, &next, i, shape->log2m);
        postgres_write_bits(body, &next, rank, shape->regwidth);
    }
}

enum hc_status hc_postgres_encode(const struct hc_sketch *sketch,
                                  const struct hc_postgres_options *options, void *bytes,
                                  size_t room, size_t *size)
{
    enum hc_status status = HC_EROOM;
    struct postgres_shape shape;
    uint8_t *registers, *to = bytes;
    int cutoff;

    assert(sketch != NULL && options != NULL && bytes != NULL && size != NULL);
    if (sketch->profile->id != HC_PROFILE_POSTGRES)
        return HC_EPROFILE;
    cutoff = postgres_cutoff(options->expthresh);
    if (options->regwidth < 1 || options->regwidth > HC_POSTGRES_REGWIDTH_MAX || cutoff < 0)
        return HC_ERANGE;
    if (sketch->precision > HC_POSTGRES_PRECISION_MAX)
        return HC_EPRECISION;
    registers = foreign_registers(sketch, sketch->precision);
    if (registers == NULL)
        return HC_ENOMEM;
    shape = postgres_choose(registers, sketch->precision, options);
    if (room >= POSTGRES_HEADER_SIZE + postgres_body_size(&shape)) {
        to[0] = (uint8_t)(POSTGRES_VERSION << 4 | shape.type);
        to[1] = (uint8_t)((shape.regwidth - 1) << 5 | shape.log2m);
        to[2] = (uint8_t)((options->sparse_on ? POSTGRES_SPARSE_FLAG : 0) | cutoff);
        postgres_write_body(&shape, registers, to + POSTGRES_HEADER_SIZE);
        *size = POSTGRES_HEADER_SIZE + postgres_body_size(&shape);
        status = HC_OK;
    }
    sketch_release(&sketch->allocator, registers);
    return status;
}

static enum hc_status postgres_read_explicit(struct cursor *cursor, struct hc_sketch *sketch)
{
    int64_t before = INT64_MIN;

    if (cursor_left(cursor) == 0)
        return HC_ECORRUPT;
    if (cursor_left(cursor) % 8 != 0)
        return HC_ETRUNCATED;
    for (size_t i = 0; cursor_left(cursor) > 0; i++) {
        uint64_t hash = __builtin_bswap64(cursor_number(cursor, 8));

        if (i > 0 && (int64_t)hash <= before)
            return HC_ECORRUPT;
        if (hc_sketch_add_hash(sketch, (struct hc_hash){hash, 0}, NULL) != HC_OK)
            return HC_ENOMEM;
        before = (int64_t)hash;
    }
    return HC_OK;
}

static void postgres_raise(struct hc_sketch *sketch, uint32_t index, uint32_t rank)
{
    dense_raise(sketch->registers, place_cap((struct place){index, rank}));
}

/* Whether the bits that are left only fill the last byte. */
static bool postgres_is_filling(struct postgres_bits bits)
{
    if (bits.end - bits.next >= 8)
        return false;
    return postgres_read_bits(&bits, (unsigned)(bits.end - bits.next)) == 0;
}

/* The words into the sketch, or nowhere when that is NULL. */
static enum hc_status postgres_read_sparse(struct postgres_bits bits,
                                           const struct postgres_shape *shape,
                                           struct hc_sketch *sketch)
{
    int64_t before = -1;

    while (!postgres_is_filling(bits)) {
        uint32_t index, rank;

        if (bits.end - bits.next < shape->log2m + shape->regwidth)
            return HC_ETRUNCATED;
        index = postgres_read_bits(&bits, shape->log2m);
        rank = postgres_read_bits(&bits, shape->regwidth);
        if ((int64_t)index <= before || rank == 0)
            return HC_ECORRUPT;
        if (sketch != NULL)
            postgres_raise(sketch, index, rank);
        before = index;
    }
    return before < 0 ? HC_ECORRUPT : HC_OK;
}

static void postgres_read_full(struct postgres_bits bits, const struct postgres_shape *shape,
                               struct hc_sketch *sketch)
{
    for (uint32_t i = 0; i < shape->words; i++)
        postgres_raise(sketch, i, postgres_read_bits(&bits, shape->regwidth));
}

/* What can be said of registers before there is memory for them. */
static enum hc_status postgres_check(struct postgres_bits bits, const struct postgres_shape *shape)
{
    size_t needed = postgres_body_size(shape) * 8;

    if (shape->type == POSTGRES_SPARSE)
        return postgres_read_sparse(bits, shape, NULL);
    if (bits.end != needed)
        return bits.end < needed ? HC_ETRUNCATED : HC_ECORRUPT;
    return HC_OK;
}

static enum hc_status postgres_read_body(struct cursor *cursor, const struct postgres_shape *shape,
                                         struct hc_sketch *sketch)
{
    struct postgres_bits bits = {cursor->next, 0, cursor_left(cursor) * 8};
    enum hc_status status;

    if (shape->type == POSTGRES_EMPTY)
        return cursor_left(cursor) == 0 ? HC_OK : HC_ECORRUPT;
    if (shape->type == POSTGRES_EXPLICIT)
        return postgres_read_explicit(cursor, sketch);
    status = postgres_check(bits, shape);
    if (status == HC_OK)
        status = foreign_make_dense(sketch);
    if (status == HC_OK && shape->type == POSTGRES_SPARSE)
        status = postgres_read_sparse(bits, shape, sketch);
    else if (status == HC_OK)
        postgres_read_full(bits, shape, sketch);
    return status;
}

enum hc_status hc_postgres_decode(const void *bytes, size_t size,
                                  const struct hc_allocator *allocator, struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct postgres_shape shape;
    unsigned first, widths, flags;
    struct hc_sketch *made;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    first = (unsigned)cursor_number(&cursor, 1);
    if (!cursor.failed && first >> 4 != POSTGRES_VERSION)
        return HC_EMAGIC;
    widths = (unsigned)cursor_number(&cursor, 1);
    flags = (unsigned)cursor_number(&cursor, 1);
    if (cursor.failed)
        return HC_ETRUNCATED;
    shape = (struct postgres_shape){widths & 0x1f, (widths >> 5) + 1, 0, first & 15};
    if (shape.type < POSTGRES_EMPTY || shape.type > POSTGRES_FULL || flags >> 7 != 0)
        return HC_ECORRUPT;
    if (shape.log2m < HC_PRECISION_MIN || shape.log2m > HC_POSTGRES_PRECISION_MAX)
        return HC_EPRECISION;
    if (shape.type == POSTGRES_FULL)
        shape.words = dense_size(shape.log2m);
    made = foreign_new(HC_PROFILE_POSTGRES, shape.log2m, allocator);
    if (made == NULL)
        return HC_ENOMEM;
    return foreign_finish(postgres_read_body(&cursor, &shape, made), &made, sketch);
}
