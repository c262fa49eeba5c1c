/* One sketch in the hands of a Python test, to be compared with an engine's.
 *
 * Each line on stdin is a command, each answer a line: "HC_OK" or what else the
 * library said, then what was asked for. Bytes are hexadecimal. FORM is an
 * engine's name, then its options:
 *
 *   redis | trino | zetasketch SPARSE_PRECISION
 *   datasketches BITS UPDATABLE | postgres REGWIDTH EXPTHRESH SPARSE_ON
 *
 *   new PROFILE PRECISION   an empty sketch instead of the one there was
 *   add ID...
 *   fold PRECISION
 *   encode FORM             HC_OK BYTES
 *   decode ENGINE BYTES     that sketch instead of the one there was
 *   union ENGINE BYTES      that one and the one there was
 *   registers               HC_OK BYTES
 *   show                    HC_OK PROFILE PRECISION sparse|dense ESTIMATE
 *   rare PROFILE PRECISION RANK PREFIX COUNT
 *                           HC_OK ID...: of those that are PREFIX and a number,
 *                           the first whose rank is RANK or more
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/foreign.h"

#include "number.h"
#include "text.h"

static const char *next_word(char **line)
{
    const char *word = strsep(line, " ");

    assert(word != NULL);
    return word;
}

static int64_t next_number(char **line)
{
    int64_t number;
    bool is_number = number_int64(next_word(line), INT64_MIN, INT64_MAX, &number);

    assert(is_number);
    return number;
}

static unsigned digit_of(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* In a block of just their size, for the caller to free: a read beyond is seen. */
static uint8_t *next_bytes(char **line, size_t *size)
{
    const char *word = next_word(line);
    uint8_t *bytes;

    *size = strlen(word) / 2;
    bytes = malloc(*size ? *size : 1);
    assert(bytes != NULL);
    for (size_t i = 0; i < *size; i++)
        bytes[i] = (uint8_t)(digit_of(word[2 * i]) << 4 | digit_of(word[2 * i + 1]));
    return bytes;
}

static void replace(struct hc_sketch **sketch, struct hc_sketch *made)
{
    const char *reason;
    int is_sound = hc_sketch_check(made, &reason);

    assert(is_sound);
    hc_sketch_destroy(sketch);
    *sketch = made;
}

static enum hc_status new_sketch(struct hc_sketch **sketch, char *line)
{
    struct hc_sketch_options options = {0};
    int is_known = hc_profile_by_name(next_word(&line), &options.profile);
    struct hc_sketch *made;
    enum hc_status status;

    assert(is_known);
    options.precision = (unsigned)next_number(&line);
    status = hc_sketch_create(&options, &made);
    if (status == HC_OK)
        replace(sketch, made);
    return status;
}

static enum hc_status add(struct hc_sketch *sketch, char *line)
{
    enum hc_status status = HC_OK;

    while (status == HC_OK && line != NULL) {
        size_t size;
        uint8_t *id = next_bytes(&line, &size);

        status = hc_sketch_add(sketch, id, size, NULL);
        free(id);
    }
    return status;
}

static enum hc_status encode_form(const struct hc_sketch *sketch, char *line, uint8_t *bytes,
                                  size_t room, size_t *size)
{
    const char *engine = next_word(&line);

    if (strcmp(engine, "redis") == 0)
        return hc_redis_encode(sketch, bytes, room, size);
    if (strcmp(engine, "trino") == 0)
        return hc_trino_encode(sketch, bytes, room, size);
    if (strcmp(engine, "zetasketch") == 0)
        return hc_zetasketch_encode(sketch, (unsigned)next_number(&line), bytes, room, size);
    if (strcmp(engine, "datasketches") == 0) {
        struct hc_datasketches_options options = {.bits = (unsigned)next_number(&line)};

        options.updatable = (int)next_number(&line);
        return hc_datasketches_encode(sketch, &options, bytes, room, size);
    } else {
        struct hc_postgres_options options = {.regwidth = (unsigned)next_number(&line)};

        options.expthresh = next_number(&line);
        options.sparse_on = (int)next_number(&line);
        return hc_postgres_encode(sketch, &options, bytes, room, size);
    }
}

static enum hc_status encode(const struct hc_sketch *sketch, char *line, struct text *told)
{
    size_t size, room = HC_FOREIGN_SIZE_MAX(hc_sketch_precision(sketch));
    uint8_t *bytes = malloc(room);
    enum hc_status status;

    assert(bytes != NULL);
    status = encode_form(sketch, line, bytes, room, &size);
    if (status == HC_OK)
        text_hex(told, bytes, size);
    free(bytes);
    return status;
}

