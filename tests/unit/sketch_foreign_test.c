/* Goal: the engines' bytes give the registers that they gave to the engine, and
 * ours give them back, in every form that an engine has.
 *
 * Rows of golden/vectors.json are decoded where they have all their bytes. What
 * we write for a row's ids is the engine's own image to the byte where the
 * image has one order only. Damage is refused, or decodes to a valid sketch. */
#include "check_main.h"
#include "foreign_forms.h"
#include "vectors.h"

#define IMAGE_MAX HC_FOREIGN_SIZE_MAX(HC_PRECISION_MAX)

static uint8_t image[IMAGE_MAX];

static bool has_image(int row)
{
    static uint8_t bytes[ROOM];
    int token = member(row, "bytes_hex");

    return token >= 0 && (int64_t)unhex(token, bytes) == number_of(row, "bytes_length");
}

static struct hc_sketch *decoded(enum hc_profile profile, const uint8_t *bytes, size_t size)
{
    struct hc_sketch *sketch = NULL;
    enum hc_status status = forms_decoder(profile)(bytes, size, NULL, &sketch);

    ck_assert_msg(status == HC_OK, "%s for %s of %zu bytes", hc_status_name(status),
                  hc_profile_name(profile), size);
    kit_check(sketch);
    return sketch;
}

START_TEST(rows_decode)
{
    static uint8_t bytes[ROOM];
    int rows = member(0, "sketches"), count = 0;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *sketch;

        if (member(row, "bytes_hex") < 0 || !has_image(row))
            continue;
        sketch = decoded(profile_of(row), bytes, unhex(member(row, "bytes_hex"), bytes));
        ck_assert_uint_eq(hc_sketch_precision(sketch), number_of(row, "precision"));
        registers_match(sketch, row);
        hc_sketch_destroy(&sketch);
        count++;
    }
    ck_assert_int_ge(count, 60);
}
END_TEST

static bool registers_equal(const struct hc_sketch *left, const struct hc_sketch *right)
{
    static uint8_t first[KIT_REGISTERS_MAX], second[KIT_REGISTERS_MAX];
    size_t size = (size_t)1 << hc_sketch_precision(left);

    hc_sketch_registers(left, first, sizeof first);
    hc_sketch_registers(right, second, sizeof second);
    return hc_sketch_precision(left) == hc_sketch_precision(right) &&
           memcmp(first, second, size) == 0;
}

/* Writes it in every way, into room that just suffices, and reads it again. */
static void comes_back(const struct hc_sketch *sketch)
{
    for (unsigned way = 0; way < FORMS_MAX; way++) {
        size_t size = 0, other = 7;
        enum hc_status status = forms_encode(sketch, way, image, IMAGE_MAX, &size);
        struct hc_sketch *back;
        uint8_t *exact;

        if (status == HC_ERANGE && way > 0)
            continue;
        ck_assert_int_eq(status, HC_OK);
        ck_assert_uint_le(size, HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch)));
        exact = malloc(size);
        ck_assert_int_eq(forms_encode(sketch, way, exact, size - 1, &other), HC_EROOM);
        ck_assert_uint_eq(other, 7);
        ck_assert_int_eq(forms_encode(sketch, way, exact, size, &other), HC_OK);
        ck_assert_mem_eq(exact, image, size);
        back = decoded(hc_sketch_profile(sketch), exact, size);
        if (!registers_equal(sketch, back))
            ck_abort_msg("%s: way %u gives other registers",
                         hc_profile_name(hc_sketch_profile(sketch)), way);
        hc_sketch_destroy(&back);
        free(exact);
    }
}

