/* Goal: a rejects sink that fails, falls silent or takes nothing never ends the
 * run and never loses a frame unseen. With "wait" nothing is read meanwhile, the
 * same frames arrive once it is back, and no checkpoint speaks of them before;
 * with "drop" reading goes on and every frame is either set aside or counted as
 * lost, in the checkpoints as well. The clock is driven. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "pipeline.h"
#include "rejected.h"

#define FRAMES 40
#define SENT_MAX 256
#define RUN 6

/* Hands over `ready` frames in runs of up to RUN; all are rejected but the
 * first. */
static struct stage {
    struct source source; /* first */
    int64_t now_ms;
    bool assigned, held, closing, released;
    size_t next, ready;
    char bytes[FRAMES][40];
    struct message messages[RUN];
} stage;

/* What a sink does with a frame. */
enum mood { TAKES, FAILS, SILENT, FULL, TOO_LARGE };

static struct sink {
    struct emit emit; /* first */
    enum mood mood;
    bool forgotten;
    size_t count;          /* under way */
    uint64_t tokens[SENT_MAX];
    size_t index[SENT_MAX], value_size[SENT_MAX];
    size_t arrived[FRAMES]; /* how often each was acknowledged */
    size_t cut;             /* of those: without their bytes */
    size_t at_once;         /* most under way at a time */
} rejects;

static struct {
    struct emit emit; /* first */
    size_t count;
    uint64_t tokens[SENT_MAX];
    uint64_t rejected, lost; /* as the checkpoints tell */
} output;

static struct decoder *decoder;
static struct pipeline *pipeline;

static void stage_frame(struct message *message)
{
    char *bytes = stage.bytes[stage.next];
    snprintf(bytes, sizeof stage.bytes[0], stage.next ? "%zu" : "{\"uid\":%zu,\"ts\":1}",
             stage.next);
    *message = (struct message){.bytes = bytes,
                                .size = strlen(bytes),
                                .key = "key",
                                .key_size = 3,
                                .position = (int64_t)stage.next,
                                .next = (int64_t)stage.next + 1,
                                .timestamp_ms = 7};
    stage.next++;
}

static void stage_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    static const struct source_partition partition = {.partition = 0};
    static const struct source_assignment assignment = {
        .cluster = "c", .topic = "t", .partitions_total = 1, .partitions = &partition, .count = 1};
    (void)source;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    stage.now_ms += timeout_ms > 0 ? timeout_ms : 1;
    if (!stage.assigned) {
        stage.assigned = true;
        step->kind = SOURCE_ASSIGNED;
        step->assignment = &assignment;
    } else if (stage.released) {
        step->kind = SOURCE_FINISHED;
    } else if (stage.closing) {
        stage.closing = false;
        step->kind = SOURCE_REVOKED;
        step->final = true;
    } else if (!stage.held && stage.next < stage.ready) {
        step->kind = SOURCE_MESSAGES;
        step->messages = stage.messages;
        while (step->count < RUN && stage.next < stage.ready)
            stage_frame(&stage.messages[step->count++]);
    }
}

static void stage_release(struct source *source)
{
    (void)source;
    stage.released = true;
}

static void stage_hold(struct source *source, bool held)
{
    (void)source;
    stage.held = held;
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

static size_t header_number(const struct emit_record *record, const char *name)
{
    for (const struct emit_header *header = record->headers; header->name; header++)
        if (strcmp(header->name, name) == 0)
            return (size_t)strtoull(header->value, NULL, 10);
    ck_abort_msg("no header %s", name);
}

static enum emit_result rejects_produce(struct emit *emit, const struct emit_record *record)
{
    (void)emit;
    if (rejects.mood == FULL)
        return EMIT_FULL;
    ck_assert_uint_lt(rejects.count, SENT_MAX);
    size_t index = header_number(record, "position");
    ck_assert_uint_eq(header_number(record, "timestamp"), 7);
    if (record->value_size > 0) {
        ck_assert_uint_eq(record->key_size, 3);
        ck_assert(record->value_size == strlen(stage.bytes[index]) &&
                  memcmp(record->value, stage.bytes[index], record->value_size) == 0);
    }
    rejects.index[rejects.count] = index;
    rejects.value_size[rejects.count] = record->value_size;
    rejects.tokens[rejects.count++] = record->token;
    if (rejects.count > rejects.at_once)
        rejects.at_once = rejects.count;
    return EMIT_OK;
}

static const char *verdict(size_t i)
{
    if (rejects.forgotten)
        return "given up";
    if (rejects.mood == FAILS)
        return "failed";
    /* One that is too large fails those beside it. */
    return rejects.mood == TOO_LARGE && (rejects.count > 1 || rejects.value_size[i] > 1)
               ? "too large"
               : NULL;
}

static size_t rejects_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    (void)emit;
    (void)timeout_ms;
    if (rejects.mood == SILENT && !rejects.forgotten)
        return 0;
    size_t count = rejects.count;
    ck_assert_uint_le(count, room);
    for (size_t i = 0; i < count; i++) {
        acks[i] = (struct emit_ack){.token = rejects.tokens[i],
                                    .error = verdict(i),
                                    .too_large = rejects.mood == TOO_LARGE};
        if (!acks[i].error) {
            rejects.arrived[rejects.index[i]]++;
            rejects.cut += rejects.value_size[i] == 0;
        }
    }
    rejects.count = 0;
    rejects.forgotten = false;
    return count;
}

