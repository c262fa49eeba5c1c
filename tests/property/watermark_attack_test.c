/* Goal: whatever is done to the times of a stream, an honest minute closes when
 * its last honest frame has passed, no sooner, and within max_lag + 15 frame
 * intervals (at most idle_after, or two of them) of the slowest partition that is
 * not idle; a burst within the support moves nothing; a longer one is followed,
 * announced and undone.
 *
 * The stream is a simulation of partitions with rates of their own, in steps of
 * 50 ms. What is right is worked out from the honest times alone, without a
 * sorted sample: no clock may be ahead of the newest honest time, nor behind the
 * honest time of 15 frames ago by more than was damaged since.
 *
 * HEADCOUNT_SEED=N starts from another seed. */
#include <stdio.h>
#include <stdlib.h>

#include "check_main.h"
#include "test_random.h"
#include "watermark.h"

#define BASE_S INT64_C(1468244340)
#define IDLE_AFTER_MS 10000
#define LAG_S 5
#define STEP_MS 50
#define PARTITIONS_MAX 4

struct partition {
    struct watermark_clock clock;
    int64_t interval_ms;      /* between two frames */
    int64_t next_ms, read_ms; /* of the next frame; of the last one */
    int64_t from_ms, to_ms;   /* it is silent, and at its end, in between */
    int64_t behind_s;         /* how old its data is when it comes back */
    int64_t frames;
};

/* Every `every`-th frame, from `first` on `length` in a row, is `off_s` off. */
struct damage {
    int64_t every, first, length, off_s;
};

struct attack {
    struct partition partitions[PARTITIONS_MAX];
    size_t count;
    struct damage damage;
    int64_t now_ms;
    struct watermark watermark;
    int64_t fell_s, falls; /* announced: beyond LAG_S */
};

static bool is_damaged(const struct damage *damage, int64_t frame)
{
    return (damage->every && frame % damage->every == 0) ||
           (frame >= damage->first && frame < damage->first + damage->length);
}

static void begin(struct attack *attack, const int64_t *intervals_ms, size_t count)
{
    *attack = (struct attack){.count = count, .damage = {.first = INT64_MAX / 2}};
    for (size_t i = 0; i < count; i++) {
        struct partition *partition = &attack->partitions[i];

        watermark_clock_init(&partition->clock);
        partition->interval_ms = intervals_ms[i];
        partition->read_ms = -1;
        partition->from_ms = partition->to_ms = INT64_MAX;
    }
    watermark_init(&attack->watermark);
}

static void partition_read(struct attack *attack, struct partition *partition)
{
    while (partition->next_ms <= attack->now_ms) {
        bool silent =
            partition->next_ms >= partition->from_ms && partition->next_ms < partition->to_ms;

        if (!silent) {
            int64_t time_s = BASE_S + partition->next_ms / 1000;

            if (partition->next_ms >= partition->to_ms)
                time_s -= partition->behind_s;
            if (is_damaged(&attack->damage, partition->frames))
                time_s += attack->damage.off_s;
            watermark_clock_note(&partition->clock, time_s, attack->now_ms);
            partition->read_ms = attack->now_ms;
            partition->frames++;
        }
        partition->next_ms += partition->interval_ms;
    }
}

static void step(struct attack *attack)
{
    struct watermark_clock clocks[PARTITIONS_MAX];

    attack->now_ms += STEP_MS;
    for (size_t i = 0; i < attack->count; i++) {
        struct partition *partition = &attack->partitions[i];
        int64_t fell;

        partition_read(attack, partition);
        fell = partition->clock.idle ? 0
                                     : watermark_clock_update(&partition->clock, attack->now_ms,
                                                              IDLE_AFTER_MS);
        if (fell > LAG_S) {
            attack->falls++;
            if (fell > attack->fell_s)
                attack->fell_s = fell;
        }
        if (!partition->clock.idle && attack->now_ms - partition->read_ms >= IDLE_AFTER_MS)
            watermark_clock_sleep(&partition->clock);
        clocks[i] = partition->clock;
    }
    watermark_update(&attack->watermark, clocks, attack->count, LAG_S, attack->now_ms);
}

/* How far an honest watermark may be behind now: the promise. */
static int64_t allowed_s(const struct attack *attack)
{
    int64_t most_ms = 0, slowest_ms = 0;

    for (size_t i = 0; i < attack->count; i++) {
        int64_t ms = attack->partitions[i].interval_ms;

        if (!attack->partitions[i].clock.idle && ms > slowest_ms)
            slowest_ms = ms;
    }
    most_ms = 15 * slowest_ms;
    if (most_ms > IDLE_AFTER_MS)
        most_ms = IDLE_AFTER_MS;
    /* The support takes two frames, however rare they are. */
    if (2 * slowest_ms > most_ms)
        most_ms = 2 * slowest_ms;
    /* Frames that stand alone say nothing until it is known that none follows; the
     * first one is then that old. */
    if (attack->count == 1 && attack->partitions[0].interval_ms > IDLE_AFTER_MS)
        most_ms = 2 * IDLE_AFTER_MS;
    /* Times are whole seconds, cut off; samples are looked at in steps. */
    return LAG_S + (most_ms + 2 * STEP_MS) / 1000 + 2;
}