START_TEST(rows_come_back)
{
    int rows = member(0, "sketches");
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *sketch;

        if (profile_of(row) == HC_PROFILE_KEYED)
            continue;
        sketch = kit_create_as(profile_of(row), (unsigned)number_of(row, "precision"), NULL);
        add_set(sketch, text_of(row, "set", name));
        comes_back(sketch);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

/* Random hashes, some with long runs of zeros, across every change of form. */
START_TEST(sweep_comes_back)
{
    enum hc_profile profile = (enum hc_profile)_i;

    for (unsigned precision = 4; precision <= 18; precision += 2) {
        struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);
        size_t size;

        for (uint64_t i = 0; i < 3000; i++) {
            struct hc_hash hash = {kit_hash(i).first, kit_hash(~i).first >> i % 64};

            hash.first &= i % 5 == 0 ? UINT64_MAX << 40 | UINT64_C(0xffffff) : UINT64_MAX;
            hash.first >>= i % 7 == 0 ? i % 60 : 0;
            ck_assert_int_eq(hc_sketch_add_hash(sketch, hash, NULL), HC_OK);
            if ((i & (i + 1)) == 0 || i % 500 == 0 || i < 10) {
                if (forms_encode(sketch, 0, image, IMAGE_MAX, &size) == HC_EPRECISION)
                    break;
                comes_back(sketch);
            }
        }
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

static bool is_text(int row, const char *key, const char *text)
{
    return member(row, key) >= 0 && json_string_is(vectors, member(row, key), text, strlen(text));
}

/* Our bytes for the row's ids, or 0 where the engine has a choice of order, or
 * knows more of the ids than we do. */
static size_t image_of(const struct hc_sketch *sketch, int row)
{
    enum hc_status status = HC_OK;
    size_t size = 0;

    if (profile_of(row) == HC_PROFILE_POSTGRES && !is_text(row, "form", "EXPLICIT")) {
        struct hc_postgres_options options = {(unsigned)number_of(row, "regwidth"),
                                              number_of(row, "expthresh"),
                                              (int)number_of(row, "sparseon")};

        status = hc_postgres_encode(sketch, &options, image, IMAGE_MAX, &size);
    } else if (profile_of(row) == HC_PROFILE_ZETASKETCH) {
        status = hc_zetasketch_encode(sketch, (unsigned)number_of(row, "sparse_precision"), image,
                                      IMAGE_MAX, &size);
    } else if (profile_of(row) == HC_PROFILE_TRINO && is_text(row, "format", "DENSE_V2") &&
               !hc_sketch_is_sparse(sketch)) {
        status = hc_trino_encode(sketch, image, IMAGE_MAX, &size);
    }
    ck_assert_int_eq(status, HC_OK);
    return size;
}

/* Coupons and tables of them depend on the order in which ids came: their words
 * are put in order. */
static int words_compare(const void *left, const void *right)
{
    return memcmp(left, right, 4);
}

/* DataSketches' images are alike but for that, and for what the header holds
 * beside registers: the estimate of the order in which ids came. */
START_TEST(datasketches_words)
{
    int rows = member(0, "sketches"), count = 0;
    static uint8_t expected[ROOM];
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_datasketches_options options = {8, is_text(row, "form", "updatable")};
        size_t size, body = is_text(row, "mode", "HLL") ? 40 : 8;
        struct hc_sketch *sketch;

        if (profile_of(row) != HC_PROFILE_DATASKETCHES || !has_image(row) ||
            member(row, "made_by") >= 0)
            continue;
        options.bits = (unsigned)text_of(row, "target", name)[4] - '0';
        sketch = kit_create_as(HC_PROFILE_DATASKETCHES, (unsigned)number_of(row, "precision"),
                               NULL);
        add_set(sketch, text_of(row, "set", name));
        ck_assert_int_eq(hc_datasketches_encode(sketch, &options, image, IMAGE_MAX, &size), HC_OK);
        ck_assert_uint_eq(size, unhex(member(row, "bytes_hex"), expected));
        ck_assert_mem_eq(image, expected, 5);
        ck_assert_uint_eq(image[7], expected[7]);
        if (body == 8) {
            ck_assert_mem_eq(image + 5, expected + 5, 2);
            qsort(image + 8, (size - 8) / 4, 4, words_compare);
            qsort(expected + 8, (size - 8) / 4, 4, words_compare);
        } else {
            ck_assert_mem_eq(image + 16, expected + 16, 24);
        }
        ck_assert_mem_eq(image + body, expected + body, size - body);
        hc_sketch_destroy(&sketch);
        count++;
    }
    ck_assert_int_ge(count, 20);
}
END_TEST

/* The row's bytes, or their hash. Sets of a hundred thousand are left out for
 * zetasketch, which writes the number of values and not our estimate. */
START_TEST(bytes_are_the_engine_s)
{
    int rows = member(0, "sketches"), count = 0;
    static uint8_t expected[ROOM];
    char name[ROOM], hash[65];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *sketch;
        size_t size;

        if (profile_of(row) == HC_PROFILE_KEYED || profile_of(row) == HC_PROFILE_REDIS)
            continue;
        sketch = kit_create_as(profile_of(row), (unsigned)number_of(row, "precision"), NULL);
        add_set(sketch, text_of(row, "set", name));
        size = image_of(sketch, row);
        if (size > 0 && !(profile_of(row) == HC_PROFILE_ZETASKETCH &&
                          !hc_sketch_is_sparse(sketch))) {
            ck_assert_int_eq((int64_t)size, number_of(row, "bytes_length"));
            if (has_image(row)) {
                unhex(member(row, "bytes_hex"), expected);
                ck_assert_mem_eq(image, expected, size);
            } else {
                sha256_hex(image, size, hash);
                ck_assert_str_eq(hash, text_of(row, "bytes_sha256", name));
            }
            count++;
        }
        hc_sketch_destroy(&sketch);
    }
    ck_assert_int_ge(count, 30);
}
END_TEST

