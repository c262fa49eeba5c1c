/* Goal: hashes, registers, unions, folds and exported strings are what Redis
 * has, row by row of golden/vectors.json, which Redis 7.0.15 filled. */
#include <math.h>

#include "estimate.h"
#include "headcount/foreign.h"
#include "json.h"
#include "sha256.h"
#include "sketch_kit.h"

#define ROOM (64 * 1024)

static struct json *vectors;
static char *document;

static bool vectors_open(void)
{
    FILE *file = fopen(TEST_DATA "/golden/vectors.json", "rb");
    size_t room = 1 << 20, size = room;

    document = malloc(room);
    if (file != NULL && document != NULL)
        size = fread(document, 1, room, file);
    if (file != NULL)
        fclose(file);
    vectors = json_create();
    return size < room && vectors != NULL && json_parse(vectors, document, size) == JSON_OK;
}

static void vectors_close(void)
{
    json_destroy(&vectors);
    free(document);
}

static int member(int object, const char *key)
{
    return json_member(vectors, object, key, strlen(key));
}

/* A string member, decoded; NULL when it is missing. */
static const char *text_of(int object, const char *key, char *room)
{
    int token = member(object, key);
    size_t size;

    if (token < 0)
        return NULL;
    ck_assert(json_string(vectors, token, room, ROOM - 1, &size));
    room[size] = '\0';
    return room;
}

static int64_t number_of(int object, const char *key)
{
    int64_t number = -1;

    ck_assert(json_int64(vectors, member(object, key), &number));
    return number;
}

static bool is_redis(int row)
{
    return json_string_is(vectors, member(row, "profile"), "redis", 5);
}

static size_t unhex(int token, uint8_t *bytes)
{
    static char hex[ROOM];
    size_t size;

    ck_assert(json_string(vectors, token, hex, sizeof hex, &size));
    for (size_t i = 0; i < size / 2; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size / 2;
}

static void add_text(struct hc_sketch *sketch, const char *text, size_t size)
{
    if (hc_sketch_add(sketch, text, size, NULL) != HC_OK)
        ck_abort_msg("an id could not be added");
}

/* "user-A..user-B". */
static void add_span(struct hc_sketch *sketch, const char *text)
{
    unsigned long from, to;
    char id[32];

    ck_assert_int_eq(sscanf(text, "user-%lu..user-%lu", &from, &to), 2);
    for (unsigned long i = from; i <= to; i++)
        add_text(sketch, id, (size_t)snprintf(id, sizeof id, "user-%lu", i));
}

static void add_list(struct hc_sketch *sketch, int list, bool is_hex)
{
    static uint8_t bytes[ROOM];
    size_t size;

    for (int i = json_first(vectors, list); i >= 0; i = json_next(vectors, i)) {
        if (is_hex)
            size = unhex(i, bytes);
        else
            ck_assert(json_string(vectors, i, (char *)bytes, sizeof bytes, &size));
        add_text(sketch, (const char *)bytes, size);
    }
}

/* Adds the set that a row calls by name, or describes as a span. */
static void add_set(struct hc_sketch *sketch, const char *name)
{
    char span[100];
    int set = member(member(0, "sets"), name);
    size_t size;

    if (set < 0) {
        add_span(sketch, name);
    } else if (json_kind(vectors, set) == JSON_STRING) {
        ck_assert(json_string(vectors, set, span, sizeof span - 1, &size));
        span[size] = '\0';
        add_span(sketch, span);
    } else if (json_kind(vectors, set) == JSON_ARRAY) {
        add_list(sketch, set, false);
    } else {
        add_list(sketch, member(set, "hex"), true);
    }
}

static void registers_match(const struct hc_sketch *sketch, int row)
{
    static uint8_t registers[KIT_REGISTERS_MAX];
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    char hash[65], expected[ROOM];

    kit_check(sketch);
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, sizeof registers), HC_OK);
    sha256_hex(registers, size, hash);
    ck_assert_str_eq(hash, text_of(row, "registers_sha256", expected));
}

