/* Goal: a set of sequences holds what was added, in whatever order and however
 * it stands in ranges and bits: against an array of flags, for runs, for every
 * n-th integer, for random ones, and for unions of two sets. And it stays small
 * where nearly every integer is a hole. (Plain asserts where there are many.) */
#include "sequence_set.h"

#include <assert.h>
#include <string.h>

#include "check_main.h"
#include "record_samples.h"

#define WIDTH 60000

struct model {
    bool flags[WIDTH];
    struct sequence_set set;
};

static void add(struct model *model, int64_t at)
{
    if (at >= WIDTH)
        return;
    model->flags[at] = true;
    assert(sequence_set_add(&model->set, at));
}

/* Every n-th integer of a stretch, shuffled or not. */
static void add_stretch(struct model *model, uint64_t *state)
{
    static const int64_t steps[] = {1, 1, 2, 3, 7, 100};
    int64_t from = (int64_t)random_below(state, WIDTH);
    int64_t to = from + (int64_t)random_below(state, 20000);
    int64_t step = steps[random_below(state, 6)];

    switch (random_below(state, 3)) {
    case 0:
        for (int64_t at = from; at < to; at += step)
            add(model, at);
        break;
    case 1:
        for (int64_t at = to; at > from; at -= step)
            add(model, at);
        break;
    default:
        for (int64_t n = 0; n < (to - from) / step; n++)
            add(model, from + (int64_t)random_below(state, (uint64_t)(to - from)));
    }
}

static void expect_model(struct model *model, uint64_t *state)
{
    struct record_range run = {0};
    int64_t at = 0;

    sequence_set_settle(&model->set);
    while (sequence_set_next(&model->set, at, &run)) {
        assert(run.from >= at && run.from < run.to && run.to <= WIDTH);
        for (; at < run.from; at++)
            assert(!model->flags[at]);
        for (; at < run.to; at++)
            assert(model->flags[at]);
        assert(at == WIDTH || !model->flags[at]);
    }
    for (; at < WIDTH; at++)
        assert(!model->flags[at]);
    for (int i = 0; i < 300; i++) {
        int64_t from = (int64_t)random_below(state, WIDTH);
        int64_t to = from + (int64_t)random_below(state, 1 + random_below(state, 100));
        bool holds = true;

        for (at = from; at < to; at++)
            holds = holds && at < WIDTH && model->flags[at];
        assert(sequence_set_holds(&model->set, from, to) == holds);
    }
}

START_TEST(against_flags)
{
    static struct model model, other;
    uint64_t state = (uint64_t)_i, blocks = 0;

    for (int round = 0; round < 12; round++) {
        memset(&model, 0, sizeof model);
        memset(&other, 0, sizeof other);
        for (uint64_t n = random_below(&state, 6); n > 0; n--)
            add_stretch(&model, &state);
        for (uint64_t n = random_below(&state, 4); n > 0; n--)
            add_stretch(&other, &state);
        expect_model(&model, &state);
        add_stretch(&model, &state);
        expect_model(&model, &state);
        ck_assert(sequence_set_unite(&model.set, &other.set));
        for (size_t i = 0; i < WIDTH; i++)
            model.flags[i] = model.flags[i] || other.flags[i];
        expect_model(&model, &state);
        add_stretch(&model, &state);
        expect_model(&model, &state);
        blocks += model.set.blocks_count;
        sequence_set_free(&model.set);
        sequence_set_free(&other.set);
    }
    ck_assert_uint_gt(blocks, 0);
}
END_TEST

static size_t bytes_of(const struct sequence_set *set)
{
    return set->ranges.room * sizeof set->ranges.ranges[0] +
           set->blocks_room * sizeof set->blocks[0] + set->blocks_count * 520;
}

/* The dump of one partition of four, and of one that has few. */
START_TEST(holes_are_cheap)
{
    struct sequence_set set = {0};
    struct record_range run;
    int64_t count = 0;

    for (int64_t at = 0; at < 4000000; at += 4)
        assert(sequence_set_add(&set, at));
    ck_assert_uint_lt(bytes_of(&set), 1000000);
    sequence_set_settle(&set);
    for (int64_t at = 0; sequence_set_next(&set, at, &run); at = run.to)
        count++;
    ck_assert_int_eq(count, 1000000);
    sequence_set_free(&set);
    for (int64_t at = 0; at < 100000; at++)
        assert(sequence_set_add(&set, at * 1000));
    ck_assert_uint_lt(bytes_of(&set), 100000 * 40);
    sequence_set_free(&set);
    for (int64_t at = 0; at < 1000000; at++)
        assert(sequence_set_add(&set, at));
    ck_assert_uint_lt(bytes_of(&set), 1000);
    sequence_set_free(&set);
}
END_TEST

/* The ends of what sequences can be. */
START_TEST(extremes)
{
    struct sequence_set set = {0};
    struct record_range run;

    for (int64_t n = 0; n < 5000; n++)
        assert(sequence_set_add(&set, INT64_MAX - 1 - 2 * n));
    ck_assert(sequence_set_add(&set, 0));
    sequence_set_settle(&set);
    ck_assert(sequence_set_next(&set, 0, &run) && run.from == 0 && run.to == 1);
    ck_assert(sequence_set_holds(&set, INT64_MAX - 1, INT64_MAX));
    ck_assert(!sequence_set_holds(&set, INT64_MAX - 2, INT64_MAX));
    ck_assert(!sequence_set_next(&set, INT64_MAX, &run));
    sequence_set_free(&set);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_loop_test(tcase, against_flags, 0, 10);
    tcase_add_test(tcase, holes_are_cheap);
    tcase_add_test(tcase, extremes);
}
