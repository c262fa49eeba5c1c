/* What can only be said of the user's properties together: whether a client
 * comes of them, and what is not safe about them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "log.h"
#include "properties_body.h"
#include "reason.h"

#define VALUE_MAX 256

/* A value as the library has it; "" when there is none, or one that is too long. */
static const char *value_of(const rd_kafka_conf_t *conf, const char *name, char *value)
{
    size_t size = VALUE_MAX;

    if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
        value[0] = '\0';
    return value;
}

/* The library's default is Kerberos, and so is what it says without it. */
static bool sasl_named(const struct kafka_properties *properties, const rd_kafka_conf_t *conf,
                       char *error, size_t error_size)
{
    char protocol[VALUE_MAX];

    if (strncasecmp(value_of(conf, "security.protocol", protocol), "sasl", 4) != 0 ||
        kafka_properties_given(properties, "sasl.mechanism") ||
        kafka_properties_given(properties, "sasl.mechanisms"))
        return true;
    (void)snprintf(error, error_size,
                   "-X security.protocol=%s needs -X sasl.mechanism as well: PLAIN, "
                   "SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI or OAUTHBEARER", protocol);
    return false;
}

/* Makes a client that knows no broker, and ends it: keys, certificates and what
 * contradicts itself are found by that. */
static bool client_try(const struct kafka_properties *properties, enum kafka_role role,
                       char *error, size_t error_size)
{
    char reason[KAFKA_TEXT_MAX], text[KAFKA_TEXT_MAX];
    struct kafka_notes notes;
    rd_kafka_conf_t *conf;
    rd_kafka_t *client = NULL;

    kafka_notes_init(&notes, NULL);
    conf = kafka_conf_create(properties, role, &notes, error, error_size);
    if (conf) {
        (void)rd_kafka_conf_set(conf, "bootstrap.servers", NULL, reason, sizeof(reason));
        rd_kafka_conf_set_log_cb(conf, NULL);
        client = kafka_client_create(role, conf, reason, sizeof(reason));
        kafka_reason_write(reason, 0, false, text, sizeof(text));
        if (!client)
            (void)snprintf(error, error_size, "-X: %s", text);
    }
    if (client)
        rd_kafka_destroy(client);
    kafka_notes_destroy(&notes);
    return client != NULL;
}

static void warn_unsafe(const rd_kafka_conf_t *conf)
{
    char protocol[VALUE_MAX], value[VALUE_MAX];
    bool tls = strcasestr(value_of(conf, "security.protocol", protocol), "ssl") != NULL;

    if (tls && strcmp(value_of(conf, "enable.ssl.certificate.verification", value), "false") == 0)
        log_event(LOG_WARN, "tls_unverified",
                  LOG_S("property", "enable.ssl.certificate.verification"),
                  LOG_S("text", "anyone on the way can pass for the brokers, read and change all"));
    else if (tls && strcmp(value_of(conf, "ssl.endpoint.identification.algorithm", value),
                           "none") == 0)
        log_event(LOG_WARN, "tls_unverified",
                  LOG_S("property", "ssl.endpoint.identification.algorithm"),
                  LOG_S("text", "anyone with a certificate of this authority can pass for the "
                                "brokers"));
    if (strcasecmp(protocol, "sasl_plaintext") == 0 &&
        strcmp(value_of(conf, "sasl.mechanisms", value), "PLAIN") == 0)
        log_event(LOG_WARN, "password_in_clear", LOG_S("property", "security.protocol"),
                  LOG_S("text", "the password goes over the network as it is: use sasl_ssl"));
}

bool kafka_properties_judge(const struct kafka_properties *properties,
                            const rd_kafka_conf_t *conf, char *error, size_t error_size)
{
    if (!sasl_named(properties, conf, error, error_size) ||
        !client_try(properties, KAFKA_CONSUMER, error, error_size) ||
        !client_try(properties, KAFKA_PRODUCER, error, error_size))
        return false;
    warn_unsafe(conf);
    return true;
}
