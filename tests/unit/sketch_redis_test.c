/* Goal: the exported string says what the registers say, by a reader of Redis'
 * format of its own, and is sparse exactly when Redis would keep it so.
 * (sketch_vectors_test has strings of Redis itself; a real redis-server reads
 * ours in the tests of the programs.) */
#include "check_main.h"
#include "headcount/foreign.h"
#include "sketch_kit.h"

#define REGISTERS (1 << HC_REDIS_PRECISION)
#define HEADER_SIZE 16

/* The registers of a sparse string; aborts when they are not 2^14. */
static void read_sparse(const uint8_t *next, const uint8_t *end, uint8_t *registers)
{
    size_t at = 0;

    while (next < end) {
        unsigned opcode = *next++, rank = 0;
        size_t run = (opcode & 0x3f) + 1;

        if (opcode & 0x80) {
            rank = (opcode >> 2 & 0x1f) + 1;
            run = (opcode & 3) + 1;
        } else if (opcode & 0x40) {
            ck_assert_msg(next < end, "half an opcode");
            run = ((opcode & 0x3f) << 8) + *next++ + 1;
        }
        ck_assert_uint_le(at + run, REGISTERS);
        memset(registers + at, (int)rank, run);
        at += run;
    }
    ck_assert_uint_eq(at, REGISTERS);
}

static void read_dense(const uint8_t *packed, uint8_t *registers)
{
    for (size_t i = 0; i < REGISTERS; i++) {
        registers[i] = 0;
        for (size_t bit = 0; bit < 6; bit++)
            registers[i] |= (uint8_t)((packed[(6 * i + bit) / 8] >> (6 * i + bit) % 8 & 1) << bit);
    }
}

/* Exports, checks everything, and returns whether the string is sparse. */
static int export_matches(const struct hc_sketch *sketch)
{
    static const uint8_t tail[11] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};
    static uint8_t got[REGISTERS], expected[REGISTERS];
    uint8_t string[HC_REDIS_SIZE_MAX];
    struct hc_sketch *folded = kit_copy(sketch);
    size_t size = 0;

    ck_assert_int_eq(hc_redis_encode(sketch, string, sizeof string, &size), HC_OK);
    ck_assert_mem_eq(string, "HYLL", 4);
    ck_assert_uint_le(string[4], 1);
    ck_assert_mem_eq(string + 5, tail, sizeof tail);
    if (string[4] == 1) {
        ck_assert_uint_le(size, 3000);
        read_sparse(string + HEADER_SIZE, string + size, got);
    } else {
        ck_assert_uint_eq(size, HC_REDIS_SIZE_MAX);
        read_dense(string + HEADER_SIZE, got);
    }
    ck_assert_int_eq(hc_sketch_fold(folded, 14), HC_OK);
    ck_assert_int_eq(hc_sketch_registers(folded, expected, sizeof expected), HC_OK);
    ck_assert_mem_eq(got, expected, sizeof expected);
    hc_sketch_destroy(&folded);
    return string[4];
}

/* Through every number of ids around which the string turns dense. */
START_TEST(registers_survive)
{
    for (unsigned precision = 14; precision <= HC_PRECISION_MAX; precision++) {
        struct hc_sketch *sketch = kit_create(precision, NULL);
        int sparse = 1, turns = 0;

        for (uint64_t n = 0; n < 6000; n += 200) {
            int now = export_matches(sketch);

            turns += now != sparse;
            sparse = now;
            kit_add(sketch, n, n + 200);
        }
        ck_assert_int_eq(turns, 1);
        ck_assert_int_eq(sparse, 0);
        kit_add(sketch, 6000, 300000);
        export_matches(sketch);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

static void add_register(struct hc_sketch *sketch, uint64_t index, unsigned rank)
{
    struct hc_hash hash = {index | (rank == 51 ? 0 : UINT64_C(1) << (13 + rank)), 0};

    ck_assert_int_eq(hc_sketch_add_hash(sketch, hash, NULL), HC_OK);
}

/* Every rank at the first and the last register, alone and in runs: values to
 * 32 fit into a sparse string, runs of zeros have two opcodes. */
START_TEST(opcodes)
{
    for (unsigned rank = 1; rank <= 51; rank++) {
        struct hc_sketch *ends = kit_create(14, NULL), *runs = kit_create(14, NULL);

        add_register(ends, 0, rank);
        add_register(ends, REGISTERS - 1, rank);
        ck_assert_int_eq(export_matches(ends), rank <= 32);
        for (uint64_t run = 1, at = 0; run < 12; at += 2 * run + 1, run++) {
            for (uint64_t i = 0; i < run; i++)
                add_register(runs, at + i, rank);
        }
        ck_assert_int_eq(export_matches(runs), rank <= 32);
        hc_sketch_destroy(&ends);
        hc_sketch_destroy(&runs);
    }
    for (uint64_t gap = 1; gap < REGISTERS; gap = gap < 70 ? gap + 1 : gap * 2 - 1) {
        struct hc_sketch *zeros = kit_create(14, NULL);

        add_register(zeros, 0, 3);
        add_register(zeros, gap, 3);
        ck_assert_int_eq(export_matches(zeros), 1);
        hc_sketch_destroy(&zeros);
    }
}
END_TEST

/* One byte a run: 1,491 registers apart from each other make 3,000 bytes with
 * header and last zeros, and one more at the front 3,001. */
START_TEST(size_limit)
{
    struct hc_sketch *sketch = kit_create(14, NULL);

    for (uint64_t i = 1; i <= 1491; i++)
        add_register(sketch, 2 * i, 1);
    ck_assert_int_eq(export_matches(sketch), 1);
    add_register(sketch, 0, 1);
    ck_assert_int_eq(export_matches(sketch), 0);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(refuses)
{
    const uint64_t counts[] = {0, 100, 10000};
    uint8_t string[HC_REDIS_SIZE_MAX];
    size_t size = 12345;

    for (unsigned precision = HC_PRECISION_MIN; precision < 14; precision++) {
        struct hc_sketch *sketch = kit_range(precision, 0, 100);

        ck_assert_int_eq(hc_redis_encode(sketch, string, sizeof string, &size), HC_EPRECISION);
        hc_sketch_destroy(&sketch);
    }
    for (size_t c = 0; c < 3; c++) {
        struct hc_sketch *sketch = kit_range(14, 0, counts[c]);
        size_t exact;

        ck_assert_int_eq(hc_redis_encode(sketch, string, sizeof string, &exact), HC_OK);
        memset(string, 0xaa, sizeof string);
        ck_assert_int_eq(hc_redis_encode(sketch, string, exact - 1, &size), HC_EROOM);
        ck_assert_int_eq(hc_redis_encode(sketch, string, 0, &size), HC_EROOM);
        ck_assert_uint_eq(string[0], 0xaa);
        ck_assert_int_eq(hc_redis_encode(sketch, string, exact, &exact), HC_OK);
        hc_sketch_destroy(&sketch);
    }
    ck_assert_uint_eq(size, 12345);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, registers_survive);
    tcase_add_test(cases, opcodes);
    tcase_add_test(cases, size_limit);
    tcase_add_test(cases, refuses);
}
