/* Where records go: a Kafka topic, stdout, a file.
 *
 * A record is handed over with a token; the token comes back once, in an
 * acknowledgement, when the record is safe (acknowledged by the broker, or
 * written) or when it never will be. Only the pipeline's thread calls it. */
#ifndef EMIT_EMIT_H
#define EMIT_EMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a person wants to see of a sketch record. */
struct hc_sketch;
struct emit_summary {
    int64_t minute_s;   /* its start, Unix seconds */
    double uniques, low, high;
    const char *state;  /* "open", "closed", "late" */
    bool interim;       /* the minute is open and more of it will be published */
    const struct hc_sketch *sketch; /* borrowed during the call */
};

struct emit_header {
    const char *name;
    const char *value;
};

struct emit_record {
    const char *key;
    size_t key_size;
    const char *value;  /* without a line end; NULL is a message without value, or an empty line */
    size_t value_size;
    const struct emit_summary *summary; /* NULL: nothing for people to see. Who unites
                         * sketches takes it even when its answer is EMIT_FULL */
    const struct emit_header *headers;  /* Kafka only; a name of NULL ends them. Or NULL */
    uint64_t token;
};

struct emit_ack {
    uint64_t token;
    const char *error; /* NULL: safe. Else why not; static, or the emitter's for its life */
    bool too_large;    /* the error: it, or those it went with, were too much for the topic */
};

enum emit_result {
    EMIT_OK,
    EMIT_FULL,     /* poll, then try again */
    EMIT_TOO_LARGE /* more than the destination takes: never accepted */
};

struct emit;
struct emit_ops {
    enum emit_result (*produce)(struct emit *emit, const struct emit_record *record);
    size_t (*poll)(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room);
    const char *(*failed)(struct emit *emit);
    void (*destroy)(struct emit *emit);
    const char *(*down)(struct emit *emit); /* or NULL: it can't tell */
    void (*forget)(struct emit *emit);      /* or NULL: it goes on trying */
    void (*passed)(struct emit *emit, int64_t time_s); /* or NULL: it is all the same to it */
};
/* The first member of every implementation. */
struct emit {
    const struct emit_ops *ops;
};

/* Takes a record; its bytes are copied. On anything but EMIT_OK the token does
 * not come back. */
static inline enum emit_result emit_produce(struct emit *e, const struct emit_record *record)
{
    return e->ops->produce(e, record);
}
/* Moves things along and writes up to `room` acknowledgements to `acks`;
 * returns how many. Waits at most `timeout_ms` for the first. */
static inline size_t emit_poll(struct emit *e, int timeout_ms, struct emit_ack *acks, size_t room)
{
    return e->ops->poll(e, timeout_ms, acks, room);
}
/* Why nothing can be emitted any more (for people), or NULL. Borrowed until
 * the next call. */
static inline const char *emit_failed(struct emit *e) { return e->ops->failed(e); }
/* What stands in the way at present (for people), or NULL. It goes on trying.
 * Borrowed until the next call. */
static inline const char *emit_down(struct emit *e)
{
    return e->ops->down ? e->ops->down(e) : NULL;
}
/* Gives up what is not safe: it comes back as failed. What was under way may
 * have arrived all the same. */
static inline void emit_forget(struct emit *e)
{
    if (e->ops->forget)
        e->ops->forget(e);
}
/* No more is expected of minutes that end at `time_s` or before (INT64_MIN: not
 * known; INT64_MAX: of none); what was, has been produced. */
static inline void emit_passed(struct emit *e, int64_t time_s)
{
    if (e->ops->passed)
        e->ops->passed(e, time_s);
}
/* Frees it within a bounded time; what is not acknowledged is dropped. */
static inline void emit_destroy(struct emit **e)
{
    if (*e)
        (*e)->ops->destroy(*e);
    *e = NULL;
}

/* One record a line on stdout, written at each poll; keys are not written. */
struct emit *emit_stdout_create(void);
/* Readable lines on stdout: a line for each record with a summary that is not
 * interim. Records without one are acknowledged unseen. */
struct emit *emit_lines_create(void);
struct hc_sketch_options;
/* The same of several workers, each minute once, when the time that emit_passed is
 * told has passed it: the union of what came of it. It is shown again as late when
 * more comes then. Sketches take up to `memory_max` bytes; beyond, the oldest
 * minutes are shown early, and forgotten. Behind emit_passed(INT64_MAX) nothing is
 * left to be shown once all tokens are back. NULL: no memory. */
struct emit *emit_union_create(const struct hc_sketch_options *options, size_t memory_max);
/* `count` (2..LIMIT_WORKERS) emitters into handles[], each for a thread of its own,
 * that are one: records stay whole, and acknowledgements come back to whom they
 * belong. `inner`, whose time has passed when that of all has, goes with the last
 * of them. Tokens are below 2^57, but for their highest bit. False: no memory; `inner`
 * is still the caller's. */
bool emit_share(struct emit *inner, size_t count, struct emit **handles);
/* Lines appended to a file, synced before they are acknowledged. What can't be
 * written is kept and tried again. NULL with a message in `error`. */
struct emit *emit_file_create(const char *path, char *error, size_t error_size);

struct kafka_properties;
struct emit_kafka_options {
    const struct kafka_properties *properties; /* borrowed during the call */
    const char *topic;
    int32_t partitions;  /* of the topic if it has to be created */
    size_t record_max;   /* the largest record that must fit, bytes */
    bool keep_forever;   /* create with retention.ms=-1 and announce finite retention */
    bool overwrites;     /* the last record of a key is all that counts: create it compacted,
                          * and take one that is */
};

enum emit_kafka_status { EMIT_KAFKA_OK, EMIT_KAFKA_CONFIG, EMIT_KAFKA_FAILED };
/* A producer to a topic that was described and found fit, or created. CONFIG
 * (exit 78): the topic can't hold what we write, and `error` says why. FAILED:
 * could not be set up. While brokers are away it keeps trying, up to
 * `deadline_ms` of monotonic time (0: for ever), or until *stop is set. */
enum emit_kafka_status emit_kafka_create(const struct emit_kafka_options *options,
                                         int64_t deadline_ms, const atomic_int *stop,
                                         struct emit **emit, char *error, size_t error_size);

#endif
