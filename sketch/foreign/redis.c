/* Redis and Valkey: the string behind PFADD, PFCOUNT and PFMERGE.
 *
 *   0      4        5        8                 16
 *   +------+--------+--------+-----------------+------------------ - -
 *   |"HYLL"|encoding| 0 0 0  | cached count    | registers
 *   +------+--------+--------+-----------------+------------------ - -
 *
 * The highest bit of the cached count means that it is stale, so that Redis
 * counts for itself. There are 2^14 registers, always.
 *
 * Dense (encoding 0): six bits a register, the lowest first, in one string.
 * Sparse (encoding 1): runs in index order.
 *
 *   00xxxxxx            x + 1 registers are 0
 *   01xxxxxx yyyyyyyy   256 x + y + 1 registers are 0
 *   1vvvvvxx            x + 1 registers are v + 1
 *
 * Redis keeps a sparse string up to 3,000 bytes and ranks up to 32; beyond
 * either it writes dense, and so do we. */
#include "foreign_body.h"

#define REDIS_REGISTERS (1 << HC_REDIS_PRECISION)
#define REDIS_MAGIC UINT32_C(0x4c4c5948) /* "HYLL" */
#define REDIS_HEADER_SIZE 16
#define REDIS_RANK_BITS 6
#define REDIS_DENSE 0
#define REDIS_SPARSE 1
#define REDIS_SPARSE_SIZE_MAX 3000
#define REDIS_ZERO_RUN_MAX 64
#define REDIS_VALUE_RUN_MAX 4
#define REDIS_VALUE_MAX 32
#define REDIS_XZERO 0x40
#define REDIS_VALUE 0x80

_Static_assert(HC_REDIS_SIZE_MAX == REDIS_HEADER_SIZE + REDIS_REGISTERS * REDIS_RANK_BITS / 8,
               "the public constant is the size of a dense string");

static void redis_write_header(struct writer *writer, uint8_t encoding)
{
    writer_number(writer, REDIS_MAGIC, 4);
    writer_number(writer, encoding, 4);
    writer_number(writer, UINT64_C(1) << 63, 8);
}

/* How many registers from here on are alike, at most `limit`. */
static size_t redis_run(const uint8_t *registers, size_t limit)
{
    size_t run = 1;

    while (run < limit && registers[run] == registers[0])
        run++;
    return run;
}

/* One opcode for the registers at `index`, its size through the writer;
 * returns how many registers it stands for. */
static size_t redis_write_run(struct writer *writer, const uint8_t *registers, size_t index)
{
    size_t left = REDIS_REGISTERS - index, run;
    uint8_t rank = registers[index];

    if (rank > 0) {
        run = redis_run(registers + index, left < REDIS_VALUE_RUN_MAX ? left : REDIS_VALUE_RUN_MAX);
        writer_number(writer, REDIS_VALUE | (uint64_t)(rank - 1) << 2 | (run - 1), 1);
        return run;
    }
    run = redis_run(registers + index, left);
    if (run > REDIS_ZERO_RUN_MAX) {
        writer_number(writer, REDIS_XZERO | (run - 1) >> 8, 1);
        writer_number(writer, (run - 1) & 0xff, 1);
    } else {
        writer_number(writer, run - 1, 1);
    }
    return run;
}

/* The size of the sparse string, or 0 when Redis would not write one. */
static size_t redis_write_sparse(const uint8_t *registers, uint8_t *bytes)
{
    struct writer writer = writer_over(bytes, HC_REDIS_SIZE_MAX);
    size_t index = 0;

    if (!dense_is_bounded(registers, HC_REDIS_PRECISION, REDIS_VALUE_MAX))
        return 0;
    redis_write_header(&writer, REDIS_SPARSE);
    while (index < REDIS_REGISTERS && writer.next - bytes <= REDIS_SPARSE_SIZE_MAX)
        index += redis_write_run(&writer, registers, index);
    return writer.next - bytes <= REDIS_SPARSE_SIZE_MAX ? (size_t)(writer.next - bytes) : 0;
}

static void redis_write_dense(const uint8_t *registers, uint8_t *bytes)
{
    struct writer writer = writer_over(bytes, HC_REDIS_SIZE_MAX);

    redis_write_header(&writer, REDIS_DENSE);
    for (size_t i = 0; i < REDIS_REGISTERS; i++)
        writer_bits(&writer, registers[i], REDIS_RANK_BITS);
    assert(writer.next == writer.end && writer.bits_held == 0);
}

