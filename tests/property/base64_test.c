/* Goal: each way in which a processor decodes base64 does what the plain one
 * does, and that what RFC 4648 says: every length, every byte in every place of
 * a text, padding, texts at odd addresses that end where memory ends, and
 * nothing is written beyond the room that the contract names. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base64.h"
#include "check_main.h"
#include "record_samples.h"

#define TEXT_MAX 400
#define GUARD 64

/* By a search for each digit, a bit at a time: slow and plain. */
static bool model_decode(uint8_t *into, const char *text, size_t size, size_t *decoded)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = 0, bits = 0;
    uint32_t held = 0;

    while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
        padding++;
    *decoded = 0;
    for (size_t i = 0; i < size - padding; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

        if (!digit)
            return false;
        held = held << 6 | (uint32_t)(digit - digits);
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        into[(*decoded)++] = (uint8_t)(held >> bits);
        held &= (1u << bits) - 1;
    }
    return size % 4 == 0 && held == 0;
}

/* The text, moved to the end of a page behind which there is none. */
static char *at_the_edge(const char *text, size_t size)
{
    static char *pages;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (!pages) {
        pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(pages != MAP_FAILED);
        ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
    }
    return memcpy(pages + page - size, text, size);
}

static void decodes_as_the_model(const char *text, size_t size)
{
    uint8_t expected[TEXT_MAX], got[TEXT_MAX + GUARD];
    size_t expected_size, got_size = 0;
    bool good = model_decode(expected, text, size, &expected_size);
    const char *edge = at_the_edge(text, size);
    const struct base64_way *ways;
    size_t count = base64_ways(&ways);

    for (size_t way = 0; way < count; way++) {
        memset(got, 0xa5, sizeof got);
        if (base64_decode_in(&ways[way], got, edge, size, &got_size) != good)
            ck_abort_msg("%s: %zu characters, good %d: %.*s", ways[way].name, size, good,
                         (int)size, text);
        if (good && (got_size != expected_size || memcmp(got, expected, got_size) != 0))
            ck_abort_msg("%s: other bytes of %zu characters", ways[way].name, size);
        for (size_t i = size / 4 * 3; i < sizeof got; i++) {
            if (got[i] != 0xa5)
                ck_abort_msg("%s: byte %zu written for %zu characters", ways[way].name, i, size);
        }
    }
}

static size_t random_text(uint64_t *state, char *text, size_t bytes_size)
{
    uint8_t bytes[TEXT_MAX];

    for (size_t i = 0; i < bytes_size; i++)
        bytes[i] = (uint8_t)random_below(state, 256);
    base64_encode(text, bytes, bytes_size);
    return base64_encoded_size(bytes_size);
}

START_TEST(every_length)
{
    char text[TEXT_MAX];
    uint64_t state = 1;

    for (size_t bytes = 0; bytes < 260; bytes++) {
        size_t size = random_text(&state, text, bytes);

        for (size_t cut = 0; cut <= 4 && cut <= size; cut++)
            decodes_as_the_model(text, size - cut);
    }
}
END_TEST

/* The vectors of a text of 128 characters, the plain rest behind them, and each
 * place within both. */
START_TEST(every_byte_everywhere)
{
    char text[TEXT_MAX];
    uint64_t state = 2;

    for (size_t bytes = 94; bytes <= 96; bytes++) {
        size_t size = random_text(&state, text, bytes);

        for (size_t at = 0; at < size; at++) {
            char kept = text[at];

            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                decodes_as_the_model(text, size);
            }
            text[at] = kept;
        }
    }
}
END_TEST

START_TEST(several_bytes_are_wrong)
{
    char text[TEXT_MAX];
    uint64_t state = 3;

    for (int round = 0; round < 20000; round++) {
        size_t size = random_text(&state, text, (size_t)random_below(&state, 200));

        for (uint64_t n = random_below(&state, 4); size > 0 && n > 0; n--)
            text[random_below(&state, size)] = (char)random_below(&state, 256);
        decodes_as_the_model(text, size);
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, every_length);
    tcase_add_test(tcase, every_byte_everywhere);
    tcase_add_test(tcase, several_bytes_are_wrong);
}
