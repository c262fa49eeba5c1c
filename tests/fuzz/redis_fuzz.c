/* Any bytes as a sketch of the profile `redis`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

#define REGISTERS (1 << HC_REDIS_PRECISION)

static void run(const uint8_t *data, size_t size, int whole)
{
    fuzz_form(HC_PROFILE_REDIS, data, size, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_near(run, data, size);
    return 0;
}

/* The size of the opcode at `data`; its run is taken from *left. 0 at the end
 * of either. */
static size_t opcode(const uint8_t *data, size_t size, size_t *left)
{
    size_t run, taken = 1;

    if (size == 0 || *left == 0)
        return 0;
    run = data[0] & 0x80 ? (data[0] & 3U) + 1 : (data[0] & 0x3fU) + 1;
    if (data[0] >> 6 == 1) {
        if (size < 2)
            return 0;
        run = (data[0] & 0x3fU) * 256 + data[1] + 1;
        taken = 2;
    }
    if (run > *left)
        return 0;
    *left -= run;
    return taken;
}

/* Runs that come to all registers, the last one of zeros. */
static size_t mend(uint8_t *data, size_t size, size_t room)
{
    size_t left = REGISTERS, at = 16, taken;

    size = fuzz_resize(data, size, size < 16 ? 16 : size);
    memcpy(data, "HYLL", 4);
    if (data[4] == 0 && room >= HC_REDIS_SIZE_MAX)
        return fuzz_resize(data, size, HC_REDIS_SIZE_MAX);
    data[4] = 1;
    while ((taken = opcode(data + at, size - at, &left)) > 0)
        at += taken;
    if (left > 0 && at + 2 <= room) {
        data[at++] = (uint8_t)(0x40 | (left - 1) >> 8);
        data[at++] = (uint8_t)(left - 1);
    }
    return at;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}
