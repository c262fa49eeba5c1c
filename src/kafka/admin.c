/* What a writer must know of a topic, and how it is made.
 *
 * One DescribeConfigs answers both whether a topic exists and what it does to
 * records. The client is a consumer that subscribes to nothing: a producer's
 * questions about a missing topic make the broker create it, with defaults
 * that delete records after a week. */
#include "admin.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "clock.h"
#include "log.h"

/* Without an answer that long it is said. */
#define QUIET_MS 3000
/* One question; the caller asks again while its patience lasts. */
#define REQUEST_MS 5000
/* How soon a stop is seen. */
#define SLICE_MS 100

struct kafka_admin {
    rd_kafka_t *client;
    struct kafka_notes notes;
    char complaint[KAFKA_TEXT_MAX];
};

struct kafka_admin *kafka_admin_create(const struct kafka_properties *properties, char *error,
                                       size_t error_size)
{
    struct kafka_admin *admin = calloc(1, sizeof *admin);
    rd_kafka_conf_t *conf;

    if (!admin) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    kafka_notes_init(&admin->notes, NULL);
    conf = kafka_conf_create(properties, KAFKA_CONSUMER, &admin->notes, error, error_size);
    if (conf)
        admin->client = kafka_client_create(KAFKA_CONSUMER, conf, error, error_size);
    if (!admin->client)
        kafka_admin_destroy(&admin);
    return admin;
}

void kafka_admin_destroy(struct kafka_admin **admin)
{
    if (!*admin)
        return;
    if ((*admin)->client)
        rd_kafka_destroy_flags((*admin)->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    kafka_notes_destroy(&(*admin)->notes);
    free(*admin);
    *admin = NULL;
}

struct rd_kafka_s *kafka_admin_client(struct kafka_admin *admin)
{
    return admin->client;
}

const char *kafka_admin_complaint(struct kafka_admin *admin)
{
    /* The error callback is served here. */
    rd_kafka_poll(admin->client, 0);
    kafka_notes_last(&admin->notes, admin->complaint, sizeof admin->complaint);
    return admin->complaint;
}

bool kafka_admin_hopeless(struct kafka_admin *admin)
{
    rd_kafka_poll(admin->client, 0);
    return kafka_notes_hopeless(&admin->notes);
}

bool kafka_patience_over(const struct kafka_patience *patience)
{
    return (patience->stop && atomic_load(patience->stop)) ||
           clock_monotonic_ms() >= patience->until_ms;
}

static enum kafka_answer answer_of(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return KAFKA_ANSWERED;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return KAFKA_DENIED;
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return KAFKA_REFUSED;
    default:
        return KAFKA_AWAY;
    }
}

static enum kafka_answer answer_with(rd_kafka_resp_err_t code, const char *text, char *error,
                                     size_t error_size)
{
    if (code)
        snprintf(error, error_size, "%s: %s", text ? text : rd_kafka_err2str(code),
                 kafka_advice(code));
    return answer_of(code);
}

/* The event that answers an admin request, or NULL when patience is over. */
static rd_kafka_event_t *admin_wait(rd_kafka_queue_t *queue, const struct kafka_patience *patience)
{
    rd_kafka_event_t *event = NULL;

    while (!event && !kafka_patience_over(patience))
        event = rd_kafka_queue_poll(queue, SLICE_MS);
    return event;
}

static rd_kafka_AdminOptions_t *admin_options(rd_kafka_t *client, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, op);
    char error[KAFKA_TEXT_MAX];

    if (options && rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_MS, error,
                                                             sizeof error)) {
        rd_kafka_AdminOptions_destroy(options);
        return NULL;
    }
    return options;
}

int kafka_brokers_count(struct kafka_admin *admin, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    int count;

    if (rd_kafka_metadata(admin->client, 0, NULL, &metadata, timeout_ms))
        return 0;
    count = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

/* Values that are no number leave what stands there. */
static void topic_take_entry(struct kafka_topic *topic, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"retention.ms", &topic->retention_ms},
        {"retention.bytes", &topic->retention_bytes},
        {"max.message.bytes", &topic->message_bytes_max},
        {"min.insync.replicas", &topic->insync_min},
    };

    if (strcmp(name, "cleanup.policy") == 0) {
        topic->compacted = strstr(value, "compact") != NULL;
        topic->deleted = strstr(value, "delete") != NULL;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0)
            (void)sscanf(value, "%" SCNd64, numbers[i].value);
}

