/* Checkpoints that wait: some in memory, the others in a temporary file, in runs
 * that are sorted; they come out in order. Private to coverage. */
#ifndef ROLLUP_COVERAGE_PILE_H
#define ROLLUP_COVERAGE_PILE_H

#include "spill_file.h"
#include "waiting.h"

struct pile_run {
    int64_t from, to; /* in the file */
};

/* Zero-initialise, but for file.folder. */
struct pile {
    struct waiting **items; /* in memory */
    size_t count, room;
    size_t bytes;           /* of the items */
    struct spill_file file;
    struct pile_run *runs;
    size_t runs_count, runs_room;
};

void pile_free(struct pile *pile);
/* Takes `waiting` over, but for want of memory: false. */
bool pile_add(struct pile *pile, struct waiting *waiting);
/* Items into the order of (start, number); of equal ones shelved ones first. */
void pile_sort(struct pile *pile);
/* The items, which are sorted, become a run in the file, and `aside` is set of their
 * starts. False: there is no room for it, and all is as before. */
bool pile_put_aside(struct pile *pile);

/* Takes everything out, in the order of (start, number), of equals the one first
 * that was put aside first. Nothing is added meanwhile. */
struct pile_reader;
struct pile_reader *pile_reader_create(struct pile *pile); /* NULL: no memory */
void pile_reader_destroy(struct pile_reader **reader);
/* *waiting is the caller's to free, or NULL: that was all. HC_ENOMEM; HC_EROOM:
 * pile->file.error says what is wrong with the file. */
enum hc_status pile_next(struct pile_reader *reader, struct waiting **waiting);

#endif
