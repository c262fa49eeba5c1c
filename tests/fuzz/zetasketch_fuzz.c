/* Any bytes as a sketch of the profile `zetasketch`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

/* Tags as bytes. */
enum { COUNT = 0x10, DATA = 0x2a, SPARSE_DATA = 0x32, EXTENSION = 0x82 };

static void run(const uint8_t *data, size_t size, int whole)
{
    fuzz_form(HC_PROFILE_ZETASKETCH, data, size, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_near(run, data, size);
    return 0;
}

/* The end of the varint at `at`, or `size`. */
static size_t varint_end(const uint8_t *data, size_t at, size_t size)
{
    while (at < size && data[at] & 0x80)
        at++;
    return at < size ? at + 1 : size;
}

/* The length in the varint at `at` becomes the number of bytes behind it, if
 * that keeps its size. Where those begin. */
static size_t mend_length(uint8_t *data, size_t at, size_t size)
{
    size_t begin = varint_end(data, at, size), length = size - begin;

    if (begin - at == 1 && length < 0x80) {
        data[at] = (uint8_t)length;
    } else if (begin - at == 2 && length < 0x4000) {
        data[at] = (uint8_t)(length | 0x80);
        data[at + 1] = (uint8_t)(length >> 7);
    }
    return begin;
}

static size_t values(const uint8_t *data, size_t at, size_t size)
{
    size_t count = 0;

    for (; at < size; at++)
        count += data[at] < 0x80;
    return count;
}

/* The extension ends with the message, its last field with it; sparse values
 * are as many as the count says, if that is one byte. */
static size_t mend(uint8_t *data, size_t size, size_t room)
{
    size_t at = 0, count_at = 0;
    int is_inner = 0;

    (void)room;
    while (at + 1 < size) {
        uint8_t tag = data[at];

        if (!is_inner && tag == EXTENSION) {
            at = mend_length(data, at + 2, size);
            is_inner = 1;
        } else if (is_inner && (tag == DATA || tag == SPARSE_DATA)) {
            at = mend_length(data, at + 1, size);
            if (tag == SPARSE_DATA && count_at > 0 && values(data, at, size) < 0x80)
                data[count_at] = (uint8_t)values(data, at, size);
            return size;
        } else {
            if (is_inner && tag == COUNT && data[at + 1] < 0x80)
                count_at = at + 1;
            at = varint_end(data, at + 1, size);
        }
    }
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate(data, size, room, seed, mend);
}
