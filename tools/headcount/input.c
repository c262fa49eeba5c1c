/* Lines out of a buffer that grows to the longest of them. A line above the
 * limit is skipped while it passes by, so memory never exceeds the limit.
 *
 * Where compressed data is damaged or ends too early, the lines before that
 * count; the one that was under way is no line. */
#include "input.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "file_stream.h"
#include "shown.h"

/* What is asked of the system at once. */
#define INPUT_CHUNK (64 * 1024)
/* Reports that are printed; the rest are only counted. A file of something
 * else would fill the terminal. */
#define INPUT_REPORTS_MAX 20
#define REPORT_ROOM 8448 /* a path and a reason */

struct input {
    struct input_options options;
    struct record_reader *reader; /* NULL until a record is asked for */
    size_t next_path;
    size_t until;      /* no path from here on is opened */
    const char *name;  /* of the open file */
    struct file_stream *file; /* NULL: none is open */
    bool at_end;       /* the open file has nothing more */
    bool skipping;     /* the line under way is too long */
    char *buffer;
    size_t room;
    size_t begin;      /* of what is not handed over yet */
    size_t scanned;    /* no line feed before this */
    size_t end;
    uint64_t line;     /* number of the line handed over last, from 1 */
    uint64_t refused;  /* lines */
    uint64_t unread;   /* files, or want of memory */
};

struct input *input_create(const struct input_options *options)
{
    struct input *input = calloc(1, sizeof(*input));
    if (!input)
        return NULL;
    input->options = *options;
    if (input->options.line_max == 0)
        input->options.line_max = INPUT_RECORD_MAX;
    input->until = options->count ? options->count : 1;
    return input;
}

void input_until(struct input *input, size_t count)
{
    assert(count <= input->options.count || count == 1);
    input->until = count;
}

void input_skip(struct input *input)
{
    assert(!input->file && input->next_path < input->options.count);
    input->next_path++;
}

/* One more that was refused or not read, and where. */
static void input_report(struct input *input, const char *what)
{
    uint64_t reports = input->refused + input->unread;
    if (input->options.quiet)
        return;
    if (reports <= INPUT_REPORTS_MAX)
        say("%s: %s\n", input->options.command, what);
    if (reports == INPUT_REPORTS_MAX)
        say("%s: further refusals are counted, not shown\n", input->options.command);
}

/* At a line of the open file. */
static void input_report_line(struct input *input, uint64_t line, const char *reason)
{
    char what[REPORT_ROOM];
    snprintf(what, sizeof(what), "%s:%" PRIu64 ": %s", input->name, line, reason);
    input_report(input, what);
}

void input_refuse(struct input *input, const char *reason)
{
    input->refused++;
    input_report_line(input, input->line, reason);
}

/* The rest of the open file. */
static void input_unread(struct input *input, const char *reason)
{
    input->unread++;
    input_report_line(input, input->line + 1, reason);
    input->at_end = true;
    input->skipping = false;
    input->begin = input->scanned = input->end = 0;
}

uint64_t input_refused(const struct input *input)
{
    return input->refused + input->unread;
}

/* False when there is no further file. */
static bool input_open_next(struct input *input)
{
    while (input->next_path < input->until) {
        const char *path = input->options.count ? input->options.paths[input->next_path] : "-";
        char error[REPORT_ROOM];
        input->next_path++;
        input->name = strcmp(path, "-") == 0 ? "stdin" : path;
        input->file = file_stream_open(path, error, sizeof(error));
        if (input->file) {
            input->begin = input->scanned = input->end = 0;
            input->line = 0;
            input->at_end = input->skipping = false;
            return true;
        }
        input->unread++;
        input_report(input, error);
    }
    return false;
}

