/* The loop: source -> decode -> window -> record -> emit, and back to a commit.
 *
 * One pipeline is one worker: its own source, windows and checkpoints. It polls
 * the source, folds frames into their minutes, publishes every emit interval
 * what changed, serves acknowledgements, and commits what checkpoint.h says is
 * safe. It knows no Kafka and no JSON, and takes its time from a clock that is
 * handed in. One thread. */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "decode.h"
#include "emit.h"
#include "source.h"
#include "window.h"

struct pipeline;

struct pipeline_clock {
    int64_t (*monotonic_ms)(void *context);
    int64_t (*wall_ms)(void *context);
    void *context;
};

/* What several workers know together: their first frames are those of one run. Made
 * with zeros and `reading` = how many they are; outlives them. */
struct pipeline_proof {
    atomic_int proven;  /* one of them has read a valid frame */
    atomic_int reading; /* those that have neither read enough to doubt, nor ended */
};

struct pipeline_options {
    struct source *source;    /* this and the next four are borrowed */
    struct decoder *decoder;
    struct emit *output;
    struct emit *print;       /* readable lines beside the output, or NULL */
    struct emit *rejects;     /* where rejected frames are set aside, or NULL */
    bool rejects_as_lines;    /* as JSON lines; otherwise the bytes with headers */
    bool rejects_drop;        /* while that sink is down they are lost; otherwise reading waits */
    const char *rejects_name; /* borrowed, for messages; or NULL */
    bool output_for_people;   /* the output is readable lines */
    const char *stream;       /* strings are borrowed */
    const char *instance;
    const char *fields;
    const char *input_group;
    int64_t epoch_ms;
    struct window_options windows;
    int64_t emit_every_ms;
    size_t slice_work;        /* bytes of sketches published between two steps of the source;
                               * 0: a fair measure */
    size_t group_windows;     /* frames are counted in groups while there are so many; 0: as
                               * many as make it pay */
    int64_t max_lag_ms;
    int64_t idle_after_ms;
    int64_t release_wait_ms;  /* how long a rebalance waits for answers; 0: for ever */
    int64_t stop_wait_ms;     /* how long leaving waits for them once *stop is set */
    bool commits;             /* commit positions to the source */
    const char *fingerprint;  /* what defines the count and where it goes, for commits */
    struct pipeline_proof *proof; /* borrowed; NULL: it is alone */
    bool adopt;               /* go on from commits with another fingerprint */
    struct pipeline_clock clock;
    void (*observe)(void *context, const struct pipeline *pipeline); /* once a second, or NULL */
    void *observe_context;
    void (*first_start)(const void *context); /* nothing was committed before; or NULL */
    const void *first_start_context;
};

enum pipeline_result {
    PIPELINE_DONE,    /* all that was read is acknowledged, and committed if it commits */
    PIPELINE_UNSAFE,  /* it ended, but not all of it is */
    PIPELINE_FAILED,  /* the source or the output failed */
    PIPELINE_CONFIG,  /* committed positions belong to other settings */
    PIPELINE_INVALID  /* no frame was valid: nothing committed */
};

/* NULL when there is no memory. The options are copied. */
struct pipeline *pipeline_create(const struct pipeline_options *options);
void pipeline_destroy(struct pipeline **pipeline);

/* Runs until the source has finished, *stop is not 0 (it then leaves in order),
 * or something fails. */
enum pipeline_result pipeline_run(struct pipeline *pipeline, const atomic_int *stop);
/* One turn of the loop; false when it has ended. The source is not needed any more
 * then. */
bool pipeline_turn(struct pipeline *pipeline, bool stop);
enum pipeline_result pipeline_result(const struct pipeline *pipeline);

/* Why it failed, for people; "" when it did not. */
const char *pipeline_error(const struct pipeline *pipeline);

struct pipeline_status {
    struct counters counters;
    size_t windows;           /* held at present */
    size_t windows_open;      /* of these: whose minute has not ended for the watermark */
    size_t memory, memory_peak; /* bytes of windows */
    int64_t watermark_s;      /* WATERMARK_NONE, WATERMARK_ALL or Unix seconds */
    int64_t lag;              /* messages not read yet, or -1 */
    uint64_t unsettled;       /* records that wait for their acknowledgement */
    bool held;                /* the source is held back */
    bool rejects_down;        /* the rejects sink fails */
    int64_t minute_first_s, minute_last_s; /* of valid frames; first > last: none */
    bool assigned;            /* there is an assignment, of partitions or of none */
    size_t partitions;        /* of it */
    bool told;                /* all that was read is in an acknowledged checkpoint */
    bool committed;           /* and committed, if it commits */
    int64_t checkpoint_ms;    /* wall clock: when the last one was acknowledged; -1: none was */
};
void pipeline_status(const struct pipeline *pipeline, struct pipeline_status *status);

/* Of one partition of the present assignment. */
struct pipeline_partition {
    int32_t partition;
    int64_t position;         /* the next one to be read */
    int64_t lag;              /* messages not read yet, or -1 */
    int64_t watermark_s;      /* its own, as status.watermark_s */
    int64_t end_confirmed_ms; /* source_end_confirmed_ms */
};
/* `slot` is below status.partitions. */
void pipeline_partition(const struct pipeline *pipeline, size_t slot,
                        struct pipeline_partition *partition);

/* The first frame that was rejected, cut to what is kept of it; size 0: none. */
const char *pipeline_first_rejected(const struct pipeline *pipeline, size_t *size);

#endif
