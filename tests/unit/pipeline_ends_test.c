/* Goal: an assignment ends when all of it is told, at once and with the right
 * verdict, however its last facts fall between checkpoints. A source plays a
 * list of steps; the output answers, fails or keeps silent as the test says. */
#include <string.h>

#include "check_main.h"
#include "pipeline.h"

#define STEPS_MAX 16
#define SENT_MAX 64

struct stage {
    struct source source; /* first */
    int64_t now_ms;
    struct source_step steps[STEPS_MAX];
    size_t count, next;
    bool closing, released, committing, refuses;
    int64_t committed;
};

struct sink {
    struct emit emit; /* first */
    bool silent;
    size_t room; /* bytes of key and value that it takes */
    size_t most; /* records that it takes before it has answered */
    unsigned fail, fail_checkpoints; /* so many from now on */
    size_t count;
    uint64_t tokens[SENT_MAX];
    bool told[SENT_MAX]; /* it is a checkpoint */
    char last_checkpoint[2048];
    size_t last_key_size;
};

static struct stage stage;
static struct sink output, rejects;
static struct decoder *decoder;
static struct pipeline *pipeline;

static void stage_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    (void)source;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    stage.now_ms += timeout_ms;
    if (stage.committing) {
        stage.committing = false;
        step->kind = SOURCE_COMMITTED;
        step->error = stage.refuses ? "refused" : NULL;
    } else if (stage.next < stage.count) {
        *step = stage.steps[stage.next++];
    } else if (stage.released) {
        step->kind = SOURCE_FINISHED;
    } else if (stage.closing) {
        stage.closing = false;
        step->kind = SOURCE_REVOKED;
    }
}

static void stage_release(struct source *source)
{
    (void)source;
    stage.released = true;
}

static bool stage_commit(struct source *source, const struct source_position *positions,
                         size_t count, const char *metadata)
{
    (void)source;
    (void)metadata;
    ck_assert_uint_eq(count, 1);
    if (!stage.refuses)
        stage.committed = positions[0].position;
    stage.committing = true;
    return true;
}

static void stage_hold(struct source *source, bool held)
{
    (void)source;
    (void)held;
}

static int64_t stage_number(struct source *source, uint32_t slot)
{
    (void)source;
    (void)slot;
    return -1;
}

static void stage_close(struct source *source)
{
    (void)source;
    stage.closing = true;
}

static enum emit_result sink_produce(struct emit *emit, const struct emit_record *record)
{
    struct sink *sink = (struct sink *)emit;
    if (record->key_size + record->value_size > sink->room)
        return EMIT_TOO_LARGE;
    if (sink->count == sink->most)
        return EMIT_FULL;
    ck_assert_uint_lt(sink->count, SENT_MAX);
    sink->told[sink->count] = !record->summary;
    sink->tokens[sink->count++] = record->token;
    sink->last_key_size = record->key_size;
    if (!record->summary && record->value) {
        ck_assert_uint_lt(record->value_size, sizeof sink->last_checkpoint);
        memcpy(sink->last_checkpoint, record->value, record->value_size);
        sink->last_checkpoint[record->value_size] = '\0';
    }
    return EMIT_OK;
}

static size_t sink_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct sink *sink = (struct sink *)emit;
    size_t count = sink->silent ? 0 : sink->count;
    (void)timeout_ms;
    ck_assert_uint_le(count, room);
    for (size_t i = 0; i < count; i++) {
        unsigned *fail = sink->told[i] ? &sink->fail_checkpoints : &sink->fail;
        acks[i] = (struct emit_ack){.token = sink->tokens[i],
                                    .error = *fail > 0 ? "failed" : NULL};
        *fail -= *fail > 0;
    }
    sink->count -= count;
    return count;
}

static const char *sink_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static void no_destroy_source(struct source *source) { (void)source; }
static void no_destroy_emit(struct emit *emit) { (void)emit; }

static int64_t stage_now(void *context)
{
    (void)context;
    return stage.now_ms;
}

static const struct source_partition partition = {.partition = 0, .start = 0};
static const struct source_assignment assignment = {.cluster = "c",
                                                    .topic = "t",
                                                    .partitions_total = 1,
                                                    .partitions = &partition,
                                                    .count = 1};

