/* Live events as text. Private to the live hub. */
#ifndef BOARD_LIVE_EVENTS_H
#define BOARD_LIVE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "live_log.h"
#include "store.h"
#include "text.h"

/* "event: rows" with what the store has in the answer's ranges; nothing, if it has no
 * row there. False: they can't be had, and `text` is as it was. */
bool live_write_rows(struct text *text, struct store_reader *reader, const char *stream,
                     const struct live_answer *answer);
/* "event: changed" */
void live_write_changed(struct text *text, const char *stream, int64_t from_s, int64_t to_s);

#endif
