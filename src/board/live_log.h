/* Which minutes of which streams changed lately: what a page that was told everything
 * up to some version has to be told now.
 *
 * A version is what one write to the store changed, ranges of minutes. The last
 * LIVE_VERSIONS of them are kept; who is further behind is told that anything may
 * have changed. Bounded in all: streams, ranges, partitions. No locks. */
#ifndef BOARD_LIVE_LOG_H
#define BOARD_LIVE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

#define LIVE_VERSIONS 64
/* Minutes in one answer that come as rows, and the ranges they may lie in. */
#define LIVE_MINUTES_MAX 1440
#define LIVE_RANGES_MAX 16

struct live_range {
    int64_t from_s, to_s; /* [from_s, to_s), whole minutes */
};

enum live_news {
    LIVE_NOTHING,
    LIVE_ROWS, /* `ranges`, apart and in order, of LIVE_MINUTES_MAX minutes at most */
    LIVE_WIDE  /* ranges[0]: anything in it may have changed */
};

struct live_answer {
    enum live_news news;
    struct live_range ranges[LIVE_RANGES_MAX];
    size_t count;
};

struct live_log;
struct live_log *live_log_create(void); /* NULL: no memory */
void live_log_destroy(struct live_log **log);

/* What the record changes once it is written. Streams beyond LIMIT_LIVE_STREAMS are
 * left out. */
void live_log_note(struct live_log *log, const struct record *record);
/* The stream has minutes up to this one, as of now. */
void live_log_know(struct live_log *log, const char *stream, int64_t newest_s);
/* All that was noted is written: a new version, if it was anything. */
bool live_log_publish(struct live_log *log);

/* The last version; 0: none yet. */
uint64_t live_log_version(const struct live_log *log);
size_t live_log_streams(const struct live_log *log);
/* In the order in which they came; lives as long as the log. */
const char *live_log_stream(const struct live_log *log, size_t stream);
/* The stream's newest minute, as far as it was noted or is known; -1: none. */
int64_t live_log_newest_s(const struct live_log *log, size_t stream);

/* What changed of a stream in the versions behind `since`, up to the last. */
void live_log_ask(const struct live_log *log, size_t stream, uint64_t since,
                  struct live_answer *answer);

#endif