/* Makes room for a chunk behind `end`. */
static bool input_reserve(struct input *input)
{
    if (input->begin > 0) {
        memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
        input->end -= input->begin;
        input->scanned -= input->begin;
        input->begin = 0;
    }
    if (input->room - input->end >= INPUT_CHUNK)
        return true;
    size_t room = input->room * 2 + INPUT_CHUNK;
    char *buffer = realloc(input->buffer, room);
    if (!buffer)
        return false;
    input->buffer = buffer;
    input->room = room;
    return true;
}

/* More bytes of the open file, or `at_end`. */
static void input_fill(struct input *input)
{
    enum file_stream_status status;
    size_t got;
    assert(input->file && !input->at_end);
    if (input->end - input->begin > input->options.line_max) {
        input->skipping = true;
        input->begin = input->scanned = input->end = 0;
    }
    if (!input_reserve(input)) {
        input_unread(input, "out of memory");
        return;
    }
    do
        status = file_stream_read(input->file, input->buffer + input->end, INPUT_CHUNK, INT_MAX,
                                  &got);
    while (status == FILE_STREAM_NOTHING);
    if (status == FILE_STREAM_FAILED)
        input_unread(input, file_stream_error(input->file));
    else if (status == FILE_STREAM_END)
        input->at_end = true;
    else
        input->end += got;
}

static bool input_is_blank(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
            return false;
    }
    return true;
}

/* Takes the line of `size` bytes at `begin`, and `taken` bytes with its line
 * feed. True when it is one to hand over. */
static bool input_take(struct input *input, size_t size, size_t taken)
{
    const char *bytes = input->buffer + input->begin;
    bool too_long = input->skipping || size > input->options.line_max;
    input->begin += taken;
    input->scanned = input->begin;
    input->skipping = false;
    input->line++;
    if (too_long)
        input_refuse(input, "the line is too long");
    return !too_long && !input_is_blank(bytes, size);
}

bool input_line(struct input *input, const char **bytes, size_t *size)
{
    for (;;) {
        if (!input->file && !input_open_next(input))
            return false;
        size_t left = input->end - input->scanned;
        char *feed = left ? memchr(input->buffer + input->scanned, '\n', left) : NULL;
        size_t begin = input->begin;
        size_t length = (feed ? (size_t)(feed - input->buffer) : input->end) - begin;
        bool last = !feed && input->at_end;
        if (feed || (last && (length > 0 || input->skipping))) {
            if (!input_take(input, length, length + (feed ? 1 : 0)))
                continue;
            *bytes = input->buffer + begin;
            *size = length;
            return true;
        }
        if (last) {
            file_stream_close(&input->file);
            continue;
        }
        input->scanned = input->end;
        input_fill(input);
    }
}

bool input_bytes(struct input *input, size_t size, const char **bytes)
{
    assert(input->file && size <= input->options.line_max);
    while (input->end - input->begin < size && !input->at_end)
        input_fill(input);
    bool enough = input->end - input->begin >= size;
    *bytes = input->buffer + input->begin;
    input->begin = enough ? input->begin + size : input->end;
    input->scanned = input->begin;
    return enough;
}

bool input_record(struct input *input, struct record *record)
{
    if (!input->reader)
        input->reader = record_reader_create();
    if (!input->reader) {
        input->unread++;
        input_report(input, "out of memory");
        return false;
    }
    const char *bytes, *error;
    size_t size;
    while (input_line(input, &bytes, &size)) {
        if (record_read(input->reader, bytes, size, record, &error) != RECORD_NONE)
            return true;
        input_refuse(input, error);
    }
    return false;
}

int input_close(struct input **input)
{
    struct input *closing = *input;
    if (!closing)
        return EXIT_DONE;
    int code = input_refused(closing) ? EXIT_FAILED : EXIT_DONE;
    if (closing->refused && !closing->options.quiet)
        say("%s: %" PRIu64 " line%s refused\n", closing->options.command,
            closing->refused, closing->refused == 1 ? "" : "s");
    file_stream_close(&closing->file);
    record_reader_destroy(&closing->reader);
    free(closing->buffer);
    free(closing);
    *input = NULL;
    return code;
}
