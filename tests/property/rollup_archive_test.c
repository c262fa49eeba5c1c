/* Goal: an archive says what the records said.
 *
 * For random lives of a stream, with sketches that got lost and positions that
 * were missing: the archive has the same rows, down to their minutes and state;
 * its coverage finds the same holes, losses, ends, watermarks and sums; made an
 * archive again it is the same bytes; and it does not depend on the order or
 * the copies of the lines. A line taken out of it is noticed. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coverage.h"
#include "headcount/codec.h"
#include "rollup_history.h"

#define LIVES 12

static struct history life(int i)
{
    struct history history = {0};

    history_make(&history, &(struct history_options){.seed = 4000 + (uint64_t)i,
                                                     .start_s = 1477778400,
                                                     .steps = 30,
                                                     .frames = 60,
                                                     .step_minutes = 7,
                                                     .users = 5000,
                                                     .lost_percent = i % 3 == 1 ? 2 : 0,
                                                     .missing_percent = i % 4 > 1 ? 10 : 0,
                                                     .file = i % 6 > 3,
                                                     .precisions = i % 2 == 1});
    return history;
}

static struct history archive_of(const struct history *history)
{
    struct calendar *calendar = history_calendar(CALENDAR_MINUTE, NULL);
    struct rollup *rollup = history_rollup(history, calendar, true);
    struct history archive = {0};

    ck_assert_msg(rollup_archive(rollup, history_add_archived, &archive), "%s",
                  rollup_error(rollup));
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
    return archive;
}

static struct text lines_text(const struct history *history)
{
    struct text text = {0};

    for (size_t i = 0; i < history->count; i++) {
        text_bytes(&text, history->lines[i].bytes, history->lines[i].size);
        text_char(&text, '\n');
    }
    ck_assert(!text.failed);
    return text;
}

static struct text rows_text(const struct history *history, enum calendar_grain grain)
{
    struct calendar *calendar = history_calendar(grain, "Europe/Zurich");
    struct rollup *rollup = history_rollup(history, calendar, false);
    struct text text = {0};
    struct rollup_row row;

    while (rollup_next(rollup, &row) > 0)
        text_format(&text, "%lld %lld %s %llx %llu %s\n", (long long)row.start_s,
                    (long long)row.end_s, row.group,
                    row.sketch ? (unsigned long long)hc_digest(row.sketch) : 0ULL,
                    (unsigned long long)row.minutes, rollup_state_name(row.state));
    ck_assert(!text.failed && text.size > 0);
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
    return text;
}

static void print_ranges(struct text *text, const char *name, const struct record_range *ranges,
                         size_t count)
{
    text_format(text, " %s", name);
    for (size_t i = 0; i < count; i++)
        text_format(text, " %lld-%lld", (long long)ranges[i].from, (long long)ranges[i].to);
}

static void print_source(struct text *text, const struct coverage_source *source)
{
    text_format(text, "%s %s %s %s frames %llu not_json %llu whole %d\n", source->stream,
                source->cluster, source->topic, source->input_group,
                (unsigned long long)source->frames,
                (unsigned long long)source->rejected[REJECT_NOT_JSON], source->whole);
    for (size_t i = 0; i < source->partitions_count; i++) {
        const struct coverage_partition *p = &source->partitions[i];

        text_format(text, "%d seen %d end %d %lld-%lld watermark %lld covered %llu open %d",
                    p->partition, p->seen, p->end, (long long)p->first, (long long)p->last,
                    (long long)p->watermark_s, (unsigned long long)p->covered, p->open_end);
        print_ranges(text, "holes", p->holes, p->holes_count);
        print_ranges(text, "lost", p->lost, p->lost_count);
        text_char(text, '\n');
    }
}

static void add_lines(struct coverage *coverage, const struct history *history)
{
    struct record_reader *reader = record_reader_create();

    for (size_t i = 0; i < history->count; i++) {
        const char *error;
        struct record record;

        if (record_read(reader, history->lines[i].bytes, history->lines[i].size, &record, &error)
            == RECORD_SKETCH)
            ck_assert_int_eq(coverage_add_sketch(coverage, &record.sketch), HC_OK);
        else
            ck_assert_int_eq(coverage_add_checkpoint(coverage, &record.checkpoint), HC_OK);
    }
    record_reader_destroy(&reader);
}

/* What the coverage says, but for how often something was read. */
static struct text coverage_text(const struct history *history)
{
    struct coverage *coverage = coverage_create();
    struct text text = {0};

