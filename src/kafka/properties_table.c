/* A decision for every property of librdkafka, aliases included: whether it is
 * the user's to set, and if not, why.
 *
 * Three kinds are refused: those that make librdkafka run a program, load code
 * or take a string for a pointer, those that a guarantee of ours rests on, and
 * those that have no function here. What is not in the table is refused as well:
 * a newer librdkafka may know properties of which nobody has looked what they do.
 *
 * The table has the properties of 2.0.2 and 2.16.0; a test compares it with what
 * the library in use shows. */
#include <string.h>

#include "client.h"

#define ALLOWED NULL
#define RUNS_CODE "it can run code"
#define SHELL "it can run code: it becomes a part of a shell command (tickets: have kinit or " \
              "k5start run beside headcountd, or name the keytab in KRB5_CLIENT_KTNAME)"
#define POINTER "it is a pointer that only a program can set"
#define EVENTS "callbacks are used instead, so that nothing is lost"
#define SIGNALS "signals are headcountd's own"
#define WHOLE "partitions are given up as a whole, by the classic protocol (range,roundrobin)"
#define SHARE "partitions are read in their order, not shared out by record"
#define COMMITS "commits are made when records are safe, not when frames are read"
#define PROTOCOL "times and headers need what brokers speak since 0.11"
#define DELIVERY "no record may be given up or go unconfirmed"
#define FATAL "duplicates change nothing, its fatal states would end the run"
#define TRANSACTIONS "records are not written in transactions"

