/* Records to test with, and their lines in tests/golden/records. */
#ifndef SUPPORT_RECORD_SAMPLES_H
#define SUPPORT_RECORD_SAMPLES_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "record.h"
#include "test_random.h"

static const uint8_t sample_key[HC_KEY_SIZE] = {4, 8, 15, 16, 23, 42};

/* The ids user-0, user-1, ... in a sketch that the caller destroys. */
static inline struct hc_sketch *sample_sketch_in(enum hc_profile profile, unsigned precision,
                                                 unsigned first, unsigned count)
{
    struct hc_sketch_options options = {.profile = profile, .precision = precision};
    struct hc_sketch *sketch = NULL;
    if (profile == HC_PROFILE_KEYED)
        options.key = sample_key;
    ck_assert_int_eq(hc_sketch_create(&options, &sketch), HC_OK);
    for (unsigned i = first; i < first + count; i++) {
        char id[32];
        int size = snprintf(id, sizeof(id), "user-%u", i);
        if (hc_sketch_add(sketch, id, (size_t)size, NULL) != HC_OK)
            ck_abort_msg("%s", id);
    }
    return sketch;
}

static inline struct hc_sketch *sample_sketch_of(unsigned precision, unsigned first, unsigned count)
{
    return sample_sketch_in(HC_PROFILE_REDIS, precision, first, count);
}

static inline struct record_sketch sample_sketch_record(const struct hc_sketch *sketch)
{
    return (struct record_sketch){
        .stream = "users", .minute_s = 1468244340, .group = "{}", .state = RECORD_OPEN,
        .whole = true, .frames = 685, .instance = "host-1/9f3a61c27b50d4e8/0",
        .epoch_ms = 1468244380123, .sequence = 41, .fields = "5d0c77a1b2c3d4e5",
        .estimate = hc_sketch_estimate(sketch), .sketch = sketch};
}

static const struct record_range sample_missing[] = {{1100, 1120}, {1130, 1131}};
static const struct record_partition sample_partitions[] = {
    {.partition = 2, .from = 1000, .to = 1250, .missing = sample_missing, .missing_count = 2,
     .watermark_s = 1468244385},
    {.partition = 0, .from = 0, .to = 0, .watermark_s = INT64_MIN, .idle = true, .end = true}};
static const uint64_t sample_replaced[] = {39, 40};

static inline struct record_checkpoint sample_checkpoint(void)
{
    struct record_checkpoint record = {
        .stream = "users", .instance = "host-1/9f3a61c27b50d4e8/0", .epoch_ms = 1468244380123,
        .number = 12, .time_ms = 1468244440007, .cluster = "lkc-\"1\"", .topic = "users",
        .partitions_total = 4, .input_group = "headcount", .sequence_first = 38,
        .sequence_last = 41, .replaced = sample_replaced, .replaced_count = 2,
        .partitions = sample_partitions, .partitions_count = 2, .frames = 250};
    record.rejected[REJECT_NOT_JSON] = 1;
    record.rejected[REJECT_BAD_UTF8] = 20;
    return record;
}

/* A file of tests/golden/records without its last line feed, to be freed. */
#define sample_golden(name) sample_golden_in(TEST_DATA, name)
static inline struct text sample_golden_in(const char *tests, const char *name)
{
    char path[1024], *at;
    struct text text = {0};
    snprintf(path, sizeof(path), "%s/golden/records/%s", tests, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t got;
    do {
        at = text_reserve(&text, 65536);
        ck_assert_ptr_nonnull(at);
        got = fread(at, 1, 65536, file);
        text_added(&text, got);
    } while (got > 0);
    fclose(file);
    ck_assert(text.size > 0 && text.bytes[text.size - 1] == '\n');
    text.bytes[--text.size] = '\0';
    return text;
}

/* What a reader finds must be what was written. */
static inline void sample_same_sketch(const struct record_sketch *a, const struct record_sketch *b)
{
    ck_assert_str_eq(a->stream, b->stream);
    ck_assert_int_eq(a->minute_s, b->minute_s);
    ck_assert_str_eq(a->group, b->group);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->whole, b->whole);
    ck_assert_uint_eq(a->frames, b->frames);
    ck_assert_str_eq(a->instance, b->instance);
    ck_assert_int_eq(a->epoch_ms, b->epoch_ms);
    ck_assert_uint_eq(a->sequence, b->sequence);
    ck_assert_str_eq(a->fields, b->fields);
    ck_assert_uint_eq(hc_sketch_precision(a->sketch), hc_sketch_precision(b->sketch));
    ck_assert_int_eq(hc_sketch_is_sparse(a->sketch), hc_sketch_is_sparse(b->sketch));
    ck_assert_uint_eq(hc_digest(a->sketch), hc_digest(b->sketch));
    ck_assert_int_eq(hc_sketch_check(a->sketch, NULL), 1);
}

static inline void sample_same_partition(const struct record_partition *a,
                                         const struct record_partition *b)
{
    ck_assert_int_eq(a->partition, b->partition);
    ck_assert_int_eq(a->from, b->from);
    ck_assert_int_eq(a->to, b->to);
    ck_assert_int_eq(a->watermark_s, b->watermark_s);
    ck_assert_int_eq(a->idle, b->idle);
    ck_assert_int_eq(a->end, b->end);
    ck_assert_uint_eq(a->missing_count, b->missing_count);
    for (size_t m = 0; m < a->missing_count; m++) {
        ck_assert_int_eq(a->missing[m].from, b->missing[m].from);
        ck_assert_int_eq(a->missing[m].to, b->missing[m].to);
    }
}

static inline void sample_same_checkpoint(const struct record_checkpoint *a,
                                          const struct record_checkpoint *b)
{
    ck_assert_str_eq(a->stream, b->stream);
    ck_assert_str_eq(a->instance, b->instance);
    ck_assert_int_eq(a->epoch_ms, b->epoch_ms);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_int_eq(a->time_ms, b->time_ms);
    ck_assert_str_eq(a->cluster, b->cluster);
    ck_assert_str_eq(a->topic, b->topic);
    ck_assert_int_eq(a->partitions_total, b->partitions_total);
    ck_assert_str_eq(a->input_group, b->input_group);
    ck_assert_uint_eq(a->sequence_first, b->sequence_first);
    ck_assert_uint_eq(a->sequence_last, b->sequence_last);
    ck_assert_uint_eq(a->replaced_count, b->replaced_count);
    for (size_t i = 0; i < a->replaced_count; i++)
        ck_assert_uint_eq(a->replaced[i], b->replaced[i]);
    ck_assert_uint_eq(a->partitions_count, b->partitions_count);
    for (size_t i = 0; i < a->partitions_count; i++)
        sample_same_partition(&a->partitions[i], &b->partitions[i]);
    ck_assert_uint_eq(a->frames, b->frames);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        ck_assert_uint_eq(a->rejected[reason], b->rejected[reason]);
}

#endif
