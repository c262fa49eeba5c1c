#include "decode_fast.h"

#include <string.h>

#include "json_string.h"

#if defined __x86_64__
static const struct fast_way *const ways_here[] = {&fast_way_plain, &fast_way_sse2, &fast_way_avx2,
                                                   &fast_way_avx512};

/* Whether the processor has the n-th way. Those with AVX-512 and without VBMI2 slow
 * down under it. */
static bool way_works(size_t n)
{
    bool words = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi") &&
                 __builtin_cpu_supports("popcnt");

    if (n == 3)
        return words && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vbmi2");
    return n < 2 || (words && __builtin_cpu_supports("avx2"));
}
#elif defined __aarch64__
static const struct fast_way *const ways_here[] = {&fast_way_plain, &fast_way_neon};

static bool way_works(size_t n)
{
    return n < 2; /* every aarch64 has it */
}
#else
static const struct fast_way *const ways_here[] = {&fast_way_plain};

static bool way_works(size_t n)
{
    return n == 0;
}
#endif

size_t fast_ways(const struct fast_way *const **ways)
{
    size_t count = 1;

    while (count < sizeof ways_here / sizeof *ways_here && way_works(count))
        count++;
    *ways = ways_here;
    return count;
}

/* Four hexadecimal digits, or -1. */
static int32_t code_unit(const char *at, const char *end)
{
    unsigned digits[4], all = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        digits[i] = json_hex_digits[(unsigned char)at[i]];
        all |= digits[i];
    }
    if (all > 0xf)
        return -1;
    return (int32_t)(digits[0] << 12 | digits[1] << 8 | digits[2] << 4 | digits[3]);
}

static bool is_low(int32_t unit)
{
    return unit >> 10 == 0xdc00 >> 10;
}

/* Behind a high surrogate's digits. */
static bool low_follows(const char *at, const char *end)
{
    return end - at >= 2 && at[0] == '\\' && at[1] == 'u' && is_low(code_unit(at + 2, end));
}

uint64_t fast_unicode_errors(const char *bytes, size_t size, size_t base, uint64_t letters,
                             size_t *low_due)
{
    const char *end = bytes + size;
    uint64_t errors = 0;

    for (; letters; letters &= letters - 1) {
        size_t at = base + (size_t)__builtin_ctzll(letters);
        int32_t unit = code_unit(bytes + at + 1, end);
        bool high = unit >> 10 == 0xd800 >> 10;

        if (unit < 0 || (is_low(unit) && *low_due != at) ||
            (high && !low_follows(bytes + at + 5, end)))
            errors |= letters & -letters;
        if (high)
            *low_due = at + 6;
    }
    return errors;
}

const bool fast_ends_value[256] = {
    [','] = true, [':'] = true,  ['{'] = true,  ['}'] = true,  ['['] = true, [']'] = true,
    ['"'] = true, [' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true};

static bool value_ends(const char *at, const char *end)
{
    return at < end && fast_ends_value[(unsigned char)*at];
}

/* Eight at a time: the first byte that is no digit is found exactly. */
static const char *digits_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t digits = fast_load(at) ^ EACH * '0';
        uint64_t others = (digits | (digits + EACH * 0x76)) & EACH * 0x80;

        if (others)
            return at + __builtin_ctzll(others) / 8;
        at += 8;
    }
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool is_number(const char *at, const char *end)
{
    const char *digits;

    at += at < end && *at == '-';
    digits = at;
    at = digits_end(at, end);
    if (at == digits || (*digits == '0' && at > digits + 1))
        return false;
    if (at < end && *at == '.') {
        digits = ++at;
        at = digits_end(at, end);
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = at;
        at = digits_end(at, end);
        if (at == digits)
            return false;
    }
    return value_ends(at, end);
}

static inline bool is_word(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);

    return (size_t)(end - at) > size && memcmp(at, word, size) == 0 && value_ends(at + size, end);
}

bool fast_is_scalar(const char *at, const char *end)
{
    switch (*at) {
    case 't':
        return is_word(at, end, "true");
    case 'f':
        return is_word(at, end, "false");
    case 'n':
        return is_word(at, end, "null");
    default:
        return is_number(at, end);
    }
}
