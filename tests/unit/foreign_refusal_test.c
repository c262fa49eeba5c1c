/* Goal: each rule of each foreign decoder, with bytes made by hand that break
 * it alone, and beside them the nearest bytes that don't.
 *
 * The rules are those of the engines' own readers where these have one, else of
 * what their writers write; where ours is the stricter, the row says so. */
#include "check_main.h"
#include "foreign_forms.h"
#include "foreign_model.h"
#include "sketch_kit.h"

struct row {
    const char *why;
    enum hc_status status;
    const char *head; /* in hex; blanks don't count */
    size_t zeros;     /* bytes between head and tail */
    const char *tail;
};

#define ROW_MAX (1 << 16)

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;
    int used;

    for (; hex != NULL && sscanf(hex, " %2hhx%n", &bytes[size], &used) == 1; hex += used)
        size++;
    return size;
}

/* The bytes answer with this status; what decodes is what the model says. */
static void answers(enum hc_profile profile, const uint8_t *bytes, size_t size,
                    enum hc_status expected, const char *why)
{
    static uint8_t registers[KIT_REGISTERS_MAX];
    static struct foreign_model model;
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    uint8_t *exact = malloc(size + 1);
    struct hc_sketch *sketch = NULL;
    enum hc_status status;

    memcpy(exact + 1, bytes, size);
    status = forms_decoder(profile)(exact + 1, size, &allocator, &sketch);
    ck_assert_msg(status == expected, "%s: %s, not %s", why, hc_status_name(status),
                  hc_status_name(expected));
    ck_assert_msg(model_read(profile, exact + 1, size, &model) == (expected == HC_OK),
                  "%s: the model disagrees", why);
    free(exact);
    if (status == HC_OK) {
        kit_check(sketch);
        hc_sketch_registers(sketch, registers, sizeof registers);
        ck_assert_mem_eq(registers, model.registers, (size_t)1 << model.precision);
        hc_sketch_destroy(&sketch);
    }
    ck_assert_ptr_null(sketch);
    ck_assert_uint_eq(memory.blocks, 0);
}

static void rows_answer(enum hc_profile profile, const struct row *rows, size_t count)
{
    static uint8_t bytes[ROW_MAX];

    for (size_t i = 0; i < count; i++) {
        size_t size = from_hex(rows[i].head, bytes);

        memset(bytes + size, 0, rows[i].zeros);
        size += rows[i].zeros;
        size += from_hex(rows[i].tail, bytes + size);
        answers(profile, bytes, size, rows[i].status, rows[i].why);
    }
}

#define ROWS_ANSWER(profile, rows) rows_answer(profile, rows, sizeof(rows) / sizeof((rows)[0]))

/* hyperloglog.c: isHLLObjectOrReply looks at magic, encoding and the size of
 * dense strings; the loops over opcodes at what they come to. */
#define HYLL "48594c4c"
#define SPARSE HYLL "01 000000 0000000000000080"
#define DENSE HYLL "00 000000 0000000000000080"

static const struct row redis_rows[] = {
    {"nothing", HC_ETRUNCATED, "", 0, NULL},
    {"half the magic", HC_ETRUNCATED, "4859", 0, NULL},
    {"another magic", HC_EMAGIC, "48594c4d", 20, NULL},
    {"a header short of a byte", HC_ETRUNCATED, HYLL "01", 10, NULL},
    {"encoding 2", HC_ECORRUPT, HYLL "02", 11, "7fff"},
    {"encoding 255", HC_ECORRUPT, HYLL "ff", 11, "7fff"},
    {"the bytes that Redis leaves alone", HC_OK, HYLL "01 ffffff ffffffffffffffff 7fff", 0, NULL},
    {"no opcode", HC_ETRUNCATED, SPARSE, 0, NULL},
    {"all zeros", HC_OK, SPARSE "7fff", 0, NULL},
    {"half an XZERO", HC_ETRUNCATED, SPARSE "7f", 0, NULL},
    {"half an XZERO at the end", HC_ETRUNCATED, SPARSE "7ffe 40", 0, NULL},
    {"one register short", HC_ETRUNCATED, SPARSE "7ffe", 0, NULL},
    {"a last ZERO of 1", HC_OK, SPARSE "7ffe 00", 0, NULL},
    {"a last ZERO of 2", HC_ECORRUPT, SPARSE "7ffe 01", 0, NULL},
    {"a last VAL of 1", HC_OK, SPARSE "7ffe fc", 0, NULL},
    {"a last VAL of 2", HC_ECORRUPT, SPARSE "7ffe fd", 0, NULL},
    {"a last XZERO of 1", HC_OK, SPARSE "7ffe 4000", 0, NULL},
    {"a last XZERO of 2", HC_ECORRUPT, SPARSE "7ffe 4001", 0, NULL},
    {"an XZERO of all after a VAL", HC_ECORRUPT, SPARSE "80 7fff", 0, NULL},
    {"an opcode too many", HC_ECORRUPT, SPARSE "7fff 00", 0, NULL},
    {"a VAL too many", HC_ECORRUPT, SPARSE "7fff 80", 0, NULL},
    {"dense", HC_OK, DENSE, 12288, NULL},
    {"dense, a byte short", HC_ETRUNCATED, DENSE, 12287, NULL},
    {"dense, a byte too many", HC_ECORRUPT, DENSE, 12289, NULL},
    {"rank 51", HC_OK, DENSE "33", 12287, NULL},
    {"rank 52 (Redis reads it, no hash gives it)", HC_ECORRUPT, DENSE "34", 12287, NULL},
    {"rank 63 at the end", HC_ECORRUPT, DENSE, 12287, "fc"},
};

