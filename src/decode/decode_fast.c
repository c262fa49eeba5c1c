#include "decode_fast.h"

#include <string.h>

#include "json_string.h"

#if defined __x86_64__
static const struct fast_way *const ways_here[] = {&fast_way_plain, &fast_way_avx2};

/* Whether the processor has the n-th way. */
static bool way_works(size_t n)
{
    return n == 0 || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
                      __builtin_cpu_supports("bmi"));
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
    int32_t unit = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = json_hex_value(at[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Behind a high surrogate's digits: "\u". Its digits are looked at in turn. */
static bool low_follows(const char *at, const char *end)
{
    return end - at >= 2 && at[0] == '\\' && at[1] == 'u';
}

uint64_t fast_unicode_errors(const char *bytes, size_t size, size_t base, uint64_t letters,
                             size_t *low_due)
{
    const char *end = bytes + size;
    uint64_t errors = 0;

    for (; letters; letters &= letters - 1) {
        size_t at = base + (size_t)__builtin_ctzll(letters);
        int32_t unit = code_unit(bytes + at + 1, end);
        bool high = unit >= 0xd800 && unit <= 0xdbff, low = unit >= 0xdc00 && unit <= 0xdfff;

        if (unit < 0 || low != (*low_due == at) || (high && !low_follows(bytes + at + 5, end)))
            errors |= letters & -letters;
        if (high)
            *low_due = at + 6;
    }
    return errors;
}

static bool ends_value(const char *at, const char *end)
{
    return at < end && (*at == ',' || *at == '}' || *at == ']' || *at == ' ' || *at == '\n' ||
                        *at == '\r' || *at == '\t');
}

static const char *digits_end(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

bool fast_is_number(const char *at, const char *end)
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
    return ends_value(at, end);
}

bool fast_is_word(const char *at, const char *end)
{
    size_t size = *at == 'f' ? 5 : 4;

    if ((size_t)(end - at) < size)
        return false;
    return (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0 ||
            memcmp(at, "false", size) == 0) && ends_value(at + size, end);
}
