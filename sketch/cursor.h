/* A place in bytes of known length: reads and writes that cannot leave it.
 *
 * Numbers are little-endian. Bits fill a byte from its lowest up, so that a
 * code of n bits is the number whose lowest bit came first. A read past the
 * end gives zero and sets `failed`, once and for all: callers look at the end
 * of a group of reads. Writers have made sure of the room before: a write past
 * the end is a bug. */
#ifndef SKETCH_CURSOR_H
#define SKETCH_CURSOR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *next;
    const uint8_t *end;
    uint64_t bits; /* read ahead, lowest first */
    unsigned bits_held;
    bool failed;
};

static inline struct cursor cursor_over(const void *bytes, size_t size)
{
    const uint8_t *first = bytes;

    return (struct cursor){.next = first, .end = first + size};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->next);
}

/* A number of `size` bytes, at most 8. */
static inline uint64_t cursor_number(struct cursor *cursor, unsigned size)
{
    uint64_t number = 0;

    if (cursor->failed || cursor_left(cursor) < size) {
        cursor->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)cursor->next[i] << (8 * i);
    cursor->next += size;
    return number;
}

static inline void cursor_fill(struct cursor *cursor)
{
    while (cursor->bits_held <= 56 && cursor->next < cursor->end) {
        cursor->bits |= (uint64_t)*cursor->next++ << cursor->bits_held;
        cursor->bits_held += 8;
    }
}

/* The next `count` bits, at most 32, as a number. */
static inline uint32_t cursor_bits(struct cursor *cursor, unsigned count)
{
    uint32_t number;

    cursor_fill(cursor);
    if (cursor->failed || cursor->bits_held < count) {
        cursor->failed = true;
        return 0;
    }
    number = (uint32_t)(cursor->bits & ((UINT64_C(1) << count) - 1));
    cursor->bits >>= count;
    cursor->bits_held -= count;
    return number;
}

/* How many zero bits come before the next one bit; takes that too. */
static inline size_t cursor_zeros(struct cursor *cursor)
{
    size_t zeros = 0;
    unsigned run;

    cursor_fill(cursor);
    while (cursor->bits == 0 && cursor->bits_held > 0) {
        zeros += cursor->bits_held;
        cursor->bits_held = 0;
        cursor_fill(cursor);
    }
    if (cursor->failed || cursor->bits_held == 0) {
        cursor->failed = true;
        return 0;
    }
    run = (unsigned)__builtin_ctzll(cursor->bits);
    cursor->bits = run == 63 ? 0 : cursor->bits >> (run + 1);
    cursor->bits_held -= run + 1;
    return zeros + run;
}

/* Whether nothing is left but the zero bits that fill the last byte. */
static inline bool cursor_done(const struct cursor *cursor)
{
    return !cursor->failed && cursor->next == cursor->end && cursor->bits_held < 8 &&
           cursor->bits == 0;
}

struct writer {
    uint8_t *next;
    uint8_t *end;
    uint64_t bits;
    unsigned bits_held;
};

static inline struct writer writer_over(void *bytes, size_t size)
{
    uint8_t *first = bytes;

    return (struct writer){.next = first, .end = first + size};
}

static inline void writer_number(struct writer *writer, uint64_t number, unsigned size)
{
    assert((size_t)(writer->end - writer->next) >= size);
    for (unsigned i = 0; i < size; i++)
        *writer->next++ = (uint8_t)(number >> (8 * i));
}

/* The lowest `count` bits of `number`, at most 32; the others are zero. */
static inline void writer_bits(struct writer *writer, uint32_t number, unsigned count)
{
    writer->bits |= (uint64_t)number << writer->bits_held;
    writer->bits_held += count;
    while (writer->bits_held >= 8) {
        writer_number(writer, writer->bits & 0xff, 1);
        writer->bits >>= 8;
        writer->bits_held -= 8;
    }
}

/* `zeros` zero bits and a one. */
static inline void writer_zeros(struct writer *writer, size_t zeros)
{
    for (; zeros >= 32; zeros -= 32)
        writer_bits(writer, 0, 32);
    writer_bits(writer, UINT32_C(1) << zeros, (unsigned)zeros + 1);
}

/* Fills the last byte with zero bits. */
static inline void writer_finish(struct writer *writer)
{
    if (writer->bits_held > 0)
        writer_bits(writer, 0, 8 - writer->bits_held);
}

#endif
