/* What time it is in the stream: partition clocks and the watermark.
 *
 * The clock of a partition is not its largest timestamp: one damaged timestamp
 * would end every minute at once. It is the ceil(n/4)-th largest, at least the
 * 2nd, of the last n <= 64 timestamps that were read within `idle_after`; with
 * n < 2 it stays as it is. It may go back. The watermark is the smallest clock
 * of the partitions that are not idle, minus `max_lag`; it labels windows and
 * decides nothing that is counted.
 *
 * Pure: time comes in as arguments. Seconds are stream time (Unix), `_ms` is
 * the monotonic clock of this machine. */
#ifndef WINDOW_WATERMARK_H
#define WINDOW_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

#define WATERMARK_NONE INT64_MIN /* not known yet */
#define WATERMARK_ALL INT64_MAX  /* everything has passed: all inputs have ended */

struct watermark_clock {
    int64_t time_s[LIMIT_CLOCK_SAMPLES];
    int64_t read_ms[LIMIT_CLOCK_SAMPLES];
    uint32_t count;  /* samples kept, up to LIMIT_CLOCK_SAMPLES */
    uint32_t next;   /* where the next one goes */
    int64_t value_s; /* WATERMARK_NONE until two samples were read */
    int64_t slept_s; /* where it stood when it fell idle, as far as that has support */
    int64_t lone_s;  /* the only sample that it had then; WATERMARK_NONE: it had more */
    bool idle;       /* known to have nothing left to read: does not hold the watermark */
    bool ended;      /* nothing will ever come */
};

/* A clock without samples. */
void watermark_clock_init(struct watermark_clock *clock);

/* Notes one valid frame's time, read at `now_ms`; the partition is not idle. */
void watermark_clock_note(struct watermark_clock *clock, int64_t time_s, int64_t now_ms);

/* Works the clock out anew, once a batch. Returns by how many seconds it fell
 * (0 when it did not), also below where it stood when it fell idle. */
int64_t watermark_clock_update(struct watermark_clock *clock, int64_t now_ms,
                               int64_t idle_after_ms);

/* The partition fell idle: its clock is forgotten, so that old times don't hold
 * the watermark back when it wakes up. Of frames so rare that each stands alone
 * between two sleeps, two in a row have support: the smaller counts. */
void watermark_clock_sleep(struct watermark_clock *clock);

struct watermark {
    int64_t value_s;  /* windows that end at or before it are closed */
    int64_t stood_ms; /* when value_s was true */
};

void watermark_init(struct watermark *watermark);

/* The watermark over `count` clocks. While one that is not idle has no value
 * the watermark stays. When all are idle it runs on with the monotonic clock,
 * from the time at which a clock last set it: what it was held back in between
 * is made up for, or a stream of one frame in a while would fall behind. It is
 * never behind where all of them fell idle: a damaged first frame is got over. */
void watermark_update(struct watermark *watermark, const struct watermark_clock *clocks,
                      size_t count, int64_t max_lag_s, int64_t now_ms);

/* What a checkpoint reports of one partition: its own clock minus `max_lag`,
 * or the pipeline's watermark when it is idle. */
int64_t watermark_of_partition(const struct watermark *watermark,
                               const struct watermark_clock *clock, int64_t max_lag_s);

#endif