START_TEST(redis)
{
    ROWS_ANSWER(HC_PROFILE_REDIS, redis_rows);
}
END_TEST

/* What CVE-2025-32023 and CVE-2019-10192 and -10193 were: runs that come to
 * more than there are registers, or to so many that a sum of 32 bits is right
 * again. */
START_TEST(redis_runs)
{
    const uint8_t opcodes[][2] = {{0x7f, 0xff}, {0x3f, 0x3f}, {0xff, 0xff}, {0xff, 0x7f}};
    size_t count = (UINT64_C(1) << 32) / 16384 + 1, size = 16 + 2 * count;
    uint8_t *bytes = malloc(size);

    for (size_t o = 0; o < sizeof opcodes / sizeof opcodes[0]; o++) {
        from_hex(SPARSE, bytes);
        for (size_t i = 0; i < count; i++)
            memcpy(bytes + 16 + 2 * i, opcodes[o], 2);
        answers(HC_PROFILE_REDIS, bytes, size, HC_ECORRUPT, "runs beyond all registers");
        answers(HC_PROFILE_REDIS, bytes, size - 1, HC_ECORRUPT, "and half an opcode");
    }
    free(bytes);
}
END_TEST

/* airlift's HyperLogLog.newInstance, SparseHll, DenseHll: they check sizes in
 * part; the order of entries and overflows is what their writers do. */
static const struct row trino_rows[] = {
    {"nothing", HC_ETRUNCATED, "", 0, NULL},
    {"a form and no more", HC_ETRUNCATED, "02", 0, NULL},
    {"sparse of version 1", HC_EMAGIC, "00 0c 0000", 0, NULL},
    {"dense of version 1", HC_EMAGIC, "01 04 00", 10, NULL},
    {"form 4", HC_EMAGIC, "04 0c 0000", 0, NULL},
    {"precision 0", HC_ECORRUPT, "02 00 0000", 0, NULL},
    {"precision 17", HC_ECORRUPT, "02 11 0000", 0, NULL},
    {"precision 3 (ours begin with 4)", HC_EPRECISION, "02 03 0000", 0, NULL},
    {"half a count", HC_ETRUNCATED, "02 0c 00", 0, NULL},
    {"no entry", HC_OK, "02 0c 0000", 0, NULL},
    {"no entry, and a byte", HC_ECORRUPT, "02 0c 0000 00", 0, NULL},
    {"a count below zero", HC_ECORRUPT, "02 0c 0080", 0, NULL},
    {"a count of 65535", HC_ECORRUPT, "02 0c ffff", 0, NULL},
    {"a count beyond the bytes", HC_ETRUNCATED, "02 0c ff7f", 4, NULL},
    {"an entry short of a byte", HC_ETRUNCATED, "02 0c 0100", 3, NULL},
    {"38 zeros", HC_OK, "02 0c 0100 26000000", 0, NULL},
    {"39 zeros, of 38 bits", HC_ECORRUPT, "02 0c 0100 27000000", 0, NULL},
    {"the last prefix", HC_OK, "02 0c 0100 c0ffffff", 0, NULL},
    {"two prefixes", HC_OK, "02 0c 0200 40000000 80000000", 0, NULL},
    {"descending", HC_ECORRUPT, "02 0c 0200 80000000 40000000", 0, NULL},
    {"a prefix twice", HC_ECORRUPT, "02 0c 0200 40000000 40000000", 0, NULL},
    {"a prefix twice, with other zeros", HC_ECORRUPT, "02 0c 0200 40000000 41000000", 0, NULL},
    {"dense", HC_OK, "03 04 00", 8, "0000"},
    {"no baseline", HC_ETRUNCATED, "03 04", 0, NULL},
    {"a delta short", HC_ETRUNCATED, "03 04 00", 7, NULL},
    {"no count of overflows", HC_ETRUNCATED, "03 04 00", 8, NULL},
    {"half a count of overflows", HC_ETRUNCATED, "03 04 00", 8, "00"},
    {"a byte too many", HC_ECORRUPT, "03 04 00", 8, "000000"},
    {"a baseline of 61, the largest rank", HC_OK, "03 04 3d", 8, "0000"},
    {"a baseline of 62", HC_ECORRUPT, "03 04 3e", 8, "0000"},
    {"a byte that overflows", HC_ECORRUPT, "03 04 fa ffffffffffffffff 0000", 0, NULL},
    {"a baseline of 61 and a delta", HC_ECORRUPT, "03 04 3d 10", 7, "0000"},
    {"a delta of 15 without an overflow", HC_OK, "03 04 00 f0", 7, "0000"},
    {"an overflow", HC_OK, "03 04 00 f0", 7, "0100 0000 01"},
    {"an overflow of an odd bucket", HC_OK, "03 04 00 0f", 7, "0100 0100 01"},
    {"an overflow short of a byte", HC_ETRUNCATED, "03 04 00 f0", 7, "0100 0000"},
    {"65535 overflows", HC_ETRUNCATED, "03 04 00 f0", 7, "ffff 0000 01"},
    {"an overflow and a byte", HC_ECORRUPT, "03 04 00 f0", 7, "0100 0000 01 00"},
    {"an overflow of nothing", HC_ECORRUPT, "03 04 00 f0", 7, "0100 0000 00"},
    {"an overflow to the largest rank", HC_OK, "03 04 00 f0", 7, "0100 0000 2e"},
    {"an overflow above it", HC_ECORRUPT, "03 04 00 f0", 7, "0100 0000 2f"},
    {"an overflow of 255", HC_ECORRUPT, "03 04 00 f0", 7, "0100 0000 ff"},
    {"an overflow where the delta is 14", HC_ECORRUPT, "03 04 00 e0", 7, "0100 0000 01"},
    {"an overflow of bucket 16 of 16", HC_ECORRUPT, "03 04 00 f0", 7, "0100 1000 01"},
    {"an overflow of bucket 65535", HC_ECORRUPT, "03 04 00 f0", 7, "0100 ffff 01"},
    {"two overflows", HC_OK, "03 04 00 ff", 7, "0200 0000 0100 01 02"},
    {"two that descend", HC_ECORRUPT, "03 04 00 ff", 7, "0200 0100 0000 01 02"},
    {"one bucket twice", HC_ECORRUPT, "03 04 00 ff", 7, "0200 0000 0000 01 01"},
};

