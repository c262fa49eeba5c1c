/* librdkafka properties: ours, the user's, the refused ones, secrets.
 *
 * The user's come from -X key=value (one string each, also from environment
 * and file). A value that starts with '@' for a secret property is a path whose
 * first line is the secret (of a .pem: the whole file). Nothing here logs a
 * value of a secret, and from the first one on the process is hidden (secret.h). */
#ifndef KAFKA_PROPERTIES_H
#define KAFKA_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>

struct kafka_properties;

/* Checks and keeps `brokers` and the `count` strings in `pairs` (copied). NULL
 * with a message in `error` that names the property and why: unknown, refused
 * (it can run code, or a guarantee rests on it), malformed, secret unreadable. */
struct kafka_properties *kafka_properties_create(const char *brokers, const char *const *pairs,
                                                 size_t count, char *error, size_t error_size);
void kafka_properties_destroy(struct kafka_properties **properties);

struct kafka_tally;
/* Clients that are made with them from now on count their errors there, too. Held
 * by the properties and the clients. */
void kafka_properties_tally(struct kafka_properties *properties, struct kafka_tally *tally);

/* Where in "key=value" the value begins, if it is a secret itself and not the
 * name of a file that holds one; 0 otherwise. */
size_t kafka_pair_secret(const char *pair);

/* Writes what -X list shows to `stream` (FILE *). */
void kafka_properties_list(void *stream);

/* "2.0.2": the version of the librdkafka in use; static. */
const char *kafka_version(void);

/* What --validate asks of the brokers: reachable, input topic there (with how
 * many partitions), output topic there and fit. Waits up to `timeout_ms`. One
 * line a finding on `stream`; true when nothing stands in the way. */
struct kafka_check {
    const char *input;    /* NULL: none */
    const char *output;   /* NULL: none */
    const char *rejects;  /* the topic for rejected frames. NULL: none */
    size_t record_max;    /* bytes of the largest record */
};
bool kafka_check(const struct kafka_properties *properties, const struct kafka_check *check,
                 int timeout_ms, void *stream);

#endif
