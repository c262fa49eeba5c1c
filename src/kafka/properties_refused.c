/* The properties that are not the user's to set, and those that are secret.
 *
 * Two kinds are refused: those that make librdkafka run a program, load code
 * or take a string for a pointer, and those that a guarantee of ours rests on.
 * Every alias stands in the table of its own. */
#include <string.h>

#include "client.h"

#define RUNS_CODE "it can run code"
#define POINTER "it is a pointer that only a program can set"
#define COMMITS "commits are made when records are safe, not when frames are read"
#define DELIVERY "no record may be given up or go unconfirmed"

static const struct refused {
    const char *name;
    const char *why;
} refused[] = {
    {"plugin.library.paths", RUNS_CODE},
    {"sasl.kerberos.kinit.cmd", RUNS_CODE},
    {"ssl.engine.location", RUNS_CODE},
    {"ssl.engine.id", RUNS_CODE},
    {"ssl.providers", RUNS_CODE},
    {"interceptors", RUNS_CODE},
    {"opaque", POINTER},
    {"default_topic_conf", POINTER},
    {"ssl_key", POINTER},
    {"ssl_certificate", POINTER},
    {"ssl_ca", POINTER},
    {"ssl_engine_callback_data", POINTER},
    {"msg_order_cmp", POINTER},
    {"enabled_events", "callbacks are used instead of events"},
    {"log.queue", "the log would be lost"},
    {"bootstrap.servers", "use -b"},
    {"metadata.broker.list", "use -b"},
    {"group.id", "use -G"},
    {"group.protocol", "partitions are given up as a whole, by the classic protocol"},
    {"group.remote.assignor", "partitions are given up as a whole, by the classic protocol"},
    {"partition.assignment.strategy", "partitions are given up as a whole (range,roundrobin)"},
    {"enable.auto.commit", COMMITS},
    {"auto.commit.enable", COMMITS},
    {"auto.commit.interval.ms", COMMITS},
    {"enable.auto.offset.store", COMMITS},
    {"offset.store.method", COMMITS},
    {"offset.store.path", COMMITS},
    {"offset.store.sync.interval.ms", COMMITS},
    {"auto.offset.reset", "use --start; nothing that can still be read may be skipped"},
    {"enable.partition.eof", "the ends of partitions tell when a minute is complete"},
    {"message.timeout.ms", DELIVERY},
    {"delivery.timeout.ms", DELIVERY},
    {"acks", DELIVERY},
    {"request.required.acks", DELIVERY},
    {"delivery.report.only.error", DELIVERY},
    {"enable.idempotence", "duplicates change nothing, its fatal states would end the run"},
    {"enable.gapless.guarantee", "duplicates change nothing, its fatal states would end the run"},
    {"transactional.id", "records are not written in transactions"},
    {"partitioner", "all records of a minute must meet in one partition"},
};

static const char *const secrets[] = {
    "sasl.password",          "ssl.key.password",     "ssl.key.pem",
    "ssl.keystore.password",  "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
};

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);

    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

const char *kafka_refusal(const char *name)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(refused[i].name, name) == 0)
            return refused[i].why;
    if (ends_with(name, "_cb") || strncmp(name, "ut_", 3) == 0)
        return POINTER;
    return NULL;
}

bool kafka_is_secret(const char *name)
{
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (strcmp(secrets[i], name) == 0)
            return true;
    return false;
}