static void rejects_forget(struct emit *emit)
{
    (void)emit;
    rejects.forgotten = true;
}

/* A number behind its name in a checkpoint. */
static uint64_t told(const char *value, const char *name)
{
    const char *found = strstr(value, name);
    return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

static enum emit_result output_produce(struct emit *emit, const struct emit_record *record)
{
    (void)emit;
    ck_assert_uint_lt(output.count, SENT_MAX);
    output.tokens[output.count++] = record->token;
    if (!record->summary) {
        output.rejected += told(record->value, "\"not_object\":");
        output.lost += told(record->value, "\"rejects_lost\":");
    }
    return EMIT_OK;
}

static size_t output_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    (void)emit;
    (void)timeout_ms;
    size_t count = output.count;
    ck_assert_uint_le(count, room);
    for (size_t i = 0; i < count; i++)
        acks[i] = (struct emit_ack){.token = output.tokens[i]};
    output.count = 0;
    return count;
}

static const char *no_failure(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static int64_t stage_now(void *context)
{
    (void)context;
    return stage.now_ms;
}

static void begin(bool drop)
{
    static const struct source_ops source_ops = {.poll = stage_poll,
                                                 .release = stage_release,
                                                 .hold = stage_hold,
                                                 .end_confirmed_ms = stage_number,
                                                 .lag = stage_number,
                                                 .close = stage_close};
    static const struct emit_ops rejects_ops = {.produce = rejects_produce,
                                                .poll = rejects_poll,
                                                .failed = no_failure,
                                                .forget = rejects_forget};
    static const struct emit_ops output_ops = {
        .produce = output_produce, .poll = output_poll, .failed = no_failure};
    static const struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS, .precision = 10};
    const struct decode_options fields = {.user_field = "uid",
                                          .time_field = "ts",
                                          .frame_max = 1000,
                                          .ahead_max_ms = DECODE_UNLIMITED,
                                          .late_max_ms = DECODE_UNLIMITED};
    char error[200];
    stage = (struct stage){.source = {&source_ops}, .ready = FRAMES};
    memset(&rejects, 0, sizeof rejects);
    memset(&output, 0, sizeof output);
    rejects.emit.ops = &rejects_ops;
    output.emit.ops = &output_ops;
    decoder = decoder_create(&fields, error, sizeof error);
    pipeline = pipeline_create(&(struct pipeline_options){.source = &stage.source,
                                                          .decoder = decoder,
                                                          .output = &output.emit,
                                                          .rejects = &rejects.emit,
                                                          .rejects_drop = drop,
                                                          .stream = "s",
                                                          .instance = "i",
                                                          .fields = "f",
                                                          .input_group = "g",
                                                          .windows = {&sketch, 1, 1 << 20},
                                                          .emit_every_ms = 100,
                                                          .max_lag_ms = 5000,
                                                          .idle_after_ms = 10000,
                                                          .stop_wait_ms = 8000,
                                                          .fingerprint = "p",
                                                          .clock = {stage_now, stage_now, NULL}});
    ck_assert(decoder && pipeline);
}

static struct pipeline_status status(void)
{
    struct pipeline_status now;
    pipeline_status(pipeline, &now);
    return now;
}

static void run_for(int64_t ms)
{
    for (int64_t until_ms = stage.now_ms + ms; stage.now_ms < until_ms;)
        ck_assert(pipeline_turn(pipeline, false));
}

