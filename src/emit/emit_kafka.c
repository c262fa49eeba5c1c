/* Records to a Kafka topic, at least once.
 *
 * The producer retries for ever by itself, so that a broker that is away looks
 * like nothing but late acknowledgements. Duplicates are ordinary, and change
 * nothing in what readers compute.
 *
 * A delivery report appends one acknowledgement to a ring; poll() hands them
 * out. Every record that was taken holds a place in that ring until its
 * acknowledgement is fetched: when LIMIT_RECORDS_IN_FLIGHT or
 * LIMIT_BYTES_IN_FLIGHT are out, produce() answers FULL.
 *
 * max.message.bytes may be lowered while we run. Then whole batches fail; the
 * limit is asked for again, and a producer with smaller batches takes over
 * while the old one drains. */
#include "emit_kafka.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "log.h"

/* Between two questions for the topic's limit, and the time for one. */
#define ASK_EVERY_MS 5000
#define ASK_MS 1000
/* For in-flight requests at the end: nobody waits for their answers. */
#define PURGE_MS 100

static struct emit_kafka *of(struct emit *emit)
{
    return (struct emit_kafka *)emit;
}

void emit_kafka_delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_notes *notes = opaque;
    struct emit_kafka *kafka = notes->owner;
    size_t at = (kafka->acks_first + kafka->acks_count) % LIMIT_RECORDS_IN_FLIGHT;

    (void)producer;
    assert(kafka->acks_count < kafka->in_flight);
    kafka->acks[at] = (struct emit_ack){
        .token = (uint64_t)(uintptr_t)message->_private,
        .error = message->err ? rd_kafka_err2str(message->err) : NULL,
    };
    kafka->acks_count++;
    kafka->in_flight_bytes -= message->len + message->key_len;
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        kafka->limit_doubted = true;
}

static rd_kafka_headers_t *headers_of(const struct emit_header *headers)
{
    rd_kafka_headers_t *list;
    size_t count = 0;

    while (headers[count].name)
        count++;
    list = rd_kafka_headers_new(count);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_header_add(list, headers[i].name, -1, headers[i].value, -1);
    return list;
}

static size_t headers_size(const struct emit_header *headers)
{
    size_t size = 0;

    for (; headers && headers->name; headers++)
        size += strlen(headers->name) + strlen(headers->value) + 10;
    return size;
}

/* The code of one attempt. */
static rd_kafka_resp_err_t kafka_try(struct emit_kafka *kafka, const struct emit_record *record)
{
    rd_kafka_headers_t *headers = record->headers ? headers_of(record->headers) : NULL;
    /* An empty value must not become a null one. */
    const char *value = record->value ? record->value : "";
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = kafka->handle},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)record->key, .size = record->key_size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)value, .size = record->value_size}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)record->token},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t count = sizeof parts / sizeof parts[0] - (headers ? 0 : 1);
    rd_kafka_error_t *error = rd_kafka_produceva(kafka->producer, parts, count);
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);

    rd_kafka_error_destroy(error);
    if (code && headers)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* A record that the client does not take though it has room. */
static void kafka_log_refusal(struct emit_kafka *kafka, rd_kafka_resp_err_t code)
{
    int64_t swallowed = 0;

    if (kafka_notes_loud(&kafka->notes, "refused", &swallowed))
        log_event(LOG_WARN, "output_refused", LOG_S("topic", kafka->topic),
                  LOG_S("error", rd_kafka_err2str(code)), LOG_I("repeated", swallowed));
}

static enum emit_result kafka_produce(struct emit *emit, const struct emit_record *record)
{
    struct emit_kafka *kafka = of(emit);
    size_t size = record->key_size + record->value_size;
    rd_kafka_resp_err_t code;

    if (size + headers_size(record->headers) + KAFKA_MESSAGE_OVERHEAD >
        (size_t)kafka->message_bytes_max)
        return EMIT_TOO_LARGE;
    if (kafka->failure[0] || kafka->in_flight == LIMIT_RECORDS_IN_FLIGHT ||
        (kafka->in_flight > 0 && kafka->in_flight_bytes + size > LIMIT_BYTES_IN_FLIGHT))
        return EMIT_FULL;
    code = kafka_try(kafka, record);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return EMIT_TOO_LARGE;
    if (code) {
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            kafka_log_refusal(kafka, code);
        return EMIT_FULL;
    }
    kafka->in_flight++;
    kafka->in_flight_bytes += size;
    return EMIT_OK;
}

