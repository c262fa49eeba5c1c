/* What `tools/bench sketch` measures: cases of ours and of DataSketches, each a
 * function that does the same work every time.
 *
 * sketch_bench.c runs them in turns, so that a busy moment of the machine meets
 * all of them, and divides what belongs together round by round. */
#ifndef SKETCH_BENCH_H
#define SKETCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_PRECISION 14
#define BENCH_REGISTERS (1 << BENCH_PRECISION)
/* Users of a sketch that is dense, and of one that is sparse in both libraries. */
#define BENCH_MANY 100000
#define BENCH_FEW 1000
/* Different sketches, copied to make these sets: one beyond any cache, and one
 * within the second. */
#define BENCH_DIFFERENT 16
#define BENCH_LARGE 16384
#define BENCH_SMALL 16
/* How often a run goes through the small one. */
#define BENCH_REPEATS 1000

/* user-0 user-1 ..., without a byte between them: id i begins at starts[i]. */
struct bench_ids {
    char *text;
    uint32_t *starts; /* count + 1 */
    size_t count;
};

/* A sketch as DataSketches reads it, HLL_8. */
struct bench_image {
    uint8_t *bytes;
    size_t size;
};

struct bench_case {
    const char *name;
    /* Does the work; how many calls that were, or bytes. */
    double (*run)(void *data);
    void *data;
    int is_bytes;
};

#define BENCH_CASES_MAX 32

/* Appends the cases of one side; their data lives as long as the program. The
 * images are made by ours and read by theirs. */
size_t bench_ours(const struct bench_ids *ids, struct bench_case *cases);
size_t bench_theirs(const struct bench_ids *ids, const struct bench_image *images,
                    struct bench_case *cases);
void bench_images(const struct bench_ids *ids, struct bench_image *images);

#ifdef __cplusplus
}
#endif
#endif