static enum kafka_answer topic_take_event(rd_kafka_event_t *event, struct kafka_topic *topic,
                                          char *error, size_t error_size)
{
    const rd_kafka_DescribeConfigs_result_t *result;
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    size_t count, i;

    if (code)
        return answer_with(code, rd_kafka_event_error_string(event), error, error_size);
    result = rd_kafka_event_DescribeConfigs_result(event);
    resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
    assert(count == 1);
    code = rd_kafka_ConfigResource_error(resources[0]);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return KAFKA_ANSWERED;
    if (code)
        return answer_with(code, rd_kafka_ConfigResource_error_string(resources[0]), error,
                           error_size);
    topic->exists = true;
    entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (i = 0; i < count; i++)
        if (rd_kafka_ConfigEntry_value(entries[i]))
            topic_take_entry(topic, rd_kafka_ConfigEntry_name(entries[i]),
                             rd_kafka_ConfigEntry_value(entries[i]));
    return KAFKA_ANSWERED;
}

struct kafka_question {
    rd_kafka_queue_t *queue;
};

/* Asks for the topic's configuration; the answer comes to the queue. */
static void topic_ask(rd_kafka_t *client, const char *name, rd_kafka_queue_t *queue)
{
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                                      name);

    rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
    rd_kafka_ConfigResource_destroy(resource);
    if (options)
        rd_kafka_AdminOptions_destroy(options);
}

static enum kafka_answer topic_take(rd_kafka_event_t *event, struct kafka_topic *topic,
                                    char *error, size_t error_size)
{
    struct kafka_topic found = {
        .retention_ms = -1, .retention_bytes = -1, .message_bytes_max = 1048588, .insync_min = 1};
    enum kafka_answer answer = topic_take_event(event, &found, error, error_size);

    if (answer == KAFKA_ANSWERED)
        *topic = found;
    rd_kafka_event_destroy(event);
    return answer;
}

enum kafka_answer kafka_topic_describe(struct rd_kafka_s *client, const char *name,
                                       const struct kafka_patience *patience,
                                       struct kafka_topic *topic, char *error, size_t error_size)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    enum kafka_answer answer = KAFKA_AWAY;
    rd_kafka_event_t *event;

    snprintf(error, error_size, "no answer from the brokers");
    topic_ask(client, name, queue);
    event = admin_wait(queue, patience);
    if (event)
        answer = topic_take(event, topic, error, error_size);
    rd_kafka_queue_destroy(queue);
    return answer;
}

struct kafka_question *kafka_question_ask(struct rd_kafka_s *client, const char *name)
{
    struct kafka_question *question = malloc(sizeof *question);

    if (!question)
        return NULL;
    question->queue = rd_kafka_queue_new(client);
    topic_ask(client, name, question->queue);
    return question;
}

bool kafka_question_answered(struct kafka_question *question, enum kafka_answer *answer,
                             struct kafka_topic *topic, char *error, size_t error_size)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(question->queue, 0);

    if (!event)
        return false;
    *answer = topic_take(event, topic, error, error_size);
    return true;
}

void kafka_question_drop(struct kafka_question **question)
{
    if (!*question)
        return;
    rd_kafka_queue_destroy((*question)->queue);
    free(*question);
    *question = NULL;
}

static enum kafka_answer create_take_event(rd_kafka_event_t *event, char *error,
                                           size_t error_size)
{
    const rd_kafka_topic_result_t **topics;
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    size_t count;

    if (code)
        return answer_with(code, rd_kafka_event_error_string(event), error, error_size);
    topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event),
                                                 &count);
    assert(count == 1);
    code = rd_kafka_topic_result_error(topics[0]);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return KAFKA_ANSWERED;
    return answer_with(code, rd_kafka_topic_result_error_string(topics[0]), error, error_size);
}

