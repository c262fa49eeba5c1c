/* Goal: coverage agrees with a model that knows every position by itself, for
 * random histories: instances that crash and read again, checkpoints and
 * sketches that are lost, doubled, and read in any order; whether those that wait
 * do so in memory or in a file. However many wait, in whatever order they come,
 * they take no more memory than they may. The same for sets of ranges against an
 * array of flags. (Check's assertions write a mark each, which is slow: where
 * there are very many it is plain assert.) */
#include "coverage.h"

#include <assert.h>

#include "check_main.h"
#include "coverage_inside.h"
#include "record_samples.h"

#define POSITIONS 400
#define INSTANCES 5
#define CHECKPOINTS_MAX 400
#define ROUNDS 400

START_TEST(range_sets)
{
    uint64_t state = 21;
    for (int round = 0; round < ROUNDS; round++) {
        bool flags[2][POSITIONS + 1] = {{false}};
        struct range_set sets[2] = {{0}}, left = {0};
        for (uint64_t i = random_below(&state, 60); i > 0; i--) {
            size_t which = (size_t)random_below(&state, 2);
            int64_t from = (int64_t)random_below(&state, POSITIONS);
            int64_t to = from + (int64_t)random_below(&state, 20);
            to = to > POSITIONS ? POSITIONS : to;
            ck_assert(range_set_add(&sets[which], from, to));
            for (int64_t at = from; at < to; at++)
                flags[which][at] = true;
            if (random_below(&state, 8) == 0)
                range_set_settle(&sets[which]);
        }
        range_set_settle(&sets[0]);
        range_set_settle(&sets[1]);
        ck_assert(range_set_subtract(&sets[0], &sets[1], &left));
        uint64_t size = 0;
        for (int64_t at = 0; at < POSITIONS; at++) {
            bool remains = flags[0][at] && !flags[1][at];
            assert(range_set_holds(&sets[0], at, at + 1) == flags[0][at]);
            assert(range_set_holds(&left, at, at + 1) == remains);
            size += flags[0][at];
        }
        ck_assert_uint_eq(range_set_size(&sets[0]), size);
        for (size_t i = 1; i < sets[0].count; i++)
            ck_assert_int_lt(sets[0].ranges[i - 1].to, sets[0].ranges[i].from);
        range_set_free(&left);
        range_set_free(&sets[1]);
        range_set_free(&sets[0]);
    }
}
END_TEST

/* Sequences whose every second one comes first: the array may not be moved for
 * each of the others. */
START_TEST(many_out_of_order)
{
    struct range_set set = {0};
    for (int64_t step = 0; step < 4; step++) {
        for (int64_t at = step; at < 400000; at += 4)
            assert(range_set_add(&set, at, at + 1));
    }
    range_set_settle(&set);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_uint_eq(range_set_size(&set), 400000);
    range_set_free(&set);
}
END_TEST

/* One checkpoint of the model: one partition, one instance. */
struct model_checkpoint {
    size_t instance;
    uint64_t number, first, last;
    struct record_range positions;
    struct record_range missing; /* empty: none */
    uint64_t replaced;           /* 0: none */
    bool lost;                   /* taken out of the dump */
};

struct model {
    struct model_checkpoint checkpoints[CHECKPOINTS_MAX];
    size_t count;
    bool sketch_lost[INSTANCES][CHECKPOINTS_MAX * 4]; /* by sequence */
    uint64_t sequences[INSTANCES];                    /* how many were written */
};