/* What Redis counts for these registers: both forms give the same ones. */
static double redis_count(const struct hc_sketch *sketch)
{
    static uint8_t registers[KIT_REGISTERS_MAX];

    hc_sketch_registers(sketch, registers, sizeof registers);
    return estimate_dense(registers, 14, 51).value;
}

START_TEST(hashes)
{
    static uint8_t input[ROOM];
    char expected[ROOM], hash[17];
    int rows = member(0, "hashes"), count = 0;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row), count++) {
        size_t size = unhex(member(row, "input_hex"), input);
        struct hc_hash made = hc_hash_bytes(HC_PROFILE_REDIS, input, size);

        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)made.first);
        ck_assert_str_eq(hash, text_of(row, "murmur64a", expected));
        ck_assert_uint_eq(made.second, 0);
    }
    ck_assert_int_eq(count, 136);
}
END_TEST

/* The nonzero registers that a row lists, if it does. */
static void nonzero_match(const struct hc_sketch *sketch, int row)
{
    static uint8_t registers[KIT_REGISTERS_MAX];
    int list = member(row, "nonzero"), count = 0;
    int64_t index, rank;

    hc_sketch_registers(sketch, registers, sizeof registers);
    for (int i = 0; i < 1 << 14; i++)
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

START_TEST(sketches)
{
    int rows = member(0, "sketches"), count = 0;
    char name[ROOM];
    double ertl;

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *sketch;

        if (!is_redis(row))
            continue;
        sketch = kit_create((unsigned)number_of(row, "precision"), NULL);
        add_set(sketch, text_of(row, "set", name));
        registers_match(sketch, row);
        nonzero_match(sketch, row);
        string_match(sketch, row);
        ck_assert(json_double(vectors, member(row, "ertl_estimate"), &ertl));
        ck_assert_double_eq_tol(redis_count(sketch), ertl, 1e-6 + ertl * 1e-10);
        ck_assert_int_eq(llround(redis_count(sketch)), number_of(row, "estimate"));
        hc_sketch_destroy(&sketch);
        count++;
    }
    ck_assert_int_eq(count, 7);
}
END_TEST

START_TEST(unions)
{
    int rows = member(0, "unions"), count = 0;
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *ours, *theirs;

        if (!is_redis(row))
            continue;
        ours = kit_create((unsigned)number_of(row, "precision"), NULL);
        theirs = kit_create(14, NULL);
        add_set(ours, text_of(row, "ours", name));
        add_set(theirs, text_of(row, "engine_filled", name));
        ck_assert_int_eq(hc_sketch_union(ours, theirs, NULL), HC_OK);
        registers_match(ours, row);
        ck_assert_int_eq(llround(redis_count(ours)), number_of(row, "union_estimate"));
        hc_sketch_destroy(&ours);
        hc_sketch_destroy(&theirs);
        count++;
    }
    ck_assert_int_eq(count, 4);
}
END_TEST

START_TEST(folds)
{
    int rows = member(0, "folds"), count = 0;
    char name[ROOM];

    for (int row = json_first(vectors, rows); row >= 0; row = json_next(vectors, row)) {
        struct hc_sketch *sketch;

        if (!is_redis(row))
            continue;
        sketch = kit_create((unsigned)number_of(row, "from"), NULL);
        add_set(sketch, text_of(row, "set", name));
        ck_assert_int_eq(hc_sketch_fold(sketch, (unsigned)number_of(row, "to")), HC_OK);
        registers_match(sketch, row);
        hc_sketch_destroy(&sketch);
        count++;
    }
    ck_assert_int_eq(count, 12);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {hashes, sketches, unions, folds};
    int result = EXIT_FAILURE;

    if (vectors_open())
        result = KIT_RUN("sketch_vectors", tests);
    else
        fputs("golden/vectors.json can't be read\n", stderr);
    vectors_close();
    return result;
}
