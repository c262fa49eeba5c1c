/* What the files of store_bench share. */
#ifndef BENCHMARK_STORE_BENCH_H
#define BENCHMARK_STORE_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7

static inline double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static inline void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static inline int double_compare(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* Of ROUNDS values, which are sorted. */
static inline double median(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), double_compare);
    return values[ROUNDS / 2];
}

/* Asks the API of a board, up to end_s, on a connection of its own each time. */
void bench_http(const char *path, int64_t end_s);

#endif
