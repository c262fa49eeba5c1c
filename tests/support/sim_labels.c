/* What records say of their minutes, reckoned from scratch. See sim.h.
 *
 * A minute is late when a frame of it was folded behind the watermark, until
 * the watermark goes back and a tick finds it open. When exactly that was is not
 * followed: `late_must` ends with the first turn that ends with the minute open,
 * `late_may` when it has been open for so long that there was a tick. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "watermark.h"

/* In calm weather a minute that has passed is called so within this time. */
#define CLOSING_MS 600

static bool is_open(int minute, int64_t watermark_s)
{
    return sim_minute_s[minute] + 60 > watermark_s;
}

void sim_labels_start(struct sim_member *member)
{
    struct sim_labels *l = &member->labels;
    memset(l, 0, sizeof *l);
    for (int m = 0; m < SIM_MINUTES; m++)
        l->closed_ms[m] = -1;
}

void sim_labels_begin(struct sim_member *member)
{
    struct sim_labels *l = &member->labels;
    l->count = 0;
    l->late_may_before = l->late_may;
    l->late_must_before = l->late_must;
}

static enum record_state state_of(struct sim *sim, const char *value)
{
    const char *at = strstr(value, "\"state\":\"");
    SIM_CHECK(sim, at, "a record without a label");
    at += strlen("\"state\":\"");
    return *at == 'o' ? RECORD_OPEN : *at == 'c' ? RECORD_CLOSED : RECORD_LATE;
}

void sim_labels_note(struct sim_member *member, const char *value)
{
    struct sim *sim = member->sim;
    struct sim_labels *l = &member->labels;
    const char *at = strstr(value, "\"minute\":");
    int minute = at ? sim_minute_of(strtoll(at + strlen("\"minute\":"), NULL, 10)) : -1;
    SIM_CHECK(sim, minute >= 0, "a record of no minute");
    if (l->count == SIM_LABELS)
        return;
    l->noted[l->count].minute = minute;
    l->noted[l->count++].state = state_of(sim, value);
}

void sim_labels_folded(struct sim_member *member, int minute)
{
    struct sim_labels *l = &member->labels;
    if (is_open(minute, member->watermark_s))
        return;
    member->seen.late++;
    l->late_must |= 1u << minute;
    l->late_may |= 1u << minute;
    l->late_may_before |= 1u << minute;
}

/* After the clocks of a turn, before their minutes are forgotten to be late. */
static void judge(struct sim_member *member, int64_t before_s)
{
    struct sim_labels *l = &member->labels;
    for (size_t i = 0; i < l->count; i++) {
        int minute = l->noted[i].minute;
        enum record_state state = l->noted[i].state;
        bool open = state == RECORD_OPEN;
        SIM_CHECK(member->sim,
                  open == is_open(minute, before_s) || open == is_open(minute, member->watermark_s),
                  "minute %d is called %s at %lld", minute, record_state_name(state),
                  (long long)member->watermark_s);
        SIM_CHECK(member->sim, state != RECORD_LATE || (l->late_may_before >> minute & 1),
                  "minute %d is called late, and no frame was", minute);
        SIM_CHECK(member->sim,
                  state != RECORD_CLOSED || !(l->late_must & l->late_must_before & 1u << minute),
                  "minute %d is called closed, and frames were late", minute);
    }
}

void sim_labels_end(struct sim_member *member, int64_t before_s)
{
    struct sim_labels *l = &member->labels;
    judge(member, before_s);
    for (int m = 0; m < SIM_MINUTES; m++) {
        bool open = is_open(m, member->watermark_s);
        if (!open) {
            l->closed_ms[m] = l->closed_ms[m] < 0 ? member->turn_ms : l->closed_ms[m];
            l->open_ms[m] = -1;
            continue;
        }
        l->closed_ms[m] = -1;
        if (l->open_ms[m] < 0)
            l->open_ms[m] = member->turn_ms;
        l->late_must &= ~(1u << m);
        if (member->turn_ms - l->open_ms[m] >= member->options.emit_every_ms)
            l->late_may &= ~(1u << m);
    }
}

/* The last label in the topic that a process gave a minute; NULL: none. */
static const struct sim_sketch *last_of(const struct sim *sim, uint64_t start, int minute,
                                        size_t profile)
{
    const struct sim_sketch *last = NULL;
    for (size_t i = 0; i < sim->sketches_count; i++) {
        const struct sim_sketch *sketch = &sim->sketches[i];
        if (sketch->start == start && sketch->minute_s == sim_minute_s[minute] &&
            sketch->profile == profile && (!last || sketch->sequence > last->sequence))
            last = sketch;
    }
    return last;
}

void sim_labels_judge(struct sim_member *member)
{
    struct sim *sim = member->sim;
    struct pipeline_status status;
    pipeline_status(member->pipeline, &status);
    if (status.counters.evicted > 0)
        return; /* what was let go while it was open stays so */
    for (int m = 0; m < SIM_MINUTES; m++) {
        if (member->labels.closed_ms[m] < 0 ||
            member->turn_ms - member->labels.closed_ms[m] < CLOSING_MS)
            continue;
        for (size_t profile = 0; profile < sim->profiles; profile++) {
            const struct sim_sketch *last = last_of(sim, member->start, m, profile);
            SIM_CHECK(sim, !last || last->state != RECORD_OPEN,
                      "minute %d has passed, and member %d does not say so", m, member->index);
        }
    }
}
