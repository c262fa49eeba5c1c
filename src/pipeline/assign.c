/* The facts about partitions: assignments, clocks and the end of both. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pipeline_body.h"

/* Room for `count` slots; false when there is no memory. */
static bool slots_make(struct pipeline *p, size_t count)
{
    void **all[] = {(void **)&p->slots, (void **)&p->clocks, (void **)&p->marks,
                    (void **)&p->positions, (void **)&p->partitions};
    const size_t sizes[] = {sizeof *p->slots, sizeof *p->clocks, sizeof *p->marks,
                            sizeof *p->positions, sizeof *p->partitions};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *more = realloc(*all[i], (count + 1) * sizes[i]);
        if (!more)
            return false;
        *all[i] = more;
    }
    p->slots_count = count;
    return true;
}

/* Positions that somebody committed for another count must not be gone on from:
 * what they stand for was never counted here. */
static bool fingerprints_agree(struct pipeline *p, const struct source_assignment *assignment)
{
    for (size_t i = 0; i < assignment->count; i++) {
        const struct source_partition *partition = &assignment->partitions[i];
        if (!partition->resumed || !partition->metadata || !*partition->metadata)
            continue; /* an operator's own reset carries no metadata */
        if (strcmp(partition->metadata, p->o.fingerprint) == 0) {
            p->proven = true;
            continue;
        }
        log_event(p->o.adopt ? LOG_WARN : LOG_ERROR, "settings_changed",
                  LOG_S("topic", assignment->topic), LOG_I("partition", partition->partition),
                  LOG_S("committed_by", partition->metadata), LOG_S("now", p->o.fingerprint));
        if (!p->o.adopt) {
            pipeline_end(p, PIPELINE_CONFIG,
                         "group %s has committed offsets of %s under other settings (%s) than "
                         "these (%s): use another --group, or --adopt to go on from them",
                         p->o.input_group, assignment->topic, partition->metadata,
                         p->o.fingerprint);
            return false;
        }
    }
    return true;
}

/* The first partitions of the run decide whether the count is a new one. */
static void tell_first_start(struct pipeline *p, const struct source_assignment *assignment)
{
    bool resumed = false;
    if (p->began || assignment->count == 0)
        return;
    p->began = true;
    for (size_t i = 0; i < assignment->count; i++)
        resumed = resumed || assignment->partitions[i].resumed;
    if (!resumed && p->o.first_start)
        p->o.first_start(p->o.first_start_context);
}

/* Files come and go by the thousand; partitions are news. */
static enum log_level assign_log_level(const struct pipeline *p)
{
    return strcmp(p->assignment->cluster, "file") == 0 ? LOG_DEBUG : LOG_INFO;
}

void assign_begin(struct pipeline *p, const struct source_assignment *assignment)
{
    assert(!p->assignment && !p->leaving);
    if (!fingerprints_agree(p, assignment))
        return;
    int64_t *starts = malloc((assignment->count + 1) * sizeof *starts);
    if (!starts || !slots_make(p, assignment->count)) {
        free(starts);
        pipeline_end(p, PIPELINE_FAILED, "out of memory");
        return;
    }
    for (size_t i = 0; i < assignment->count; i++) {
        starts[i] = assignment->partitions[i].start;
        p->slots[i] = (struct slot_state){.partition = assignment->partitions[i].partition};
        watermark_clock_init(&p->clocks[i]);
    }
    bool done = checkpoints_assign(p->checkpoints, starts, assignment->count, &p->counters);
    free(starts);
    if (!done) {
        pipeline_end(p, PIPELINE_FAILED, "out of memory");
        return;
    }
    p->assignment = assignment;
    p->assigned_last_s = WATERMARK_NONE;
    p->last_window = NULL; /* its minute counts for this one anew */
    p->lost_told = p->counters.rejects_lost;
    p->news = false;
    tell_first_start(p, assignment);
    if (assignment->count == 0)
        p->passed_s = WATERMARK_ALL;
    log_event(assign_log_level(p), "assigned", LOG_S("topic", assignment->topic),
              LOG_I("partitions", (int64_t)assignment->count));
}

bool assign_all_told(const struct pipeline *p)
{
    return checkpoints_all_safe(p->checkpoints) && checkpoints_unsettled(p->checkpoints) == 0;
}

bool assign_all_committed(const struct pipeline *p)
{
    return !p->o.commits || checkpoints_all_committed(p->checkpoints);
}

static void assign_end(struct pipeline *p)
{
    p->unsafe = !assign_all_told(p) || !assign_all_committed(p);
    if (p->failing) {
        char error[sizeof p->error];
        memcpy(error, p->error, sizeof error);
        pipeline_end(p, PIPELINE_FAILED, "%s", error);
        return;
    }
    checkpoints_unassign(p->checkpoints);
    p->assignment = NULL;
    p->slots_count = 0;
    p->leaving = p->last_begun = false;
    p->commit_due = false;
    p->last_commits = 0;
    source_release(p->o.source);
}

