/* Goal: in every profile a sketch has the registers that its layout defines,
 * sparse or dense, folded or united; profiles and keys never meet.
 *
 * The model reads a hash as a text of 64 digits and knows no bit tricks. */
#include <stdbool.h>

#include "check_main.h"
#include "sketch_kit.h"

#define PROFILES 6

static const char *const names[PROFILES + 1] = {
    NULL, "redis", "datasketches", "postgres", "zetasketch", "trino", "keyed",
};

/* The digits of a hash, highest first, or lowest first. */
static void digits_of(uint64_t hash, bool lowest_first, char *digits)
{
    for (unsigned i = 0; i < 64; i++)
        digits[lowest_first ? i : 63 - i] = (hash >> i & 1) ? '1' : '0';
    digits[64] = '\0';
}

static unsigned zeros_from(const char *digits)
{
    return (unsigned)strspn(digits, "0");
}

static void model_add(uint8_t *registers, enum hc_profile profile, unsigned precision,
                      struct hc_hash hash)
{
    bool is_high = profile == HC_PROFILE_ZETASKETCH || profile == HC_PROFILE_TRINO;
    char digits[65];
    unsigned rank;
    size_t index = 0;

    digits_of(hash.first, !is_high, digits);
    for (unsigned i = 0; i < precision; i++) {
        if (digits[i] == '1')
            index += (size_t)1 << (is_high ? precision - 1 - i : i);
    }
    rank = zeros_from(digits + precision) + 1;
    if (profile == HC_PROFILE_POSTGRES && rank > 64 - precision)
        return;
    if (profile == HC_PROFILE_POSTGRES && rank > 31)
        rank = 31;
    if (profile == HC_PROFILE_DATASKETCHES) {
        digits_of(hash.second, false, digits);
        rank = zeros_from(digits) < 62 ? zeros_from(digits) + 1 : 63;
    }
    if (registers[index] < rank)
        registers[index] = (uint8_t)rank;
}

/* Random hashes, of which many have long runs of zeros. A hash of zero is left
 * out: what `postgres` leaves out at one precision, a fold can't bring back. */
static struct hc_hash hash_at(enum hc_profile profile, uint64_t i)
{
    struct hc_hash hash = {kit_hash(i).first, kit_hash(~i).first};
    unsigned bits = (unsigned)(hash.second >> 20) % 64;

    if (i % 3 == 1)
        hash.first &= ~(((UINT64_C(1) << bits) - 1) << 20 | UINT64_C(0xff00));
    if (i % 3 == 2)
        hash.first &= ~(((UINT64_C(1) << bits) - 1) >> 12);
    if (i % 3 == 1)
        hash.second = bits == 0 ? 0 : hash.second >> bits;
    if (profile == HC_PROFILE_POSTGRES)
        hash.first |= UINT64_C(1) << 63;
    return hash;
}

static void add_range(struct hc_sketch *sketch, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct hc_hash hash = hash_at(hc_sketch_profile(sketch), i);

        if (hc_sketch_add_hash(sketch, hash, NULL) != HC_OK)
            ck_abort_msg("a hash could not be added");
    }
}

static void is_modelled(const struct hc_sketch *sketch, uint64_t from, uint64_t to)
{
    static uint8_t expected[KIT_REGISTERS_MAX];
    unsigned precision = hc_sketch_precision(sketch);

    memset(expected, 0, (size_t)1 << precision);
    for (uint64_t i = from; i < to; i++)
        model_add(expected, hc_sketch_profile(sketch), precision,
                  hash_at(hc_sketch_profile(sketch), i));
    kit_registers_are(sketch, expected);
}

static void survives_the_wire(const struct hc_sketch *sketch)
{
    struct hc_sketch *decoded = NULL;
    size_t size;
    uint8_t *bytes = kit_encode(sketch, &size);

    ck_assert_int_eq(hc_decode(bytes, size, NULL, &decoded), HC_OK);
    ck_assert_uint_eq(hc_sketch_key_id(decoded), hc_sketch_key_id(sketch));
    kit_same(decoded, sketch);
    hc_sketch_destroy(&decoded);
    free(bytes);
}

