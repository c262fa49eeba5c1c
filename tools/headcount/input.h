/* The lines that a subcommand reads: from files one after the other, or stdin,
 * decompressed where they are gzip or zstd.
 *
 * A line that is no record is reported on stderr with its place and counted;
 * it never stops the rest. Memory: one line. Not for concurrent use. */
#ifndef HEADCOUNT_INPUT_H
#define HEADCOUNT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* The longest line that can be a record: a dense sketch of the highest
 * precision is 0.4 MB, a checkpoint of LIMIT_PARTITIONS partitions 1 MB. */
#define INPUT_RECORD_MAX (4 * 1024 * 1024)

struct input_options {
    const char *command;      /* what messages begin with ("headcount show"); borrowed */
    const char *const *paths; /* [count], borrowed for the input's life; "-" is stdin */
    size_t count;             /* 0: stdin */
    size_t line_max;          /* bytes; longer lines are refused. 0: INPUT_RECORD_MAX */
    bool quiet;               /* nothing goes to stderr */
};

struct input;

/* NULL when there is no memory. Files are opened one at a time, when their turn
 * comes; one that does not open is reported, counted and left out. */
struct input *input_create(const struct input_options *options);

/* Reading ends with the first `count` files, until the next call of this. */
void input_until(struct input *input, size_t count);
/* Leaves the next file out. Only between files. */
void input_skip(struct input *input);

/* The next line that is a record, borrowed until the next call; false at the
 * end. Blank lines are no error. */
bool input_record(struct input *input, struct record *record);

/* The next line that is not blank, whatever it holds, without its line feed;
 * borrowed until the next call. False at the end. */
bool input_line(struct input *input, const char **bytes, size_t *size);

/* The `size` bytes behind the last line (at most line_max), whatever they are;
 * borrowed until the next call. False when there are no more so many: the line
 * is then to be refused, and the file ends. */
bool input_bytes(struct input *input, size_t size, const char **bytes);

/* Refuses the line just handed over, for a reason that only the caller sees. */
void input_refuse(struct input *input, const char *reason);

/* Lines refused, and files that could not be read, so far. */
uint64_t input_refused(const struct input *input);

/* Says on stderr how many lines were refused, if any, frees *input (NULL is
 * allowed), sets it to NULL, and returns the exit code: EXIT_FAILED when
 * anything was refused or could not be read, else EXIT_DONE. */
int input_close(struct input **input);

#endif
