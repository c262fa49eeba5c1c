/* See wire.h. Parts are made in the order of the data path, and freed in
 * reverse: source, decoder, output, rejects, pipeline. */
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "figures.h"
#include "limits.h"
#include "log.h"
#include "profiles.h"
#include "properties.h"
#include "random.h"
#include "record.h"
#include "shown.h"

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
    const struct config *config;
    struct summary *summary;
    bool progress;
    struct figures *figures; /* or NULL */
    struct kafka_properties *properties;
    struct file_queue *files;
    struct source_kafka_together together;
    struct team team;
    int64_t epoch_ms;
    char fingerprint[COMMIT_TEXT_MAX];
    char error[1024];
};

static bool uses_kafka(const struct config *config)
{
    return config->program.brokers != NULL;
}

static bool name_instances(struct parts *parts)
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
    for (size_t i = 0; i < parts->team.count; i++) {
        struct worker *worker = &parts->team.workers[i];
        snprintf(worker->instance, sizeof worker->instance, "%s/%016" PRIx64 "/%zu", host, random,
                 i);
    }
    return true;
}

static void ended(struct worker *worker)
{
    if (worker->parts->figures)
        figures_ended(worker->parts->figures, worker->number, worker->pipeline);
}

static void make_team(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    struct team *team = &parts->team;
    team->count = (size_t)config->workers;
    team->stop = stop;
    team->ended = ended;
    atomic_store(&team->proof.reading, (int)team->count);
    atomic_store(&parts->together.reading, (int)team->count);
    for (size_t i = 0; i < team->count; i++)
        team->workers[i] = (struct worker){.team = team, .parts = parts, .number = (unsigned)i};
}

/* A checkpoint has a line's worth for each partition. */
static size_t record_max(const struct config *config, int32_t partitions)
{
    size_t sketch = record_size_max((unsigned)config->precision, strlen(config->stream),
                                    GROUP_SIZE, INSTANCE_MAX);
    size_t checkpoint = CHECKPOINT_BYTES + (partitions > 0 ? (size_t)partitions : 1) *
                                               CHECKPOINT_PARTITION_BYTES;
    return sketch > checkpoint ? sketch : checkpoint;
}

/* What could not be made is configured wrongly, unless memory was short. */
static int exit_unmade(const void *made)
{
    return made ? CONFIG_EXIT_DONE : errno == ENOMEM ? CONFIG_EXIT_FAILED : CONFIG_EXIT_CONFIG;
}

static int make_decoders(const struct config *config, struct parts *parts)
{
    struct team *team = &parts->team;
    for (size_t i = 0; i < team->count; i++) {
        errno = 0;
        team->workers[i].decoder =
            decoder_create(&config->decode, parts->error, sizeof parts->error);
        if (!team->workers[i].decoder)
            return exit_unmade(NULL);
    }
    return CONFIG_EXIT_DONE;
}

static int make_properties(const struct config *config, struct parts *parts)
{
    int code = program_kafka(&config->program, &parts->properties, parts->error,
                             sizeof parts->error);
    if (code == CONFIG_EXIT_DONE && parts->figures)
        kafka_properties_tally(parts->properties, figures_tally(parts->figures));
    return code;
}

static bool commits(const struct config *config)
{
    return config->topic && (config_output_is_topic(config) || config->group_given);
}

static struct source *make_source(const struct config *config, struct parts *parts)
{
    if (config->topic) {
        struct source_kafka_options options = {.properties = parts->properties,
                                               .topic = config->topic,
                                               .group = config->group,
                                               .start_committed = true,
                                               .start = config->start,
                                               .start_time_ms = config->start_time_ms,
                                               .together = commits(config)
                                                               ? NULL : &parts->together,
                                               .exit_at_end = config->exit_at_end};
        return source_kafka_create(&options, parts->error, sizeof parts->error);
    }
    struct source_file_options options = {.queue = parts->files,
                                          .frame_max = (size_t)config->frame_max,
                                          .rejects = config->input_format == CONFIG_REJECTS};
    return source_file_create(&options, parts->error, sizeof parts->error);
}

