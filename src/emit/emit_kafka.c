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
 * What a topic does to records may be changed while we run, so it is asked for
 * now and then. If max.message.bytes was lowered, whole batches fail until a
 * producer with smaller batches takes over while the old one drains. If it is to
 * be compacted, records would vanish unseen: that ends the run. */
#include "emit_kafka.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "log.h"

/* Between two questions about the topic; when a batch was too large for it. */
#define ASK_EVERY_MS 10000
#define ASK_SOON_MS 1000
/* After that long without an acknowledgement it is said. */
#define PATIENCE_MS 10000
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
        .too_large = message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    };
    kafka->acks_count++;
    kafka->in_flight_bytes -= message->len + message->key_len;
    if (message->err) {
        kafka->failed_code = message->err;
        kafka_notes_count(notes, message->err);
    }
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
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = kafka->handle},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)(uintptr_t)record->key, .size = record->key_size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)record->value, .size = record->value_size}},
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

static void kafka_tell(struct emit_kafka *kafka, const char *event, const char *request, int code)
{
    const struct kafka_complaint complaint = {
        .event = event, .request = request, .topic = kafka->topic, .code = code};

    kafka_notes_tell(&kafka->notes, &complaint);
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
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            /* The client does not take it though it has room. */
            kafka_notes_count(&kafka->notes, code);
            kafka_tell(kafka, "output_refused", "produce", code);
        }
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

/* The topic is not what it was: it may not do any more, or smaller batches are
 * wanted, by another producer. */
static void kafka_renew(struct emit_kafka *kafka, struct kafka_topic *topic)
{
    rd_kafka_t *old = kafka->producer;
    char error[KAFKA_TEXT_MAX];

    topic->compacted = topic->compacted && !kafka->overwrites;
    if (!topic->exists ||
        !kafka_topic_fits(topic, kafka->topic, kafka->record_max, kafka->failure,
                          sizeof kafka->failure) ||
        topic->message_bytes_max == kafka->message_bytes_max)
        return;
    log_event(LOG_WARN, "output_limit", LOG_S("topic", kafka->topic),
              LOG_I("max_message_bytes", topic->message_bytes_max));
    rd_kafka_topic_destroy(kafka->handle);
    kafka->message_bytes_max = topic->message_bytes_max;
    if (!emit_kafka_start(kafka, error, sizeof error))
        snprintf(kafka->failure, sizeof kafka->failure, "%s", error);
    kafka->retired = old;
}

/* What the brokers said of the topic, if they did. */
static void kafka_hear(struct emit_kafka *kafka)
{
    enum kafka_answer answer;
    struct kafka_topic topic;
    char error[KAFKA_TEXT_MAX];

    if (!kafka_question_answered(kafka->question, &answer, &topic, error, sizeof error))
        return;
    kafka_question_drop(&kafka->question);
    if (answer != KAFKA_ANSWERED)
        return;
    kafka->limit_doubted = false;
    kafka_renew(kafka, &topic);
}

/* Looks after the topic, and after a producer that drains. */
static void kafka_tend(struct emit_kafka *kafka)
{
    int64_t now = clock_monotonic_ms();

    if (kafka->retired) {
        rd_kafka_poll(kafka->retired, 0);
        if (rd_kafka_outq_len(kafka->retired) == 0)
            client_destroy(&kafka->retired);
        return;
    }
    if (kafka->question)
        kafka_hear(kafka);
    else if (!kafka->failure[0] &&
             now - kafka->asked_ms >= (kafka->limit_doubted ? ASK_SOON_MS : ASK_EVERY_MS)) {
        kafka->asked_ms = now;
        kafka->question = kafka_question_ask(kafka->producer, kafka->topic);
    }
}

/* librdkafka tries most of what fails again, without a word and for ever. */
static void kafka_look_for_stall(struct emit_kafka *kafka, bool moved)
{
    int64_t now = clock_monotonic_ms(), swallowed = 0;
    char last[KAFKA_TEXT_MAX];

    if (kafka->in_flight == 0)
        kafka->waits_ms = 0;
    else if (moved || kafka->waits_ms == 0)
        kafka->waits_ms = now;
    if (kafka->waits_ms == 0 || now - kafka->waits_ms < PATIENCE_MS ||
        !kafka_notes_loud(&kafka->notes, "output_waits", &swallowed))
        return;
    kafka_notes_count(&kafka->notes, RD_KAFKA_RESP_ERR__TIMED_OUT);
    (void)kafka_notes_last(&kafka->notes, last, sizeof last);
    log_event(LOG_WARN, "output_waits", LOG_S("topic", kafka->topic),
              LOG_I("records", (int64_t)kafka->in_flight),
              LOG_I("seconds", (now - kafka->waits_ms) / 1000), LOG_S("last_error", last),
              LOG_S("hint", kafka_notes_cut_off(&kafka->notes)
                                ? KAFKA_CUT_OFF_ADVICE
                                : "no record is acknowledged: look at the leaders of the topic, "
                                  "at their replicas (min.insync.replicas) and at whether this "
                                  "user may write to it"));
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
    if (kafka->failed_code)
        kafka_tell(kafka, "delivery_failed", "produce", kafka->failed_code);
    kafka->failed_code = 0;
    kafka_look_for_stall(kafka, count > 0);
    return count;
}

static const char *kafka_failed(struct emit *emit)
{
    struct emit_kafka *kafka = of(emit);

    if (!kafka->failure[0])
        kafka_notes_fatal(&kafka->notes, kafka->failure, sizeof kafka->failure);
    return kafka->failure[0] ? kafka->failure : NULL;
}

static void kafka_forget(struct emit *emit)
{
    struct emit_kafka *kafka = of(emit);
    int flags = RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING;

    rd_kafka_purge(kafka->producer, flags);
    if (kafka->retired)
        rd_kafka_purge(kafka->retired, flags);
}

static void kafka_destroy(struct emit *emit)
{
    struct emit_kafka *kafka = of(emit);

    kafka_notes_sum(&kafka->notes, kafka->topic);
    kafka_question_drop(&kafka->question);
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
    .forget = kafka_forget,
};