/* Stops it, and expects each rejected frame to have arrived or to be lost. */
static void end(size_t lost, bool exactly_once)
{
    size_t missing = 0;
    while (pipeline_turn(pipeline, true))
        ;
    ck_assert_msg(pipeline_result(pipeline) == PIPELINE_DONE, "%s", pipeline_error(pipeline));
    for (size_t i = 1; i < FRAMES; i++) {
        missing += rejects.arrived[i] == 0;
        if (exactly_once)
            ck_assert_uint_le(rejects.arrived[i], 1);
    }
    ck_assert_uint_eq(missing, lost);
    ck_assert_uint_eq(status().counters.rejects_lost, lost);
    ck_assert_uint_eq(output.lost, lost);
    ck_assert_uint_eq(output.rejected, FRAMES - 1);
    pipeline_destroy(&pipeline);
    decoder_destroy(&decoder);
}

START_TEST(nothing_is_lost_without_an_outage)
{
    begin(_i);
    run_for(1000);
    ck_assert(!status().rejects_down);
    end(0, true);
}
END_TEST

/* Failing, silent and full: each for an hour. */
START_TEST(waiting_holds_the_source_until_it_is_back)
{
    static const enum mood moods[] = {FAILS, SILENT, FULL};
    begin(false);
    stage.ready = 5;
    run_for(1000);
    rejects.mood = moods[_i];
    stage.ready = FRAMES - 5; /* silence is noticed late */
    run_for(30000);
    stage.ready = FRAMES;
    ck_assert(status().rejects_down && status().held && stage.held);
    size_t read = stage.next;
    uint64_t checkpoints = status().counters.checkpoints;
    run_for(3600 * 1000);
    ck_assert_uint_eq(stage.next, read);
    if (moods[_i] != FULL) /* a frame that was not taken is not read */
        ck_assert_uint_eq(status().counters.checkpoints, checkpoints);
    ck_assert_uint_eq(output.rejected, 4);
    rejects.mood = TAKES;
    run_for(3000);
    ck_assert(!status().rejects_down && !status().held);
    ck_assert_uint_eq(stage.next, FRAMES);
    end(0, true);
}
END_TEST

START_TEST(dropping_reads_on_and_counts)
{
    static const enum mood moods[] = {FAILS, SILENT, FULL};
    begin(true);
    stage.ready = 5;
    run_for(1000);
    rejects.mood = moods[_i];
    stage.ready = 20;
    run_for(60000);
    ck_assert(status().rejects_down && !status().held);
    ck_assert_uint_eq(stage.next, 20);
    uint64_t lost = status().counters.rejects_lost;
    ck_assert_uint_eq(lost, 15);
    ck_assert_uint_eq(output.lost, 15);
    rejects.mood = TAKES;
    stage.ready = 21; /* the one that finds out */
    run_for(2000);
    ck_assert(!status().rejects_down);
    stage.ready = FRAMES;
    run_for(1000);
    end(15, true);
}
END_TEST

/* A sink that dies while leaving: the time for that is not waited away. */
START_TEST(dropping_does_not_keep_from_leaving)
{
    begin(true);
    stage.ready = 5;
    run_for(500);
    rejects.mood = SILENT;
    stage.ready = FRAMES;
    run_for(500);
    end(FRAMES - 5, true);
}
END_TEST

/* While waiting, what is not settled by the end is not told as safe. */
START_TEST(leaving_in_an_outage_is_not_safe)
{
    begin(false);
    stage.ready = 5;
    run_for(500);
    rejects.mood = _i ? SILENT : FAILS;
    stage.ready = FRAMES;
    run_for(500);
    while (pipeline_turn(pipeline, true))
        ;
    ck_assert_int_eq(pipeline_result(pipeline), PIPELINE_UNSAFE);
    ck_assert_uint_eq(output.rejected, 4);
    pipeline_destroy(&pipeline);
    decoder_destroy(&decoder);
}
END_TEST

/* A topic takes values of one byte: 1 to 9 arrive once they are tried alone, the
 * others without their bytes, and nothing is down. */
START_TEST(what_is_too_large_goes_without_its_bytes)
{
    begin(_i);
    rejects.mood = TOO_LARGE;
    run_for(60000);
    ck_assert(!status().rejects_down);
    ck_assert_uint_eq(rejects.cut, FRAMES - 10);
    end(0, true);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, nothing_is_lost_without_an_outage, 0, 2);
    tcase_add_loop_test(tcase, waiting_holds_the_source_until_it_is_back, 0, 3);
    tcase_add_loop_test(tcase, dropping_reads_on_and_counts, 0, 3);
    tcase_add_test(tcase, dropping_does_not_keep_from_leaving);
    tcase_add_loop_test(tcase, leaving_in_an_outage_is_not_safe, 0, 2);
    tcase_add_loop_test(tcase, what_is_too_large_goes_without_its_bytes, 0, 2);
}