static enum hc_status decode_form(const char *engine, const uint8_t *bytes, size_t size,
                                  struct hc_sketch **made)
{
    if (strcmp(engine, "redis") == 0)
        return hc_redis_decode(bytes, size, NULL, made);
    if (strcmp(engine, "trino") == 0)
        return hc_trino_decode(bytes, size, NULL, made);
    if (strcmp(engine, "zetasketch") == 0)
        return hc_zetasketch_decode(bytes, size, NULL, made);
    if (strcmp(engine, "datasketches") == 0)
        return hc_datasketches_decode(bytes, size, NULL, made);
    return hc_postgres_decode(bytes, size, NULL, made);
}

static enum hc_status decode(struct hc_sketch **sketch, char *line, bool keeps)
{
    const char *engine = next_word(&line);
    struct hc_sketch *made = NULL;
    size_t size;
    uint8_t *bytes = next_bytes(&line, &size);
    enum hc_status status = decode_form(engine, bytes, size, &made);

    free(bytes);
    if (status == HC_OK && keeps)
        status = hc_sketch_union(made, *sketch, NULL);
    if (status == HC_OK)
        replace(sketch, made);
    else
        hc_sketch_destroy(&made);
    return status;
}

static enum hc_status tell_registers(const struct hc_sketch *sketch, struct text *told)
{
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = malloc(size);
    enum hc_status status;

    assert(registers != NULL);
    status = hc_sketch_registers(sketch, registers, size);
    text_hex(told, registers, size);
    free(registers);
    return status;
}

static enum hc_status show(const struct hc_sketch *sketch, struct text *told)
{
    text_format(told, "%s %u %s %.17g", hc_profile_name(hc_sketch_profile(sketch)),
                hc_sketch_precision(sketch), hc_sketch_is_sparse(sketch) ? "sparse" : "dense",
                hc_sketch_estimate(sketch).value);
    return HC_OK;
}

static unsigned rank_of(enum hc_profile profile, struct hc_hash hash, unsigned precision)
{
    uint64_t rest = hash.first << precision;

    if (profile == HC_PROFILE_DATASKETCHES)
        rest = hash.second;
    else if (profile != HC_PROFILE_TRINO && profile != HC_PROFILE_ZETASKETCH)
        return (unsigned)__builtin_ctzll(hash.first >> precision | UINT64_C(1) << 63) + 1;
    return (unsigned)__builtin_clzll(rest | 1) + 1;
}

static enum hc_status find_rare(char *line, struct text *told)
{
    enum hc_profile profile;
    int is_known = hc_profile_by_name(next_word(&line), &profile);
    unsigned precision = (unsigned)next_number(&line), rank = (unsigned)next_number(&line);
    const char *prefix = next_word(&line);
    int64_t count = next_number(&line);
    char id[64];

    assert(is_known);
    for (int64_t number = 0; count > 0; number++) {
        size_t size = (size_t)snprintf(id, sizeof id, "%s%lld", prefix, (long long)number);

        assert(size < sizeof id);
        if (rank_of(profile, hc_hash_bytes(profile, id, size), precision) < rank)
            continue;
        text_format(told, "%s ", id);
        count--;
    }
    return HC_OK;
}

static enum hc_status answer(struct hc_sketch **sketch, char *line, struct text *told)
{
    const char *command = next_word(&line);

    if (strcmp(command, "new") == 0)
        return new_sketch(sketch, line);
    if (strcmp(command, "add") == 0)
        return add(*sketch, line);
    if (strcmp(command, "fold") == 0)
        return hc_sketch_fold(*sketch, (unsigned)next_number(&line));
    if (strcmp(command, "encode") == 0)
        return encode(*sketch, line, told);
    if (strcmp(command, "decode") == 0)
        return decode(sketch, line, false);
    if (strcmp(command, "union") == 0)
        return decode(sketch, line, true);
    if (strcmp(command, "registers") == 0)
        return tell_registers(*sketch, told);
    if (strcmp(command, "rare") == 0)
        return find_rare(line, told);
    assert(strcmp(command, "show") == 0);
    return show(*sketch, told);
}

int main(void)
{
    struct hc_sketch *sketch = NULL;
    struct text told = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    while ((size = getline(&line, &room, stdin)) > 0) {
        enum hc_status status;

        line[size - 1] = '\0';
        text_clear(&told);
        status = answer(&sketch, line, &told);
        assert(!told.failed);
        printf("%s %s\n", hc_status_name(status), told.bytes ? told.bytes : "");
        if (fflush(stdout) != 0)
            return 1;
    }
    hc_sketch_destroy(&sketch);
    text_free(&told);
    free(line);
    return 0;
}
