/* Goal: each way in which a processor raises registers does what the plain
 * one does, and that what its one sentence says: every register becomes the
 * larger one, and the answer is whether any rose; and each way in which it tallies
 * them counts every register once. All lengths that sketches have, arrays at odd
 * addresses, random ones and those of which one register differs. */
#include <stdbool.h>

#include "check_main.h"
#include "dense_simd.h"
#include "sketch_kit.h"

#define GUARD 64

/* Two arrays of registers, what lies around the first, and what it must become. */
static uint8_t into[KIT_REGISTERS_MAX + 2 * GUARD];
static uint8_t from[KIT_REGISTERS_MAX + 2 * GUARD];
static uint8_t expected[KIT_REGISTERS_MAX + 2 * GUARD];

/* Runs one way over the arrays as they are, from byte `at`. */
static void raises(const struct dense_way *way, size_t at, size_t count)
{
    static uint8_t kept[sizeof into];
    bool risen = false;

    memcpy(kept, into, at + count + GUARD);
    memcpy(expected, into, at + count + GUARD);
    for (size_t i = at; i < at + count; i++) {
        if (from[i] > expected[i]) {
            expected[i] = from[i];
            risen = true;
        }
    }
    if (way->raise(into + at, from + at, count) != risen)
        ck_abort_msg("%s: a wrong answer at %zu registers", way->name, count);
    if (memcmp(into, expected, at + count + GUARD) != 0)
        ck_abort_msg("%s: wrong registers of %zu", way->name, count);
    if (way->raise(into + at, from + at, count))
        ck_abort_msg("%s: rises again at %zu registers", way->name, count);
    memcpy(into, kept, at + count + GUARD);
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed, unsigned values)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(random_mix(seed + i * UINT64_C(0x9e3779b97f4a7c15)) % values);
}

START_TEST(random_arrays)
{
    const unsigned values[] = {1, 2, 62, 128, 256};
    const struct dense_way *ways;
    size_t count = dense_ways(&ways);

    ck_assert_uint_ge(count, 1);
    for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            fill(into, sizeof into, v, values[v]);
            fill(from, sizeof from, v + 1000, values[v]);
            for (size_t way = 0; way < count; way++)
                raises(&ways[way], v * 13 % GUARD, (size_t)1 << precision);
        }
    }
}
END_TEST

/* Multiples of 16 that are no power of two, too. */
START_TEST(one_register_differs)
{
    const struct dense_way *ways;
    size_t count = dense_ways(&ways);

    for (size_t length = 16; length <= 16 * 40; length += 16) {
        fill(into, sizeof into, length, 256);
        memcpy(from, into, sizeof from);
        for (size_t at = 0; at < length; at++) {
            for (int step = -1; step <= 1; step++) {
                from[at + 1] = (uint8_t)(into[at + 1] + step);
                for (size_t way = 0; way < count; way++)
                    raises(&ways[way], 1, length);
            }
            from[at + 1] = into[at + 1];
        }
    }
}
END_TEST

/* Against counting one by one. */
static void tallies(const struct dense_way *way, const uint8_t *registers, size_t count)
{
    uint32_t ranks[DENSE_RANKS], truth[DENSE_RANKS] = {0};

    for (size_t i = 0; i < count; i++)
        truth[registers[i]]++;
    memset(ranks, 0xff, sizeof ranks);
    way->tally(registers, count, ranks);
    if (memcmp(ranks, truth, sizeof ranks) != 0)
        ck_abort_msg("%s: a wrong tally of %zu registers", way->name, count);
}

/* Few ranks and all of them; all registers of one rank, where tallies of a byte would
 * overflow; multiples of 16 that are no power of two. */
START_TEST(every_rank)
{
    const unsigned values[] = {1, 2, 21, DENSE_RANKS};
    const struct dense_way *ways;
    size_t count = dense_ways(&ways);

    for (size_t way = 0; way < count; way++) {
        for (unsigned precision = HC_PRECISION_MIN; precision <= HC_PRECISION_MAX; precision++) {
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                fill(from, sizeof from, v + precision, values[v]);
                tallies(&ways[way], from + v * 13 % GUARD, (size_t)1 << precision);
            }
        }
        for (int rank = 0; rank < DENSE_RANKS; rank++) {
            memset(from, rank, sizeof from);
            tallies(&ways[way], from, KIT_REGISTERS_MAX);
        }
        for (size_t length = 16; length <= 16 * 40; length += 16) {
            fill(from, sizeof from, length, DENSE_RANKS);
            tallies(&ways[way], from + 1, length);
        }
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, random_arrays);
    tcase_add_test(cases, one_register_differs);
    tcase_add_test(cases, every_rank);
}