static void begin(bool commits)
{
    static const struct source_ops source_ops = {stage_poll, stage_release, stage_commit,
                                                 stage_hold, stage_number,  stage_number,
                                                 stage_close, no_destroy_source};
    static const struct emit_ops emit_ops = {.produce = sink_produce,
                                             .poll = sink_poll,
                                             .failed = sink_failed,
                                             .destroy = no_destroy_emit};
    static const struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS,
                                                    .precision = 10};
    const struct decode_options fields = {.user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = 1000,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    char error[200];
    stage = (struct stage){.source = {&source_ops}, .committed = -1};
    output = (struct sink){.emit = {&emit_ops}, .room = 100000, .most = SENT_MAX};
    rejects = output;
    decoder = decoder_create(&fields, error, sizeof error);
    const struct pipeline_options options = {.source = &stage.source,
                                             .decoder = decoder,
                                             .output = &output.emit,
                                             .rejects = &rejects.emit,
                                             .stream = "s",
                                             .instance = "i",
                                             .fields = "f",
                                             .input_group = "g",
                                             .windows = {&sketch, 1, 1 << 20},
                                             .emit_every_ms = 1000,
                                             .max_lag_ms = 5000,
                                             .idle_after_ms = 10000,
                                             .release_wait_ms = 5000,
                                             .stop_wait_ms = 8000,
                                             .commits = commits,
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

static void play(struct source_step step)
{
    ck_assert_uint_lt(stage.count, STEPS_MAX);
    stage.steps[stage.count++] = step;
}

static void play_assigned(void)
{
    play((struct source_step){.kind = SOURCE_ASSIGNED, .assignment = &assignment});
}

/* One valid frame at position 0. */
static void play_frame(void)
{
    static const char frame[] = "{\"uid\":\"u\",\"ts\":1468244341}";
    static const struct message message = {.bytes = frame,
                                           .size = sizeof frame - 1,
                                           .next = 1,
                                           .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    play((struct source_step){.kind = SOURCE_MESSAGES, .messages = &message, .count = 1});
}

/* Turns until the steps are played and this many milliseconds are over. */
static void run_for(int64_t ms)
{
    int64_t until_ms = stage.now_ms + ms;
    while (stage.next < stage.count || stage.now_ms < until_ms)
        ck_assert(pipeline_turn(pipeline, false));
}

/* Turns until it has ended; at most `ms` may go by. */
static enum pipeline_result run_out(bool stop, int64_t ms)
{
    int64_t until_ms = stage.now_ms + ms;
    for (int turns = 0; pipeline_turn(pipeline, stop); turns++) {
        stage.now_ms++;
        ck_assert_msg(stage.now_ms <= until_ms, "it is still not done");
    }
    return pipeline_result(pipeline);
}

/* What moves a position without a message behind the last checkpoint: the end
 * of an aborted transaction, a loss. */
static void leaves_at_once_behind(struct source_step fact)
{
    begin(true);
    play_assigned();
    play_frame();
    run_for(1500);
    ck_assert_int_eq(stage.committed, 1);
    play(fact);
    run_for(10);
    ck_assert_int_eq(run_out(true, 500), PIPELINE_DONE);
    ck_assert_int_eq(stage.committed, 5);
    end();
}

START_TEST(an_end_behind_the_last_message_is_told_on_leaving)
{
    leaves_at_once_behind((struct source_step){.kind = SOURCE_AT_END, .position = 5});
}
END_TEST

START_TEST(a_loss_behind_the_last_message_is_told_on_leaving)
{
    leaves_at_once_behind((struct source_step){.kind = SOURCE_MISSING, .from = 1, .to = 5});
    ck_assert_ptr_nonnull(strstr(output.last_checkpoint, "\"missing\":[[1,5]]"));
}
END_TEST

START_TEST(a_loss_is_told_at_the_next_tick)
{
    begin(true);
    play_assigned();
    play_frame();
    run_for(1500);
    play((struct source_step){.kind = SOURCE_MISSING, .from = 1, .to = 5});
    run_for(1100);
    ck_assert_int_eq(stage.committed, 5);
    end();
}
END_TEST

/* The end of a file whose last bytes an earlier checkpoint has told. */
static void ends_in_spite_of(unsigned failures, unsigned checkpoint_failures)
{
    begin(false);
    play_assigned();
    play_frame();
    run_for(1500);
    play((struct source_step){.kind = SOURCE_AT_END, .position = 1, .final = true});
    play((struct source_step){.kind = SOURCE_REVOKED});
    output.fail = failures;
    output.fail_checkpoints = checkpoint_failures;
    output.last_checkpoint[0] = '\0';
    ck_assert_int_eq(run_out(false, 800), PIPELINE_DONE);
    ck_assert_uint_eq(output.fail + output.fail_checkpoints, 0);
    ck_assert_ptr_nonnull(strstr(output.last_checkpoint, "\"end\":true"));
    end();
}

START_TEST(an_end_that_could_not_be_told_is_told_again)
{
    ends_in_spite_of(0, 2);
}
END_TEST

START_TEST(nobody_waits_long_for_a_record_that_failed)
{
    ends_in_spite_of(2, 0);
}
END_TEST

/* The source revokes by itself when it is through: nobody asked to stop. */
START_TEST(what_is_never_acknowledged_is_not_done)
{
    begin(true);
    play_assigned();
    play_frame();
    play((struct source_step){.kind = SOURCE_REVOKED});
    output.silent = true;
    ck_assert_int_eq(run_out(false, 6000), PIPELINE_UNSAFE);
    ck_assert_int_eq(stage.committed, -1);
    end();
}
END_TEST

START_TEST(what_is_never_committed_is_not_done)
{
    begin(true);
    play_assigned();
    play_frame();
    play((struct source_step){.kind = SOURCE_REVOKED});
    stage.refuses = true;
    ck_assert_int_eq(run_out(false, 6000), PIPELINE_UNSAFE);
    end();
}
END_TEST

START_TEST(a_refused_commit_is_tried_again_on_a_quiet_stream)
{
    begin(true);
    play_assigned();
    play_frame();
    stage.refuses = true;
    run_for(3500);
    ck_assert_int_eq(stage.committed, -1);
    stage.refuses = false;
    run_for(2500);
    ck_assert_int_eq(stage.committed, 1);
    end();
}
END_TEST

/* A checkpoint of which the output says nothing leaves no room for records: that
 * is no want of memory, however long it takes. */
START_TEST(an_output_full_of_checkpoints_is_waited_for)
{
    begin(true);
    play_assigned();
    play_frame();
    run_for(1500);
    play((struct source_step){.kind = SOURCE_MISSING, .from = 1, .to = 5});
    output.silent = true;
    output.most = 1;
    run_for(1100);
    ck_assert_uint_eq(output.count, 1);
    ck_assert(output.told[0]);
    static const char frame[] = "{\"uid\":\"v\",\"ts\":1468244342}";
    static const struct message message = {.bytes = frame,
                                           .size = sizeof frame - 1,
                                           .next = 6,
                                           .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    play((struct source_step){.kind = SOURCE_MESSAGES, .messages = &message, .count = 1});
    run_for(60000);
    output.silent = false;
    run_for(2000);
    ck_assert_int_eq(stage.committed, 6);
    end();
}
END_TEST

START_TEST(partitions_lost_at_the_end_are_not_done)
{
    begin(true);
    play_assigned();
    play_frame();
    play((struct source_step){.kind = SOURCE_LOST});
    ck_assert_int_eq(run_out(false, 6000), PIPELINE_UNSAFE);
    end();
}
END_TEST

START_TEST(partitions_lost_with_nothing_read_are_done)
{
    begin(true);
    play_assigned();
    play((struct source_step){.kind = SOURCE_LOST});
    ck_assert_int_eq(run_out(false, 6000), PIPELINE_DONE);
    end();
}
END_TEST

/* A key that does not fit the topic of the rejects. */
START_TEST(a_large_key_does_not_hold_the_stream)
{
    static char key[600];
    static const struct message message = {.bytes = "x",
                                           .size = 1,
                                           .key = key,
                                           .key_size = sizeof key,
                                           .next = 1,
                                           .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    begin(true);
    rejects.room = 500;
    play_assigned();
    play((struct source_step){.kind = SOURCE_MESSAGES, .messages = &message, .count = 1});
    run_for(100);
    struct pipeline_status status;
    pipeline_status(pipeline, &status);
    ck_assert(!status.held);
    ck_assert_uint_eq(status.counters.rejected[REJECT_NOT_JSON], 1);
    ck_assert_uint_eq(rejects.last_key_size, 0);
    end();
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_test(tcase, an_end_behind_the_last_message_is_told_on_leaving);
    tcase_add_test(tcase, a_loss_behind_the_last_message_is_told_on_leaving);
    tcase_add_test(tcase, a_loss_is_told_at_the_next_tick);
    tcase_add_test(tcase, an_end_that_could_not_be_told_is_told_again);
    tcase_add_test(tcase, nobody_waits_long_for_a_record_that_failed);
    tcase_add_test(tcase, what_is_never_acknowledged_is_not_done);
    tcase_add_test(tcase, what_is_never_committed_is_not_done);
    tcase_add_test(tcase, a_refused_commit_is_tried_again_on_a_quiet_stream);
    tcase_add_test(tcase, an_output_full_of_checkpoints_is_waited_for);
    tcase_add_test(tcase, partitions_lost_at_the_end_are_not_done);
    tcase_add_test(tcase, partitions_lost_with_nothing_read_are_done);
    tcase_add_test(tcase, a_large_key_does_not_hold_the_stream);
}
