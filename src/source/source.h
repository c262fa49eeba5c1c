/* Where frames come from: a consumer in a Kafka group, or files.
 *
 * A source hands over one step at a time: a run of messages, or a fact about
 * its partitions. Facts stand in their place in the stream: ASSIGNED comes
 * before the first message of that assignment, REVOKED and LOST after the
 * last one. Partitions are named by slot, the index into the assignment.
 *
 * A file, or a slice of one, is an assignment of one partition; at its end it is
 * REVOKED, and the next one is assigned. Only the pipeline's thread calls a source. */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

enum source_kind {
    SOURCE_NOTHING,   /* the time is over and nothing happened */
    SOURCE_MESSAGES,  /* `messages`, in order within each slot */
    SOURCE_ASSIGNED,  /* `assignment`: reading starts at each partition's `start` */
    SOURCE_REVOKED,   /* give the assignment up: publish, commit, then source_release() */
    SOURCE_LOST,      /* the same, but a commit is pointless: others own it already */
    SOURCE_AT_END,    /* `slot` has been read up to its end at `position` */
    SOURCE_MISSING,   /* positions `from` up to `to` of `slot` are gone for good */
    SOURCE_REMADE,    /* the topic of `slot` was made again: commit nothing for this assignment */
    SOURCE_COMMITTED, /* the last source_commit ended; `error` is NULL when it was done */
    SOURCE_FINISHED,  /* nothing will come any more */
    SOURCE_FAILED     /* `error`: nothing can be read any more; end with a failure. Told again
                       * after each timeout */
};

struct source_partition {
    int32_t partition;
    int64_t start;        /* the first position that will be read */
    bool resumed;         /* `start` is a committed position */
    const char *metadata; /* of that commit, or NULL */
};

/* All borrowed from the source until the next ASSIGNED. */
struct source_assignment {
    const char *cluster;  /* the Kafka cluster id, or "file" */
    const char *topic;    /* or the file's path with size and mtime */
    int32_t partitions_total; /* of the topic */
    const struct source_partition *partitions; /* [count], slot order; count may be 0 */
    size_t count;
};

struct source_step {
    enum source_kind kind;
    const struct message *messages; /* borrowed until the next source_poll that is not held */
    size_t count;
    const struct source_assignment *assignment;
    uint32_t slot;
    int64_t position, from, to;
    bool lost;         /* REVOKED: what was read and not handed over, or not taken of the run in
                        * hand, can't be read again (stdin) */
    size_t unread;     /* REVOKED and lost: bytes that were read and not handed over */
    bool slice;        /* AT_END: others read the file behind it */
    bool final;        /* AT_END: nothing will ever come behind it in this assignment.
                        * REVOKED: the last assignment */
    const char *error; /* borrowed until the next source_poll */
};

/* A position to commit: everything of `slot` below it is safe. */
struct source_position {
    uint32_t slot;
    int64_t position;
};

struct source;
struct source_ops {
    void (*poll)(struct source *source, int timeout_ms, struct source_step *step);
    void (*release)(struct source *source);
    bool (*commit)(struct source *source, const struct source_position *positions, size_t count,
                   const char *metadata);
    void (*hold)(struct source *source, bool held);
    int64_t (*end_confirmed_ms)(struct source *source, uint32_t slot);
    int64_t (*lag)(struct source *source, uint32_t slot);
    void (*close)(struct source *source);
    void (*destroy)(struct source *source);
};
/* The first member of every implementation. */
struct source {
    const struct source_ops *ops;
};

/* The next step, after at most `timeout_ms`. Never fails: failures are steps. */
static inline void source_poll(struct source *s, int timeout_ms, struct source_step *step)
{
    s->ops->poll(s, timeout_ms, step);
}
/* Answers REVOKED or LOST: the assignment ends. */
static inline void source_release(struct source *s) { s->ops->release(s); }
/* Starts a commit; its end is a COMMITTED step. At most one is under way.
 * `metadata` is text without NUL, at most 4,096 bytes. False: not started. */
