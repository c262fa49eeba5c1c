/* The bytes of one file, stdin or FIFO, decompressed. A stream belongs to one
 * thread at a time. */
#ifndef BASE_FILE_STREAM_H
#define BASE_FILE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_stream;

enum file_stream_status {
    FILE_STREAM_BYTES,   /* `*size` bytes more; 0 is progress without a byte */
    FILE_STREAM_NOTHING, /* the time is over, or a signal came */
    FILE_STREAM_END,
    FILE_STREAM_FAILED   /* file_stream_error() says why; it stays so */
};

/* Opens `path` ("-" is stdin). NULL with a message in `error` that names it. */
struct file_stream *file_stream_open(const char *path, char *error, size_t error_size);
/* Whether it could be opened, without keeping a descriptor of a regular file.
 * What must not be opened twice (a FIFO) is returned open in *stream. */
bool file_stream_check(const char *path, struct file_stream **stream, char *error,
                       size_t error_size);
/* Frees it and nulls *stream (NULL allowed). Stdin stays open. */
void file_stream_close(struct file_stream **stream);

/* What names this content: "size=S mtime=T" of a regular file, else false. */
bool file_stream_identity(const struct file_stream *stream, int64_t *size, int64_t *mtime_s);
/* Whether the file has become shorter since it was opened, and reading ended before
 * the end that it had. */
bool file_stream_was_cut(const struct file_stream *stream);
/* Whether it is a regular file, not stdin, that is not compressed; looks at its
 * first bytes. */
bool file_stream_is_plain(struct file_stream *stream);
/* The same plain file from byte `at` on, independent of `stream`. NULL with errno. */
struct file_stream *file_stream_clone(const struct file_stream *stream, int64_t at);
/* A clone goes on at `at`. */
void file_stream_seek(struct file_stream *stream, int64_t at);

/* Up to `room` (> 4) bytes into `into`. Waits at most `timeout_ms` for a pipe. */
enum file_stream_status file_stream_read(struct file_stream *stream, char *into, size_t room,
                                         int timeout_ms, size_t *size);
/* Why it failed, without the path. Borrowed from the stream. */
const char *file_stream_error(const struct file_stream *stream);

#endif
