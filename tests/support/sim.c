/* The simulated world: its logs, its topic, its verdicts. See sim.h. */
#include "sim.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define START_S INT64_C(1468244340)
#define FAULTY_TURNS 1500
#define CALM_TURNS 60000
/* The table itself, and a few dense sketches of each profile; a quarter of it is
 * more than a frame can need. */
#define CAP_BYTES (11 * 512)
#define CAP_PROFILE_BYTES (16 * 512)

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    uint64_t x = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % below;
}

static void write_logs(struct sim *sim)
{
    for (int p = 0; p < SIM_PARTITIONS; p++)
        for (int i = 0; i < SIM_FRAMES; i++) {
            struct sim_frame *frame = &sim->log[p][i];
            frame->user = sim_random(sim, 200);
            frame->minute = sim_random(sim, 12) == 0 ? -1 : (int)sim_random(sim, SIM_MINUTES);
            if (frame->minute < 0)
                snprintf(frame->bytes, sizeof frame->bytes, "{\"ts\":%d}", i);
            else
                snprintf(frame->bytes, sizeof frame->bytes, "{\"uid\":\"u%llu\",\"ts\":%lld}",
                         (unsigned long long)frame->user,
                         (long long)(START_S + 60 * frame->minute + (int64_t)sim_random(sim, 60)));
        }
}

static const uint8_t key[HC_KEY_SIZE] = {7, 1, 4};
static const struct hc_sketch_options profiles[SIM_PROFILES] = {
    {.profile = HC_PROFILE_REDIS, .precision = SIM_PRECISION},
    {.profile = HC_PROFILE_POSTGRES, .precision = SIM_PRECISION},
    {.profile = HC_PROFILE_KEYED, .precision = SIM_PRECISION, .key = key}};

static struct hc_sketch *sketch_make(size_t profile)
{
    struct hc_sketch *sketch;
    ck_assert_int_eq(hc_sketch_create(&profiles[profile], &sketch), HC_OK);
    return sketch;
}

static size_t profile_of(const struct sim *sim, const struct hc_sketch *sketch)
{
    for (size_t i = 0; i < sim->profiles; i++)
        if (profiles[i].profile == hc_sketch_profile(sketch))
            return i;
    ck_abort_msg("a profile that nobody asked for");
}

void sim_start(struct sim *sim, uint64_t seed, const struct sim_faults *faults)
{
    memset(sim, 0, sizeof *sim);
    sim->random = seed;
    sim->faults = *faults;
    sim->profiles = 1 + seed / 64 % SIM_PROFILES;
    write_logs(sim);
    for (int p = 0; p < SIM_PARTITIONS; p++)
        sim->committed[p] = -1;
    for (int m = 0; m < SIM_MINUTES; m++)
        for (size_t i = 0; i < SIM_PROFILES; i++)
            sim->topic[m][i] = sketch_make(i);
    sim->coverage = coverage_create();
    sim->reader = record_reader_create();
    ck_assert(sim->coverage && sim->reader);
}

void sim_end(struct sim *sim)
{
    for (int m = 0; m < SIM_MINUTES; m++)
        for (size_t i = 0; i < SIM_PROFILES; i++)
            hc_sketch_destroy(&sim->topic[m][i]);
    coverage_destroy(&sim->coverage);
    record_reader_destroy(&sim->reader);
}

static void add_frame(struct hc_sketch *sketch, const struct sim_frame *frame, int *changed)
{
    char user[24];
    int size = snprintf(user, sizeof user, "u%llu", (unsigned long long)frame->user);
    ck_assert_int_eq(hc_sketch_add(sketch, user, (size_t)size, changed), HC_OK);
}

