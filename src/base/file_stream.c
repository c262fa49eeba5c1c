/* The bytes of one file, decompressed.
 *
 * The first bytes tell the format: 1f 8b is gzip (RFC 1952), 28 b5 2f fd and
 * 5x 2a 4d 18 are a zstd and a skippable frame (RFC 8878). Anything else is
 * taken as it is, read straight into the caller's buffer.
 *
 * gzip members and zstd frames may follow each other without end. Only a member
 * or frame that is whole counts as an end; zeros behind a gzip member are
 * padding, as gzip itself has it. Compressed bytes go through one raw buffer,
 * and memory is that buffer plus the decoder's window (zstd: at most 128 MiB,
 * its own default limit).
 *
 * What is not a regular file may have nothing to read for a long time. It is
 * waited for with poll(2), never in read(2), and without O_NONBLOCK on stdin,
 * since that flag would be shared with other processes. */
#include "file_stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define MAGIC_BYTES 4
#define RAW_BYTES (128 * 1024)
#define ERROR_BYTES 256

enum format { FORMAT_UNKNOWN, FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD };

struct file_stream {
    int fd;
    bool owned;      /* close fd: it is not stdin */
    bool regular;
    int64_t at;      /* a clone: its own place in the file, else -1 */
    struct stat stat;
    enum format format;
    bool raw_ended;  /* the file gave its last byte */
    bool failed;
    /* Bytes read and not used: the magic first, then compressed data. */
    unsigned char *raw;
    size_t raw_begin, raw_end;
    unsigned char magic[MAGIC_BYTES];
    /* The decoder may hold output that had no room. */
    bool output_waits;
    bool open_frame; /* a member or frame has begun and not ended */
    bool gzip_ready;
    z_stream gzip;
    ZSTD_DStream *zstd;
    char error[ERROR_BYTES];
};

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

struct file_stream *file_stream_open(const char *path, char *error, size_t error_size)
{
    struct file_stream *stream = calloc(1, sizeof *stream);

    if (!stream) {
        snprintf(error, error_size, "%s: out of memory", path);
        return NULL;
    }
    stream->at = -1;
    /* A FIFO opened without O_NONBLOCK would wait here for its first writer. */
    stream->fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    stream->owned = !is_stdin(path) && stream->fd >= 0;
    if (stream->fd < 0 || fstat(stream->fd, &stream->stat) != 0)
        goto failed;
    if (S_ISDIR(stream->stat.st_mode)) {
        errno = EISDIR;
        goto failed;
    }
    stream->regular = S_ISREG(stream->stat.st_mode);
    if (stream->regular)
        (void)posix_fadvise(stream->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return stream;

failed:
    snprintf(error, error_size, "%s: %s", path, strerror(errno));
    file_stream_close(&stream);
    return NULL;
}

bool file_stream_check(const char *path, struct file_stream **stream, char *error,
                       size_t error_size)
{
    *stream = file_stream_open(path, error, error_size);
    if (!*stream)
        return false;
    if ((*stream)->regular)
        file_stream_close(stream);
    return true;
}

void file_stream_close(struct file_stream **stream)
{
    struct file_stream *s = *stream;

    if (!s)
        return;
    if (s->gzip_ready)
        inflateEnd(&s->gzip);
    ZSTD_freeDStream(s->zstd);
    free(s->raw);
    if (s->owned)
        close(s->fd);
    free(s);
    *stream = NULL;
}

bool file_stream_identity(const struct file_stream *stream, int64_t *size, int64_t *mtime_s)
{
    if (!stream->regular)
        return false;
    *size = stream->stat.st_size;
    *mtime_s = stream->stat.st_mtime;
    return true;
}

/* What files of the kernel say of their size is not true, but does not change. */
bool file_stream_was_cut(const struct file_stream *stream)
{
    int64_t at = stream->at;
    struct stat now;

    if (!stream->regular)
        return false;
    if (at < 0)
        at = lseek(stream->fd, 0, SEEK_CUR);
    return at < stream->stat.st_size && fstat(stream->fd, &now) == 0 &&
           now.st_size < stream->stat.st_size;
}

const char *file_stream_error(const struct file_stream *stream)
{
    assert(stream->failed);
    return stream->error;
}

static enum file_stream_status stream_fail(struct file_stream *stream, const char *what,
                                           const char *why)
{
    stream->failed = true;
    snprintf(stream->error, sizeof stream->error, "%s%s%s", what, why ? ": " : "",
             why ? why : "");
    return FILE_STREAM_FAILED;
}

/* Waits until a read gives something: BYTES. Hang-up counts, read tells it. */
static enum file_stream_status stream_wait(struct file_stream *stream, int timeout_ms)
{
    struct pollfd wait = {.fd = stream->fd, .events = POLLIN};
    int ready;

