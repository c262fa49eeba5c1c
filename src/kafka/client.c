/* How our clients are configured, and what becomes of what they say.
 *
 * A configuration is laid in three layers: our defaults, the user's properties,
 * and what a guarantee rests on (the user's are refused there already).
 *
 * Everything librdkafka has to say about a broker that is away it says again at
 * every attempt. Its log lines are therefore let through once per facility and
 * half minute; the error callback counts, and keeps the text for status and
 * failures. */
#include "client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "reason.h"
#include "log.h"
#include "properties_body.h"

#define DESTROY_MS 3000
/* syslog.h has names that clash with log.h: notice and below is chatter. */
#define LOG_NOTICE_SYSLOG 5

struct setting {
    const char *name, *value;
};

static const struct setting consumer_defaults[] = {
    {"client.id", "headcount"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {"reconnect.backoff.max.ms", "1000"}, /* a broker that is back is found within a session */
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "1000"},
    {"fetch.wait.max.ms", "100"},
    /* The memory of its queue: what is read ahead, and one answer for each partition
     * beyond it. The watch keeps the fetchers awake when that is full. */
    {"fetch.message.max.bytes", "262144"},
    {"queued.max.messages.kbytes", "8192"},
    {"queued.min.messages", "1000000"},
    {"check.crcs", "true"},
    {NULL, NULL},
};
static const struct setting consumer_fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"enable.partition.eof", "true"},
    {"partition.assignment.strategy", "range,roundrobin"},
    {"allow.auto.create.topics", "false"},
    {NULL, NULL},
};
/* For both: no shell command that renews Kerberos tickets. */
static const struct setting common_fixed[] = {
    {"sasl.kerberos.min.time.before.relogin", "0"},
    {NULL, NULL},
};
static const struct setting producer_defaults[] = {
    {"client.id", "headcount"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {"reconnect.backoff.max.ms", "1000"}, /* a broker that is back is found within a session */
    {"compression.type", "zstd"},
    {"socket.nagle.disable", "true"},
    {NULL, NULL},
};
static const struct setting producer_fixed[] = {
    {"acks", "all"},
    {"enable.idempotence", "false"},
    {"message.timeout.ms", "0"},
    {"delivery.report.only.error", "false"},
    {"partitioner", "murmur2_random"},
    {NULL, NULL},
};

bool kafka_notes_hopeless(struct kafka_notes *notes)
{
    bool hopeless;

    (void)pthread_mutex_lock(&notes->lock);
    hopeless = notes->turned_away && notes->all_down;
    (void)pthread_mutex_unlock(&notes->lock);
    return hopeless;
}

/* The complaint with what to do about it. */
static void complaint_take(struct kafka_notes *notes, const char *complaint, char *text)
{
    int verdict;

    (void)pthread_mutex_lock(&notes->lock);
    verdict = notes->verdict;
    (void)pthread_mutex_unlock(&notes->lock);
    kafka_reason_write(complaint, verdict, notes->scram_fails, text, KAFKA_TEXT_MAX);
}

static void complaint_keep(struct kafka_notes *notes, const char *text, bool fatal)
{
    (void)pthread_mutex_lock(&notes->lock);
    (void)snprintf(fatal ? notes->fatal : notes->last, KAFKA_TEXT_MAX, "%s", text);
    (void)pthread_mutex_unlock(&notes->lock);
}

/* From librdkafka's own threads. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *line)
{
    struct kafka_notes *notes = rd_kafka_opaque(client);
    const char *behind = strncmp(line, "[thrd:", 6) == 0 ? strstr(line, "]: ") : NULL;
    char text[KAFKA_TEXT_MAX];
    int64_t swallowed = 0;

    if (level >= LOG_NOTICE_SYSLOG) {
        /* The dump of the configuration does not hide every secret. */
        if (strcmp(facility, "CONF") != 0)
            log_event(LOG_DEBUG, "kafka_log", LOG_S("facility", facility), LOG_S("text", line));
        return;
    }
    complaint_take(notes, behind ? behind + 3 : line, text);
    if (strcmp(facility, "FAIL") == 0) {
        complaint_keep(notes, text, false);
        (void)pthread_mutex_lock(&notes->lock);
        notes->cut_off_ms = clock_monotonic_ms();
        (void)pthread_mutex_unlock(&notes->lock);
    }
    if (kafka_notes_loud(notes, facility, &swallowed))
        log_event(LOG_WARN, "kafka_log", LOG_S("facility", facility), LOG_S("text", text),
                  LOG_I("repeated", swallowed));
}

/* Whether this is about us, not about a broker that is away. */
static bool is_refusal(int code, const char *reason)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
           strstr(reason, "SSL alert number");
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct kafka_notes *notes = opaque;
    char text[KAFKA_TEXT_MAX];
    int64_t swallowed = 0;
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL, refused = is_refusal(code, reason);

    kafka_notes_count(notes, code);
    (void)pthread_mutex_lock(&notes->lock);
    notes->turned_away |= refused;
    notes->all_down |= code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    (void)pthread_mutex_unlock(&notes->lock);
    if (fatal)
        (void)rd_kafka_fatal_error(client, text, sizeof(text));
    else
        complaint_take(notes, reason, text);
    /* That all are down says less than why. */
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !notes->last[0])
        complaint_keep(notes, text, fatal);
    if (refused && notes->scram_fails && strstr(reason, "SASL authentication error") &&
        kafka_notes_loud(notes, "scram", &swallowed))
        log_event(LOG_WARN, "scram_unsupported", LOG_S("librdkafka", kafka_version()),
                  LOG_S("text", text));
}

