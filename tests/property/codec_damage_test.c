/* Goal: what decodes is valid, whatever happened to the bytes.
 *
 * Every sketch is cut at every byte and refused; every bit is flipped, two
 * bytes at random are exchanged, stretches are overwritten: the answer is a
 * refusal without a leak, or a sketch that passes hc_sketch_check and encodes
 * to a fixed point. The bytes lie at the end of a block of their exact size,
 * so that a sanitizer sees a read too far. */
#include "check_main.h"
#include "sketch_kit.h"

#define SPLIT HC_PROFILE_DATASKETCHES /* every coupon has a rank */

static const struct {
    unsigned precision;
    uint64_t count;
    enum hc_profile profile;
} cases[] = {
    {14, 0, HC_PROFILE_REDIS},   {14, 1, HC_PROFILE_REDIS},    {14, 2, HC_PROFILE_REDIS},
    {4, 1, HC_PROFILE_REDIS},    {4, 2, HC_PROFILE_REDIS},     {4, 60, HC_PROFILE_REDIS},
    {10, 153, HC_PROFILE_REDIS}, {10, 154, HC_PROFILE_REDIS},  {10, 100000, HC_PROFILE_REDIS},
    {14, 900, HC_PROFILE_REDIS}, {18, 600, HC_PROFILE_TRINO},  {12, 1100, HC_PROFILE_REDIS},
    {14, 1, SPLIT},              {4, 1, SPLIT},                {10, 128, SPLIT},
    {10, 129, SPLIT},            {14, 500, SPLIT},             {6, 5, HC_PROFILE_KEYED},
};

#define CASES (sizeof cases / sizeof cases[0])

/* The case's bytes in a block of exactly their size. */
static uint8_t *case_bytes(size_t number, size_t *size)
{
    struct hc_sketch *sketch = kit_create_as(cases[number].profile, cases[number].precision, NULL);
    uint8_t *bytes, *exact;

    kit_add(sketch, 0, cases[number].count);
    bytes = kit_encode(sketch, size);
    exact = malloc(*size);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, *size);
    free(bytes);
    hc_sketch_destroy(&sketch);
    return exact;
}

/* Decodes what may be damaged; whether that was possible. What comes out must
 * stand encoding and decoding again. */
static int survives(const uint8_t *bytes, size_t size)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    struct hc_sketch *decoded = NULL, *again = NULL;
    enum hc_status status = hc_decode(bytes, size, &allocator, &decoded);
    size_t encoded_size;
    uint8_t *encoded;

    if (status == HC_OK) {
        kit_check(decoded);
        encoded = kit_encode(decoded, &encoded_size);
        if (hc_decode(encoded, encoded_size, NULL, &again) != HC_OK)
            ck_abort_msg("what we wrote is refused");
        kit_same(decoded, again);
        free(encoded);
        hc_sketch_destroy(&again);
        hc_sketch_destroy(&decoded);
    } else if (status < HC_ETRUNCATED || status > HC_ECHECKSUM || decoded != NULL) {
        ck_abort_msg("answered %s", hc_status_name(status));
    }
    if (memory.blocks != 0)
        ck_abort_msg("%zu blocks leak", memory.blocks);
    return status == HC_OK;
}

START_TEST(truncated)
{
    size_t size;
    uint8_t *bytes = case_bytes((size_t)_i, &size);

    for (size_t cut = 0; cut < size; cut++) {
        struct hc_sketch *decoded = NULL;
        uint8_t *exact = malloc(cut + 1);

        memcpy(exact + 1, bytes, cut);
        if (hc_decode(exact + 1, cut, NULL, &decoded) != HC_ETRUNCATED)
            ck_abort_msg("cut at %zu of %zu", cut, size);
        free(exact);
    }
    ck_assert(survives(bytes, size));
    free(bytes);
}
END_TEST

/* Of a sparse sketch no bit is free; of a dense one, bits of the frame that don't
 * change the registers may be, as where a match has its like elsewhere. */
START_TEST(bits_flipped)
{
    size_t size, survived = 0;
    uint8_t *bytes = case_bytes((size_t)_i, &size);

    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (survives(bytes, size)) {
            if (bytes[7] == 0 || bit < 28 * 8)
                ck_abort_msg("bit %zu means nothing", bit);
            survived++;
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_uint_le(survived, size * 8 / 50);
    free(bytes);
}
END_TEST

START_TEST(bytes_garbled)
{
    size_t size;
    uint8_t *bytes = case_bytes((size_t)_i, &size), *garbled = malloc(size);

    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t random = kit_hash(round).first;
        size_t at = random % size, other = (random >> 20) % size;

        memcpy(garbled, bytes, size);
        garbled[at] = bytes[other];
        garbled[other] = bytes[at];
        for (size_t i = at; random >> 40 & 1 && i < size && i < at + (random >> 41) % 9; i++)
            garbled[i] = (uint8_t)kit_hash(random + i).first;
        survives(garbled, size);
    }
    free(garbled);
    free(bytes);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, truncated, 0, (int)CASES);
    tcase_add_loop_test(tcase, bits_flipped, 0, (int)CASES);
    tcase_add_loop_test(tcase, bytes_garbled, 0, (int)CASES);
}
