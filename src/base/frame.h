/* A decoded frame, and the reasons why bytes are none. */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* The user is borrowed from the decoder until its next call. */
struct frame {
    const char *user; /* 1..LIMIT_USER_BYTES bytes, any values */
    size_t user_size;
    int64_t time_s;   /* 0..LIMIT_TIME_S, Unix seconds */
};

/* Why a frame does not count. REJECT_NONE is first and zero: the frame is
 * valid. The names are the ones that users see. */
#define REJECT_REASONS(X) \
    X(NONE, none) X(EMPTY, empty) X(NOT_JSON, not_json) X(NOT_OBJECT, not_object) \
    X(NO_USER, no_user) X(NO_TIME, no_time) X(USER_TYPE, user_type) \
    X(USER_EMPTY, user_empty) X(USER_TOO_LONG, user_too_long) X(TIME_TYPE, time_type) \
    X(TIME_RANGE, time_range) X(TIME_AHEAD, time_ahead) X(TIME_LATE, time_late) \
    X(TOO_LARGE, too_large) X(TOO_DEEP, too_deep) X(BAD_ESCAPE, bad_escape) \
    X(BAD_UTF8, bad_utf8)

enum reject {
#define REJECT_ENUM(upper, lower) REJECT_##upper,
    REJECT_REASONS(REJECT_ENUM)
#undef REJECT_ENUM
    REJECT_COUNT
};

/* The reason's name, as in `cli` outputs and counters; static. */
const char *reject_name(enum reject reason);

#endif
