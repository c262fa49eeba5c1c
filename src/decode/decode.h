/* Bytes -> frame, or the reason why not.
 *
 * A frame is read from the front, up to the byte that ends the later of its two
 * fields; one that lacks a field is read to its end, and so is every frame where
 * `strict` asks for it. A field that is a text (string, number) or a word ends
 * at the mark behind it, one that is an object or an array at its first bracket.
 * Whatever is read is checked in the same way. What stands behind goes unseen:
 * the verdict is the strict one of a frame that ends there well, with nothing
 * more than the brackets that are still open closed. So where both fields are
 * there, fast and strict agree, or the strict reason is damage behind them.
 *
 * A frame that is wrong in several ways gets the first reason of this list:
 *
 *   1. too_large                                   the size alone
 *   2. empty not_json too_deep bad_escape bad_utf8 the first damage by position
 *   3. not_object
 *   4. no_user user_type user_empty user_too_long
 *   5. no_time time_type time_range
 *   6. time_ahead time_late
 *
 * 2 and 3 apply where a field is asked for: with the user from the key or the
 * value and the time from the record, the bytes are not looked at (a value that
 * is the user must not be empty: `empty`).
 *
 * The user is a string's decoded text or a number's literal text. The time is a
 * number, or a string that holds one by JSON's grammar, reckoned exactly
 * whatever its length or exponent. What is finer than a second is cut off;
 * less than zero is out of range (-0 is zero). Ahead and late are measured in
 * milliseconds, from the time before that cut. */
#ifndef DECODE_DECODE_H
#define DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "message.h"

enum decode_time_unit { DECODE_S, DECODE_MS, DECODE_US, DECODE_NS, DECODE_RFC3339 };
enum decode_user_from { DECODE_USER_FIELD, DECODE_USER_KEY, DECODE_USER_VALUE };
enum decode_time_from { DECODE_TIME_FIELD, DECODE_TIME_RECORD };

#define DECODE_UNLIMITED INT64_C(-1)

struct decode_options {
    const char *user_field;   /* root key or RFC 6901 pointer; where it is asked for */
    const char *time_field;   /* the same */
    enum decode_time_unit time_unit;
    enum decode_user_from user_from;
    enum decode_time_from time_from;
    bool strict;              /* read each frame to its end */
    size_t frame_max;         /* bytes, up to LIMIT_FRAME_MAX; larger frames are too_large */
    int64_t now_ms;           /* what frames without a record timestamp are measured against */
    int64_t ahead_max_ms;     /* how far a time may lie beyond that, or DECODE_UNLIMITED */
    int64_t late_max_ms;      /* how far before, or DECODE_UNLIMITED */
};

struct decoder;

/* NULL with a message in `error` when a field is malformed or memory is short; then
 * errno is ENOMEM.
 * The options are copied. */
struct decoder *decoder_create(const struct decode_options *options, char *error,
                               size_t error_size);
void decoder_destroy(struct decoder **decoder);

/* REJECT_NONE and *frame, or the reason. The verdict depends on the message
 * and the options alone. *frame borrows from the decoder and the message until
 * the next call. */
enum reject decoder_decode(struct decoder *decoder, const struct message *message,
                           struct frame *frame);

#endif
