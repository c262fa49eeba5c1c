/* Any bytes as a sketch of the profile `postgres`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

#define HEADER_SIZE 3
#define WORDS_MAX 32

enum { EMPTY = 1, EXPLICIT, SPARSE, FULL };

static void run(const uint8_t *data, size_t size, int whole)
{
    fuzz_form(HC_PROFILE_POSTGRES, data, size, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_near(run, data, size);
    return 0;
}

/* Signed, the highest byte first. */
static int compare(const void *left, const void *right)
{
    const uint8_t *a = left, *b = right;

    if ((a[0] ^ b[0]) & 0x80)
        return a[0] & 0x80 ? -1 : 1;
    return memcmp(a, b, 8);
}

static size_t mend_explicit(uint8_t *data, size_t size, size_t room)
{
    size_t count = size < HEADER_SIZE + 8 ? 1 : (size - HEADER_SIZE) / 8;

    if (HEADER_SIZE + 8 * count > room)
        return size;
    size = fuzz_resize(data, size, HEADER_SIZE + 8 * count);
    qsort(data + HEADER_SIZE, count, 8, compare);
    return size;
}

/* Words with ascending indices and ranks above 0, from as many bytes; so do
 * words that were right before change into others. */
static size_t mend_sparse(uint8_t *data, size_t size, size_t room)
{
    unsigned log2m = data[1] & 0x1f, regwidth = (data[1] >> 5) + 1U, width = log2m + regwidth;
    size_t count = size - HEADER_SIZE < WORDS_MAX ? size - HEADER_SIZE : WORDS_MAX, bit = 0;
    uint8_t seeds[WORDS_MAX];
    uint32_t index = 0;

    memcpy(seeds, data + HEADER_SIZE, count);
    memset(data + HEADER_SIZE, 0, room - HEADER_SIZE);
    for (size_t i = 0; i < count && (bit + width + 7) / 8 <= room - HEADER_SIZE; i++) {
        uint32_t rank = seeds[i] & ((1U << regwidth) - 1), word;

        index += i == 0 ? seeds[i] & 7 : (seeds[i] & 0x0fU) + 1;
        if (index >> log2m != 0)
            break;
        word = index << regwidth | (rank == 0 ? 1 : rank);
        for (unsigned b = 0; b < width; b++, bit++)
            data[HEADER_SIZE + bit / 8] |=
                (uint8_t)((word >> (width - 1 - b) & 1) << (7 - bit % 8));
    }
    return HEADER_SIZE + (bit + 7) / 8;
}

static size_t mend_full(uint8_t *data, size_t size, size_t room)
{
    size_t needed = ((size_t)1 << (data[1] & 0x1f)) * ((data[1] >> 5) + 1U) / 8;

    if (HEADER_SIZE + needed > room) {
        data[1] = (uint8_t)((data[1] & 0xe0) | HC_PRECISION_MIN);
        needed = 2U * ((data[1] >> 5) + 1U);
    }
    return fuzz_resize(data, size, HEADER_SIZE + needed);
}

static size_t mend(uint8_t *data, size_t size, size_t room)
{
    uint8_t log2m;

    size = fuzz_resize(data, size, size < HEADER_SIZE + 1 ? HEADER_SIZE + 1 : size);
    data[0] = (uint8_t)(0x10 | ((data[0] & 3) + 1));
    log2m = fuzz_precision(data[1] & 0x1f, HC_PRECISION_MIN, HC_POSTGRES_PRECISION_MAX);
    data[1] = (uint8_t)((data[1] & 0xe0) | log2m);
    data[2] &= 0x7f;
    switch (data[0] & 15) {
    case EXPLICIT:
        return mend_explicit(data, size, room);
    case SPARSE:
        return mend_sparse(data, size, room);
    case FULL:
        return mend_full(data, size, room);
    default:
        return HEADER_SIZE;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}
