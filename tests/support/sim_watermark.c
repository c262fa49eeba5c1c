/* What time it is in the stream, reckoned from scratch. See sim.h.
 *
 * What a member read is known, and how much of it is folded is told by its
 * counters; so its samples are known, too. A clock stands where enough of them
 * stand: at the latest time that a quarter of the recent ones (at least two)
 * have reached. The watermark goes with the slowest clock that is not idle,
 * exactly; with all idle it runs on with the monotonic clock, and may be as far
 * as the slowest of them stood when it fell idle, but no farther. */
#include "sim.h"

#include "watermark.h"

#define LOOK_MS 100 /* how often clocks without new samples are looked at */

void sim_turn_begin(struct sim_member *member)
{
    member->clocks_read = 0;
    sim_labels_begin(member);
    member->told_count = member->sim->told_count;
    member->step = SOURCE_NOTHING;
    member->had_slots =
        member->source.state == SIM_ASSIGNED || member->source.state == SIM_LEAVING;
}

/* How many of the recent samples have reached `time_s`; *recent is how many
 * there are. */
static size_t support(const struct sim_member *member, const struct sim_slot *slot,
                      int64_t time_s, size_t *recent)
{
    size_t reached = 0;
    size_t kept = slot->samples_count < LIMIT_CLOCK_SAMPLES ? slot->samples_count
                                                            : LIMIT_CLOCK_SAMPLES;
    *recent = 0;
    for (size_t i = 0; i < kept; i++) {
        if (member->turn_ms - slot->samples[i].read_ms > member->options.idle_after_ms)
            continue;
        ++*recent;
        reached += slot->samples[i].time_s >= time_s;
    }
    return reached;
}

static void clock_update(const struct sim_member *member, struct sim_slot *slot)
{
    int64_t best = INT64_MIN;
    size_t kept = slot->samples_count < LIMIT_CLOCK_SAMPLES ? slot->samples_count
                                                            : LIMIT_CLOCK_SAMPLES;
    for (size_t i = 0; i < kept; i++) {
        size_t recent;
        int64_t time_s = slot->samples[i].time_s;
        if (time_s <= best ||
            member->turn_ms - slot->samples[i].read_ms > member->options.idle_after_ms)
            continue;
        size_t reached = support(member, slot, time_s, &recent);
        if (reached >= 2 && 4 * reached >= recent)
            best = time_s;
    }
    if (best != INT64_MIN)
        slot->value_s = best;
}

static void fold_one(struct sim_member *member, const struct message *message)
{
    struct sim *sim = member->sim;
    struct sim_slot *slot = &member->source.slots[message->slot];
    const struct sim_frame *frame = &sim->partitions[slot->partition].log[message->position];
    slot->consumed = message->next;
    slot->at_end = false;
    member->seen.bytes += message->size;
    if (frame->reason != REJECT_NONE) {
        member->seen.rejected[frame->reason]++;
        return;
    }
    member->seen.frames++;
    sim_labels_folded(member, frame->minute);
    size_t at = slot->samples_count++ % LIMIT_CLOCK_SAMPLES;
    slot->samples[at].time_s = frame->time_s;
    slot->samples[at].read_ms = member->turn_ms;
    slot->noted = true;
    slot->idle = false;
    struct sim_start *start = &sim->starts[member->start];
    SIM_CHECK(sim, start->folded_count < SIM_FOLDED, "too much is folded");
    start->folded[start->folded_count++] =
        (uint16_t)(slot->partition * SIM_FRAMES + message->position);
}

/* Brings the model to where the pipeline is. */
static void follow(struct sim_member *member, const struct counters *counters)
{
    struct sim_source *s = &member->source;
    uint64_t consumed = counters->frames + counters_rejected_total(counters);
    if (member->step == SOURCE_AT_END || member->step == SOURCE_MISSING) {
        struct sim_slot *slot = &s->slots[member->step_slot];
        if (member->step_position > slot->consumed)
            slot->consumed = member->step_position;
        if (member->step == SOURCE_AT_END) {
            slot->at_end = true;
            slot->at_end_ms = member->first_ms;
        }
    }
    for (; member->consumed < consumed; member->consumed++) {
        SIM_CHECK(member->sim, s->run_next < s->run_count, "counted more than was read");
        fold_one(member, &s->messages[s->run_next++]);
    }
}

