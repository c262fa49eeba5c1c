/* Bytes in, lines out.
 *
 *   bytes:  | handed over | line \n line \r\n the carry, so far without '\n' | free |
 *           0             begin                              scanned = end     room
 *
 * Reads fill the free part. When little of it is left, the carry moves to the
 * front; when the carry itself fills the buffer, the buffer doubles. A carry
 * above frame_max can only become a line that is told by its size, so it is
 * dropped and counted: the buffer never grows beyond frame_max and one read.
 *
 * A byte lies at an address that has its position in the file modulo LINES_ALIGN.
 * The kernel copies with `rep movsb`, which on AMD's Zen 4 takes three times as long
 * into an address that is 1 to 15 beyond the source modulo a page (16 to 31: a fifth
 * more), and lines of a power of two would keep such a distance for a whole file.
 *
 * Files are copied, not mapped: the page tables of a mapping cost what the copy does,
 * and lines that were handed over stay what they are when the file is cut. */
#include "source_file_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Fits a core's second-level cache: what read() copied is still there when it
 * is searched and decoded. */
#define LINES_BYTES (256 * 1024)
/* Fewer free bytes are not worth a read. */
#define LINES_READ_MIN (LINES_BYTES / 2)
#define LINES_ALIGN 64

bool file_lines_init(struct file_lines *lines, size_t frame_max)
{
    assert(frame_max > 0 && frame_max < SIZE_MAX / 2);
    *lines = (struct file_lines){.frame_max = frame_max, .room = LINES_BYTES};
    /* The longest carry is a frame and '\r'. */
    lines->room_max = frame_max + 1 + LINES_BYTES;
    lines->bytes = malloc(lines->room);
    file_lines_reset(lines, 0, INT64_MAX);
    return lines->bytes != NULL;
}

void file_lines_free(struct file_lines *lines)
{
    free(lines->bytes);
    *lines = (struct file_lines){0};
}

void file_lines_reset(struct file_lines *lines, int64_t position, int64_t limit)
{
    assert(position >= 0 && position <= limit);
    lines->begin = lines->scanned = lines->end = 0;
    lines->position = position;
    lines->limit = limit;
    lines->skipped = 0;
    lines->skipped_cr = false;
}

bool file_lines_done(const struct file_lines *lines)
{
    return lines->position >= lines->limit;
}

int64_t file_lines_reach(const struct file_lines *lines)
{
    return lines->position + (int64_t)(lines->skipped + lines->end - lines->begin);
}

static bool lines_grow(struct file_lines *lines)
{
    size_t room = lines->room < lines->room_max / 2 ? lines->room * 2 : lines->room_max;
    char *bytes = realloc(lines->bytes, room);

    if (!bytes)
        return false;
    lines->bytes = bytes;
    lines->room = room;
    return true;
}

/* The carry to the front, or as near to it as its position has it. */
static void lines_move(struct file_lines *lines)
{
    size_t carry = lines->end - lines->begin;
    size_t front = ((size_t)lines->position + lines->skipped - (uintptr_t)lines->bytes) %
                   LINES_ALIGN;

    if (front == lines->begin)
        return;
    memmove(lines->bytes + front, lines->bytes + lines->begin, carry);
    lines->begin = front;
    lines->scanned = lines->end = front + carry;
}

char *file_lines_room(struct file_lines *lines, size_t *room)
{
    assert(lines->scanned == lines->end);
    if (lines->begin == lines->end || lines->room - lines->end < LINES_READ_MIN)
        lines_move(lines);
    if (lines->room - lines->end < LINES_READ_MIN) {
        if (!lines_grow(lines))
            return NULL;
        lines_move(lines);
    }
    *room = lines->room - lines->end;
    assert(*room >= LINES_READ_MIN);
    return lines->bytes + lines->end;
}

void file_lines_added(struct file_lines *lines, size_t size)
{
    assert(size <= lines->room - lines->end);
    lines->end += size;
}

/* Ends the line at `begin` that has `size` bytes here and `ending` more. */
static void lines_take(struct file_lines *lines, struct message *message, size_t size,
                       size_t ending)
{
    const char *bytes = lines->bytes + lines->begin;
    size_t whole = lines->skipped + size;
    bool cr = size > 0 ? bytes[size - 1] == '\r' : lines->skipped_cr;

    message->size = whole - (ending > 0 && cr);
    message->bytes = message->size == 0 || message->size > lines->frame_max ? NULL : bytes;
    message->position = lines->position;
    message->next = lines->position + (int64_t)(whole + ending);
    lines->position = message->next;
    lines->begin += size + ending;
    lines->scanned = lines->begin;
    lines->skipped = 0;
    lines->skipped_cr = false;
}

/* Drops a carry that is too long to become a message with bytes. */
static void lines_skip(struct file_lines *lines)
{
    size_t carry = lines->end - lines->begin;

    if (carry == 0 || (lines->skipped == 0 && carry <= lines->frame_max + 1))
        return;
    lines->skipped += carry;
    lines->skipped_cr = lines->bytes[lines->end - 1] == '\r';
    lines->begin = lines->end;
}

size_t file_lines_split(struct file_lines *lines, struct message *messages, size_t count)
{
    size_t found = 0;

    while (found < count && lines->position < lines->limit) {
        const char *line = lines->bytes + lines->begin;
        const char *newline = memchr(lines->bytes + lines->scanned, '\n',
                                     lines->end - lines->scanned);

        if (!newline) {
            lines->scanned = lines->end;
            lines_skip(lines);
            break;
        }
        lines_take(lines, &messages[found++], (size_t)(newline - line), 1);
    }
    return found;
}

bool file_lines_last(struct file_lines *lines, struct message *message)
{
    size_t carry = lines->end - lines->begin;

    if (carry + lines->skipped == 0 || file_lines_done(lines))
        return false;
    assert(lines->scanned == lines->end);
    lines_take(lines, message, carry, 0);
    return true;
}
