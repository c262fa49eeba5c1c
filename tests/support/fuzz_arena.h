/* What the fuzz targets of decoders share, above all memory: blocks that lie one
 * after the other in one array and are never used again before the run is over.
 * Cheaper than the address sanitizer's own, which still sees a read or write
 * outside of a block, or after its end, and a leak is seen at once. */
#ifndef SUPPORT_FUZZ_ARENA_H
#define SUPPORT_FUZZ_ARENA_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/sketch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_SANITIZER 1
#endif
#ifdef ARENA_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(block, size) ((void)(block), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(block, size) ((void)(block), (void)(size))
#endif

#define ARENA_SIZE ((size_t)32 << 20)
#define ARENA_BLOCKS 4096
/* Nobody's bytes after each block, and what blocks are aligned to. */
#define ARENA_GAP 16
/* New blocks begin with this, as those of malloc may. */
#define ARENA_JUNK 0xa5
#define ARENA_JUNK_SIZE 512

struct fuzz_arena {
    _Alignas(ARENA_GAP) uint8_t bytes[ARENA_SIZE];
    size_t used;
    struct {
        size_t first;
        size_t size; /* 0: given back */
    } blocks[ARENA_BLOCKS];
    size_t count;
    size_t held;
    size_t request_max; /* what one allocation may ask for */
    struct {
        size_t used;
        size_t count;
        size_t held;
    } kept; /* the blocks at the front that outlive a run */
    int is_poisoned;
};

static struct fuzz_arena arena;

static inline void fuzz_require(int holds)
{
    if (!holds)
        abort();
}

static inline void *arena_allocate(size_t size)
{
    uint8_t *block = arena.bytes + arena.used;

    fuzz_require(size > 0 && size <= arena.request_max && arena.count < ARENA_BLOCKS &&
                 size + 2 * ARENA_GAP <= ARENA_SIZE - arena.used);
    arena.blocks[arena.count].first = arena.used;
    arena.blocks[arena.count].size = size;
    arena.count++;
    arena.held++;
    arena.used += (size + 2 * ARENA_GAP - 1) / ARENA_GAP * ARENA_GAP;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    memset(block, ARENA_JUNK, size < ARENA_JUNK_SIZE ? size : ARENA_JUNK_SIZE);
    return block;
}

/* The block's number: most often it is one of the last. */
static inline size_t arena_find(const void *pointer)
{
    size_t first = (size_t)((const uint8_t *)pointer - arena.bytes), number = arena.count;

    while (number > 0 && arena.blocks[number - 1].first != first)
        number--;
    fuzz_require(number > 0 && arena.blocks[number - 1].size > 0);
    return number - 1;
}

static inline void arena_release(void *context, void *pointer)
{
    size_t number;

    (void)context;
    if (pointer == NULL)
        return;
    number = arena_find(pointer);
    ASAN_POISON_MEMORY_REGION(pointer, arena.blocks[number].size);
    arena.blocks[number].size = 0;
    arena.held--;
}

static inline void *arena_resize(void *context, void *pointer, size_t size)
{
    void *block = arena_allocate(size);

    if (pointer != NULL) {
        size_t old = arena.blocks[arena_find(pointer)].size;

        memcpy(block, pointer, old < size ? old : size);
        arena_release(context, pointer);
    }
    return block;
}

/* What allocates in the arena. */
static inline struct hc_allocator arena_allocator(void)
{
    return (struct hc_allocator){arena_resize, arena_release, NULL};
}

/* The arena, empty but for what is kept. */
static inline void arena_start(void)
{
    if (!arena.is_poisoned)
        ASAN_POISON_MEMORY_REGION(arena.bytes, ARENA_SIZE);
    arena.is_poisoned = 1;
    arena.request_max = ARENA_SIZE;
    arena.used = arena.kept.used;
    arena.count = arena.kept.count;
}

/* Nothing must be left. */
static inline void arena_end(void)
{
    fuzz_require(arena.held == arena.kept.held);
}

/* What was allocated since the start stays for all runs. */
static inline void arena_keep(void)
{
    arena.kept.used = arena.used;
    arena.kept.count = arena.count;
    arena.kept.held = arena.held;
}