static void client_destroy(rd_kafka_t **client)
{
    if (!*client)
        return;
    rd_kafka_purge(*client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(*client, PURGE_MS);
    rd_kafka_destroy(*client);
    *client = NULL;
}

/* The topic takes less than it did: smaller batches, by another producer. */
static void kafka_renew(struct emit_kafka *kafka, const struct kafka_topic *topic)
{
    rd_kafka_t *old = kafka->producer;
    char error[KAFKA_TEXT_MAX];

    if (!topic->exists || topic->message_bytes_max == kafka->message_bytes_max)
        return;
    if (!kafka_topic_fits(topic, kafka->topic, kafka->record_max, kafka->failure,
                          sizeof kafka->failure))
        return;
    log_event(LOG_WARN, "output_limit", LOG_S("topic", kafka->topic),
              LOG_I("max_message_bytes", topic->message_bytes_max));
    rd_kafka_topic_destroy(kafka->handle);
    kafka->message_bytes_max = topic->message_bytes_max;
    if (!emit_kafka_start(kafka, error, sizeof error))
        snprintf(kafka->failure, sizeof kafka->failure, "%s", error);
    kafka->retired = old;
}

/* Looks after the limit, and after a producer that drains. */
static void kafka_tend(struct emit_kafka *kafka)
{
    struct kafka_patience patience = {.until_ms = clock_monotonic_ms() + ASK_MS};
    struct kafka_topic topic;
    char error[KAFKA_TEXT_MAX];

    if (kafka->retired) {
        rd_kafka_poll(kafka->retired, 0);
        if (rd_kafka_outq_len(kafka->retired) == 0)
            client_destroy(&kafka->retired);
        return;
    }
    if (!kafka->limit_doubted || kafka->failure[0] ||
        clock_monotonic_ms() < kafka->asked_ms + ASK_EVERY_MS)
        return;
    kafka->asked_ms = clock_monotonic_ms();
    kafka->limit_doubted = false;
    if (kafka_topic_describe(kafka->producer, kafka->topic, &patience, &topic, error,
                             sizeof error) == KAFKA_ANSWERED)
        kafka_renew(kafka, &topic);
    else
        kafka->limit_doubted = true;
}

static void kafka_log_failures(struct emit_kafka *kafka, const struct emit_ack *acks, size_t count)
{
    int64_t swallowed = 0;

    for (size_t i = 0; i < count; i++)
        if (acks[i].error && kafka_notes_loud(&kafka->notes, "delivery", &swallowed))
            log_event(LOG_WARN, "delivery_failed", LOG_S("topic", kafka->topic),
                      LOG_S("error", acks[i].error), LOG_I("repeated", swallowed));
}

static size_t kafka_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct emit_kafka *kafka = of(emit);
    size_t count = 0;

    assert(timeout_ms >= 0 && room > 0);
    /* Only wait for what can come. */
    if (kafka->acks_count > 0 || kafka->in_flight == 0)
        timeout_ms = 0;
    if (kafka->retired && timeout_ms > 10)
        timeout_ms = 10;
    if (kafka->producer)
        rd_kafka_poll(kafka->producer, timeout_ms);
    kafka_tend(kafka);
    while (count < room && kafka->acks_count > 0) {
        acks[count++] = kafka->acks[kafka->acks_first];
        kafka->acks_first = (kafka->acks_first + 1) % LIMIT_RECORDS_IN_FLIGHT;
        kafka->acks_count--;
        kafka->in_flight--;
    }
    kafka_log_failures(kafka, acks, count);
    return count;
}

static const char *kafka_failed(struct emit *emit)
{
    struct emit_kafka *kafka = of(emit);

    if (!kafka->failure[0])
        kafka_notes_fatal(&kafka->notes, kafka->failure, sizeof kafka->failure);
    return kafka->failure[0] ? kafka->failure : NULL;
}

static void kafka_destroy(struct emit *emit)
{
    struct emit_kafka *kafka = of(emit);

    if (kafka->handle)
        rd_kafka_topic_destroy(kafka->handle);
    client_destroy(&kafka->producer);
    client_destroy(&kafka->retired);
    if (kafka->conf)
        rd_kafka_conf_destroy(kafka->conf);
    kafka_notes_destroy(&kafka->notes);
    free(kafka->topic);
    free(kafka);
}

const struct emit_ops emit_kafka_ops = {
    .produce = kafka_produce,
    .poll = kafka_poll,
    .failed = kafka_failed,
    .destroy = kafka_destroy,
};
