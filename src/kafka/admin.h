/* What a writer must know of a topic, and how it is made. */
#ifndef KAFKA_ADMIN_H
#define KAFKA_ADMIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "properties.h"

/* An rd_kafka_t; the type is left to those who include librdkafka. */
struct rd_kafka_s;

/* Bytes that a message takes in a batch beside its key, value and headers. */
#define KAFKA_MESSAGE_OVERHEAD 128

enum kafka_answer {
    KAFKA_ANSWERED,
    KAFKA_AWAY,    /* no answer in time, or one that will be another one later */
    KAFKA_DENIED,  /* this user may not */
    KAFKA_REFUSED  /* the brokers will not, whoever asks */
};

/* How long to wait for an answer. */
struct kafka_patience {
    int64_t until_ms;         /* monotonic */
    const atomic_int *stop;   /* gives up when *stop is set; NULL: never */
};
bool kafka_patience_over(const struct kafka_patience *patience);

struct kafka_topic {
    bool exists;               /* else nothing below is said */
    bool compacted;            /* cleanup.policy has "compact" */
    bool deleted;              /* cleanup.policy has "delete": retention applies */
    int64_t retention_ms;      /* -1: for ever */
    int64_t retention_bytes;   /* -1: no limit */
    int64_t message_bytes_max; /* of a compressed batch */
    int64_t insync_min;
};

/* A client for the calls below, with the user's properties: never makes topics
 * by asking for them. NULL with a message in `error`. */
struct kafka_admin;
struct kafka_admin *kafka_admin_create(const struct kafka_properties *properties, char *error,
                                       size_t error_size);
void kafka_admin_destroy(struct kafka_admin **admin);
/* What the client last complained of, such as a refused connection, or "". */
const char *kafka_admin_complaint(struct kafka_admin *admin);
/* Whether asking again is of no use: see kafka_notes_hopeless. */
bool kafka_admin_hopeless(struct kafka_admin *admin);
struct rd_kafka_s *kafka_admin_client(struct kafka_admin *admin);

/* The brokers of the cluster; 0 when nobody says within `timeout_ms`. */
int kafka_brokers_count(struct kafka_admin *admin, int timeout_ms);
/* Asks for the topic's configuration, through any client. *topic is written
 * when ANSWERED, also when the topic does not exist; otherwise `error` says
 * what happened. */
enum kafka_answer kafka_topic_describe(struct rd_kafka_s *client, const char *name,
                                       const struct kafka_patience *patience,
                                       struct kafka_topic *topic, char *error, size_t error_size);
/* The same without waiting. Ask; look from time to time, until true, when the
 * answer is as above (librdkafka gives up after 5 s); drop it before the client
 * goes. NULL: no memory. */
struct kafka_question;
struct kafka_question *kafka_question_ask(struct rd_kafka_s *client, const char *name);
bool kafka_question_answered(struct kafka_question *question, enum kafka_answer *answer,
                             struct kafka_topic *topic, char *error, size_t error_size);
void kafka_question_drop(struct kafka_question **question);
enum kafka_keep { KAFKA_KEEP_AS_USUAL, KAFKA_KEEP_FOREVER, KAFKA_KEEP_LAST_OF_KEY };
/* Makes it, with cleanup.policy=delete, or compact for KAFKA_KEEP_LAST_OF_KEY;
 * ANSWERED also when it is there by now. `partitions` below 1: the broker's default. */
enum kafka_answer kafka_topic_create(struct kafka_admin *admin, const char *name,
                                     int32_t partitions, enum kafka_keep keep,
                                     const struct kafka_patience *patience, char *error,
                                     size_t error_size);
/* Whether records up to `record_max` bytes can live in an existing topic, each
 * of them; false with the reason in `error`. Pure. */
bool kafka_topic_fits(const struct kafka_topic *topic, const char *name, size_t record_max,
                      char *error, size_t error_size);

/* The number of partitions of a topic in *count; 0: it does not exist. */
enum kafka_answer kafka_topic_partitions(const struct kafka_properties *properties,
                                         const char *name, const struct kafka_patience *patience,
                                         int32_t *count, char *error, size_t error_size);

#endif
