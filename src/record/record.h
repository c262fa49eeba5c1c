/* The records on the output topic, as JSON lines: sketches and checkpoints. */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "headcount/codec.h"
#include "text.h"

enum record_state { RECORD_OPEN, RECORD_CLOSED, RECORD_LATE };
const char *record_state_name(enum record_state state);

/* One contribution to one window. Strings are borrowed. */
struct record_sketch {
    const char *stream;
    int64_t minute_s;
    const char *group;      /* canonical JSON object; "{}" is the total */
    enum record_state state;
    bool whole;
    uint64_t frames;
    const char *instance;
    int64_t epoch_ms;
    uint64_t sequence;
    const char *fields;
    struct hc_estimate estimate; /* of `sketch`; written, and on reading recomputed by nobody */
    const struct hc_sketch *sketch;
    const void *native;     /* [native_size], on reading: the form in which `sketch` came */
    size_t native_size;
    struct hc_codec *codec; /* writes faster with one; NULL: without, and on reading */
};

struct record_range {
    int64_t from, to; /* [from, to) */
};

struct record_partition {
    int32_t partition;
    int64_t from, to;
    const struct record_range *missing;
    size_t missing_count;
    int64_t watermark_s;  /* INT64_MIN: none yet, written as null */
    bool idle;
    bool end;
};

struct record_checkpoint {
    const char *stream;
    const char *instance;
    int64_t epoch_ms;
    uint64_t number;
    int64_t time_ms;
    const char *cluster;
    const char *topic;
    int32_t partitions_total;
    const char *input_group;
    uint64_t sequence_first, sequence_last; /* first > last: no sketch records */
    const uint64_t *replaced;
    size_t replaced_count;
    const struct record_partition *partitions;
    size_t partitions_count;
    uint64_t frames;
    uint64_t rejected[REJECT_COUNT];
    uint64_t rejects_lost; /* of the rejected: not set aside, though that was asked for */
};

/* Append one record without a line end. HC_ENOMEM (also of the buffer). */
enum hc_status record_write_sketch(const struct record_sketch *record, struct text *text);
enum hc_status record_write_checkpoint(const struct record_checkpoint *record, struct text *text);
/* The record's key: stream TAB minute TAB group; a checkpoint's: its instance. */
void record_key_sketch(const struct record_sketch *record, struct text *text);
void record_key_checkpoint(const struct record_checkpoint *record, struct text *text);
/* No sketch record of this precision is larger, in bytes, for these lengths. */
size_t record_size_max(unsigned precision, size_t stream_size, size_t group_size,
                       size_t instance_size);

enum record_kind { RECORD_NONE, RECORD_SKETCH, RECORD_CHECKPOINT };

struct record_reader;
struct record_reader *record_reader_create(void); /* NULL: no memory */
void record_reader_destroy(struct record_reader **reader);

/* What one line holds. All borrowed from the reader until its next call, the
 * sketch too. */
struct record {
    enum record_kind kind;
    struct record_sketch sketch;
    struct record_checkpoint checkpoint;
};
/* Reads one untrusted line. On RECORD_NONE *error says what is wrong (constant,
 * or borrowed until the next call). Unknown members are ignored; a version
 * above 1 is an error. */
enum record_kind record_read(struct record_reader *reader, const char *line, size_t size,
                             struct record *record, const char **error);

#endif