static inline bool source_commit(struct source *s, const struct source_position *positions,
                                 size_t count, const char *metadata)
{
    return s->ops->commit(s, positions, count, metadata);
}
/* While held, poll keeps the membership alive but hands over no MESSAGES, AT_END
 * or MISSING, and the last run of messages stays valid, so that a reader who is
 * in the middle of it can go on later. What was not handed over is not skipped. */
static inline void source_hold(struct source *s, bool held) { s->ops->hold(s, held); }
/* When (monotonic ms) the broker last said that nothing lies beyond the end at
 * which `slot` stands; -1 when it did not, or messages came since. */
static inline int64_t source_end_confirmed_ms(struct source *s, uint32_t slot)
{
    return s->ops->end_confirmed_ms(s, slot);
}
/* Messages between what was handed over and the end that the broker last
 * reported; -1 when unknown. */
static inline int64_t source_lag(struct source *s, uint32_t slot) { return s->ops->lag(s, slot); }
/* Leaves in order: asks for what is assigned to be REVOKED; when that is
 * answered, the following step is FINISHED. */
static inline void source_close(struct source *s) { s->ops->close(s); }
/* Frees it within a bounded time, closed or not, and nulls *s (NULL allowed). */
static inline void source_destroy(struct source **s)
{
    if (*s)
        (*s)->ops->destroy(*s);
    *s = NULL;
}

/* Files that are read by one or several sources, each on a thread of its own: a large
 * plain file in slices of whole lines, every other one whole by one of them. */
struct file_queue;
struct file_queue_options {
    const char *const *paths; /* borrowed for the queue's life; "-" is stdin */
    size_t count;
    unsigned sharers;         /* how many sources; with 1 nothing is sliced */
    int64_t slice_min;        /* bytes; 0: a sensible number */
};
/* A queue, or NULL with a message in `error` (for example a path that does not
 * open: all are opened here). It outlives its sources. */
struct file_queue *file_queue_create(const struct file_queue_options *options, char *error,
                                     size_t error_size);
void file_queue_destroy(struct file_queue **queue); /* NULL allowed */

struct source_file_options {
    struct file_queue *queue; /* shared with other sources, borrowed; or NULL: */
    const char *const *paths; /* what this one alone reads; borrowed for its life */
    size_t count;
    size_t frame_max;         /* longer lines are handed over without their bytes */
    bool rejects;             /* lines are those of a rejects file: frames with the key and the
                               * timestamp of their record; one run holds one */
};
/* Lines of files, in their order: without the line end (LF or CRLF); gzip and
 * zstd are recognised by their first bytes. A slice is an assignment too, of the
 * same file. A source, or NULL with a message in `error` (for example a path that
 * does not open). */
struct source *source_file_create(const struct source_file_options *options, char *error,
                                  size_t error_size);

enum source_start { SOURCE_START_EARLIEST, SOURCE_START_LATEST, SOURCE_START_TIME };

/* Members of a group that commit nothing: whoever left it would hand its partitions
 * to others, to be read from their start. So they end together. Made with zeros and
 * `reading` = how many they are; outlives them. */
struct source_kafka_together {
    atomic_int reading; /* those that are not through; negative once nobody is left */
    atomic_int readers; /* those that are through and had partitions */
};

/* Where a reader who keeps its own positions goes on: the next one, or -1 where it
 * has none. Called by source_poll. */
struct source_kafka_positions {
    int64_t (*next)(void *context, const char *cluster, const char *topic, int32_t partition);
    void *context;
};

struct kafka_properties;
struct source_kafka_options {
    const struct kafka_properties *properties; /* borrowed during the call */
    const char *topic;
    const char *group;
    bool start_committed;       /* take committed positions where there are any */
    const struct source_kafka_positions *positions; /* they are these, and not the group's.
                                 * Copied; NULL: the group's. Commit nothing then */
    enum source_start start;    /* for partitions without one */
    int64_t start_time_ms;      /* SOURCE_START_TIME */
    struct source_kafka_together *together; /* exit_at_end: borrowed; NULL: it is alone */
    bool exit_at_end;           /* FINISHED when the ends taken at assignment are reached */
};
/* A member of a consumer group. Brokers may be away: poll goes on trying. NULL
 * with a message in `error`. */
struct source *source_kafka_create(const struct source_kafka_options *options, char *error,
                                   size_t error_size);

#endif
