/* Files as a source: one piece after the other, a file or a slice of one, each an
 * assignment of one partition.
 *
 *   NEXT --open--> READING --end--> ENDED --revoked--> REVOKED --release--> NEXT
 *                     |                ^
 *                     +--- closing ----+   (without AT_END)
 *
 * READING hands over the whole lines of the buffer, up to a batch at a time,
 * before it reads again. Messages borrow from that one buffer, so nothing is
 * allocated or copied per line.
 *
 * Every path is opened once when the queue is made, so that a wrong name is told
 * before anything is counted. Regular files are closed again, since there may be
 * more of them than descriptors; FIFOs stay open, since their writers would see
 * that. */
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "file_stream.h"
#include "limits.h"
#include "source.h"
#include "source_file_lines.h"
#include "source_file_queue.h"
#include "source_file_rejects.h"

#define ERROR_BYTES 4608 /* a path and a reason */
/* A slice's last line is looked for in reads of this size behind its limit. */
#define READ_ON_BYTES (16 * 1024)

enum file_state { FILE_NEXT, FILE_READING, FILE_ENDED, FILE_REVOKED, FILE_FINISHED, FILE_FAILED };

struct source_file {
    struct source base;
    struct file_queue *queue;     /* borrowed, or `own` */
    struct file_queue *own;
    struct file_piece piece;      /* from ASSIGNED to release; its stream is NULL without one */
    enum file_state state;
    bool closing, held, committed;
    bool stream_ended;
    int64_t epoch_ms;             /* names what stdin gave in this run */
    int64_t end_confirmed_ms;
    struct file_lines lines;
    struct file_rejects *rejects; /* or NULL: lines are frames */
    struct source_partition partition;
    struct source_assignment assignment;
    char topic[ERROR_BYTES];
    char error[ERROR_BYTES];
    struct message messages[LIMIT_BATCH_MESSAGES];
};

static struct source_file *of(struct source *source)
{
    return (struct source_file *)source;
}

static void file_fail(struct source_file *file, struct source_step *step)
{
    file->state = FILE_FAILED;
    step->kind = SOURCE_FAILED;
    step->error = file->error;
}

static void file_fail_reading(struct source_file *file, struct source_step *step, const char *why)
{
    snprintf(file->error, sizeof file->error, "%s: %s behind byte %lld", file->piece.path, why,
             (long long)file_lines_reach(&file->lines));
    file_fail(file, step);
}

static void file_name_topic(struct source_file *file, const char *path)
{
    int64_t size, mtime_s;

    if (strcmp(path, "-") != 0 && file_stream_identity(file->piece.stream, &size, &mtime_s))
        snprintf(file->topic, sizeof file->topic, "%s size=%lld mtime=%lld", path,
                 (long long)size, (long long)mtime_s);
    else
        snprintf(file->topic, sizeof file->topic, "%s epoch=%lld", path,
                 (long long)file->epoch_ms);
}

static void file_assign_next(struct source_file *file, struct source_step *step)
{
    enum file_queue_status status = FILE_QUEUE_EMPTY;

    if (!file->closing)
        status = file_queue_take(file->queue, &file->piece, file->error, sizeof file->error);
    if (status == FILE_QUEUE_EMPTY) {
        file->state = FILE_FINISHED;
        step->kind = SOURCE_FINISHED;
        return;
    }
    if (status == FILE_QUEUE_FAILED) {
        file_fail(file, step);
        return;
    }
    file_lines_reset(&file->lines, file->piece.start, file->piece.limit);
    file->partition.start = file->piece.start;
    file_name_topic(file, file->piece.path);
    file->stream_ended = false;
    file->end_confirmed_ms = -1;
    file->state = FILE_READING;
    step->kind = SOURCE_ASSIGNED;
    step->assignment = &file->assignment;
}

