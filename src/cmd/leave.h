/* SIGINT and SIGTERM, of both programs. */
#ifndef CMD_LEAVE_H
#define CMD_LEAVE_H

#include <stdatomic.h>
#include <stdbool.h>

/* From now on, before any other thread is started: the first signal sets *stop,
 * which asks to leave in order. A second one ends the process with 1, and so does
 * leaving that takes more than 10 s; `effect` (static) then says what that does.
 * Once in a process. False: no thread. */
bool leave_on_signals(atomic_int *stop, const char *effect);

#endif
