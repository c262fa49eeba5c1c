/* The memory of a fuzz target: blocks that lie one after the other in one array
 * and are never used again before all are given back. A hundred times cheaper
 * than the address sanitizer's own, which still sees a read or write outside of
 * a block, or after its end, and a leak is seen at once. */
#ifndef SUPPORT_FUZZ_ARENA_H
#define SUPPORT_FUZZ_ARENA_H

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

/* The arena, empty; no request may be above `request_max`. */
static inline struct hc_allocator arena_start(size_t request_max)
{
    if (!arena.is_poisoned)
        ASAN_POISON_MEMORY_REGION(arena.bytes, ARENA_SIZE);
    arena.is_poisoned = 1;
    arena.request_max = request_max;
    arena.used = arena.count = 0;
    return (struct hc_allocator){arena_resize, arena_release, NULL};
}

/* Nothing must be left. */
static inline void arena_end(void)
{
    fuzz_require(arena.held == 0);
}

#endif
