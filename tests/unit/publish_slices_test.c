/* Goal: a checkpoint of many windows is published in slices, between which
 * reading goes on, and ends however much is read meanwhile. A source plays runs
 * of raw ids without end, the output counts what comes between two of its polls,
 * and the clock moves only when a test says so. */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "log.h"
#include "pipeline.h"

#define MINUTE_S INT64_C(1468244340)
#define RUN_MAX 4096
#define TURNS_MAX 4096
#define EMIT_MS 8000
/* As in publish.c: what may go out in one turn. */
#define SLICE_WORK ((size_t)256 * 1024)
#define RECORD_WORK ((size_t)2048)

static struct stage {
    struct source source; /* first */
    int64_t now_ms, poll_ms; /* what a poll takes */
    bool assigned, quiet, held, lost;
    size_t windows, users; /* each run: the next `windows` frames; users of a window */
    size_t run;
    uint64_t made, polls;
    size_t zero_timeouts;
    struct message messages[RUN_MAX];
    char ids[RUN_MAX][16];
} stage;

static struct sink {
    struct emit emit; /* first */
    size_t room;      /* records that it takes between two polls */
    bool fails;
    size_t taken;
    size_t count, answered; /* of tokens */
    uint64_t tokens[65536];
    size_t turns[TURNS_MAX]; /* records by poll of the source */
    size_t records, checkpoints;
    uint64_t told_at; /* frames made when the checkpoint was told */
    char checkpoint[1024];
} sink;

static struct decoder *decoder;
static struct pipeline *pipeline;

static const struct source_partition partition = {.partition = 0, .start = 0};
static const struct source_assignment assignment = {.cluster = "c",
                                                    .topic = "t",
                                                    .partitions_total = 1,
                                                    .partitions = &partition,
                                                    .count = 1};

/* The frames go round the windows; each round has the next user. */
static void play_run(struct source_step *step)
{
    for (size_t i = 0; i < stage.run; i++, stage.made++) {
        size_t window = stage.made % stage.windows;
        size_t user = stage.made / stage.windows % stage.users;
        int size = snprintf(stage.ids[i], sizeof stage.ids[i], "u%zu", user);
        stage.messages[i] =
            (struct message){.bytes = stage.ids[i],
                             .size = (size_t)size,
                             .position = (int64_t)stage.made,
                             .next = (int64_t)stage.made + 1,
                             .timestamp_ms = (MINUTE_S + 60 * (int64_t)window) * 1000};
    }
    step->kind = SOURCE_MESSAGES;
    step->messages = stage.messages;
    step->count = stage.run;
}

static void stage_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    (void)source;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    stage.polls++;
    stage.zero_timeouts += timeout_ms == 0;
    stage.now_ms += stage.poll_ms;
    if (!stage.assigned) {
        stage.assigned = true;
        step->kind = SOURCE_ASSIGNED;
        step->assignment = &assignment;
    } else if (stage.lost) {
        stage.lost = false;
        stage.quiet = true;
        step->kind = SOURCE_LOST;
    } else if (!stage.quiet && !stage.held) {
        play_run(step);
    }
}

static void stage_hold(struct source *source, bool held)
{
    (void)source;
    stage.held = held;
}

static bool stage_commit(struct source *source, const struct source_position *positions,
                         size_t count, const char *metadata)
{
    (void)source, (void)positions, (void)count, (void)metadata;
    return false;
}

static int64_t stage_number(struct source *source, uint32_t slot)
{
    (void)source, (void)slot;
    return -1;
}

static void stage_nothing(struct source *source) { (void)source; }

static enum emit_result sink_produce(struct emit *emit, const struct emit_record *record)
{
    (void)emit;
    if (sink.taken == sink.room)
        return EMIT_FULL;
    sink.taken++;
    ck_assert_uint_lt(sink.count, sizeof sink.tokens / sizeof *sink.tokens);
    sink.tokens[sink.count++] = record->token;
    if (!strstr(record->value, "\"type\":\"checkpoint\"")) {
        sink.records++;
        ck_assert_uint_lt(stage.polls, TURNS_MAX);
        sink.turns[stage.polls]++;
        return EMIT_OK;
    }
    sink.checkpoints++;
    sink.told_at = stage.made;
    snprintf(sink.checkpoint, sizeof sink.checkpoint, "%.*s", (int)record->value_size,
             record->value);
    return EMIT_OK;
}

static size_t sink_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    size_t count = 0;
    (void)emit, (void)timeout_ms;
    sink.taken = 0;
    while (count < room && sink.answered < sink.count)
        acks[count++] = (struct emit_ack){.token = sink.tokens[sink.answered++],
                                          .error = sink.fails ? "fails" : NULL};
    return count;
}

static const char *sink_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static int64_t stage_now(void *context)
{
    (void)context;
    return stage.now_ms;
}

/* A pipeline with `profiles` sketches of this precision in each window; runs go
 * round `windows` minutes. */
