/* How often which error reached us: of all clients that are made with properties
 * that name this tally (kafka_properties_tally). Any thread. */
#ifndef KAFKA_ERROR_TALLY_H
#define KAFKA_ERROR_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KAFKA_TALLY_MAX 96

struct kafka_tally_entry {
    bool producer;    /* of a producer; otherwise of a consumer, or of questions to brokers */
    int code;         /* rd_kafka_resp_err_t */
    const char *name; /* its name: "_TRANSPORT"; static */
    uint64_t times;
};

/* NULL: no memory. It lives until the last who holds it lets go: clients that never
 * come to an end do not. */
struct kafka_tally *kafka_tally_create(void);
struct kafka_tally *kafka_tally_hold(struct kafka_tally *tally); /* NULL allowed */
void kafka_tally_release(struct kafka_tally **tally);

/* Codes beyond the room of the table are counted with the last one's. */
void kafka_tally_count(struct kafka_tally *tally, bool producer, int code);
/* Into `entries`, [KAFKA_TALLY_MAX]; how many. */
size_t kafka_tally_read(struct kafka_tally *tally, struct kafka_tally_entry *entries);

#endif
