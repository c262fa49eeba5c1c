/* What a request line asks for: "/api/v1/uniques?by=day&tz=Europe%2FMadrid" -> a
 * path and fields. The one decoder of addresses: what comes out of it is UTF-8
 * without NUL, within the limits. Pure. */
#ifndef SERVE_HTTP_TARGET_H
#define SERVE_HTTP_TARGET_H

#include <stddef.h>

#include "http.h"
#include "limits.h"

struct http_target {
    char bytes[LIMIT_HTTP_TARGET_BYTES + 1]; /* what the others point into */
    const char *path;
    struct http_field fields[LIMIT_HTTP_FIELDS];
    size_t field_count;
};

/* 0, or the status of the answer (400, 414), with what is wrong in *why (static):
 * then nothing else is set. */
int http_target_parse(const char *raw, struct http_target *target, const char **why);

#endif