/* Whole lines that were read already. */
static bool file_hand_over(struct source_file *file, struct source_step *step)
{
    size_t most = file->rejects ? 1 : LIMIT_BATCH_MESSAGES;
    size_t count = file_lines_split(&file->lines, file->messages, most);

    if (count == 0 && file->stream_ended && file_lines_last(&file->lines, file->messages))
        count = 1;
    if (count > 0 && file->rejects && !file_rejects_read(file->rejects, file->messages)) {
        file_fail_reading(file, step, "out of memory");
        return true;
    }
    step->kind = count > 0 ? SOURCE_MESSAGES : SOURCE_NOTHING;
    step->messages = file->messages;
    step->count = count;
    return count > 0;
}

/* Lines, or what their end means. */
static bool file_take_lines(struct source_file *file, struct source_step *step)
{
    if (file_hand_over(file, step))
        return true;
    if (!file->stream_ended && !file_lines_done(&file->lines))
        return false;
    file->state = FILE_ENDED;
    file->end_confirmed_ms = clock_monotonic_ms();
    step->kind = SOURCE_AT_END;
    step->position = file->lines.position;
    step->slice = file->piece.limit != INT64_MAX;
    step->final = true;
    return true;
}

/* How much to read: not much behind a slice, whose next lines are another's. */
static size_t file_read_size(const struct source_file *file, size_t room)
{
    int64_t left = file->piece.limit - file_lines_reach(&file->lines);

    if (left < READ_ON_BYTES)
        left = READ_ON_BYTES;
    return (int64_t)room < left ? room : (size_t)left;
}

/* What stood behind is lost, and the last line may be half of one. Who reads in slices
 * relies on the size: others stand behind. */
static bool file_was_cut(const struct source_file *file)
{
    return file->stream_ended && (file_lines_reach(&file->lines) < file->piece.size ||
                                  file_stream_was_cut(file->piece.stream));
}

/* Reads until there is a line, the time is over, or the file is. */
static void file_read(struct source_file *file, int timeout_ms, struct source_step *step)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t deadline_ms = now_ms + timeout_ms;

    while (!file_take_lines(file, step)) {
        size_t room, size;
        char *into;
        enum file_stream_status status;

        if (now_ms > deadline_ms)
            return;
        into = file_lines_room(&file->lines, &room);
        if (!into) {
            file_fail_reading(file, step, "out of memory");
            return;
        }
        status = file_stream_read(file->piece.stream, into, file_read_size(file, room),
                                  (int)(deadline_ms - now_ms), &size);
        if (status == FILE_STREAM_FAILED) {
            file_fail_reading(file, step, file_stream_error(file->piece.stream));
            return;
        }
        if (status == FILE_STREAM_NOTHING)
            return;
        file->stream_ended = status == FILE_STREAM_END;
        if (file_was_cut(file)) {
            file_fail_reading(file, step, "became shorter while it was read");
            return;
        }
        file_lines_added(&file->lines, size);
        now_ms = clock_monotonic_ms();
    }
}

static void file_revoke(struct source_file *file, struct source_step *step)
{
    int64_t size, mtime_s;

    file->state = FILE_REVOKED;
    step->kind = SOURCE_REVOKED;
    step->final = file->closing || file_queue_is_empty(file->queue);
    step->lost = !file_stream_identity(file->piece.stream, &size, &mtime_s);
    step->unread = file->lines.skipped + file->lines.end - file->lines.begin;
}

/* A failure stays, until close() asks for an orderly end. It was told already:
 * who goes on polling waits for something else. */
static void file_poll_failed(struct source_file *file, int timeout_ms, struct source_step *step)
{
    if (!file->closing) {
        (void)poll(NULL, 0, timeout_ms);
        file_fail(file, step);
    } else if (file->piece.stream) {
        file_revoke(file, step);
    } else {
        file_assign_next(file, step);
    }
}

