/* A random life of a stream, as record lines, and what is true of it.
 *
 * Instances count frames of random minutes and users, publish the minutes that
 * changed and then a checkpoint, as headcountd does; partitions are read in
 * steps. On the way sketches may get lost, positions may be missing, precisions
 * may differ. The truth is a list of (minute, user). */
#ifndef SUPPORT_ROLLUP_HISTORY_H
#define SUPPORT_ROLLUP_HISTORY_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "record.h"
#include "rollup.h"
#include "test_random.h"

#define HISTORY_WINDOWS_MAX 1024
#define HISTORY_PARTITIONS_MAX 4

struct history_line {
    char *bytes;
    size_t size;
};

struct history_truth {
    int64_t minute_s;
    unsigned user;
};

struct history {
    struct history_line *lines;
    size_t count, room;
    struct history_truth *truth;
    size_t truth_count, truth_room;
};

struct history_options {
    uint64_t seed;
    int64_t start_s;         /* first minute */
    unsigned steps;          /* checkpoints of each instance */
    unsigned frames;         /* a step */
    unsigned step_minutes;   /* how far the clock goes in a step */
    unsigned users;
    unsigned lost_percent;   /* of sketch records that never arrive */
    unsigned missing_percent; /* of steps in which the broker loses positions */
    bool file;               /* positions are a file's, which comes to its end */
    bool precisions;         /* some instances count with 12 instead of 14 */
};

static inline void *history_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room * 2 + 64;
    array = realloc(array, *room * size);
    if (!array)
        ck_abort_msg("no memory");
    return array;
}

static inline void history_add_line(struct history *history, const char *bytes, size_t size)
{
    struct history_line line = {malloc(size + 1), size};

    ck_assert_ptr_nonnull(line.bytes);
    memcpy(line.bytes, bytes, size);
    line.bytes[size] = 0;
    history->lines = history_room(history->lines, history->count, &history->room, sizeof line);
    history->lines[history->count++] = line;
}

/* As a record of this sketch, which is destroyed. */
static inline void history_add_sketch(struct history *history, struct record_sketch record,
                                      struct hc_sketch *sketch)
{
    struct text text = {0};

    record.sketch = sketch;
    record.estimate = hc_sketch_estimate(sketch);
    ck_assert_int_eq(record_write_sketch(&record, &text), HC_OK);
    history_add_line(history, text.bytes, text.size);
    hc_sketch_destroy(&sketch);
    text_free(&text);
}

static inline bool history_add_archived(void *history, const char *bytes, size_t size)
{
    history_add_line(history, bytes, size);
    return true;
}

static inline void history_add_truth(struct history *history, int64_t minute_s, unsigned user)
{
    struct history_truth truth = {minute_s, user};

    history->truth =
        history_room(history->truth, history->truth_count, &history->truth_room, sizeof truth);
    history->truth[history->truth_count++] = truth;
}

static inline void history_free(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->lines[i].bytes);
    free(history->lines);
    free(history->truth);
    *history = (struct history){0};
}

static inline void history_shuffle(struct history *history, uint64_t *random)
{
    for (size_t i = history->count; i > 1; i--) {
        size_t other = random_below(random, i);
        struct history_line line = history->lines[i - 1];

        history->lines[i - 1] = history->lines[other];
        history->lines[other] = line;
    }
}

static inline void history_add_user(struct hc_sketch *sketch, unsigned user)
{
    char id[32];
    int size = snprintf(id, sizeof id, "user-%u", user);

    if (hc_sketch_add(sketch, id, (size_t)size, NULL) != HC_OK)
        ck_abort_msg("no memory");
}

static inline struct hc_sketch *history_sketch(unsigned precision)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = precision};
    struct hc_sketch *sketch = NULL;

    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    return sketch;
}

/* A window of one instance. */
struct history_window {
    int64_t minute_s;
    struct hc_sketch *sketch;
    uint64_t frames;
    bool changed, late;
};

struct history_instance {
    char name[32];
    uint64_t sequence, number;
    unsigned precision;
    struct history_window windows[HISTORY_WINDOWS_MAX];
    size_t windows_count;
    int64_t positions[HISTORY_PARTITIONS_MAX];
    int first_partition, partitions; /* those that it reads */
    int64_t clock_s;
};

