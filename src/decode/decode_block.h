/* Blocks of 64 bytes as words, a bit a byte, the first byte's the lowest. Each
 * way (decode_way_*.c) has its own functions for it:
 *
 *   struct block block_read(const char *at)
 *   uint64_t block_parity(uint64_t bits)
 *       the parity of the bits up to and with each
 *   uint64_t block_escapable(const char *at, uint64_t *unicode)
 *       the letters that may stand behind a backslash; those of them that are 'u'
 *   uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base,
 *                              size_t size, size_t *wide)
 *       bytes that UTF-8 forbids, for the block `at`, which is the one at `base`
 *       of the frame. Damage before an ASCII byte shows at that byte at the
 *       latest, and none that stands behind it does. *wide is the way's own, 0
 *       at first: blocks of ASCII are left out while it is.
 *   uint32_t *block_list(uint64_t bits, uint32_t base, uint32_t *places)
 *       writes base + the place of each bit; returns behind the last. What lies
 *       there, up to 64 places in all, may be overwritten */
#ifndef DECODE_DECODE_BLOCK_H
#define DECODE_DECODE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK 64
#define INLINE static inline __attribute__((always_inline))

struct block {
    uint64_t backslash;
    uint64_t quote;
    uint64_t mark;    /* {}[]:, and perhaps control characters */
    uint64_t space;
    uint64_t control; /* below 0x20 */
    bool wide;        /* bytes that are not ASCII */
};

#endif