static void reject_delivered(struct sim *sim, const struct sim_sent *sent)
{
    int64_t position = -1;
    int partition = -1;
    char line[SIM_BYTES + 1];
    memcpy(line, sent->value, sent->size);
    line[sent->size] = '\0';
    const char *source = strstr(line, "\"source\":\"frames/");
    const char *at = strstr(line, "\"position\":");
    ck_assert_msg(source && at, "%s", line);
    partition = (int)strtol(source + strlen("\"source\":\"frames/"), NULL, 10);
    position = strtol(at + strlen("\"position\":"), NULL, 10);
    ck_assert(partition >= 0 && partition < SIM_PARTITIONS && position < SIM_FRAMES);
    sim->set_aside[partition][position] = true;
}

void sim_delivered(struct sim *sim, const struct sim_output *output, const struct sim_sent *sent)
{
    struct record record;
    const char *error = "";
    if (output->rejects) {
        reject_delivered(sim, sent);
        return;
    }
    enum record_kind kind = record_read(sim->reader, sent->value, sent->size, &record, &error);
    ck_assert_msg(kind != RECORD_NONE, "%s: %.*s", error, (int)sent->size, sent->value);
    if (kind == RECORD_CHECKPOINT) {
        ck_assert_int_eq(coverage_add_checkpoint(sim->coverage, &record.checkpoint), HC_OK);
        return;
    }
    int64_t minute = (record.sketch.minute_s - START_S) / 60;
    ck_assert(minute >= 0 && minute < SIM_MINUTES);
    struct hc_sketch *topic = sim->topic[minute][profile_of(sim, record.sketch.sketch)];
    ck_assert_int_eq(hc_sketch_union(topic, record.sketch.sketch, NULL), HC_OK);
    ck_assert_int_eq(coverage_add_sketch(sim->coverage, &record.sketch), HC_OK);
}

void sim_committed(struct sim *sim, int32_t partition, int64_t position)
{
    int64_t from = sim->committed[partition] < 0 ? 0 : sim->committed[partition];
    sim->commits++;
    for (int64_t i = from; i < position; i++) {
        const struct sim_frame *frame = &sim->log[partition][i];
        if (frame->minute < 0) {
            ck_assert_msg(sim->set_aside[partition][i], "reject %d/%lld committed, not kept",
                          (int)partition, (long long)i);
            continue;
        }
        for (size_t profile = 0; profile < sim->profiles; profile++) {
            int changed = 0;
            add_frame(sim->topic[frame->minute][profile], frame, &changed);
            ck_assert_msg(!changed,
                          "frame %d/%lld committed, in no acknowledged record of profile %zu",
                          (int)partition, (long long)i, profile);
        }
    }
    sim->committed[partition] = position;
}

static int64_t sim_now(void *context)
{
    return ((struct sim *)context)->now_ms;
}

static struct pipeline *pipeline_start(struct sim *sim, struct decoder *decoder)
{
    sim_source_reset(sim);
    sim_output_reset(sim, &sim->output, false);
    sim_output_reset(sim, &sim->rejects, true);
    sim->epoch++;
    struct pipeline_options options = {
        .source = &sim->source.source,
        .decoder = decoder,
        .output = &sim->output.emit,
        .rejects = &sim->rejects.emit,
        .rejects_as_lines = true,
        .stream = "frames",
        .instance = "sim/0000000000000000/0",
        .fields = "0123456789abcdef",
        .input_group = "group",
        .epoch_ms = (int64_t)sim->epoch,
        .windows = {profiles, sim->profiles, CAP_BYTES + CAP_PROFILE_BYTES * sim->profiles},
        .emit_every_ms = 100,
        .max_lag_ms = 5000,
        .idle_after_ms = 500,
        .release_wait_ms = sim_random(sim, 2) ? 300 : 2000,
        .stop_wait_ms = 1000000,
        .commits = true,
        .fingerprint = "fingerprint",
        .clock = {sim_now, sim_now, sim}};
    struct pipeline *pipeline = pipeline_create(&options);
    ck_assert_ptr_nonnull(pipeline);
    return pipeline;
}

