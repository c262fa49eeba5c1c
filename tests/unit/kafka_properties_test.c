/* Goal: no property gets through that can run code or that a guarantee rests
 * on, every message names the property and why, secrets come from files and
 * never show, and each role gets its own properties and ours. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check_main.h"
#include "client.h"
#include "properties.h"
#include "test_folder.h"

#define SECRET "hunter2-is-secret"

static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
static char password[TEST_PATH_ROOM + 32]; /* a property whose value the file holds */

static struct kafka_properties *create(const char *pair, char *error)
{
    error[0] = '\0';
    return kafka_properties_create("127.0.0.1:1", &pair, pair ? 1 : 0, error, KAFKA_TEXT_MAX);
}

static char value[KAFKA_TEXT_MAX];

/* A configuration value as the library has it, until the next call; "" when not set. */
static const char *value_of(const rd_kafka_conf_t *conf, const char *name)
{
    size_t size = sizeof(value);

    if (rd_kafka_conf_get(conf, name, value, &size) != RD_KAFKA_CONF_OK)
        value[0] = '\0';
    return value;
}

static void check_refused(const char *pair, const char *word)
{
    char error[KAFKA_TEXT_MAX];
    struct kafka_properties *properties = create(pair, error);

    ck_assert_msg(!properties, "%s got through", pair);
    ck_assert_msg(strstr(error, word), "'%s' says nothing of '%s'", error, word);
    ck_assert_msg(strstr(error, "-X "), "%s", error);
}

START_TEST(refuses_what_can_run_code)
{
    check_refused("plugin.library.paths=/tmp/evil.so", "run code");
    check_refused("sasl.kerberos.kinit.cmd=touch /tmp/evil", "run code");
    check_refused("ssl.engine.location=/tmp/evil.so", "run code");
    check_refused("ssl.providers=evil", "run code");
    check_refused("interceptors=x", "run code");
    check_refused("opaque=1234", "pointer");
    check_refused("rebalance_cb=1234", "pointer");
    check_refused("oauthbearer_token_refresh_cb=1", "pointer");
    check_refused("sasl.kerberos.keytab=x\"; touch /tmp/evil; \"", "shell command");
    check_refused("sasl.kerberos.principal=`touch /tmp/evil`", "shell command");
    check_refused("sasl.kerberos.min.time.before.relogin=1", "shell command");
}
END_TEST

START_TEST(refuses_what_guarantees_rest_on)
{
    check_refused("enable.auto.commit=true", "commits");
    check_refused("auto.commit.enable=true", "commits");
    check_refused("enable.auto.offset.store=true", "commits");
    check_refused("auto.offset.reset=latest", "--start");
    check_refused("enable.partition.eof=false", "minute");
    check_refused("group.id=x", "-G");
    check_refused("bootstrap.servers=x", "-b");
    check_refused("metadata.broker.list=x", "-b");
    check_refused("partition.assignment.strategy=cooperative-sticky", "whole");
    check_refused("message.timeout.ms=1", "given up");
    check_refused("delivery.timeout.ms=1", "given up");
    check_refused("acks=0", "given up");
    check_refused("request.required.acks=0", "given up");
    check_refused("enable.idempotence=true", "fatal");
    check_refused("transactional.id=x", "transactions");
    check_refused("delivery.report.only.error=true", "given up");
    check_refused("partitioner=random", "meet");
    check_refused("retries=0", "given up");
    check_refused("message.send.max.retries=0", "given up");
    check_refused("check.crcs=false", "changed");
    check_refused("topic.blacklist=.*", "-t");
    check_refused("allow.auto.create.topics=true", "keep");
    check_refused("api.version.request=false", "0.11");
    check_refused("internal.termination.signal=9", "signals");
    check_refused("enabled_events=1", "callbacks");
    check_refused("group.protocol.type=x", "whole");
}
END_TEST

/* Calls `look` for the name of each property that the library shows. */
static size_t each_property(void (*look)(const char *name))
{
    char *table = NULL;
    size_t size = 0, count = 0;
    FILE *stream = open_memstream(&table, &size);

    ck_assert_ptr_nonnull(stream);
    kafka_properties_list(stream);
    ck_assert_int_eq(fclose(stream), 0);
    for (char *line = table; line && *line; line = strchr(line, '\n') + 1) {
        char name[128];

        /* Headings begin with other characters. */
        if (line[0] < 'a' || line[0] > 'z' || sscanf(line, "%127s |", name) != 1)
            continue;
        look(name);
        count++;
    }
    free(table);
    return count;
}