enum hc_status hc_redis_encode(const struct hc_sketch *sketch, void *bytes, size_t room,
                               size_t *size)
{
    uint8_t string[HC_REDIS_SIZE_MAX];
    enum hc_status status = HC_OK;
    size_t string_size;
    uint8_t *registers;

    assert(sketch != NULL && bytes != NULL && size != NULL);
    if (sketch->profile->id != HC_PROFILE_REDIS)
        return HC_EPROFILE;
    if (sketch->precision < HC_REDIS_PRECISION)
        return HC_EPRECISION;
    registers = foreign_registers(sketch, HC_REDIS_PRECISION);
    if (registers == NULL)
        return HC_ENOMEM;
    string_size = redis_write_sparse(registers, string);
    if (string_size == 0) {
        redis_write_dense(registers, string);
        string_size = sizeof string;
    }
    if (string_size > room) {
        status = HC_EROOM;
    } else {
        memcpy(bytes, string, string_size);
        *size = string_size;
    }
    sketch_release(&sketch->allocator, registers);
    return status;
}

/* The run of one opcode, and its rank into *rank. */
static size_t redis_read_run(struct cursor *cursor, unsigned *rank)
{
    unsigned opcode = (unsigned)cursor_number(cursor, 1);

    *rank = 0;
    if (opcode & REDIS_VALUE) {
        *rank = (opcode >> 2 & 0x1f) + 1;
        return (opcode & 3) + 1;
    }
    if (opcode & REDIS_XZERO)
        return ((opcode & 0x3f) << 8 | (unsigned)cursor_number(cursor, 1)) + 1;
    return opcode + 1;
}

/* The runs into `registers`, or nowhere when that is NULL: they must be those of
 * all registers, and of no more. Their ranks are never too large. */
static enum hc_status redis_read_sparse(struct cursor cursor, uint8_t *registers)
{
    size_t index = 0;

    while (index < REDIS_REGISTERS) {
        unsigned rank;
        size_t run = redis_read_run(&cursor, &rank);

        if (cursor.failed)
            return HC_ETRUNCATED;
        if (run > REDIS_REGISTERS - index)
            return HC_ECORRUPT;
        if (registers != NULL && rank > 0)
            memset(registers + index, (int)rank, run);
        index += run;
    }
    return cursor_left(&cursor) == 0 ? HC_OK : HC_ECORRUPT;
}

static enum hc_status redis_read_dense(struct cursor cursor, struct hc_sketch *sketch)
{
    unsigned rank_max = place_rank_max(sketch->profile, HC_REDIS_PRECISION);

    for (size_t i = 0; i < REDIS_REGISTERS; i++)
        sketch->registers[i] = (uint8_t)cursor_bits(&cursor, REDIS_RANK_BITS);
    return dense_is_bounded(sketch->registers, HC_REDIS_PRECISION, rank_max) ? HC_OK : HC_ECORRUPT;
}

/* What can be said before there is memory for registers. */
static enum hc_status redis_check(struct cursor cursor, unsigned encoding)
{
    const size_t needed = HC_REDIS_SIZE_MAX - REDIS_HEADER_SIZE;

    if (encoding == REDIS_SPARSE)
        return redis_read_sparse(cursor, NULL);
    if (encoding != REDIS_DENSE)
        return HC_ECORRUPT;
    if (cursor_left(&cursor) != needed)
        return cursor_left(&cursor) < needed ? HC_ETRUNCATED : HC_ECORRUPT;
    return HC_OK;
}

enum hc_status hc_redis_decode(const void *bytes, size_t size,
                               const struct hc_allocator *allocator, struct hc_sketch **sketch)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct hc_sketch *made;
    enum hc_status status;
    unsigned encoding;

    assert((bytes != NULL || size == 0) && sketch != NULL);
    if (cursor_number(&cursor, 4) != REDIS_MAGIC)
        return cursor.failed ? HC_ETRUNCATED : HC_EMAGIC;
    encoding = (unsigned)cursor_number(&cursor, 1);
    cursor_number(&cursor, 3); /* Redis does not look at these */
    cursor_number(&cursor, 8); /* the cached count */
    if (cursor.failed)
        return HC_ETRUNCATED;
    status = redis_check(cursor, encoding);
    if (status != HC_OK)
        return status;
    made = foreign_new(HC_PROFILE_REDIS, HC_REDIS_PRECISION, allocator);
    if (made == NULL)
        return HC_ENOMEM;
    status = foreign_make_dense(made);
    if (status == HC_OK && encoding == REDIS_SPARSE)
        status = redis_read_sparse(cursor, made->registers);
    else if (status == HC_OK)
        status = redis_read_dense(cursor, made);
    return foreign_finish(status, &made, sketch);
}
