/* Goal: hc_sketch_check finds each broken invariant and names it; sketches of
 * different profiles do not meet. Both need a look behind the opaque type. */
#include "check_main.h"
#include "headcount/foreign.h"
#include "sketch_body.h"
#include "sketch_kit.h"

static void is_broken(const struct hc_sketch *sketch, const char *expected)
{
    const char *reason = "nothing";

    ck_assert_int_eq(hc_sketch_check(sketch, &reason), 0);
    ck_assert_str_eq(reason, expected);
    ck_assert_int_eq(hc_sketch_check(sketch, NULL), 0);
}

/* Changes a copy of the struct: the blocks stay those of `sound`. */
#define BREAK(sound, change, expected)        \
    do {                                      \
        struct hc_sketch broken = *(sound);   \
        change;                               \
        is_broken(&broken, expected);         \
    } while (0)

START_TEST(struct_fields)
{
    struct hc_sketch *sketch = kit_range(14, 0, 100), *few = kit_range(14, 0, 3);
    struct profile unknown = *sketch->profile;

    kit_check(sketch);
    BREAK(sketch, broken.profile = &unknown, "the profile is unknown");
    BREAK(sketch, broken.profile = NULL, "the profile is unknown");
    BREAK(sketch, broken.precision = 3, "the precision is outside its range");
    BREAK(sketch, broken.precision = 19, "the precision is outside its range");
    BREAK(sketch, broken.allocator.release = NULL, "there is no allocator");
    BREAK(sketch, broken.dense = 2, "the form is neither sparse nor dense");
    BREAK(sketch, broken.coupons = NULL, "a sparse sketch has no coupons");
    BREAK(sketch, broken.capacity = 99, "more coupons than fit");
    BREAK(sketch, broken.precision = 4, "more coupons than a sparse sketch may hold");
    BREAK(sketch, broken.count = 99, "the coupons are not as many as their count");
    BREAK(few, (broken.coupons = broken.few, broken.capacity = 99),
          "the capacity is not that of the struct");
    hc_sketch_destroy(&sketch);
    hc_sketch_destroy(&few);
}
END_TEST

/* Overwrites coupon `at` of a sketch of five, looks, and puts it back. */
static void coupon_is_broken(struct hc_sketch *sketch, size_t at, uint32_t coupon,
                             const char *expected)
{
    uint32_t kept = sketch->coupons[at];

    sketch->coupons[at] = coupon;
    is_broken(sketch, expected);
    sketch->coupons[at] = kept;
    kit_check(sketch);
}

START_TEST(coupons)
{
    struct hc_sketch *sketch = kit_create(14, NULL);

    for (uint64_t i = 0; i < 5; i++) { /* only the first needs a rank */
        struct hc_hash hash = {i << 14 | 5, 0};

        hc_sketch_add_hash(sketch, hash, NULL);
    }
    coupon_is_broken(sketch, 4, UINT32_C(1) << 31, "a coupon's index is too large");
    coupon_is_broken(sketch, 4, 0, "the coupons are not as many as their count");
    coupon_is_broken(sketch, 0, 0, "there is a gap between a coupon and its home");
    coupon_is_broken(sketch, 1, sketch->coupons[2], "the coupons do not ascend");
    coupon_is_broken(sketch, 1, sketch->coupons[3] + 64, "the coupons do not ascend");
    coupon_is_broken(sketch, 1, sketch->coupons[1] | 1,
                     "a coupon has a rank that its index implies");
    coupon_is_broken(sketch, 0, sketch->coupons[0] & ~UINT32_C(63), "a coupon lacks its rank");
    coupon_is_broken(sketch, 0, (sketch->coupons[0] & ~UINT32_C(63)) | 41,
                     "a coupon's rank is too large");
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(registers)
{
    struct hc_sketch *sketch = kit_range(10, 0, 1000);

    BREAK(sketch, broken.registers = NULL, "a dense sketch has no registers");
    BREAK(sketch, broken.count = 1, "a dense sketch still counts coupons");
    BREAK(sketch, broken.capacity = 1, "a dense sketch still counts coupons");
    sketch->registers[1023] = 56;
    is_broken(sketch, "a register's rank is too large");
    sketch->registers[1023] = 55;
    kit_check(sketch);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(profiles_do_not_meet)
{
    struct hc_sketch *sketch = kit_range(14, 0, 100), *other = kit_range(14, 50, 60);
    struct hc_sketch *before = kit_copy(sketch);
    struct profile stranger = *other->profile;
    uint8_t string[HC_REDIS_SIZE_MAX];
    size_t size = 12345;
    int changed = 7;

    stranger.id = (enum hc_profile)99;
    other->profile = &stranger;
    ck_assert_int_eq(hc_sketch_union(sketch, other, &changed), HC_EPROFILE);
    ck_assert_int_eq(changed, 7);
    kit_same(sketch, before);
    ck_assert_int_eq(hc_redis_encode(other, string, sizeof string, &size), HC_EPROFILE);
    ck_assert_uint_eq(size, 12345);
    hc_sketch_destroy(&sketch);
    hc_sketch_destroy(&other);
    hc_sketch_destroy(&before);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, struct_fields);
    tcase_add_test(cases, coupons);
    tcase_add_test(cases, registers);
    tcase_add_test(cases, profiles_do_not_meet);
}
