/* One frame through every way of decoding there is: what each finds has to be
 * what the oracle finds, and the decoder's two verdicts have to be related as
 * decode.h says. The frame lies before a page that can't be touched. */
#ifndef SUPPORT_DECODE_JUDGE_H
#define SUPPORT_DECODE_JUDGE_H

#include "decode.h"

struct decode_judge;

/* For frames up to options->frame_max, which are read under these options.
 * Aborts when there is no memory. */
struct decode_judge *decode_judge_create(const struct decode_options *options);
void decode_judge_destroy(struct decode_judge **judge);

/* Aborts, and says why, where something differs. Returns the fast verdict;
 * *only_strict, unless NULL: whether the strict one finds damage that it doesn't. */
enum reject decode_judge_check(struct decode_judge *judge, const char *bytes, size_t size,
                               bool *only_strict);

#endif
