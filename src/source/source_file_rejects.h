/* Lines of a rejects file, back to the messages they were. Private to the file
 * source. */
#ifndef SOURCE_FILE_REJECTS_H
#define SOURCE_FILE_REJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "message.h"

struct file_rejects;

/* NULL: no memory. */
struct file_rejects *file_rejects_create(size_t frame_max);
void file_rejects_destroy(struct file_rejects **rejects);
/* The longest line that a frame of frame_max bytes makes, with its key. */
size_t file_rejects_line_max(size_t frame_max);
/* Puts the frame, key and timestamp into *message that has the line; its position
 * stays. A frame that was not kept has no bytes, and a size beyond frame_max.
 * What is no such line becomes a frame that nothing accepts. The bytes are good
 * until the next call. False: no memory. */
bool file_rejects_read(struct file_rejects *rejects, struct message *message);

#endif
