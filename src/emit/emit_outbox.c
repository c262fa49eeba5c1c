/* Lines that wait to be written, and their tokens. See the header for the
 * picture. */
#include "emit_outbox.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.h"

#define FIRST_ROOM 4096

bool outbox_init(struct outbox *box)
{
    *box = (struct outbox){0};
    box->marks = calloc(LIMIT_RECORDS_IN_FLIGHT, sizeof *box->marks);
    return box->marks != NULL;
}

void outbox_free(struct outbox *box)
{
    free(box->bytes);
    free(box->marks);
    *box = (struct outbox){0};
}

/* Forgets safe bytes, once they are the larger part. */
static void outbox_compact(struct outbox *box)
{
    size_t gone = (size_t)(box->safe - box->base);
    size_t left = box->size - gone;

    if (gone < left || gone == 0)
        return;
    memmove(box->bytes, box->bytes + gone, left);
    box->size = left;
    box->base = box->safe;
}

static bool outbox_reserve(struct outbox *box, size_t size)
{
    size_t room = box->room ? box->room : FIRST_ROOM;
    char *bytes;

    assert(size < SIZE_MAX / 4);
    while (room - box->size < size)
        room *= 2;
    if (room == box->room)
        return true;
    bytes = realloc(box->bytes, room);
    if (!bytes)
        return false;
    box->bytes = bytes;
    box->room = room;
    return true;
}

static bool outbox_is_lost(const struct outbox *box, const struct outbox_mark *mark)
{
    return mark->end > box->lost_from && mark->end <= box->lost_to;
}

static bool outbox_has_room(const struct outbox *box, size_t size)
{
    size_t held = box->size - (size_t)(box->safe - box->base);

    if (box->count == LIMIT_RECORDS_IN_FLIGHT)
        return false;
    if (box->count > 0 && outbox_is_lost(box, &box->marks[box->first]))
        return false;
    return held == 0 || (size < OUTBOX_BYTES && held < OUTBOX_BYTES - size);
}

enum emit_result outbox_add(struct outbox *box, uint64_t token, const char *line, size_t size)
{
    struct outbox_mark *mark;

    outbox_compact(box);
    if (!outbox_has_room(box, size))
        return EMIT_FULL;
    if (line) {
        if (!outbox_reserve(box, size + 1))
            return EMIT_FULL;
        memcpy(box->bytes + box->size, line, size);
        box->size += size;
        box->bytes[box->size++] = '\n';
    }
    mark = &box->marks[(box->first + box->count++) % LIMIT_RECORDS_IN_FLIGHT];
    mark->token = token;
    mark->end = box->base + box->size;
    return EMIT_OK;
}

size_t outbox_unwritten(const struct outbox *box, const char **bytes)
{
    size_t done = (size_t)(box->written - box->base);

    *bytes = box->bytes ? box->bytes + done : NULL;
    return box->size - done;
}

void outbox_wrote(struct outbox *box, size_t size)
{
    box->written += size;
    assert(box->written - box->base <= box->size);
}

void outbox_synced(struct outbox *box)
{
    box->safe = box->written;
}

void outbox_rewind(struct outbox *box)
{
    box->written = box->safe;
}

size_t outbox_torn(const struct outbox *box)
{
    uint64_t end = box->safe;

    for (size_t i = 0; i < box->count; i++) {
        const struct outbox_mark *mark = &box->marks[(box->first + i) % LIMIT_RECORDS_IN_FLIGHT];

        if (mark->end > box->written)
            break;
        end = mark->end;
    }
    return (size_t)(box->written - end);
}

void outbox_unwrote(struct outbox *box, size_t size)
{
    assert(box->written - box->safe >= size);
    box->written -= size;
}

void outbox_drop(struct outbox *box)
{
    box->lost_from = box->safe;
    box->lost_to = box->base + box->size;
    box->base = box->written = box->safe = box->lost_to;
    box->size = 0;
}

bool outbox_unsynced(const struct outbox *box)
{
    return box->written > box->safe;
}

size_t outbox_acks(struct outbox *box, const char *error, struct emit_ack *acks, size_t room)
{
    size_t given = 0;

    while (given < room && box->count > 0) {
        const struct outbox_mark *mark = &box->marks[box->first];

        if (!error && mark->end > box->safe)
            break;
        acks[given++] = (struct emit_ack){
            .token = mark->token,
            .error = error ? error : outbox_is_lost(box, mark) ? "given up" : NULL};
        box->first = (box->first + 1) % LIMIT_RECORDS_IN_FLIGHT;
        box->count--;
    }
    return given;
}

/* How many bytes write(2) takes at once without blocking; 0: none in time. A
 * regular file never blocks; a pipe that poll calls writable takes PIPE_BUF. */
static size_t write_room(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    struct stat stat;

    if (fstat(fd, &stat) != 0 || S_ISREG(stat.st_mode))
        return SSIZE_MAX;
    return poll(&wait, 1, timeout_ms) > 0 ? PIPE_BUF : 0;
}

int outbox_write(struct outbox *box, int fd, int timeout_ms)
{
    const char *bytes;
    size_t left;

    while ((left = outbox_unwritten(box, &bytes)) > 0) {
        size_t most = write_room(fd, timeout_ms);
        ssize_t wrote;

        if (most == 0)
            return 0;
        wrote = write(fd, bytes, left < most ? left : most);
        if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (wrote < 0)
            return errno;
        outbox_wrote(box, (size_t)wrote);
        /* Waited once is enough; what fits from now on is taken. */
        timeout_ms = 0;
    }
    return 0;
}
