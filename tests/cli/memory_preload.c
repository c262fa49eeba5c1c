/* Preloaded, it makes the allocation whose number MEMORY_FAILS_AT holds fail, and
 * with MEMORY_FAILS_ON all behind it too. Libraries' allocations count like the
 * program's. The number of all is written to the file MEMORY_COUNTED_IN. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's own names of them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);

static atomic_ulong counted;
static unsigned long fails_at;
static int fails_on;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("MEMORY_FAILS_AT");
    fails_on = getenv("MEMORY_FAILS_ON") != NULL;
    fails_at = at ? strtoul(at, NULL, 10) : 0;
    atomic_store(&counted, 0);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("MEMORY_COUNTED_IN");
    unsigned long count = atomic_load(&counted);
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%lu", count);
        fclose(file);
    }
}

static int fails(void)
{
    unsigned long number = atomic_fetch_add(&counted, 1) + 1;
    if (fails_at == 0 || number < fails_at || (number > fails_at && !fails_on))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __libc_realloc(pointer, size);
}
