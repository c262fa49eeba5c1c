/* Goal: clocks and watermark equal a model that keeps the whole history and
 * sorts it; and damaged timestamps move the clock no further than documented.
 *
 * HEADCOUNT_SEED=N starts from another seed. */
#include <stdlib.h>

#include "check_main.h"
#include "test_random.h"
#include "watermark.h"

#define BASE_S INT64_C(1468244340)
#define IDLE_AFTER_MS 60000
#define LAG_S 10
#define CLOCKS 3
#define SAMPLES_MAX 4096

/* Everything that a partition has read since it began or woke up. */
struct model_clock {
    int64_t time_s[SAMPLES_MAX], read_ms[SAMPLES_MAX];
    size_t count;
    int64_t value_s, slept_s;
    bool lone;      /* it fell idle with a single one, which was: */
    int64_t single_s;
    bool idle, ended;
};

/* When and where a clock last set the watermark. */
struct model {
    struct model_clock clocks[CLOCKS];
    int64_t value_s, set_s, set_ms;
};

static int descending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

static int64_t model_clock_update(struct model_clock *clock, int64_t now_ms)
{
    int64_t recent[SAMPLES_MAX];
    size_t first = clock->count > 64 ? clock->count - 64 : 0, n = 0;
    int64_t before_s = clock->value_s == WATERMARK_NONE ? clock->slept_s : clock->value_s;

    for (size_t i = first; i < clock->count; i++)
        if (clock->read_ms[i] >= now_ms - IDLE_AFTER_MS)
            recent[n++] = clock->time_s[i];
    if (n < 2)
        return 0;
    qsort(recent, n, sizeof *recent, descending);
    clock->value_s = recent[n <= 8 ? 1 : (n - 1) / 4]; /* ceil(n / 4) - 1 */
    return before_s != WATERMARK_NONE && before_s > clock->value_s ? before_s - clock->value_s : 0;
}

static void model_clock_sleep(struct model_clock *clock)
{
    bool lone = clock->value_s == WATERMARK_NONE && clock->count > 0;
    int64_t single_s = clock->count > 0 ? clock->time_s[clock->count - 1] : 0;

    if (clock->value_s != WATERMARK_NONE)
        clock->slept_s = clock->value_s;
    if (lone && clock->slept_s == WATERMARK_NONE)
        clock->slept_s = single_s;
    if (lone && clock->lone)
        clock->slept_s = single_s < clock->single_s ? single_s : clock->single_s;
    clock->lone = lone;
    clock->single_s = single_s;
    clock->count = 0;
    clock->value_s = WATERMARK_NONE;
    clock->idle = true;
}

static void model_set(struct model *model, int64_t value_s, int64_t now_ms)
{
    model->value_s = model->set_s = value_s;
    model->set_ms = now_ms;
}

static void model_update(struct model *model, size_t count, int64_t now_ms)
{
    int64_t least_s = INT64_MAX, slept_s = INT64_MAX;
    size_t idle = 0, ended = 0, unknown = 0;

    for (size_t i = 0; i < count; i++) {
        const struct model_clock *clock = &model->clocks[i];

        if (clock->ended)
            ended++;
        else if (clock->idle)
            idle++;
        else if (clock->value_s == WATERMARK_NONE)
            unknown++;
        else if (clock->value_s < least_s)
            least_s = clock->value_s;
        if (!clock->ended && clock->idle && clock->slept_s != WATERMARK_NONE &&
            clock->slept_s < slept_s)
            slept_s = clock->slept_s;
    }
    if (model->value_s == WATERMARK_ALL && count > ended)
        model->value_s = WATERMARK_NONE;
    if (count == 0 || unknown > 0)
        return;
    if (ended == count)
        model->value_s = WATERMARK_ALL;
    else if (least_s != INT64_MAX)
        model_set(model, least_s - LAG_S, now_ms);
    else if (model->value_s != WATERMARK_NONE &&
             (slept_s == INT64_MAX ||
              model->set_s + (now_ms - model->set_ms) / 1000 >= slept_s - LAG_S))
        model->value_s = model->set_s + (now_ms - model->set_ms) / 1000;
    else if (slept_s != INT64_MAX)
        model_set(model, slept_s - LAG_S, now_ms);
}

static void model_clock_init(struct model_clock *clock)
{
    clock->count = 0;
    clock->idle = clock->ended = clock->lone = false;
    clock->value_s = clock->slept_s = WATERMARK_NONE;
}

/* One random thing happens to one partition. */
static void disturb(struct model_clock *model, struct watermark_clock *clock, int64_t now_ms,
                    uint64_t *seed)
{
    uint64_t what = random_below(seed, 100);
    size_t notes = what < 60 ? 1 + random_below(seed, what < 6 ? 90 : 3) : 0;

    for (size_t i = 0; i < notes && model->count < SAMPLES_MAX && !model->ended; i++) {
        int64_t time_s = BASE_S + now_ms / 1000 + (int64_t)random_below(seed, 20);

        if (random_below(seed, 8) == 0)
            time_s ^= INT64_C(1) << random_below(seed, 31);
        watermark_clock_note(clock, time_s, now_ms);
        model->time_s[model->count] = time_s;
        model->read_ms[model->count++] = now_ms;
        model->idle = false;
    }
    if (what >= 60 && what < 70) {
        watermark_clock_sleep(clock);
        model_clock_sleep(model);
    } else if (what == 70) {
        clock->ended = model->ended = true;
    } else if (what == 71 || model->count == SAMPLES_MAX) {
        watermark_clock_init(clock);
        model_clock_init(model);
    }
}