/* At its end for idle_after, as the broker has confirmed within that time. */
static bool falls_idle(const struct sim_member *member, const struct sim_slot *slot)
{
    int64_t idle_ms = member->options.idle_after_ms;
    return slot->at_end && !slot->idle && member->turn_ms - slot->at_end_ms >= idle_ms &&
           slot->eof >= 0 && slot->high == slot->eof && slot->asked_ms >= 0 &&
           member->turn_ms - slot->asked_ms <= idle_ms;
}

/* What has no second one beside it counts as far as the lone one before it goes,
 * too; the very first one alone. */
static void sleep_one(struct sim_slot *slot)
{
    size_t last = (slot->samples_count + LIMIT_CLOCK_SAMPLES - 1) % LIMIT_CLOCK_SAMPLES;
    int64_t lone_s = WATERMARK_NONE;
    if (slot->value_s != WATERMARK_NONE) {
        slot->slept_s = slot->value_s;
    } else if (slot->samples_count > 0) {
        lone_s = slot->samples[last].time_s;
        if (slot->lone_s != WATERMARK_NONE)
            slot->slept_s = slot->lone_s < lone_s ? slot->lone_s : lone_s;
        else if (slot->slept_s == WATERMARK_NONE)
            slot->slept_s = lone_s;
    }
    slot->lone_s = lone_s;
    slot->idle = true;
    slot->samples_count = 0;
    slot->value_s = WATERMARK_NONE;
}

/* All are idle, the slowest since `asleep_s`. The pipeline stands at `found_s`. */
static void watermark_run_on(struct sim_member *member, int64_t asleep_s, int64_t found_s)
{
    int64_t least_s = member->watermark_s, most_s = member->watermark_s;
    int64_t gone_s = 0;
    if (member->watermark_s != WATERMARK_NONE) {
        gone_s = (member->turn_ms - member->stood_ms) / 1000;
        least_s = most_s = member->watermark_s + gone_s;
    }
    if (asleep_s != INT64_MAX && asleep_s > most_s)
        most_s = asleep_s;
    SIM_CHECK(member->sim, found_s >= least_s && found_s <= most_s,
              "the watermark of member %d runs on to %lld, supported is %lld", member->index,
              (long long)found_s, (long long)most_s);
    member->stood_ms = found_s == least_s ? member->stood_ms + gone_s * 1000 : member->turn_ms;
    member->watermark_s = found_s;
}

static void watermark_follow(struct sim_member *member, int64_t found_s)
{
    struct sim_source *s = &member->source;
    int64_t awake_s = INT64_MAX, asleep_s = INT64_MAX;
    int64_t lag_s = (member->options.max_lag_ms + 999) / 1000;
    for (size_t i = 0; i < s->slots_count; i++) {
        const struct sim_slot *slot = &s->slots[i];
        if (!slot->idle && slot->value_s == WATERMARK_NONE)
            return; /* nobody knows what it will bring */
        if (!slot->idle && slot->value_s < awake_s)
            awake_s = slot->value_s;
        if (slot->idle && slot->slept_s != WATERMARK_NONE && slot->slept_s < asleep_s)
            asleep_s = slot->slept_s;
    }
    if (awake_s != INT64_MAX) {
        member->watermark_s = awake_s - lag_s;
        member->stood_ms = member->turn_ms;
    } else if (s->slots_count > 0) {
        watermark_run_on(member, asleep_s == INT64_MAX ? INT64_MAX : asleep_s - lag_s, found_s);
    }
}

static void clocks_follow(struct sim_member *member, int64_t found_s)
{
    struct sim_source *s = &member->source;
    bool all = member->turn_ms >= member->next_all_ms;
    if (all)
        member->next_all_ms = member->turn_ms + LOOK_MS;
    if (!member->had_slots && member->step != SOURCE_ASSIGNED)
        return;
    if (member->step == SOURCE_LOST)
        return;
    for (size_t i = 0; i < s->slots_count; i++) {
        struct sim_slot *slot = &s->slots[i];
        if ((all || slot->noted) && !slot->idle) {
            slot->noted = false;
            clock_update(member, slot);
        }
        if (falls_idle(member, slot))
            sleep_one(slot);
    }
    watermark_follow(member, found_s);
}

