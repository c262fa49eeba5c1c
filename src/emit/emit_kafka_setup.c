/* How a Kafka emitter comes to be: the topic is described before anything is
 * produced, created when it is missing, refused when it can't hold records, and
 * what it will do to them is announced.
 *
 *   describe -- missing --> create --> describe again
 *      |-- not allowed --> say what could not be checked, go on
 *      |-- away        --> again, until the deadline or a stop
 *      '-- there       --> fits? --> announce --> producer */
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "emit_kafka.h"
#include "log.h"
#include "text.h"

/* Between two questions that were answered with "not now". */
#define PAUSE_MS 200
/* The first record of a cold producer would wait for metadata. */
#define WARM_UP_MS 1000
/* message.max.bytes as librdkafka bounds it. */
#define CLIENT_BYTES_MIN 1000
#define CLIENT_BYTES_MAX 1000000000
#define BATCH_BYTES_MAX 1000000
#define BROKERS_MS 5000
/* A topic that was made is described a little later. */
#define UNSEEN_MAX 20

static int64_t bounded(int64_t number, int64_t min, int64_t max)
{
    return number < min ? min : number > max ? max : number;
}

static bool put_number(rd_kafka_conf_t *conf, const char *name, int64_t number, char *error,
                       size_t error_size)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)number);
    return kafka_conf_put(conf, name, text, error, error_size);
}

/* The smaller of ours and the user's: the broker compares whole batches with
 * its limit, and refuses all records of one that is too large. */
static int64_t batch_bytes(const rd_kafka_conf_t *conf, int64_t limit)
{
    char text[32];
    size_t size = sizeof text;
    long long own = BATCH_BYTES_MAX;

    if (rd_kafka_conf_get(conf, "batch.size", text, &size) == RD_KAFKA_CONF_OK)
        own = strtoll(text, NULL, 10);
    return bounded(own < limit ? own : limit, 1, BATCH_BYTES_MAX);
}

