/* A page of metrics in Prometheus' text format (version 0.0.4).
 *
 *     metrics_family(page, METRICS_COUNTER, "headcount_frames_total", "Valid frames.");
 *     metrics_int(page, "headcount_frames_total", NULL, frames);
 *
 * Names follow Prometheus' conventions: base units as the ending (_seconds, _bytes),
 * _total for what only grows. A failed allocation shows in the page, in the end. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdint.h>

#include "http.h"
#include "text.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE };

struct metrics_label {
    const char *name;  /* NULL ends them */
    const char *value; /* any text: what is no UTF-8 becomes U+FFFD */
};

/* The lines that come before the samples of a metric; all of them follow at once. */
void metrics_family(struct text *page, enum metrics_kind kind, const char *name,
                    const char *help);
/* One sample. `labels`: NULL: none. */
void metrics_int(struct text *page, const char *name, const struct metrics_label *labels,
                 int64_t value);
void metrics_double(struct text *page, const char *name, const struct metrics_label *labels,
                    double value);

/* A metric that is one sample. */
void metrics_counter(struct text *page, const char *name, const char *help, uint64_t value);
void metrics_gauge(struct text *page, const char *name, const char *help, int64_t value);

/* What every program tells of itself: headcount_build_info with its version and
 * `libraries`, and process_* as Prometheus' own clients name them, with the time
 * the program started. */
void metrics_program(struct text *page, const struct metrics_label *libraries);
/* headcount_http_*: what this server has answered. */
void metrics_http(struct text *page, const struct http_server *server);

#endif