static void damage_is_harmless(enum hc_profile profile, const uint8_t *bytes, size_t size)
{
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    uint8_t *exact = malloc(size + 1); /* so that a sanitizer sees a byte too far */
    struct hc_sketch *sketch = NULL;

    memcpy(exact + 1, bytes, size);
    if (forms_decoder(profile)(exact + 1, size, &allocator, &sketch) == HC_OK)
        kit_check(sketch);
    else
        ck_assert_ptr_null(sketch);
    hc_sketch_destroy(&sketch);
    ck_assert_uint_eq(memory.blocks, 0);
    free(exact);
}

/* Every length of every image, and every bit of it. */
START_TEST(damage)
{
    int rows = member(0, "sketches");
    static uint8_t bytes[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        size_t size;

        if (!has_image(row) || number_of(row, "bytes_length") > 200)
            continue;
        size = unhex(member(row, "bytes_hex"), bytes);
        for (size_t cut = 0; cut < size; cut++)
            damage_is_harmless(profile_of(row), bytes, cut);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            damage_is_harmless(profile_of(row), bytes, size);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}
END_TEST

/* Whichever allocation fails, nothing leaks and nothing is made. */
START_TEST(no_memory)
{
    enum hc_profile profile = (enum hc_profile)_i;
    const uint64_t counts[] = {3, 300, 5000};

    for (unsigned c = 0; c < 3; c++) {
        struct hc_sketch *sketch = kit_create_as(profile, 14, NULL);
        struct kit_memory memory = {.left = 0};
        struct hc_allocator allocator = kit_allocator(&memory);
        enum hc_status status = HC_ENOMEM;
        struct hc_sketch *back = NULL;
        size_t size;

        kit_add(sketch, 0, counts[c]);
        ck_assert_int_eq(forms_encode(sketch, 0, image, IMAGE_MAX, &size), HC_OK);
        for (long left = 0; status == HC_ENOMEM; left++) {
            memory.left = left;
            status = forms_decoder(profile)(image, size, &allocator, &back);
            ck_assert_int_eq(status == HC_OK, back != NULL);
            ck_assert(status == HC_OK || memory.blocks == 0);
        }
        ck_assert_int_eq(status, HC_OK);
        hc_sketch_destroy(&back);
        ck_assert_uint_eq(memory.blocks, 0);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

START_TEST(other_profiles_are_refused)
{
    const struct hc_datasketches_options bits = {8, 0};
    const struct hc_postgres_options column = {5, -1, 1};
    struct hc_sketch *sketch = kit_create_as(HC_PROFILE_KEYED, 14, NULL);
    size_t size;

    ck_assert_int_eq(hc_redis_encode(sketch, image, IMAGE_MAX, &size), HC_EPROFILE);
    ck_assert_int_eq(hc_datasketches_encode(sketch, &bits, image, IMAGE_MAX, &size), HC_EPROFILE);
    ck_assert_int_eq(hc_postgres_encode(sketch, &column, image, IMAGE_MAX, &size), HC_EPROFILE);
    ck_assert_int_eq(hc_zetasketch_encode(sketch, 0, image, IMAGE_MAX, &size), HC_EPROFILE);
    ck_assert_int_eq(hc_trino_encode(sketch, image, IMAGE_MAX, &size), HC_EPROFILE);
    hc_sketch_destroy(&sketch);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_unchecked_fixture(tcase, vectors_open, vectors_close);
    tcase_add_test(tcase, rows_decode);
    tcase_add_test(tcase, rows_come_back);
    tcase_add_loop_test(tcase, sweep_comes_back, HC_PROFILE_DATASKETCHES, HC_PROFILE_KEYED);
    tcase_add_test(tcase, bytes_are_the_engine_s);
    tcase_add_test(tcase, datasketches_words);
    tcase_add_test(tcase, damage);
    tcase_add_loop_test(tcase, no_memory, HC_PROFILE_REDIS, HC_PROFILE_KEYED);
    tcase_add_test(tcase, other_profiles_are_refused);
}
