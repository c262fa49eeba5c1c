/* sketch_bench ROUNDS [WORDS]: runs all cases in turns, ROUNDS times, and prints one
 * table; with WORDS only the rows that begin so, and the cases that they need.
 *
 * A ratio is taken within a round, between neighbours in time; what is shown is
 * the median of the rounds, and the least and the largest of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sketch_bench.h"

#define IDS (1 << 20)
#define ROUNDS_MAX 99

static struct bench_case cases[BENCH_CASES_MAX];
static double rates[BENCH_CASES_MAX][ROUNDS_MAX]; /* calls, or bytes, a second */
static size_t case_count, rounds;

/* A row of the table: how many times faster the first is than the second. */
static const struct row {
    const char *what;
    const char *fast, *slow;
    const char *goal;
} rows[] = {
    {"union of 256 MiB, against reading such blocks", "union large", "read blocks", "0.7"},
    {"union of 256 MiB, against reading one piece", "union large", "read large", ""},
    {"union of 256 KiB, against reading 256 MiB", "union small", "read large", "0.7"},
    {"union of 256 KiB, against reading 256 KiB", "union small", "read small", ""},
    {"union of 256 MiB, against DataSketches", "union large", "their union large", "10"},
    {"union of 256 KiB, against DataSketches", "union small", "their union small", "10"},
    {"add, sparse, against DataSketches", "add sparse", "their add sparse", "1"},
    {"add, sparse, ids known, against DataSketches", "add sparse known",
     "their add sparse known", "1"},
    {"add, dense, against DataSketches HLL_8", "add dense", "their add dense", "1"},
    {"add, dense, against DataSketches HLL_4", "add dense", "their add dense packed", "1"},
    {"add, dense, ids known, against DataSketches HLL_8", "add dense known",
     "their add dense known", "1"},
    {"hc_codec_decode against zstd alone", "decode", "decode bare", ""},
    {"hc_codec_decode against hc_decode", "decode", "decode once", ""},
    {"hc_codec_encode against hc_encode", "encode", "encode once", ""},
};

/* Of this process alone: others that want the processor are not our time. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static struct bench_ids ids_create(void)
{
    struct bench_ids ids = {malloc(IDS * sizeof "user-9999999"),
                            malloc((IDS + 1) * sizeof(uint32_t)), IDS};
    uint32_t at = 0;

    if (ids.text == NULL || ids.starts == NULL)
        abort();
    for (size_t i = 0; i < IDS; i++) {
        ids.starts[i] = at;
        at += (uint32_t)snprintf(ids.text + at, sizeof "user-9999999", "user-%zu", i);
    }
    ids.starts[IDS] = at;
    return ids;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Sorts the values: the median is then in the middle, the spread at the ends. */
static double median(double *values)
{
    qsort(values, rounds, sizeof values[0], compare);
    return rounds % 2 == 1 ? values[rounds / 2]
                           : (values[rounds / 2 - 1] + values[rounds / 2]) / 2;
}

static size_t find(const char *name)
{
    for (size_t i = 0; i < case_count; i++) {
        if (strcmp(cases[i].name, name) == 0)
            return i;
    }
    abort();
}

static int is_wanted(const struct row *row, const char *words)
{
    return strncmp(row->what, words, strlen(words)) == 0;
}

static int is_needed(const char *name, const char *words)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_wanted(&rows[i], words) &&
            (strcmp(rows[i].fast, name) == 0 || strcmp(rows[i].slow, name) == 0))
            return 1;
    }
    return 0;
}

static void measure(const char *words)
{
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < case_count; i++) {
            if (!is_needed(cases[i].name, words))
                continue;
            double start = seconds();
            double units = cases[i].run(cases[i].data);

            rates[i][round] = units / (seconds() - start);
        }
        fprintf(stderr, "round %zu of %zu\n", round + 1, rounds);
    }
}

/* The median of a case as text: GB/s, or the time of a call. */
static void print_case(size_t number)
{
    double values[ROUNDS_MAX], middle;

    memcpy(values, rates[number], sizeof values);
    middle = median(values);
    if (cases[number].is_bytes)
        printf(" %.1f GB/s |", middle * 1e-9);
    else if (middle < 1e6)
        printf(" %.2f us |", 1e6 / middle);
    else
        printf(" %.1f ns |", 1e9 / middle);
}

static void print_row(const struct row *row)
{
    size_t fast = find(row->fast), slow = find(row->slow);
    double ratios[ROUNDS_MAX], middle;

    for (size_t round = 0; round < rounds; round++)
        ratios[round] = rates[fast][round] / rates[slow][round];
    middle = median(ratios);
    printf("| %s |", row->what);
    print_case(fast);
    print_case(slow);
    printf(" %.2f | %.2f to %.2f | %s |\n", middle, ratios[0], ratios[rounds - 1], row->goal);
}

int main(int argc, char **argv)
{
    struct bench_image images[BENCH_DIFFERENT];
    struct bench_ids ids = ids_create();
    const char *words = argc > 2 ? argv[2] : "";

    rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fputs("usage: sketch_bench ROUNDS [WORDS]\n", stderr);
        return 2;
    }
    bench_images(&ids, images);
    case_count = bench_ours(&ids, cases);
    case_count += bench_theirs(&ids, images, cases + case_count);
    measure(words);
    printf("| | libheadcount | against | ratio | from .. to | goal |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_wanted(&rows[i], words))
            print_row(&rows[i]);
    }
    return 0;
}
