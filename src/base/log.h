/* Messages on stderr: one line each, logfmt or JSON.
 *
 *   log_event(LOG_WARN, "clock_reset", LOG_I("partition", 3), LOG_I("by_s", 86400));
 *   ts=2016-07-11T13:39:00.123Z level=warn event=clock_reset partition=3 by_s=86400
 *
 * The level and the format are process-wide settings, set once by main() before
 * any thread starts. Safe from any thread; a line is one write(2). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

void log_configure(enum log_level most, enum log_format format);

struct log_field {
    const char *name;
    enum { LOG_FIELD_INT, LOG_FIELD_STRING, LOG_FIELD_DOUBLE } kind;
    int64_t integer;
    double real;
    const char *string; /* borrowed during the call; NULL is written as "" */
};

#define LOG_S(field, value) \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_STRING, .string = (value)})
#define LOG_I(field, value) \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_INT, .integer = (value)})
#define LOG_F(field, value) \
    ((struct log_field){.name = (field), .kind = LOG_FIELD_DOUBLE, .real = (value)})

/* log_event(LOG_WARN, "clock_reset", LOG_I("partition", 3), LOG_S("topic", t)); */
#define log_event(level, ...) LOG_EVENT_(level, __VA_ARGS__, (struct log_field){0})
#define LOG_EVENT_(level, event, ...) \
    log_fields((level), (event), (const struct log_field[]){__VA_ARGS__})

/* `fields` ends with one whose name is NULL. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields);

#endif