    if (stream->regular)
        return FILE_STREAM_BYTES;
    ready = poll(&wait, 1, timeout_ms);
    if (ready > 0)
        return FILE_STREAM_BYTES;
    if (ready == 0 || errno == EINTR || errno == EAGAIN)
        return FILE_STREAM_NOTHING;
    return stream_fail(stream, "can't wait for input", strerror(errno));
}

static enum file_stream_status stream_read_raw(struct file_stream *stream, void *into,
                                               size_t room, int timeout_ms, size_t *size)
{
    enum file_stream_status status = stream_wait(stream, timeout_ms);
    ssize_t got;

    *size = 0;
    if (status != FILE_STREAM_BYTES)
        return status;
    do
        got = stream->at < 0 ? read(stream->fd, into, room)
                             : pread(stream->fd, into, room, stream->at);
    while (got < 0 && errno == EINTR && stream->regular);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return FILE_STREAM_NOTHING;
    if (got < 0)
        return stream_fail(stream, "can't be read", strerror(errno));
    if (got == 0) {
        stream->raw_ended = true;
        return FILE_STREAM_END;
    }
    *size = (size_t)got;
    stream->at += stream->at < 0 ? 0 : got;
    return FILE_STREAM_BYTES;
}

static const unsigned char gzip_magic[2] = {0x1f, 0x8b};
static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
static const unsigned char skip_magic[3] = {0x2a, 0x4d, 0x18}; /* behind 0x50..0x5f */

/* The format that `count` first bytes tell; UNKNOWN while they could become
 * one that is compressed. */
static enum format format_of(const unsigned char *magic, size_t count)
{
    if (count == 0)
        return FORMAT_UNKNOWN;
    if (memcmp(magic, gzip_magic, count < 2 ? count : 2) == 0)
        return count < 2 ? FORMAT_UNKNOWN : FORMAT_GZIP;
    if (memcmp(magic, zstd_magic, count) == 0)
        return count < 4 ? FORMAT_UNKNOWN : FORMAT_ZSTD;
    if ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, skip_magic, count - 1) == 0)
        return count < 4 ? FORMAT_UNKNOWN : FORMAT_ZSTD;
    return FORMAT_PLAIN;
}

static bool stream_start_decoder(struct file_stream *stream)
{
    stream->raw = malloc(RAW_BYTES);
    if (!stream->raw)
        return false;
    memcpy(stream->raw, stream->magic, stream->raw_end);
    if (stream->format == FORMAT_GZIP) {
        /* 15: the largest window; 16: gzip and nothing else. */
        stream->gzip_ready = inflateInit2(&stream->gzip, 15 + 16) == Z_OK;
        return stream->gzip_ready;
    }
    stream->zstd = ZSTD_createDStream();
    return stream->zstd != NULL;
}

/* Reads until the format is known. BYTES: it is. */
static enum file_stream_status stream_sniff(struct file_stream *stream, int timeout_ms)
{
    while (stream->format == FORMAT_UNKNOWN) {
        size_t got;
        enum file_stream_status status =
            stream_read_raw(stream, stream->magic + stream->raw_end,
                            MAGIC_BYTES - stream->raw_end, timeout_ms, &got);

        if (status == FILE_STREAM_END)
            stream->format = FORMAT_PLAIN;
        else if (status != FILE_STREAM_BYTES)
            return status;
        else
            stream->format = format_of(stream->magic, stream->raw_end += got);
    }
    if (stream->format != FORMAT_PLAIN && !stream_start_decoder(stream))
        return stream_fail(stream, "out of memory", NULL);
    return FILE_STREAM_BYTES;
}

bool file_stream_is_plain(struct file_stream *stream)
{
    return stream->regular && stream->owned &&
           stream_sniff(stream, 0) == FILE_STREAM_BYTES && stream->format == FORMAT_PLAIN;
}

struct file_stream *file_stream_clone(const struct file_stream *stream, int64_t at)
{
    struct file_stream *clone = calloc(1, sizeof *clone);

    assert(stream->format == FORMAT_PLAIN && stream->owned && at >= 0);
    if (!clone)
        return NULL;
    clone->fd = fcntl(stream->fd, F_DUPFD_CLOEXEC, 0);
    clone->owned = clone->fd >= 0;
    clone->regular = true;
    clone->stat = stream->stat;
    clone->format = FORMAT_PLAIN;
    clone->at = at;
    if (clone->fd < 0)
        file_stream_close(&clone);
    return clone;
}

void file_stream_seek(struct file_stream *stream, int64_t at)
{
    assert(stream->at >= 0 && at >= 0);
    stream->at = at;
}

