/* Found by the words of librdkafka and OpenSSL, which are the same in all the
 * versions looked at (2.0.2, 2.16.0); other words pass without advice. */
#include "reason.h"

#include <stdio.h>
#include <string.h>

/* The first that fits counts. */
static const struct advice {
    const char *words;
    const char *advice;
} advices[] = {
    {"Unsupported SASL mechanism", "choose one that the broker supports with sasl.mechanism"},
    {"not valid in current SASL state",
     "this listener takes no SASL: check the port, or set security.protocol=plaintext or ssl"},
    {"SASL authentication error", "check sasl.username and sasl.password"},
    {"might require SASL",
     "this listener may want SASL or TLS: check the port, security.protocol and sasl.mechanism"},
    {"Broken pipe",
     "the broker hung up: check the port, security.protocol and sasl.mechanism"},
    {"Disconnected while requesting ApiVersion",
     "this listener may want TLS: check the port, or set security.protocol=ssl or sasl_ssl"},
    {"alert bad certificate",
     "the broker wants a certificate of the client: ssl.certificate.location and ssl.key.location"},
    {"alert certificate required",
     "the broker wants a certificate of the client: ssl.certificate.location and ssl.key.location"},
    {"alert certificate unknown",
     "the broker refuses this client's certificate: is it in date, and signed by whom it trusts?"},
    {"alert certificate expired", "renew the certificate in ssl.certificate.location"},
    {"alert unknown ca", "the broker does not trust who signed ssl.certificate.location"},
    {"unexpected eof while reading",
     "this listener may speak no TLS: check the port, or set security.protocol to what it speaks"},
    {"wrong version number",
     "this listener may speak no TLS: check the port, or set security.protocol to what it speaks"},
    {"key values mismatch", "ssl.key.location is not the key of ssl.certificate.location"},
    {"ssl.key.location failed", "is it a PEM, and ssl.key.password right?"},
    {"ssl.certificate.location failed", "is it a PEM?"},
    {"ssl.ca.location failed", "is it a PEM, or a folder of them?"},
    {"mac verify failure", "check ssl.keystore.password"},
    {"Failed to resolve", "check the host names in -b and in the brokers' advertised.listeners"},
};

#define NOT_SIGNED "the broker's certificate is not signed by whom ssl.ca.location names " \
                   "(without it: by whom this system trusts)"

/* The most common of OpenSSL's x509_vfy.h, where the numbers are for good. */
static const struct verdict {
    int number;
    const char *text;
} verdicts[] = {
    {9, "the broker's certificate is not valid yet: check the clocks, or renew it"},
    {10, "the broker's certificate has expired: renew it, or check the clocks"},
    {18, "the broker's certificate is signed by itself: if it is the right one, name it in "
         "ssl.ca.location"},
    {19, NOT_SIGNED},
    {20, NOT_SIGNED},
    {21, NOT_SIGNED},
    {23, "the broker's certificate has been revoked (ssl.crl.location)"},
    {62, "the broker's certificate is for another host name: use one that it has in -b and in "
         "the brokers' advertised.listeners, or make one for this name"},
    {64, "the broker's certificate is for another address: use a name that it has in -b and in "
         "the brokers' advertised.listeners, or make one for this address"},
};

const char *kafka_reason_advice(const char *reason, bool scram_fails)
{
    if (scram_fails && strstr(reason, "SASL authentication error"))
        return "check sasl.username and sasl.password; or this librdkafka is too old for the "
               "broker's SCRAM: with brokers from 4.0 on it has to be 2.6.1 or later";
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (strstr(reason, advices[i].words))
            return advices[i].advice;
    return NULL;
}

const char *kafka_reason_verdict(int verdict)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (verdicts[i].number == verdict)
            return verdicts[i].text;
    return verdict ? "the broker's certificate is not to be trusted (openssl verify says why)"
                   : NULL;
}

void kafka_reason_write(const char *reason, int verdict, bool scram_fails, char *text,
                        size_t size)
{
    const char *advice = kafka_reason_advice(reason, scram_fails);
    const char *why = kafka_reason_verdict(verdict);
    const char *failed = strstr(reason, "SSL handshake failed");

    if (!failed)
        failed = strstr(reason, "error:");
    if (failed && why && strstr(reason, "certificate verify failed"))
        snprintf(text, size, "%.*sTLS: %s", (int)(failed - reason), reason, why);
    else
        snprintf(text, size, "%s%s%s", reason, advice ? ": " : "", advice ? advice : "");
}