static void check_decided(const char *name)
{
    const char *why = kafka_refusal(name);
    char pair[160], error[KAFKA_TEXT_MAX];
    struct kafka_properties *properties;

    ck_assert_msg(why != kafka_undecided, "nobody has decided about %s", name);
    if (strstr(name, "_cb") || strstr(name, "plugin") || strstr(name, "engine"))
        ck_assert_msg(why, "%s got through", name);
    (void)snprintf(pair, sizeof(pair), "%s=1", name);
    properties = create(pair, error);
    ck_assert_msg(!why || (!properties && strstr(error, why)), "%s: '%s'", name, error);
    kafka_properties_destroy(&properties);
    /* A prefix that the library takes away must not lead around the decision. */
    (void)snprintf(pair, sizeof(pair), "topic.%s=1", name);
    check_refused(pair, "no such property");
}

START_TEST(has_a_decision_for_every_property_of_this_library)
{
    ck_assert_uint_gt(each_property(check_decided), 150);
    ck_assert_ptr_eq(kafka_refusal("a.property.of.tomorrow"), kafka_undecided);
}
END_TEST

START_TEST(names_what_is_unknown_or_malformed)
{
    check_refused("no.such.property=1", "no such property");
    check_refused("fetch.wait.max.ms=soon", "fetch.wait.max.ms");
    check_refused("fetch.wait.max.ms", "-X fetch.wait.max.ms: expected property=value");
    check_refused("=1", "property=value");
    check_refused("", "property=value");
}
END_TEST

static void make(void)
{
    test_folder_make(folder);
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    (void)snprintf(password, sizeof(password), "sasl.password=@%s", path);
}

static void unmake(void)
{
    test_folder_remove(folder);
}

static void write_secret(const char *content, size_t size)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
}

static void check_secret(const char *content, const char *wanted)
{
    char error[KAFKA_TEXT_MAX];
    struct kafka_properties *properties;
    struct kafka_notes notes;
    rd_kafka_conf_t *conf;

    write_secret(content, strlen(content));
    properties = create(password, error);
    ck_assert_msg(properties, "%s", error);
    kafka_notes_init(&notes, NULL);
    conf = kafka_conf_create(properties, KAFKA_PRODUCER, &notes, error, sizeof(error));
    ck_assert_ptr_nonnull(conf);
    ck_assert_str_eq(value_of(conf, "sasl.password"), wanted);
    rd_kafka_conf_destroy(conf);
    kafka_notes_destroy(&notes);
    kafka_properties_destroy(&properties);
    ck_assert_ptr_null(properties);
}

START_TEST(takes_secrets_from_the_first_line_of_a_file)
{
    check_secret(SECRET "\n", SECRET);
    check_secret(SECRET "\r\nsecond line\n", SECRET);
    check_secret(SECRET, SECRET);
    check_secret("@" SECRET, "@" SECRET);
}
END_TEST

static void check_secret_refused(const char *content, size_t size, const char *word)
{
    write_secret(content, size);
    check_refused(password, word);
    check_refused(password, path);
}

START_TEST(refuses_files_that_hold_no_secret)
{
    static char large[65536];

    check_secret_refused("", 0, "it is empty");
    check_secret_refused("\n" SECRET "\n", sizeof SECRET + 1, "first line is empty");
    check_secret_refused("\r\n", 2, "first line is empty");
    check_secret_refused(SECRET "\0more", sizeof SECRET + 4, "NUL");
    check_secret_refused("\0", 1, "NUL");
    memset(large, 'x', sizeof large);
    check_secret_refused(large, sizeof large, "too long");
}
END_TEST

START_TEST(says_which_secret_cannot_be_read)
{
    check_refused("sasl.password=@/nowhere/secret", "/nowhere/secret");
    check_refused("ssl.key.password=@/nowhere/secret", "ssl.key.password");
    check_refused("sasl.password=@/dev/null", "/dev/null");
    check_refused("sasl.password=@/", "Is a directory");
    check_refused("sasl.password=@", "No such file");
    check_refused("ssl.ca.location=/nowhere/ca.pem", "cannot read /nowhere/ca.pem: No such file");
    check_refused("ssl.key.location=/nowhere/key", "ssl.key.location");
}
END_TEST

