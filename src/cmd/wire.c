/* See wire.h. Parts are made in the order of the data path, and freed in
 * reverse: source, decoder, output, rejects, pipeline. */
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "limits.h"
#include "log.h"
#include "profiles.h"
#include "properties.h"
#include "random.h"
#include "record.h"
#include "shown.h"

#define INSTANCE_MAX 128
#define GROUP_SIZE 2 /* "{}" */
/* How long a rebalance waits for our last acknowledgements. */
#define RELEASE_WAIT_MS 5000
/* The same after SIGTERM; the rest of the 10 s is for leaving the group. */
#define STOP_WAIT_MS 8000
#define VALIDATE_MS 10000
#define COMMIT_TEXT_MAX 1024
/* A checkpoint's record without losses: what comes once, and for a partition. */
#define CHECKPOINT_BYTES 2048
#define CHECKPOINT_PARTITION_BYTES 160

struct parts {
    struct kafka_properties *properties;
    struct source *source;
    struct decoder *decoder;
    struct emit *output, *print, *rejects;
    struct pipeline *pipeline;
    int64_t epoch_ms;
    char instance[INSTANCE_MAX];
    char fingerprint[COMMIT_TEXT_MAX];
    char error[1024];
};

static bool uses_kafka(const struct config *config)
{
    return config->brokers != NULL;
}

static bool name_instance(struct parts *parts)
{
    char host[64] = "host";
    uint64_t random;
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/')
            *c = '-';
    parts->epoch_ms = clock_wall_ms();
    if (!random_u64(&random)) {
        snprintf(parts->error, sizeof parts->error, "no random numbers from the system");
        return false;
    }
    snprintf(parts->instance, sizeof parts->instance, "%s/%016" PRIx64 "/0", host, random);
    return true;
}

/* A checkpoint has a line's worth for each partition. */
static size_t record_max(const struct config *config, const struct parts *parts,
                         int32_t partitions)
{
    size_t sketch = record_size_max((unsigned)config->precision, strlen(config->stream),
                                    GROUP_SIZE, strlen(parts->instance));
    size_t checkpoint = CHECKPOINT_BYTES + (partitions > 0 ? (size_t)partitions : 1) *
                                               CHECKPOINT_PARTITION_BYTES;
    return sketch > checkpoint ? sketch : checkpoint;
}

/* What could not be made is configured wrongly, unless memory was short. */
static int exit_unmade(const void *made)
{
    return made ? CONFIG_EXIT_DONE : errno == ENOMEM ? CONFIG_EXIT_FAILED : CONFIG_EXIT_CONFIG;
}

static int make_decoder(const struct config *config, struct parts *parts)
{
    errno = 0;
    parts->decoder = decoder_create(&config->decode, parts->error, sizeof parts->error);
    return exit_unmade(parts->decoder);
}

static int make_properties(const struct config *config, struct parts *parts)
{
    errno = 0;
    parts->properties =
        kafka_properties_create(config->brokers, config->properties.items,
                                config->properties.count, parts->error, sizeof parts->error);
    return exit_unmade(parts->properties);
}

static int make_source(const struct config *config, struct parts *parts)
{
    if (config->topic) {
        struct source_kafka_options options = {.properties = parts->properties,
                                               .topic = config->topic,
                                               .group = config->group,
                                               .start_committed = true,
                                               .start = config->start,
                                               .start_time_ms = config->start_time_ms,
                                               .exit_at_end = config->exit_at_end};
        parts->source = source_kafka_create(&options, parts->error, sizeof parts->error);
    } else {
        struct source_file_options options = {.paths = config->files.items,
                                              .count = config->files.count,
                                              .frame_max = (size_t)config->frame_max,
                                              .rejects = config->input_format == CONFIG_REJECTS};
        parts->source = source_file_create(&options, parts->error, sizeof parts->error);
    }
    return parts->source ? CONFIG_EXIT_DONE : CONFIG_EXIT_FAILED;
}

/* As many partitions as the input has, when that can be known. */
static int32_t output_partitions(const struct config *config, const struct parts *parts,
                                 const atomic_int *stop)
{
    int32_t count = 0;
    char error[256];
    struct kafka_patience patience = {clock_monotonic_ms() + VALIDATE_MS, stop};
    if (!config->topic ||
        kafka_topic_partitions(parts->properties, config->topic, &patience, &count, error,
                               sizeof error) != KAFKA_ANSWERED ||
        count < 1)
        return -1;
    return count;
}

static int make_topic(struct parts *parts, const struct emit_kafka_options *options,
                      const atomic_int *stop, struct emit **emit)
{
    switch (emit_kafka_create(options, 0, stop, emit, parts->error, sizeof parts->error)) {
    case EMIT_KAFKA_OK:
        return CONFIG_EXIT_DONE;
    case EMIT_KAFKA_CONFIG:
        return CONFIG_EXIT_CONFIG;
    case EMIT_KAFKA_FAILED:
        break;
    }
    return CONFIG_EXIT_FAILED;
}

