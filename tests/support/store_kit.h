/* A store's file in a folder of its own, and records on their way into it. */
#ifndef SUPPORT_STORE_KIT_H
#define SUPPORT_STORE_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollup_history.h"
#include "rollup_tell.h"
#include "store.h"
#include "test_folder.h"

struct store_kit {
    char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
    char error[1200];
};

static inline void kit_make(struct store_kit *kit)
{
    test_folder_make(kit->folder);
    snprintf(kit->path, sizeof kit->path, "%s/board.db", kit->folder);
}

static inline void kit_remove(struct store_kit *kit)
{
    test_folder_remove(kit->folder);
}

static inline struct store *kit_open_with(struct store_kit *kit, size_t memory_bytes)
{
    const struct store_options options = {.path = kit->path, .memory_bytes = memory_bytes};
    struct store *store = store_open(&options, kit->error, sizeof kit->error);

    ck_assert_msg(store != NULL, "%s", kit->error);
    return store;
}

static inline struct store *kit_open(struct store_kit *kit)
{
    return kit_open_with(kit, 0);
}

static inline struct store_reader *kit_read(struct store_kit *kit)
{
    struct store_reader *reader = store_reader_open(kit->path, kit->error, sizeof kit->error);

    ck_assert_msg(reader != NULL, "%s", kit->error);
    return reader;
}

/* STORE_TAKEN or STORE_REFUSED. */
static inline enum store_result kit_add(struct store *store, struct record_reader *reader,
                                        const struct history_line *line)
{
    struct record record;
    const char *error = NULL;
    enum store_result result;

    ck_assert_int_ne(record_read(reader, line->bytes, line->size, &record, &error), RECORD_NONE);
    result = store_add(store, &record);
    ck_assert_msg(result != STORE_FAILED, "%s", store_error(store));
    return result;
}

/* The minutes that records say had late frames, gathered without any of the store. */
struct kit_late {
    int64_t minutes[4096];
    size_t count;
    int64_t from_s, to_s; /* what is asked for */
};

static inline bool kit_is_late(const struct kit_late *late, int64_t minute_s)
{
    for (size_t i = 0; i < late->count; i++) {
        if (late->minutes[i] == minute_s)
            return true;
    }
    return false;
}

static inline void kit_note_late(struct kit_late *late, const struct record_sketch *record)
{
    if (record->state != RECORD_LATE || strstr(record->instance, "import/") ||
        strstr(record->instance, "merge/") || kit_is_late(late, record->minute_s))
        return;
    ck_assert_uint_lt(late->count, sizeof(late->minutes) / sizeof(late->minutes[0]));
    late->minutes[late->count++] = record->minute_s;
}

static inline unsigned long long kit_count_late(const struct kit_late *late,
                                                const struct rollup_row *row)
{
    unsigned long long count = 0;

    for (size_t i = 0; i < late->count; i++) {
        int64_t minute_s = late->minutes[i];

        count += minute_s >= row->start_s && minute_s < row->end_s &&
                 minute_s >= late->from_s && minute_s < late->to_s;
    }
    return count;
}

/* Rows and how many of their minutes were late: as they say themselves, or as `late`
 * says. */
static inline void kit_tell_late(struct text *text, struct rollup *rollup,
                                 const struct kit_late *late)
{
    struct rollup_row row;

    rollup_rewind(rollup);
    while (rollup_next(rollup, &row) > 0)
        text_format(text, "%lld late %llu\n", (long long)row.start_s,
                    late ? kit_count_late(late, &row) : (unsigned long long)row.late);
}

static inline void kit_tell_numbers(struct text *text, struct rollup *rollup)
{
    struct rollup_row row;

    while (rollup_next(rollup, &row) > 0)
        text_format(text, "%lld %lld %s %.17g %.17g %.17g %.17g %llu %s\n",
                    (long long)row.start_s, (long long)row.end_s, row.group, row.estimate.value,
                    row.estimate.low, row.estimate.high, row.estimate.error,
                    (unsigned long long)row.minutes, rollup_state_name(row.state));
}

