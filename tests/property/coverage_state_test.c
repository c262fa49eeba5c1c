/* Goal: a coverage that is written down and read again at any moment goes on as if
 * nothing had been, and so it does when that was not committed; bytes that are not what
 * was written are refused, all of them; and what is said of a stretch of minutes is said
 * of each of them. */
#include "check_main.h"
#include "coverage_state.h"
#include "rollup_history.h"
#include "rollup_tell.h"

/* A shelf in memory. */
struct waits {
    char instance[64];
    int64_t epoch_ms, number, lacks;
    char bytes[600];
    size_t size;
};

#define WAITS_MAX 400

struct shelf {
    struct waits waits[WAITS_MAX];
    size_t count, most; /* there, and ever */
    unsigned taken;
    long left;          /* calls until one fails; 0: none does */
};

static bool fails(struct shelf *shelf)
{
    return shelf->left > 0 && --shelf->left == 0;
}

static int shelf_put(void *context, const struct coverage_shelved *one)
{
    struct shelf *shelf = context;
    struct waits *waits = &shelf->waits[shelf->count];

    if (fails(shelf))
        return -1;
    for (size_t i = 0; i < shelf->count; i++) {
        if (shelf->waits[i].epoch_ms == one->epoch_ms && shelf->waits[i].number == one->number &&
            strcmp(shelf->waits[i].instance, one->instance) == 0)
            return 0;
    }
    ck_assert(shelf->count < WAITS_MAX && one->size <= sizeof waits->bytes);
    *waits = (struct waits){.epoch_ms = one->epoch_ms, .number = one->number,
                            .lacks = one->lacks, .size = one->size};
    snprintf(waits->instance, sizeof waits->instance, "%s", one->instance);
    memcpy(waits->bytes, one->bytes, one->size);
    shelf->count++;
    shelf->most = shelf->count > shelf->most ? shelf->count : shelf->most;
    return 1;
}

static struct coverage_shelved shelved(const struct waits *waits)
{
    return (struct coverage_shelved){waits->instance, waits->epoch_ms, waits->number,
                                     waits->lacks, waits->bytes, waits->size};
}

static bool shelf_take(void *context, const struct coverage_shelved *of, int64_t to,
                       bool (*each)(void *each_context, const struct coverage_shelved *one),
                       void *each_context)
{
    struct shelf *shelf = context;
    size_t left = 0;

    for (size_t i = 0; i < shelf->count; i++) {
        struct waits *waits = &shelf->waits[i];
        struct coverage_shelved one = shelved(waits);

        if (strcmp(waits->instance, of->instance) != 0 || waits->epoch_ms != of->epoch_ms ||
            waits->lacks < of->lacks || waits->lacks >= to) {
            shelf->waits[left++] = *waits;
            continue;
        }
        if (fails(shelf))
            return false;
        ck_assert(each(each_context, &one));
        shelf->taken++;
    }
    shelf->count = left;
    return true;
}

/* Fails first, at the `left`-th change of the shelf, which then is as it was. */
static void fail_to_save(struct coverage *coverage, struct shelf *shelf, long left)
{
    const struct coverage_shelf table = {shelf, shelf_put, shelf_take};
    struct shelf *before = malloc(sizeof *before);
    struct text text = {0};

    ck_assert_ptr_nonnull(before);
    *before = *shelf;
    shelf->left = left;
    ck_assert_int_eq(coverage_save(coverage, &table, &text), shelf->left ? HC_OK : HC_EROOM);
    *shelf = *before; /* nor was it committed when all went well */
    free(before);
    text_free(&text);
}

static struct coverage *reloaded(struct coverage **coverage, struct shelf *shelf)
{
    const struct coverage_shelf table = {shelf, shelf_put, shelf_take};
    struct text text = {0};
    struct state_reader reader;
    struct coverage *again;

    ck_assert_int_eq(coverage_save(*coverage, &table, &text), HC_OK);
    coverage_saved(*coverage);
    state_seal(&text, 0);
    coverage_destroy(coverage);
    reader = state_open(text.bytes, text.size);
    again = coverage_load(&reader);
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

static void add_line(struct record_reader *records, const struct history_line *line,
                     struct coverage *one, struct coverage *other)
{
    struct record record;
    const char *error;

