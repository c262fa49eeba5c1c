/* What became of a run: its exit code, and what people are told of it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "wire.h"

/* The last readable lines are waited for in steps. */
#define LAST_LINES_MS 100
/* Not a token of a pipeline. */
#define LAST_TOKEN (UINT64_C(1) << 56)
#define ACKS_AT_ONCE 256

/* Whether the token came back by which all lines are written. */
static bool last_is_back(struct emit *lines)
{
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count = emit_poll(lines, LAST_LINES_MS, acks, ACKS_AT_ONCE);

    for (size_t i = 0; i < count; i++)
        if (acks[i].token == LAST_TOKEN)
            return true;
    return false;
}

const char *verdict_last_lines(const struct config *config, const struct team *team)
{
    const struct worker *first = &team->workers[0];
    struct emit *lines = config_output_is_lines(config) ? first->output : first->print;
    const struct emit_record last = {.key = "", .value = "", .token = LAST_TOKEN};

    if (team->count == 1 || !lines)
        return NULL;
    while (!emit_failed(lines) && emit_produce(lines, &last) != EMIT_OK)
        (void)last_is_back(lines);
    while (!emit_failed(lines) && !last_is_back(lines))
        ;
    return emit_failed(lines);
}

static void log_invalid(const struct config *config, const struct team *team, const char *error)
{
    const struct pipeline *pipeline = team->workers[0].pipeline;
    char hint[512];

    for (size_t i = 0; i < team->count; i++) {
        size_t size;
        (void)pipeline_first_rejected(team->workers[i].pipeline, &size);
        if (size > 0) {
            pipeline = team->workers[i].pipeline;
            break;
        }
    }
    hint_for_rejected(config, pipeline, hint, sizeof hint);
    log_event(LOG_ERROR, "no_valid_frames", LOG_S("error", error), LOG_S("hint", hint),
              LOG_S("effect", "nothing is committed"));
}

/* One worker's, if it's not what was told already. */
static void log_failed(const struct config *config, const struct worker *worker)
{
    const char *error = pipeline_error(worker->pipeline);

    if (worker->result == PIPELINE_UNSAFE)
        log_event(LOG_ERROR, "not_all_safe", LOG_S("error", error),
                  LOG_S("effect", config->topic
                                      ? "what is not committed is read again at the next start"
                                      : "count the input again; what came from stdin is lost"));
    else
        log_event(LOG_ERROR, "failed", LOG_S("error", error));
}

/* The workers with this result, each cause once. */
static void log_all_failed(const struct config *config, const struct team *team,
                           enum pipeline_result result)
{
    for (size_t i = 0; i < team->count; i++) {
        const struct worker *worker = &team->workers[i];
        bool told = false;

        if (worker->result != result)
            continue;
        for (size_t j = 0; j < i && !told; j++)
            told = team->workers[j].result == result &&
                   strcmp(pipeline_error(team->workers[j].pipeline),
                          pipeline_error(worker->pipeline)) == 0;
        if (!told)
            log_failed(config, worker);
    }
}

int verdict(const struct config *config, const struct team *team, const char *unwritten)
{
    const struct worker *worst;
    enum pipeline_result result = team_result(team, &worst);

    if (result == PIPELINE_INVALID)
        log_invalid(config, team, pipeline_error(worst->pipeline));
    else if (result != PIPELINE_DONE)
        log_all_failed(config, team, result);
    else if (team_is_disproved(team))
        log_invalid(config, team, "none of the frames was valid");
    if (team->short_of_threads)
        log_event(LOG_ERROR, "failed", LOG_S("error", "cannot start a thread"));
    if (unwritten && !config_output_is_topic(config))
        log_event(LOG_ERROR, "failed", LOG_S("error", unwritten));
    else if (unwritten)
        log_event(LOG_ERROR, "print_failed", LOG_S("error", unwritten));
    if (result == PIPELINE_CONFIG)
        return CONFIG_EXIT_CONFIG;
    return result != PIPELINE_DONE || team_is_disproved(team) || team->short_of_threads ||
                   (unwritten && !config_output_is_topic(config))
               ? CONFIG_EXIT_FAILED
               : CONFIG_EXIT_DONE;
}

void verdict_rejects_lost(const struct config *config, const struct team *team)
{
    uint64_t lost = 0, rejected = 0;

    for (size_t i = 0; i < team->count; i++) {
        struct pipeline_status status;
        pipeline_status(team->workers[i].pipeline, &status);
        lost += status.counters.rejects_lost;
        rejected += counters_rejected_total(&status.counters);
    }
    if (lost > 0)
        log_event(LOG_ERROR, "rejects_lost", LOG_S("sink", config->rejects),
                  LOG_I("frames", (int64_t)lost), LOG_I("rejected", (int64_t)rejected),
                  LOG_S("effect", "they are counted as rejected, and can't be replayed"));
}
