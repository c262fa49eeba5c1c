/* The bearer token of a file. */
#ifndef SERVE_HTTP_TOKEN_H
#define SERVE_HTTP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "limits.h"

/* The one line of the file: LIMIT_HTTP_TOKEN_MIN to LIMIT_HTTP_TOKEN_BYTES visible
 * characters of ASCII, nobody else's to read. False with a line for people that
 * names the file and nothing of what it holds; `token` is wiped then. The process is
 * hidden first (secret_hide_process). */
bool http_token_read(const char *path, char token[LIMIT_HTTP_TOKEN_BYTES + 1], char *error,
                     size_t error_size);

#endif
