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
#include <unistd.h>

#include "client.h"
#include "log.h"
#include "properties_body.h"
#include "secret.h"
#include "error_tally.h"

/* The first librdkafka whose SCRAM brokers from 4.0 on accept. */
#define SCRAM_VERSION 0x02060100
#define SECRET_ROOM 65536

/* The library's own table of properties: "name   |  C  | ...", a line each. NULL
 * without memory. */
static char *library_table(void)
{
    char *table = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&table, &size);

    if (!stream)
        return NULL;
    rd_kafka_conf_properties_show(stream);
    (void)fclose(stream);
    return table;
}

static const char *line_next(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line != '\0');
}

static bool line_names(const char *line, const char *name)
{
    size_t size = strcspn(line, " |\n");

    return size == strlen(name) && strncmp(name, line, size) == 0;
}

static bool library_knows(const char *name)
{
    char *table = library_table();
    bool known = false;

    for (const char *line = table; line && *line && !known; line = line_next(line))
        known = line_names(line, name);
    free(table);
    return known;
}

/* What is wrong with a secret out of a file, or NULL. All but a PEM is the first
 * line, without its end. */
static const char *secret_trim(const char *name, char *text, size_t size)
{
    size_t name_size = strlen(name);
    bool whole = name_size > 4 && strcmp(name + name_size - 4, ".pem") == 0;
    size_t line = strcspn(text, "\r\n");

    if (strlen(text) != size)
        return "there is a NUL byte in it";
    if (!whole)
        explicit_bzero(text + line, size - line);
    return text[0] ? NULL : size ? "its first line is empty" : "it is empty";
}

/* The secret that is in the file, or NULL with a message. */
static char *secret_from(const char *name, const char *path, char *error, size_t error_size)
{
    char reason[KAFKA_TEXT_MAX];
    const char *why = reason;
    struct secret_file file = {0};
    char *text = malloc(SECRET_ROOM);

    if (!text)
        return NULL;
    if (secret_file_read(path, text, SECRET_ROOM, &file, reason, sizeof(reason)))
        why = secret_trim(name, text, file.size);
    if (why) {
        (void)snprintf(error, error_size, "-X %s: cannot read the secret from %s: %s", name, path,
                       why);
        explicit_bzero(text, SECRET_ROOM);
        free(text);
        return NULL;
    }
    if (file.readers == SECRET_OTHERS)
        log_event(LOG_WARN, "secret_readable", LOG_S("property", name), LOG_S("path", path),
                  LOG_S("text", "others can read it: chmod 600"));
    return text;
}

/* The value as librdkafka gets it; NULL with a message when a file that it names
 * can't be read. */
static char *value_resolve(const char *name, const char *value, char *error, size_t error_size)
{
    (void)snprintf(error, error_size, "no memory");
    if (kafka_is_secret(name)) {
        secret_hide_process();
        if (value[0] == '@')
            return secret_from(name, value + 1, error, error_size);
    }
    if (kafka_is_file(name) && strcmp(value, "probe") != 0 && access(value, R_OK) != 0) {
        (void)snprintf(error, error_size, "-X %s: cannot read %s: %s", name, value,
                       strerror(errno));
        return NULL;
    }
    return strdup(value);
}

/* Whether the library takes the value. */
static bool pair_try(rd_kafka_conf_t *scratch, const struct kafka_pair *pair, char *error,
                     size_t error_size)
{
    char reason[KAFKA_TEXT_MAX];

    if (rd_kafka_conf_set(scratch, pair->name, pair->value, reason, sizeof(reason)) ==
        RD_KAFKA_CONF_OK)
        return true;
    /* librdkafka's own words may repeat the value. */
    if (kafka_is_secret(pair->name) && strstr(reason, pair->value))
        (void)snprintf(reason, sizeof(reason), "the value is not accepted");
    (void)snprintf(error, error_size, "-X %s: %s", pair->name, reason);
    return false;
}

/* No value, or no name. What stands there may be a mistyped secret, so only the
 * name of a property is repeated. */
static void malformed(const char *text, char *error, size_t error_size)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, " :="), text);
    if (library_knows(name))
        (void)snprintf(error, error_size, "-X %s: expected property=value", name);
    else
        (void)snprintf(error, error_size, "-X expects property=value");
}

/* Whether the user may set it; the library is asked for its name only. */
static bool name_check(const char *name, char *error, size_t error_size)
{
    const char *why = kafka_refusal(name);

    if (!library_knows(name) && (!why || why == kafka_undecided))
        (void)snprintf(error, error_size, "-X %s: librdkafka %s has no such property", name,
                       kafka_version());
    else if (why)
        (void)snprintf(error, error_size, "-X %s: refused: %s", name, why);
    else
        return true;
    return false;
}

size_t kafka_pair_secret(const char *pair)
{
    size_t size = strcspn(pair, "=");
    char *name = strndup(pair, size);
    bool secret = name && pair[size] && pair[size + 1] && pair[size + 1] != '@' &&
                  kafka_is_secret(name);

    free(name);
    return secret ? size + 1 : 0;
}

static bool pair_parse(const char *text, rd_kafka_conf_t *scratch, struct kafka_pair *pair,
                       char *error, size_t error_size)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text) {
        malformed(text, error, error_size);
        return false;
    }
    pair->name = strndup(text, (size_t)(equals - text));
    if (!pair->name) {
        (void)snprintf(error, error_size, "no memory");
        return false;
    }
    if (!name_check(pair->name, error, error_size))
        return false;
    pair->value = value_resolve(pair->name, equals + 1, error, error_size);
    return pair->value && pair_try(scratch, pair, error, error_size);
}

/* The role that a line of the table gives to what it names. */
static void role_note(struct kafka_properties *properties, const char *line)
{
    size_t bar = strcspn(line, "|\n");
    char role;

    if (line[bar] != '|' || strcspn(line + bar, "\n") < 4)
        return;
    role = line[bar + 3];
    for (size_t i = 0; i < properties->count; i++)
        if (line_names(line, properties->pairs[i].name))
            properties->pairs[i].role = role;
}

/* Finds the role of each pair, where '*' means both. */
static void roles_find(struct kafka_properties *properties)
{
    char *table = library_table();

    for (const char *line = table; line && *line; line = line_next(line))
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
    if (!kafka_properties_judge(properties, scratch, error, error_size))
        goto failed;
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

void kafka_properties_tally(struct kafka_properties *properties, struct kafka_tally *tally)
{
    kafka_tally_release(&properties->tally);
    properties->tally = kafka_tally_hold(tally);
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
    kafka_tally_release(&p->tally);
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
