/* See watermark.h. The selection is an insertion into the few largest, in their
 * order: of at most 64 samples, once a batch, most of which fall through. */
#include "watermark.h"

#include <assert.h>

void watermark_clock_init(struct watermark_clock *clock)
{
    clock->count = 0;
    clock->next = 0;
    clock->value_s = WATERMARK_NONE;
    clock->slept_s = WATERMARK_NONE;
    clock->lone_s = WATERMARK_NONE;
    clock->idle = false;
    clock->ended = false;
}

void watermark_clock_note(struct watermark_clock *clock, int64_t time_s, int64_t now_ms)
{
    assert(clock->next < LIMIT_CLOCK_SAMPLES);
    clock->time_s[clock->next] = time_s;
    clock->read_ms[clock->next] = now_ms;
    clock->next = (clock->next + 1) % LIMIT_CLOCK_SAMPLES;
    if (clock->count < LIMIT_CLOCK_SAMPLES)
        clock->count++;
    clock->idle = false;
}

/* The rank-th largest (from 1) of `count` numbers. */
static int64_t largest(const int64_t *numbers, uint32_t count, uint32_t rank)
{
    int64_t first[LIMIT_CLOCK_SAMPLES]; /* the largest so far, in falling order */
    assert(rank >= 1 && rank <= count && count <= LIMIT_CLOCK_SAMPLES);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i < rank ? i : rank;
        if (at == rank && numbers[i] <= first[rank - 1])
            continue;
        for (at -= at == rank; at > 0 && first[at - 1] < numbers[i]; at--)
            first[at] = first[at - 1];
        first[at] = numbers[i];
    }
    return first[rank - 1];
}

int64_t watermark_clock_update(struct watermark_clock *clock, int64_t now_ms,
                               int64_t idle_after_ms)
{
    int64_t recent[LIMIT_CLOCK_SAMPLES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < clock->count; i++)
        if (now_ms - clock->read_ms[i] <= idle_after_ms)
            recent[count++] = clock->time_s[i];
    if (count < 2)
        return 0;
    uint32_t rank = (count + 3) / 4;
    int64_t value = largest(recent, count, rank < 2 ? 2 : rank);
    int64_t before = clock->value_s != WATERMARK_NONE ? clock->value_s : clock->slept_s;
    clock->value_s = value;
    return before != WATERMARK_NONE && value < before ? before - value : 0;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void watermark_clock_sleep(struct watermark_clock *clock)
{
    uint32_t last = (clock->next + LIMIT_CLOCK_SAMPLES - 1) % LIMIT_CLOCK_SAMPLES;
    int64_t lone_s = WATERMARK_NONE;
    if (clock->value_s != WATERMARK_NONE) {
        clock->slept_s = clock->value_s;
    } else if (clock->count > 0) {
        lone_s = clock->time_s[last];
        if (clock->lone_s != WATERMARK_NONE)
            clock->slept_s = smaller(clock->lone_s, lone_s);
        else if (clock->slept_s == WATERMARK_NONE)
            clock->slept_s = lone_s;
    }
    clock->lone_s = lone_s;
    clock->idle = true;
    clock->count = 0;
    clock->next = 0;
    clock->value_s = WATERMARK_NONE;
}

void watermark_init(struct watermark *watermark)
{
    watermark->value_s = WATERMARK_NONE;
    watermark->stood_ms = 0;
}

/* What the clocks say together. */
struct tally {
    int64_t awake_s;  /* the smallest clock that is not idle */
    int64_t asleep_s; /* the smallest time at which an idle one stood */
    bool held;        /* one that is not idle has no value */
    bool idle;        /* there are idle ones */
};

static struct tally tally_clocks(const struct watermark_clock *clocks, size_t count)
{
    struct tally tally = {WATERMARK_ALL, WATERMARK_ALL, count == 0, false};
    for (size_t i = 0; i < count; i++) {
        const struct watermark_clock *clock = &clocks[i];
        if (clock->ended)
            continue;
        if (clock->idle) {
            tally.idle = true;
            if (clock->slept_s != WATERMARK_NONE)
                tally.asleep_s = smaller(tally.asleep_s, clock->slept_s);
        } else if (clock->value_s == WATERMARK_NONE) {
            tally.held = true;
        } else {
            tally.awake_s = smaller(tally.awake_s, clock->value_s);
        }
    }
    return tally;
}

void watermark_update(struct watermark *watermark, const struct watermark_clock *clocks,
                      size_t count, int64_t max_lag_s, int64_t now_ms)
{
    struct tally tally = tally_clocks(clocks, count);
    bool more = (tally.held && count > 0) || tally.idle;
    if (more && watermark->value_s == WATERMARK_ALL)
        watermark->value_s = WATERMARK_NONE; /* a new input after the last one's end */
    if (tally.held)
        return;
    if (tally.awake_s != WATERMARK_ALL) {
        watermark->value_s = tally.awake_s - max_lag_s;
        watermark->stood_ms = now_ms;
    } else if (!tally.idle) {
        watermark->value_s = WATERMARK_ALL;
    } else if (watermark->value_s != WATERMARK_NONE) {
        int64_t gone_s = (now_ms - watermark->stood_ms) / 1000;
        watermark->value_s += gone_s;
        watermark->stood_ms += gone_s * 1000;
        if (tally.asleep_s != WATERMARK_ALL && tally.asleep_s - max_lag_s > watermark->value_s) {
            watermark->value_s = tally.asleep_s - max_lag_s;
            watermark->stood_ms = now_ms;
        }
    } else if (tally.asleep_s != WATERMARK_ALL) {
        watermark->value_s = tally.asleep_s - max_lag_s;
        watermark->stood_ms = now_ms;
    }
}

int64_t watermark_of_partition(const struct watermark *watermark,
                               const struct watermark_clock *clock, int64_t max_lag_s)
{
    if (clock->idle || clock->ended)
        return watermark->value_s;
    return clock->value_s == WATERMARK_NONE ? WATERMARK_NONE : clock->value_s - max_lag_s;
}
