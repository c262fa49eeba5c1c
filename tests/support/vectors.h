/* golden/vectors.json, which the engines filled: rows, sets of ids, and the
 * checks that a sketch has a row's registers. */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

#ifndef TEST_DATA
#define TEST_DATA "."
#endif

#include "dense.h"
#include "estimate.h"
#include "headcount/foreign.h"
#include "json.h"
#include "sha256.h"
#include "sketch_kit.h"

#define ROOM (64 * 1024)

static struct json *vectors;
static char *document;

/* The two are unchecked fixtures. */
static inline void vectors_open(void)
{
    FILE *file = fopen(TEST_DATA "/golden/vectors.json", "rb");
    size_t room = 1 << 20, size;

    document = malloc(room);
    vectors = json_create();
    ck_assert(file != NULL && document != NULL && vectors != NULL);
    size = fread(document, 1, room, file);
    fclose(file);
    ck_assert_uint_lt(size, room);
    ck_assert_int_eq(json_parse(vectors, document, size), JSON_OK);
}

static inline void vectors_close(void)
{
    json_destroy(&vectors);
    free(document);
}

static inline int member(int object, const char *key)
{
    return json_member(vectors, object, key, strlen(key));
}

/* A string member, decoded; NULL when it is missing. */
static inline const char *text_of(int object, const char *key, char *room)
{
    int token = member(object, key);
    size_t size;

    if (token < 0)
        return NULL;
    ck_assert(json_string(vectors, token, room, ROOM - 1, &size));
    room[size] = '\0';
    return room;
}

static inline int64_t number_of(int object, const char *key)
{
    int64_t number = -1;

    ck_assert(json_int64(vectors, member(object, key), &number));
    return number;
}

static inline enum hc_profile profile_of(int row)
{
    enum hc_profile profile = HC_PROFILE_REDIS;
    char name[ROOM];

    ck_assert_int_eq(hc_profile_by_name(text_of(row, "profile", name), &profile), 1);
    return profile;
}

static inline size_t unhex(int token, uint8_t *bytes)
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

static inline void add_text(struct hc_sketch *sketch, const char *text, size_t size)
{
    if (hc_sketch_add(sketch, text, size, NULL) != HC_OK)
        ck_abort_msg("an id could not be added");
}

/* "user-A..user-B". */
static inline void add_span(struct hc_sketch *sketch, const char *text)
{
    unsigned long from, to;
    char id[32];

    ck_assert_int_eq(sscanf(text, "user-%lu..user-%lu", &from, &to), 2);
    for (unsigned long i = from; i <= to; i++)
        add_text(sketch, id, (size_t)snprintf(id, sizeof id, "user-%lu", i));
}

static inline void add_list(struct hc_sketch *sketch, int list, bool is_hex)
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

static inline void add_one_set(struct hc_sketch *sketch, const char *name)
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

/* Adds a set that a row calls by name, or describes as a span, or two of them. */
static inline void add_set(struct hc_sketch *sketch, const char *name)
{
    const char *plus = strchr(name, '+');

    if (plus == NULL) {
        add_one_set(sketch, name);
    } else {
        char first[100] = {0};

        memcpy(first, name, (size_t)(plus - name));
        add_one_set(sketch, first);
        add_one_set(sketch, plus + 1);
    }
}

/* The registers as the row's engine has them: it may have narrow ones. */
static inline const uint8_t *registers_of(const struct hc_sketch *sketch, int row)
{
    static uint8_t registers[KIT_REGISTERS_MAX];
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    unsigned cap = member(row, "regwidth") < 0 ? 255 : (1U << number_of(row, "regwidth")) - 1;

    kit_check(sketch);
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, sizeof registers), HC_OK);
    for (size_t i = 0; i < size; i++)
        registers[i] = registers[i] < cap ? registers[i] : (uint8_t)cap;
    return registers;
}

static inline void registers_match(const struct hc_sketch *sketch, int row)
{
    char hash[65], expected[ROOM];

    sha256_hex(registers_of(sketch, row), (size_t)1 << hc_sketch_precision(sketch), hash);
    ck_assert_str_eq(hash, text_of(row, "registers_sha256", expected));
}

/* The improved raw estimate of the registers, as a row has it: both forms give
 * the same ones. */
static inline double ertl(const struct hc_sketch *sketch, int row)
{
    unsigned rank_max = (unsigned)number_of(row, "ertl_q") + 1;

    return estimate_dense(registers_of(sketch, row), hc_sketch_precision(sketch), rank_max).value;
}

#endif
