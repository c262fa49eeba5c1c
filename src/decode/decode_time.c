/* Exact decimal arithmetic on the text, since a double is none: it would take
 * 253402300799.9999999999 for the next second, and digits without end for
 * numbers.
 *
 * A number is 0.d1 d2 d3 ... times ten to `magnitude`, d1 not zero:
 *
 *   1468244385.25    digits 146824438525   magnitude 10
 *   0.0071e2         digits 71             magnitude 0
 *
 * Its integer part is the first `magnitude` digits, with zeros behind if there
 * are fewer. A unit only shifts the magnitude. */
#include "decode_time.h"

#include <assert.h>
#include <stdbool.h>

#include "limits.h"
#include "number.h"

#define TIME_MS_MAX (LIMIT_TIME_S * 1000 + 999)
/* Digits of TIME_MS_MAX; no more are ever needed. */
#define DIGITS 15
/* Far beyond what the digits of a frame can make up for. */
#define EXPONENT_MAX INT64_C(1000000000000)

struct decimal {
    const char *at;
    const char *end;
    bool negative;
    int64_t digits;   /* the first ones, at most DIGITS */
    int kept;         /* how many those are; 0: the number is zero */
    int64_t magnitude;
};

static bool at_digit(const struct decimal *decimal)
{
    return decimal->at < decimal->end && *decimal->at >= '0' && *decimal->at <= '9';
}

static bool take(struct decimal *decimal, char c)
{
    if (decimal->at == decimal->end || *decimal->at != c)
        return false;
    decimal->at++;
    return true;
}

/* One digit at least. In the integer part each significant digit raises the
 * magnitude by one; in the fraction each zero before the first lowers it. */
static bool take_digits(struct decimal *decimal, bool fraction)
{
    const char *first = decimal->at;

    for (; at_digit(decimal); decimal->at++) {
        int digit = *decimal->at - '0';

        if (decimal->kept == 0 && digit == 0) {
            decimal->magnitude -= fraction;
            continue;
        }
        decimal->magnitude += !fraction;
        if (decimal->kept < DIGITS) {
            decimal->digits = decimal->digits * 10 + digit;
            decimal->kept++;
        }
    }
    return decimal->at > first;
}

static bool take_exponent(struct decimal *decimal)
{
    bool negative = take(decimal, '-');
    int64_t exponent = 0;

    if (!negative)
        take(decimal, '+');
    if (!at_digit(decimal))
        return false;
    for (; at_digit(decimal); decimal->at++) {
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*decimal->at - '0');
    }
    decimal->magnitude += negative ? -exponent : exponent;
    return true;
}

/* The whole text by RFC 8259's grammar of numbers. */
static bool read_decimal(struct decimal *decimal)
{
    decimal->negative = take(decimal, '-');
    if (!take(decimal, '0') && !take_digits(decimal, false))
        return false;
    if (take(decimal, '.') && !take_digits(decimal, true))
        return false;
    if ((take(decimal, 'e') || take(decimal, 'E')) && !take_exponent(decimal))
        return false;
    return decimal->at == decimal->end;
}

/* The integer part of what is not zero; false if it is above TIME_MS_MAX. */
static bool integer_part(const struct decimal *decimal, int64_t *integer)
{
    int64_t value = decimal->digits;

    if (decimal->magnitude > DIGITS)
        return false;
    if (decimal->magnitude <= 0)
        value = 0;
    for (int64_t i = decimal->kept; value && i > decimal->magnitude; i--)
        value /= 10;
    for (int64_t i = decimal->kept; i < decimal->magnitude; i++)
        value *= 10;
    *integer = value;
    return value <= TIME_MS_MAX;
}

/* From the unit to milliseconds, as a power of ten. */
static int64_t unit_shift(enum decode_time_unit unit)
{
    switch (unit) {
    case DECODE_S:
        return 3;
    case DECODE_MS:
        return 0;
    case DECODE_US:
        return -3;
    case DECODE_NS:
        return -6;
    case DECODE_RFC3339:
        break;
    }
    assert(!"a unit of numbers");
    return 0;
}

static enum reject decode_rfc3339(const char *text, size_t size, int64_t *time_ms)
{
    int64_t ms;

    if (!number_rfc3339_ms(text, size, &ms))
        return REJECT_TIME_TYPE;
    if (ms < 0 || ms > TIME_MS_MAX)
        return REJECT_TIME_RANGE;
    *time_ms = ms;
    return REJECT_NONE;
}

/* What nearly all times are: seconds or milliseconds in 1 to 13 digits, the
 * first of which is no zero. */
static bool read_short(const char *text, size_t size, enum decode_time_unit unit, int64_t *time_ms)
{
    int64_t value = 0;

    if (size == 0 || size > 13 || text[0] == '0' || unit > DECODE_MS)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';

        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *time_ms = unit == DECODE_S ? value * 1000 : value;
    return *time_ms <= TIME_MS_MAX;
}

enum reject decode_time_text(const char *text, size_t size, enum decode_time_unit unit,
                             int64_t *time_ms)
{
    struct decimal decimal = {.at = text, .end = text + size};
    int64_t ms = 0;

    if (read_short(text, size, unit, time_ms))
        return REJECT_NONE;
    if (unit == DECODE_RFC3339)
        return decode_rfc3339(text, size, time_ms);
    if (!read_decimal(&decimal))
        return REJECT_TIME_TYPE;
    decimal.magnitude += unit_shift(unit);
    if (decimal.kept && (decimal.negative || !integer_part(&decimal, &ms)))
        return REJECT_TIME_RANGE;
    *time_ms = ms;
    return REJECT_NONE;
}
