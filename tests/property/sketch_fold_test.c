/* Goal: registers are what their definition says, in either form, and folding
 * from any precision to any lower one gives the sketch that the same ids would
 * have given there, byte for byte.
 *
 * Besides random hashes: hashes whose bits are zero from some place on, where
 * ranks matter and the sparse form has to keep them. */
#include "check_main.h"
#include "sketch_kit.h"

static const uint64_t sizes[] = {0, 1, 3, 60, 300, 5000};

#define SIZES (sizeof sizes / sizeof sizes[0])
/* Enough ids beyond the limit, though a few may share a coupon. */
#define MORE 20

/* Hash i of the hard kind: random below bit i % 65, zeros above, and every
 * fourth with one more bit set somewhere. */
static uint64_t hard_hash(uint64_t i)
{
    unsigned bits = (unsigned)(i % 65);
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    uint64_t hash = kit_hash(i).first & mask;

    return i % 4 == 3 ? hash | UINT64_C(1) << kit_hash(~i).first % 64 : hash;
}

static struct hc_sketch *hard_sketch(unsigned precision, uint64_t count)
{
    struct hc_sketch *sketch = kit_create(precision, NULL);

    for (uint64_t i = 0; i < count; i++) {
        struct hc_hash hash = {hard_hash(i), 0};

        if (hc_sketch_add_hash(sketch, hash, NULL) != HC_OK)
            ck_abort_msg("id %llu could not be added", (unsigned long long)i);
    }
    return sketch;
}

START_TEST(registers_are_the_definition)
{
    static uint8_t expected[KIT_REGISTERS_MAX];

    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++) {
        for (size_t s = 0; s < SIZES; s++) {
            struct hc_sketch *random = kit_range(precision, 0, sizes[s]);
            struct hc_sketch *hard = hard_sketch(precision, sizes[s]);

            memset(expected, 0, sizeof expected);
            kit_model_range(expected, precision, 0, sizes[s]);
            kit_registers_are(random, expected);
            memset(expected, 0, sizeof expected);
            for (uint64_t i = 0; i < sizes[s]; i++)
                kit_model_add(expected, precision, hard_hash(i));
            kit_registers_are(hard, expected);
            hc_sketch_destroy(&random);
            hc_sketch_destroy(&hard);
        }
    }
}
END_TEST

/* All pairs of precisions; by way of another one, too. */
START_TEST(folding_is_exact)
{
    for (unsigned from = HC_PRECISION_MIN; from <= HC_PRECISION_MAX; from++) {
        for (unsigned to = HC_PRECISION_MIN; to <= from; to++) {
            for (size_t s = 0; s < SIZES; s++) {
                struct hc_sketch *hard = hard_sketch(from, sizes[s]), *at_once = kit_copy(hard);
                struct hc_sketch *expected = hard_sketch(to, sizes[s]);

                ck_assert_int_eq(hc_sketch_fold(at_once, to), HC_OK);
                ck_assert_int_eq(hc_sketch_fold(hard, (from + to + 1) / 2), HC_OK);
                ck_assert_int_eq(hc_sketch_fold(hard, to), HC_OK);
                kit_same(at_once, expected);
                kit_same(hard, expected);
                hc_sketch_destroy(&hard);
                hc_sketch_destroy(&at_once);
                hc_sketch_destroy(&expected);
            }
        }
    }
}
END_TEST

/* The same ids, sparse and dense: a fold that a few more ids force to be dense
 * and the definition agree on every register. */
START_TEST(forms_agree)
{
    static uint8_t sparse[KIT_REGISTERS_MAX], dense[KIT_REGISTERS_MAX];

    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX - 4; precision++) {
        uint64_t limit = kit_limit(HC_PROFILE_REDIS, precision);
        struct hc_sketch *low = kit_range(precision, 0, limit);
        struct hc_sketch *high = kit_range(precision + 4, 0, limit + MORE);
        size_t size = (size_t)1 << precision;

        ck_assert(hc_sketch_is_sparse(low) && hc_sketch_is_sparse(high));
        ck_assert_int_eq(hc_sketch_fold(high, precision), HC_OK);
        ck_assert(!hc_sketch_is_sparse(high));
        hc_sketch_registers(low, sparse, size);
        kit_model_range(sparse, precision, limit, limit + MORE);
        hc_sketch_registers(high, dense, size);
        ck_assert_mem_eq(sparse, dense, size);
        hc_sketch_destroy(&low);
        hc_sketch_destroy(&high);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, registers_are_the_definition);
    tcase_add_test(cases, folding_is_exact);
    tcase_add_test(cases, forms_agree);
}
