/* The life of a history. See sim.h. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "json.h"
#include "watermark.h"

#define STEPS_MIN 120
#define STEPS_MORE 260
#define CALM_STEPS 20000
#define WALL_MS (INT64_C(1468244340) * 1000)
#define EVENT_YIELDS 48 /* the world goes on at one of so many yield points */
#define CRASH_YIELDS 40
#define COVER_AT_ONCE 4 /* coverage is judged before the calm in one of so many */
#define REST_AT_ALL 5   /* the calm is lived on in one of so many */
#define REST_MS 2500    /* rejects that wait are tried again once a second */
#define DOUBT_MS 10000  /* how long frames have to be invalid for a stream to be given up */

static struct calendar *minutes;

void sim_wait(struct sim *sim, int64_t ms)
{
    sim->now_ms += ms;
    sim_group_pass(sim);
    sim_source_pass(sim, false);
    sim_output_pass(sim);
}

bool sim_is_cut(const struct sim_member *member)
{
    return member->sim->now_ms < member->cut_until_ms;
}

void sim_yield(struct sim_member *member)
{
    if (member->crash_in > 0 && --member->crash_in == 0)
        longjmp(member->crash, 1);
    if (!member->sim->calm && sim_random(member->sim, EVENT_YIELDS) == 0)
        sim_event(member->sim);
}

/* The pipeline reads the clock twice a turn. */
static int64_t now(void *context)
{
    struct sim_member *member = context;
    sim_yield(member);
    if (member->clocks_read++ == 0)
        member->first_ms = member->sim->now_ms;
    member->turn_ms = member->sim->now_ms;
    return member->turn_ms;
}

static int64_t wall(void *context)
{
    const struct sim *sim = ((struct sim_member *)context)->sim;
    return sim->wall_ms + sim->now_ms;
}

/* From an empty table and hardly more up to plenty. */
static size_t memory_draw(struct sim *sim, const struct pipeline_options *options)
{
    static const size_t windows[] = {2, 3, 6, 20, 100};
    size_t growth = options->windows.sketches_count *
                        (2 * ((size_t)1 << sim->precision) + 256 + sizeof(struct window_sketch)) +
                    sizeof(struct window);
    return sim->table_bytes + windows[sim_random(sim, 5)] * growth;
}

static void first_start(const void *context)
{
    ((struct sim_member *)(uintptr_t)context)->new_counts++;
}

static void options_draw(struct sim_member *member, struct hc_sketch_options *sketches)
{
    struct sim *sim = member->sim;
    struct pipeline_options *o = &member->options;
    *o = (struct pipeline_options){
        .source = &member->source.source,
        .decoder = sim->decoder,
        .output = &member->output.emit,
        .rejects = sim->sink ? &member->rejects.emit : NULL,
        .rejects_as_lines = sim->sink_lines,
        .rejects_drop = sim->sink_drops,
        .rejects_name = "sink",
        .stream = "frames",
        .instance = "sim/0000000000000000/0",
        .fields = "0123456789abcdef",
        .input_group = "group",
        .epoch_ms = (int64_t)member->start,
        .windows = {sketches, sim->profiles, 0},
        .emit_every_ms = sim_random(sim, 4) ? 60 : 200,
        .slice_work = sim_random(sim, 2) ? 0 : 1, /* a record */
        .group_windows = member->start % 2 ? 1 : 5,
        .max_lag_ms = sim_random(sim, 2) ? 5000 : 500,
        .idle_after_ms = sim_random(sim, 2) ? 400 : 100,
        .release_wait_ms = sim_random(sim, 3) ? 300 : 2000,
        .stop_wait_ms = 1000000,
        .commits = true,
        .fingerprint = sim_happens(sim, sim->faults.settings) ? "others" : "fingerprint",
        .adopt = sim->calm || (sim->faults.settings && sim_random(sim, 2)),
        .first_start = first_start,
        .first_start_context = member,
        .clock = {now, wall, member}};
    o->windows.memory_max = memory_draw(sim, o);
}