bool emit_kafka_start(struct emit_kafka *kafka, char *error, size_t error_size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
    int64_t limit = bounded(kafka->message_bytes_max, CLIENT_BYTES_MIN, CLIENT_BYTES_MAX);
    const struct rd_kafka_metadata *metadata;

    kafka->producer = NULL;
    kafka->handle = NULL;
    if (!put_number(conf, "batch.size", batch_bytes(conf, limit), error, error_size) ||
        !put_number(conf, "message.max.bytes", limit, error, error_size)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    kafka->producer = kafka_client_create(KAFKA_PRODUCER, conf, error, error_size);
    if (!kafka->producer)
        return false;
    kafka->handle = rd_kafka_topic_new(kafka->producer, kafka->topic, NULL);
    if (!kafka->handle) {
        snprintf(error, error_size, "topic %s: %s", kafka->topic,
                 rd_kafka_err2str(rd_kafka_last_error()));
        return false;
    }
    if (rd_kafka_metadata(kafka->producer, 0, kafka->handle, &metadata, WARM_UP_MS) == 0)
        rd_kafka_metadata_destroy(metadata);
    return true;
}

static void announce_retention(const struct kafka_topic *topic, const char *name)
{
    int64_t gone_s = clock_wall_ms() / 1000 + topic->retention_ms / 1000;
    struct text date = {0};

    if (topic->retention_bytes >= 0)
        log_event(LOG_WARN, "output_retention", LOG_S("topic", name),
                  LOG_I("retention_bytes", topic->retention_bytes),
                  LOG_S("meaning", "the oldest records go when a partition has grown to this"));
    if (topic->retention_ms < 0 || gone_s > LIMIT_TIME_S)
        return;
    text_utc(&date, gone_s);
    log_event(LOG_WARN, "output_retention", LOG_S("topic", name),
              LOG_I("retention_ms", topic->retention_ms),
              LOG_S("gone_from", date.bytes ? date.bytes : ""),
              LOG_S("meaning", "what is published now will be deleted from then on"));
    text_free(&date);
}

static void announce(struct kafka_admin *admin, const struct emit_kafka_options *options,
                     const struct kafka_topic *topic)
{
    if (options->keep_forever && topic->deleted)
        announce_retention(topic, options->topic);
    if (topic->insync_min < 2 && kafka_brokers_count(admin, BROKERS_MS) > 1)
        log_event(LOG_WARN, "output_min_insync", LOG_S("topic", options->topic),
                  LOG_I("min_insync_replicas", topic->insync_min),
                  LOG_S("meaning", "an acknowledged record may be lost with one broker"));
}

static enum emit_kafka_status setup_fail(enum emit_kafka_status status, const char *what,
                                         const char *topic, const char *why, char *error,
                                         size_t error_size)
{
    snprintf(error, error_size, "topic %s %s: %s", topic, what, why);
    return status;
}

/* Out of patience; the client's last complaint tells more than a timeout. */
static enum emit_kafka_status setup_give_up(struct kafka_admin *admin, const char *topic,
                                            const atomic_int *stop, const char *why,
                                            char *error, size_t error_size)
{
    const char *complaint = kafka_admin_complaint(admin);

    if (stop && atomic_load(stop))
        why = "stopped while waiting for the brokers";
    else if (complaint[0])
        why = complaint;
    return setup_fail(EMIT_KAFKA_FAILED, "can't be reached", topic, why, error, error_size);
}

/* Without a number of ours the brokers take theirs (num.partitions). */
static void log_created(const struct emit_kafka_options *options)
{
    if (options->partitions > 0)
        log_event(LOG_INFO, "output_created", LOG_S("topic", options->topic),
                  LOG_I("partitions", options->partitions));
    else
        log_event(LOG_INFO, "output_created", LOG_S("topic", options->topic));
}

static enum kafka_answer setup_create(struct kafka_admin *admin,
                                      const struct emit_kafka_options *options,
                                      const struct kafka_patience *patience, char *error,
                                      size_t error_size)
{
    enum kafka_keep keep = options->overwrites     ? KAFKA_KEEP_LAST_OF_KEY
                           : options->keep_forever ? KAFKA_KEEP_FOREVER
                                                   : KAFKA_KEEP_AS_USUAL;
    enum kafka_answer answer = kafka_topic_create(admin, options->topic, options->partitions, keep,
                                                  patience, error, error_size);

    if (answer == KAFKA_ANSWERED)
        log_created(options);
    return answer;
}

static void setup_tell(struct kafka_admin *admin, const char *name, const char *why)
{
    const char *complaint = kafka_admin_complaint(admin);

    log_event(LOG_WARN, "output_waiting", LOG_S("topic", name),
              LOG_S("error", complaint[0] ? complaint : why), LOG_S("hint", why));
}

/* Until the topic is described in *topic, or it can't be (then it is as given).
 * Answers as a whole: OK, CONFIG or FAILED. */
static enum emit_kafka_status setup_topic(struct kafka_admin *admin,
                                          const struct emit_kafka_options *options,
                                          const struct kafka_patience *patience,
                                          struct kafka_topic *topic, char *error,
                                          size_t error_size)
{
    const char *name = options->topic;
    char why[KAFKA_TEXT_MAX];
    bool told = false;
    int unseen = 0;

    for (;;) {
        enum kafka_answer answer = kafka_topic_describe(kafka_admin_client(admin), name, patience,
                                                        topic, why, sizeof why);
        bool missing = answer == KAFKA_ANSWERED && !topic->exists;

        if (missing)
            answer = setup_create(admin, options, patience, why, sizeof why);
        if (missing && (answer == KAFKA_DENIED || answer == KAFKA_REFUSED))
            return setup_fail(EMIT_KAFKA_CONFIG, "does not exist and can't be created", name, why,
                              error, error_size);
        if (answer == KAFKA_REFUSED)
            return setup_fail(EMIT_KAFKA_CONFIG, "can't be used", name, why, error, error_size);
        if (answer == KAFKA_DENIED)
            log_event(LOG_WARN, "output_unchecked", LOG_S("topic", name),
                      LOG_S("unchecked", "cleanup.policy retention.ms max.message.bytes"),
                      LOG_S("error", why));
        if (topic->exists || answer == KAFKA_DENIED)
            return EMIT_KAFKA_OK;
        if (kafka_patience_over(patience))
            return setup_give_up(admin, name, patience->stop, why, error, error_size);
        if (answer == KAFKA_ANSWERED)
            snprintf(why, sizeof why, "it is there, but the brokers do not describe it: look at "
                                      "the controller");
        if (answer == KAFKA_AWAY ? !told : ++unseen == UNSEEN_MAX)
            setup_tell(admin, name, why);
        told = told || answer == KAFKA_AWAY;
        (void)poll(NULL, 0, PAUSE_MS);
    }
}

/* Describes, judges and announces; the topic's limit in *message_bytes_max. */
static enum emit_kafka_status setup_check(const struct emit_kafka_options *options,
                                          const struct kafka_patience *patience,
                                          int64_t *message_bytes_max, char *error,
                                          size_t error_size)
{
    struct kafka_admin *admin = kafka_admin_create(options->properties, error, error_size);
    struct kafka_topic topic = {.exists = false};
    enum emit_kafka_status status;

    if (!admin)
        return EMIT_KAFKA_FAILED;
    status = setup_topic(admin, options, patience, &topic, error, error_size);
    if (status == EMIT_KAFKA_OK && topic.exists) {
        topic.compacted = topic.compacted && !options->overwrites;
        if (!kafka_topic_fits(&topic, options->topic, options->record_max, error, error_size))
            status = EMIT_KAFKA_CONFIG;
        else
            announce(admin, options, &topic);
        *message_bytes_max = topic.message_bytes_max;
    }
    kafka_admin_destroy(&admin);
    return status;
}

static struct emit_kafka *kafka_new(const struct emit_kafka_options *options)
{
    struct emit_kafka *kafka = calloc(1, sizeof *kafka);

    if (!kafka)
        return NULL;
    kafka->base.ops = &emit_kafka_ops;
    kafka_notes_init(&kafka->notes, kafka);
    kafka->record_max = options->record_max;
    kafka->overwrites = options->overwrites;
    kafka->message_bytes_max = EMIT_KAFKA_BYTES_DEFAULT;
    kafka->topic = strdup(options->topic);
    if (!kafka->topic)
        kafka->base.ops->destroy(&kafka->base);
    return kafka->topic ? kafka : NULL;
}

enum emit_kafka_status emit_kafka_create(const struct emit_kafka_options *options,
                                         int64_t deadline_ms, const atomic_int *stop,
                                         struct emit **emit, char *error, size_t error_size)
{
    struct kafka_patience patience = {
        .until_ms = deadline_ms > 0 ? deadline_ms : INT64_MAX,
        .stop = stop,
    };
    struct emit_kafka *kafka = kafka_new(options);
    enum emit_kafka_status status = EMIT_KAFKA_FAILED;

    *emit = NULL;
    if (!kafka) {
        snprintf(error, error_size, "out of memory");
        return EMIT_KAFKA_FAILED;
    }
    status = setup_check(options, &patience, &kafka->message_bytes_max, error, error_size);
    if (status != EMIT_KAFKA_OK)
        goto failed;
    status = EMIT_KAFKA_FAILED;
    kafka->conf = kafka_conf_create(options->properties, KAFKA_PRODUCER, &kafka->notes, error,
                                    error_size);
    if (!kafka->conf)
        goto failed;
    rd_kafka_conf_set_dr_msg_cb(kafka->conf, emit_kafka_delivered);
    if (!emit_kafka_start(kafka, error, error_size))
        goto failed;
    *emit = &kafka->base;
    return EMIT_KAFKA_OK;

failed:
    kafka->base.ops->destroy(&kafka->base);
    return status;
}