static inline struct history_window *history_window(struct history_instance *instance,
                                                    int64_t minute_s)
{
    struct history_window *window = instance->windows;

    for (size_t i = 0; i < instance->windows_count; i++, window++) {
        if (window->minute_s == minute_s)
            return window;
    }
    ck_assert_uint_lt(instance->windows_count, HISTORY_WINDOWS_MAX);
    instance->windows_count++;
    *window = (struct history_window){.minute_s = minute_s,
                                      .sketch = history_sketch(instance->precision)};
    return window;
}

/* Windows that rested for a step go; should their minute come again, the
 * sketch starts anew. */
static inline void history_forget(struct history_instance *instance)
{
    size_t kept = 0;

    for (size_t i = 0; i < instance->windows_count; i++) {
        if (instance->windows[i].changed)
            instance->windows[kept++] = instance->windows[i];
        else
            hc_sketch_destroy(&instance->windows[i].sketch);
    }
    instance->windows_count = kept;
}

static inline void history_publish(struct history *history, const struct history_options *options,
                                   struct history_instance *instance, uint64_t *random)
{
    struct text text = {0};

    history_forget(instance);
    for (size_t i = 0; i < instance->windows_count; i++) {
        struct history_window *window = &instance->windows[i];
        struct record_sketch record = {
            .stream = "users", .minute_s = window->minute_s, .group = "{}",
            .state = window->minute_s + 60 > instance->clock_s ? RECORD_OPEN
                     : window->late ? RECORD_LATE : RECORD_CLOSED,
            .whole = true, .frames = window->frames, .instance = instance->name,
            .epoch_ms = 1468244380123, .sequence = ++instance->sequence, .fields = "5d0c",
            .estimate = hc_sketch_estimate(window->sketch), .sketch = window->sketch};

        window->changed = false;
        if (random_below(random, 100) < options->lost_percent)
            continue;
        text_clear(&text);
        ck_assert_int_eq(record_write_sketch(&record, &text), HC_OK);
        history_add_line(history, text.bytes, text.size);
    }
    text_free(&text);
}

static inline void history_checkpoint(struct history *history,
                                      const struct history_options *options,
                                      struct history_instance *instance, uint64_t first,
                                      uint64_t frames, int partitions_total, uint64_t *random)
{
    struct record_partition partitions[HISTORY_PARTITIONS_MAX];
    struct record_range missing[HISTORY_PARTITIONS_MAX];
    struct record_checkpoint record = {
        .stream = "users", .instance = instance->name, .epoch_ms = 1468244380123,
        .number = ++instance->number, .time_ms = instance->clock_s * 1000,
        .cluster = options->file ? "file" : "c",
        .topic = "users", .partitions_total = partitions_total, .input_group = "headcount",
        .sequence_first = first, .sequence_last = instance->sequence, .partitions = partitions,
        .partitions_count = (size_t)instance->partitions, .frames = frames};
    struct text text = {0};

    record.rejected[REJECT_NOT_JSON] = random_below(random, 3);
    for (int i = 0; i < instance->partitions; i++) {
        int64_t *position = &instance->positions[i];
        int64_t to = *position + 1 + (int64_t)random_below(random, 1000);

        partitions[i] = (struct record_partition){
            .partition = instance->first_partition + i, .from = *position, .to = to,
            .watermark_s = instance->clock_s,
            .end = options->file && instance->number == options->steps};
        if (to - *position > 100 && random_below(random, 100) < options->missing_percent) {
            missing[i] = (struct record_range){*position + 10, *position + 50};
            partitions[i].missing = &missing[i];
            partitions[i].missing_count = 1;
        }
        *position = to;
    }
    ck_assert_int_eq(record_write_checkpoint(&record, &text), HC_OK);
    history_add_line(history, text.bytes, text.size);
    text_free(&text);
}

