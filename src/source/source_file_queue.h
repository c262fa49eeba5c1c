/* Who reads what of the files: pieces, handed to any number of sources. Private to
 * the file source; source.h makes and frees the queue. */
#ifndef SOURCE_FILE_QUEUE_H
#define SOURCE_FILE_QUEUE_H

#include "source.h"
#include "file_stream.h"

/* A file, or the lines of one that start in [start, limit). */
struct file_piece {
    const char *path;            /* borrowed from the queue's options */
    struct file_stream *stream;  /* its next byte is at `start`; the taker closes it */
    int64_t start;               /* where a line starts, or the file's end */
    int64_t limit;               /* INT64_MAX: up to the file's end */
    int64_t size;                /* what the file has to have: it is read in slices; else 0 */
};

enum file_queue_status { FILE_QUEUE_TAKEN, FILE_QUEUE_EMPTY, FILE_QUEUE_FAILED };

/* The next piece. FAILED with a message in `error` that names the file. Any thread. */
enum file_queue_status file_queue_take(struct file_queue *queue, struct file_piece *piece,
                                       char *error, size_t error_size);
/* There will be no other piece. Any thread. */
bool file_queue_is_empty(struct file_queue *queue);

#endif
