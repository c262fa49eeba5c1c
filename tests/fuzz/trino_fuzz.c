/* Any bytes as a sketch of the profile `trino`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

static void run(const uint8_t *data, size_t size, int whole)
{
    fuzz_form(HC_PROFILE_TRINO, data, size, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_near(run, data, size);
    return 0;
}

static int compare(const void *left, const void *right)
{
    uint32_t a = fuzz_read(left, 4), b = fuzz_read(right, 4);

    return (a > b) - (a < b);
}

/* As many entries as there are, ascending, with possible zeros. */
static size_t mend_sparse(uint8_t *data, size_t size)
{
    size_t count = size < 4 ? 0 : (size - 4) / 4;

    size = fuzz_resize(data, size, 4 + 4 * count);
    fuzz_write(data + 2, (uint32_t)count, 2);
    for (uint8_t *entry = data + 4; entry < data + size; entry += 4) {
        if ((entry[0] & 0x3f) > 38)
            entry[0] &= 0xdf;
    }
    qsort(data + 4, count, 4, compare);
    return size;
}

static unsigned delta(const uint8_t *data, size_t bucket)
{
    return bucket % 2 == 0 ? data[3 + bucket / 2] >> 4 : data[3 + bucket / 2] & 15;
}

/* All deltas, and for the first of those that are 15 an overflow. */
static size_t mend_dense(uint8_t *data, size_t size, size_t room)
{
    size_t registers = (size_t)1 << data[1], fixed = 5 + registers / 2, count = 0;
    uint8_t *buckets, *values;

    if (fixed > room) {
        data[1] = (uint8_t)(4 + data[1] % 3);
        registers = (size_t)1 << data[1];
        fixed = 5 + registers / 2;
    }
    size = fuzz_resize(data, size, size < fixed ? fixed : size);
    for (size_t i = 0; i < registers; i++)
        count += delta(data, i) == 15 && fixed + 3 * (count + 1) <= room;
    fuzz_resize(data, size, fixed + 3 * count);
    fuzz_write(data + fixed - 2, (uint32_t)count, 2);
    buckets = data + fixed;
    values = buckets + 2 * count;
    for (size_t i = 0; i < registers && buckets < data + fixed + 2 * count; i++) {
        if (delta(data, i) != 15)
            continue;
        fuzz_write(buckets, (uint32_t)i, 2);
        buckets += 2;
        *values = (uint8_t)(*values % 40 + 1);
        values++;
    }
    return fixed + 3 * count;
}

static size_t mend(uint8_t *data, size_t size, size_t room)
{
    size = fuzz_resize(data, size, size < 4 ? 4 : size);
    data[0] = data[0] & 1 ? 3 : 2;
    data[1] = fuzz_precision(data[1], HC_PRECISION_MIN, HC_TRINO_PRECISION_MAX);
    return data[0] == 3 ? mend_dense(data, size, room) : mend_sparse(data, size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}