enum kafka_answer kafka_topic_create(struct kafka_admin *admin, const char *name,
                                     int32_t partitions, enum kafka_keep keep,
                                     const struct kafka_patience *patience, char *error,
                                     size_t error_size)
{
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
    enum kafka_answer answer = KAFKA_AWAY;
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(name, partitions < 1 ? -1 : partitions, -1,
                                                        error, error_size);

    if (!wanted)
        return KAFKA_REFUSED;
    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy",
                                 keep == KAFKA_KEEP_LAST_OF_KEY ? "compact" : "delete");
    if (keep == KAFKA_KEEP_FOREVER)
        rd_kafka_NewTopic_set_config(wanted, "retention.ms", "-1");
    snprintf(error, error_size, "no answer from the brokers");
    queue = rd_kafka_queue_new(admin->client);
    options = admin_options(admin->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(admin->client, &wanted, 1, options, queue);
    event = admin_wait(queue, patience);
    if (event) {
        answer = create_take_event(event, error, error_size);
        rd_kafka_event_destroy(event);
    }
    if (options)
        rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return answer;
}

bool kafka_topic_fits(const struct kafka_topic *topic, const char *name, size_t record_max,
                      char *error, size_t error_size)
{
    assert(topic->exists);
    if (topic->compacted) {
        snprintf(error, error_size,
                 "topic %s is compacted (cleanup.policy has compact): only the last record of a "
                 "minute would stay, but all of them count; set cleanup.policy=delete, or name "
                 "another topic", name);
        return false;
    }
    if (topic->message_bytes_max < 0 ||
        (uint64_t)topic->message_bytes_max < (uint64_t)record_max + KAFKA_MESSAGE_OVERHEAD) {
        snprintf(error, error_size,
                 "topic %s takes at most %" PRId64 " bytes (max.message.bytes), but a record may "
                 "have %zu; raise it to %zu", name, topic->message_bytes_max, record_max,
                 record_max + KAFKA_MESSAGE_OVERHEAD);
        return false;
    }
    return true;
}

/* One question for the partitions of `name`, at most a slice long. */
static rd_kafka_resp_err_t partitions_ask(rd_kafka_t *client, rd_kafka_topic_t *handle,
                                          int32_t *count)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, handle, &metadata, 10 * SLICE_MS);

    if (code)
        return code;
    assert(metadata->topic_cnt == 1);
    code = metadata->topics[0].err;
    *count = code ? 0 : metadata->topics[0].partition_cnt;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        code = RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_metadata_destroy(metadata);
    return code;
}

/* A start that waits for the brokers says so. */
static void partitions_tell(struct kafka_admin *admin, const char *name, rd_kafka_resp_err_t code)
{
    const char *complaint = kafka_admin_complaint(admin);
    int64_t swallowed = 0;

    if (kafka_notes_loud(&admin->notes, "partitions", &swallowed))
        log_event(LOG_WARN, "brokers_waiting", LOG_S("topic", name),
                  LOG_S("error", complaint[0] ? complaint : rd_kafka_err2str(code)),
                  LOG_S("hint", kafka_advice(code)));
}

enum kafka_answer kafka_topic_partitions(const struct kafka_properties *properties,
                                         const char *name, const struct kafka_patience *patience,
                                         int32_t *count, char *error, size_t error_size)
{
    struct kafka_admin *admin = kafka_admin_create(properties, error, error_size);
    int64_t quiet_until_ms = clock_monotonic_ms() + QUIET_MS;
    rd_kafka_topic_t *handle;
    rd_kafka_resp_err_t code;
    const char *complaint;

    if (!admin)
        return KAFKA_REFUSED;
    handle = rd_kafka_topic_new(admin->client, name, NULL);
    if (!handle) {
        code = rd_kafka_last_error();
        goto done;
    }
    while (code = partitions_ask(admin->client, handle, count),
           answer_of(code) == KAFKA_AWAY && !kafka_patience_over(patience)) {
        if (clock_monotonic_ms() >= quiet_until_ms)
            partitions_tell(admin, name, code);
        (void)poll(NULL, 0, SLICE_MS);
    }
    rd_kafka_topic_destroy(handle);

done:
    complaint = kafka_admin_complaint(admin);
    if (code)
        snprintf(error, error_size, "topic %s: %s%s%s", name, rd_kafka_err2str(code),
                 complaint[0] ? ": " : "", complaint);
    kafka_admin_destroy(&admin);
    return answer_of(code);
}
