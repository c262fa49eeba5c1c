/* See config.h. One table names every option; what the table can't say is
 * checked behind it. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "headcount/hash.h"
#include "http.h"
#include "limits.h"
#include "key_file.h"
#include "number.h"
#include "profiles.h"
#include "random.h"

#define ENVIRONMENT "HEADCOUNT"
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define YEARS_MS (INT64_C(10000) * 366 * DAY_MS)
/* Windows need room for a few dense sketches. */
#define DENSE_SKETCHES_MIN 16

static const char *const time_units[] = {"s", "ms", "us", "ns", "rfc3339", NULL};
static const char *const users_from[] = {"field", "key", "value", NULL};
static const char *const times_from[] = {"field", "record", NULL};
static const char *const whens[] = {"auto", "always", "never", NULL};
static const char *const rejects_downs[] = {"wait", "drop", NULL};
static const char *const input_formats[] = {"lines", "rejects", NULL};

static const char usage[] =
    "  headcountd [OPTION]... FILE...              count FILEs ('-' is stdin; also .gz, .zst)\n"
    "  headcountd -b BROKERS -t TOPIC [OPTION]...  count a Kafka topic\n";

static void kafka_options(struct config *c, struct program_table *table)
{
    const struct args_option options[] = {
        PROGRAM_BROKERS(&c->program),
        {.name = "topic", .letter = 't', .kind = ARGS_STRING, .value = &c->topic,
         .argument = "NAME", .help = "input topic"},
        {.name = "group", .letter = 'G', .kind = ARGS_STRING, .value = &c->group,
         .given = &c->group_given, .argument = "ID",
         .help = "consumer group (headcount); without -o TOPIC nothing is "
                 "committed unless this is given"},
        {.name = "start", .kind = ARGS_STRING, .value = &c->start_text, .argument = "W",
         .help = "where partitions without a committed offset start: earliest, "
                 "latest, or a time (committed, which is earliest without one)"},
        {.name = "adopt", .kind = ARGS_FLAG, .value = &c->adopt,
         .help = "go on from offsets that were committed under other settings"},
        {.name = "exit-at-end", .letter = 'e', .kind = ARGS_FLAG, .value = &c->exit_at_end,
         .help = "stop when every partition has been read to its end; files always do"},
        PROGRAM_PROPERTY(&c->program, ", both clients"),
        {.name = NULL}};
    program_add(table, options);
}

static void frame_options(struct config *c, struct program_table *table)
{
    const struct args_option options[] = {
        {.name = "user-field", .kind = ARGS_STRING, .value = &c->user_field, .argument = "P",
         .help = "the user id (uid): a root key, or a pointer like /context/user/id"},
        {.name = "time-field", .kind = ARGS_STRING, .value = &c->time_field, .argument = "P",
         .help = "the time (ts)"},
        {.name = "time-unit", .kind = ARGS_CHOICE, .value = &c->time_unit, .choices = time_units,
         .argument = "U", .help = "s, ms, us, ns or rfc3339 (s)"},
        {.name = "time-from", .kind = ARGS_CHOICE, .value = &c->time_from, .choices = times_from,
         .argument = "W", .help = "field, or record: the Kafka record's timestamp (field)"},
        {.name = "user-from", .kind = ARGS_CHOICE, .value = &c->user_from, .choices = users_from,
         .argument = "W", .help = "field, key (the record key), or value (all of it) (field)"},
        {.name = "max-ahead", .kind = ARGS_DURATION, .value = &c->ahead_max_ms, .min = 0,
         .max = YEARS_MS, .argument = "D",
         .help = "how far a timestamp may lie beyond its Kafka record's own, "
                 "in files beyond --now (1h)"},
        {.name = "max-late", .kind = ARGS_DURATION, .value = &c->late_max_ms, .min = 0,
         .max = YEARS_MS, .argument = "D", .help = "how far it may lie before it (unlimited)"},
        {.name = "now", .kind = ARGS_TIME, .value = &c->now_s, .argument = "T",
         .help = "what files are measured against (the start)"},
        {.name = "max-frame", .kind = ARGS_SIZE, .value = &c->frame_max, .min = LIMIT_FRAME_MIN,
         .max = LIMIT_FRAME_MAX, .argument = "SIZE", .help = "larger frames are too_large (1MiB)"},
        {.name = "strict", .kind = ARGS_FLAG, .value = &c->strict,
         .help = "check each frame to its end, not only as far as its two fields (off)"},
        {.name = "rejects", .kind = ARGS_STRING, .value = &c->rejects, .argument = "W",
         .help = "set rejected frames aside in this file, or in topic:NAME"},
        {.name = "rejects-down", .kind = ARGS_CHOICE, .value = &c->rejects_down,
         .choices = rejects_downs, .given = &c->rejects_down_given, .argument = "W",
         .help = "when that fails: wait (reading stops until it works again), or drop "
                 "(rejected frames are lost and counted) (wait)"},
        {.name = "input-format", .kind = ARGS_CHOICE, .value = &c->input_format,
         .choices = input_formats, .argument = "F",
         .help = "what FILEs hold: lines, or rejects: each frame with the key and the "
                 "timestamp of its Kafka record, as --rejects FILE and headcount replay "
                 "--format rejects write them (lines)"},
        {.name = NULL}};
    program_add(table, options);
}