static void live(uint64_t seed)
{
    static struct model model;
    struct watermark_clock clocks[CLOCKS];
    struct watermark watermark;
    uint64_t state = seed;
    size_t count = random_below(&state, CLOCKS + 1);
    int64_t now_ms = 0;

    for (size_t i = 0; i < CLOCKS; i++) {
        model_clock_init(&model.clocks[i]);
        watermark_clock_init(&clocks[i]);
    }
    model_set(&model, WATERMARK_NONE, 0);
    watermark_init(&watermark);
    for (int step = 0; step < 300; step++) {
        size_t i = random_below(&state, CLOCKS);

        now_ms += (int64_t)random_below(&state, random_below(&state, 30) ? 3000 : 200000);
        disturb(&model.clocks[i], &clocks[i], now_ms, &state);
        if (random_below(&state, 50) == 0)
            count = random_below(&state, CLOCKS + 1);
        i = random_below(&state, CLOCKS);
        bool equal = watermark_clock_update(&clocks[i], now_ms, IDLE_AFTER_MS) ==
                     model_clock_update(&model.clocks[i], now_ms);
        watermark_update(&watermark, clocks, count, LAG_S, now_ms);
        model_update(&model, count, now_ms);
        for (i = 0; i < CLOCKS; i++)
            equal = equal && clocks[i].value_s == model.clocks[i].value_s &&
                    clocks[i].slept_s == model.clocks[i].slept_s &&
                    clocks[i].idle == model.clocks[i].idle;
        if (!equal || watermark.value_s != model.value_s) /* ck_assert is slow in a loop */
            ck_abort_msg("HEADCOUNT_SEED=%llu, step %d: %lld, the model says %lld",
                         (unsigned long long)seed, step, (long long)watermark.value_s,
                         (long long)model.value_s);
    }
}

START_TEST(random_histories_equal_the_model)
{
    uint64_t first = random_seed();

    for (uint64_t i = 0; i < 2000; i++)
        live(first + i);
}
END_TEST

/* What a stream of damaged timestamps did to the clock. */
struct damage {
    long batches, ahead;
    int64_t behind_max_s;
};

/* Ten frames a second that come up to 2 s late, `percent` of them with one
 * random bit flipped. */
static struct damage damaged_stream(unsigned percent, uint64_t seed)
{
    struct watermark_clock clock;
    struct damage damage = {0};
    int64_t truth_s = 0;

    watermark_clock_init(&clock);
    for (int64_t i = 0; i < 400000; i++) {
        int64_t time_s = BASE_S + i / 10 - (int64_t)random_below(&seed, 3);

        if (time_s > truth_s)
            truth_s = time_s;
        if (random_below(&seed, 100) < percent)
            time_s ^= INT64_C(1) << random_below(&seed, 32);
        watermark_clock_note(&clock, time_s, 100 * i);
        if (i < 64 || random_below(&seed, 8) > 0)
            continue;
        watermark_clock_update(&clock, 100 * i, IDLE_AFTER_MS);
        damage.batches++;
        damage.ahead += clock.value_s > truth_s;
        if (truth_s - clock.value_s > damage.behind_max_s)
            damage.behind_max_s = truth_s - clock.value_s;
    }
    return damage;
}

START_TEST(damaged_timestamps_hardly_move_the_clock)
{
    for (unsigned percent = 0; percent <= 20; percent++) {
        struct damage damage = damaged_stream(percent, random_seed() + percent);

        ck_assert_int_le(damage.behind_max_s, 4);
        if (percent <= 10)
            ck_assert_int_eq(damage.ahead, 0);
        else /* sixteen upward flips in 64 frames do happen */
            ck_assert_int_lt(damage.ahead, damage.batches / 500);
    }
}
END_TEST

/* `damaged` frames in a row that all lie `jump_s` off, among honest ones. */
static void burst(int damaged, int64_t jump_s, int64_t *fell_s, int64_t *worst_s, int *back)
{
    struct watermark_clock clock;

    watermark_clock_init(&clock);
    *fell_s = *worst_s = 0;
    *back = -1;
    for (int64_t i = 0; i < 400; i++) {
        bool honest = i < 100 || i >= 100 + damaged;
        int64_t fell;

        watermark_clock_note(&clock, BASE_S + i + (honest ? 0 : jump_s), 100 * i);
        fell = watermark_clock_update(&clock, 100 * i, IDLE_AFTER_MS);
        if (fell > *fell_s)
            *fell_s = fell;
        if (i >= 64 && llabs(clock.value_s - BASE_S - i) > *worst_s)
            *worst_s = llabs(clock.value_s - BASE_S - i);
        if (honest && i > 100 && *back < 0 && clock.value_s <= BASE_S + i)
            *back = (int)(i - 100 - damaged);
    }
    ck_assert_int_eq(clock.value_s, BASE_S + 399 - 15);
}

START_TEST(a_burst_of_damage_moves_the_clock_and_it_comes_back)
{
    int64_t fell_s, worst_s;
    int back;

    burst(15, 1 << 24, &fell_s, &worst_s, &back); /* without support: nothing */
    ck_assert_int_eq(fell_s, 0);
    ck_assert_int_le(worst_s, 30);
    burst(30, 1 << 24, &fell_s, &worst_s, &back);
    ck_assert_int_gt(worst_s, 1 << 23);
    ck_assert_int_gt(fell_s, 1 << 23); /* announced */
    ck_assert_int_ge(back, 0);
    ck_assert_int_lt(back, 64);
    burst(30, -(1 << 24), &fell_s, &worst_s, &back); /* downwards it only lags */
    ck_assert_int_eq(fell_s, 0);
    ck_assert_int_le(worst_s, 45);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, random_histories_equal_the_model);
    tcase_add_test(tcase, damaged_timestamps_hardly_move_the_clock);
    tcase_add_test(tcase, a_burst_of_damage_moves_the_clock_and_it_comes_back);
}