static int make_sources(const struct config *config, struct parts *parts)
{
    struct team *team = &parts->team;
    if (!config->topic) {
        struct file_queue_options options = {.paths = config->program.files.items,
                                             .count = config->program.files.count,
                                             .sharers = (unsigned)team->count};
        parts->files = file_queue_create(&options, parts->error, sizeof parts->error);
        if (!parts->files)
            return CONFIG_EXIT_FAILED;
    }
    for (size_t i = 0; i < team->count; i++) {
        team->workers[i].source = make_source(config, parts);
        if (!team->workers[i].source)
            return CONFIG_EXIT_FAILED;
    }
    return CONFIG_EXIT_DONE;
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

enum worker_emit { WORKER_OUTPUT, WORKER_PRINT, WORKER_REJECTS };

static void give(struct worker *worker, enum worker_emit which, struct emit *emit)
{
    if (which == WORKER_OUTPUT)
        worker->output = emit;
    else if (which == WORKER_PRINT)
        worker->print = emit;
    else
        worker->rejects = emit;
}

/* To the only worker, or to all. */
static int give_all(struct parts *parts, enum worker_emit which, struct emit *emit)
{
    struct team *team = &parts->team;
    struct emit *handles[LIMIT_WORKERS] = {emit};
    if (!emit)
        return CONFIG_EXIT_FAILED;
    if (team->count > 1 && !emit_share(emit, team->count, handles)) {
        emit_destroy(&emit);
        return CONFIG_EXIT_FAILED;
    }
    for (size_t i = 0; i < team->count; i++)
        give(&team->workers[i], which, handles[i]);
    return CONFIG_EXIT_DONE;
}

/* Readable lines: of several workers their union. */
static struct emit *make_lines(const struct config *config)
{
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    if (config->workers == 1)
        return emit_lines_create();
    (void)profiles_sketches(config, sketches);
    return emit_union_create(&sketches[0],
                             (size_t)(config->memory / config_memory_parts(config)));
}

static int make_output(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    if (!config_output_is_topic(config))
        return give_all(parts, WORKER_OUTPUT,
                        config_output_is_lines(config) ? make_lines(config) : emit_stdout_create());
    if (config->print && give_all(parts, WORKER_PRINT, make_lines(config)) != CONFIG_EXIT_DONE)
        return CONFIG_EXIT_FAILED;
    int32_t partitions = output_partitions(config, parts, stop);
    struct emit_kafka_options options = {.properties = parts->properties,
                                         .topic = config->output,
                                         .partitions = partitions,
                                         .record_max = record_max(config, partitions),
                                         .keep_forever = true};
    struct emit *emit;
    int code = make_topic(parts, &options, stop, &emit);
    return code == CONFIG_EXIT_DONE ? give_all(parts, WORKER_OUTPUT, emit) : code;
}

static int make_rejects(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    struct emit *emit;
    if (config_rejects_topic(config)) {
        struct emit_kafka_options options = {.properties = parts->properties,
                                             .topic = config_rejects_topic(config),
                                             .partitions = -1};
        int code = make_topic(parts, &options, stop, &emit);
        return code == CONFIG_EXIT_DONE ? give_all(parts, WORKER_REJECTS, emit) : code;
    }
    if (!config_rejects_file(config))
        return CONFIG_EXIT_DONE;
    emit = emit_file_create(config_rejects_file(config), parts->error, sizeof parts->error);
    return give_all(parts, WORKER_REJECTS, emit);
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

static void observe(void *worker, const struct pipeline *pipeline)
{
    const struct worker *self = worker;
    if (self->parts->progress)
        summary_progress(self->parts->summary, self->number, pipeline);
    if (self->parts->figures)
        figures_tell(self->parts->figures, self->number, pipeline);
}

static void first_start(const void *worker)
{
    struct parts *parts = ((const struct worker *)worker)->parts;
    if (atomic_exchange(&parts->team.told_first_start, 1) == 0)
        profiles_tell(parts->config);
}

static bool wants_progress(const struct config *config)
{
    return config->progress == CONFIG_ALWAYS ||
           (config->progress == CONFIG_AUTO && isatty(STDERR_FILENO) && !config->program.quiet);
}

static void name_fingerprint(const struct config *config, struct parts *parts)
{
    char profiles[PROFILES_TEXT_MAX];
    profiles_text(config, profiles, sizeof profiles);
    snprintf(parts->fingerprint, sizeof parts->fingerprint,
             "headcount/1 output=%s stream=%s profiles=%s fields=%s", config->output,
             config->stream, profiles, config->fields);
}

static struct pipeline *make_pipeline(const struct config *config, struct worker *worker)
{
    struct parts *parts = worker->parts;
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    size_t sketches_count = profiles_sketches(config, sketches);
    size_t memory = (size_t)(config->memory / config_memory_parts(config));
    struct pipeline_options options = {
        .source = worker->source,
        .decoder = worker->decoder,
        .output = worker->output,
        .print = worker->print,
        .rejects = worker->rejects,
        .rejects_as_lines = config_rejects_file(config) != NULL,
        .rejects_drop = config->rejects_down == CONFIG_DROP,
        .rejects_name = config->rejects,
        .output_for_people = config_output_is_lines(config),
        .stream = config->stream,
        .instance = worker->instance,
        .fields = config->fields,
        .input_group = config->topic ? config->group : "",
        .epoch_ms = parts->epoch_ms,
        .windows = {sketches, sketches_count, memory},
        .emit_every_ms = config->emit_every_ms,
        .max_lag_ms = config->max_lag_ms,
        .idle_after_ms = config->idle_after_ms,
        .release_wait_ms = config->topic ? RELEASE_WAIT_MS : 0,
        .stop_wait_ms = STOP_WAIT_MS,
        .commits = commits(config),
        .fingerprint = parts->fingerprint,
        .proof = config->workers > 1 ? &parts->team.proof : NULL,
        .adopt = config->adopt,
        .clock = {wire_monotonic, wire_wall, NULL},
        .observe = parts->progress || parts->figures ? observe : NULL,
        .observe_context = worker,
        .first_start = first_start,
        .first_start_context = worker};
    return pipeline_create(&options);
}

static int make_pipelines(const struct config *config, struct parts *parts)
{
    name_fingerprint(config, parts);
    for (size_t i = 0; i < parts->team.count; i++) {
        struct worker *worker = &parts->team.workers[i];
        worker->pipeline = make_pipeline(config, worker);
        if (!worker->pipeline)
            return CONFIG_EXIT_FAILED;
    }
    return CONFIG_EXIT_DONE;
}

static int make(const struct config *config, struct parts *parts, const atomic_int *stop)
{
    snprintf(parts->error, sizeof parts->error, "out of memory");
    make_team(config, parts, stop);
    if (!name_instances(parts))
        return CONFIG_EXIT_FAILED;
    int code = make_decoders(config, parts);
    if (code == CONFIG_EXIT_DONE && uses_kafka(config))
        code = make_properties(config, parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_output(config, parts, stop);
    if (code == CONFIG_EXIT_DONE)
        code = make_rejects(config, parts, stop);
    if (code == CONFIG_EXIT_DONE)
        code = make_sources(config, parts);
    if (code == CONFIG_EXIT_DONE)
        code = make_pipelines(config, parts);
    return code;
}

static void unmake(struct parts *parts)
{
    team_free(&parts->team);
    file_queue_destroy(&parts->files);
    kafka_properties_destroy(&parts->properties);
}

/* Before anything that may wait for brokers: who watches is to see that. */
static int start_figures(const struct config *config, struct parts *parts)
{
    if (!config->listen)
        return CONFIG_EXIT_DONE;
    snprintf(parts->error, sizeof parts->error, "out of memory");
    parts->figures = figures_create(config);
    if (!parts->figures)
        return CONFIG_EXIT_FAILED;
    return figures_listen(parts->figures, parts->error, sizeof parts->error)
               ? CONFIG_EXIT_DONE
               : CONFIG_EXIT_FAILED;
}

static void log_started(const struct config *config, const struct parts *parts)
{
    char profiles[PROFILES_TEXT_MAX];
    profiles_text(config, profiles, sizeof profiles);
    log_event(LOG_INFO, "started", LOG_S("instance", parts->team.workers[0].instance),
              LOG_S("stream", config->stream), LOG_S("profiles", profiles),
              LOG_I("precision", config->precision), LOG_S("output", config->output),
              LOG_I("workers", config->workers));
    profiles_warn(config);
}

static int run(const struct config *config, struct parts *parts)
{
    log_started(config, parts);
    team_run(&parts->team);
    const char *unwritten = verdict_last_lines(config, &parts->team);
    if (!config->program.quiet)
        summary_print(parts->summary, config, &parts->team);
    int code = verdict(config, &parts->team, unwritten);
    verdict_rejects_lost(config, &parts->team);
    return code;
}

int wire_run(const struct config *config, const atomic_int *stop)
{
    struct summary *summary = summary_create();
    struct parts *parts = calloc(1, sizeof *parts);
    int code = CONFIG_EXIT_FAILED;
    if (!parts || !summary) {
        say("headcountd: out of memory\n");
        goto done;
    }
    parts->config = config;
    parts->summary = summary;
    parts->progress = wants_progress(config);
    code = start_figures(config, parts);
    if (code == CONFIG_EXIT_DONE)
        code = make(config, parts, stop);
    if (code == CONFIG_EXIT_DONE) {
        code = run(config, parts);
    } else if (atomic_load(stop) && code == CONFIG_EXIT_FAILED) {
        log_event(LOG_INFO, "stopped", LOG_S("effect", "nothing was read"));
        code = CONFIG_EXIT_DONE;
    } else {
        say("headcountd: %s\n", parts->error);
    }
    if (parts->figures)
        figures_close(parts->figures);
    unmake(parts);
    figures_destroy(&parts->figures);
done:
    free(parts);
    summary_destroy(&summary);
    return code;
}

int wire_validate(const struct config *config)
{
    struct parts parts = {.team = {.count = 1}};
    int code = make_decoders(config, &parts);
    if (code == CONFIG_EXIT_DONE && uses_kafka(config))
        code = make_properties(config, &parts);
    if (code != CONFIG_EXIT_DONE) {
        say("headcountd: %s\n", parts.error);
    } else if (uses_kafka(config)) {
        struct kafka_check check = {
            .input = config->topic,
            .output = config_output_is_topic(config) ? config->output : NULL,
            .rejects = config_rejects_topic(config),
            .record_max = record_max(config, 1)};
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
