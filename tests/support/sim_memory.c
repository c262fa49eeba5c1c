#include "sim_memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static _Atomic uint64_t left, failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

void memory_fail_at(uint64_t n)
{
    atomic_store(&failed, 0);
    atomic_store(&left, n);
}

uint64_t memory_failed(void)
{
    return atomic_load(&failed);
}

static bool is_over(void)
{
    uint64_t now = atomic_load(&left);

    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now - 1))
        ;
    if (now != 1)
        return false;
    atomic_fetch_add(&failed, 1);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_over() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_over() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return is_over() ? NULL : __real_realloc(pointer, size);
}