/* What a finished roll-up says but for checkpoints that don't count, which a store's
 * does not know: coverage_state_test has the whole of it. `late` of one that is no
 * store's. */
static inline void kit_tell_all(struct text *text, struct rollup *rollup,
                                const struct kit_late *late)
{
    text_format(text, "profile %d of %x, lacking %zu\n", (int)rollup_profile(rollup),
                rollup_profiles(rollup), rollup_lacking(rollup));
    for (size_t i = 0; i < coverage_sources_count(rollup->coverage); i++) {
        const struct coverage_source *source = coverage_source(rollup->coverage, i);

        text_format(text, "%s of %s: %llu frames\n", source->topic, source->stream,
                    (unsigned long long)source->frames);
        for (size_t p = 0; p < source->partitions_count; p++)
            tell_partition(text, &source->partitions[p]);
    }
    text_char(text, '\n');
    if (rollup->options.numbers)
        kit_tell_numbers(text, rollup);
    else
        tell_rows(text, rollup);
    kit_tell_late(text, rollup, late);
}

/* The rows of a stream in the store, as text. */
static inline void kit_tell(struct store_reader *reader, const struct rollup_options *options,
                            struct text *text)
{
    struct rollup *rollup = store_roll_up(reader, options);

    ck_assert_msg(rollup != NULL, "%s", store_reader_error(reader));
    kit_tell_all(text, rollup, NULL);
    rollup_destroy(&rollup);
}

/* Of the lines that a finished roll-up is made of. */
static inline void kit_gather_late(const struct history *history, size_t count,
                                   const struct rollup *rollup, struct kit_late *late)
{
    struct record_reader *reader = record_reader_create();
    struct record record;
    const char *error;

    *late = (struct kit_late){.from_s = rollup->options.from_s, .to_s = rollup->options.to_s};
    for (size_t i = 0; i < count; i++) {
        if (record_read(reader, history->lines[i].bytes, history->lines[i].size, &record,
                        &error) == RECORD_SKETCH &&
            strcmp(record.sketch.stream, rollup_stream(rollup)) == 0 &&
            hc_sketch_profile(record.sketch.sketch) == rollup_profile(rollup))
            kit_note_late(late, &record.sketch);
    }
    record_reader_destroy(&reader);
}

/* What merging all the lines says, in the same words. */
static inline void kit_tell_merged(const struct history *history, size_t count,
                                   const struct rollup_options *options, struct text *text)
{
    struct record_reader *reader = record_reader_create();
    struct rollup *rollup = rollup_create(options);
    struct kit_late *late = malloc(sizeof *late);
    struct record record;
    const char *error;

    ck_assert_ptr_nonnull(late);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_ne(record_read(reader, history->lines[i].bytes, history->lines[i].size,
                                     &record, &error), RECORD_NONE);
        ck_assert_int_ne(rollup_add(rollup, &record), ROLLUP_FAILED);
    }
    ck_assert(rollup_finish(rollup));
    kit_gather_late(history, count, rollup, late);
    kit_tell_all(text, rollup, late);
    free(late);
    rollup_destroy(&rollup);
    record_reader_destroy(&reader);
}

/* The first `count` lines are what the store says, by this grain in this zone. */
static inline void kit_same(struct store_reader *reader, const struct history *history,
                            size_t count, struct rollup_options options,
                            const struct calendar_options *calendar)
{
    char error[256];
    struct text got = {0}, expected = {0};

    options.calendar = calendar_create(calendar, error, sizeof error);
    ck_assert_msg(options.calendar != NULL, "%s", error);
    kit_tell(reader, &options, &got);
    kit_tell_merged(history, count, &options, &expected);
    same_text(&got, &expected);
    ck_assert(!got.failed && !expected.failed);
    text_free(&got);
    text_free(&expected);
    calendar_destroy(&options.calendar);
}

#endif