static const struct decision {
    const char *name;
    const char *why; /* it is refused; or ALLOWED */
} decisions[] = {
    {"acks", DELIVERY},
    {"allow.auto.create.topics", "topics are made with settings that keep what is in them"},
    {"api.version.fallback.ms", PROTOCOL},
    {"api.version.request", PROTOCOL},
    {"api.version.request.timeout.ms", ALLOWED},
    {"auto.commit.enable", COMMITS},
    {"auto.commit.interval.ms", COMMITS},
    {"auto.offset.reset", "use --start; nothing that can still be read may be skipped"},
    {"background_event_cb", POINTER},
    {"batch.num.messages", ALLOWED},
    {"batch.size", ALLOWED},
    {"bootstrap.servers", "use -b"},
    {"broker.address.family", ALLOWED},
    {"broker.address.ttl", ALLOWED},
    {"broker.version.fallback", PROTOCOL},
    {"builtin.features", "it is not a setting"},
    {"check.crcs", "what changed on its way must not be counted"},
    {"client.dns.lookup", ALLOWED},
    {"client.id", ALLOWED},
    {"client.rack", ALLOWED},
    {"closesocket_cb", POINTER},
    {"compression.codec", ALLOWED},
    {"compression.level", ALLOWED},
    {"compression.type", ALLOWED},
    {"connect_cb", POINTER},
    {"connections.max.idle.ms", ALLOWED},
    {"consume.callback.max.messages", ALLOWED},
    {"consume_cb", POINTER},
    {"coordinator.query.interval.ms", ALLOWED},
    {"debug", ALLOWED},
    {"default_topic_conf", POINTER},
    {"delivery.report.only.error", DELIVERY},
    {"delivery.timeout.ms", DELIVERY},
    {"dr_cb", POINTER},
    {"dr_msg_cb", POINTER},
    {"enable.auto.commit", COMMITS},
    {"enable.auto.offset.store", COMMITS},
    {"enable.gapless.guarantee", FATAL},
    {"enable.idempotence", FATAL},
    {"enable.metrics.push", ALLOWED},
    {"enable.partition.eof", "the ends of partitions tell when a minute is complete"},
    {"enable.random.seed", ALLOWED},
    {"enable.sasl.oauthbearer.unsecure.jwt", ALLOWED},
    {"enable.ssl.certificate.verification", ALLOWED},
    {"enabled_events", EVENTS},
    {"error_cb", POINTER},
    {"fetch.error.backoff.ms", ALLOWED},
    {"fetch.max.bytes", ALLOWED},
    {"fetch.message.max.bytes", ALLOWED},
    {"fetch.min.bytes", ALLOWED},
    {"fetch.queue.backoff.ms", ALLOWED},
    {"fetch.wait.max.ms", ALLOWED},
    {"group.id", "use -G"},
    {"group.instance.id", ALLOWED},
    {"group.protocol", WHOLE},
    {"group.protocol.type", WHOLE},
    {"group.remote.assignor", WHOLE},
    {"heartbeat.interval.ms", ALLOWED},
    {"https.ca.location", ALLOWED},
    {"https.ca.pem", ALLOWED},
    {"interceptors", RUNS_CODE},
    {"internal.termination.signal", SIGNALS},
    {"isolation.level", ALLOWED},
    {"linger.ms", ALLOWED},
    {"log.connection.close", ALLOWED},
    {"log.queue", EVENTS},
    {"log.thread.name", ALLOWED},
    {"log_cb", POINTER},
    {"log_level", ALLOWED},
    {"max.in.flight", ALLOWED},
    {"max.in.flight.requests.per.connection", ALLOWED},
    {"max.partition.fetch.bytes", ALLOWED},
    {"max.poll.interval.ms", ALLOWED},
    {"max.poll.records", SHARE},
    {"message.copy.max.bytes", ALLOWED},
    {"message.max.bytes", ALLOWED},
    {"message.send.max.retries", DELIVERY},
    {"message.timeout.ms", DELIVERY},
    {"metadata.broker.list", "use -b"},
    {"metadata.max.age.ms", ALLOWED},
    {"metadata.recovery.rebootstrap.trigger.ms", ALLOWED},
    {"metadata.recovery.strategy", ALLOWED},
    {"msg_order_cmp", POINTER},
    {"oauthbearer_token_refresh_cb", POINTER},
    {"offset.store.method", COMMITS},
    {"offset.store.path", COMMITS},
    {"offset.store.sync.interval.ms", COMMITS},
    {"offset_commit_cb", POINTER},
    {"opaque", POINTER},
    {"open_cb", POINTER},
    {"partition.assignment.strategy", WHOLE},
    {"partitioner", "all records of a minute must meet in one partition"},
    {"partitioner_cb", POINTER},
    {"plugin.library.paths", RUNS_CODE},
    {"produce.offset.report", ALLOWED},
    {"queue.buffering.backpressure.threshold", ALLOWED},
    {"queue.buffering.max.kbytes", ALLOWED},
    {"queue.buffering.max.messages", ALLOWED},
    {"queue.buffering.max.ms", ALLOWED},
    {"queued.max.messages.kbytes", ALLOWED},
    {"queued.min.messages", ALLOWED},
    {"queuing.strategy", ALLOWED},
    {"rebalance_cb", POINTER},
    {"receive.message.max.bytes", ALLOWED},
    {"reconnect.backoff.jitter.ms", ALLOWED},
    {"reconnect.backoff.max.ms", ALLOWED},
    {"reconnect.backoff.ms", ALLOWED},
    {"request.required.acks", DELIVERY},
    {"request.timeout.ms", ALLOWED},
    {"resolve_cb", POINTER},
    {"retries", DELIVERY},
    {"retry.backoff.max.ms", ALLOWED},
    {"retry.backoff.ms", ALLOWED},
    {"sasl.kerberos.keytab", SHELL},
    {"sasl.kerberos.kinit.cmd", RUNS_CODE},
    {"sasl.kerberos.min.time.before.relogin", SHELL},
    {"sasl.kerberos.principal", SHELL},
    {"sasl.kerberos.service.name", ALLOWED},
    {"sasl.mechanism", ALLOWED},
    {"sasl.mechanisms", ALLOWED},
    {"sasl.oauthbearer.assertion.algorithm", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.aud", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.exp.seconds", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.iss", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.jti.include", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.nbf.seconds", ALLOWED},
    {"sasl.oauthbearer.assertion.claim.sub", ALLOWED},
    {"sasl.oauthbearer.assertion.file", ALLOWED},
    {"sasl.oauthbearer.assertion.jwt.template.file", ALLOWED},
    {"sasl.oauthbearer.assertion.private.key.file", ALLOWED},
    {"sasl.oauthbearer.assertion.private.key.passphrase", ALLOWED},
    {"sasl.oauthbearer.assertion.private.key.pem", ALLOWED},
    {"sasl.oauthbearer.client.credentials.client.id", ALLOWED},
    {"sasl.oauthbearer.client.credentials.client.secret", ALLOWED},
    {"sasl.oauthbearer.client.id", ALLOWED},
    {"sasl.oauthbearer.client.secret", ALLOWED},
    {"sasl.oauthbearer.config", ALLOWED},
    {"sasl.oauthbearer.extensions", ALLOWED},
    {"sasl.oauthbearer.grant.type", ALLOWED},
    {"sasl.oauthbearer.metadata.authentication.type", ALLOWED},
    {"sasl.oauthbearer.method", ALLOWED},
    {"sasl.oauthbearer.scope", ALLOWED},
    {"sasl.oauthbearer.sub.claim.name", ALLOWED},
    {"sasl.oauthbearer.token.endpoint.url", ALLOWED},
    {"sasl.password", ALLOWED},
    {"sasl.username", ALLOWED},
    {"security.protocol", ALLOWED},
    {"session.timeout.ms", ALLOWED},
    {"share.acknowledgement.mode", SHARE},
    {"socket.blocking.max.ms", ALLOWED},
    {"socket.connection.setup.timeout.ms", ALLOWED},
    {"socket.keepalive.enable", ALLOWED},
    {"socket.max.fails", ALLOWED},
    {"socket.nagle.disable", ALLOWED},
    {"socket.receive.buffer.bytes", ALLOWED},
    {"socket.send.buffer.bytes", ALLOWED},
    {"socket.timeout.ms", ALLOWED},
    {"socket_cb", POINTER},
    {"ssl.ca.certificate.stores", ALLOWED},
    {"ssl.ca.location", ALLOWED},
    {"ssl.ca.pem", ALLOWED},
    {"ssl.certificate.location", ALLOWED},
    {"ssl.certificate.pem", ALLOWED},
    {"ssl.certificate.verify_cb", POINTER},
    {"ssl.cipher.suites", ALLOWED},
    {"ssl.crl.location", ALLOWED},
    {"ssl.curves.list", ALLOWED},
    {"ssl.endpoint.identification.algorithm", ALLOWED},
    {"ssl.engine.id", RUNS_CODE},
    {"ssl.engine.location", RUNS_CODE},
    {"ssl.key.location", ALLOWED},
    {"ssl.key.password", ALLOWED},
    {"ssl.key.pem", ALLOWED},
    {"ssl.keystore.location", ALLOWED},
    {"ssl.keystore.password", ALLOWED},
    {"ssl.providers", RUNS_CODE},
    {"ssl.sigalgs.list", ALLOWED},
    {"ssl_ca", POINTER},
    {"ssl_certificate", POINTER},
    {"ssl_engine_callback_data", POINTER},
    {"ssl_key", POINTER},
    {"statistics.interval.ms", ALLOWED},
    {"stats_cb", POINTER},
    {"sticky.partitioning.linger.ms", ALLOWED},
    {"throttle_cb", POINTER},
    {"topic.blacklist", "-t names the topic to read"},
    {"topic.metadata.propagation.max.ms", ALLOWED},
    {"topic.metadata.refresh.fast.cnt", ALLOWED},
    {"topic.metadata.refresh.fast.interval.ms", ALLOWED},
    {"topic.metadata.refresh.interval.ms", ALLOWED},
    {"topic.metadata.refresh.sparse", ALLOWED},
    {"transaction.timeout.ms", TRANSACTIONS},
    {"transactional.id", TRANSACTIONS},
};

static const char *const secrets[] = {
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
};

/* Read by the library when a client is made. */
static const char *const files[] = {
    "ssl.ca.location",  "ssl.certificate.location", "ssl.crl.location",
    "ssl.key.location", "ssl.keystore.location",
};

const char kafka_undecided[] =
    "nothing is known of what it does; it is newer than this headcountd";

const char *kafka_refusal(const char *name)
{
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        if (strcmp(decisions[i].name, name) == 0)
            return decisions[i].why;
    return kafka_undecided;
}

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool kafka_is_secret(const char *name)
{
    return is_one_of(secrets, sizeof(secrets) / sizeof(secrets[0]), name);
}

bool kafka_is_file(const char *name)
{
    return is_one_of(files, sizeof(files) / sizeof(files[0]), name);
}
