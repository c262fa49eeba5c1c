/* What the files of the pipeline share: its state. Private to src/pipeline. */
#ifndef PIPELINE_PIPELINE_BODY_H
#define PIPELINE_PIPELINE_BODY_H

#include "checkpoint.h"
#include "pipeline.h"
#include "record.h"
#include "reject_sink.h"
#include "text.h"
#include "watermark.h"

/* Closed windows are kept this long, so that late users mostly republish a
 * whole sketch. */
#define KEEP_CLOSED_MS (10 * 60 * 1000)
/* How far the last minute of a file may lie ahead of its clock. */
#define END_AHEAD_S 3600
/* How often clocks without new samples are looked at. */
#define CLOCKS_MS 100
/* With nothing read, a checkpoint that often. */
#define QUIET_CHECKPOINT_MS (60 * 1000)
/* A run is given up when none of its first frames is valid: this many, or what
 * came in this time if that is enough to judge by. */
#define PROVE_FRAMES 10000
#define PROVE_MS 10000
#define PROVE_FRAMES_MIN 20
/* What is kept of the first rejected frame. */
#define FIRST_REJECTED_BYTES (64 * 1024)
/* The token of a checkpoint's record: its number with this bit. */
#define TOKEN_CHECKPOINT (UINT64_C(1) << 63)
/* Attempts of the last commit before partitions are given up without it. */
#define LAST_COMMITS 3
/* Between attempts while others wait for them. */
#define LAST_PAUSE_MS 200
#define ACKS_AT_ONCE 256

struct slot_state {
    int32_t partition;
    bool noted;         /* its clock has new samples */
    bool at_end;
    bool slice;         /* its end is not the file's */
    int64_t at_end_ms; /* monotonic: since when it stands at its end */
};

/* Says a thing at once, then at most every 10 s with how often it happened. */
struct log_limit {
    int64_t next_ms;
    uint64_t times;
};

/* Valid frames of one partition whose windows are on their way into the cache. */
#define GROUP_FRAMES 16
#define GROUP_USER_BYTES 48
struct fold_group {
    const struct message *stands; /* the first that found no room; NULL: none */
    size_t count;
    struct grouped {
        const struct message *message;
        int64_t time_s, minute_s;
        size_t user_size;
        char user[GROUP_USER_BYTES];
    } frames[GROUP_FRAMES];
};

struct pipeline {
    struct pipeline_options o;
    struct window_table *windows;
    struct checkpoints *checkpoints;
    struct counters counters;
    int64_t now_ms;
    int64_t max_lag_s;

    /* The assignment. */
    const struct source_assignment *assignment; /* borrowed from the source, or NULL */
    struct slot_state *slots;
    struct watermark_clock *clocks;
    struct checkpoint_mark *marks;
    struct source_position *positions;
    size_t slots_count;
    struct watermark watermark;
    bool began;              /* partitions were assigned before */
    int64_t assigned_last_s; /* end of the last minute that a frame fell in; or none */

    /* The run of messages at work, and the window that the last frame went to. */
    const struct message *run;
    size_t run_count, run_next;
    struct window *last_window;
    struct fold_group group;
    bool held;

    /* Publishing. */
    int64_t next_tick_ms;
    int64_t last_checkpoint_ms;
    int64_t acknowledged_ms; /* wall clock: the last checkpoint, or -1 */
    int64_t gathering_ms;    /* when the last checkpoint began */
    bool sliced;             /* more of its windows are due, and the output has room */
    bool news; /* to be told by a checkpoint, since the last one began */
    uint64_t records_out; /* the output has, and did not answer */
    struct text key, value;
    struct hc_codec *codec;
    struct emit_summary line; /* for `print`, when it had no room */
    bool line_waits;
    uint64_t lines_unwritten;
    int64_t passed_s;  /* what the outputs are told of the watermark, once all windows */
    bool passed_due;   /* that it concerns are produced */
    struct record_partition *partitions; /* [slots_count], for checkpoints */
    struct record_range *ranges;         /* for checkpoints */
    bool commit_due;
    struct reject_sink rejects;
    uint64_t lost_told, lost_telling; /* counters.rejects_lost, by checkpoints */