/* Work beyond decoding takes time by the register: above these precisions it is
 * done for a share of the sketches that falls as they grow; writing, reading and
 * uniting is done for one in so many of the others, too. */
#define FUZZ_PRECISION_CHECK 9
#define FUZZ_PRECISION_REWRITE 5
#define FUZZ_REWRITE 8

static inline int fuzz_is_chosen(const struct hc_sketch *sketch, uint32_t sum, unsigned free)
{
    unsigned precision = hc_sketch_precision(sketch);

    return precision <= free || sum >> (32 - (precision - free)) == 0;
}

static inline uint32_t fuzz_sum(const uint8_t *data, size_t size)
{
    uint64_t sum = 1, word;

    for (size_t i = 0; i < size; i += sizeof word) {
        word = 0;
        memcpy(&word, data + i, size - i < sizeof word ? size - i : sizeof word);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return (uint32_t)(sum >> 7);
}

/* The registers, to be released. */
static inline uint8_t *fuzz_registers(const struct hc_sketch *sketch)
{
    size_t size = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = arena_allocate(size);

    fuzz_require(hc_sketch_registers(sketch, registers, size) == HC_OK);
    return registers;
}

static inline void fuzz_estimate(const struct hc_sketch *sketch)
{
    struct hc_estimate estimate = hc_sketch_estimate(sketch);

    fuzz_require(isfinite(estimate.high) && 0 <= estimate.low && estimate.low <= estimate.value &&
                 estimate.value <= estimate.high);
}

/* One run of a target on bytes; `whole` when they are libFuzzer's own input. */
typedef void fuzz_run(const uint8_t *data, size_t size, int whole);

/* A round of libFuzzer takes longer than most runs: each of its inputs stands
 * for others that differ from it in one byte, or end earlier. */
#define FUZZ_CHANGED 6
#define FUZZ_CUT 2

static inline void fuzz_near(fuzz_run *run, const uint8_t *data, size_t size)
{
    uint32_t dice = fuzz_sum(data, size);

    arena_start();
    run(data, size, 1);
    arena_end();
    for (unsigned i = 0; size > 0 && i < FUZZ_CHANGED + FUZZ_CUT; i++) {
        size_t at = (dice >> 8) % size, left = i < FUZZ_CHANGED ? size : at;
        uint8_t *copy;

        arena_start();
        copy = arena_allocate(left + 1);
        memcpy(copy + 1, data, left);
        if (at < left)
            copy[1 + at] ^= i % 2 ? (uint8_t)(1 << dice % 8) : (uint8_t)(dice | 1);
        run(copy + 1, left, 0);
        arena_release(NULL, copy);
        arena_end();
        dice = dice * UINT32_C(1664525) + UINT32_C(1013904223);
    }
}

/* libFuzzer's own; not there where a corpus drives the target. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

/* Instead of libFuzzer's: three in four mutations are mended, lengths, counts
 * and orders made right, so that what lies behind them is reached. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

/* Inputs with less room are not mended. */
#define FUZZ_MEND_ROOM 64

typedef size_t fuzz_mend(uint8_t *data, size_t size, size_t room);

static inline size_t fuzz_mutate(uint8_t *data, size_t size, size_t room, unsigned seed,
                                 fuzz_mend *mend)
{
    size = LLVMFuzzerMutate(data, size, room);
    return seed % 4 == 0 || room < FUZZ_MEND_ROOM ? size : mend(data, size, room);
}

/* Cuts the bytes, or lengthens them with zeros; `wanted` is at most the room. */
static inline size_t fuzz_resize(uint8_t *data, size_t size, size_t wanted)
{
    if (size < wanted)
        memset(data + size, 0, wanted - size);
    return wanted;
}

static inline uint32_t fuzz_read(const uint8_t *data, unsigned size)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number |= (uint32_t)data[i] << (8 * i);
    return number;
}

static inline void fuzz_write(uint8_t *data, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(number >> (8 * i));
}

/* The precision if it is one of `least` to `most`, else one of the eight from
 * `least` on. */
static inline uint8_t fuzz_precision(uint8_t precision, uint8_t least, uint8_t most)
{
    if (precision >= least && precision <= most)
        return precision;
    return (uint8_t)(least + precision % 8);
}

#endif
