/* Days are bitmaps of 1,440 bits, 64 of them hang in a block, and the blocks
 * in one table for all of time. A lone minute costs 0.7 KB, a full day 184
 * bytes, the table 0.4 MB of which only what is used becomes resident. */
#include "rollup_minutes.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "limits.h"

#define DAY_MINUTES 1440
#define WORD_BITS 64
#define DAY_WORDS ((DAY_MINUTES + WORD_BITS - 1) / WORD_BITS)
#define BLOCK_DAYS 64
#define DAYS ((size_t)(LIMIT_TIME_S / (ROLLUP_MINUTE_S * DAY_MINUTES)) + 1)
#define BLOCKS ((DAYS + BLOCK_DAYS - 1) / BLOCK_DAYS)

struct day {
    uint64_t words[DAY_WORDS];
};

struct block {
    struct day *days[BLOCK_DAYS];
};

struct rollup_minutes {
    struct block *blocks[BLOCKS];
};

struct rollup_minutes *rollup_minutes_create(void)
{
    return calloc(1, sizeof(struct rollup_minutes));
}

void rollup_minutes_destroy(struct rollup_minutes **minutes)
{
    if (!*minutes)
        return;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *block = (*minutes)->blocks[i];

        for (size_t day = 0; block && day < BLOCK_DAYS; day++)
            free(block->days[day]);
        free(block);
    }
    free(*minutes);
    *minutes = NULL;
}

/* The minute's day, or NULL where no minute of it is in the set. */
static struct day *day_of(const struct rollup_minutes *minutes, size_t day)
{
    const struct block *block = minutes->blocks[day / BLOCK_DAYS];

    return block ? block->days[day % BLOCK_DAYS] : NULL;
}

static size_t minute_index(int64_t minute_s)
{
    assert(minute_s >= 0 && minute_s <= LIMIT_TIME_S && minute_s % ROLLUP_MINUTE_S == 0);
    return (size_t)(minute_s / ROLLUP_MINUTE_S);
}

/* The day, made if there is none; NULL when there is no memory. */
static struct day *day_make(struct rollup_minutes *minutes, size_t day)
{
    struct block **block = &minutes->blocks[day / BLOCK_DAYS];
    struct day **place;

    if (!*block && !(*block = calloc(1, sizeof(**block))))
        return NULL;
    place = &(*block)->days[day % BLOCK_DAYS];
    if (!*place)
        *place = calloc(1, sizeof(**place));
    return *place;
}

bool rollup_minutes_add(struct rollup_minutes *minutes, int64_t minute_s)
{
    size_t index = minute_index(minute_s);
    size_t bit = index % DAY_MINUTES;
    struct day *day = day_make(minutes, index / DAY_MINUTES);

    if (day)
        day->words[bit / WORD_BITS] |= UINT64_C(1) << (bit % WORD_BITS);
    return day != NULL;
}

bool rollup_minutes_add_day(struct rollup_minutes *minutes, int64_t day_s, const uint8_t *bytes)
{
    struct day *day = day_make(minutes, minute_index(day_s) / DAY_MINUTES);

    for (size_t i = 0; day && i < DAY_MINUTES / 8; i++)
        day->words[i / 8] |= (uint64_t)bytes[i] << 8 * (i % 8);
    return day != NULL;
}

bool rollup_minutes_has(const struct rollup_minutes *minutes, int64_t minute_s)
{
    size_t index = minute_index(minute_s);
    size_t bit = index % DAY_MINUTES;
    const struct day *day = day_of(minutes, index / DAY_MINUTES);

    return day && (day->words[bit / WORD_BITS] >> (bit % WORD_BITS) & 1);
}

/* The first bit of a day that is set, from `bit` on; DAY_MINUTES when none is. */
static size_t day_next(const struct day *day, size_t bit)
{
    size_t word = bit / WORD_BITS;
    uint64_t rest = day->words[word] >> (bit % WORD_BITS) << (bit % WORD_BITS);

    while (rest == 0) {
        if (++word == DAY_WORDS)
            return DAY_MINUTES;
        rest = day->words[word];
    }
    return word * WORD_BITS + (size_t)__builtin_ctzll(rest);
}

int64_t rollup_minutes_next(const struct rollup_minutes *minutes, int64_t minute_s)
{
    size_t index = minute_index(minute_s);
    size_t bit = index % DAY_MINUTES;

    for (size_t day = index / DAY_MINUTES; day < DAYS; day++, bit = 0) {
        const struct day *found;

        if (!minutes->blocks[day / BLOCK_DAYS]) {
            day |= BLOCK_DAYS - 1; /* the whole block is empty */
            continue;
        }
        found = day_of(minutes, day);
        if (!found)
            continue;
        bit = day_next(found, bit);
        if (bit < DAY_MINUTES)
            return (int64_t)(day * DAY_MINUTES + bit) * ROLLUP_MINUTE_S;
    }
    return INT64_MAX;
}

/* Those of a day in its minutes [from, to). */
static uint64_t day_count(const struct day *day, size_t from, size_t to)
{
    uint64_t count = 0;

    for (size_t word = from / WORD_BITS; word * WORD_BITS < to; word++) {
        size_t first = word * WORD_BITS;
        uint64_t bits = day->words[word];

        if (first < from)
            bits = bits >> (from - first) << (from - first);
        if (to - first < WORD_BITS)
            bits &= (UINT64_C(1) << (to - first)) - 1;
        count += (uint64_t)__builtin_popcountll(bits);
    }
    return count;
}

uint64_t rollup_minutes_count(const struct rollup_minutes *minutes, int64_t from_s, int64_t to_s)
{
    size_t at = (size_t)(from_s / ROLLUP_MINUTE_S), to = (size_t)(to_s / ROLLUP_MINUTE_S);
    uint64_t count = 0;

    assert(from_s >= 0 && to_s <= LIMIT_TIME_S + ROLLUP_MINUTE_S);
    while (at < to) {
        size_t day = at / DAY_MINUTES, end = (day + 1) * DAY_MINUTES;
        const struct day *found = day_of(minutes, day);

        if (!minutes->blocks[day / BLOCK_DAYS])
            end = (day / BLOCK_DAYS + 1) * BLOCK_DAYS * DAY_MINUTES; /* the whole block is empty */
        end = end < to ? end : to;
        if (found)
            count += day_count(found, at - day * DAY_MINUTES, end - day * DAY_MINUTES);
        at = end;
    }
    return count;
}

bool rollup_minutes_unite(struct rollup_minutes *into, const struct rollup_minutes *from)
{
    int64_t minute_s = rollup_minutes_next(from, 0);

    while (minute_s != INT64_MAX) {
        if (!rollup_minutes_add(into, minute_s))
            return false;
        minute_s += ROLLUP_MINUTE_S;
        if (minute_s > LIMIT_TIME_S)
            return true;
        minute_s = rollup_minutes_next(from, minute_s);
    }
    return true;
}