    /* Leaving an assignment. */
    bool leaving, last_begun;
    bool ending;              /* nothing will be assigned behind this one */
    int64_t leave_by_ms;      /* INT64_MAX: no deadline */
    unsigned last_commits;
    int64_t last_commit_ms;

    /* The first frames. */
    bool proven; /* a valid frame was read, now or before the last commit */
    bool doubts; /* none was in what was read, and that is enough to judge by */
    int64_t first_read_ms;
    char *first_rejected;
    size_t first_rejected_size;
    bool times_told; /* whether their times make sense was looked at */

    int64_t next_observe_ms;
    int64_t next_clocks_ms;
    int64_t minute_first_s, minute_last_s;
    struct log_limit log_reset, log_full, log_failed, log_commit, log_lost;
    bool closing;             /* source_close was called */
    int64_t stop_by_ms;       /* INT64_MAX until *stop */
    int64_t refused_from_ms;  /* since when the output was asked again and again, and took */
    int64_t refused_ms;       /* nothing; when it was asked last, or 0 */
    bool failing;             /* the source failed; what was read is still published */
    bool cut;                 /* some of what was read is not counted, and can't be read again */
    bool unsafe;              /* the last assignment ended before all of it was safe */
    bool ended;
    enum pipeline_result result;
    char error[512];
};

/* Ends the run. The first result stands. */
void pipeline_end(struct pipeline *p, enum pipeline_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether to say it now; *times is how often it happened since the last time. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ms, uint64_t *times);

/* status.c: says it once when the times of all that was read can't be meant. */
void status_doubt_times(struct pipeline *p);

/* fold.c: the run at work into windows, as far as memory and the rejects sink
 * go. True when the run is finished. */
bool fold_run(struct pipeline *p);
/* Frees windows that need not be kept, publishing the coldest early, until
 * there is room for one more user. True when there is. */
bool fold_make_room(struct pipeline *p);

/* publish.c: everything behind the windows. */
/* Whether an answer is awaited that will make room. */
bool publish_awaits(const struct pipeline *p);
void publish_acknowledgements(struct pipeline *p, int timeout_ms);
/* Labels, forgets, and begins a checkpoint when it is time or `now` says so. */
void publish_tick(struct pipeline *p);
/* Goes on with what is under way: windows that are due, the record of a
 * checkpoint that is ready, a commit. */
void publish_go_on(struct pipeline *p);
/* The end of a commit; `error` is NULL when it was done. */
void publish_committed(struct pipeline *p, const char *error);
/* One window's records; false when the output has no room. */
bool publish_window(struct pipeline *p, struct window *window);
/* The label that the watermark gives a window. */
enum record_state publish_state(const struct pipeline *p, struct window *window);

/* reject.c: sets a rejected frame aside, or loses it when that is what the user
 * chose; false when the sink has no room. */
bool reject_set_aside(struct pipeline *p, const struct message *message, enum reject reason);
/* reject_sink.c: false: no memory. */
bool reject_create(struct pipeline *p);
void reject_destroy(struct pipeline *p);
/* Once a turn. */
void reject_acknowledgements(struct pipeline *p);
/* Reading waits until the sink is up again. */
bool reject_holds(const struct pipeline *p);

/* assign.c: the facts about partitions. */
void assign_begin(struct pipeline *p, const struct source_assignment *assignment);
void assign_leave(struct pipeline *p, const struct source_step *step);
/* Nothing but rejects so far: the settings may be wrong, so nothing is told that
 * leads to a commit. */
bool pipeline_in_doubt(const struct pipeline *p);
/* All that was read is in the output; nobody has to read it again. */
bool assign_all_told(const struct pipeline *p);
bool assign_all_committed(const struct pipeline *p);
/* It is as good as sure that they are: no other worker can tell otherwise soon. */
bool pipeline_is_disproved(struct pipeline *p);
/* Gives the partitions up once they are drained, or the time is over. */
void assign_go_on(struct pipeline *p);
void assign_at_end(struct pipeline *p, const struct source_step *step);
/* Clocks, idleness and the watermark, once a turn. */
void assign_clocks(struct pipeline *p);

#endif