    add_lines(coverage, history);
    ck_assert_int_eq(coverage_judge(coverage), HC_OK);
    for (size_t i = 0; i < coverage_sources_count(coverage); i++)
        print_source(&text, coverage_source(coverage, i));
    ck_assert(!text.failed && text.size > 0);
    coverage_destroy(&coverage);
    return text;
}

/* The texts are long: only where they part is shown. */
static void expect_equal(struct text a, struct text b)
{
    size_t i = 0;

    while (i < a.size && i < b.size && a.bytes[i] == b.bytes[i])
        i++;
    while (i > 0 && a.bytes[i - 1] != '\n')
        i--;
    ck_assert_msg(strcmp(a.bytes, b.bytes) == 0, "%.300s\n%.300s", a.bytes + i, b.bytes + i);
    text_free(&a);
    text_free(&b);
}

START_TEST(archive_says_the_same)
{
    struct history history = life(_i);
    struct history archive = archive_of(&history);

    ck_assert_uint_lt(archive.count, history.count);
    for (int grain = CALENDAR_MINUTE; grain <= CALENDAR_ALL; grain++)
        expect_equal(rows_text(&history, (enum calendar_grain)grain),
                     rows_text(&archive, (enum calendar_grain)grain));
    expect_equal(coverage_text(&history), coverage_text(&archive));
    history_free(&archive);
    history_free(&history);
}
END_TEST

START_TEST(archive_is_a_fixed_point)
{
    struct history history = life(_i);
    struct history archive = archive_of(&history);
    uint64_t random = (uint64_t)_i;
    struct history again;

    again = archive_of(&archive);
    expect_equal(lines_text(&archive), lines_text(&again));
    history_free(&again);

    history_shuffle(&history, &random);
    for (size_t i = history.count; i-- > 0; i -= i > 3 ? 3 : i)
        history_add_line(&history, history.lines[i].bytes, history.lines[i].size);
    again = archive_of(&history);
    expect_equal(lines_text(&archive), lines_text(&again));
    history_free(&again);
    history_free(&archive);
    history_free(&history);
}
END_TEST

/* Without one of its sketches an archive covers nothing. */
START_TEST(lost_line_is_noticed)
{
    struct history history = life(0);
    struct history archive = archive_of(&history);
    size_t out = archive.count / 2;
    struct history_line line = archive.lines[out];
    struct text covered;

    archive.lines[out] = archive.lines[--archive.count];
    covered = coverage_text(&archive);
    ck_assert_ptr_nonnull(strstr(covered.bytes, "whole 0"));
    ck_assert_ptr_nonnull(strstr(covered.bytes, "covered 0"));
    text_free(&covered);
    free(line.bytes);
    history_free(&archive);
    history_free(&history);
}
END_TEST

/* Minutes that were cut off would read as zeros, so nothing is covered. */
START_TEST(cut_archive_covers_nothing)
{
    struct history history = life(0);
    struct calendar *calendar = history_calendar(CALENDAR_MINUTE, NULL);
    struct rollup_options options = {.calendar = calendar,
                                     .from_s = 1477780000,
                                     .to_s = LIMIT_TIME_S + 1,
                                     .from_given = true,
                                     .archive = true};
    struct rollup *rollup = rollup_create(&options);
    struct history archive = {0};

    ck_assert_uint_eq(history_feed(&history, rollup), 0);
    ck_assert(rollup_finish(rollup));
    ck_assert(rollup_archive(rollup, history_add_archived, &archive));
    ck_assert_uint_gt(archive.count, 10);
    for (size_t i = 0; i < archive.count; i++)
        ck_assert_ptr_nonnull(strstr(archive.lines[i].bytes, "\"type\":\"sketch\""));
    rollup_destroy(&rollup);
    calendar_destroy(&calendar);
    history_free(&archive);
    history_free(&history);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, archive_says_the_same, 0, LIVES);
    tcase_add_loop_test(tcase, archive_is_a_fixed_point, 0, LIVES);
    tcase_add_test(tcase, lost_line_is_noticed);
    tcase_add_test(tcase, cut_archive_covers_nothing);
}
