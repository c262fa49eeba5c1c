#include "sim_memory.h"

#include <stdbool.h>
#include <stdlib.h>

static uint64_t left, failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

void memory_fail_at(uint64_t n)
{
    left = n;
    failed = 0;
}

uint64_t memory_failed(void)
{
    return failed;
}

static bool is_over(void)
{
    if (left == 0 || --left > 0)
        return false;
    failed++;
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
