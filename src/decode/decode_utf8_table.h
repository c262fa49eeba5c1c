/* UTF-8 by table lookup, after Keiser and Lemire, Validating UTF-8 in less than
 * one instruction per byte (Software: Practice and Experience 51, 2021).
 *
 * Each of the errors that two neighbouring bytes can show has a bit. Three
 * tables, by the half bytes of the first and the higher half of the second,
 * hold the errors which that half does not rule out: an error stands where all
 * three agree. Third and fourth bytes are counted besides: UTF8_TWO_TAILS is
 * right where a character of three or four bytes is under way, and only there. */
#ifndef DECODE_DECODE_UTF8_TABLE_H
#define DECODE_DECODE_UTF8_TABLE_H

#include <stdint.h>

enum {
    UTF8_TOO_SHORT = 1 << 0,   /* a lead byte, and no tail */
    UTF8_TOO_LONG = 1 << 1,    /* ASCII, and a tail */
    UTF8_OVERLONG_3 = 1 << 2,  /* E0 80..9F */
    UTF8_TOO_LARGE = 1 << 3,   /* F4 90..BF, F5..FF 90..BF */
    UTF8_SURROGATE = 1 << 4,   /* ED A0..BF */
    UTF8_OVERLONG_2 = 1 << 5,  /* C0..C1 and a tail */
    UTF8_TOO_LARGE_8 = 1 << 6, /* F5..FF 80..8F */
    UTF8_OVERLONG_4 = 1 << 6,  /* F0 80..8F */
    UTF8_TWO_TAILS = 1 << 7,
    UTF8_ANY_LOW = UTF8_TOO_SHORT | UTF8_TOO_LONG | UTF8_TWO_TAILS,
    UTF8_ANY_LARGE = UTF8_ANY_LOW | UTF8_TOO_LARGE | UTF8_TOO_LARGE_8
};

/* By the first byte's higher half. */
static const uint8_t utf8_first_high[16] = {
    UTF8_TOO_LONG, UTF8_TOO_LONG, UTF8_TOO_LONG, UTF8_TOO_LONG,
    UTF8_TOO_LONG, UTF8_TOO_LONG, UTF8_TOO_LONG, UTF8_TOO_LONG,
    UTF8_TWO_TAILS, UTF8_TWO_TAILS, UTF8_TWO_TAILS, UTF8_TWO_TAILS,
    UTF8_TOO_SHORT | UTF8_OVERLONG_2,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT | UTF8_OVERLONG_3 | UTF8_SURROGATE,
    UTF8_TOO_SHORT | UTF8_TOO_LARGE | UTF8_TOO_LARGE_8 | UTF8_OVERLONG_4};

/* By its lower half. */
static const uint8_t utf8_first_low[16] = {
    UTF8_ANY_LOW | UTF8_OVERLONG_3 | UTF8_OVERLONG_2 | UTF8_OVERLONG_4,
    UTF8_ANY_LOW | UTF8_OVERLONG_2,
    UTF8_ANY_LOW,
    UTF8_ANY_LOW,
    UTF8_ANY_LOW | UTF8_TOO_LARGE,
    UTF8_ANY_LARGE, UTF8_ANY_LARGE, UTF8_ANY_LARGE, UTF8_ANY_LARGE,
    UTF8_ANY_LARGE, UTF8_ANY_LARGE, UTF8_ANY_LARGE, UTF8_ANY_LARGE,
    UTF8_ANY_LARGE | UTF8_SURROGATE,
    UTF8_ANY_LARGE, UTF8_ANY_LARGE};

#define UTF8_TAIL (UTF8_TOO_LONG | UTF8_OVERLONG_2 | UTF8_TWO_TAILS)

/* By the second byte's higher half. */
static const uint8_t utf8_second_high[16] = {
    UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT,
    UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT,
    UTF8_TAIL | UTF8_OVERLONG_3 | UTF8_TOO_LARGE_8 | UTF8_OVERLONG_4,
    UTF8_TAIL | UTF8_OVERLONG_3 | UTF8_TOO_LARGE,
    UTF8_TAIL | UTF8_SURROGATE | UTF8_TOO_LARGE,
    UTF8_TAIL | UTF8_SURROGATE | UTF8_TOO_LARGE,
    UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT, UTF8_TOO_SHORT};

#endif