static int make_output(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    if (!config_output_is_topic(config)) {
        parts->output = isatty(STDOUT_FILENO) ? emit_lines_create() : emit_stdout_create();
        return parts->output ? CONFIG_EXIT_DONE : CONFIG_EXIT_FAILED;
    }
    if (config->print) {
        parts->print = emit_lines_create();
        if (!parts->print)
            return CONFIG_EXIT_FAILED;
    }
    int32_t partitions = output_partitions(config, parts, stop);
    struct emit_kafka_options options = {.properties = parts->properties,
                                         .topic = config->output,
                                         .partitions = partitions,
                                         .record_max = record_max(config, parts, partitions),
                                         .keep_forever = true};
    return make_topic(parts, &options, stop, &parts->output);
}

static int make_rejects(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    if (config_rejects_topic(config)) {
        struct emit_kafka_options options = {.properties = parts->properties,
                                             .topic = config_rejects_topic(config),
                                             .partitions = -1};
        return make_topic(parts, &options, stop, &parts->rejects);
    }
    if (config_rejects_file(config)) {
        parts->rejects = emit_file_create(config_rejects_file(config), parts->error,
                                          sizeof parts->error);
        return parts->rejects ? CONFIG_EXIT_DONE : CONFIG_EXIT_FAILED;
    }
    return CONFIG_EXIT_DONE;
}

static int64_t wire_monotonic(void *context)
{
    (void)context;
    return clock_monotonic_ms();
}

static int64_t wire_wall(void *context)
{
    (void)context;
    return clock_wall_ms();
}

static void observe(void *context, const struct pipeline *pipeline)
{
    summary_progress(context, pipeline);
}

static void first_start(const void *config)
{
    profiles_tell(config);
}

static int make_pipeline(const struct config *config, struct parts *parts, struct summary *summary)
{
    bool lines = config->progress == CONFIG_ALWAYS ||
                 (config->progress == CONFIG_AUTO && isatty(STDERR_FILENO) && !config->quiet);
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    char profiles[PROFILES_TEXT_MAX];
    size_t sketches_count = profiles_sketches(config, sketches);
    profiles_text(config, profiles, sizeof profiles);
    snprintf(parts->fingerprint, sizeof parts->fingerprint,
             "headcount/1 output=%s stream=%s profiles=%s fields=%s", config->output,
             config->stream, profiles, config->fields);
    struct pipeline_options options = {
        .source = parts->source,
        .decoder = parts->decoder,
        .output = parts->output,
        .print = parts->print,
        .rejects = parts->rejects,
        .rejects_as_lines = config_rejects_file(config) != NULL,
        .rejects_drop = config->rejects_down == CONFIG_DROP,
        .rejects_name = config->rejects,
        .output_for_people = !config_output_is_topic(config) && isatty(STDOUT_FILENO),
        .stream = config->stream,
        .instance = parts->instance,
        .fields = config->fields,
        .input_group = config->topic ? config->group : "",
        .epoch_ms = parts->epoch_ms,
        .windows = {sketches, sketches_count, (size_t)config->memory},
        .emit_every_ms = config->emit_every_ms,
        .max_lag_ms = config->max_lag_ms,
        .idle_after_ms = config->idle_after_ms,
        .release_wait_ms = config->topic ? RELEASE_WAIT_MS : 0,
        .stop_wait_ms = STOP_WAIT_MS,
        .commits = config->topic && (config_output_is_topic(config) || config->group_given),
        .fingerprint = parts->fingerprint,
        .adopt = config->adopt,
        .clock = {wire_monotonic, wire_wall, NULL},
        .observe = lines ? observe : NULL,
        .observe_context = summary,
        .first_start = first_start,
        .first_start_context = config};
    parts->pipeline = pipeline_create(&options);
    return parts->pipeline ? CONFIG_EXIT_DONE : CONFIG_EXIT_FAILED;
}

