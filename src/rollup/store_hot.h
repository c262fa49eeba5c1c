/* The blobs of a store that are in memory: those that were changed and are not
 * written yet, and those that were used last. Private to rollup. */
#ifndef ROLLUP_STORE_HOT_H
#define ROLLUP_STORE_HOT_H

#include "headcount/sketch.h"
#include "store_file.h"

#define STORE_DAY_MINUTES 1440
#define STORE_DAY_SIZE (STORE_DAY_MINUTES / 8)
#define STORE_PENDING_SIZE 8

struct store_stream;

struct store_hot_entry {
    enum store_grain grain;
    int64_t id;
    struct store_stream *stream; /* whose it is, borrowed */
    struct hc_sketch *sketch;  /* owned; NULL: none yet, or bits */
    void *native;              /* [native_size], owned: its native form, if that is at hand */
    size_t native_size;
    bool dirty;                /* private from here on */
    size_t bytes;
    struct store_hot_entry *chain, *colder, *hotter;
    uint8_t bits[];            /* [store_bits_size] */
};

/* Bytes of bits that a blob of that grain is; 0: it is a sketch. */
size_t store_bits_size(enum store_grain grain);

struct store_hot;
/* `bytes_max` is what is held of clean entries and dirty ones. NULL: no memory. */
struct store_hot *store_hot_create(size_t bytes_max);
void store_hot_destroy(struct store_hot **hot);

/* The entry, or NULL where it is not in memory. Entries stay where they are until
 * the next store_hot_trim. */
struct store_hot_entry *store_hot_find(struct store_hot *hot, enum store_grain grain, int64_t id);
/* A new one, clean and empty; NULL: no memory. */
struct store_hot_entry *store_hot_add(struct store_hot *hot, enum store_grain grain, int64_t id);
/* It was changed: it stays until store_hot_clean. */
void store_hot_changed(struct store_hot *hot, struct store_hot_entry *entry);
/* This is its sketch's native form, which is copied where there is memory; NULL: it is
 * not at hand. */
void store_hot_native(struct store_hot_entry *entry, const void *bytes, size_t size);
/* It has a sketch, or another one, or its form. */
void store_hot_measure(struct store_hot *hot, struct store_hot_entry *entry);
/* Forgets the clean entries that were not used for longest, down to the limit. */
void store_hot_trim(struct store_hot *hot);
/* Forgets all that are clean. */
void store_hot_forget(struct store_hot *hot);

/* Whether the dirty ones take half of what there is. */
bool store_hot_is_full(const struct store_hot *hot);
/* The dirty ones in the order of (grain, id) into *entries, which is freed by the
 * caller; false: no memory. */
bool store_hot_dirty(struct store_hot *hot, struct store_hot_entry ***entries, size_t *count);
/* They were written: their forms are in the file. */
void store_hot_clean(struct store_hot *hot);

#endif