static void member_start(struct sim_member *member)
{
    struct sim *sim = member->sim;
    struct hc_sketch_options sketches[SIM_PROFILES];
    SIM_CHECK(sim, sim->starts_count + 1 < SIM_STARTS, "too many processes");
    member->start = ++sim->starts_count;
    memset(&sim->starts[member->start], 0, sizeof sim->starts[member->start]);
    sim_source_init(member);
    sim_output_init(member);
    for (size_t i = 0; i < sim->profiles; i++) {
        sketches[i] = sim_profiles[i];
        sketches[i].precision = sim->precision;
    }
    options_draw(member, sketches);
    member->crash_in = 0;
    member->stopping = false;
    member->consumed = 0;
    member->next_all_ms = 0;
    member->watermark_s = WATERMARK_NONE;
    member->stood_ms = 0;
    member->new_counts = 0;
    member->lost_told = 0;
    memset(&member->seen, 0, sizeof member->seen);
    member->began_ms = sim->now_ms;
    sim_labels_start(member);
    member->pipeline = pipeline_create(&member->options);
    SIM_CHECK(sim, member->pipeline, "no memory");
    member->alive = true;
    SIM_NOTE(sim, member->index, "starts");
}

static void member_gone(struct sim_member *member)
{
    struct sim *sim = member->sim;
    struct pipeline_status status;
    pipeline_status(member->pipeline, &status);
    sim->counts.evicted += status.counters.evicted;
    sim->counts.resets += status.counters.clock_resets;
    pipeline_destroy(&member->pipeline);
    sim_output_crash(member);
    sim_source_forget(member);
    member->alive = member->stopping = false;
}

static void member_crash(struct sim_member *member)
{
    SIM_NOTE(member->sim, member->index, "crashes");
    sim_turn_crash(member);
    member->sim->counts.crashes++;
    member_gone(member);
}

/* What a run that ended by itself says of itself has to be true. */
static void member_end(struct sim_member *member)
{
    struct sim *sim = member->sim;
    enum pipeline_result result = pipeline_result(member->pipeline);
    struct pipeline_status status;
    pipeline_status(member->pipeline, &status);
    SIM_NOTE(sim, member->index, "ends with %d %s", (int)result,
             pipeline_error(member->pipeline));
    sim->counts.ends++;
    switch (result) {
    case PIPELINE_DONE:
        sim_turn_left(member);
        break;
    case PIPELINE_UNSAFE:
        SIM_CHECK(sim, !member->source.calm, "an end that is not safe in calm weather");
        break;
    case PIPELINE_FAILED:
        SIM_CHECK(sim, sim->faults.too_large || sim->faults.break_sink ||
                           sim->faults.break_source || sim->faults.fail_record ||
                           sim->faults.retry || sim->faults.lose_ack || sim->calm,
                  "failed without a reason: %s", pipeline_error(member->pipeline));
        sim->counts.failures++;
        break;
    case PIPELINE_CONFIG:
        SIM_CHECK(sim, member->source.foreign, "settings that nobody changed");
        break;
    case PIPELINE_INVALID:
        SIM_CHECK(sim, status.counters.frames == 0, "frames were valid");
        SIM_CHECK(sim, member->source.closing || sim->now_ms - member->began_ms >= DOUBT_MS,
                  "gives a stream up after %lld ms",
                  (long long)(sim->now_ms - member->began_ms));
        break;
    }
    bool says_so = member->source.state != SIM_ASSIGNED && sim_random(sim, 4);
    member_gone(member);
    if (says_so)
        sim_group_leave(sim, member->index);
}