static int make(const struct config *config, struct parts *parts, const atomic_int *stop,
                struct summary *summary)
{
    snprintf(parts->error, sizeof parts->error, "out of memory");
    if (!name_instance(parts))
        return CONFIG_EXIT_FAILED;
    int code = make_decoder(config, parts);
    if (code == CONFIG_EXIT_DONE && uses_kafka(config))
        code = make_properties(config, parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_output(config, parts, stop);
    if (code == CONFIG_EXIT_DONE)
        code = make_rejects(config, parts, stop);
    if (code == CONFIG_EXIT_DONE)
        code = make_source(config, parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_pipeline(config, parts, summary);
    return code;
}

static void unmake(struct parts *parts)
{
    pipeline_destroy(&parts->pipeline);
    emit_destroy(&parts->rejects);
    emit_destroy(&parts->print);
    emit_destroy(&parts->output);
    decoder_destroy(&parts->decoder);
    source_destroy(&parts->source);
    kafka_properties_destroy(&parts->properties);
}

static int conclude(const struct config *config, const struct parts *parts,
                    enum pipeline_result result)
{
    char hint[512];
    switch (result) {
    case PIPELINE_DONE:
        return CONFIG_EXIT_DONE;
    case PIPELINE_UNSAFE:
        log_event(LOG_ERROR, "not_all_safe", LOG_S("error", pipeline_error(parts->pipeline)),
                  LOG_S("effect", config->topic
                                      ? "what is not committed is read again at the next start"
                                      : "count the input again; what came from stdin is lost"));
        return CONFIG_EXIT_FAILED;
    case PIPELINE_INVALID:
        hint_for_rejected(config, parts->pipeline, hint, sizeof hint);
        log_event(LOG_ERROR, "no_valid_frames", LOG_S("error", pipeline_error(parts->pipeline)),
                  LOG_S("hint", hint), LOG_S("effect", "nothing is committed"));
        return CONFIG_EXIT_FAILED;
    case PIPELINE_FAILED:
    case PIPELINE_CONFIG:
        break;
    }
    log_event(LOG_ERROR, "failed", LOG_S("error", pipeline_error(parts->pipeline)));
    return result == PIPELINE_CONFIG ? CONFIG_EXIT_CONFIG : CONFIG_EXIT_FAILED;
}

/* Said last, and however quiet: the user chose to lose them. */
static void log_rejects_lost(const struct config *config, const struct parts *parts)
{
    struct pipeline_status status;
    pipeline_status(parts->pipeline, &status);
    if (status.counters.rejects_lost > 0)
        log_event(LOG_ERROR, "rejects_lost", LOG_S("sink", config->rejects),
                  LOG_I("frames", (int64_t)status.counters.rejects_lost),
                  LOG_I("rejected", (int64_t)counters_rejected_total(&status.counters)),
                  LOG_S("effect", "they are counted as rejected, and can't be replayed"));
}

static void log_started(const struct config *config, const struct parts *parts)
{
    char profiles[PROFILES_TEXT_MAX];
    profiles_text(config, profiles, sizeof profiles);
    log_event(LOG_INFO, "started", LOG_S("instance", parts->instance),
              LOG_S("stream", config->stream), LOG_S("profiles", profiles),
              LOG_I("precision", config->precision), LOG_S("output", config->output));
    profiles_warn(config);
}

int wire_run(const struct config *config, const atomic_int *stop)
{
    struct parts parts = {0};
    struct summary summary = {.started_ms = clock_monotonic_ms()};
    summary.last_ms = summary.started_ms;
    int code = make(config, &parts, stop, &summary);
    if (code == CONFIG_EXIT_DONE) {
        log_started(config, &parts);
        enum pipeline_result result = pipeline_run(parts.pipeline, stop);
        if (!config->quiet)
            summary_print(&summary, config, parts.pipeline);
        code = conclude(config, &parts, result);
        log_rejects_lost(config, &parts);
    } else if (atomic_load(stop) && code == CONFIG_EXIT_FAILED) {
        log_event(LOG_INFO, "stopped", LOG_S("effect", "nothing was read"));
        code = CONFIG_EXIT_DONE;
    } else {
        say("headcountd: %s\n", parts.error);
    }
    unmake(&parts);
    return code;
}

int wire_validate(const struct config *config)
{
    struct parts parts = {0};
    int code = CONFIG_EXIT_FAILED;
    if (name_instance(&parts))
        code = make_decoder(config, &parts);
    if (code == CONFIG_EXIT_DONE && uses_kafka(config))
        code = make_properties(config, &parts);
    if (code != CONFIG_EXIT_DONE) {
        say("headcountd: %s\n", parts.error);
    } else if (uses_kafka(config)) {
        struct kafka_check check = {
            .input = config->topic,
            .output = config_output_is_topic(config) ? config->output : NULL,
            .rejects = config_rejects_topic(config),
            .record_max = record_max(config, &parts, 1)};
        if (!kafka_check(parts.properties, &check, VALIDATE_MS, stdout))
            code = CONFIG_EXIT_CONFIG;
    }
    if (code == CONFIG_EXIT_DONE && !validate_files(config))
        code = CONFIG_EXIT_CONFIG;
    if (code == CONFIG_EXIT_DONE) {
        profiles_warn(config);
        printf("configuration ok\n");
    }
    unmake(&parts);
    return code;
}
