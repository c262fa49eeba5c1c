/* One frame as JSON: two fields that count among many that do not. Private to
 * generate. */
#ifndef HEADCOUNT_GENERATE_FRAME_H
#define HEADCOUNT_GENERATE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define GENERATE_UID_SIZE 19

struct generate_frames_options {
    uint64_t seed;
    size_t size; /* bytes of a frame, on average */
    bool crlf;
};

struct generate_frames;

/* Owned by the caller; NULL when there is no memory. */
struct generate_frames *generate_frames_create(const struct generate_frames_options *options);
void generate_frames_destroy(struct generate_frames **frames);

/* The id of user `number`: 19 hex digits, not terminated. */
void generate_frames_uid(const struct generate_frames *frames, uint64_t number,
                         char uid[GENERATE_UID_SIZE]);

/* Appends a frame of that user and time (Unix seconds >= 0), and a line end. */
void generate_frames_write(struct generate_frames *frames, const char uid[GENERATE_UID_SIZE],
                           int64_t time_s, struct text *text);

#endif
