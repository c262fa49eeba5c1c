/* Any bytes as a sketch of the profile `datasketches`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

#define PRECISION_MAX 21
#define HEADER_SIZE 8
#define HLL_HEADER_SIZE 40
#define COMPACT 8

enum { LIST, SET, HLL };
enum { HLL_4, HLL_6, HLL_8 };

static void run(const uint8_t *data, size_t size, int whole)
{
    fuzz_form(HC_PROFILE_DATASKETCHES, data, size, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_near(run, data, size);
    return 0;
}

/* Coupons without a rank get one. */
static uint32_t mend_coupons(uint8_t *from, const uint8_t *end, int is_table)
{
    uint32_t count = 0;

    for (; from < end; from += 4) {
        if (from[3] >> 2 == 0 && (!is_table || fuzz_read(from, 4) != 0))
            from[3] |= 4;
        count += from[3] >> 2 != 0;
    }
    return count;
}

static size_t mend_list(uint8_t *data, size_t size, size_t room)
{
    size_t words = (size - HEADER_SIZE) / 4 < 7 ? (size - HEADER_SIZE) / 4 : 7;

    (void)room;
    size = fuzz_resize(data, size, HEADER_SIZE + 4 * (data[5] & COMPACT ? words : 8));
    data[4] = 3;
    data[6] = (uint8_t)mend_coupons(data + HEADER_SIZE, data + HEADER_SIZE + 4 * words, 1);
    return size;
}

static size_t mend_set(uint8_t *data, size_t size, size_t room)
{
    size_t words = size < HEADER_SIZE + 8 ? 1 : (size - HEADER_SIZE - 4) / 4;

    if (data[3] < 8)
        data[3] += 8;
    if (!(data[5] & COMPACT)) {
        data[4] = room < HEADER_SIZE + 4 + 4 * 32 ? 3 : 5;
        words = (size_t)1 << data[4];
    }
    size = fuzz_resize(data, size, HEADER_SIZE + 4 + 4 * words);
    fuzz_write(data + 8, mend_coupons(data + 12, data + size, !(data[5] & COMPACT)), 4);
    return size;
}

/* The first slots that say so get an exception, the others lose that. */
static size_t mend_exceptions(uint8_t *data, size_t size, size_t room)
{
    size_t slots = (size_t)1 << data[3], body = HLL_HEADER_SIZE + slots / 2, count = 0;
    size_t words_max = (room - body) / 4;

    data[6] %= 49;
    data[4] = data[4] % 8 ? data[4] % 8 : 1;
    if (!(data[5] & COMPACT) && words_max > (size_t)1 << data[4])
        words_max = (size_t)1 << data[4];
    size = fuzz_resize(data, size, size < body ? body : size);
    memset(data + size, 0, room - size);
    for (size_t i = 0; i < slots; i++) {
        uint8_t *pair = data + HLL_HEADER_SIZE + i / 2, shift = i % 2 * 4;
        uint8_t *word = data + body + 4 * count;
        unsigned least = data[6] + 15U;

        if ((*pair >> shift & 15) != 15)
            continue;
        if (count == words_max) {
            *pair = (uint8_t)(*pair ^ (1 << shift));
            continue;
        }
        fuzz_write(word, (uint32_t)i | (least + word[3] % (64 - least)) << 26, 4);
        count++;
    }
    fuzz_write(data + 36, (uint32_t)count, 4);
    if (data[5] & COMPACT)
        return body + 4 * count;
    memset(data + body + 4 * count, 0, room - body - 4 * count);
    return body + ((size_t)4 << data[4]) <= room ? body + ((size_t)4 << data[4]) : room;
}

static size_t mend_registers(uint8_t *data, size_t size, size_t room)
{
    const size_t eighths[] = {4, 6, 8};
    unsigned target = data[7] >> 2;
    size_t body;

    if (HLL_HEADER_SIZE + ((size_t)1 << data[3]) + 1 > room)
        data[3] = 4;
    if (HLL_HEADER_SIZE + ((size_t)1 << data[3]) + 1 > room)
        return size;
    body = ((size_t)1 << data[3]) * eighths[target] / 8 + (target == HLL_6);
    if (target == HLL_4)
        return mend_exceptions(data, size, room);
    for (size_t i = HLL_HEADER_SIZE; target == HLL_8 && i < size; i++)
        data[i] &= 63;
    return fuzz_resize(data, size, HLL_HEADER_SIZE + body);
}

static size_t mend(uint8_t *data, size_t size, size_t room)
{
    const uint8_t preambles[] = {2, 3, 10};
    unsigned mode, target;

    size = fuzz_resize(data, size, size < HEADER_SIZE ? HEADER_SIZE : size);
    mode = (data[7] & 3) % 3;
    target = (data[7] >> 2) % 3;
    data[0] = preambles[mode];
    data[1] = 1;
    data[2] = 7;
    data[3] = fuzz_precision(data[3], HC_PRECISION_MIN, PRECISION_MAX);
    data[5] &= 24;
    data[7] = (uint8_t)(mode | target << 2);
    if (mode == LIST)
        return mend_list(data, size, room);
    return mode == SET ? mend_set(data, size, room) : mend_registers(data, size, room);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}