/* Instances read on, crash, and go back a little; some things are lost. */
static void make_history(struct model *model, uint64_t *state)
{
    int64_t at[INSTANCES] = {0}, furthest = 0;
    uint64_t numbers[INSTANCES] = {0};
    *model = (struct model){0};
    size_t count = (size_t)random_below(state, CHECKPOINTS_MAX / 4);
    uint64_t loss = random_below(state, 30) + 1;
    for (; model->count < count; model->count++) {
        struct model_checkpoint *made = &model->checkpoints[model->count];
        size_t i = made->instance = (size_t)random_below(state, INSTANCES);
        if (numbers[i] == 0)
            at[i] = furthest - (int64_t)random_below(state, (uint64_t)furthest + 1) / 8;
        made->number = ++numbers[i];
        made->first = model->sequences[i] + 1;
        made->last = model->sequences[i] += random_below(state, 4);
        made->positions.from = at[i];
        at[i] += (int64_t)random_below(state, 12);
        at[i] = at[i] > POSITIONS ? POSITIONS : at[i];
        made->positions.to = at[i];
        furthest = at[i] > furthest ? at[i] : furthest;
        if (made->positions.to - made->positions.from > 4 && random_below(state, 6) == 0)
            made->missing = (struct record_range){made->positions.from + 1,
                                                  made->positions.from + 3};
        if (made->last >= made->first && random_below(state, 4) == 0) {
            made->replaced = made->last;
            model->sketch_lost[i][made->replaced] = true;
        }
        made->lost = random_below(state, loss) == 1;
        if (random_below(state, loss) == 1)
            model->sketch_lost[i][model->sequences[i]] = true;
    }
}

static bool model_counts(const struct model *model, const struct model_checkpoint *checkpoint)
{
    for (uint64_t s = checkpoint->first; s <= checkpoint->last; s++) {
        if (model->sketch_lost[checkpoint->instance][s] && s != checkpoint->replaced)
            return false;
    }
    return !checkpoint->lost;
}

static const char *instance_name(size_t instance)
{
    static const char *const names[INSTANCES] = {"a", "b", "c", "d", "e"};
    return names[instance];
}

static void add_checkpoint(struct coverage *coverage, const struct model_checkpoint *made)
{
    struct record_partition partition = {
        .partition = 0, .from = made->positions.from, .to = made->positions.to,
        .missing = &made->missing, .missing_count = made->missing.to > made->missing.from,
        .watermark_s = INT64_MIN};
    struct record_checkpoint record = {
        .stream = "s", .instance = instance_name(made->instance), .epoch_ms = 7,
        .number = made->number, .cluster = "k", .topic = "t", .input_group = "g",
        .partitions_total = 1, .sequence_first = made->first, .sequence_last = made->last,
        .replaced = &made->replaced, .replaced_count = made->replaced > 0,
        .partitions = &partition, .partitions_count = 1, .frames = 1};
    assert(coverage_add_checkpoint(coverage, &record) == HC_OK);
}

static void add_sketch(struct coverage *coverage, size_t instance, uint64_t sequence)
{
    struct record_sketch record = {.stream = "s", .instance = instance_name(instance),
                                   .epoch_ms = 7, .sequence = sequence};
    assert(coverage_add_sketch(coverage, &record) == HC_OK);
}

/* Everything that is left, some of it twice, in random order. */
static void add_all(struct coverage *coverage, const struct model *model, uint64_t *state)
{
    static struct {
        size_t instance; /* INSTANCES: a checkpoint */
        uint64_t which;
    } dump[CHECKPOINTS_MAX * 10];
    size_t count = 0;
    for (size_t c = 0; c < model->count; c++) {
        for (uint64_t copies = 1 + random_below(state, 2); copies > 0; copies--) {
            dump[count].instance = INSTANCES;
            dump[count].which = c;
            count += !model->checkpoints[c].lost;
        }
    }
    for (size_t i = 0; i < INSTANCES; i++) {
        for (uint64_t s = 1; s <= model->sequences[i]; s++) {
            dump[count].instance = i;
            dump[count].which = s;
            count += !model->sketch_lost[i][s];
        }
    }
    for (; count > 0; count--) {
        size_t pick = (size_t)random_below(state, count);
        if (dump[pick].instance == INSTANCES)
            add_checkpoint(coverage, &model->checkpoints[dump[pick].which]);
        else
            add_sketch(coverage, dump[pick].instance, dump[pick].which);
        dump[pick] = dump[count - 1];
    }
}