static int64_t honest_s(const struct attack *attack)
{
    return BASE_S + attack->now_ms / 1000;
}

/* Runs on, and expects the promise to hold all the time. */
static void hold_for(struct attack *attack, int64_t ms, const char *what)
{
    for (int64_t until_ms = attack->now_ms + ms; attack->now_ms < until_ms;) {
        step(attack);
        int64_t behind_s = honest_s(attack) - attack->watermark.value_s;
        if (attack->watermark.value_s != WATERMARK_NONE &&
            (behind_s < LAG_S || behind_s > allowed_s(attack)))
            ck_abort_msg("%s: at %lld ms %lld s behind, %lld are allowed", what,
                         (long long)attack->now_ms, (long long)behind_s,
                         (long long)allowed_s(attack));
    }
}

static void pass(struct attack *attack, int64_t ms)
{
    for (int64_t until_ms = attack->now_ms + ms; attack->now_ms < until_ms;)
        step(attack);
}

static const int64_t even[] = {100};
static const int64_t apart[] = {5, 100, 700, 3000};
static const int64_t offsets_s[] = {61,         3600,          86400,   1000000000, -61, -3600,
                                    -365 * 86400, -1400000000};
#define OFFSETS (sizeof offsets_s / sizeof *offsets_s)

START_TEST(honest_streams_keep_the_promise)
{
    static const int64_t intervals[] = {1, 20, 100, 650, 1000, 4000, 9900, 12000, 30000};
    struct attack attack;

    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        begin(&attack, &intervals[i], 1);
        pass(&attack, 40000);
        hold_for(&attack, 600000, "honest");
        ck_assert_int_eq(attack.falls, 0);
    }
    begin(&attack, apart, 4);
    pass(&attack, 10000);
    hold_for(&attack, 600000, "apart");
}
END_TEST

/* All of the damaged ones far in the future, or all far in the past. */
START_TEST(one_in_ten_moves_nothing)
{
    for (size_t i = 0; i < OFFSETS; i++)
        for (int several = 0; several < 2; several++) {
            struct attack attack;

            begin(&attack, several ? apart : even, several ? 2 : 1);
            pass(&attack, 20000);
            attack.damage = (struct damage){10, INT64_MAX / 2, 0, offsets_s[i]};
            hold_for(&attack, 300000, "one in ten");
            ck_assert_int_eq(attack.falls, 0);
        }
}
END_TEST

START_TEST(bursts_within_the_support_move_nothing)
{
    for (size_t i = 0; i < OFFSETS; i++)
        for (int64_t length = 1; length <= 15; length++) {
            struct attack attack;

            begin(&attack, even, 1);
            pass(&attack, 20000);
            attack.damage = (struct damage){0, attack.partitions[0].frames, length, offsets_s[i]};
            hold_for(&attack, 30000, "burst");
            ck_assert_int_eq(attack.falls, 0);
        }
}
END_TEST

/* Upwards from 16 on, downwards from 49 on, and beyond all samples. */
START_TEST(longer_bursts_are_followed_announced_and_undone)
{
    static const int64_t lengths[] = {16, 17, 30, 48, 49, 63, 64, 65, 100, 500};

    for (size_t i = 0; i < OFFSETS; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            struct attack attack;
            int64_t off_s = offsets_s[i], length = lengths[k];
            bool followed = off_s > 0 || length > 48;

            begin(&attack, even, 1);
            pass(&attack, 20000);
            attack.damage = (struct damage){0, attack.partitions[0].frames, length, off_s};
            pass(&attack, 100 * length);
            int64_t moved_s = attack.watermark.value_s + LAG_S - honest_s(&attack);
            if (followed)
                ck_assert_int_le(llabs(moved_s - off_s), 8);
            else
                ck_assert_int_le(llabs(moved_s), 8);
            pass(&attack, 6400); /* 64 honest frames */
            ck_assert_int_eq(attack.falls, followed);
            if (followed)
                ck_assert_int_le(llabs(attack.fell_s - llabs(off_s)), 16);
            hold_for(&attack, 30000, "after the burst");
            ck_assert_int_eq(attack.falls, followed);
        }
}
END_TEST

/* The damage comes last before the partition falls silent: it is announced all
 * the same when honest frames come again. */
