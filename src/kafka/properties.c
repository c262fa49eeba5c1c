/* The user's librdkafka properties: checked, kept, shown.
 *
 * Whether a property exists and takes a value is asked of the library in use,
 * by setting it on a scratch configuration, but only after the refusals: some
 * properties act as soon as they are set. */
#include "properties.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "log.h"
#include "properties_body.h"

/* The first librdkafka whose SCRAM brokers from 4.0 on accept. */
#define SCRAM_VERSION 0x02060100
#define SECRET_MAX 65536

/* The first line of a file, without its end; NULL when that can't be had. */
static char *line_of_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = SECRET_MAX;

    if (!file)
        return NULL;
    line = malloc(room);
    if (line && !fgets(line, (int)room, file)) {
        free(line);
        line = NULL;
        if (!ferror(file))
            errno = ENODATA;
    }
    (void)fclose(file);
    if (line)
        line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* The value as librdkafka gets it; NULL with a message when a secret's file
 * can't be read. */
static char *value_resolve(const char *name, const char *value, char *error, size_t error_size)
{
    char *line;

    if (value[0] != '@' || !kafka_is_secret(name)) {
        line = strdup(value);
        if (!line)
            (void)snprintf(error, error_size, "no memory");
        return line;
    }
    line = line_of_file(value + 1);
    if (!line)
        (void)snprintf(error, error_size, "-X %s: cannot read the secret from %s: %s", name,
                       value + 1, strerror(errno));
    return line;
}

/* Whether the library knows the property and takes the value. */
static bool pair_try(rd_kafka_conf_t *scratch, const struct kafka_pair *pair, char *error,
                     size_t error_size)
{
    char reason[KAFKA_TEXT_MAX];

    switch (rd_kafka_conf_set(scratch, pair->name, pair->value, reason, sizeof(reason))) {
    case RD_KAFKA_CONF_OK:
        return true;
    case RD_KAFKA_CONF_UNKNOWN:
        (void)snprintf(error, error_size, "-X %s: librdkafka %s has no such property", pair->name,
                       kafka_version());
        return false;
    default:
        /* librdkafka's own words repeat the value. */
        (void)snprintf(error, error_size, "-X %s: %s", pair->name,
                       kafka_is_secret(pair->name) ? "the value is not accepted" : reason);
        return false;
    }
}

/* No value, or no name. What stands there may be a mistyped secret, so only the
 * name of a property is repeated. */
static void malformed(const char *text, rd_kafka_conf_t *scratch, char *error, size_t error_size)
{
    char name[64], reason[KAFKA_TEXT_MAX];

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, " :="), text);
    if (kafka_refusal(name) ||
        rd_kafka_conf_set(scratch, name, NULL, reason, sizeof(reason)) != RD_KAFKA_CONF_UNKNOWN)
        (void)snprintf(error, error_size, "-X %s: expected property=value", name);
    else
        (void)snprintf(error, error_size, "-X expects property=value");
}

static bool pair_parse(const char *text, rd_kafka_conf_t *scratch, struct kafka_pair *pair,
                       char *error, size_t error_size)
{
    const char *equals = strchr(text, '=');
    const char *why;

    if (!equals || equals == text) {
        malformed(text, scratch, error, error_size);
        return false;
    }
    pair->name = strndup(text, (size_t)(equals - text));
    if (!pair->name) {
        (void)snprintf(error, error_size, "no memory");
        return false;
    }
    why = kafka_refusal(pair->name);
    if (why) {
        (void)snprintf(error, error_size, "-X %s: refused: %s", pair->name, why);
        return false;
    }
    pair->value = value_resolve(pair->name, equals + 1, error, error_size);
    return pair->value && pair_try(scratch, pair, error, error_size);
}

/* One line of that table: "name   |  C  | ...". */
static void role_note(struct kafka_properties *properties, const char *line)
{
    size_t name_size = strcspn(line, " |\n"), bar = strcspn(line, "|\n");
    char role;

    if (line[bar] != '|' || strcspn(line + bar, "\n") < 4)
        return;
    role = line[bar + 3];
    for (size_t i = 0; i < properties->count; i++) {
        struct kafka_pair *pair = &properties->pairs[i];

        if (strlen(pair->name) == name_size && strncmp(pair->name, line, name_size) == 0)
            pair->role = role;
    }
}

/* Finds the role of each pair in the library's own table of properties, where
 * '*' means both. What is not in it goes to both. */
static void roles_find(struct kafka_properties *properties)
{
    char *table = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&table, &size);

    if (!stream)
        return;
    rd_kafka_conf_properties_show(stream);
    (void)fclose(stream);
    for (const char *line = table; line && *line; line += strcspn(line, "\n"), line += *line != 0)
        role_note(properties, line);
    free(table);
}

static bool scram_fails(const struct kafka_properties *properties)
{
    for (size_t i = 0; i < properties->count; i++)
        if (strncmp(properties->pairs[i].name, "sasl.mechanism", 14) == 0 &&
            strncasecmp(properties->pairs[i].value, "SCRAM", 5) == 0)
            return rd_kafka_version() < SCRAM_VERSION;
    return false;
}

struct kafka_properties *kafka_properties_create(const char *brokers, const char *const *pairs,
                                                 size_t count, char *error, size_t error_size)
{
    struct kafka_properties *properties = calloc(1, sizeof(*properties));
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();

    assert(brokers && (pairs || count == 0));
    if (!properties)
        goto no_memory;
    properties->brokers = strdup(brokers);
    properties->pairs = calloc(count ? count : 1, sizeof(properties->pairs[0]));
    if (!properties->brokers || !properties->pairs)
        goto no_memory;
    for (; properties->count < count; properties->count++) {
        struct kafka_pair *pair = &properties->pairs[properties->count];

        pair->role = '*';
        if (!pair_parse(pairs[properties->count], scratch, pair, error, error_size)) {
            properties->count++; /* so that what it holds is freed */
            goto failed;
        }
    }
    roles_find(properties);
    properties->scram_fails = scram_fails(properties);
    if (properties->scram_fails)
        log_event(LOG_WARN, "scram_unsupported", LOG_S("librdkafka", kafka_version()),
                  LOG_S("text", "brokers from 4.0 on refuse its SCRAM as if the password were "
                                "wrong; 2.6.1 or later is needed"));
    rd_kafka_conf_destroy(scratch);
    return properties;

no_memory:
    (void)snprintf(error, error_size, "no memory");
failed:
    rd_kafka_conf_destroy(scratch);
    kafka_properties_destroy(&properties);
    return NULL;
}

void kafka_properties_destroy(struct kafka_properties **properties)
{
    struct kafka_properties *p = *properties;

    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        if (p->pairs[i].value)
            explicit_bzero(p->pairs[i].value, strlen(p->pairs[i].value));
        free(p->pairs[i].value);
        free(p->pairs[i].name);
    }
    free(p->pairs);
    free(p->brokers);
    free(p);
    *properties = NULL;
}

bool kafka_properties_given(const struct kafka_properties *properties, const char *name)
{
    for (size_t i = 0; i < properties->count; i++)
        if (strcmp(properties->pairs[i].name, name) == 0)
            return true;
    return false;
}

bool kafka_properties_scram_fails(const struct kafka_properties *properties)
{
    return properties->scram_fails;
}

void kafka_properties_list(void *stream)
{
    rd_kafka_conf_properties_show(stream);
}

const char *kafka_version(void) { return rd_kafka_version_str(); }
