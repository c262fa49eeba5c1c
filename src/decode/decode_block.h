/* Blocks of 64 bytes as words, a bit a byte, the first byte's the lowest. Each
 * way (decode_way_*.c) has its own functions for it:
 *
 *   struct block block_read(const char *at, const char first[FIELDS])
 *   uint64_t block_controls(const char *at)
 *       bytes below 0x20
 *   uint64_t block_parity(uint64_t bits)
 *       the parity of the bits up to and with each
 *   struct escape_marks block_escape_marks(const char *at)
 *   uint64_t block_utf8_errors(const char *at, const char *bytes, size_t base,
 *                              size_t size, size_t *wide)
 *       bytes that UTF-8 forbids, for the block `at`, which is the one at `base`
 *       of the frame. Damage before an ASCII byte shows at that byte at the
 *       latest, and none that stands behind it does. *wide is the way's own, 0
 *       at first. */
#ifndef DECODE_DECODE_BLOCK_H
#define DECODE_DECODE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode_fields.h"

#define BLOCK 64
#define INLINE static inline __attribute__((always_inline))

struct block {
    uint64_t backslash;
    uint64_t quote;
    uint64_t opening; /* { [ */
    uint64_t closing; /* } ] */
    uint64_t colon;
    uint64_t comma;
    uint64_t space;
    uint64_t digit;
    uint64_t zero;    /* '0' */
    uint64_t first[FIELDS]; /* the bytes asked for */
    uint64_t wide;    /* bytes that are not ASCII; or just some bit, if there are */
    bool control;     /* there are bytes below 0x20 */
};

struct escape_marks {
    uint64_t escapable; /* letters that may stand behind a backslash */
    uint64_t unicode;   /* of those, 'u' */
    uint64_t digit;     /* hexadecimal ones */
    uint64_t half;      /* those with which a surrogate begins, or others too */
};

#endif
