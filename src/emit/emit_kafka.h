/* The parts of a Kafka emitter, for its two files alone. */
#ifndef EMIT_KAFKA_H
#define EMIT_KAFKA_H

#include <stdbool.h>

#include "client.h"
#include "emit.h"
#include "limits.h"

/* A topic's limit when the brokers do not tell. */
#define EMIT_KAFKA_BYTES_DEFAULT 1000000

struct emit_kafka {
    struct emit base;
    struct kafka_notes notes; /* owner: this */
    char *topic;
    bool overwrites;           /* it may be compacted */
    size_t record_max;
    int64_t message_bytes_max; /* what the topic takes, last we heard */
    rd_kafka_conf_t *conf;     /* makes producers, but for their sizes */
    rd_kafka_t *producer;
    rd_kafka_topic_t *handle;  /* of `topic` in `producer` */
    rd_kafka_t *retired;       /* made with an outdated limit: drains, or NULL */
    bool limit_doubted;        /* a batch was too large for the topic */
    int64_t asked_ms;          /* when the topic was last asked about */
    struct kafka_question *question; /* about it, under way in `producer`; or NULL */
    int failed_code;           /* of a delivery since the last poll; 0: none */
    int64_t waits_ms;          /* since when no acknowledgement came; 0: none is awaited */
    char failure[KAFKA_TEXT_MAX];
    /* Records that were taken and whose acknowledgement was not fetched: the
     * ring of acknowledgements can't overflow, since it has room for all. */
    size_t in_flight, in_flight_bytes;
    size_t acks_first, acks_count;
    struct emit_ack acks[LIMIT_RECORDS_IN_FLIGHT];
};

extern const struct emit_ops emit_kafka_ops;

/* The delivery report: puts an acknowledgement into the ring. */
void emit_kafka_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque);
/* A producer for the limit that is known; false with a message in `error`. */
bool emit_kafka_start(struct emit_kafka *kafka, char *error, size_t error_size);

#endif
