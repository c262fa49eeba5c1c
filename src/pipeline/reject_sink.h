/* What is known of the rejects sink, and of frames that are on their way to it.
 * Private to reject.c and reject_sink.c.
 *
 *                    produced             acknowledged
 *   frame ----------------------> out ----------------------> settled
 *                        ^         | failed          \
 *                 again  '-- waiting                  '--> lost, with "drop"
 *
 * The sink is down when it says so, when a frame failed, or when nothing was
 * acknowledged for QUIET_MS. With "wait" reading stops until it is up again;
 * with "drop" what is out and what comes is lost and counted, but for a frame
 * in a while that tries whether it is up. A file keeps its lines itself; for a
 * topic a copy of each frame is kept until it is settled. */
#ifndef PIPELINE_REJECT_SINK_H
#define PIPELINE_REJECT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit.h"
#include "limits.h"
#include "rejected.h"

/* A frame under way to a topic. */
struct reject_kept {
    struct rejected rejected; /* its strings and bytes lie behind it */
    bool failed;              /* waits for another try */
    bool too_large;           /* refused for its size, or its batch's: goes alone from now on */
    size_t bytes;             /* of this allocation */
};

struct reject_sink {
    struct reject_kept **kept; /* [LIMIT_RECORDS_IN_FLIGHT] by token; NULL: none is kept */
    size_t kept_bytes;
    uint64_t first, next; /* tokens that may be out; next is behind the last */
    size_t out;           /* not settled */
    size_t waiting;       /* of them: failed, to be produced again */
    uint64_t alone;       /* this frame is tried without others beside it; 0: none */
    int64_t quiet_ms;     /* since when nothing was acknowledged, while something is out */
    int64_t full_ms;      /* since when it takes nothing; -1: it does */
    int64_t retry_ms, probe_ms, forget_ms;
    int64_t down_ms;      /* since when it is down; -1: it is up */
    uint64_t lost_before; /* counted when it went down */
};

struct pipeline;

/* reject.c: one frame to the sink, in its form. */
enum emit_result reject_produce(struct pipeline *p, const struct rejected *rejected,
                                uint64_t token);

/* reject_sink.c. A frame that nothing will set aside any more. */
void reject_lose(struct pipeline *p, const char *why);
/* A copy, or NULL: no memory. */
struct reject_kept *reject_keep(const struct rejected *rejected);
/* The sink took or refused a frame at produce(). */
void reject_note_taken(struct pipeline *p, uint64_t token, struct reject_kept *kept);
void reject_note_full(struct pipeline *p);

#endif