/* Filled, folded down step by step, and united with others on the way. */
START_TEST(registers_are_modelled)
{
    const uint64_t counts[] = {0, 1, 10, 700, 5000};
    enum hc_profile profile = (enum hc_profile)(_i / 5 + 1);
    uint64_t count = counts[_i % 5];

    for (unsigned precision = 18; precision >= 5; precision -= 3) {
        struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);
        struct hc_sketch *other = kit_create_as(profile, precision + (precision < 18), NULL);

        add_range(sketch, 0, count);
        is_modelled(sketch, 0, count);
        add_range(other, count / 2, 2 * count);
        ck_assert_int_eq(hc_sketch_union(sketch, other, NULL), HC_OK);
        is_modelled(sketch, 0, 2 * count);
        for (unsigned lower = precision; lower >= HC_PRECISION_MIN; lower--) {
            ck_assert_int_eq(hc_sketch_fold(sketch, lower), HC_OK);
            is_modelled(sketch, 0, 2 * count);
            survives_the_wire(sketch);
        }
        hc_sketch_destroy(&other);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

START_TEST(names_are_pinned)
{
    for (int i = 1; i <= PROFILES; i++) {
        enum hc_profile profile = (enum hc_profile)0;

        ck_assert_str_eq(hc_profile_name((enum hc_profile)i), names[i]);
        ck_assert_int_eq(hc_profile_by_name(names[i], &profile), 1);
        ck_assert_int_eq(profile, i);
    }
    ck_assert_ptr_null(hc_profile_name((enum hc_profile)(PROFILES + 1)));
}
END_TEST

START_TEST(profiles_never_meet)
{
    for (int i = 1; i <= PROFILES; i++) {
        struct hc_sketch *left = kit_create_as((enum hc_profile)i, 10, NULL);

        for (int j = 1; j <= PROFILES; j++) {
            struct hc_sketch *right = kit_create_as((enum hc_profile)j, 10, NULL);

            ck_assert_int_eq(hc_sketch_union(left, right, NULL), i == j ? HC_OK : HC_EPROFILE);
            hc_sketch_destroy(&right);
        }
        hc_sketch_destroy(&left);
    }
}
END_TEST

static struct hc_sketch *with_key(const uint8_t *key)
{
    struct hc_sketch_options options = {HC_PROFILE_KEYED, 12, NULL, key};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    ck_assert_int_eq(hc_sketch_add(sketch, "a", 1, NULL), HC_OK);
    return sketch;
}

/* Each bit of a key makes another id, and no key stands in the bytes. */
START_TEST(keys_never_meet)
{
    struct hc_sketch *ours = with_key(KIT_KEY), *copy = kit_copy(ours), *decoded = NULL;
    uint8_t key[HC_KEY_SIZE], *bytes;
    size_t size;

    ck_assert_uint_eq(hc_sketch_key_id(ours), hc_key_id(KIT_KEY));
    for (unsigned bit = 0; bit < 8 * HC_KEY_SIZE; bit++) {
        struct hc_sketch *theirs;

        memcpy(key, KIT_KEY, sizeof key);
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        theirs = with_key(key);
        ck_assert_int_eq(hc_sketch_union(ours, theirs, NULL), HC_EPROFILE);
        ck_assert_uint_ne(hc_digest(ours), hc_digest(theirs));
        hc_sketch_destroy(&theirs);
    }
    bytes = kit_encode(ours, &size);
    for (size_t i = 0; i + 8 <= size; i++)
        ck_assert(memcmp(bytes + i, KIT_KEY, 8) != 0 && memcmp(bytes + i, KIT_KEY + 8, 8) != 0);
    ck_assert_int_eq(hc_decode(bytes, size, NULL, &decoded), HC_OK);
    ck_assert_int_eq(hc_sketch_add(copy, "b", 1, NULL), HC_OK);
    ck_assert_int_eq(hc_sketch_add(decoded, "b", 1, NULL), HC_EPROFILE);
    ck_assert_int_eq(hc_sketch_union(decoded, copy, NULL), HC_OK);
    kit_same(decoded, copy);
    free(bytes);
    hc_sketch_destroy(&ours);
    hc_sketch_destroy(&copy);
    hc_sketch_destroy(&decoded);
}
END_TEST

START_TEST(keys_are_asked_for)
{
    for (int i = 1; i <= PROFILES; i++) {
        bool is_keyed = i == HC_PROFILE_KEYED;
        struct hc_sketch_options options = {(enum hc_profile)i, 12, NULL,
                                            is_keyed ? NULL : KIT_KEY};
        struct hc_sketch *sketch = NULL;

        ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_ERANGE);
        ck_assert_ptr_null(sketch);
    }
}
END_TEST

/* DataSketches ignores the empty id; it hashes to 0 in postgresql-hll, which
 * has nowhere to note that. The others count it. */
START_TEST(empty_id)
{
    for (int i = 1; i <= PROFILES; i++) {
        struct hc_sketch *sketch = kit_create_as((enum hc_profile)i, 12, NULL);
        bool counts = i != HC_PROFILE_DATASKETCHES && i != HC_PROFILE_POSTGRES;
        int changed = 7;

        ck_assert_int_eq(hc_sketch_add(sketch, "", 0, &changed), HC_OK);
        ck_assert_int_eq(changed, counts);
        ck_assert_int_eq(hc_sketch_estimate(sketch).value > 0, counts);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, registers_are_modelled, 0, 5 * PROFILES);
    tcase_add_test(tcase, names_are_pinned);
    tcase_add_test(tcase, profiles_never_meet);
    tcase_add_test(tcase, keys_never_meet);
    tcase_add_test(tcase, keys_are_asked_for);
    tcase_add_test(tcase, empty_id);
}
