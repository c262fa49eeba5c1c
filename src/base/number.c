/* Numbers that people type.
 *
 * Stricter than strtol: no white space, no '+', no hexadecimal, no octal, no
 * "inf", nothing behind the number. Signs only where min allows negatives. */
#include "number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits up to the first other byte; NULL when there are none or the
 * number does not fit. */
static const char *read_digits(const char *text, uint64_t *out)
{
    uint64_t number = 0;

    if (!is_digit(*text))
        return NULL;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
            return NULL;
    }
    *out = number;
    return text;
}

bool number_int64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text[0] == '-';
    uint64_t magnitude;
    const char *end = read_digits(text + negative, &magnitude);
    int64_t number;

    if (!end || *end || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    number = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (number < min || number > max)
        return false;
    *out = number;
    return true;
}

bool number_double(const char *text, double min, double max, double *out)
{
    char *end;
    double number;

    /* strtod takes words, hexadecimal and leading white space: these bytes
     * leave it none of that. */
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *text == '+')
        return false;
    number = strtod(text, &end);
    if (*end || !isfinite(number) || number < min || number > max)
        return false;
    *out = number;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0}};

static bool number_with_unit(const char *text, const struct unit *units, int64_t min, int64_t max,
                             int64_t *out)
{
    uint64_t magnitude;
    const char *name = read_digits(text, &magnitude);
    int64_t number;

    if (!name)
        return false;
    while (units->name && strcmp(units->name, name) != 0)
        units++;
    if (!units->name && (*name || magnitude))
        return false;
    if (magnitude > INT64_MAX ||
        __builtin_mul_overflow((int64_t)magnitude, units->factor, &number))
        return false;
    if (number < min || number > max)
        return false;
    *out = number;
    return true;
}

bool number_duration_ms(const char *text, int64_t min, int64_t max, int64_t *out)
{
    return number_with_unit(text, durations, min, max, out);
}

bool number_size(const char *text, int64_t min, int64_t max, int64_t *out)
{
    return number_with_unit(text, sizes, min, max, out);
}

/* Where a fixed-width reader stands; `bad` once something did not fit. */
struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static int take_number(struct cursor *cursor, int digits, int min, int max)
{
    int number = 0;

    for (int i = 0; i < digits; i++) {
        if (cursor->at == cursor->end || !is_digit(*cursor->at)) {
            cursor->bad = true;
            return min;
        }
        number = number * 10 + (*cursor->at++ - '0');
    }
    if (number < min || number > max)
        cursor->bad = true;
    return number;
}

/* Takes one of two bytes. */
static char take_char(struct cursor *cursor, char one, char other)
{
    char c = cursor->at < cursor->end ? *cursor->at : '\0';

    if (c != one && c != other) {
        cursor->bad = true;
        return '\0';
    }
    cursor->at++;
    return c;
}

static int days_in_month(int year, int month)
{
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Days from 1970-01-01 to a date of the years 0 to 9999. Counted in years that
 * start in March, so that the leap day is the last of its year. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t months = month > 2 ? month - 3 : month + 9;
    /* Year 0 starts one year early in this count: floor, not truncation. */
    int64_t leap_days = y < 0 ? -1 : y / 4 - y / 100 + y / 400;

    return y * 365 + leap_days + (months * 153 + 2) / 5 + day - 1 - 719468;
}

static int64_t take_date(struct cursor *cursor)
{
    int year = take_number(cursor, 4, 0, 9999);
    int month, day;

    take_char(cursor, '-', '-');
    month = take_number(cursor, 2, 1, 12);
    take_char(cursor, '-', '-');
    day = take_number(cursor, 2, 1, 31);
    if (cursor->bad || day > days_in_month(year, month)) {
        cursor->bad = true;
        return 0;
    }
    return days_from_date(year, month, day);
}

/* The optional fraction of a second, cut to milliseconds. */
static int take_fraction_ms(struct cursor *cursor)
{
    int ms = 0, digits = 0;

    if (cursor->at == cursor->end || *cursor->at != '.')
        return 0;
    cursor->at++;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++, digits++) {
        if (digits < 3)
            ms = ms * 10 + (*cursor->at - '0');
    }
    if (digits == 0)
        cursor->bad = true;
    for (; digits < 3; digits++)
        ms *= 10;
    return ms;
}

static int take_offset_minutes(struct cursor *cursor)
{
    char first = cursor->at < cursor->end ? *cursor->at : '\0';
    int hours, minutes;

    if (first == 'Z' || first == 'z') {
        cursor->at++;
        return 0;
    }
    take_char(cursor, '+', '-');
    hours = take_number(cursor, 2, 0, 23);
    take_char(cursor, ':', ':');
    minutes = take_number(cursor, 2, 0, 59);
    return (first == '-' ? -1 : 1) * (hours * 60 + minutes);
}

bool number_rfc3339_ms(const char *text, uint64_t size, int64_t *out)
{
    struct cursor cursor = {.at = text, .end = text + size};
    int64_t seconds = take_date(&cursor) * 86400;
    int minute, second, ms;

    take_char(&cursor, 'T', 't');
    seconds += take_number(&cursor, 2, 0, 23) * 3600;
    take_char(&cursor, ':', ':');
    minute = take_number(&cursor, 2, 0, 59);
    take_char(&cursor, ':', ':');
    second = take_number(&cursor, 2, 0, 60);
    ms = take_fraction_ms(&cursor);
    seconds += minute * 60 + second - take_offset_minutes(&cursor) * 60;
    if (cursor.bad || cursor.at != cursor.end)
        return false;
    /* A leap second ends a day of UTC; Unix time counts it as the next one. */
    if (second == 60 && seconds % 86400 != 0)
        return false;
    *out = seconds * 1000 + ms;
    return true;
}

bool number_rfc3339_s(const char *text, uint64_t size, int64_t *out)
{
    int64_t ms;

    if (!number_rfc3339_ms(text, size, &ms) || ms < 0 || ms / 1000 > LIMIT_TIME_S)
        return false;
    *out = ms / 1000;
    return true;
}

bool number_time_s(const char *text, int64_t *out)
{
    return number_int64(text, 0, LIMIT_TIME_S, out) || number_rfc3339_s(text, strlen(text), out);
}