    ck_assert_int_ne(record_read(records, line->bytes, line->size, &record, &error), RECORD_NONE);
    add(one, &record);
    add(other, &record);
}

static void live(const struct history *history, uint64_t *random, unsigned *stretches,
                 unsigned *taken)
{
    struct record_reader *records = record_reader_create();
    struct coverage *whole = coverage_create(), *kept = coverage_kept();
    struct shelf *shelf = calloc(1, sizeof *shelf);
    struct text expected = {0}, got = {0};
    unsigned again = 2;

    for (size_t i = 0; i < history->count; i++) {
        add_line(records, &history->lines[i], whole, kept);
        if (random_below(random, 4) == 0) /* one of the last again */
            add_line(records, &history->lines[i - random_below(random, i < 30 ? i + 1 : 30)],
                     whole, kept);
        if (random_below(random, 20) == 0)
            fail_to_save(kept, shelf, 1 + (long)random_below(random, 6));
        if (random_below(random, 10) == 0)
            kept = reloaded(&kept, shelf);
        if (again > 0 && random_below(random, 20) == 0) {
            i = random_below(random, i + 1); /* from there on all of it again */
            again--;
        }
    }
    kept = reloaded(&kept, shelf);
    for (size_t i = 0; i < shelf->count; i++) {
        struct coverage_shelved one = shelved(&shelf->waits[i]);

        ck_assert_int_eq(coverage_unshelve(kept, &one), HC_OK);
    }
    *taken += shelf->taken;
    free(shelf);
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
    unsigned stretches = 0, taken = 0;

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
        live(&history, &random, &stretches, &taken);
        history_shuffle(&history, &random);
    }
    ck_assert_uint_gt(taken, 10);
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
    struct coverage *coverage = coverage_kept(), *again;
    struct shelf *shelf = calloc(1, sizeof *shelf);
    const struct coverage_shelf table = {shelf, shelf_put, shelf_take};
    struct text text = {0}, sealed = {0};
    struct state_reader reader;

    ck_assert_int_eq(coverage_add_checkpoint(coverage, &record), HC_OK);
    ck_assert_int_eq(coverage_save(coverage, &table, &text), HC_OK);
    ck_assert_uint_eq(shelf->count, 1);
    for (size_t size = 0; size < text.size; size++) {
        /* Cut off, and sealed by somebody who did not know. */
        text_clear(&sealed);
        text_bytes(&sealed, text.bytes, size);
        reader = state_open(sealed.bytes, sealed.size);
        ck_assert(reader.failed);
        state_seal(&sealed, 0);
        reader = state_open(sealed.bytes, sealed.size);
        again = coverage_load(&reader);
        ck_assert_ptr_null(again);
    }
    state_seal(&text, 0);
    for (size_t at = 0; at < text.size * 8; at++) {
        text.bytes[at / 8] = (char)(text.bytes[at / 8] ^ 1 << at % 8);
        reader = state_open(text.bytes, text.size);
        ck_assert(reader.failed);
        ck_assert_ptr_null(again = coverage_load(&reader));
        text.bytes[at / 8] = (char)(text.bytes[at / 8] ^ 1 << at % 8);
    }
    for (size_t at = 0; at < shelf->waits[0].size * 8; at++) {
        struct coverage_shelved one = shelved(&shelf->waits[0]);

        shelf->waits[0].bytes[at / 8] = (char)(shelf->waits[0].bytes[at / 8] ^ 1 << at % 8);
        ck_assert_int_eq(coverage_unshelve(coverage, &one), HC_ECORRUPT);
        shelf->waits[0].bytes[at / 8] = (char)(shelf->waits[0].bytes[at / 8] ^ 1 << at % 8);
    }
    coverage = reloaded(&coverage, shelf);
    coverage_destroy(&coverage);
    free(shelf);
    text_free(&sealed);
    text_free(&text);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, lives, 0, 8);
    tcase_add_test(tests, damage);
}
