/* Goal: the sizes that docs/FORMAT.md promises, at every precision.
 *
 * A sorted draw of n of 2^s places holds n log2(e 2^s / n) bits, and a rank two
 * more: what we write is within a sixth of a bit a coupon of that. No sparse
 * sketch is larger than the dense one of many ids, encoded or in memory; that
 * one's size follows from the entropy of a register, 2.83 bits, at p = 14. */
#include <math.h>

#include "check_main.h"
#include "sketch_kit.h"

#define HEADER 32 /* with the number of coupons */
/* Of a rank, in bits; they scatter by sqrt(2). */
#define RANK_BITS 2
#define SQRT2 1.4142135623730951

/* One codec for all sketches here. */
static struct hc_codec *codec;

static void make(void)
{
    ck_assert_int_eq(hc_codec_create(NULL, &codec), HC_OK);
}

static void unmake(void)
{
    hc_codec_destroy(&codec);
}

static size_t size_of(const struct hc_sketch *sketch)
{
    static uint8_t bytes[1 << 20];
    size_t size = 0;

    ck_assert_uint_le(hc_encode_size_max(sketch), sizeof bytes);
    ck_assert_int_eq(hc_codec_encode(codec, sketch, bytes, sizeof bytes, &size), HC_OK);
    ck_assert_uint_le(size, hc_encode_size_max(sketch));
    return size;
}

static struct hc_sketch *draw(enum hc_profile profile, unsigned precision, uint64_t from,
                              uint64_t count)
{
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);

    kit_add(sketch, from, from + count);
    return sketch;
}

/* What a copy that came over the wire takes. */
static size_t decoded_memory(const struct hc_sketch *sketch)
{
    size_t size, memory;
    uint8_t *bytes = kit_encode(sketch, &size);
    struct hc_sketch *decoded = NULL;

    ck_assert_int_eq(hc_decode(bytes, size, NULL, &decoded), HC_OK);
    memory = hc_sketch_memory(decoded);
    hc_sketch_destroy(&decoded);
    free(bytes);
    return memory;
}

/* The bytes of n coupons by entropy, a sixth of a bit each, five standard
 * deviations of the ranks, and the last byte. */
static double sparse_bytes(enum hc_profile profile, double n)
{
    double gap = ldexp(1, profile == HC_PROFILE_REDIS ? 25 : 26) / n;
    double bits = n * (log2(exp(1) * gap) + 1.0 / 6) + 5 * sqrt(n);

    if (profile == HC_PROFILE_DATASKETCHES)
        bits += n * RANK_BITS + 5 * SQRT2 * sqrt(n);
    return HEADER + bits / 8 + 1;
}

START_TEST(sparse_is_close_to_entropy)
{
    const enum hc_profile profiles[] = {HC_PROFILE_REDIS, HC_PROFILE_DATASKETCHES,
                                        HC_PROFILE_TRINO};

    for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++) {
        for (uint64_t n = 1; n <= kit_limit(profiles[p], 16); n += 1 + n / 7) {
            struct hc_sketch *sketch = draw(profiles[p], 16, n * 1000, n);
            size_t size = size_of(sketch);

            if ((double)size > sparse_bytes(profiles[p], (double)n))
                ck_abort_msg("%zu bytes for %llu ids", size, (unsigned long long)n);
            hc_sketch_destroy(&sketch);
        }
    }
}
END_TEST

/* The figures of the README: of a thousand users, at p = 14. */
START_TEST(a_thousand_users)
{
    for (int profile = HC_PROFILE_REDIS; profile <= HC_PROFILE_KEYED; profile++) {
        double most = profile == HC_PROFILE_TRINO ? 2.26 : 2.14;

        if (profile == HC_PROFILE_DATASKETCHES)
            most = 2.52;
        for (uint64_t n = 1000; n <= 1300; n += 50) {
            struct hc_sketch *sketch = draw((enum hc_profile)profile, 14, n * 5000, n);

            ck_assert_double_le((double)size_of(sketch), most * (double)n);
            ck_assert(n > 1000 || hc_sketch_memory(sketch) <= 5 * n);
            ck_assert_uint_le(decoded_memory(sketch), 5 * n);
            hc_sketch_destroy(&sketch);
        }
    }
}
END_TEST

/* At its largest, a sparse sketch is no larger than many a dense one. */
START_TEST(sparse_is_never_larger_than_dense)
{
    const enum hc_profile profiles[] = {HC_PROFILE_REDIS, HC_PROFILE_DATASKETCHES,
                                        HC_PROFILE_TRINO};
    enum hc_profile profile = profiles[_i % 3];
    unsigned precision = HC_PRECISION_MIN + (unsigned)_i / 3;
    uint64_t limit = kit_limit(profile, precision);
    size_t largest = 0, smallest = SIZE_MAX;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct hc_sketch *sketch = draw(profile, precision, seed * 1000000, limit);

        ck_assert(hc_sketch_is_sparse(sketch));
        ck_assert_uint_le(hc_sketch_memory(sketch), 100 + ((size_t)1 << precision));
        largest = size_of(sketch) > largest ? size_of(sketch) : largest;
        hc_sketch_destroy(&sketch);
    }
    for (uint64_t tenths = 100; tenths <= 200; tenths += precision < 14 ? 10 : 50) {
        struct hc_sketch *sketch = draw(profile, precision, tenths << 32,
                                        (tenths << precision) / 10);

        smallest = size_of(sketch) < smallest ? size_of(sketch) : smallest;
        hc_sketch_destroy(&sketch);
    }
    ck_assert_msg(largest <= smallest, "p %u: sparse %zu, dense %zu", precision, largest,
                  smallest);
}
END_TEST

/* 16,384 registers of 2.83 bits are 5,796 bytes; Huffman's code adds up to 3 %. */
START_TEST(dense_at_precision_14)
{
    struct hc_sketch *sketch = kit_create(14, NULL);
    uint64_t done = 0;

    for (uint64_t n = 3200; n <= UINT64_C(1) << 21; n += n / 12) {
        kit_add(sketch, done, n);
        done = n;
        ck_assert(!hc_sketch_is_sparse(sketch));
        ck_assert_uint_le(size_of(sketch), 6100);
        if (n > UINT64_C(1) << 16)
            ck_assert_uint_ge(size_of(sketch), 5750);
    }
    hc_sketch_destroy(&sketch);
}
END_TEST

void add_cases(TCase *tcase)
{
    const int precisions = HC_PRECISION_MAX - HC_PRECISION_MIN + 1;

    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, sparse_is_close_to_entropy);
    tcase_add_test(tcase, a_thousand_users);
    tcase_add_loop_test(tcase, sparse_is_never_larger_than_dense, 0, 3 * precisions);
    tcase_add_test(tcase, dense_at_precision_14);
}