START_TEST(trino)
{
    static uint8_t many[4 + 4 * 32768] = {2, 12, 0, 0x80};

    answers(HC_PROFILE_TRINO, many, sizeof many, HC_ECORRUPT, "32768 entries");
    ROWS_ANSWER(HC_PROFILE_TRINO, trino_rows);
}
END_TEST

/* postgresql-hll's multiset_unpack and its check of the header. */
static const struct row postgres_rows[] = {
    {"nothing", HC_ETRUNCATED, "", 0, NULL},
    {"a type and no more", HC_ETRUNCATED, "11", 0, NULL},
    {"a header short of a byte", HC_ETRUNCATED, "11 8e", 0, NULL},
    {"version 0", HC_EMAGIC, "01 8e 40", 0, NULL},
    {"version 2", HC_EMAGIC, "21 8e 40", 0, NULL},
    {"type 0, undefined", HC_ECORRUPT, "10 8e 40", 0, NULL},
    {"type 5", HC_ECORRUPT, "15 8e 40", 0, NULL},
    {"type 15", HC_ECORRUPT, "1f 8e 40", 0, NULL},
    {"the flag that must be 0", HC_ECORRUPT, "11 8e c0", 0, NULL},
    {"log2m 0", HC_EPRECISION, "11 80 40", 0, NULL},
    {"log2m 3", HC_EPRECISION, "11 83 40", 0, NULL},
    {"log2m 18", HC_EPRECISION, "11 92 40", 0, NULL},
    {"log2m 31", HC_EPRECISION, "14 9f 40", 100, NULL},
    {"empty", HC_OK, "11 8e 7f", 0, NULL},
    {"empty, and a byte", HC_ECORRUPT, "11 8e 7f 00", 0, NULL},
    {"explicit without a hash", HC_ECORRUPT, "12 8e 7f", 0, NULL},
    {"explicit, a byte short", HC_ETRUNCATED, "12 8e 7f", 7, NULL},
    {"explicit, a byte too many", HC_ETRUNCATED, "12 8e 7f", 9, NULL},
    {"the hash of the empty id", HC_OK, "12 8e 7f", 8, NULL},
    {"two hashes", HC_OK, "12 8e 7f", 8, "0000000000000001"},
    {"the order is signed", HC_OK, "12 8e 7f 8000000000000000", 8, "7fffffffffffffff"},
    {"and not unsigned", HC_ECORRUPT, "12 8e 7f", 8, "ffffffffffffffff"},
    {"a hash twice", HC_ECORRUPT, "12 8e 7f", 16, NULL},
    {"sparse without a word", HC_ECORRUPT, "13 8e 7f", 0, NULL},
    {"sparse, a byte of filling", HC_ETRUNCATED, "13 8e 7f 00", 0, NULL},
    {"a word", HC_OK, "13 8e 7f 000060", 0, NULL},
    {"a word, half of it", HC_ETRUNCATED, "13 8e 7f 0000", 0, NULL},
    {"a word of rank 0", HC_ECORRUPT, "13 8e 7f 000400", 0, NULL},
    {"a bit in the filling", HC_ETRUNCATED, "13 8e 7f 000061", 0, NULL},
    {"a byte too many", HC_ETRUNCATED, "13 8e 7f 000060 00", 0, NULL},
    {"two words", HC_OK, "13 8e 7f 0000200084", 0, NULL},
    {"a register twice", HC_ECORRUPT, "13 8e 7f 0000200004", 0, NULL},
    {"the last register", HC_OK, "13 8e 7f fffc20", 0, NULL},
    {"full", HC_OK, "14 84 7f", 10, NULL},
    {"full, a byte short", HC_ETRUNCATED, "14 84 7f", 9, NULL},
    {"full, a byte too many", HC_ECORRUPT, "14 84 7f", 11, NULL},
    {"full, of log2m 17 in 3 bytes", HC_ETRUNCATED, "14 91 7f", 0, NULL},
    {"registers of a bit", HC_OK, "14 04 7f ffff", 0, NULL},
    {"registers of eight bits count to 31", HC_OK, "14 e4 7f ff2001", 13, NULL},
    {"sparse with words of 12 bits", HC_OK, "13 e4 7f 0ff1f0", 0, NULL},
};