/* Hears what OpenSSL thinks of a certificate, and leaves it at that. */
static int on_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id, int *verdict,
                          int depth, const char *bytes, size_t size, char *error,
                          size_t error_size, void *opaque)
{
    struct kafka_notes *notes = opaque;

    (void)client, (void)broker, (void)broker_id, (void)depth, (void)bytes, (void)size;
    if (*verdict == 0)
        return 1;
    (void)pthread_mutex_lock(&notes->lock);
    notes->verdict = *verdict;
    (void)pthread_mutex_unlock(&notes->lock);
    (void)snprintf(error, error_size, "%s", kafka_reason_verdict(*verdict));
    return 0;
}

bool kafka_conf_put(rd_kafka_conf_t *conf, const char *name, const char *value, char *error,
                    size_t error_size)
{
    char reason[KAFKA_TEXT_MAX];

    if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
        return true;
    (void)snprintf(error, error_size, "librdkafka property %s: %s", name,
                   kafka_is_secret(name) ? "the value is not accepted" : reason);
    return false;
}

static bool settings_put(rd_kafka_conf_t *conf, const struct setting *settings, char *error,
                         size_t error_size)
{
    for (; settings->name; settings++)
        if (!kafka_conf_put(conf, settings->name, settings->value, error, error_size))
            return false;
    return true;
}

static bool users_put(rd_kafka_conf_t *conf, const struct kafka_properties *properties,
                      enum kafka_role role, char *error, size_t error_size)
{
    char other = role == KAFKA_CONSUMER ? 'P' : 'C';

    for (size_t i = 0; i < properties->count; i++) {
        const struct kafka_pair *pair = &properties->pairs[i];

        if (pair->role != other &&
            !kafka_conf_put(conf, pair->name, pair->value, error, error_size))
            return false;
    }
    return true;
}

rd_kafka_conf_t *kafka_conf_create(const struct kafka_properties *properties,
                                   enum kafka_role role, struct kafka_notes *notes, char *error,
                                   size_t error_size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool consumer = role == KAFKA_CONSUMER;

    if (!settings_put(conf, consumer ? consumer_defaults : producer_defaults, error, error_size) ||
        !users_put(conf, properties, role, error, error_size) ||
        !settings_put(conf, consumer ? consumer_fixed : producer_fixed, error, error_size) ||
        !settings_put(conf, common_fixed, error, error_size) ||
        !kafka_conf_put(conf, "bootstrap.servers", properties->brokers, error, error_size)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    notes->scram_fails = properties->scram_fails;
    notes->producer = !consumer;
    kafka_tally_release(&notes->tally);
    notes->tally = kafka_tally_hold(properties->tally);
    rd_kafka_conf_set_opaque(conf, notes);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
    return conf;
}

rd_kafka_t *kafka_client_create(enum kafka_role role, rd_kafka_conf_t *conf, char *error,
                                size_t error_size)
{
    rd_kafka_t *client = rd_kafka_new(role == KAFKA_CONSUMER ? RD_KAFKA_CONSUMER
                                                             : RD_KAFKA_PRODUCER,
                                      conf, error, error_size);

    if (!client)
        rd_kafka_conf_destroy(conf);
    return client;
}

/* A client on its way out: shared by the thread that frees it and the caller,
 * and freed by whoever is last. */
struct leaver {
    rd_kafka_t *client;
    pthread_mutex_t lock;
    pthread_cond_t gone;
    bool done, abandoned;
};

static void leaver_free(struct leaver *leaver)
{
    (void)pthread_cond_destroy(&leaver->gone);
    (void)pthread_mutex_destroy(&leaver->lock);
    free(leaver);
}

static void *leaver_run(void *context)
{
    struct leaver *leaver = context;
    bool abandoned;

    rd_kafka_destroy_flags(leaver->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    (void)pthread_mutex_lock(&leaver->lock);
    leaver->done = true;
    abandoned = leaver->abandoned;
    (void)pthread_cond_signal(&leaver->gone);
    (void)pthread_mutex_unlock(&leaver->lock);
    if (abandoned)
        leaver_free(leaver);
    return NULL;
}

static struct leaver *leaver_create(rd_kafka_t *client)
{
    struct leaver *leaver = calloc(1, sizeof(*leaver));
    pthread_condattr_t attributes;

    if (!leaver)
        return NULL;
    leaver->client = client;
    (void)pthread_mutex_init(&leaver->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&leaver->gone, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return leaver;
}

bool kafka_client_destroy(rd_kafka_t *client)
{
    int64_t until_ms = clock_monotonic_ms() + DESTROY_MS;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    struct leaver *leaver = leaver_create(client);
    pthread_t thread;
    bool done;

    if (!leaver || pthread_create(&thread, NULL, leaver_run, leaver)) {
        if (leaver)
            leaver_free(leaver);
        return false;
    }
    (void)pthread_mutex_lock(&leaver->lock);
    while (!leaver->done && !pthread_cond_timedwait(&leaver->gone, &leaver->lock, &until))
        ;
    done = leaver->done;
    leaver->abandoned = !done;
    (void)pthread_mutex_unlock(&leaver->lock);
    if (!done) {
        (void)pthread_detach(thread);
        log_event(LOG_WARN, "client_stays", LOG_S("librdkafka", kafka_version()));
        return false;
    }
    (void)pthread_join(thread, NULL);
    leaver_free(leaver);
    return true;
}