START_TEST(a_burst_before_sleep_is_announced_and_undone)
{
    struct attack attack;

    begin(&attack, even, 1);
    pass(&attack, 20000);
    attack.damage = (struct damage){0, attack.partitions[0].frames, 40, 86400};
    pass(&attack, 4000);
    attack.partitions[0].from_ms = attack.now_ms;
    attack.partitions[0].to_ms = attack.now_ms + 60000;
    pass(&attack, 60000);
    ck_assert_int_gt(attack.watermark.value_s, honest_s(&attack) + 80000);
    ck_assert_int_eq(attack.falls, 0);
    pass(&attack, 6400);
    ck_assert_int_eq(attack.falls, 1);
    hold_for(&attack, 30000, "awake");
}
END_TEST

START_TEST(an_idle_partition_holds_nothing)
{
    for (size_t idle = 0; idle < 4; idle++) {
        struct attack attack;

        begin(&attack, apart, 4);
        pass(&attack, 20000);
        attack.partitions[idle].from_ms = attack.now_ms;
        attack.partitions[idle].to_ms = attack.now_ms + 3 * 3600 * 1000;
        pass(&attack, IDLE_AFTER_MS + 1000);
        hold_for(&attack, 600000, "one is idle");
    }
}
END_TEST

/* After hours, with data as old as that: minutes are open again from there on,
 * which is announced, and the others wait for it. */
START_TEST(old_data_opens_minutes_again)
{
    struct attack attack;

    begin(&attack, apart, 2);
    pass(&attack, 20000);
    attack.partitions[1].from_ms = attack.now_ms;
    attack.partitions[1].to_ms = attack.now_ms + 3 * 3600 * 1000;
    attack.partitions[1].behind_s = 3 * 3600 + 600;
    pass(&attack, 3 * 3600 * 1000 + 5000);
    ck_assert_int_eq(attack.falls, 1); /* below where it fell asleep */
    ck_assert_int_le(llabs(honest_s(&attack) - attack.watermark.value_s - 3 * 3600 - 600 - LAG_S),
                     4);
    attack.partitions[1].behind_s = 0; /* it has caught up */
    pass(&attack, 6400);
    hold_for(&attack, 60000, "caught up");
}
END_TEST

/* All are idle: the watermark goes on with the monotonic clock. */
START_TEST(silence_of_all_runs_on)
{
    struct attack attack;

    begin(&attack, apart, 4);
    pass(&attack, 20000);
    for (size_t i = 0; i < 4; i++)
        attack.partitions[i].from_ms = attack.now_ms;
    pass(&attack, IDLE_AFTER_MS);
    for (int i = 0; i < 10000; i++) {
        step(&attack);
        int64_t behind_s = honest_s(&attack) - attack.watermark.value_s;
        ck_assert_int_ge(behind_s, LAG_S);
        ck_assert_int_le(behind_s, LAG_S + 10 + 2);
    }
}
END_TEST

/* Random damage at one in ten, random bursts, random pauses, random rates: what
 * is ahead of the newest honest time without having support is a failure. */
START_TEST(random_attacks_need_support)
{
    for (uint64_t seed = random_seed(); seed < random_seed() + 300; seed++) {
        uint64_t state = seed;
        int64_t interval_ms = 10 + (int64_t)(random_next(&state) % 400);
        struct attack attack;
        int64_t recent[64] = {0}, at = 0;

        begin(&attack, &interval_ms, 1);
        for (int64_t i = 0; i < 3000; i++) {
            int64_t off_s = 0;
            int damaged = 0;

            if (random_next(&state) % 10 == 0 || (uint64_t)i / 40 % 8 == seed % 8)
                off_s = random_next(&state) % 2 ? 1 << 24 : -(1 << 24);
            recent[at++ % 64] = off_s;
            watermark_clock_note(&attack.partitions[0].clock,
                                 BASE_S + i * interval_ms / 1000 + off_s, i * interval_ms);
            watermark_clock_update(&attack.partitions[0].clock, i * interval_ms, 1000000);
            for (int64_t k = 0; k < 64 && k < at; k++)
                damaged += recent[k] > 0;
            bool ahead = attack.partitions[0].clock.value_s > BASE_S + i * interval_ms / 1000;
            if (at >= 64 && ahead != (damaged >= 16))
                ck_abort_msg("HEADCOUNT_SEED=%llu, frame %lld: %d of 64 and %s",
                             (unsigned long long)seed, (long long)i, damaged,
                             ahead ? "ahead" : "not ahead");
        }
    }
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, honest_streams_keep_the_promise);
    tcase_add_test(tcase, one_in_ten_moves_nothing);
    tcase_add_test(tcase, bursts_within_the_support_move_nothing);
    tcase_add_test(tcase, longer_bursts_are_followed_announced_and_undone);
    tcase_add_test(tcase, a_burst_before_sleep_is_announced_and_undone);
    tcase_add_test(tcase, an_idle_partition_holds_nothing);
    tcase_add_test(tcase, old_data_opens_minutes_again);
    tcase_add_test(tcase, silence_of_all_runs_on);
    tcase_add_test(tcase, random_attacks_need_support);
}
