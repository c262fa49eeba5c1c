/* See source_file_queue.h. Files are handed out in their order, and what can't be
 * read from two places at once goes whole: pipes, compressed files, small ones.
 * A plain file is cut into slices,
 *
 *     0            to           to                    size
 *     | line line l|ine line line line l|ine ... line |
 *       first slice  second slice          last one, up to wherever the file ends
 *
 * and a slice has the lines that start in it: who takes one skips the line that
 * has begun before it, and reads on behind it until its last line ends. So each
 * line belongs to one slice, and the slices' lines follow each other without a
 * gap. One in which no line starts is nobody's; the last one is always handed
 * out, since somebody has to tell that the file ended.
 *
 * A slice is a part of what is left of the file, so that the first ones are
 * large and the last ones small, and the sharers end at about the same time
 * (guided self-scheduling: Polychronopoulos and Kuck, 1987). */
#include "source_file_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Less is not worth the checkpoint that stands at a slice's end. */
#define SLICE_MIN (4 * 1024 * 1024)
/* Behind this one the others wait for their readable lines. */
#define SLICE_MAX (256 * 1024 * 1024)
/* Of what is left, a slice is this part for each sharer. */
#define SLICE_PART 2
#define SKIP_BYTES (16 * 1024)

struct file_queue {
    pthread_mutex_t lock;
    struct file_queue_options o;
    struct file_stream **waiting; /* [count]: opened at creation, or NULL */
    size_t next;                  /* of the paths */
    struct file_stream *sliced;   /* of the path before `next`, when it is read in slices */
    int64_t size, at;             /* of it; where the next slice begins */
};

struct file_queue *file_queue_create(const struct file_queue_options *options, char *error,
                                     size_t error_size)
{
    struct file_queue *queue = calloc(1, sizeof *queue);

    if (!queue || pthread_mutex_init(&queue->lock, NULL) != 0) {
        snprintf(error, error_size, "out of memory");
        free(queue);
        return NULL;
    }
    queue->o = *options;
    if (queue->o.slice_min == 0)
        queue->o.slice_min = SLICE_MIN;
    queue->waiting = calloc(options->count + 1, sizeof *queue->waiting);
    if (!queue->waiting) {
        snprintf(error, error_size, "out of memory");
        goto failed;
    }
    for (size_t i = 0; i < options->count; i++)
        if (!file_stream_check(options->paths[i], &queue->waiting[i], error, error_size))
            goto failed;
    return queue;

failed:
    file_queue_destroy(&queue);
    return NULL;
}

void file_queue_destroy(struct file_queue **queue)
{
    struct file_queue *q = *queue;

    if (!q)
        return;
    for (size_t i = 0; q->waiting && i < q->o.count; i++)
        file_stream_close(&q->waiting[i]);
    file_stream_close(&q->sliced);
    free(q->waiting);
    pthread_mutex_destroy(&q->lock);
    free(q);
    *queue = NULL;
}

/* The next path as a whole, or as the one that is sliced from now on. */
static enum file_queue_status take_file(struct file_queue *queue, struct file_piece *piece,
                                        char *error, size_t error_size)
{
    struct file_stream *stream = queue->waiting[queue->next];
    int64_t mtime_s;

    *piece = (struct file_piece){.path = queue->o.paths[queue->next], .limit = INT64_MAX};
    queue->waiting[queue->next++] = NULL;
    if (!stream)
        stream = file_stream_open(piece->path, error, error_size);
    if (!stream)
        return FILE_QUEUE_FAILED;
    if (queue->o.sharers > 1 && file_stream_identity(stream, &queue->size, &mtime_s) &&
        queue->size >= 2 * queue->o.slice_min && file_stream_is_plain(stream)) {
        queue->sliced = stream;
        queue->at = 0;
    } else {
        piece->stream = stream;
    }
    return FILE_QUEUE_TAKEN;
}

static int64_t slice_size(const struct file_queue *queue)
{
    int64_t left = queue->size - queue->at;
    int64_t size = left / (SLICE_PART * (int64_t)queue->o.sharers);

    if (size > SLICE_MAX)
        size = SLICE_MAX;
    if (size < queue->o.slice_min)
        size = queue->o.slice_min;
    return left - size < queue->o.slice_min ? left : size;
}

/* The next slice of the file that is sliced; `start` is where it begins, be that in
 * the middle of a line. */
static enum file_queue_status take_slice(struct file_queue *queue, struct file_piece *piece,
                                         char *error, size_t error_size)
{
    int64_t to = queue->at + slice_size(queue);

    assert(queue->at < queue->size && to <= queue->size);
    *piece = (struct file_piece){.path = queue->o.paths[queue->next - 1],
                                 .start = queue->at,
                                 .limit = to < queue->size ? to : INT64_MAX,
                                 .size = queue->size};
    piece->stream = file_stream_clone(queue->sliced, queue->at);
    if (!piece->stream) {
        snprintf(error, error_size, "%s: %s", piece->path, strerror(errno));
        return FILE_QUEUE_FAILED;
    }
    queue->at = to;
    if (to == queue->size)
        file_stream_close(&queue->sliced);
    return FILE_QUEUE_TAKEN;
}

static enum file_queue_status take_any(struct file_queue *queue, struct file_piece *piece,
                                       char *error, size_t error_size)
{
    enum file_queue_status status = FILE_QUEUE_EMPTY;

    pthread_mutex_lock(&queue->lock);
    if (!queue->sliced && queue->next < queue->o.count)
        status = take_file(queue, piece, error, error_size);
    if (queue->sliced)
        status = take_slice(queue, piece, error, error_size);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

/* Moves `start` on to the first line that starts at it or behind. False: reading
 * failed. */
static bool skip_begun_line(struct file_piece *piece)
{
    char bytes[SKIP_BYTES];
    /* A line starts at `start` if the byte before it ends one. */
    int64_t at = piece->start - 1;
    enum file_stream_status status = FILE_STREAM_BYTES;
    const char *newline = NULL;

    file_stream_seek(piece->stream, at);
    while (!newline && at < piece->limit && status == FILE_STREAM_BYTES) {
        size_t size;

        status = file_stream_read(piece->stream, bytes, sizeof bytes, 0, &size);
        newline = size > 0 ? memchr(bytes, '\n', size) : NULL;
        at += newline ? newline - bytes + 1 : (int64_t)size;
    }
    piece->start = at;
    file_stream_seek(piece->stream, at);
    return status != FILE_STREAM_FAILED;
}

enum file_queue_status file_queue_take(struct file_queue *queue, struct file_piece *piece,
                                       char *error, size_t error_size)
{
    for (;;) {
        enum file_queue_status status = take_any(queue, piece, error, error_size);

        if (status != FILE_QUEUE_TAKEN || piece->start == 0)
            return status;
        if (!skip_begun_line(piece)) {
            snprintf(error, error_size, "%s: %s", piece->path, file_stream_error(piece->stream));
            file_stream_close(&piece->stream);
            return FILE_QUEUE_FAILED;
        }
        if (piece->start < piece->limit)
            return FILE_QUEUE_TAKEN;
        file_stream_close(&piece->stream);
    }
}

bool file_queue_is_empty(struct file_queue *queue)
{
    bool empty;

    pthread_mutex_lock(&queue->lock);
    empty = !queue->sliced && queue->next == queue->o.count;
    pthread_mutex_unlock(&queue->lock);
    return empty;
}