enum { NOT_SEEN, SEEN, LOST, COVERED };

struct expected {
    int positions[POSITIONS];
    bool any;
    uint64_t read;       /* positions, each as often as it was */
    uint64_t counting, unmet;
    int64_t first, last; /* meaningful if any */
};

static void expect_checkpoint(struct expected *expected, const struct model_checkpoint *made,
                              bool counts)
{
    bool first = !expected->any;
    expected->any = true;
    if (first || made->positions.from < expected->first)
        expected->first = made->positions.from;
    if (first || made->positions.to > expected->last)
        expected->last = made->positions.to;
    for (int64_t at = made->positions.from; counts && at < made->positions.to; at++) {
        bool lost = made->missing.from <= at && at < made->missing.to;
        int is = lost ? LOST : COVERED;
        expected->read += !lost;
        if (is > expected->positions[at])
            expected->positions[at] = is;
    }
}

static struct expected expect(const struct model *model)
{
    struct expected expected = {.positions = {NOT_SEEN}};
    for (size_t c = 0; c < model->count; c++) {
        const struct model_checkpoint *made = &model->checkpoints[c];
        bool counts = model_counts(model, made);
        if (made->lost)
            continue;
        expected.counting += counts;
        expected.unmet += !counts;
        expect_checkpoint(&expected, made, counts);
    }
    return expected;
}

static bool in_ranges(const struct record_range *ranges, size_t count, int64_t at)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].from <= at && at < ranges[i].to)
            return true;
    }
    return false;
}

static void compare(const struct expected *expected, const struct coverage_source *source)
{
    const struct coverage_partition *partition = &source->partitions[0];
    uint64_t covered = 0;
    bool whole = true;
    ck_assert_uint_eq(source->checkpoints, expected->counting);
    ck_assert_uint_eq(source->frames, expected->counting);
    ck_assert_int_eq(partition->first, expected->first);
    ck_assert_int_eq(partition->last, expected->last);
    for (int64_t at = 0; at < POSITIONS; at++) {
        bool inside = expected->first <= at && at < expected->last;
        int is = expected->positions[at];
        covered += is == COVERED;
        whole = whole && (!inside || is == COVERED);
        assert(in_ranges(partition->lost, partition->lost_count, at) == (is == LOST));
        assert(in_ranges(partition->holes, partition->holes_count, at) ==
               (inside && is == NOT_SEEN));
    }
    ck_assert_uint_eq(partition->covered, covered);
    ck_assert_uint_eq(partition->again, expected->read - covered);
    ck_assert_int_eq(source->whole, whole);
}

START_TEST(histories)
{
    static struct model model;
    uint64_t state = 22 + (uint64_t)_i, wholes = 0, holes = 0, aside = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct coverage *coverage = coverage_create();
        /* In memory, or in runs of some ten or of one. */
        if (_i > 0)
            coverage_hold(coverage, _i == 1 ? random_below(&state, 20000) : 1, NULL);
        make_history(&model, &state);
        add_all(coverage, &model, &state);
        struct expected expected = expect(&model);
        aside += coverage->pile.runs_count;
        ck_assert_int_eq(coverage_judge(coverage), HC_OK);
        ck_assert_uint_eq(coverage_sources_count(coverage), expected.any);
        if (expected.any) {
            const struct coverage_source *source = coverage_source(coverage, 0);
            compare(&expected, source);
            ck_assert_uint_eq(source->unmet_count, expected.unmet);
            wholes += source->whole;
            holes += !source->whole;
        }
        coverage_destroy(&coverage);
    }
    /* The model is worth something only if all of it happens. */
    ck_assert_int_eq(aside > ROUNDS / 4, _i > 0);
    ck_assert_uint_gt(wholes, ROUNDS / 20);
    ck_assert_uint_gt(holes, ROUNDS / 4);
}
END_TEST

#define MANY 30000
#define HELD ((size_t)64 * 1024)

