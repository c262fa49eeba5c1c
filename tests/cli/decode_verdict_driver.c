/* What the decoder makes of frames, for a comparison with another decoder.
 *
 *   decode_verdict_driver USER_FIELD TIME_FIELD UNIT     UNIT is s, ms, us or ns
 *
 * Each line on stdin is a frame in hexadecimal. The answer is a line: the reason
 * why it is none, or "none", the user's bytes in hexadecimal and the seconds. It is
 * the strict decoder's; the fast one's is the same but for damage. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "limits.h"
#include "text.h"

static enum decode_time_unit unit_of(const char *name)
{
    static const char *const names[] = {"s", "ms", "us", "ns"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return (enum decode_time_unit)i;
    }
    assert(!"a unit");
    return DECODE_S;
}

static char from_hex(const char *digits)
{
    char byte[3] = {digits[0], digits[1], '\0'};

    return (char)strtoul(byte, NULL, 16);
}

static bool is_damage(enum reject reason)
{
    return reason == REJECT_NOT_JSON || reason == REJECT_BAD_ESCAPE ||
           reason == REJECT_BAD_UTF8 || reason == REJECT_TOO_DEEP;
}

/* The line's bytes in a block of just their size: a read beyond it is seen. */
static void answer(struct decoder *decoder, struct decoder *fast, const char *line, size_t size,
                   struct text *user)
{
    char *bytes = malloc(size ? size : 1);
    struct message message = {
        .bytes = bytes, .size = size, .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    struct frame frame, other;
    enum reject reason, again;

    assert(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = from_hex(line + 2 * i);
    reason = decoder_decode(decoder, &message, &frame);
    again = decoder_decode(fast, &message, &other);
    assert(again == reason || is_damage(reason));
    assert(reason || (other.time_s == frame.time_s && other.user_size == frame.user_size &&
                      memcmp(other.user, frame.user, frame.user_size) == 0));
    if (reason) {
        printf("%s\n", reject_name(reason));
    } else {
        text_clear(user);
        text_hex(user, frame.user, frame.user_size);
        assert(!user->failed);
        printf("none %s %lld\n", user->bytes, (long long)frame.time_s);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    struct decode_options options = {.frame_max = LIMIT_FRAME_DEFAULT,
                                     .ahead_max_ms = DECODE_UNLIMITED,
                                     .late_max_ms = DECODE_UNLIMITED};
    struct decoder *decoder, *fast;
    struct text user = {0};
    char error[128], *line = NULL;
    size_t room = 0;
    ssize_t size;

    assert(argc == 4);
    options.user_field = argv[1];
    options.time_field = argv[2];
    options.time_unit = unit_of(argv[3]);
    fast = decoder_create(&options, error, sizeof error);
    options.strict = true;
    decoder = decoder_create(&options, error, sizeof error);
    assert(decoder && fast);
    while ((size = getline(&line, &room, stdin)) > 0)
        answer(decoder, fast, line, (size_t)(size - 1) / 2, &user);
    free(line);
    text_free(&user);
    decoder_destroy(&decoder);
    decoder_destroy(&fast);
    return fflush(stdout) != 0;
}