START_TEST(postgres)
{
    ROWS_ANSWER(HC_PROFILE_POSTGRES, postgres_rows);
}
END_TEST

/* The C++ library's HllSketchImplFactory and CouponList, and the writers'
 * invariants. LIST and SET with lgK 12; registers with lgK 4. */
#define LIST_8 "02 01 07 0c 03 08 "
#define SET_8 "03 01 07 0c 05 08 00 09 "
#define HLL_8 "0a 01 07 04 00 08 00 0a "
#define HLL_6 "0a 01 07 04 00 08 00 06 "
#define SUMS "0000000000000000 0000000000000000 0000000000000000 00000000 "

static const struct row datasketches_rows[] = {
    {"nothing", HC_ETRUNCATED, "", 0, NULL},
    {"a header short of a byte", HC_ETRUNCATED, LIST_8 "00", 0, NULL},
    {"family 8", HC_EMAGIC, "02 01 08 0c 03 0c 00 08", 0, NULL},
    {"version 0", HC_ECORRUPT, "02 00 07 0c 03 0c 00 08", 0, NULL},
    {"version 2", HC_EVERSION, "02 02 07 0c 03 0c 00 08", 0, NULL},
    {"lgK 3", HC_ECORRUPT, "02 01 07 03 03 0c 00 08", 0, NULL},
    {"lgK 21", HC_OK, "02 01 07 15 03 0c 00 08", 0, NULL},
    {"lgK 22", HC_ECORRUPT, "02 01 07 16 03 0c 00 08", 0, NULL},
    {"flag 1", HC_ECORRUPT, "02 01 07 0c 03 0d 00 08", 0, NULL},
    {"flag 2", HC_ECORRUPT, "02 01 07 0c 03 0e 00 08", 0, NULL},
    {"flag 32 of a list", HC_ECORRUPT, "02 01 07 0c 03 2c 00 08", 0, NULL},
    {"flag 64", HC_ECORRUPT, "02 01 07 0c 03 4c 00 08", 0, NULL},
    {"flag 128", HC_ECORRUPT, "02 01 07 0c 03 8c 00 08", 0, NULL},
    {"mode 3", HC_ECORRUPT, "02 01 07 0c 03 0c 00 0b", 0, NULL},
    {"target 3", HC_ECORRUPT, "02 01 07 0c 03 0c 00 0c", 0, NULL},
    {"a list that says it is a set", HC_ECORRUPT, "02 01 07 0c 03 0c 00 09", 0, NULL},
    {"a set that says it is a list", HC_ECORRUPT, "03 01 07 0c 03 0c 00 08", 4, NULL},
    {"preamble 10 of a list", HC_ECORRUPT, "0a 01 07 0c 03 0c 00 08", 32, NULL},
    {"empty", HC_OK, "02 01 07 0c 03 0c 00 08", 0, NULL},
    {"empty, and not said so", HC_OK, LIST_8 "00 08", 0, NULL},
    {"empty, with a coupon", HC_ECORRUPT, "02 01 07 0c 03 0c 01 08 01000004", 0, NULL},
    {"a coupon", HC_OK, LIST_8 "01 08 01000004", 0, NULL},
    {"a coupon short of a byte", HC_ETRUNCATED, LIST_8 "01 08 010000", 0, NULL},
    {"a coupon too many", HC_ECORRUPT, LIST_8 "01 08 01000004 02000004", 0, NULL},
    {"a coupon and a byte", HC_ECORRUPT, LIST_8 "01 08 01000004 00", 0, NULL},
    {"a coupon without a rank", HC_ECORRUPT, LIST_8 "01 08 01000000", 0, NULL},
    {"a coupon of zeros", HC_ECORRUPT, LIST_8 "01 08 00000000", 0, NULL},
    {"rank 63", HC_OK, LIST_8 "01 08 ffffffff", 0, NULL},
    {"seven coupons", HC_OK, LIST_8 "07 08 01000004 02000004 03000004 04000004 05000004 "
     "06000004 07000004", 0, NULL},
    {"eight, which is a set", HC_ECORRUPT, LIST_8 "08 08 01000004 02000004 03000004 04000004 "
     "05000004 06000004 07000004 08000004", 0, NULL},
    {"255 coupons", HC_ECORRUPT, LIST_8 "ff 08", 1020, NULL},
    {"eight slots, all empty", HC_OK, "02 01 07 0c 03 04 00 08", 32, NULL},
    {"eight slots, a byte short", HC_ETRUNCATED, "02 01 07 0c 03 04 00 08", 31, NULL},
    {"eight slots and a byte", HC_ECORRUPT, "02 01 07 0c 03 04 00 08", 33, NULL},
    {"a slot filled", HC_OK, "02 01 07 0c 03 00 01 08 01000004", 28, NULL},
    {"a slot filled and not counted", HC_ECORRUPT, "02 01 07 0c 03 00 00 08 01000004", 28, NULL},
    {"a slot counted and not filled", HC_ECORRUPT, "02 01 07 0c 03 00 01 08", 32, NULL},
    {"a slot without a rank", HC_ECORRUPT, "02 01 07 0c 03 00 01 08 01000000", 28, NULL},
    {"a set of lgK 8", HC_OK, "03 01 07 08 05 08 00 09 01000000 01000004", 0, NULL},
    {"a set of lgK 7", HC_ECORRUPT, "03 01 07 07 05 08 00 09 01000000 01000004", 0, NULL},
    {"a set without a count", HC_ETRUNCATED, SET_8 "000000", 0, NULL},
    {"a set of nothing", HC_OK, SET_8 "00000000", 0, NULL},
    {"a set that is empty", HC_ECORRUPT, "03 01 07 0c 05 0c 00 09 01000000 01000004", 0, NULL},
    {"more than slots", HC_ECORRUPT, SET_8 "21000000", 132, NULL},
    {"2^32 - 1 coupons", HC_ECORRUPT, SET_8 "ffffffff", 4, NULL},
    {"lgArr 21", HC_ETRUNCATED, "03 01 07 0c 15 08 00 09 ffff0000", 4, NULL},
    {"lgArr 22", HC_ECORRUPT, "03 01 07 0c 16 08 00 09 01000000 01000004", 0, NULL},
    {"lgArr 255", HC_ECORRUPT, "03 01 07 0c ff 08 00 09 01000000 01000004", 0, NULL},
    {"a table", HC_OK, "03 01 07 0c 03 00 00 09 01000000", 28, "01000004"},
    {"a table, a slot short", HC_ETRUNCATED, "03 01 07 0c 03 00 00 09 01000000", 24, "01000004"},
    {"a table of 2^21 slots in 12 bytes", HC_ETRUNCATED, "03 01 07 0c 15 00 00 09", 4, NULL},
    {"registers", HC_OK, HLL_8 SUMS "00000000", 16, NULL},
    {"registers, of full size", HC_OK, "0a 01 07 04 00 28 00 0a " SUMS "00000000", 16, NULL},
    {"and empty", HC_OK, "0a 01 07 04 00 2c 00 0a " SUMS "00000000", 16, NULL},
    {"and empty, with one", HC_ECORRUPT, "0a 01 07 04 00 2c 00 0a " SUMS "00000000 01", 15, NULL},
    {"sums and curMin are not believed", HC_OK, "0a 01 07 04 07 18 3f 0a "
     "ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffff ffffffff", 16, NULL},
    {"half of the sums", HC_ETRUNCATED, HLL_8, 31, NULL},
    {"sums and no register", HC_ETRUNCATED, HLL_8 SUMS "00000000", 0, NULL},
    {"a register short", HC_ETRUNCATED, HLL_8 SUMS "00000000", 15, NULL},
    {"a register too many", HC_ECORRUPT, HLL_8 SUMS "00000000", 17, NULL},
    {"rank 63 in eight bits", HC_OK, HLL_8 SUMS "00000000 3f", 15, NULL},
    {"rank 64 in eight bits", HC_ECORRUPT, HLL_8 SUMS "00000000 40", 15, NULL},
    {"HLL_6", HC_OK, HLL_6 SUMS "00000000 ff", 12, NULL},
    {"HLL_6 without the byte at the end", HC_ETRUNCATED, HLL_6 SUMS "00000000", 12, NULL},
    {"HLL_6, a byte too many", HC_ECORRUPT, HLL_6 SUMS "00000000", 14, NULL},
    {"lgK 21 in 8 bytes", HC_ETRUNCATED, "0a 01 07 15 00 08 00 0a", 0, NULL},
    {"lgK 21 in 40 bytes", HC_ETRUNCATED, "0a 01 07 15 00 08 00 02", 32, NULL},
};

