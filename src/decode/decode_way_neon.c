/* Blocks as four vectors of 16 bytes. */
#include "decode_block_any.h"

#if defined __aarch64__
#include <arm_neon.h>

#include "decode_utf8_table.h"

#define VECTORS 4

struct bytes {
    uint8x16_t part[VECTORS];
};

INLINE struct bytes load(const char *at)
{
    struct bytes bytes;

    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = vld1q_u8((const uint8_t *)at + 16 * i);
    return bytes;
}

/* One bit of each byte, which is 0 or 0xff: weighed by its place in eight bytes,
 * and added up in three rounds. */
INLINE uint64_t gather(struct bytes bytes)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t weight = vld1q_u8(weights), low, high;

    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = vandq_u8(bytes.part[i], weight);
    low = vpaddq_u8(bytes.part[0], bytes.part[1]);
    high = vpaddq_u8(bytes.part[2], bytes.part[3]);
    low = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(low, low)), 0);
}

INLINE uint64_t equal(struct bytes bytes, char c)
{
    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = vceqq_u8(bytes.part[i], vdupq_n_u8((uint8_t)c));
    return gather(bytes);
}

INLINE uint64_t between(struct bytes bytes, uint8_t first, uint8_t last)
{
    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = vcleq_u8(vsubq_u8(bytes.part[i], vdupq_n_u8(first)),
                                 vdupq_n_u8(last - first));
    return gather(bytes);
}

/* With the bit set in which '[' differs from '{'. */
INLINE struct bytes fold(struct bytes bytes)
{
    for (int i = 0; i < VECTORS; i++)
        bytes.part[i] = vorrq_u8(bytes.part[i], vdupq_n_u8(0x20));
    return bytes;
}

INLINE uint64_t wide(struct bytes bytes)
{
    uint8x16_t all = vorrq_u8(vorrq_u8(bytes.part[0], bytes.part[1]),
                              vorrq_u8(bytes.part[2], bytes.part[3]));

    return vmaxvq_u8(all) >= 0x80;
}

#include "decode_block_bytes.h"

/* 0xff where there is an error. `last` holds the 16 bytes before. */
INLINE uint8x16_t utf8_errors(uint8x16_t bytes, uint8x16_t last)
{
    uint8x16_t first = vextq_u8(last, bytes, 15);
    uint8x16_t third = vcgeq_u8(vextq_u8(last, bytes, 14), vdupq_n_u8(0xe0));
    uint8x16_t fourth = vcgeq_u8(vextq_u8(last, bytes, 13), vdupq_n_u8(0xf0));
    uint8x16_t low = vandq_u8(first, vdupq_n_u8(0x0f));
    uint8x16_t pairs = vandq_u8(vandq_u8(vqtbl1q_u8(vld1q_u8(utf8_first_high),
                                                    vshrq_n_u8(first, 4)),
                                         vqtbl1q_u8(vld1q_u8(utf8_first_low), low)),
                                vqtbl1q_u8(vld1q_u8(utf8_second_high), vshrq_n_u8(bytes, 4)));
    uint8x16_t tails = vandq_u8(vorrq_u8(third, fourth), vdupq_n_u8(UTF8_TWO_TAILS));

    pairs = veorq_u8(pairs, tails);
    return vtstq_u8(pairs, pairs);
}

/* *wide: not asked for. */
static uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base, size_t size,
                                  size_t *wide)
{
    struct bytes block = load(at), errors;
    uint8x16_t last = base ? vld1q_u8((const uint8_t *)bytes + base - 16) : vdupq_n_u8(0);

    (void)size;
    (void)wide;
    for (int i = 0; i < VECTORS; i++) {
        errors.part[i] = utf8_errors(block.part[i], last);
        last = block.part[i];
    }
    return gather(errors);
}

#define DECODE_WAY neon
#include "decode_machine.h"
#endif