/* A client.id that begins with '@' is just that. */
START_TEST(takes_other_values_as_they_are)
{
    char error[KAFKA_TEXT_MAX];
    struct kafka_properties *properties = create("client.id=@me=you", error);
    struct kafka_notes notes;
    rd_kafka_conf_t *conf;

    ck_assert_msg(properties, "%s", error);
    ck_assert(kafka_properties_given(properties, "client.id"));
    ck_assert(!kafka_properties_given(properties, "client"));
    kafka_notes_init(&notes, NULL);
    conf = kafka_conf_create(properties, KAFKA_CONSUMER, &notes, error, sizeof(error));
    ck_assert_ptr_nonnull(conf);
    ck_assert_str_eq(value_of(conf, "client.id"), "@me=you");
    rd_kafka_conf_destroy(conf);
    kafka_notes_destroy(&notes);
    kafka_properties_destroy(&properties);
}
END_TEST

static void check_conf(const char *const *pairs, size_t count, enum kafka_role role,
                       const char *const *wanted)
{
    char error[KAFKA_TEXT_MAX] = "";
    struct kafka_properties *properties =
        kafka_properties_create("127.0.0.1:1", pairs, count, error, sizeof(error));
    struct kafka_notes notes;
    rd_kafka_conf_t *conf;

    ck_assert_msg(properties, "%s", error);
    kafka_notes_init(&notes, NULL);
    conf = kafka_conf_create(properties, role, &notes, error, sizeof(error));
    ck_assert_msg(conf, "%s", error);
    for (; wanted[0]; wanted += 2)
        ck_assert_msg(strcmp(value_of(conf, wanted[0]), wanted[1]) == 0, "%s is %s", wanted[0],
                      value_of(conf, wanted[0]));
    rd_kafka_conf_destroy(conf);
    kafka_notes_destroy(&notes);
    kafka_properties_destroy(&properties);
}

START_TEST(gives_each_role_its_own)
{
    const char *const pairs[] = {"linger.ms=77", "fetch.wait.max.ms=33", "client.id=both",
                                 "queued.max.messages.kbytes=2048"};
    const char *const consumer[] = {"linger.ms", "5", "fetch.wait.max.ms", "33",
                                    "client.id", "both", "queued.max.messages.kbytes", "2048",
                                    "enable.auto.commit", "false", "bootstrap.servers",
                                    "127.0.0.1:1", "session.timeout.ms", "10000", NULL};
    const char *const producer[] = {"linger.ms", "77", "fetch.wait.max.ms", "500", "client.id",
                                    "both", "enable.idempotence", "false", "acks", "-1",
                                    "message.timeout.ms", "0", NULL};

    check_conf(pairs, 4, KAFKA_CONSUMER, consumer);
    check_conf(pairs, 4, KAFKA_PRODUCER, producer);
}
END_TEST

START_TEST(keeps_a_refused_secret_out_of_the_message)
{
    char error[KAFKA_TEXT_MAX];

    ck_assert_ptr_null(create("acks.password=" SECRET, error));
    ck_assert_ptr_null(strstr(error, SECRET));
    ck_assert_ptr_null(create("plugin.library.paths=" SECRET, error));
    ck_assert_ptr_null(strstr(error, SECRET));
    ck_assert_ptr_null(create(SECRET, error));
    ck_assert_ptr_null(strstr(error, SECRET));
    ck_assert_ptr_null(create("sasl.password " SECRET, error));
    ck_assert_ptr_null(strstr(error, SECRET));
    ck_assert_ptr_nonnull(strstr(error, "sasl.password"));
    ck_assert_ptr_null(create("no.such.property=" SECRET, error));
    ck_assert_ptr_null(strstr(error, SECRET));
}
END_TEST

static void check_together(const char *const *pairs, size_t count, const char *word)
{
    char error[KAFKA_TEXT_MAX] = "";

    ck_assert_ptr_null(
        kafka_properties_create("127.0.0.1:1", pairs, count, error, sizeof(error)));
    ck_assert_msg(strstr(error, word), "'%s' says nothing of '%s'", error, word);
}

START_TEST(refuses_what_does_not_fit_together)
{
    const char *const no_mechanism[] = {"security.protocol=sasl_ssl", "sasl.username=x"};
    const char *const no_user[] = {"security.protocol=SASL_PLAINTEXT", "sasl.mechanisms=PLAIN"};
    const char *const no_pem[] = {"security.protocol=ssl", "ssl.ca.location=/etc/passwd"};
    const char *const sizes[] = {"receive.message.max.bytes=1000"};

    check_together(no_mechanism, 2, "needs -X sasl.mechanism");
    check_together(no_user, 2, "sasl.username and sasl.password");
    check_together(no_pem, 2, "is it a PEM");
    check_together(sizes, 1, "receive.message.max.bytes");
}
END_TEST