/* HLL_4, with curMin 1. A slot of 15 stands for an exception. */
#define HLL_4 "0a 01 07 04 02 08 01 02 "
#define HLL_4_TABLE "0a 01 07 04 02 00 01 02 "

static const struct row exception_rows[] = {
    {"no exception", HC_OK, HLL_4 SUMS "00000000", 8, NULL},
    {"a byte short", HC_ETRUNCATED, HLL_4 SUMS "00000000", 7, NULL},
    {"a byte too many", HC_ECORRUPT, HLL_4 SUMS "00000000", 9, NULL},
    {"curMin 63", HC_OK, "0a 01 07 04 02 08 3f 02 " SUMS "00000000", 8, NULL},
    {"curMin 64", HC_ECORRUPT, "0a 01 07 04 02 08 40 02 " SUMS "00000000", 8, NULL},
    {"curMin 63 and 1", HC_ECORRUPT, "0a 01 07 04 02 08 3f 02 " SUMS "00000000 01", 7, NULL},
    {"an exception", HC_OK, HLL_4 SUMS "01000000 0f", 7, "00000040"},
    {"of the last slot", HC_OK, HLL_4 SUMS "01000000", 7, "f0 0f000040"},
    {"the exception is missing", HC_ETRUNCATED, HLL_4 SUMS "01000000 0f", 7, NULL},
    {"half of it", HC_ETRUNCATED, HLL_4 SUMS "01000000 0f", 7, "0000"},
    {"it is not counted", HC_ECORRUPT, HLL_4 SUMS "00000000 0f", 7, NULL},
    {"no slot says so", HC_ECORRUPT, HLL_4 SUMS "01000000 0e", 7, "00000040"},
    {"another slot says so", HC_ECORRUPT, HLL_4 SUMS "01000000 0f", 7, "01000040"},
    {"slot 16 of 16", HC_ECORRUPT, HLL_4 SUMS "01000000 0f", 7, "10000040"},
    {"slot 2^26 - 1", HC_ECORRUPT, HLL_4 SUMS "01000000 0f", 7, "ffffff43"},
    {"a rank that needs no exception", HC_ECORRUPT, HLL_4 SUMS "01000000 0f", 7, "0000003c"},
    {"rank 63", HC_OK, HLL_4 SUMS "01000000 0f", 7, "000000fc"},
    {"a slot's exception twice", HC_ECORRUPT, HLL_4 SUMS "02000000 ff", 7, "00000040 00000044"},
    {"two", HC_OK, HLL_4 SUMS "02000000 ff", 7, "00000040 01000044"},
    {"2^32 - 1 exceptions", HC_ECORRUPT, HLL_4 SUMS "ffffffff", 8, NULL},
    {"17 exceptions of 16 slots", HC_ECORRUPT, HLL_4 SUMS "11000000", 76, NULL},
    {"a table", HC_OK, HLL_4_TABLE SUMS "01000000 0f", 19, "00000040"},
    {"a table short of a slot", HC_ETRUNCATED, HLL_4_TABLE SUMS "01000000 0f", 15, "00000040"},
    {"a table with a slot too many", HC_ECORRUPT, HLL_4_TABLE SUMS "01000000 0f", 23, "00000040"},
    {"a table without it", HC_ECORRUPT, HLL_4_TABLE SUMS "01000000 0f", 23, NULL},
    {"a table with one too many", HC_ECORRUPT, HLL_4_TABLE SUMS "01000000 0f", 15,
     "01000040 00000040"},
    {"lgArr 0, a table of 4", HC_OK, "0a 01 07 04 00 00 01 02 " SUMS "00000000", 24, NULL},
    {"lgArr 22", HC_ETRUNCATED, "0a 01 07 04 16 00 01 02 " SUMS "00000000", 24, NULL},
    {"lgArr 23", HC_ECORRUPT, "0a 01 07 04 17 00 01 02 " SUMS "00000000", 24, NULL},
};