void assign_leave(struct pipeline *p, const struct source_step *step)
{
    bool lost = step->kind == SOURCE_LOST;
    p->cut |= step->lost && (step->unread > 0 || p->run_next < p->run_count);
    p->run_count = p->run_next = 0;
    p->ending = p->ending || step->final;
    assert(p->assignment && !p->leaving);
    log_event(assign_log_level(p), lost ? "lost" : "revoked", LOG_S("topic", p->assignment->topic),
              LOG_I("partitions", (int64_t)p->slots_count));
    if (lost) {
        assign_end(p);
        return;
    }
    p->leaving = true;
    p->last_begun = false;
    /* In a rebalance the other members wait with us; at the end nobody does. */
    p->leave_by_ms = p->o.release_wait_ms > 0 && !p->ending ? p->now_ms + p->o.release_wait_ms
                                                            : INT64_MAX;
    if (p->leave_by_ms > p->stop_by_ms)
        p->leave_by_ms = p->stop_by_ms;
}

/* Nothing is left to wait for. */
static bool drained(struct pipeline *p)
{
    if (pipeline_in_doubt(p))
        return !p->ending || pipeline_is_disproved(p);
    return p->last_begun && !p->news && checkpoints_under_way(p->checkpoints) == 0 &&
           assign_all_told(p) && p->lines_unwritten == 0 && !p->line_waits &&
           (assign_all_committed(p) || checkpoints_commits_forbidden(p->checkpoints));
}

void assign_go_on(struct pipeline *p)
{
    if (!p->leaving || p->ended)
        return;
    bool over = p->now_ms >= p->leave_by_ms;
    bool refused = p->last_commits >= LAST_COMMITS && !checkpoints_committing(p->checkpoints);
    if (drained(p)) {
        assign_end(p);
    } else if (over || refused) {
        log_event(LOG_WARN, "left_early", LOG_S("topic", p->assignment->topic),
                  LOG_I("records_unsettled", (int64_t)checkpoints_unsettled(p->checkpoints)),
                  LOG_S("effect", "what is not committed is read again by whoever takes over"));
        assign_end(p);
    } else if (p->last_begun && p->news && checkpoints_under_way(p->checkpoints) == 0) {
        p->last_begun = false; /* its record failed: another one covers it */
    }
}

void assign_at_end(struct pipeline *p, const struct source_step *step)
{
    struct slot_state *slot = &p->slots[step->slot];
    assert(p->run_next == p->run_count);
    if (checkpoints_read(p->checkpoints, step->slot, step->position) || step->final)
        p->news = true;
    slot->at_end = true;
    slot->at_end_ms = p->now_ms;
    slot->slice = step->slice;
    if (step->final)
        p->clocks[step->slot].ended = true;
}

/* Idle is what the broker says, not silence: at its end for idle_after, and
 * confirmed within that time. */
static void fall_idle(struct pipeline *p, uint32_t slot)
{
    const struct slot_state *state = &p->slots[slot];
    if (!state->at_end || p->clocks[slot].idle || p->clocks[slot].ended ||
        p->now_ms - state->at_end_ms < p->o.idle_after_ms)
        return;
    int64_t confirmed_ms = source_end_confirmed_ms(p->o.source, slot);
    if (confirmed_ms >= 0 && p->now_ms - confirmed_ms <= p->o.idle_after_ms)
        watermark_clock_sleep(&p->clocks[slot]);
}

void assign_clocks(struct pipeline *p)
{
    bool all = p->now_ms >= p->next_clocks_ms; /* samples age; that has time */
    if (all)
        p->next_clocks_ms = p->now_ms + CLOCKS_MS;
    for (size_t i = 0; i < p->slots_count; i++) {
        struct watermark_clock *clock = &p->clocks[i];
        if ((all || p->slots[i].noted) && !clock->idle && !clock->ended) {
            p->slots[i].noted = false;
            int64_t fell = watermark_clock_update(clock, p->now_ms, p->o.idle_after_ms);
            uint64_t times;
            if (fell > p->max_lag_s) {
                p->counters.clock_resets++;
                if (log_limit_pass(&p->log_reset, p->now_ms, &times))
                    log_event(LOG_WARN, "clock_reset", LOG_S("topic", p->assignment->topic),
                              LOG_I("partition", p->slots[i].partition), LOG_I("by_s", fell),
                              LOG_I("times", (int64_t)times));
            }
        }
        fall_idle(p, (uint32_t)i);
    }
    watermark_update(&p->watermark, p->clocks, p->slots_count, p->max_lag_s, p->now_ms);
}