START_TEST(finds_the_secret_in_a_pair)
{
    ck_assert_uint_eq(kafka_pair_secret("sasl.password=x"), 14);
    ck_assert_uint_eq(kafka_pair_secret("ssl.key.password==="), 17);
    ck_assert_uint_eq(kafka_pair_secret("sasl.password=@/file"), 0);
    ck_assert_uint_eq(kafka_pair_secret("sasl.password="), 0);
    ck_assert_uint_eq(kafka_pair_secret("sasl.password"), 0);
    ck_assert_uint_eq(kafka_pair_secret("sasl.username=x"), 0);
    ck_assert_uint_eq(kafka_pair_secret("="), 0);
    ck_assert_uint_eq(kafka_pair_secret(""), 0);
}
END_TEST

START_TEST(knows_the_scram_that_fails)
{
    char error[KAFKA_TEXT_MAX];
    struct kafka_properties *properties = create("sasl.mechanism=SCRAM-SHA-256", error);

    ck_assert_msg(properties, "%s", error);
    ck_assert_int_eq(kafka_properties_scram_fails(properties), rd_kafka_version() < 0x02060100);
    kafka_properties_destroy(&properties);
    properties = create("sasl.mechanism=PLAIN", error);
    ck_assert_msg(properties, "%s", error);
    ck_assert(!kafka_properties_scram_fails(properties));
    kafka_properties_destroy(&properties);
}
END_TEST

START_TEST(says_a_complaint_once_in_a_while)
{
    struct kafka_notes notes;
    int64_t swallowed = -1;
    char text[KAFKA_TEXT_MAX];

    kafka_notes_init(&notes, NULL);
    ck_assert(!kafka_notes_last(&notes, text, sizeof(text)));
    ck_assert(kafka_notes_loud(&notes, "FAIL", &swallowed));
    ck_assert_int_eq(swallowed, 0);
    for (int i = 0; i < 100; i++)
        ck_assert(!kafka_notes_loud(&notes, "FAIL", &swallowed));
    ck_assert(kafka_notes_loud(&notes, "OTHER", &swallowed));
    /* More kinds than are remembered: none is lost for that. */
    for (int i = 0; i < 3 * KAFKA_QUIETED_MAX; i++) {
        char kind[16];

        (void)snprintf(kind, sizeof(kind), "KIND%d", i);
        ck_assert(kafka_notes_loud(&notes, kind, &swallowed));
    }
    kafka_notes_destroy(&notes);
}
END_TEST

/* A broker that is away comes back; one that refuses us has to be told why. */
START_TEST(gives_up_only_when_waiting_is_of_no_use)
{
    struct kafka_notes notes;

    kafka_notes_init(&notes, NULL);
    for (int flags = 0; flags < 4; flags++) {
        notes.turned_away = flags & 1;
        notes.all_down = flags & 2;
        ck_assert_int_eq(kafka_notes_hopeless(&notes), flags == 3);
    }
    kafka_notes_destroy(&notes);
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_unchecked_fixture(cases, make, unmake);
    tcase_add_test(cases, refuses_what_can_run_code);
    tcase_add_test(cases, refuses_what_guarantees_rest_on);
    tcase_add_test(cases, has_a_decision_for_every_property_of_this_library);
    tcase_add_test(cases, names_what_is_unknown_or_malformed);
    tcase_add_test(cases, takes_secrets_from_the_first_line_of_a_file);
    tcase_add_test(cases, refuses_files_that_hold_no_secret);
    tcase_add_test(cases, says_which_secret_cannot_be_read);
    tcase_add_test(cases, takes_other_values_as_they_are);
    tcase_add_test(cases, gives_each_role_its_own);
    tcase_add_test(cases, keeps_a_refused_secret_out_of_the_message);
    tcase_add_test(cases, refuses_what_does_not_fit_together);
    tcase_add_test(cases, finds_the_secret_in_a_pair);
    tcase_add_test(cases, knows_the_scram_that_fails);
    tcase_add_test(cases, says_a_complaint_once_in_a_while);
    tcase_add_test(cases, gives_up_only_when_waiting_is_of_no_use);
}
