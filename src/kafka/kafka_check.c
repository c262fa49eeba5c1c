/* What --validate asks of the brokers, one line a finding.
 *
 * What this user may not ask is said and stands in nobody's way: counting does
 * not need it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "client.h"
#include "clock.h"
#include "properties_body.h"
#include "shown.h"

/* How soon a refusal is seen. */
#define ASK_MS 500

static bool check_brokers(struct kafka_admin *admin, const char *brokers,
                          const struct kafka_patience *patience, FILE *stream)
{
    const char *complaint;
    int count;

    do
        count = kafka_brokers_count(admin, ASK_MS);
    while (count == 0 && !kafka_patience_over(patience) && !kafka_admin_hopeless(admin));
    if (count > 0) {
        say_on(stream, "ok: %d broker%s at %s\n", count, count == 1 ? "" : "s", brokers);
        return true;
    }
    complaint = kafka_admin_complaint(admin);
    say_on(stream, "error: nobody answers at %s: %s\n", brokers,
           complaint[0] ? complaint : "no connection and no reason in time");
    return false;
}

static bool check_input(const struct kafka_properties *properties, const char *topic,
                        const struct kafka_patience *patience, FILE *stream)
{
    char error[KAFKA_TEXT_MAX] = "";
    int32_t count = 0;
    enum kafka_answer answer =
        kafka_topic_partitions(properties, topic, patience, &count, error, sizeof(error));

    if (answer != KAFKA_ANSWERED) {
        say_on(stream, "error: input: %s%s\n", error,
               answer == KAFKA_DENIED ? ": allow this user to describe and read it" : "");
        return false;
    }
    if (count == 0) {
        say_on(stream, "error: input: there is no topic %s\n", topic);
        return false;
    }
    say_on(stream, "ok: input: topic %s has %" PRId32 " partition%s\n", topic, count,
           count == 1 ? "" : "s");
    return true;
}

/* A topic that is written to: `what` it is for. */
static bool check_output(struct kafka_admin *admin, const char *what, const char *name,
                         size_t record_max, const struct kafka_patience *patience, FILE *stream)
{
    char error[KAFKA_TEXT_MAX] = "";
    struct kafka_topic topic = {0};
    enum kafka_answer answer = kafka_topic_describe(kafka_admin_client(admin), name, patience,
                                                    &topic, error, sizeof(error));

    if (answer == KAFKA_DENIED) {
        say_on(stream, "warning: %s: topic %s could not be looked at: %s\n", what, name, error);
        return true;
    }
    if (answer != KAFKA_ANSWERED) {
        say_on(stream, "error: %s: topic %s: %s\n", what, name, error);
        return false;
    }
    if (!topic.exists) {
        say_on(stream, "ok: %s: topic %s will be created\n", what, name);
        return true;
    }
    if (!kafka_topic_fits(&topic, name, record_max, error, sizeof(error))) {
        say_on(stream, "error: %s: %s\n", what, error);
        return false;
    }
    say_on(stream, "ok: %s: topic %s can hold the records\n", what, name);
    if (topic.deleted && topic.retention_ms >= 0)
        say_on(stream,
               "warning: %s: topic %s deletes records after %" PRId64 " hours (retention.ms)\n",
               what, name, topic.retention_ms / 3600000);
    return true;
}

bool kafka_check(const struct kafka_properties *properties, const struct kafka_check *check,
                 int timeout_ms, void *stream)
{
    struct kafka_patience patience = {.until_ms = clock_monotonic_ms() + timeout_ms};
    char error[KAFKA_TEXT_MAX];
    struct kafka_admin *admin = kafka_admin_create(properties, error, sizeof(error));
    bool fine;

    if (!admin) {
        say_on(stream, "error: %s\n", error);
        return false;
    }
    fine = check_brokers(admin, properties->brokers, &patience, stream);
    if (fine && check->input)
        fine = check_input(properties, check->input, &patience, stream);
    if (fine && check->output)
        fine = check_output(admin, "output", check->output, check->record_max, &patience, stream);
    if (fine && check->rejects)
        fine = check_output(admin, "rejects", check->rejects, 0, &patience, stream);
    kafka_admin_destroy(&admin);
    return fine;
}