/* What a checkpoint that begins in this turn may say of the partitions. */
static void marks_note(struct sim_member *member)
{
    struct sim_start *start = &member->sim->starts[member->start];
    int64_t lag_s = (member->options.max_lag_ms + 999) / 1000;
    for (size_t i = 0; i < member->source.slots_count; i++) {
        const struct sim_slot *slot = &member->source.slots[i];
        int64_t value_s = slot->idle ? member->watermark_s
                          : slot->value_s == WATERMARK_NONE ? WATERMARK_NONE
                                                            : slot->value_s - lag_s;
        size_t *count = &start->marks_count[slot->partition];
        struct sim_mark *marks = start->marks[slot->partition];
        const struct sim_mark *last = *count > 0 ? &marks[(*count - 1) % SIM_MARKS] : NULL;
        if (!last || last->consumed != slot->consumed || last->watermark_s != value_s ||
            last->idle != slot->idle)
            marks[(*count)++ % SIM_MARKS] =
                (struct sim_mark){slot->consumed, value_s, slot->idle};
    }
    start->marked_turn = member->sim->counts.turns;
}

/* Those that began in this turn, and arrived in it. */
static void marks_judge(struct sim_member *member)
{
    struct sim *sim = member->sim;
    for (size_t i = member->told_count; i < sim->told_count; i++)
        if (sim->told[i].start == member->start && sim->told[i].turn == sim->counts.turns)
            sim_cover_marks(sim, &sim->told[i]);
}

/* Whether it began the count, and with partitions that it may go on from. */
static void judge_assigned(const struct sim_member *member, bool goes_on)
{
    const struct sim_source *s = &member->source;
    const struct sim_start *start = &member->sim->starts[member->start];
    SIM_CHECK(member->sim, member->new_counts == (start->assigned && !start->resumed),
              "member %d has called its count a new one %u times", member->index,
              member->new_counts);
    SIM_CHECK(member->sim, s->state != SIM_ASSIGNED || !s->foreign || !goes_on,
              "member %d goes on from what others counted", member->index);
}

#define COUNTED(name) \
    SIM_CHECK(member->sim, counters->name == member->seen.name, \
              "member %d counts %llu for " #name ", and should %llu", member->index, \
              (unsigned long long)counters->name, (unsigned long long)member->seen.name)

static void judge_counters(const struct sim_member *member, const struct counters *counters)
{
    COUNTED(frames);
    COUNTED(bytes);
    COUNTED(late);
    COUNTED(records);
    COUNTED(records_failed);
    COUNTED(commits);
    COUNTED(commits_failed);
    COUNTED(missing);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        COUNTED(rejected[reason]);
    SIM_CHECK(member->sim,
              counters->rejects_lost <= counters_rejected_total(&member->seen),
              "member %d calls more rejects lost than it read", member->index);
}

/* The others wait for what was revoked, but not for ever. */
static void judge_leave(const struct sim_member *member, bool goes_on)
{
    const struct sim_source *s = &member->source;
    SIM_CHECK(member->sim,
              !goes_on || s->state != SIM_LEAVING || member->turn_ms < s->leave_by_ms,
              "member %d keeps what was revoked", member->index);
}

void sim_turn_end(struct sim_member *member, bool goes_on)
{
    struct sim *sim = member->sim;
    struct pipeline_status status;
    int64_t before_s = member->watermark_s;
    pipeline_status(member->pipeline, &status);
    SIM_CHECK(sim, status.memory_peak <= member->options.windows.memory_max,
              "%zu bytes of windows, %zu allowed", status.memory_peak,
              member->options.windows.memory_max);
    judge_assigned(member, goes_on);
    follow(member, &status.counters);
    if (!goes_on && member->clocks_read < 2)
        return; /* it ended before it looked at its clocks */
    clocks_follow(member, status.watermark_s);
    marks_note(member);
    marks_judge(member);
    SIM_CHECK(sim, status.watermark_s == member->watermark_s,
              "the watermark of member %d is %lld, supported is %lld", member->index,
              (long long)status.watermark_s, (long long)member->watermark_s);
    judge_counters(member, &status.counters);
    judge_leave(member, goes_on);
    sim_labels_end(member, before_s);
}

void sim_turn_crash(struct sim_member *member)
{
    struct pipeline_status status;
    pipeline_status(member->pipeline, &status);
    follow(member, &status.counters);
}

/* Nobody has to read again what a member left behind that says so. */
void sim_turn_left(struct sim_member *member)
{
    struct sim_source *s = &member->source;
    for (size_t i = 0; i < s->slots_count; i++) {
        const struct sim_slot *slot = &s->slots[i];
        SIM_CHECK(member->sim, slot->confirmed >= slot->consumed,
                  "member %d calls itself done; read %d up to %lld, committed up to %lld",
                  member->index, slot->partition, (long long)slot->consumed,
                  (long long)slot->confirmed);
    }
}
