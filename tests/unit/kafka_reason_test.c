/* Goal: what librdkafka and OpenSSL say when a broker and a client do not trust
 * each other comes with what to do about it, the right thing for each; the words
 * are those of librdkafka 2.0.2 with OpenSSL 3.0, taken down from real brokers. */
#include <string.h>

#include "check_main.h"
#include "reason.h"

#define VERIFY "ssl://b:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::" \
               "certificate verify failed: broker certificate could not be verified, verify " \
               "that ssl.ca.location is correctly configured (after 5ms in state SSL_HANDSHAKE)"
#define VERIFY_SHORT "ssl://b:1/bootstrap: error:0A000086:SSL routines::certificate verify failed"

static char text[1024];

static const char *written(const char *reason, int verdict, bool scram_fails)
{
    kafka_reason_write(reason, verdict, scram_fails, text, sizeof text);
    return text;
}

START_TEST(names_what_is_wrong_with_a_certificate)
{
    static const struct {
        int verdict;
        const char *word;
    } cases[] = {{9, "not valid yet"}, {10, "expired"},  {18, "signed by itself"},
                 {19, "ssl.ca.location"}, {20, "ssl.ca.location"}, {62, "host name"},
                 {64, "address"}, {23, "revoked"}, {7, "openssl verify"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = strdupa(written(VERIFY, cases[i].verdict, false));

        ck_assert_msg(strstr(found, cases[i].word), "%d: %s", cases[i].verdict, found);
        /* Who it was stays, the words that fit all of them go. */
        ck_assert_ptr_nonnull(strstr(found, "ssl://b:1/bootstrap: TLS: "));
        ck_assert_ptr_null(strstr(found, "could not be verified"));
        ck_assert_str_eq(written(VERIFY_SHORT, cases[i].verdict, false), found);
    }
    ck_assert_str_eq(written(VERIFY, 0, false), VERIFY);
}
END_TEST

START_TEST(an_old_verdict_does_not_speak_for_another_failure)
{
    const char *reason = "ssl://b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: refused";

    ck_assert_str_eq(written(reason, 10, true), reason);
}
END_TEST

START_TEST(says_what_to_do)
{
    static const char *const cases[][2] = {
        {"SASL authentication error: Authentication failed: Invalid username or password",
         "check sasl.username and sasl.password"},
        {"SASL X mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's "
         "supported mechanisms: PLAIN", "sasl.mechanism"},
        {"mechanism handshake failed: Broker: Request not valid in current SASL state",
         "takes no SASL"},
        {"Disconnected: verify that security.protocol is correctly configured, broker might "
         "require SASL authentication", "security.protocol"},
        {"Disconnected while requesting ApiVersion: might be", "may want TLS"},
        {"error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42",
         "ssl.certificate.location"},
        {"error:0A000416:SSL routines::sslv3 alert certificate unknown: SSL alert number 46",
         "refuses this client's certificate"},
        {"SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading",
         "may speak no TLS"},
        {"ssl.key.location failed: error:05800074:x509 certificate routines::key values mismatch",
         "not the key of"},
        {"ssl.key.location failed: error:0A080009:SSL routines::PEM lib", "ssl.key.password"},
        {"PKCS#12 file: x.p12: error:11800071:PKCS12 routines::mac verify failure",
         "ssl.keystore.password"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = written(cases[i][0], 0, false);

        ck_assert_msg(strncmp(found, cases[i][0], strlen(cases[i][0])) == 0, "%s", found);
        ck_assert_msg(strstr(found + strlen(cases[i][0]), cases[i][1]), "%s", found);
    }
    ck_assert_ptr_null(kafka_reason_advice("something else", false));
    ck_assert_str_eq(written("something else", 0, false), "something else");
}
END_TEST

/* The broker's words are those of a wrong password. */
START_TEST(names_scram_beside_a_wrong_password)
{
    const char *refused = "SASL authentication error: Authentication failed during "
                          "authentication due to invalid credentials with SASL mechanism SCRAM";

    ck_assert_ptr_nonnull(strstr(written(refused, 0, true), "2.6.1 or later"));
    ck_assert_ptr_nonnull(strstr(written(refused, 0, true), "sasl.password"));
    ck_assert_ptr_null(strstr(written(refused, 0, false), "2.6.1"));
    ck_assert_ptr_null(strstr(written("Unsupported SASL mechanism", 0, true), "2.6.1"));
}
END_TEST

START_TEST(fits_any_room)
{
    char small[8];

    for (size_t size = 1; size <= sizeof small; size++) {
        memset(small, 'x', sizeof small);
        kafka_reason_write(VERIFY, 10, false, small, size);
        ck_assert_uint_lt(strlen(small), size);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_test(cases, names_what_is_wrong_with_a_certificate);
    tcase_add_test(cases, an_old_verdict_does_not_speak_for_another_failure);
    tcase_add_test(cases, says_what_to_do);
    tcase_add_test(cases, names_scram_beside_a_wrong_password);
    tcase_add_test(cases, fits_any_room);
}
