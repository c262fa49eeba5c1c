/* Goal: the native form is the one that docs/FORMAT.md describes, both ways.
 *
 * golden/native.txt comes from an implementation of its own (support/
 * native_vectors.py): what it wrote decodes to the sketch of the same ids, what we
 * write of a sparse sketch is the same to the bit, and each of its malformed
 * sketches is refused for the right reason. Dense payloads may come from any
 * zstd at any level. */
#include <zstd.h>

#include "check_main.h"
#include "sketch_kit.h"

#define LINE_MAX_SIZE (64 * 1024)
#define HEADER_SIZE 28

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;

    if (strcmp(hex, "-") == 0)
        return 0;
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};

        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* The sketch of the ids user-FIRST to user-LAST. */
static struct hc_sketch *users(enum hc_profile profile, unsigned precision, long first, long last)
{
    struct hc_sketch *sketch = kit_create_as(profile, precision, NULL);
    char id[32];

    for (long i = first; i <= last; i++) {
        size_t size = (size_t)snprintf(id, sizeof id, "user-%ld", i);

        if (hc_sketch_add(sketch, id, size, NULL) != HC_OK)
            ck_abort_msg("%s could not be added", id);
    }
    return sketch;
}

static void good_line(const char *line)
{
    static char hex[LINE_MAX_SIZE];
    static uint8_t bytes[LINE_MAX_SIZE];
    struct hc_sketch *decoded = NULL, *expected;
    enum hc_profile profile = HC_PROFILE_REDIS;
    unsigned precision;
    char name[20];
    long first, last;
    size_t size, own_size;
    uint8_t *own;

    ck_assert_int_eq(sscanf(line, "good %19s %u %ld %ld %65535s", name, &precision, &first, &last,
                            hex), 5);
    ck_assert_int_eq(hc_profile_by_name(name, &profile), 1);
    size = unhex(hex, bytes);
    expected = users(profile, precision, first, last);
    ck_assert_int_eq(hc_decode(bytes, size, NULL, &decoded), HC_OK);
    kit_same(decoded, expected);
    own = kit_encode(expected, &own_size);
    ck_assert_mem_eq(own, bytes, 16); /* up to the payload's size */
    ck_assert_mem_eq(own + 20, bytes + 20, 8);
    if (hc_sketch_is_sparse(expected)) {
        ck_assert_uint_eq(own_size, size);
        ck_assert_mem_eq(own, bytes, size);
    }
    free(own);
    hc_sketch_destroy(&decoded);
    hc_sketch_destroy(&expected);
}

static void bad_line(const char *line)
{
    static char hex[LINE_MAX_SIZE];
    static uint8_t bytes[LINE_MAX_SIZE];
    struct hc_sketch *untouched = (struct hc_sketch *)(uintptr_t)64, *decoded = untouched;
    struct kit_memory memory = {.left = -1};
    struct hc_allocator allocator = kit_allocator(&memory);
    enum hc_status status;
    char expected[32];
    uint8_t *exact;
    size_t size;

    ck_assert_int_eq(sscanf(line, "bad %31s %65535s", expected, hex), 2);
    size = unhex(hex, bytes);
    exact = malloc(size + 1); /* so that a sanitizer sees a byte too far */
    memcpy(exact + 1, bytes, size);
    status = hc_decode(exact + 1, size, &allocator, &decoded);
    ck_assert_msg(strcmp(hc_status_name(status), expected) == 0, "%s for %s",
                  hc_status_name(status), line);
    ck_assert_ptr_eq(decoded, untouched);
    ck_assert_uint_eq(memory.blocks, 0);
    free(exact);
}

START_TEST(golden_file)
{
    FILE *file = fopen(TEST_DATA "/golden/native.txt", "r");
    static char line[LINE_MAX_SIZE];
    int good = 0, bad = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "good ", 5) == 0) {
            good_line(line);
            good++;
        } else if (strncmp(line, "bad ", 4) == 0) {
            bad_line(line);
            bad++;
        }
    }
    fclose(file);
    ck_assert_int_eq(good, 41);
    ck_assert_int_eq(bad, 50);
}
END_TEST

/* The registers in a frame of another level, put behind the same header. */
START_TEST(any_frame_will_do)
{
    static uint8_t registers[1 << 14];
    struct hc_sketch *sketch = users(HC_PROFILE_REDIS, 14, 0, 20000), *decoded;
    size_t room = HEADER_SIZE + ZSTD_compressBound(sizeof registers), size;
    uint8_t *bytes = malloc(room), *own = kit_encode(sketch, &size);

    ck_assert_ptr_nonnull(bytes);
    hc_sketch_registers(sketch, registers, sizeof registers);
    for (int level = -5; level <= 19; level += 4) {
        memcpy(bytes, own, HEADER_SIZE);
        size = ZSTD_compress(bytes + HEADER_SIZE, room - HEADER_SIZE, registers, sizeof registers,
                             level);
        for (int i = 0; i < 4; i++)
            bytes[16 + i] = (uint8_t)(size >> 8 * i);
        ck_assert_int_eq(hc_decode(bytes, HEADER_SIZE + size, NULL, &decoded), HC_OK);
        kit_same(decoded, sketch);
        hc_sketch_destroy(&decoded);
    }
    free(bytes);
    free(own);
    hc_sketch_destroy(&sketch);
}
END_TEST

/* One byte less than hc_encode_size_max is refused, and nothing is touched. */
START_TEST(needs_room)
{
    const long counts[] = {0, 1, 1000, 5000};

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct hc_sketch *sketch = users(HC_PROFILE_REDIS, 14, 1, counts[c]);
        size_t room = hc_encode_size_max(sketch), size = 12345;
        uint8_t *bytes = malloc(room);

        memset(bytes, 0xaa, room);
        ck_assert_int_eq(hc_encode(sketch, bytes, room - 1, &size), HC_EROOM);
        ck_assert_int_eq(hc_encode(sketch, bytes, 0, &size), HC_EROOM);
        ck_assert_uint_eq(size, 12345);
        ck_assert_uint_eq(bytes[0], 0xaa);
        ck_assert_int_eq(hc_encode(sketch, bytes, room, &size), HC_OK);
        free(bytes);
        hc_sketch_destroy(&sketch);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, golden_file);
    tcase_add_test(cases, any_frame_will_do);
    tcase_add_test(cases, needs_room);
}