/* One instance, from its first step to its last. */
static inline void history_live(struct history *history, const struct history_options *options,
                                struct history_instance *instance, int partitions_total,
                                uint64_t *random)
{
    int64_t seconds = (int64_t)options->step_minutes * 60;

    for (unsigned step = 0; step < options->steps; step++) {
        uint64_t first = instance->sequence + 1;

        for (unsigned i = 0; i < options->frames; i++) {
            int64_t step_s = options->start_s + (int64_t)step * seconds;
            int64_t late_s = step > 0 && random_below(random, 10) == 0 ? seconds : 0;
            int64_t time_s = step_s - late_s + (int64_t)random_below(random, (uint64_t)seconds);
            unsigned user = (unsigned)random_below(random, options->users);
            struct history_window *window = history_window(instance, time_s - time_s % 60);

            history_add_user(window->sketch, user);
            window->frames++;
            window->changed = true;
            window->late = window->late || window->minute_s + 60 <= instance->clock_s;
            history_add_truth(history, window->minute_s, user);
        }
        instance->clock_s = options->start_s + (int64_t)(step + 1) * seconds - 5;
        history_publish(history, options, instance, random);
        history_checkpoint(history, options, instance, first, options->frames, partitions_total,
                           random);
    }
    for (size_t i = 0; i < instance->windows_count; i++)
        hc_sketch_destroy(&instance->windows[i].sketch);
}

/* Two instances that share three partitions. */
static inline void history_make(struct history *history, const struct history_options *options)
{
    uint64_t random = options->seed;

    for (int i = 0; i < 2; i++) {
        struct history_instance *instance = calloc(1, sizeof *instance);

        ck_assert_ptr_nonnull(instance);
        snprintf(instance->name, sizeof instance->name, "host/%016x/%d", (unsigned)i, i);
        instance->first_partition = i;
        instance->partitions = i + 1;
        instance->precision = options->precisions && i == 1 ? 12 : 14;
        for (int p = 0; p < HISTORY_PARTITIONS_MAX; p++)
            instance->positions[p] =
                options->file ? 0 : (int64_t)random_below(&random, 5000);
        history_live(history, options, instance, 3, &random);
        free(instance);
    }
}

/* The history of this number among some that differ in all that can be given. */
static inline void history_make_varied(struct history *history, uint64_t seed, int number)
{
    const struct history_options options = {.seed = seed + (uint64_t)number,
                                            .start_s = 1477778400,
                                            .steps = 12,
                                            .frames = 60,
                                            .step_minutes = 30,
                                            .users = 2000,
                                            .lost_percent = number % 3 ? 2 : 0,
                                            .missing_percent = 5,
                                            .file = number % 4 == 3,
                                            .precisions = number % 2};

    history_make(history, &options);
}

/* Adds all lines; the number of those that were refused. */
static inline unsigned history_feed(const struct history *history, struct rollup *rollup)
{
    struct record_reader *reader = record_reader_create();
    unsigned refused = 0;

    ck_assert_ptr_nonnull(reader);
    for (size_t i = 0; i < history->count; i++) {
        const struct history_line *line = &history->lines[i];
        const char *error = NULL;
        struct record record;
        enum rollup_result result;

        ck_assert_msg(record_read(reader, line->bytes, line->size, &record, &error) != RECORD_NONE,
                      "%s: %.*s", error, (int)line->size, line->bytes);
        result = rollup_add(rollup, &record);
        ck_assert_msg(result != ROLLUP_FAILED, "%s", rollup_error(rollup));
        refused += result == ROLLUP_REFUSED;
    }
    record_reader_destroy(&reader);
    return refused;
}

static inline struct calendar *history_calendar(enum calendar_grain grain, const char *zone)
{
    struct calendar_options options = {.grain = grain, .zone = zone};
    char error[200];
    struct calendar *calendar = calendar_create(&options, error, sizeof error);

    ck_assert_msg(calendar != NULL, "%s", error);
    return calendar;
}

/* A roll-up of all lines, finished. */
static inline struct rollup *history_rollup(const struct history *history,
                                            struct calendar *calendar, bool archive)
{
    struct rollup_options options = {
        .calendar = calendar, .to_s = LIMIT_TIME_S + 1, .archive = archive};
    struct rollup *rollup = rollup_create(&options);

    ck_assert_ptr_nonnull(rollup);
    ck_assert_uint_eq(history_feed(history, rollup), 0);
    ck_assert_msg(rollup_finish(rollup), "%s", rollup_error(rollup));
    return rollup;
}

#endif
