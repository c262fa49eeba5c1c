/* Any bytes as a frame, under options that the first byte picks: every way of
 * decoding finds the same, and no more than it may (support/decode_judge.h). */
#include <stdint.h>

#include "decode_judge.h"

#define FRAME_MAX 16384
#define CHOICES 16

/* Made once: to make them takes longer than to use them. */
static struct decode_judge *judges[CHOICES];
static struct decode_options asked[CHOICES];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct decode_options pick_options(unsigned choice)
{
    static const char *const fields[][2] = {{"uid", "ts"},
                                            {"/a/0", "/t~1s/ts"},
                                            {"/a/uid", "/a/b/ts"},
                                            {"identifier", "/a"}};

    return (struct decode_options){
        .user_field = fields[choice % 4][0],
        .time_field = fields[choice % 4][1],
        .time_unit = (enum decode_time_unit)(choice % 5),
        .user_from = choice == 15 ? DECODE_USER_KEY : DECODE_USER_FIELD,
        .time_from = choice == 14 ? DECODE_TIME_RECORD : DECODE_TIME_FIELD,
        .frame_max = FRAME_MAX,
        .ahead_max_ms = choice & 4 ? 3600000 : DECODE_UNLIMITED,
        .late_max_ms = choice & 8 ? 3600000 : DECODE_UNLIMITED,
    };
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned choice = 0; choice < CHOICES; choice++) {
        asked[choice] = pick_options(choice);
        judges[choice] = decode_judge_create(&asked[choice]);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > FRAME_MAX)
        return 0;
    if (!judges[0])
        LLVMFuzzerInitialize(NULL, NULL);
    decode_judge_check(judges[data[0] % CHOICES], (const char *)data + 1, size - 1, NULL);
    return 0;
}
