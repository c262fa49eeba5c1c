/* See pipeline.h. A turn of the loop: one step of the source, the frames of the
 * run at work, the clocks, then everything behind the windows. */
#include "pipeline.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "limits.h"
#include "log.h"
#include "pipeline_body.h"

#define POLL_MS 10
#define OBSERVE_MS 1000
#define LOG_LIMIT_MS 10000

void pipeline_end(struct pipeline *p, enum pipeline_result result, const char *format, ...)
{
    if (p->ended)
        return;
    p->ended = true;
    p->result = result;
    if (p->o.proof && !p->doubts)
        atomic_fetch_sub(&p->o.proof->reading, 1);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->error, sizeof p->error, format, arguments);
    va_end(arguments);
}

bool log_limit_pass(struct log_limit *limit, int64_t now_ms, uint64_t *times)
{
    limit->times++;
    if (now_ms < limit->next_ms)
        return false;
    *times = limit->times;
    limit->times = 0;
    limit->next_ms = now_ms + LOG_LIMIT_MS;
    return true;
}

struct pipeline *pipeline_create(const struct pipeline_options *options)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->o = *options;
    p->windows = window_table_create(&options->windows);
    p->checkpoints = checkpoints_create();
    p->first_rejected = malloc(FIRST_REJECTED_BYTES);
    if (!p->windows || !p->checkpoints || !p->first_rejected || !reject_create(p) ||
        hc_codec_create(NULL, &p->codec) != HC_OK) {
        pipeline_destroy(&p);
        return NULL;
    }
    p->now_ms = options->clock.monotonic_ms(options->clock.context);
    p->max_lag_s = (options->max_lag_ms + 999) / 1000;
    p->next_tick_ms = p->now_ms + options->emit_every_ms;
    p->last_checkpoint_ms = p->now_ms;
    p->acknowledged_ms = -1;
    p->first_read_ms = -1;
    p->stop_by_ms = INT64_MAX;
    p->minute_first_s = INT64_MAX;
    p->minute_last_s = INT64_MIN;
    p->passed_s = WATERMARK_NONE;
    watermark_init(&p->watermark);
    return p;
}

void pipeline_destroy(struct pipeline **pipeline)
{
    struct pipeline *p = *pipeline;
    if (!p)
        return;
    reject_destroy(p);
    window_table_destroy(&p->windows);
    checkpoints_destroy(&p->checkpoints);
    hc_codec_destroy(&p->codec);
    text_free(&p->key);
    text_free(&p->value);
    free(p->slots);
    free(p->clocks);
    free(p->marks);
    free(p->positions);
    free(p->partitions);
    free(p->ranges);
    free(p->first_rejected);
    free(p);
    *pipeline = NULL;
}

bool pipeline_in_doubt(const struct pipeline *p)
{
    return p->o.commits && !p->proven && counters_rejected_total(&p->counters) > 0;
}

bool pipeline_is_disproved(struct pipeline *p)
{
    struct pipeline_proof *proof = p->o.proof;
    if (!proof)
        return true;
    if (!p->doubts) {
        p->doubts = true;
        atomic_fetch_sub(&proof->reading, 1);
    }
    return !atomic_load(&proof->proven) &&
           (atomic_load(&proof->reading) == 0 ||
            p->now_ms - p->first_read_ms >= PROVE_MS || p->closing);
}

static void finish(struct pipeline *p)
{
    uint64_t rejected = counters_rejected_total(&p->counters);
    assert(!p->assignment);
    if (!p->proven && rejected > 0 && pipeline_is_disproved(p))
        pipeline_end(p, PIPELINE_INVALID, "none of %llu frames was valid",
                     (unsigned long long)rejected);
    else if (p->cut && !p->unsafe)
        pipeline_end(p, PIPELINE_UNSAFE, "stopped before all that was read could be counted");
    else
        pipeline_end(p, p->unsafe ? PIPELINE_UNSAFE : PIPELINE_DONE, "%s",
                     p->unsafe ? "the last assignment ended before all of it was safe" : "");
}

static void missing(struct pipeline *p, const struct source_step *step)
{
    p->news = true;
    p->counters.missing += (uint64_t)(step->to - step->from);
    log_event(LOG_ERROR, "offsets_missing", LOG_S("topic", p->assignment->topic),
              LOG_I("partition", p->slots[step->slot].partition), LOG_I("from", step->from),
              LOG_I("to", step->to));
    if (!checkpoints_missing(p->checkpoints, step->slot, step->from, step->to))
        pipeline_end(p, PIPELINE_FAILED, "out of memory");
}

/* What was read before is good: publish it, then end. */
static void source_failed(struct pipeline *p, const char *error)
{
    if (p->failing)
        return;
    p->failing = true;
    snprintf(p->error, sizeof p->error, "%s", error);
    if (p->assignment && !p->leaving)
        assign_leave(p, &(struct source_step){.kind = SOURCE_REVOKED, .final = true});
    else if (!p->assignment)
        pipeline_end(p, PIPELINE_FAILED, "%s", error);
}

