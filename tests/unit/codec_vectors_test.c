/* Goal: the vectors that docs/vectors.json publishes for other implementers are
 * right: each is what our own count of its ids gives, its bytes decode to that,
 * and a sparse one's are ours to the bit. */
#include <math.h>

#include "check_main.h"
#include "json.h"
#include "sha256.h"
#include "sketch_kit.h"

#define ROOM (64 * 1024)
#define DOCUMENT_MAX (1 << 20)

static struct json *json;

static int member(int object, const char *key)
{
    return json_member(json, object, key, strlen(key));
}

static int64_t number_of(int row, const char *key)
{
    int64_t number = 0;

    ck_assert(json_int64(json, member(row, key), &number));
    return number;
}

/* A string member in memory that the next call reuses. */
static const char *text_of(int row, const char *key)
{
    static char text[ROOM];
    size_t size = 0;

    ck_assert(json_string(json, member(row, key), text, sizeof text - 1, &size));
    text[size] = '\0';
    return text;
}

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;

    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};

        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* The row's ids, counted at the precision that it was folded from, if any. */
static struct hc_sketch *counted(int row)
{
    unsigned precision = (unsigned)number_of(row, "precision"), from = precision;
    enum hc_profile profile = HC_PROFILE_REDIS;
    struct hc_sketch *sketch;

    if (member(row, "folded_from") >= 0)
        from = (unsigned)number_of(row, "folded_from");
    ck_assert(hc_profile_by_name(text_of(row, "profile"), &profile));
    sketch = kit_create_as(profile, from, NULL);
    for (int64_t i = number_of(row, "first"); i <= number_of(row, "last"); i++) {
        char id[32];
        size_t size = (size_t)snprintf(id, sizeof id, "user-%lld", (long long)i);

        if (hc_sketch_add(sketch, id, size, NULL) != HC_OK)
            ck_abort_msg("%s could not be added", id);
    }
    ck_assert_int_eq(hc_sketch_fold(sketch, precision), HC_OK);
    return sketch;
}

static void registers_match(const struct hc_sketch *sketch, int row)
{
    static uint8_t registers[KIT_REGISTERS_MAX];
    char hash[65];

    ck_assert_int_eq(hc_sketch_registers(sketch, registers, sizeof registers), HC_OK);
    sha256_hex(registers, (size_t)1 << hc_sketch_precision(sketch), hash);
    ck_assert_str_eq(hash, text_of(row, "registers_sha256"));
    if (!hc_sketch_is_sparse(sketch))
        ck_assert_str_eq(hash, text_of(row, "content_sha256"));
}

static void native_matches(const struct hc_sketch *sketch, int row)
{
    static uint8_t native[ROOM];
    size_t size = unhex(text_of(row, "native"), native), own_size;
    uint8_t *own = kit_encode(sketch, &own_size);
    struct hc_sketch *decoded = NULL;

    ck_assert_int_eq(hc_decode(native, size, NULL, &decoded), HC_OK);
    kit_same(decoded, sketch);
    if (hc_sketch_is_sparse(sketch)) {
        ck_assert_uint_eq(own_size, size);
        ck_assert_mem_eq(own, native, size);
    }
    free(own);
    hc_sketch_destroy(&decoded);
}

static void row_matches(int row)
{
    struct hc_sketch *sketch = counted(row);
    bool is_sparse = hc_sketch_is_sparse(sketch) != 0;
    double expected = NAN;
    char digest[17];

    ck_assert_str_eq(text_of(row, "encoding"), is_sparse ? "sparse" : "dense");
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)hc_digest(sketch));
    ck_assert_str_eq(digest, text_of(row, "checksum"));
    registers_match(sketch, row);
    ck_assert(json_double(json, member(row, "estimate"), &expected));
    ck_assert_double_le(fabs(hc_sketch_estimate(sketch).value - expected), expected * 1e-9);
    ck_assert(member(row, "native") >= 0 || !is_sparse);
    if (member(row, "native") >= 0)
        native_matches(sketch, row);
    hc_sketch_destroy(&sketch);
}

START_TEST(published)
{
    FILE *file = fopen(TEST_DATA "/../docs/vectors.json", "rb");
    char *document = malloc(DOCUMENT_MAX);
    size_t size;
    int rows, count = 0;

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(document);
    size = fread(document, 1, DOCUMENT_MAX, file);
    fclose(file);
    ck_assert_uint_lt(size, DOCUMENT_MAX);
    json = json_create();
    ck_assert_int_eq(json_parse(json, document, size), JSON_OK);
    rows = member(0, "vectors");
    for (int row = json_first(json, rows); row >= 0; row = json_next(json, row), count++)
        row_matches(row);
    ck_assert_int_eq(count, 6 * 18);
    json_destroy(&json);
    free(document);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, published);
}
