/* Goal: hashes, registers, unions, folds and exported strings are what the
 * engines have, row by row of golden/vectors.json, which the engines filled. */
#include <math.h>

#include "check_main.h"
#include "vectors.h"

static void hash_is(struct hc_hash made, int words)
{
    char first[17], second[17];

    snprintf(first, sizeof first, "%016llx", (unsigned long long)made.first);
    snprintf(second, sizeof second, "%016llx", (unsigned long long)made.second);
    if (json_kind(vectors, words) == JSON_ARRAY) {
        int word = json_first(vectors, words);

        ck_assert(json_string_is(vectors, word, first, 16));
        ck_assert(json_string_is(vectors, json_next(vectors, word), second, 16));
    } else {
        ck_assert(json_string_is(vectors, words, first, 16));
        ck_assert_uint_eq(made.second, 0);
    }
}

START_TEST(hashes)
{
    static uint8_t input[ROOM], key[ROOM];
    int rows = member(0, "hashes"), count = 0;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row), count++) {
        size_t size = unhex(member(row, "input_hex"), input);
        int seed0 = member(row, "murmur3_128_seed0"), sip = member(row, "siphash24");
        uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees a byte too far */

        memcpy(exact + 1, input, size);
        hash_is(hc_hash_bytes(HC_PROFILE_REDIS, exact + 1, size), member(row, "murmur64a"));
        hash_is(hc_hash_bytes(HC_PROFILE_DATASKETCHES, exact + 1, size),
                member(row, "murmur3_128_seed9001"));
        hash_is(hc_hash_bytes(HC_PROFILE_POSTGRES, exact + 1, size), json_first(vectors, seed0));
        hash_is(hc_hash_bytes(HC_PROFILE_TRINO, exact + 1, size), json_first(vectors, seed0));
        hash_is(hc_hash_bytes(HC_PROFILE_ZETASKETCH, exact + 1, size),
                member(row, "fingerprint2011"));
        ck_assert_uint_eq(unhex(member(sip, "key"), key), HC_KEY_SIZE);
        hash_is(hc_hash_keyed(key, exact + 1, size), member(sip, "value"));
        free(exact);
    }
    ck_assert_int_eq(count, 136);
}
END_TEST

/* The nonzero registers that a row lists, if it does. */
static void nonzero_match(const struct hc_sketch *sketch, int row)
{
    const uint8_t *registers = registers_of(sketch, row);
    int list = member(row, "nonzero"), count = 0;
    int64_t index, rank;

    for (int i = 0; i < 1 << hc_sketch_precision(sketch); i++)
        count += registers[i] > 0;
    ck_assert_int_eq(count, number_of(row, "nonzero_count"));
    for (int pair = list < 0 ? -1 : json_first(vectors, list); pair >= 0;
         pair = json_next(vectors, pair)) {
        int first = json_first(vectors, pair);

        ck_assert(json_int64(vectors, first, &index));
        ck_assert(json_int64(vectors, json_next(vectors, first), &rank));
        ck_assert_int_eq(registers[index], rank);
    }
}

/* The string has the length and encoding that Redis chose; where the row has
 * all its bytes, these too. */
static void string_match(const struct hc_sketch *sketch, int row)
{
    static uint8_t expected[ROOM];
    uint8_t string[HC_REDIS_SIZE_MAX];
    char encoding[ROOM];
    size_t size;

    ck_assert_int_eq(hc_redis_encode(sketch, string, sizeof string, &size), HC_OK);
    ck_assert_int_eq((int64_t)size, number_of(row, "bytes_length"));
    ck_assert_int_eq(string[4], strcmp(text_of(row, "encoding", encoding), "sparse") == 0);
    if (member(row, "bytes_hex") >= 0 && unhex(member(row, "bytes_hex"), expected) == size)
        ck_assert_mem_eq(string, expected, size);
    if (member(row, "tail_hex") >= 0) {
        size_t tail = unhex(member(row, "tail_hex"), expected);

        ck_assert_mem_eq(string + size - tail, expected, tail);
    }
}

/* The row's sketch made dense before its ids came: the other form. */
static struct hc_sketch *dense_of(enum hc_profile profile, unsigned precision, const char *set)
{
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);

    sketch->registers = dense_allocate(&sketch->allocator, precision);
    sketch->dense = 1;
    sketch->count = sketch->capacity = 0;
    add_set(sketch, set);
    return sketch;
}

START_TEST(sketches)
{
    int rows = member(0, "sketches"), count = 0;
    char name[ROOM];
    double expected;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row), count++) {
        enum hc_profile profile = profile_of(row);
        unsigned precision = (unsigned)number_of(row, "precision");
        struct hc_sketch *sketch = kit_create_as(profile, precision, NULL), *dense;

        add_set(sketch, text_of(row, "set", name));
        dense = dense_of(profile, precision, name);
        registers_match(sketch, row);
        registers_match(dense, row);
        nonzero_match(sketch, row);
        ck_assert(json_double(vectors, member(row, "ertl_estimate"), &expected));
        ck_assert_double_eq_tol(ertl(sketch, row), expected, 1e-6 + expected * 1e-10);
        if (profile == HC_PROFILE_REDIS) {
            string_match(sketch, row);
            ck_assert_int_eq(llround(ertl(sketch, row)), number_of(row, "estimate"));
        }
        hc_sketch_destroy(&sketch);
        hc_sketch_destroy(&dense);
    }
    ck_assert_int_eq(count, 119);
}
END_TEST

START_TEST(unions)
{
    int rows = member(0, "unions"), count = 0;
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row), count++) {
        enum hc_profile profile = profile_of(row);
        unsigned precision = (unsigned)number_of(row, "precision");
        struct hc_sketch *ours = kit_create_as(profile, precision, NULL);
        struct hc_sketch *theirs = kit_create_as(profile, precision, NULL);

        add_set(ours, text_of(row, "ours", name));
        add_set(theirs, text_of(row, "engine_filled", name));
        ck_assert_int_eq(hc_sketch_union(ours, theirs, NULL), HC_OK);
        registers_match(ours, row);
        if (profile == HC_PROFILE_REDIS) {
            double value = estimate_dense(registers_of(ours, row), 14, 51).value;

            ck_assert_int_eq(llround(value), number_of(row, "union_estimate"));
        }
        hc_sketch_destroy(&ours);
        hc_sketch_destroy(&theirs);
    }
    ck_assert_int_eq(count, 47);
}
END_TEST

START_TEST(folds)
{
    int rows = member(0, "folds"), count = 0;
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row), count++) {
        enum hc_profile profile = profile_of(row);
        unsigned from = (unsigned)number_of(row, "from"), to = (unsigned)number_of(row, "to");
        struct hc_sketch *sketch = kit_create_as(profile, from, NULL), *dense;

        add_set(sketch, text_of(row, "set", name));
        dense = dense_of(profile, from, name);
        ck_assert_int_eq(hc_sketch_fold(sketch, to), HC_OK);
        ck_assert_int_eq(hc_sketch_fold(dense, to), HC_OK);
        registers_match(sketch, row);
        registers_match(dense, row);
        hc_sketch_destroy(&sketch);
        hc_sketch_destroy(&dense);
    }
    ck_assert_int_eq(count, 64);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_unchecked_fixture(cases, vectors_open, vectors_close);
    tcase_add_test(cases, hashes);
    tcase_add_test(cases, sketches);
    tcase_add_test(cases, unions);
    tcase_add_test(cases, folds);
}