static void add_many_sketches(struct coverage *coverage, uint64_t first)
{
    for (uint64_t s = first; s <= 2 * MANY; s += 2)
        add_sketch(coverage, 0, s);
}

enum { FORWARD, BACKWARD, ANY_ORDER, ORDERS };

static void add_many_checkpoints(struct coverage *coverage, int order)
{
    static uint64_t numbers[MANY];
    uint64_t state = 24;
    for (uint64_t n = 0; n < MANY; n++) {
        uint64_t at = order == ANY_ORDER ? random_below(&state, n + 1) : n;
        numbers[n] = numbers[at];
        numbers[at] = order == BACKWARD ? MANY - n : n + 1;
    }
    for (size_t i = 0; i < MANY; i++) {
        uint64_t n = numbers[i];
        struct model_checkpoint made = {.number = n, .first = 2 * n - 1, .last = 2 * n,
                                        .positions = {(int64_t)n - 1, (int64_t)n}};
        add_checkpoint(coverage, &made);
    }
}

/* Bytes that depend on how many checkpoints there are. */
static size_t memory_of(const struct coverage *coverage)
{
    const struct start *start = coverage->starts.items[0];
    const struct source *source = coverage->sources.items[0];
    return coverage->pile.bytes + coverage->pile.room * sizeof(coverage->pile.items[0]) +
           coverage->pile.runs_room * sizeof(coverage->pile.runs[0]) +
           (start->claimed.room + start->numbers.room) * sizeof(struct record_range) +
           source->parts[0].read.room * sizeof(struct span);
}

/* Checkpoints before, between or after their sketches, by the tens of thousands. */
START_TEST(checkpoints_in_any_order)
{
    int order = _i % ORDERS, sketches_before = _i / ORDERS;
    struct coverage *coverage = coverage_create();
    coverage_hold(coverage, HELD, NULL);
    for (int half = 0; half < sketches_before; half++)
        add_many_sketches(coverage, (uint64_t)half + 1);
    add_many_checkpoints(coverage, order);
    ck_assert_uint_lt(memory_of(coverage), 4 * HELD);
    for (int half = sketches_before; half < 2; half++)
        add_many_sketches(coverage, (uint64_t)half + 1);
    ck_assert_uint_lt(memory_of(coverage), 4 * HELD);
    ck_assert_int_eq(coverage_judge(coverage), HC_OK);
    ck_assert_uint_lt(memory_of(coverage), 4 * HELD);
    const struct coverage_source *source = coverage_source(coverage, 0);
    ck_assert(source->whole);
    ck_assert_uint_eq(source->checkpoints, MANY);
    ck_assert_uint_eq(source->partitions[0].covered, MANY);
    coverage_destroy(&coverage);
}
END_TEST

/* A dump read twice is one dump, however large. */
START_TEST(twice)
{
    const uint64_t count = 5000;
    struct coverage *coverage = coverage_create();
    for (int round = 0; round < 2; round++) {
        for (uint64_t n = 1; n <= count; n++) {
            struct model_checkpoint made = {.number = n, .first = n, .last = n,
                                            .positions = {(int64_t)n - 1, (int64_t)n}};
            add_sketch(coverage, 0, n);
            add_checkpoint(coverage, &made);
        }
    }
    ck_assert_int_eq(coverage_judge(coverage), HC_OK);
    const struct coverage_source *source = coverage_source(coverage, 0);
    ck_assert_uint_eq(source->checkpoints, count);
    ck_assert_uint_eq(source->repeated, count);
    ck_assert_uint_eq(source->frames, count);
    ck_assert_uint_eq(source->partitions[0].again, 0);
    coverage_destroy(&coverage);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, range_sets);
    tcase_add_test(tcase, many_out_of_order);
    tcase_add_loop_test(tcase, histories, 0, 3);
    tcase_add_loop_test(tcase, checkpoints_in_any_order, 0, 3 * ORDERS);
    tcase_add_test(tcase, twice);
}