static void take_step(struct pipeline *p, int timeout_ms)
{
    struct source_step step;
    source_poll(p->o.source, timeout_ms, &step);
    switch (step.kind) {
    case SOURCE_NOTHING:
        break;
    case SOURCE_MESSAGES:
        assert(!p->held && p->run_next == p->run_count && !p->leaving);
        p->run = step.messages;
        p->run_count = step.count;
        p->run_next = 0;
        break;
    case SOURCE_ASSIGNED:
        assign_begin(p, step.assignment);
        break;
    case SOURCE_REVOKED:
    case SOURCE_LOST:
        assign_leave(p, &step);
        break;
    case SOURCE_AT_END:
        assign_at_end(p, &step);
        break;
    case SOURCE_MISSING:
        missing(p, &step);
        break;
    case SOURCE_REMADE:
        log_event(LOG_ERROR, "topic_remade", LOG_S("topic", p->assignment->topic),
                  LOG_S("effect", "no commits until it is assigned again"));
        checkpoints_forbid_commits(p->checkpoints);
        break;
    case SOURCE_COMMITTED:
        publish_committed(p, step.error);
        break;
    case SOURCE_FINISHED:
        finish(p);
        break;
    case SOURCE_FAILED:
        source_failed(p, step.error);
        break;
    }
}

/* Frames that are wrong from the first one on mean wrong settings: such a run
 * must not swallow the stream. */
static void prove(struct pipeline *p)
{
    uint64_t rejected = counters_rejected_total(&p->counters);
    bool others = p->o.proof && atomic_load(&p->o.proof->proven);
    p->proven |= p->counters.frames > 0;
    if (p->proven && p->o.proof && !others)
        atomic_store(&p->o.proof->proven, 1);
    p->proven |= others;
    if (p->proven || rejected == 0)
        return;
    if (p->first_read_ms < 0)
        p->first_read_ms = p->now_ms;
    if ((rejected >= PROVE_FRAMES ||
         (rejected >= PROVE_FRAMES_MIN && p->now_ms - p->first_read_ms >= PROVE_MS)) &&
        pipeline_is_disproved(p))
        pipeline_end(p, PIPELINE_INVALID, "none of the first %llu frames was valid",
                     (unsigned long long)rejected);
}

static void hold(struct pipeline *p, bool held)
{
    if (held != p->held)
        source_hold(p->o.source, held);
    p->held = held;
}

/* The wait is for acknowledgements: not for the source. */
static bool awaits_answers(const struct pipeline *p)
{
    return (p->held && checkpoints_unsettled(p->checkpoints) > 0) ||
           (p->leaving && p->records_out > 0);
}

static int poll_timeout(const struct pipeline *p)
{
    if (p->sliced || awaits_answers(p))
        return 0; /* the wait would be for ourselves */
    int64_t until_tick = p->next_tick_ms - p->now_ms;
    return until_tick < 0 ? 0 : until_tick < POLL_MS ? (int)until_tick : POLL_MS;
}

static void stop_asked(struct pipeline *p)
{
    if (p->stop_by_ms == INT64_MAX) {
        p->stop_by_ms = p->now_ms + p->o.stop_wait_ms;
        if (p->leaving && p->leave_by_ms > p->stop_by_ms)
            p->leave_by_ms = p->stop_by_ms;
    }
    p->ending = true;
    if (!p->closing) {
        p->closing = true;
        source_close(p->o.source);
    }
    if (p->now_ms > p->stop_by_ms + p->o.stop_wait_ms / 4)
        pipeline_end(p, PIPELINE_UNSAFE, "the source did not let go in time");
}

bool pipeline_turn(struct pipeline *p, bool stop)
{
    p->now_ms = p->o.clock.monotonic_ms(p->o.clock.context);
    if (stop)
        stop_asked(p);
    take_step(p, poll_timeout(p));
    if (p->ended)
        return false;
    p->now_ms = p->o.clock.monotonic_ms(p->o.clock.context);
    hold(p, !fold_run(p));
    prove(p);
    assign_clocks(p);
    publish_acknowledgements(p, p->held || (awaits_answers(p) && !p->sliced) ? POLL_MS : 0);
    reject_acknowledgements(p);
    publish_tick(p);
    publish_go_on(p);
    assign_go_on(p);
    if (p->o.observe && p->now_ms >= p->next_observe_ms) {
        p->next_observe_ms = p->now_ms + OBSERVE_MS;
        p->o.observe(p->o.observe_context, p);
    }
    return !p->ended;
}

enum pipeline_result pipeline_run(struct pipeline *p, const atomic_int *stop)
{
    while (pipeline_turn(p, atomic_load(stop) != 0))
        ;
    return p->result;
}

enum pipeline_result pipeline_result(const struct pipeline *p)
{
    assert(p->ended);
    return p->result;
}

const char *pipeline_error(const struct pipeline *p)
{
    return p->error;
}

const char *pipeline_first_rejected(const struct pipeline *p, size_t *size)
{
    *size = p->first_rejected_size;
    return p->first_rejected;
}
