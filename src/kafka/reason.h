/* What librdkafka complains of, in words that say what to do about it. */
#ifndef KAFKA_REASON_H
#define KAFKA_REASON_H

#include <stdbool.h>
#include <stddef.h>

/* What to do about it, or NULL where the reason says it all. Constant text. */
const char *kafka_reason_advice(const char *reason, bool scram_fails);

/* Why OpenSSL refused a broker's certificate (X509_V_ERR_...) and what to do;
 * NULL for 0. Constant text. */
const char *kafka_reason_verdict(int verdict);

/* Writes `reason` with the advice behind it. A certificate's `verdict`, where there
 * is one, stands for librdkafka's own words, which are the same for all. */
void kafka_reason_write(const char *reason, int verdict, bool scram_fails, char *text,
                        size_t size);

#endif