static void count_options(struct config *c, struct program_table *table)
{
    const struct args_option options[] = {
        {.name = "stream", .kind = ARGS_STRING, .value = &c->stream, .argument = "NAME",
         .help = "what is counted, kept in every record (input topic; files: users)"},
        {.name = "output", .letter = 'o', .kind = ARGS_STRING, .value = &c->output,
         .argument = "TOPIC",
         .help = "where records go; - is stdout: readable lines on a terminal, "
                 "records elsewhere (-)"},
        {.name = "print", .kind = ARGS_FLAG, .value = &c->print,
         .help = "readable lines on stdout beside -o TOPIC"},
        {.name = "precision", .letter = 'p', .kind = ARGS_INT, .value = &c->precision, .min = 4,
         .max = 18, .argument = "N",
         .help = "2^N registers, 4..18 (14); one standard error is 1.04/sqrt(2^N): "
                 "12: 1.63 %, 14: 0.81 %, 16: 0.41 %, 18: 0.20 %"},
        {.name = "profile", .kind = ARGS_SET, .value = &c->profiles, .choices = profiles_names,
         .argument = "NAME",
         .help = "whose sketches ours can be united with: redis, datasketches, postgres, "
                 "zetasketch, trino, or keyed; several, repeated or with commas: a record "
                 "for each (redis)"},
        {.name = "key-file", .kind = ARGS_STRING, .value = &c->key_file, .argument = "FILE",
         .help = "the secret of --profile keyed: 32 hex digits, nobody else's to read"},
        {.name = "emit-every", .kind = ARGS_DURATION, .value = &c->emit_every_ms, .min = 50,
         .max = DAY_MS, .argument = "D", .help = "publish what changed, and commit (5s)"},
        {.name = "max-lag", .kind = ARGS_DURATION, .value = &c->max_lag_ms, .min = 0,
         .max = 365 * DAY_MS, .argument = "D",
         .help = "how long after its end a minute stays open (5s)"},
        {.name = "idle-after", .kind = ARGS_DURATION, .value = &c->idle_after_ms, .min = 100,
         .max = DAY_MS, .argument = "D",
         .help = "when a partition with nothing left to read stops holding the clock (10s)"},
        {.name = "memory", .kind = ARGS_SIZE, .value = &c->memory, .min = LIMIT_MEMORY_MIN,
         .max = LIMIT_MEMORY_MAX, .argument = "SIZE", .help = "cap on windows (64MiB)"},
        {.name = "workers", .kind = ARGS_INT, .value = &c->workers, .min = 1,
         .max = LIMIT_WORKERS, .argument = "N",
         .help = "pipelines in this process, each on a thread of its own, that share the "
                 "files, slices of large ones, or the topic's partitions (1)"},
        {.name = NULL}};
    program_add(table, options);
}

static void watch_options(struct config *c, struct program_table *table)
{
    const struct args_option options[] = {
        PROGRAM_CONFIG(&c->program),
        {.name = "listen", .kind = ARGS_STRING, .value = &c->listen, .argument = "ADDR:PORT",
         .help = "serve /metrics for Prometheus, /-/healthy and /-/ready there (off)"},
        {.name = "token-file", .kind = ARGS_STRING, .value = &c->token_file, .argument = "FILE",
         .help = "a token that /metrics asks for; needed where --listen can be reached from "
                 "other machines"},
        {.name = "progress", .kind = ARGS_CHOICE, .value = &c->progress, .choices = whens,
         .argument = "WHEN", .help = "one line on stderr: auto (on a terminal), always, never"},
        PROGRAM_OTHERS(&c->program, ", no summary"),
        {.name = NULL}};
    program_add(table, options);
}

