/* Goal: a coverage that is written down and read again at any moment goes on as if
 * nothing had been; bytes that are not what was written are refused, all of them;
 * and what is said of a stretch of minutes is said of each of them. */
#include "coverage_state.h"
#include "rollup_history.h"
#include "rollup_tell.h"

static struct coverage *reloaded(struct coverage **coverage)
{
    struct text text = {0};
    struct state_reader reader;
    struct coverage *again;

    ck_assert_int_eq(coverage_save(*coverage, &text), HC_OK);
    state_seal(&text, 0);
    coverage_destroy(coverage);
    reader = state_open(text.bytes, text.size);
    again = coverage_load(&reader, COVERAGE_GO_ON);
    ck_assert_ptr_nonnull(again);
    ck_assert(!reader.failed && reader.at == reader.end);
    text_free(&text);
    return again;
}

static void add(struct coverage *coverage, const struct record *record)
{
    if (record->kind == RECORD_SKETCH)
        ck_assert_int_eq(coverage_add_sketch(coverage, &record->sketch), HC_OK);
    else
        ck_assert_int_eq(coverage_add_checkpoint(coverage, &record->checkpoint), HC_OK);
}

/* Every minute of the stretches, one after the other, as the other coverage has it. */
static unsigned check_minutes(const struct coverage *coverage, const struct coverage *other,
                              int64_t from_s, int64_t to_s)
{
    unsigned stretches = 0;
    int64_t until_s;

    for (int64_t at_s = from_s; at_s < to_s; at_s = (until_s + 59) / 60 * 60) {
        struct coverage_minute all = coverage_minutes(coverage, "users", at_s, &until_s);

        ck_assert_int_gt(until_s, at_s);
        until_s = until_s < to_s ? until_s : to_s;
        for (int64_t minute_s = at_s; minute_s < until_s; minute_s += 60) {
            struct coverage_minute one = coverage_minute(other, "users", minute_s);

            ck_assert(one.complete == all.complete && one.reached == all.reached);
        }
        stretches++;
    }
    return stretches;
}

static void live(const struct history *history, uint64_t *random, unsigned *stretches)
{
    struct record_reader *records = record_reader_create();
    struct coverage *whole = coverage_create(), *kept = coverage_kept();
    struct text expected = {0}, got = {0};
    unsigned again = 2;

    for (size_t i = 0; i < history->count; i++) {
        struct record record;
        const char *error;

        ck_assert_int_ne(record_read(records, history->lines[i].bytes, history->lines[i].size,
                                     &record, &error), RECORD_NONE);
        add(whole, &record);
        add(kept, &record);
        if (history_below(random, 10) == 0)
            kept = reloaded(&kept);
        if (again > 0 && history_below(random, 20) == 0) {
            i = history_below(random, i + 1); /* from there on all of it again */
            again--;
        }
    }
    ck_assert_int_eq(coverage_judge(whole), HC_OK);
    ck_assert_int_eq(coverage_judge(kept), HC_OK);
    tell_coverage(&expected, whole);
    tell_coverage(&got, kept);
    same_text(&got, &expected);
    *stretches += check_minutes(kept, whole, 1477778400 - 7200, 1477778400 + 86400);
    text_free(&expected);
    text_free(&got);
    coverage_destroy(&kept);
    coverage_destroy(&whole);
    record_reader_destroy(&records);
}

START_TEST(lives)
{
    uint64_t random = 20 + (uint64_t)_i;
    struct history history = {0};
    unsigned stretches = 0;

    history_make(&history, &(struct history_options){.seed = 500 + (uint64_t)_i,
                                                     .start_s = 1477778400,
                                                     .steps = 14,
                                                     .frames = 40,
                                                     .step_minutes = 90,
                                                     .users = 300,
                                                     .lost_percent = _i % 3,
                                                     .missing_percent = _i % 2 ? 5 : 0,
                                                     .file = _i % 4 == 3});
    for (int round = 0; round < 4; round++) {
        live(&history, &random, &stretches);
        history_shuffle(&history, &random);
    }
    /* Three where nothing was missing, or everything. */
    if (_i % 2 == 1 && _i % 3 != 2)
        ck_assert_uint_gt(stretches, 4 * 3);
    history_free(&history);
}
END_TEST

START_TEST(damage)
{
    struct record_range missing = {3, 5};
    struct record_partition partition = {.partition = 2, .from = 1, .to = 9, .missing = &missing,
                                         .missing_count = 1, .watermark_s = INT64_MIN};
    const uint64_t replaced[] = {3};
    struct record_checkpoint record = {
        .stream = "users", .instance = "k", .epoch_ms = 7, .number = 1, .cluster = "c",
        .topic = "t", .partitions_total = 4, .input_group = "g", .sequence_first = 2,
        .sequence_last = 4, .replaced = replaced, .replaced_count = 1, .partitions = &partition,
        .partitions_count = 1, .frames = 5};
    struct coverage *coverage = coverage_create(), *again;
    struct text text = {0}, sealed = {0};
    struct state_reader reader;

    ck_assert_int_eq(coverage_add_checkpoint(coverage, &record), HC_OK);
    ck_assert_int_eq(coverage_save(coverage, &text), HC_OK);
    for (size_t size = 0; size < text.size; size++) {
        /* Cut off, and sealed by somebody who did not know. */
        text_clear(&sealed);
        text_bytes(&sealed, text.bytes, size);
        reader = state_open(sealed.bytes, sealed.size);
        ck_assert(reader.failed);
        state_seal(&sealed, 0);
        reader = state_open(sealed.bytes, sealed.size);
        again = coverage_load(&reader, COVERAGE_GO_ON);
        ck_assert_ptr_null(again);
    }
    state_seal(&text, 0);
    for (size_t at = 0; at < text.size * 8; at++) {
        text.bytes[at / 8] = (char)(text.bytes[at / 8] ^ 1 << at % 8);
        reader = state_open(text.bytes, text.size);
        ck_assert(reader.failed);
        ck_assert_ptr_null(again = coverage_load(&reader, COVERAGE_GO_ON));
        text.bytes[at / 8] = (char)(text.bytes[at / 8] ^ 1 << at % 8);
    }
    coverage = reloaded(&coverage);
    coverage_destroy(&coverage);
    text_free(&sealed);
    text_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coverage_state");
    TCase *tests = tcase_create("coverage_state");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, lives, 0, 8);
    tcase_add_test(tests, damage);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