static void begin(size_t windows, size_t run, unsigned precision, size_t profiles)
{
    static const struct source_ops source_ops = {stage_poll,   stage_nothing, stage_commit,
                                                 stage_hold,   stage_number,  stage_number,
                                                 stage_nothing, stage_nothing};
    static const struct emit_ops emit_ops = {
        .produce = sink_produce, .poll = sink_poll, .failed = sink_failed};
    struct hc_sketch_options sketches[3] = {{.profile = HC_PROFILE_REDIS},
                                            {.profile = HC_PROFILE_DATASKETCHES},
                                            {.profile = HC_PROFILE_POSTGRES}};
    const struct decode_options fields = {.user_from = DECODE_USER_VALUE,
                                          .time_from = DECODE_TIME_RECORD,
                                          .user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = 1000,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    char error[200];
    for (size_t i = 0; i < 3; i++)
        sketches[i].precision = precision;
    memset(&stage, 0, sizeof stage);
    memset(&sink, 0, sizeof sink);
    stage.source.ops = &source_ops;
    stage.windows = windows;
    stage.users = SIZE_MAX;
    stage.run = run;
    stage.now_ms = 1000;
    sink.emit.ops = &emit_ops;
    sink.room = SIZE_MAX;
    decoder = decoder_create(&fields, error, sizeof error);
    const struct pipeline_options options = {.source = &stage.source,
                                             .decoder = decoder,
                                             .output = &sink.emit,
                                             .stream = "s",
                                             .instance = "i",
                                             .fields = "f",
                                             .input_group = "g",
                                             .windows = {sketches, profiles, 256 << 20},
                                             .emit_every_ms = EMIT_MS,
                                             .max_lag_ms = INT64_C(1000000000),
                                             .idle_after_ms = 10000,
                                             .fingerprint = "p",
                                             .clock = {stage_now, stage_now, NULL}};
    pipeline = pipeline_create(&options);
    ck_assert(decoder && pipeline);
}

static void end(void)
{
    pipeline_destroy(&pipeline);
    decoder_destroy(&decoder);
}

static void read_frames(uint64_t count)
{
    while (stage.made < count)
        ck_assert(pipeline_turn(pipeline, false));
    ck_assert_uint_eq(sink.records, 0);
}

/* The interval is over: turns until the checkpoint is told, `most` at most. */
static void tell_checkpoint(size_t most)
{
    size_t before = sink.checkpoints;
    stage.now_ms += EMIT_MS;
    for (size_t turns = 0; sink.checkpoints == before; turns++) {
        ck_assert_msg(turns < most, "no checkpoint after %zu turns", turns);
        ck_assert(pipeline_turn(pipeline, false));
    }
}

static size_t turns_with_records(void)
{
    size_t turns = 0;
    for (size_t i = 0; i < TURNS_MAX; i++)
        turns += sink.turns[i] > 0;
    return turns;
}

static size_t most_in_a_turn(void)
{
    size_t most = 0;
    for (size_t i = 0; i < TURNS_MAX; i++)
        most = sink.turns[i] > most ? sink.turns[i] : most;
    return most;
}

START_TEST(reading_goes_on_while_a_checkpoint_is_published)
{
    begin(4000, 1000, 14, 1);
    read_frames(4000);
    tell_checkpoint(4000);
    ck_assert_uint_eq(sink.records, 4000);
    /* Sketches of a few users are small beside what each record costs. */
    ck_assert_uint_le(most_in_a_turn(), SLICE_WORK / RECORD_WORK);
    ck_assert_uint_ge(most_in_a_turn(), SLICE_WORK / RECORD_WORK / 2);
    ck_assert_uint_ge(turns_with_records(), 4000 * RECORD_WORK / SLICE_WORK);
    ck_assert_uint_ge(sink.told_at, 4000 + 4000 * RECORD_WORK / SLICE_WORK * 1000);
    /* Though more is in its records, it stands for what had been read. */
    ck_assert_ptr_nonnull(strstr(sink.checkpoint, "\"from\":0,\"to\":5000,"));
    ck_assert_ptr_nonnull(strstr(sink.checkpoint, "\"sequences\":[1,4000]"));
    end();
}
END_TEST

START_TEST(a_slice_is_measured_by_its_registers)
{
    const size_t windows = 8, users = 60000;
    begin(windows, 4000, 18, 1);
    stage.users = users;
    read_frames(windows * users);
    tell_checkpoint(100);
    ck_assert_uint_eq(sink.records, windows);
    ck_assert_uint_eq(most_in_a_turn(), 1);
    ck_assert_uint_eq(turns_with_records(), windows);
    end();
}
END_TEST

START_TEST(a_window_of_several_profiles_is_left_off_in_between)
{
    const size_t windows = 3, users = 60000;
    begin(windows, 4000, 18, 3);
    read_frames(windows * users);
    tell_checkpoint(100); /* all the while its content changes */
    ck_assert_uint_eq(sink.records, windows * 3);
    ck_assert_uint_eq(most_in_a_turn(), 1);
    tell_checkpoint(100);
    ck_assert_uint_eq(sink.records, 2 * windows * 3);
    end();
}
END_TEST

/* Each turn changes all windows again, more than a slice takes. */
START_TEST(what_changes_meanwhile_waits_for_the_next_checkpoint)
{
    begin(2000, 4000, 14, 1);
    read_frames(4000);
    tell_checkpoint(2000 * RECORD_WORK / SLICE_WORK * 2);
    ck_assert_uint_eq(sink.records, 2000);
    tell_checkpoint(2000 * RECORD_WORK / SLICE_WORK * 2);
    ck_assert_uint_eq(sink.records, 4000);
    end();
}
END_TEST

START_TEST(slices_grow_while_time_goes_by)
{
    const size_t slice = SLICE_WORK / RECORD_WORK;
    begin(10000, 4000, 14, 1);
    read_frames(10000);
    uint64_t first = stage.polls + 1;
    stage.poll_ms = EMIT_MS / 8;
    tell_checkpoint(100);
    for (size_t i = 0; i < 6; i++) {
        size_t expected = slice << (i < 5 ? i : 5);
        ck_assert_uint_le(sink.turns[first + i], expected);
        ck_assert_uint_ge(sink.turns[first + i], expected / 2 + 1);
    }
    ck_assert_uint_eq(sink.records, 10000);
    end();
}
END_TEST

START_TEST(a_quiet_source_is_not_waited_for_between_slices)
{
    begin(2000, 4000, 14, 1);
    read_frames(2000);
    stage.quiet = true;
    stage.zero_timeouts = 0;
    uint64_t before = stage.polls;
    tell_checkpoint(100);
    ck_assert_uint_ge(stage.zero_timeouts, turns_with_records() - 1);
    ck_assert_uint_le(stage.polls - before, turns_with_records() + 2);
    /* Nothing is due any more: now it is. */
    stage.zero_timeouts = 0;
    for (int i = 0; i < 10; i++)
        ck_assert(pipeline_turn(pipeline, false));
    ck_assert_uint_eq(stage.zero_timeouts, 0);
    end();
}
END_TEST

START_TEST(partitions_lost_between_slices_are_not_waited_for)
{
    begin(2000, 4000, 14, 1);
    read_frames(2000);
    stage.now_ms += EMIT_MS;
    ck_assert(pipeline_turn(pipeline, false));
    ck_assert_uint_gt(sink.records, 0);
    ck_assert_uint_lt(sink.records, 2000);
    stage.lost = true;
    ck_assert(pipeline_turn(pipeline, false));
    stage.zero_timeouts = 0;
    for (int i = 0; i < 10; i++)
        ck_assert(pipeline_turn(pipeline, false));
    ck_assert_uint_eq(stage.zero_timeouts, 0);
    /* Their users are published all the same, and told of by nobody. */
    stage.now_ms += EMIT_MS;
    ck_assert(pipeline_turn(pipeline, false));
    ck_assert_uint_eq(sink.records, 2000);
    ck_assert_uint_eq(sink.checkpoints, 0);
    end();
}
END_TEST

START_TEST(an_output_without_room_is_waited_for)
{
    begin(500, 4000, 14, 1);
    read_frames(500);
    stage.quiet = true;
    sink.room = 10;
    tell_checkpoint(100);
    ck_assert_uint_eq(sink.records, 500);
    ck_assert_uint_eq(most_in_a_turn(), 10);
    ck_assert_uint_le(stage.zero_timeouts, 1);
    end();
}
END_TEST

START_TEST(what_fails_comes_again_in_slices)
{
    begin(1000, 1000, 14, 1);
    read_frames(1000);
    stage.quiet = true;
    sink.fails = true;
    stage.now_ms += EMIT_MS;
    while (sink.records < 1000)
        ck_assert(pipeline_turn(pipeline, false));
    ck_assert(pipeline_turn(pipeline, false));
    sink.fails = false;
    size_t told = sink.checkpoints;
    for (int i = 0; i < 100 && sink.checkpoints == told; i++) {
        stage.now_ms += EMIT_MS / 4;
        ck_assert(pipeline_turn(pipeline, false));
    }
    ck_assert_uint_eq(sink.records, 2000);
    end();
}
END_TEST

void add_cases(TCase *tcase)
{
    log_configure(LOG_ERROR, LOG_LOGFMT);
    tcase_add_test(tcase, reading_goes_on_while_a_checkpoint_is_published);
    tcase_add_test(tcase, a_slice_is_measured_by_its_registers);
    tcase_add_test(tcase, a_window_of_several_profiles_is_left_off_in_between);
    tcase_add_test(tcase, what_changes_meanwhile_waits_for_the_next_checkpoint);
    tcase_add_test(tcase, slices_grow_while_time_goes_by);
    tcase_add_test(tcase, a_quiet_source_is_not_waited_for_between_slices);
    tcase_add_test(tcase, partitions_lost_between_slices_are_not_waited_for);
    tcase_add_test(tcase, an_output_without_room_is_waited_for);
    tcase_add_test(tcase, what_fails_comes_again_in_slices);
}
