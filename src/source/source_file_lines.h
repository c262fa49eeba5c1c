/* Bytes in, lines out: the splitter of the file source. Pure but for the
 * memory of its one buffer. Private to the file source. */
#ifndef SOURCE_FILE_LINES_H
#define SOURCE_FILE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

struct file_lines {
    char *bytes;
    size_t room, room_max;
    size_t begin;     /* of the first line that was not handed over */
    size_t scanned;   /* there is no '\n' in [begin, scanned) */
    size_t end;       /* of the bytes held */
    size_t frame_max;
    int64_t position; /* of the current line's start in the stream */
    int64_t limit;    /* lines that start here or behind are not handed over */
    size_t skipped;   /* bytes of the current line that were dropped, being too many */
    bool skipped_cr;  /* the last of them was '\r' */
};

/* False: no memory. Lines above `frame_max` bytes are told by size alone. */
bool file_lines_init(struct file_lines *lines, size_t frame_max);
void file_lines_free(struct file_lines *lines);
/* Forgets all bytes. The next ones begin a line at `position`; lines that start at
 * `limit` or behind are another's. */
void file_lines_reset(struct file_lines *lines, int64_t position, int64_t limit);
/* All lines below the limit were handed over. */
bool file_lines_done(const struct file_lines *lines);
/* Where the next byte belongs that is added. */
int64_t file_lines_reach(const struct file_lines *lines);

/* Where to put more bytes, at most *room (> 0) of them; NULL: no memory. Only
 * when split() has nothing more. Ends what messages borrow. */
char *file_lines_room(struct file_lines *lines, size_t *room);
void file_lines_added(struct file_lines *lines, size_t size);

/* The next whole lines, at most `count` of them. Bytes, size, position and next
 * are written; the other members of `messages` are left alone. */
size_t file_lines_split(struct file_lines *lines, struct message *messages, size_t count);
/* At the end of the stream, after split() has nothing more: the last line that
 * has no line end. False: there is none. */
bool file_lines_last(struct file_lines *lines, struct message *message);

#endif
