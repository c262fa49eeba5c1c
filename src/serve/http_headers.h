/* What a request's headers say, as far as we ask: values as they came, or NULL where
 * there is none. Pure. */
#ifndef SERVE_HTTP_HEADERS_H
#define SERVE_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

/* Accept-Encoding: gzip is welcome. */
bool http_accepts_gzip(const char *value);
/* If-None-Match: `tag`, with its quotes and W/, is in the list, by weak comparison. */
bool http_tag_is_known(const char *value, const char *tag);
/* Host: a name of this machine that only the machine itself uses: localhost,
 * 127.0.0.0/8, [::1], with any port. A page of others whose name was made to
 * point here (DNS rebinding) sends its own. */
bool http_host_is_local(const char *value);
/* Authorization: Bearer TOKEN; or Basic, with any user and TOKEN as the password,
 * for clients that know nothing else. The comparison takes equally long wherever
 * they differ. */
bool http_token_is_right(const char *value, const char *token);
/* Last-Event-ID that can be one of ours: some visible characters of ASCII. */
bool http_event_id_is_sane(const char *value);

#endif
