/* A line is built in memory and written at once, so that lines of several
 * threads or processes do not mix. What is not under our control (a string) is
 * cut to LOG_STRING_BYTES, so that a line is bounded. */
#include "log.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"
#include "shown.h"
#include "text.h"

#define LOG_STRING_BYTES 2048

static enum log_level log_most = LOG_INFO;
static enum log_format log_style = LOG_LOGFMT;
static bool log_on_terminal;

static const char *const level_names[] = {"error", "warn", "info", "debug"};
/* On a terminal a progress line may stand where the next line goes. */
static const char clear_line[] = "\r\033[K";
static const char no_memory[] = "level=error event=log_no_memory\n";

void log_configure(enum log_level most, enum log_format format)
{
    log_most = most;
    log_style = format;
    log_on_terminal = isatty(STDERR_FILENO);
}

static void put_name(struct text *line, const char *name)
{
    if (log_style == LOG_JSON) {
        text_char(line, line->size ? ',' : '{');
        text_json_string(line, name, strlen(name));
        text_char(line, ':');
    } else {
        if (line->size)
            text_char(line, ' ');
        text_string(line, name);
        text_char(line, '=');
    }
}

/* Whether a logfmt value can stand without quotes. */
static bool is_plain(const char *value, size_t size)
{
    for (size_t at = 0; at < size; at++)
        if (strchr(" \"=\\", value[at]))
            return false;
    return size > 0 && shown_length(value, size) == size;
}

static void put_string(struct text *line, const char *value)
{
    size_t size = value ? strnlen(value, LOG_STRING_BYTES + 1) : 0;

    if (size > LOG_STRING_BYTES) {
        /* Cut between two characters, not inside one. */
        size = LOG_STRING_BYTES;
        while (size > LOG_STRING_BYTES - 3 && ((unsigned char)value[size] & 0xc0) == 0x80)
            size--;
    }
    if (log_style == LOG_LOGFMT && is_plain(value, size))
        text_bytes(line, value, size);
    else
        text_shown_string(line, value, size);
}

static void put_double(struct text *line, double value)
{
    if (isfinite(value))
        text_json_double(line, value, 9);
    else
        put_string(line, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void put_time(struct text *line)
{
    int64_t now_ms = clock_wall_ms();

    if (now_ms < 0)
        now_ms = 0;
    if (now_ms / 1000 > LIMIT_TIME_S)
        now_ms = LIMIT_TIME_S * 1000;
    if (log_style == LOG_JSON)
        text_char(line, '"');
    text_utc(line, now_ms / 1000);
    if (!line->failed)
        line->size--; /* the Z comes behind the fraction */
    text_format(line, ".%03dZ", (int)(now_ms % 1000));
    if (log_style == LOG_JSON)
        text_char(line, '"');
}

static void put_field(struct text *line, const struct log_field *field)
{
    put_name(line, field->name);
    switch (field->kind) {
    case LOG_FIELD_INT:
        text_int(line, field->integer);
        break;
    case LOG_FIELD_STRING:
        put_string(line, field->string);
        break;
    case LOG_FIELD_DOUBLE:
        put_double(line, field->real);
        break;
    }
}

static void write_line(const char *bytes, size_t size)
{
    ssize_t written;

    /* A log that can't be written has nowhere to say so. */
    do
        written = write(STDERR_FILENO, bytes, size);
    while (written < 0 && errno == EINTR);
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    int saved = errno;
    struct text line = {0};

    if (level > log_most)
        return;
    put_name(&line, "ts");
    put_time(&line);
    put_name(&line, "level");
    put_string(&line, level_names[level]);
    put_name(&line, "event");
    put_string(&line, event);
    for (; fields->name; fields++)
        put_field(&line, fields);
    text_string(&line, log_style == LOG_JSON ? "}\n" : "\n");
    if (log_on_terminal)
        write_line(clear_line, sizeof clear_line - 1);
    if (line.failed)
        write_line(no_memory, sizeof no_memory - 1);
    else
        write_line(line.bytes, line.size);
    text_free(&line);
    errno = saved;
}
