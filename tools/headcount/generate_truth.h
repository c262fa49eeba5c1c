/* What the generated frames amount to, exactly. Private to generate.
 *
 * Memory: 8 bytes a frame, a bit a user, 32 bytes a damaged frame. */
#ifndef HEADCOUNT_GENERATE_TRUTH_H
#define HEADCOUNT_GENERATE_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "generate_frame.h"

/* Numbers of users are below this, so that a minute and a user fit in 64 bits. */
#define GENERATE_USERS_MAX (INT64_C(1) << 30)

struct generate_truth;

/* NULL when there is no memory. */
struct generate_truth *generate_truth_create(uint64_t users);
void generate_truth_destroy(struct generate_truth **truth);

/* A frame of `user` that says `time_s`; it was `honest_s` before a bit of it was
 * flipped, or is the same. False when there is no memory. */
bool generate_truth_add(struct generate_truth *truth, uint64_t user, int64_t time_s,
                        int64_t honest_s);

/* Writes one JSON object: the minutes of honest frames with their frames and
 * uniques, and each damaged frame. Errors of `file` stay in it. Nothing can be
 * added after it. */
void generate_truth_write(struct generate_truth *truth, const struct generate_frames *frames,
                          FILE *file);

#endif
