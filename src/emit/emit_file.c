/* Lines appended to a file, synced before they are acknowledged.
 *
 * A disk that is full or broken is an outage, not the end: what is not safe is
 * kept and tried again at each poll, and produce() answers FULL when no more
 * can be kept, which holds the reader back. down() tells of it.
 *
 * Half a line never stays: what a full disk took of it is cut off again, if no
 * other process writes to the file, and written anew later.
 *
 * After a failed sync nobody knows which pages reached the disk, and a second
 * sync would wrongly succeed. So everything since the last good one is written
 * again, on a line of its own; readers see some lines twice. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "emit.h"
#include "emit_outbox.h"

/* A sync may take many milliseconds: while the caller does not wait for
 * acknowledgements, one covers what came in this time. */
#define SYNC_EVERY_MS 200
/* Every further try after a failed sync writes the lines once more. */
#define RETRY_SYNC_MS 1000

struct emit_file {
    struct emit base;
    struct outbox box;
    int fd;
    bool alone;          /* a regular file that no other process has locked */
    int error;           /* errno of an outage that has not ended, or 0 */
    int64_t synced_ms;   /* monotonic: the last good sync */
    int64_t retry_ms;    /* nothing is written before this */
};

static struct emit_file *of(struct emit *emit)
{
    return (struct emit_file *)emit;
}

/* Ends a line that a crash or a failed sync has left torn. 0 or errno. */
static int end_torn_line(int fd)
{
    struct stat stat;
    char last = '\n';

    if (fstat(fd, &stat) != 0)
        return errno;
    if (!S_ISREG(stat.st_mode) || stat.st_size == 0)
        return 0;
    if (pread(fd, &last, 1, stat.st_size - 1) < 0)
        return errno;
    if (last != '\n' && write(fd, "\n", 1) != 1)
        return errno;
    return 0;
}

/* What can't be synced, a device or a FIFO, has nothing to lose. */
static int sync_data(int fd)
{
    if (fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
        return 0;
    return errno;
}

static int file_sync(struct emit_file *file)
{
    int error = sync_data(file->fd);
    int64_t now_ms = clock_monotonic_ms();

    if (error) {
        outbox_rewind(&file->box);
        file->retry_ms = now_ms + RETRY_SYNC_MS;
        return error;
    }
    outbox_synced(&file->box);
    file->synced_ms = now_ms;
    return 0;
}

static int file_write(struct emit_file *file, int timeout_ms)
{
    int error = file->retry_ms > 0 ? end_torn_line(file->fd) : 0;

    if (error)
        return error;
    file->retry_ms = 0;
    return outbox_write(&file->box, file->fd, timeout_ms);
}

/* Takes half a line back. */
static void file_cut(struct emit_file *file)
{
    size_t torn = outbox_torn(&file->box);
    struct stat stat;

    if (file->alone && torn > 0 && fstat(file->fd, &stat) == 0 && stat.st_size >= (off_t)torn &&
        ftruncate(file->fd, stat.st_size - (off_t)torn) == 0)
        outbox_unwrote(&file->box, torn);
}

/* An outage ends when all is written and safe. */
static void file_note(struct emit_file *file, int error)
{
    const char *bytes;

    if (error)
        file->error = error;
    else if (outbox_unwritten(&file->box, &bytes) == 0 && !outbox_unsynced(&file->box))
        file->error = 0;
}

/* Writes and syncs as far as the file lets us. */
static void file_flush(struct emit_file *file, int timeout_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int error, sync_error = 0;

    if (now_ms < file->retry_ms)
        return;
    error = file_write(file, timeout_ms);
    if (error)
        file_cut(file);
    /* What was written before an error is worth a sync as well. */
    if (outbox_unsynced(&file->box) &&
        (timeout_ms > 0 || now_ms >= file->synced_ms + SYNC_EVERY_MS))
        sync_error = file_sync(file);
    file_note(file, error ? error : sync_error);
}

static size_t file_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct emit_file *file = of(emit);
    size_t count;

    assert(timeout_ms >= 0 && room > 0);
    file_flush(file, timeout_ms);
    count = outbox_acks(&file->box, NULL, acks, room);
    /* Nothing comes before the outage ends: don't let the caller spin. */
    if (count == 0 && file->error)
        (void)poll(NULL, 0, timeout_ms);
    return count;
}

static enum emit_result file_produce(struct emit *emit, const struct emit_record *record)
{
    return outbox_add(&of(emit)->box, record->token, record->value ? record->value : "",
                      record->value_size);
}

static const char *file_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static const char *file_down(struct emit *emit)
{
    return of(emit)->error ? strerror(of(emit)->error) : NULL;
}

static void file_forget(struct emit *emit)
{
    struct emit_file *file = of(emit);

    file_cut(file);
    outbox_drop(&file->box);
    file->retry_ms = 1; /* at once, on a line of its own */
}

static void file_destroy(struct emit *emit)
{
    struct emit_file *file = of(emit);

    if (file->fd >= 0)
        close(file->fd);
    outbox_free(&file->box);
    free(file);
}

static const struct emit_ops file_ops = {
    .produce = file_produce,
    .poll = file_poll,
    .failed = file_failed,
    .destroy = file_destroy,
    .down = file_down,
    .forget = file_forget,
};

struct emit *emit_file_create(const char *path, char *error, size_t error_size)
{
    struct emit_file *file = calloc(1, sizeof *file);
    struct stat stat;
    int failure = ENOMEM;

    if (!file)
        goto failed;
    file->base.ops = &file_ops;
    file->fd = -1;
    if (!outbox_init(&file->box))
        goto failed;
    /* What is in it are people's ids: nobody else's to read. */
    file->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    failure = file->fd < 0 ? errno : end_torn_line(file->fd);
    if (failure)
        goto failed;
    file->alone = fstat(file->fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
                  flock(file->fd, LOCK_EX | LOCK_NB) == 0;
    return &file->base;

failed:
    snprintf(error, error_size, "%s: %s", path, strerror(failure));
    if (file)
        file_destroy(&file->base);
    return NULL;
}