static bool all_committed(const struct sim *sim)
{
    for (int p = 0; p < SIM_PARTITIONS; p++)
        if (sim->committed[p] < SIM_FRAMES)
            return false;
    return true;
}

static void judge_minute(struct sim *sim, int minute, size_t profile)
{
    uint8_t ours[1 << SIM_PRECISION], truth[1 << SIM_PRECISION];
    struct hc_sketch *sketch = sketch_make(profile);
    for (int p = 0; p < SIM_PARTITIONS; p++)
        for (int i = 0; i < SIM_FRAMES; i++)
            if (sim->log[p][i].minute == minute)
                add_frame(sketch, &sim->log[p][i], NULL);
    ck_assert_int_eq(hc_sketch_registers(sketch, truth, sizeof truth), HC_OK);
    ck_assert_int_eq(hc_sketch_registers(sim->topic[minute][profile], ours, sizeof ours), HC_OK);
    ck_assert_mem_eq(ours, truth, sizeof truth);
    hc_sketch_destroy(&sketch);
}

/* What was counted in the end is what the logs hold, and all of it is covered. */
static void judge(struct sim *sim)
{
    for (int m = 0; m < SIM_MINUTES; m++)
        for (size_t profile = 0; profile < sim->profiles; profile++)
            judge_minute(sim, m, profile);
    ck_assert_int_eq(coverage_judge(sim->coverage), HC_OK);
    ck_assert_uint_eq(coverage_sources_count(sim->coverage), 1);
    const struct coverage_source *source = coverage_source(sim->coverage, 0);
    ck_assert_uint_eq(source->partitions_count, SIM_PARTITIONS);
    for (size_t i = 0; i < source->partitions_count; i++) {
        ck_assert_uint_eq(source->partitions[i].holes_count, 0);
        ck_assert_int_eq(source->partitions[i].first, 0);
        ck_assert_int_eq(source->partitions[i].last, SIM_FRAMES);
    }
}

static void note(struct sim *sim, const struct pipeline *pipeline)
{
    struct pipeline_status status;
    pipeline_status(pipeline, &status);
    sim->evicted += status.counters.evicted;
}

void sim_live(struct sim *sim)
{
    const struct decode_options fields = {.user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = 1000,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    char error[200];
    struct decoder *decoder = decoder_create(&fields, error, sizeof error);
    ck_assert_ptr_nonnull(decoder);
    struct pipeline *pipeline = pipeline_start(sim, decoder);
    for (int turn = 0; turn < FAULTY_TURNS; turn++) {
        ck_assert(pipeline_turn(pipeline, false));
        sim->held += sim->source.held;
        if (sim_random(sim, 1000) >= sim->faults.crash)
            continue;
        sim->crashes++;
        note(sim, pipeline);
        pipeline_destroy(&pipeline);
        sim_output_crash(&sim->output);
        sim_output_crash(&sim->rejects);
        pipeline = pipeline_start(sim, decoder);
    }
    sim->faults = (struct sim_faults){0};
    for (int p = 0; p < SIM_PARTITIONS; p++) /* the last assignment may lack some */
        if (sim->source.state == SIM_ASSIGNED && sim->source.assignment.count < SIM_PARTITIONS)
            sim->faults.revoke = 1000;
    int turns = 0;
    while (!all_committed(sim) && pipeline_turn(pipeline, false)) {
        if (sim->source.state != SIM_ASSIGNED)
            sim->faults.revoke = 0;
        ck_assert_msg(++turns < CALM_TURNS, "never drained");
    }
    while (pipeline_turn(pipeline, true))
        ck_assert_msg(++turns < CALM_TURNS, "never stopped");
    ck_assert_int_eq(pipeline_result(pipeline), PIPELINE_DONE);
    note(sim, pipeline);
    pipeline_destroy(&pipeline);
    decoder_destroy(&decoder);
    judge(sim);
}