static void member_turn(struct sim_member *member)
{
    struct sim *sim = member->sim;
    sim->counts.turns++;
    if (member->crash_in == 0 && sim_happens(sim, sim->faults.crash))
        member->crash_in = 1 + (unsigned)sim_random(sim, CRASH_YIELDS);
    if (setjmp(member->crash)) {
        member_crash(member);
        return;
    }
    sim_turn_begin(member);
    bool goes_on = pipeline_turn(member->pipeline, member->stopping);
    sim_turn_end(member, goes_on);
    if (!goes_on)
        member_end(member);
}

static void step(struct sim *sim)
{
    struct sim_member *member = &sim->members[sim_random(sim, sim->members_count)];
    if (!member->alive) {
        if (sim->calm || sim_random(sim, 4) == 0)
            member_start(member);
        else
            sim_wait(sim, (int64_t)sim_random(sim, 8));
    } else if (sim->now_ms < member->frozen_until_ms) {
        sim_wait(sim, (int64_t)sim_random(sim, 8));
    } else {
        member_turn(member);
    }
}

/* All is committed. Where all was deleted before there was a commit, there is
 * nothing to commit. */
static bool is_drained(const struct sim *sim)
{
    for (size_t i = 0; i < sim->partitions_count; i++) {
        const struct sim_partition *p = &sim->partitions[i];
        if (p->committed < p->stable && (p->committed >= 0 || p->low < p->stable))
            return false;
    }
    return true;
}

/* All members have what the group gave them in calm weather: no position goes
 * back any more. */
static bool is_settled(const struct sim *sim)
{
    for (size_t i = 0; i < sim->members_count; i++) {
        const struct sim_source *s = &sim->members[i].source;
        if (!sim->members[i].alive || s->state != SIM_ASSIGNED || !s->calm)
            return false;
    }
    return !sim->group.rebalancing;
}

/* The last frames come, and something goes wrong once more, before all is quiet:
 * nothing but the clock reminds of it then. */
static void rest(struct sim *sim, int *steps)
{
    int64_t until_ms = sim->now_ms + REST_MS;
    sim->counts.rests++;
    sim->refuse_next = (unsigned)sim_random(sim, 3);
    sim->fail_next = (unsigned)sim_random(sim, 3);
    for (size_t i = 0; i < sim->partitions_count; i++)
        sim_log_grow(&sim->partitions[i], SIM_FRAMES);
    while (sim->now_ms < until_ms) {
        step(sim);
        SIM_CHECK(sim, ++*steps < CALM_STEPS, "time stands still");
    }
    SIM_CHECK(sim, is_drained(sim), "not drained after a while of rest");
    for (size_t i = 0; i < sim->members_count; i++)
        if (sim->members[i].alive)
            sim_labels_judge(&sim->members[i]);
}

static void end_all(struct sim *sim, int *steps)
{
    for (size_t i = 0; i < sim->members_count; i++)
        sim->members[i].stopping = true;
    for (size_t i = 0; i < sim->members_count; i++)
        while (sim->members[i].alive) {
            member_turn(&sim->members[i]);
            SIM_CHECK(sim, ++*steps < CALM_STEPS, "member %zu never stops", i);
        }
}

