/* Goal: whatever came, as a line of a rejects file it comes back byte for byte,
 * with its key and timestamp; a damaged or cut line is refused or stays what it
 * was, never another frame by accident of length; and the line under which kcat
 * prints a message is understood whatever the source's name holds.
 *
 * HEADCOUNT_SEED=N starts from another seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "rejected.h"
#include "test_random.h"

#define BYTES_MAX 3000

static struct json *json;
static struct text line, key, frame, names;

static void make(void)
{
    json = json_create();
}

static void unmake(void)
{
    json_destroy(&json);
    text_free(&line);
    text_free(&key);
    text_free(&frame);
    text_free(&names);
}

static void random_bytes(uint64_t *seed, char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)random_next(seed);
}

static struct rejected random_reject(uint64_t *seed, char *key_bytes, char *frame_bytes)
{
    static const char *const sources[] = {"users/3", "", "a \"b\"\\\n,position=7,size=1/0",
                                          "\xff\xfe size=3"};
    struct rejected r = {.reason = "not_json",
                         .source = sources[random_next(seed) % 4],
                         .position = (int64_t)(random_next(seed) >> 1),
                         .time_s = (int64_t)(random_next(seed) % 4000000000),
                         .timestamp_ms = (int64_t)random_next(seed),
                         .kept = random_next(seed) % 8 > 0,
                         .size = random_next(seed) % (random_next(seed) % 2 ? 4 : BYTES_MAX)};

    if (random_next(seed) % 4 == 0)
        r.timestamp_ms = MESSAGE_NO_TIMESTAMP;
    if (random_next(seed) % 2) {
        r.key = key_bytes;
        r.key_size = random_next(seed) % 50;
        random_bytes(seed, key_bytes, r.key_size);
    }
    if (r.kept && random_next(seed) % 8) {
        r.frame = frame_bytes;
        random_bytes(seed, frame_bytes, r.size);
    } else if (r.kept) {
        r.size = 0;
    }
    return r;
}

static bool same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return !a == !b && a_size == b_size && (!a || memcmp(a, b, a_size) == 0);
}

START_TEST(a_line_gives_back_what_came)
{
    char key_bytes[50], frame_bytes[BYTES_MAX];
    uint64_t seed = random_seed();

    for (int i = 0; i < 20000; i++) {
        struct rejected r = random_reject(&seed, key_bytes, frame_bytes), back;
        const char *error;

        text_clear(&line);
        rejected_write(&r, &line);
        ck_assert(!memchr(line.bytes, '\n', line.size));
        error = rejected_read(json, line.bytes, line.size, &key, &frame, &back);
        ck_assert_msg(!error, "%d: %s in %s", i, error, line.bytes);
        ck_assert(back.kept == r.kept && back.timestamp_ms == r.timestamp_ms);
        ck_assert(back.size == r.size);
        ck_assert(same_bytes(back.key, back.key_size, r.key, r.key_size));
        ck_assert(same_bytes(back.frame, back.frame ? back.size : 0, r.frame,
                             r.frame ? r.size : 0));
    }
}
END_TEST

/* Cut anywhere it is refused; with one byte changed it is refused, or gives
 * bytes of its own and reads none that are not there (the sanitizers look). */
START_TEST(damage_is_harmless)
{
    char key_bytes[50], frame_bytes[BYTES_MAX];
    uint64_t seed = random_seed();

    for (int i = 0; i < 300; i++) {
        struct rejected r = random_reject(&seed, key_bytes, frame_bytes), back;

        text_clear(&line);
        rejected_write(&r, &line);
        for (size_t size = 0; size < line.size; size += 1 + size / 40) {
            char *copy = malloc(size + 1);

            memcpy(copy, line.bytes, size);
            ck_assert(rejected_read(json, copy, size, &key, &frame, &back) != NULL);
            ck_assert(!rejected_read_headers(copy, size, &names, &back, &(int64_t){0},
                                             &(int64_t){0}));
            free(copy);
        }
        for (int flip = 0; flip < 50; flip++) {
            size_t at = random_next(&seed) % line.size;
            char was = line.bytes[at];

            line.bytes[at] = (char)random_next(&seed);
            if (!rejected_read(json, line.bytes, line.size, &key, &frame, &back) && back.frame)
                ck_assert_uint_eq(back.size, frame.size);
            line.bytes[at] = was;
        }
    }
}
END_TEST

START_TEST(the_headers_as_kcat_prints_them)
{
    char key_bytes[50], frame_bytes[BYTES_MAX];
    uint64_t seed = random_seed();

    for (int i = 0; i < 5000; i++) {
        struct rejected r = random_reject(&seed, key_bytes, frame_bytes), back;
        int64_t key_size, value_size;

        text_clear(&line);
        text_format(&line, "%d\t%d\treason=%s,source=%s,position=%lld,time=%lld,size=%zu",
                    r.key ? (int)r.key_size : -1, r.frame ? (int)r.size : -1, r.reason, r.source,
                    (long long)r.position, (long long)r.time_s, r.size);
        if (r.timestamp_ms != MESSAGE_NO_TIMESTAMP)
            text_format(&line, ",timestamp=%lld", (long long)r.timestamp_ms);
        if (!r.kept)
            text_string(&line, ",omitted=value");
        ck_assert_msg(rejected_read_headers(line.bytes, line.size, &names, &back, &key_size,
                                            &value_size), "%s", line.bytes);
        ck_assert_str_eq(back.reason, r.reason);
        ck_assert_str_eq(back.source, r.source);
        ck_assert(back.position == r.position && back.time_s == r.time_s);
        ck_assert(back.timestamp_ms == r.timestamp_ms && back.kept == r.kept);
        ck_assert_uint_eq(back.size, r.size);
        ck_assert_int_eq(key_size, r.key ? (int)r.key_size : -1);
        ck_assert_int_eq(value_size, r.frame ? (int)r.size : -1);
    }
}
END_TEST

START_TEST(alien_lines_are_refused)
{
    static const char *const lines[] = {
        "", "{}", "[]", "{\"uid\":\"x\",\"ts\":1}", "{\"reason\":\"x\",\"frame\":7}",
        "{\"reason\":\"x\",\"frame\":\"=\"}", "{\"reason\":\"x\",\"key\":null,\"frame\":\"\"}",
        "{\"reason\":\"x\",\"timestamp\":1.5,\"frame\":\"\"}",
        "{\"reason\":\"x\",\"timestamp\":\"1\",\"frame\":\"\"}"};
    struct rejected back;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(rejected_read(json, lines[i], strlen(lines[i]), &key, &frame, &back) != NULL,
                      "%s", lines[i]);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, make, unmake);
    tcase_add_test(tcase, a_line_gives_back_what_came);
    tcase_add_test(tcase, damage_is_harmless);
    tcase_add_test(tcase, the_headers_as_kcat_prints_them);
    tcase_add_test(tcase, alien_lines_are_refused);
}