static void defaults(struct config *c)
{
    *c = (struct config){.group = "headcount",
                         .start_text = "committed",
                         .output = "-",
                         .user_field = "uid",
                         .time_field = "ts",
                         .ahead_max_ms = 60 * 60 * 1000,
                         .late_max_ms = DECODE_UNLIMITED,
                         .now_s = clock_wall_ms() / 1000,
                         .frame_max = LIMIT_FRAME_DEFAULT,
                         .profiles = PROFILES_DEFAULT,
                         .workers = 1,
                         .precision = 14,
                         .memory = LIMIT_MEMORY_DEFAULT,
                         .emit_every_ms = 5000,
                         .max_lag_ms = 5000,
                         .idle_after_ms = 10000};
}

struct args_program config_describe(struct config *c, struct program_table *table)
{
    defaults(c);
    kafka_options(c, table);
    frame_options(c, table);
    count_options(c, table);
    watch_options(c, table);
    return (struct args_program){
        .name = "headcountd",
        .usage = usage,
        .epilogue = PROGRAM_EPILOGUE(ENVIRONMENT, ", sizes KiB MiB GiB"),
        .environment = ENVIRONMENT,
        .options = table->options};
}

bool config_output_is_topic(const struct config *c)
{
    return strcmp(c->output, "-") != 0;
}

bool config_output_is_lines(const struct config *c)
{
    return !config_output_is_topic(c) && isatty(STDOUT_FILENO);
}

int64_t config_memory_parts(const struct config *c)
{
    return c->workers > 1 ? c->workers + 1 : 1;
}

#define TOPIC_PREFIX "topic:"

const char *config_rejects_topic(const struct config *c)
{
    size_t size = sizeof TOPIC_PREFIX - 1;
    return c->rejects && strncmp(c->rejects, TOPIC_PREFIX, size) == 0 ? c->rejects + size : NULL;
}

const char *config_rejects_file(const struct config *c)
{
    return config_rejects_topic(c) ? NULL : c->rejects;
}

/* What a user id and a minute mean in this run: sketches of different meanings
 * must not be added up. */
static void fingerprint_fields(struct config *c)
{
    char text[2048];
    bool user_is_field = c->user_from == DECODE_USER_FIELD;
    bool time_is_field = c->time_from == DECODE_TIME_FIELD;
    int size = snprintf(text, sizeof text, "user=%s:%s\ntime=%s:%s:%s\n",
                        users_from[c->user_from], user_is_field ? c->user_field : "",
                        times_from[c->time_from], time_is_field ? c->time_field : "",
                        time_is_field ? time_units[c->time_unit] : "");
    struct hc_hash hash = hc_hash_bytes(HC_PROFILE_REDIS, text, (size_t)size);
    snprintf(c->fields, sizeof c->fields, "%016llx", (unsigned long long)hash.first);
}

