/* Any bytes as a file: plain, gzip or zstd by its beginning. Lines follow each
 * other without a gap, stay within what was asked for, and the reading ends;
 * plain bytes give the lines of a plain walk over them. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source.h"

#define FRAME_MAX 64
/* A few bytes may unpack to gigabytes. */
#define READ_MAX (8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    const uint8_t *data;
    size_t size;
    bool plain;
    int64_t next; /* where the next line has to start */
};

static bool is_plain(const uint8_t *data, size_t size)
{
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b)
        return false;
    if (size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0)
        return false;
    return size < 4 || (data[0] & 0xf0) != 0x50 || memcmp(data + 1, "\x2a\x4d\x18", 3) != 0;
}

/* The line at walk->next, found byte by byte. */
static void check_plain(const struct walk *walk, const struct message *message)
{
    size_t start = (size_t)walk->next, end = start, next;

    assert(start < walk->size);
    while (end < walk->size && walk->data[end] != '\n')
        end++;
    next = end < walk->size ? end + 1 : end;
    if (next > end && end > start && walk->data[end - 1] == '\r')
        end--;
    assert(message->next == (int64_t)next);
    assert(message->size == end - start);
    if (message->bytes)
        assert(memcmp(message->bytes, walk->data + start, message->size) == 0);
}

static void check(struct walk *walk, const struct message *message)
{
    int64_t whole = message->next - message->position;

    assert(message->position == walk->next);
    assert(whole >= (int64_t)message->size && whole <= (int64_t)message->size + 2 && whole > 0);
    assert((message->bytes != NULL) == (message->size > 0 && message->size <= FRAME_MAX));
    if (message->bytes)
        assert(memchr(message->bytes, '\n', message->size) == NULL);
    if (walk->plain)
        check_plain(walk, message);
    walk->next = message->next;
}

/* Reads to the end, or to enough; whether it was the end. */
static bool read_all(struct source *source, struct walk *walk)
{
    struct source_step step;

    do {
        source_poll(source, 1000, &step);
        for (size_t i = 0; step.kind == SOURCE_MESSAGES && i < step.count; i++)
            check(walk, &step.messages[i]);
        if (step.kind == SOURCE_AT_END)
            assert(step.position == walk->next);
        if (step.kind == SOURCE_REVOKED)
            source_release(source);
        if (walk->next > READ_MAX)
            return false;
    } while (step.kind != SOURCE_FINISHED && step.kind != SOURCE_FAILED);
    return step.kind == SOURCE_FINISHED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk walk = {.data = data, .size = size, .plain = is_plain(data, size)};
    char path[40], error[200];
    const char *paths[] = {path};
    struct source_file_options options = {.paths = paths, .count = 1, .frame_max = FRAME_MAX};
    struct source *source;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    ssize_t wrote = write(fd, data, size);
    bool finished;

    assert(fd >= 0 && wrote == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    source = source_file_create(&options, error, sizeof error);
    assert(source != NULL);
    finished = read_all(source, &walk);
    if (walk.plain && size <= READ_MAX)
        assert(finished && walk.next == (int64_t)size);
    source_destroy(&source);
    close(fd);
    return 0;
}
