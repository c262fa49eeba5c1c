/* Answers to those who watch a program: 200 with one line, or 503 with the reason.
 *
 *   /-/healthy  it turns: its loops come round. If not, starting it again may help.
 *   /-/ready    it does its work: it has something to read, and what it read gets
 *               on. A program that waits for a broker is healthy and not ready.
 *
 * The reasons are constant texts: they name nothing that only some may know, so that
 * these two can be open to all. */
#ifndef SERVE_HEALTH_H
#define SERVE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"

/* `wrong` NULL: 200 with `well`. Both static. */
void health_answer(struct http_response *response, const char *well, const char *wrong);

/* Something that is to happen again and again: when it was last all right. */
struct health_progress {
    int64_t good_ms;
};

void health_start(struct health_progress *progress, int64_t now_ms);
void health_note(struct health_progress *progress, bool good, int64_t now_ms);
bool health_is_stuck(const struct health_progress *progress, int64_t now_ms, int64_t patience_ms);

#endif