START_TEST(datasketches)
{
    ROWS_ANSWER(HC_PROFILE_DATASKETCHES, datasketches_rows);
    ROWS_ANSWER(HC_PROFILE_DATASKETCHES, exception_rows);
}
END_TEST

/* ZetaSketch's State.parse, its representations' checks and its writers. Of
 * unknown fields we are the stricter: a parser of protocol buffers skips them. */
#define OUTER "08 70 10 01 18 02 20 0b 82 07 "
#define MAX "ffffffffffffffffff01 "

static const struct row zetasketch_rows[] = {
    {"nothing", HC_ETRUNCATED, "", 0, NULL},
    {"a tag and no more", HC_ETRUNCATED, "08", 0, NULL},
    {"half a varint", HC_ETRUNCATED, "08 f0", 0, NULL},
    {"no type", HC_EMAGIC, "10 01 18 02 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"type 111", HC_EMAGIC, "08 6f 10 01 18 02 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"no message at all", HC_EMAGIC, "ffff03", 0, NULL},
    {"no encoding", HC_ECORRUPT, "08 70 10 01 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"encoding 1", HC_ECORRUPT, "08 70 10 01 18 01 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"encoding 3", HC_EVERSION, "08 70 10 01 18 03 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"no value type", HC_ECORRUPT, "08 70 10 01 18 02 82 07 04 18 0f 20 14", 0, NULL},
    {"whole numbers", HC_ECORRUPT, "08 70 10 01 18 02 20 04 82 07 04 18 0f 20 14", 0, NULL},
    {"no extension", HC_ECORRUPT, "08 70 10 01 18 02 20 0b", 0, NULL},
    {"an extension of nothing", HC_ECORRUPT, OUTER "00", 0, NULL},
    {"an extension beyond the end", HC_ETRUNCATED, OUTER "05 18 0f 20 14", 0, NULL},
    {"an extension of 2^64 - 1 bytes", HC_ETRUNCATED, OUTER MAX "18 0f 20 14", 0, NULL},
    {"empty", HC_OK, OUTER "04 18 0f 20 14", 0, NULL},
    {"empty without sparse", HC_OK, OUTER "02 18 0f", 0, NULL},
    {"empty, with a field of nothing", HC_OK, OUTER "06 18 0f 20 14 32 00", 0, NULL},
    {"any number of values", HC_OK, "10 " MAX OUTER "04 18 0f 20 14", 0, NULL},
    {"a number of 65 bits", HC_ETRUNCATED,
     "10 ffffffffffffffffff02 " OUTER "04 18 0f 20 14", 0, NULL},
    {"a number of eleven bytes", HC_ETRUNCATED,
     "10 ffffffffffffffffff8100 " OUTER "04 18 0f 20 14", 0, NULL},
    {"numbers longer than need be", HC_OK,
     "8800 f000 10 01 18 8200 20 0b 82 07 04 18 0f 20 14", 0, NULL},
    {"a field again, the last holds", HC_OK, "08 01 " OUTER "06 18 01 18 0f 20 14", 0, NULL},
    {"an extension in two", HC_OK, OUTER "02 20 14 82 07 02 18 0f", 0, NULL},
    {"an unknown varint", HC_ECORRUPT, OUTER "04 18 0f 20 14 38 01", 0, NULL},
    {"an unknown number of 64 bits", HC_ECORRUPT, OUTER "04 18 0f 20 14 39", 8, NULL},
    {"unknown bytes", HC_ECORRUPT, OUTER "04 18 0f 20 14 3a 00", 0, NULL},
    {"a group begins", HC_ECORRUPT, OUTER "04 18 0f 20 14 3b 3c", 0, NULL},
    {"a group ends", HC_ECORRUPT, OUTER "04 18 0f 20 14 3c", 0, NULL},
    {"an unknown number of 32 bits", HC_ECORRUPT, OUTER "04 18 0f 20 14 3d", 4, NULL},
    {"field 0", HC_ECORRUPT, OUTER "04 18 0f 20 14 00 00", 0, NULL},
    {"a known field of another kind", HC_ECORRUPT, OUTER "04 18 0f 20 14 0a 00", 0, NULL},
    {"an unknown varint within", HC_ECORRUPT, OUTER "06 18 0f 20 14 38 01", 0, NULL},
    {"unknown bytes within", HC_ECORRUPT, OUTER "06 18 0f 20 14 3a 00", 0, NULL},
    {"a group within", HC_ECORRUPT, OUTER "06 18 0f 20 14 1b 1c", 0, NULL},
    {"a message within a message", HC_ECORRUPT, OUTER "07 82 07 04 18 0f 20 14", 0, NULL},
    {"half a number within", HC_ECORRUPT, OUTER "04 18 0f 20 94", 0, NULL},
    {"bytes beyond the end within", HC_ECORRUPT, OUTER "06 18 0f 20 14 32 01", 0, NULL},
    {"2^64 - 1 bytes within", HC_ECORRUPT, OUTER "0f 18 0f 20 14 32 " MAX, 0, NULL},
    {"precision 0", HC_ECORRUPT, OUTER "04 18 00 20 14", 0, NULL},
    {"precision 9", HC_EPRECISION, OUTER "04 18 09 20 14", 0, NULL},
    {"precision 10", HC_OK, OUTER "04 18 0a 20 14", 0, NULL},
    {"precision 24", HC_OK, OUTER "04 18 18 20 19", 0, NULL},
    {"precision 25", HC_ECORRUPT, OUTER "04 18 19 20 19", 0, NULL},
    {"precision 2^32 + 15", HC_ECORRUPT, OUTER "08 18 8f80808010 20 14", 0, NULL},
    {"sparse precision below it", HC_ECORRUPT, OUTER "04 18 0f 20 0e", 0, NULL},
    {"sparse precision 15", HC_OK, OUTER "04 18 0f 20 0f", 0, NULL},
    {"sparse precision 26", HC_ECORRUPT, OUTER "04 18 0f 20 1a", 0, NULL},
    {"sparse precision 2^64 - 1", HC_ECORRUPT, OUTER "0d 18 0f 20 " MAX, 0, NULL},
};

/* One sparse value and more, p 15, s 20: flag at bit 21. */
#define SPARSE_OUTER(size, count) OUTER size " 10 " count " 18 0f 20 14 32 "

static const struct row sparse_rows[] = {
    {"a value", HC_OK, SPARSE_OUTER("09", "01") "01 01", 0, NULL},
    {"a count of none", HC_ECORRUPT, SPARSE_OUTER("09", "00") "01 01", 0, NULL},
    {"a count of two", HC_ECORRUPT, SPARSE_OUTER("09", "02") "01 01", 0, NULL},
    {"a count of 2^64 - 1", HC_ECORRUPT, SPARSE_OUTER("12", MAX) "01 01", 0, NULL},
    {"a count and no value", HC_ECORRUPT, OUTER "06 10 01 18 0f 20 14", 0, NULL},
    {"values without a sparse precision", HC_ECORRUPT, OUTER "07 10 01 18 0f 32 01 01", 0, NULL},
    {"half a value", HC_ECORRUPT, SPARSE_OUTER("09", "01") "01 81", 0, NULL},
    {"two values", HC_OK, SPARSE_OUTER("0a", "02") "02 01 01", 0, NULL},
    {"a value twice", HC_ECORRUPT, SPARSE_OUTER("0a", "02") "02 01 00", 0, NULL},
    {"the value 0: its last bits are", HC_ECORRUPT, SPARSE_OUTER("09", "01") "01 00", 0, NULL},
    {"the value 32, too", HC_ECORRUPT, SPARSE_OUTER("09", "01") "01 20", 0, NULL},
    {"the last value without a flag", HC_OK, SPARSE_OUTER("0b", "01") "03 ffff3f", 0, NULL},
    {"2^20, neither index nor flag", HC_ECORRUPT, SPARSE_OUTER("0b", "01") "03 818040", 0, NULL},
    {"a flag, rank 0", HC_ECORRUPT, SPARSE_OUTER("0c", "01") "04 80808001", 0, NULL},
    {"a flag, rank 1", HC_OK, SPARSE_OUTER("0c", "01") "04 81808001", 0, NULL},
    {"a flag, rank 45", HC_OK, SPARSE_OUTER("0c", "01") "04 ad808001", 0, NULL},
    {"a flag, rank 46 of 44 bits", HC_ECORRUPT, SPARSE_OUTER("0c", "01") "04 ae808001", 0, NULL},
    {"a register with two ranks", HC_OK, SPARSE_OUTER("0d", "02") "05 81808001 01", 0, NULL},
    {"the last with a flag", HC_OK, SPARSE_OUTER("0c", "01") "04 81ffff01", 0, NULL},
    {"beyond the flag", HC_ECORRUPT, SPARSE_OUTER("0c", "01") "04 81808002", 0, NULL},
    {"2^32", HC_ECORRUPT, SPARSE_OUTER("0d", "01") "05 8180808010", 0, NULL},
    {"2^64 - 1", HC_ECORRUPT, SPARSE_OUTER("12", "01") "0a " MAX, 0, NULL},
    {"a sum beyond 2^32", HC_ECORRUPT, SPARSE_OUTER("0e", "02") "06 01 ffffffff0f", 0, NULL},
    {"sparse precision 25", HC_OK, OUTER "09 10 01 18 0f 20 19 32 01 01", 0, NULL},
};

/* Precision 10: 1,024 registers, and two bytes more in the extension. */
#define REGISTERS_OUTER(size) OUTER size " 18 0a "

static const struct row register_rows[] = {
    {"registers", HC_OK, REGISTERS_OUTER("8508") "2a 8008", 1024, NULL},
    {"a register short", HC_ECORRUPT, REGISTERS_OUTER("8408") "2a ff07", 1023, NULL},
    {"a register too many", HC_ECORRUPT, REGISTERS_OUTER("8608") "2a 8108", 1025, NULL},
    {"rank 55", HC_OK, REGISTERS_OUTER("8508") "2a 8008", 1023, "37"},
    {"rank 56", HC_ECORRUPT, REGISTERS_OUTER("8508") "2a 8008", 1023, "38"},
    {"rank 255", HC_ECORRUPT, REGISTERS_OUTER("8508") "2a 8008", 1023, "ff"},
    {"with a sparse precision", HC_OK, REGISTERS_OUTER("8708") "20 0f 2a 8008", 1024, NULL},
    {"and sparse values", HC_ECORRUPT, REGISTERS_OUTER("8a08") "20 0f 32 01 01 2a 8008", 1024,
     NULL},
    {"and a count of them", HC_ECORRUPT, REGISTERS_OUTER("8708") "10 01 2a 8008", 1024, NULL},
    {"and a field of no value", HC_OK, REGISTERS_OUTER("8708") "32 00 2a 8008", 1024, NULL},
};

START_TEST(zetasketch)
{
    ROWS_ANSWER(HC_PROFILE_ZETASKETCH, zetasketch_rows);
    ROWS_ANSWER(HC_PROFILE_ZETASKETCH, sparse_rows);
    ROWS_ANSWER(HC_PROFILE_ZETASKETCH, register_rows);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, redis);
    tcase_add_test(cases, redis_runs);
    tcase_add_test(cases, trino);
    tcase_add_test(cases, postgres);
    tcase_add_test(cases, datasketches);
    tcase_add_test(cases, zetasketch);
}