static bool read_start(struct config *c)
{
    int64_t time_s;
    if (strcmp(c->start_text, "committed") == 0 || strcmp(c->start_text, "earliest") == 0) {
        c->start = SOURCE_START_EARLIEST;
    } else if (strcmp(c->start_text, "latest") == 0) {
        c->start = SOURCE_START_LATEST;
    } else if (number_time_s(c->start_text, &time_s)) {
        c->start = SOURCE_START_TIME;
        c->start_time_ms = time_s * 1000;
    } else {
        return false;
    }
    return true;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* What is written to a topic that is read comes back as frames, for ever. */
static const char *wrong_topics(const struct config *c)
{
    const char *rejects = config_rejects_topic(c);
    if (!*c->output || (c->topic && !*c->topic) || (c->rejects && !*c->rejects) ||
        (rejects && !*rejects))
        return "-t, -o and --rejects take a name, not nothing";
    if (same(c->topic, c->output))
        return "-t and -o name the same topic: its own records would be counted as frames";
    if (same(c->topic, rejects))
        return "-t and --rejects name the same topic: rejected frames would come back for ever";
    if (same(c->output, rejects))
        return "-o and --rejects name the same topic: readers of records would find frames there";
    return NULL;
}

static const char *wrong_words(const struct config *c)
{
    if (!c->topic && !c->program.brokers && c->program.files.count == 0)
        return "nothing to count: name FILEs ('-' is stdin), or -b BROKERS and -t TOPIC";
    if (c->topic && c->program.files.count > 0)
        return "count either FILEs or -t TOPIC, not both";
    if (!c->topic && c->program.files.count == 0)
        return "-b needs an input: -t TOPIC, or FILEs";
    bool kafka = c->topic || config_output_is_topic(c) || config_rejects_topic(c);
    if (kafka && !c->program.brokers)
        return c->topic ? "-t TOPIC needs -b BROKERS"
                        : "an output or rejects topic needs -b BROKERS";
    if (!kafka && c->program.brokers)
        return "-b is given, but neither input nor output is a topic";
    const char *wrong = wrong_topics(c);
    if (wrong)
        return wrong;
    if (c->print && !config_output_is_topic(c))
        return "--print is for -o TOPIC: stdout already has the records";
    if (c->rejects_down_given && !c->rejects)
        return "--rejects-down is for --rejects";
    if (c->topic && c->input_format == CONFIG_REJECTS)
        return "--input-format rejects is for FILEs";
    if (!c->topic && c->input_format == CONFIG_LINES &&
        (c->user_from == DECODE_USER_KEY || c->time_from == DECODE_TIME_RECORD))
        return "--user-from key and --time-from record are for Kafka: lines of files have neither";
    if (c->user_from == DECODE_USER_VALUE && c->time_from == DECODE_TIME_FIELD)
        return "--user-from value needs --time-from record: no field is left for the time";
    if (strlen(c->user_field) > 512 || strlen(c->time_field) > 512)
        return "--user-field and --time-field take at most 512 bytes";
    if (c->stream && (!*c->stream || strlen(c->stream) > 249 || strpbrk(c->stream, "\t\n\r")))
        return "--stream takes 1 to 249 bytes without tabs and line ends";
    if (c->listen && !http_listen_is_valid(c->listen))
        return "--listen takes " HTTP_LISTEN_FORM;
    if (c->token_file && !c->listen)
        return "--token-file is for --listen";
    if (profiles_keyed(c) && !c->key_file)
        return "--profile keyed needs a --key-file";
    if (c->key_file && !profiles_keyed(c))
        return "--key-file is for --profile keyed";
    if (c->memory / config_memory_parts(c) <
        (INT64_C(1) << c->precision) * DENSE_SKETCHES_MIN * profiles_count(c))
        return "--memory is too small for this --precision: 16 bytes a register, profile and "
               "worker are needed";
    return NULL;
}

int config_check(void *config, char *error, size_t error_size)
{
    struct config *c = config;
    const char *wrong = wrong_words(c);
    if (wrong) {
        snprintf(error, error_size, "%s", wrong);
        return CONFIG_EXIT_USAGE;
    }
    if (!read_start(c)) {
        snprintf(error, error_size,
                 "--start: '%s' is not committed, earliest, latest, a Unix time or RFC 3339",
                 c->start_text);
        return CONFIG_EXIT_USAGE;
    }
    if (c->key_file && !key_file_read(c->key_file, c->key, error, error_size))
        return CONFIG_EXIT_CONFIG;
    const struct http_server_options server = {.listen = c->listen, .token_file = c->token_file};
    if (c->listen && !http_server_check(&server, error, error_size))
        return CONFIG_EXIT_CONFIG;
    if (!c->stream)
        c->stream = c->topic ? c->topic : "users";
    c->decode = (struct decode_options){.user_field = c->user_field,
                                        .time_field = c->time_field,
                                        .time_unit = (enum decode_time_unit)c->time_unit,
                                        .user_from = (enum decode_user_from)c->user_from,
                                        .time_from = (enum decode_time_from)c->time_from,
                                        .strict = c->strict,
                                        .frame_max = (size_t)c->frame_max,
                                        .now_ms = c->now_s * 1000 + 999,
                                        .ahead_max_ms = c->ahead_max_ms,
                                        .late_max_ms = c->late_max_ms};
    if (!config_output_is_topic(c) && !c->group_given) {
        /* A trial must not take partitions from those who count for real. */
        uint64_t random;
        if (!random_u64(&random)) {
            snprintf(error, error_size, "no random numbers from the system");
            return CONFIG_EXIT_FAILED;
        }
        snprintf(c->trial_group, sizeof c->trial_group, "headcount-trial-%016llx",
                 (unsigned long long)random);
        c->group = c->trial_group;
    }
    fingerprint_fields(c);
    return CONFIG_EXIT_DONE;
}

void config_wipe(struct config *c)
{
    explicit_bzero(c->key, sizeof c->key);
}