static void begin(struct sim *sim, uint64_t seed)
{
    static const int64_t limits_ms[] = {DECODE_UNLIMITED, 3600000};
    struct decode_options fields = {.user_field = "uid", .time_field = "ts", .frame_max = 1000};
    char error[200];
    sim->seed = seed;
    sim->random = seed * UINT64_C(0xd1342543de82ef95);
    sim->calm = false;
    sim->refuse_next = sim->fail_next = 0;
    sim->rests = sim_random(sim, REST_AT_ALL) == 0;
    sim->now_ms = 1000;
    sim->wall_ms = WALL_MS;
    sim_faults_draw(sim);
    sim->precision = 4 + (unsigned)sim_random(sim, 3);
    sim->profiles = sim_random(sim, 2) ? 1 : 1 + sim_random(sim, SIM_PROFILES);
    sim->sink = sim_random(sim, 2);
    sim->sink_lines = sim_random(sim, 2);
    sim->sink_drops = sim_random(sim, 3) == 0;
    sim->ahead_ms = limits_ms[sim_random(sim, 2)];
    sim->late_ms = limits_ms[sim_random(sim, 2)];
    sim->members_count = 1 + sim_random(sim, SIM_MEMBERS);
    sim->partitions_max = 1 + sim_random(sim, SIM_PARTITIONS);
    sim->partitions_count = 1 + sim_random(sim, sim->partitions_max);
    sim->group = (struct sim_group){0};
    for (int i = 0; i < SIM_MEMBERS; i++) {
        memset(&sim->members[i], 0, sizeof sim->members[i]);
        sim->members[i].sim = sim;
        sim->members[i].index = i;
    }
    memset(sim->late, 0, sizeof sim->late);
    sim_truth_init(sim);
    sim_log_write(sim);
    fields.ahead_max_ms = sim->ahead_ms;
    fields.late_max_ms = sim->late_ms;
    sim->decoder = decoder_create(&fields, error, sizeof error);
    SIM_CHECK(sim, sim->decoder, "%s", error);
    struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS, .precision = 4};
    struct window_options options = {&sketch, sim->profiles, 1};
    struct hc_sketch_options many[SIM_PROFILES] = {sketch, sketch, sketch};
    options.sketches = many;
    struct window_table *table = window_table_create(&options);
    sim->table_bytes = window_table_memory(table);
    window_table_destroy(&table);
}

/* The product's own reader goes along in one of eight histories. */
static void rollup_begin(struct sim *sim)
{
    sim->rollup = NULL;
    if (sim_random(sim, 8))
        return;
    sim->rollup_profile = sim_random(sim, sim->profiles);
    const struct rollup_options options = {
        .calendar = minutes,
        .profile = sim_profiles[sim->rollup_profile].profile,
        .from_s = 0,
        .to_s = LIMIT_TIME_S + 1};
    sim->rollup = rollup_create(&options);
    SIM_CHECK(sim, sim->rollup, "no memory");
}

static void end(struct sim *sim)
{
    decoder_destroy(&sim->decoder);
    rollup_destroy(&sim->rollup);
    sim_output_clear(sim);
    sim->counts.histories++;
}

void sim_live(struct sim *sim, uint64_t seed)
{
    int steps = 0;
    begin(sim, seed);
    rollup_begin(sim);
    for (uint64_t left = STEPS_MIN + sim_random(sim, STEPS_MORE); left > 0; left--)
        step(sim);
    if (sim_random(sim, COVER_AT_ONCE) == 0)
        sim_cover_judge(sim);
    sim_calm(sim);
    while (!is_settled(sim) || !is_drained(sim)) {
        step(sim);
        SIM_CHECK(sim, ++steps < CALM_STEPS, "never drained");
    }
    if (sim->rests)
        rest(sim, &steps);
    end_all(sim, &steps);
    SIM_CHECK(sim, is_drained(sim), "something was committed anew");
    sim_truth_judge(sim);
    sim_cover_judge(sim);
    end(sim);
}

void sim_create(struct sim *sim)
{
    const struct calendar_options options = {.grain = CALENDAR_MINUTE};
    char error[200];
    bool tracing = sim->tracing;
    memset(sim, 0, sizeof *sim);
    sim->tracing = tracing;
    sim_log_prepare();
    sim->reader = record_reader_create();
    sim->json = json_create();
    sim->starts = calloc(SIM_STARTS, sizeof *sim->starts);
    minutes = calendar_create(&options, error, sizeof error);
    sim->flights_due_ms = INT64_MAX;
}

void sim_destroy(struct sim *sim)
{
    sim_truth_init(sim);
    free(sim->told);
    free(sim->sketches);
    free(sim->starts);
    record_reader_destroy(&sim->reader);
    json_destroy(&sim->json);
    text_free(&sim->reject_key);
    text_free(&sim->reject_frame);
    calendar_destroy(&minutes);
}
