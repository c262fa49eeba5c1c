/* See source_file_rejects.h. A line that is torn or alien must not be counted as
 * a frame by accident: it becomes a lone brace, which is not JSON. */
#include "source_file_rejects.h"

#include <stdlib.h>

#include "json.h"
#include "limits.h"
#include "rejected.h"
#include "text.h"

/* Everything in a line but frame and key. */
#define FACTS_BYTES (64 * 1024)

struct file_rejects {
    size_t frame_max;
    struct json *json;
    struct text key, frame;
};

struct file_rejects *file_rejects_create(size_t frame_max)
{
    struct file_rejects *rejects = calloc(1, sizeof *rejects);

    if (!rejects)
        return NULL;
    rejects->frame_max = frame_max;
    rejects->json = json_create();
    if (!rejects->json || !json_reserve(rejects->json, file_rejects_line_max(frame_max)))
        file_rejects_destroy(&rejects);
    return rejects;
}

void file_rejects_destroy(struct file_rejects **rejects)
{
    if (!*rejects)
        return;
    json_destroy(&(*rejects)->json);
    text_free(&(*rejects)->key);
    text_free(&(*rejects)->frame);
    free(*rejects);
    *rejects = NULL;
}

size_t file_rejects_line_max(size_t frame_max)
{
    size_t size = 3 * frame_max + FACTS_BYTES;

    return size < LIMIT_FRAME_MAX ? size : LIMIT_FRAME_MAX;
}

bool file_rejects_read(struct file_rejects *rejects, struct message *message)
{
    struct rejected rejected;
    const char *error;

    if (!message->bytes && message->size > 0)
        return true; /* a line too long to keep */
    error = rejected_read(rejects->json, message->bytes, message->size, &rejects->key,
                          &rejects->frame, &rejected);
    if (rejects->key.failed || rejects->frame.failed)
        return false;
    message->key = error ? NULL : rejected.key;
    message->key_size = error ? 0 : rejected.key_size;
    message->timestamp_ms = error ? MESSAGE_NO_TIMESTAMP : rejected.timestamp_ms;
    message->bytes = error ? "{" : rejected.frame;
    message->size = error ? 1 : rejected.size;
    if (!error && !rejected.kept) {
        message->bytes = NULL;
        if (message->size <= rejects->frame_max)
            message->size = rejects->frame_max + 1;
    }
    return true;
}
