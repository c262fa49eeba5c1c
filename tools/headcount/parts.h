/* Files of records that are read by several threads, each file a part by itself.
 *
 * The caller takes the parts in the order of the files and joins them to its
 * whole. A part that would not be what the file's records are in their place (a
 * line was refused, the file can't be read twice) is not there: the caller then
 * reads the file itself. So whatever the number of threads, results and messages
 * are those of one. */
#ifndef HEADCOUNT_PARTS_H
#define HEADCOUNT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"
#include "record.h"

/* What a part is. All are called by one thread at a time for one part, and by
 * several for several. */
struct parts_kind {
    void *(*create)(const void *context); /* NULL: no memory */
    bool (*add)(void *part, const struct record *record); /* false: it is no part */
    void (*destroy)(void *part);
};

/* So many files a thread may be ahead of what was taken: finished parts are that
 * many a thread at most. */
#define PARTS_AHEAD 2

struct parts;

/* Starts `threads` threads (at least 1). Everything is borrowed until
 * parts_stop. NULL when there is no memory, or no thread. */
struct parts *parts_start(const struct parts_kind *kind, const void *context,
                          const struct args_list *files, size_t threads);
/* Waits for the part of file `index`, which counts up from 0 call by call. NULL:
 * the file has to be read by the caller. Else owned by the caller. */
void *parts_take(struct parts *parts, size_t index);
/* Ends the threads, which may be in the middle of files, and frees *parts (NULL is
 * allowed) with the parts that were not taken. */
void parts_stop(struct parts **parts);

/* Where parts may put temporary files. To be asked before there are threads, of which
 * none may read the environment, see calendar.h. */
const char *parts_folder(void);

/* How many threads are worth it: `asked`, or (0) as many as this process may use
 * processors, at most 8; never more than there are files. */
size_t parts_threads(int64_t asked, size_t files);

#endif
