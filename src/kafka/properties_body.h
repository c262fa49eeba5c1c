/* What a struct kafka_properties holds. Private to src/kafka. */
#ifndef KAFKA_PROPERTIES_BODY_H
#define KAFKA_PROPERTIES_BODY_H

#include <stdbool.h>
#include <stddef.h>

struct kafka_pair {
    char *name;
    char *value;
    char role; /* 'C', 'P', or '*' for both */
};

struct kafka_properties {
    char *brokers;
    struct kafka_pair *pairs; /* [count], as the user gave them */
    size_t count;
    bool scram_fails;
    struct kafka_tally *tally; /* or NULL */
};

#endif
