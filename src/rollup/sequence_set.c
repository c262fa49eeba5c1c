/* Sequences come in order, or nearly: the block used last is looked at first. */
#include "sequence_set.h"

#include <assert.h>
#include <stdlib.h>

#define WORDS 64
#define BLOCK (WORDS * 64)
/* So many ranges in a block's width take as much memory as the block. */
#define RANGES_A_BLOCK 33
/* Ranges are looked at for blocks when there are so many, and twice as many as
 * were left over the last time. */
#define RANGES_FIRST 1024

struct sequence_block {
    int64_t base; /* a multiple of BLOCK */
    uint64_t bits[WORDS];
};

void sequence_set_free(struct sequence_set *set)
{
    for (size_t i = 0; i < set->blocks_count; i++)
        free(set->blocks[i]);
    free(set->blocks);
    range_set_free(&set->ranges);
    *set = (struct sequence_set){0};
}

/* The first block that does not end before `at`. */
static size_t block_from(const struct sequence_set *set, int64_t at)
{
    size_t low = 0, high = set->blocks_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->blocks[middle]->base > at - BLOCK)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool is_in(const struct sequence_block *block, int64_t at)
{
    return block->base <= at && at - block->base < BLOCK;
}

/* The block around a sequence, or NULL. */
static struct sequence_block *block_of(struct sequence_set *set, int64_t at)
{
    if (set->blocks_count == 0)
        return NULL;
    if (!is_in(set->blocks[set->last], at)) {
        size_t found = block_from(set, at);
        if (found == set->blocks_count || !is_in(set->blocks[found], at))
            return NULL;
        set->last = found;
    }
    return set->blocks[set->last];
}

static void block_set(struct sequence_block *block, int64_t from, int64_t to)
{
    for (int64_t at = from; at < to; at++)
        block->bits[(at - block->base) / 64] |= UINT64_C(1) << ((at - block->base) % 64);
}

/* The block at `base`, made if there is none; NULL: no memory. */
static struct sequence_block *block_make(struct sequence_set *set, int64_t base)
{
    struct sequence_block *block = block_of(set, base);
    if (block)
        return block;
    if (set->blocks_count == set->blocks_room) {
        size_t room = set->blocks_room ? set->blocks_room * 2 : 16;
        struct sequence_block **larger = realloc(set->blocks, room * sizeof(larger[0]));
        if (!larger)
            return NULL;
        set->blocks = larger;
        set->blocks_room = room;
    }
    block = calloc(1, sizeof(*block));
    if (!block)
        return NULL;
    block->base = base;
    size_t at = block_from(set, base);
    for (size_t i = set->blocks_count; i > at; i--)
        set->blocks[i] = set->blocks[i - 1];
    set->blocks[at] = block;
    set->blocks_count++;
    return block;
}

/* How many of the ranges from index `i` on begin in the same block's width and
 * end in it, too. */
static size_t count_together(const struct range_set *ranges, size_t i)
{
    int64_t base = ranges->ranges[i].from / BLOCK * BLOCK;
    size_t count = 0;
    while (i + count < ranges->count && ranges->ranges[i + count].to - base <= BLOCK)
        count++;
    return count;
}

/* Ranges that stand close together become bits. Without memory they stay. */
static void pack(struct sequence_set *set)
{
    struct range_set *ranges = &set->ranges;
    size_t kept = 0;
    range_set_settle(ranges);
    for (size_t i = 0; i < ranges->count;) {
        size_t together = count_together(ranges, i);
        int64_t base = ranges->ranges[i].from / BLOCK * BLOCK;
        struct sequence_block *block =
            together >= RANGES_A_BLOCK ? block_make(set, base) : NULL;
        size_t stop = i + (together ? together : 1);
        for (; i < stop; i++) {
            if (block)
                block_set(block, ranges->ranges[i].from, ranges->ranges[i].to);
            else
                ranges->ranges[kept++] = ranges->ranges[i];
        }
    }
    ranges->count = ranges->settled = kept;
    set->packed = kept;
}

bool sequence_set_add(struct sequence_set *set, int64_t sequence)
{
    assert(sequence >= 0 && sequence < INT64_MAX);
    struct sequence_block *block = block_of(set, sequence);
    if (block) {
        block_set(block, sequence, sequence + 1);
        return true;
    }
    if (set->ranges.count >= RANGES_FIRST && set->ranges.count >= 2 * set->packed &&
        set->ranges.count == set->ranges.room)
        pack(set);
    return range_set_add(&set->ranges, sequence, sequence + 1);
}

void sequence_set_settle(struct sequence_set *set)
{
    range_set_settle(&set->ranges);
}

/* The first run of ones from `at` on, within the block; false: none. */
static bool block_run(const struct sequence_block *block, int64_t at, struct record_range *run)
{
    int64_t i = at > block->base ? at - block->base : 0;
    while (i < BLOCK && !(block->bits[i / 64] >> (i % 64) & 1))
        i = block->bits[i / 64] >> (i % 64) == 0 ? (i / 64 + 1) * 64 : i + 1;
    if (i == BLOCK)
        return false;
    run->from = block->base + i;
    while (i < BLOCK && block->bits[i / 64] >> (i % 64) & 1)
        i++;
    run->to = block->base + i;
    return true;
}

/* The first run in a block that ends behind `from`. */
static bool next_in_blocks(const struct sequence_set *set, int64_t from, struct record_range *run)
{
    for (size_t i = block_from(set, from); i < set->blocks_count; i++) {
        if (block_run(set->blocks[i], from, run))
            return true;
    }
    return false;
}

/* One of the two that begin first, or either that is there. */
static bool next_piece(const struct sequence_set *set, int64_t from, struct record_range *run)
{
    struct record_range range, bits;
    bool has_range = range_set_next(&set->ranges, from, &range);
    bool has_bits = next_in_blocks(set, from, &bits);
    if (has_range && range.from < from)
        range.from = from;
    *run = has_range && (!has_bits || range.from <= bits.from) ? range : bits;
    return has_range || has_bits;
}

bool sequence_set_next(const struct sequence_set *set, int64_t from, struct record_range *run)
{
    struct record_range more;
    assert(set->ranges.settled == set->ranges.count);
    if (!next_piece(set, from, run))
        return false;
    while (run->to < INT64_MAX && next_piece(set, run->to, &more) && more.from == run->to)
        run->to = more.to;
    return true;
}

bool sequence_set_holds(const struct sequence_set *set, int64_t from, int64_t to)
{
    struct record_range piece;
    while (from < to) {
        if (!next_piece(set, from, &piece) || piece.from > from)
            return false;
        from = piece.to;
    }
    return true;
}

bool sequence_set_unite(struct sequence_set *into, struct sequence_set *from)
{
    struct record_range piece;
    sequence_set_settle(from);
    for (int64_t at = 0; next_piece(from, at, &piece); at = piece.to) {
        /* Bits one by one, since their places are the set's own affair. */
        bool bits = piece.to - piece.from < BLOCK;
        for (int64_t i = piece.from; bits && i < piece.to; i++) {
            if (!sequence_set_add(into, i))
                return false;
        }
        if (!bits && !range_set_add(&into->ranges, piece.from, piece.to))
            return false;
    }
    return true;
}