static enum file_stream_status stream_read_plain(struct file_stream *stream, char *into,
                                                 size_t room, int timeout_ms, size_t *size)
{
    size_t left = stream->raw_end - stream->raw_begin, more = 0;

    if (left == 0)
        return stream_read_raw(stream, into, room, timeout_ms, size);
    assert(room > left);
    memcpy(into, stream->magic + stream->raw_begin, left);
    stream->raw_begin += left;
    /* The next call tells of an end or an error. */
    if (stream->regular)
        (void)stream_read_raw(stream, into + left, room - left, timeout_ms, &more);
    *size = left + more;
    return FILE_STREAM_BYTES;
}

/* Behind a member: zeros are padding, anything else begins another one. False:
 * nothing is left to inflate. */
static bool gzip_begin_member(struct file_stream *stream)
{
    while (stream->raw_begin < stream->raw_end && stream->raw[stream->raw_begin] == 0)
        stream->raw_begin++;
    if (stream->raw_begin == stream->raw_end)
        return false;
    stream->open_frame = true;
    if (inflateReset(&stream->gzip) != Z_OK)
        stream_fail(stream, "gzip can't start", NULL);
    return !stream->failed;
}

static enum file_stream_status stream_inflate(struct file_stream *stream, char *into, size_t room,
                                              size_t *size)
{
    z_stream *z = &stream->gzip;
    /* zlib counts in unsigned int. */
    unsigned take = room < (1u << 30) ? (unsigned)room : 1u << 30;
    int result;

    if (!stream->open_frame && !gzip_begin_member(stream))
        return stream->failed ? FILE_STREAM_FAILED : FILE_STREAM_BYTES;
    z->next_in = stream->raw + stream->raw_begin;
    z->avail_in = (unsigned)(stream->raw_end - stream->raw_begin);
    z->next_out = (unsigned char *)into;
    z->avail_out = take;
    result = inflate(z, Z_NO_FLUSH);
    *size = take - z->avail_out;
    stream->raw_begin = stream->raw_end - z->avail_in;
    stream->output_waits = z->avail_out == 0 && result != Z_STREAM_END;
    if (result == Z_STREAM_END)
        stream->open_frame = false;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        stream_fail(stream, "gzip data is damaged", z->msg);
    /* What came out before the damage counts; the next call reports it. */
    return stream->failed && *size == 0 ? FILE_STREAM_FAILED : FILE_STREAM_BYTES;
}

static enum file_stream_status stream_unzstd(struct file_stream *stream, char *into, size_t room,
                                             size_t *size)
{
    ZSTD_inBuffer in = {stream->raw, stream->raw_end, stream->raw_begin};
    ZSTD_outBuffer out = {into, room, 0};
    size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);

    *size = out.pos;
    stream->raw_begin = in.pos;
    if (ZSTD_isError(result)) {
        stream_fail(stream, "zstd data is damaged", ZSTD_getErrorName(result));
        return *size == 0 ? FILE_STREAM_FAILED : FILE_STREAM_BYTES;
    }
    stream->open_frame = result != 0;
    stream->output_waits = out.pos == out.size && result != 0;
    return FILE_STREAM_BYTES;
}

/* The next raw bytes, when the last ones are used up. */
static enum file_stream_status stream_refill(struct file_stream *stream, int timeout_ms)
{
    enum file_stream_status status;
    size_t got;

    if (stream->raw_begin < stream->raw_end || stream->output_waits)
        return FILE_STREAM_BYTES;
    status = stream->raw_ended
                 ? FILE_STREAM_END
                 : stream_read_raw(stream, stream->raw, RAW_BYTES, timeout_ms, &got);
    if (status == FILE_STREAM_END && stream->open_frame)
        return stream_fail(stream,
                           stream->format == FORMAT_GZIP ? "gzip data is truncated"
                                                         : "zstd data is truncated", NULL);
    if (status == FILE_STREAM_BYTES) {
        stream->raw_begin = 0;
        stream->raw_end = got;
    }
    return status;
}

enum file_stream_status file_stream_read(struct file_stream *stream, char *into, size_t room,
                                         int timeout_ms, size_t *size)
{
    enum file_stream_status status;

    assert(room > MAGIC_BYTES && timeout_ms >= 0);
    *size = 0;
    if (stream->failed)
        return FILE_STREAM_FAILED;
    if (stream->format == FORMAT_UNKNOWN) {
        status = stream_sniff(stream, timeout_ms);
        if (status != FILE_STREAM_BYTES)
            return status;
    }
    if (stream->format == FORMAT_PLAIN)
        return stream_read_plain(stream, into, room, timeout_ms, size);
    status = stream_refill(stream, timeout_ms);
    if (status != FILE_STREAM_BYTES)
        return status;
    return stream->format == FORMAT_GZIP ? stream_inflate(stream, into, room, size)
                                         : stream_unzstd(stream, into, room, size);
}