static void file_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct source_file *file = of(source);

    assert(timeout_ms >= 0);
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    if (file->committed) {
        file->committed = false;
        step->kind = SOURCE_COMMITTED;
    } else if (file->state == FILE_NEXT) {
        file_assign_next(file, step);
    } else if (file->state == FILE_ENDED) {
        file_revoke(file, step);
    } else if (file->state == FILE_READING && file->closing) {
        /* What was taken from a pipe is not to be had again. */
        if (file->held || !file_hand_over(file, step))
            file_revoke(file, step);
    } else if (file->state == FILE_READING && !file->held) {
        file_read(file, timeout_ms, step);
    } else if (file->state == FILE_FINISHED) {
        step->kind = SOURCE_FINISHED;
    } else if (file->state == FILE_FAILED) {
        file_poll_failed(file, timeout_ms, step);
    } else {
        (void)poll(NULL, 0, timeout_ms);
    }
}

static void file_release(struct source *source)
{
    struct source_file *file = of(source);

    assert(file->state == FILE_REVOKED);
    file_stream_close(&file->piece.stream);
    file->state = FILE_NEXT;
}

/* A file is counted again from its start: there is nowhere to commit to. */
static bool file_commit(struct source *source, const struct source_position *positions,
                        size_t count, const char *metadata)
{
    struct source_file *file = of(source);

    (void)positions;
    (void)count;
    (void)metadata;
    assert(!file->committed);
    file->committed = true;
    return true;
}

static void file_hold(struct source *source, bool held)
{
    of(source)->held = held;
}

static int64_t file_end_confirmed_ms(struct source *source, uint32_t slot)
{
    assert(slot == 0);
    return of(source)->end_confirmed_ms;
}

static int64_t file_lag(struct source *source, uint32_t slot)
{
    (void)source;
    assert(slot == 0);
    return -1;
}

static void file_close(struct source *source)
{
    of(source)->closing = true;
}

static void file_destroy(struct source *source)
{
    struct source_file *file = of(source);

    file_stream_close(&file->piece.stream);
    file_lines_free(&file->lines);
    file_rejects_destroy(&file->rejects);
    file_queue_destroy(&file->own);
    free(file);
}

static const struct source_ops file_ops = {
    .poll = file_poll,
    .release = file_release,
    .commit = file_commit,
    .hold = file_hold,
    .end_confirmed_ms = file_end_confirmed_ms,
    .lag = file_lag,
    .close = file_close,
    .destroy = file_destroy,
};

static void file_fill_constants(struct source_file *file)
{
    file->base.ops = &file_ops;
    file->epoch_ms = clock_wall_ms();
    file->end_confirmed_ms = -1;
    file->partition = (struct source_partition){.partition = 0};
    file->assignment = (struct source_assignment){
        .cluster = "file",
        .topic = file->topic,
        .partitions_total = 1,
        .partitions = &file->partition,
        .count = 1,
    };
    for (size_t i = 0; i < LIMIT_BATCH_MESSAGES; i++)
        file->messages[i].timestamp_ms = MESSAGE_NO_TIMESTAMP;
}

struct source *source_file_create(const struct source_file_options *options, char *error,
                                  size_t error_size)
{
    const struct file_queue_options alone = {.paths = options->paths,
                                             .count = options->count, .sharers = 1};
    struct source_file *file = calloc(1, sizeof *file);
    size_t line_max = options->frame_max;

    if (!file)
        goto no_memory;
    file_fill_constants(file);
    file->queue = options->queue;
    if (options->rejects) {
        line_max = file_rejects_line_max(options->frame_max);
        file->rejects = file_rejects_create(options->frame_max);
        if (!file->rejects)
            goto no_memory;
    }
    if (!file_lines_init(&file->lines, line_max))
        goto no_memory;
    if (!file->queue)
        file->queue = file->own = file_queue_create(&alone, error, error_size);
    if (!file->queue)
        goto failed;
    return &file->base;

no_memory:
    snprintf(error, error_size, "out of memory");
failed:
    if (file)
        file_destroy(&file->base);
    return NULL;
}
