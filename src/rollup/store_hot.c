/* A hash table with chains, and two lists: the clean entries by their last use,
 * and the dirty ones. */
#include "store_hot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024

struct list {
    struct store_hot_entry *coldest, *hottest;
    size_t count, bytes;
};

struct store_hot {
    struct store_hot_entry **slots;
    size_t slots_count; /* a power of two */
    struct list clean, dirty;
    size_t bytes_max;
};

struct store_hot *store_hot_create(size_t bytes_max)
{
    struct store_hot *hot = calloc(1, sizeof *hot);

    if (!hot)
        return NULL;
    hot->bytes_max = bytes_max;
    hot->slots_count = SLOTS_FIRST;
    hot->slots = calloc(hot->slots_count, sizeof(hot->slots[0]));
    if (!hot->slots) {
        free(hot);
        return NULL;
    }
    return hot;
}

size_t store_bits_size(enum store_grain grain)
{
    switch (grain) {
    case STORE_PRESENT:
    case STORE_LATE:
        return STORE_DAY_SIZE;
    case STORE_PENDING:
        return STORE_PENDING_SIZE;
    default:
        return 0;
    }
}

static void entry_free(struct store_hot_entry *entry)
{
    hc_sketch_destroy(&entry->sketch);
    free(entry->native);
    free(entry);
}

void store_hot_destroy(struct store_hot **hot)
{
    if (!*hot)
        return;
    for (size_t i = 0; i < (*hot)->slots_count; i++) {
        while ((*hot)->slots[i]) {
            struct store_hot_entry *entry = (*hot)->slots[i];

            (*hot)->slots[i] = entry->chain;
            entry_free(entry);
        }
    }
    free((*hot)->slots);
    free(*hot);
    *hot = NULL;
}

static size_t slot_of(const struct store_hot *hot, enum store_grain grain, int64_t id)
{
    uint64_t hash = ((uint64_t)id * STORE_GRAINS + (unsigned)grain) *
                    UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(hash >> 32) & (hot->slots_count - 1);
}

static struct list *list_of(struct store_hot *hot, const struct store_hot_entry *entry)
{
    return entry->dirty ? &hot->dirty : &hot->clean;
}

static void list_take(struct list *list, struct store_hot_entry *entry)
{
    *(entry->colder ? &entry->colder->hotter : &list->coldest) = entry->hotter;
    *(entry->hotter ? &entry->hotter->colder : &list->hottest) = entry->colder;
    entry->colder = entry->hotter = NULL;
    list->count--;
    list->bytes -= entry->bytes;
}

static void list_put(struct list *list, struct store_hot_entry *entry)
{
    entry->colder = list->hottest;
    entry->hotter = NULL;
    *(list->hottest ? &list->hottest->hotter : &list->coldest) = entry;
    list->hottest = entry;
    list->count++;
    list->bytes += entry->bytes;
}

struct store_hot_entry *store_hot_find(struct store_hot *hot, enum store_grain grain, int64_t id)
{
    struct store_hot_entry *entry = hot->slots[slot_of(hot, grain, id)];

    while (entry && (entry->id != id || entry->grain != grain))
        entry = entry->chain;
    if (entry && !entry->dirty) {
        list_take(&hot->clean, entry);
        list_put(&hot->clean, entry);
    }
    return entry;
}

/* Twice as many slots; without memory the chains just become longer. */
static void grow(struct store_hot *hot)
{
    struct store_hot_entry **old = hot->slots;
    size_t old_count = hot->slots_count;
    struct store_hot_entry **slots = calloc(old_count * 2, sizeof(slots[0]));

    if (!slots)
        return;
    hot->slots = slots;
    hot->slots_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct store_hot_entry *entry = old[i];
            size_t slot = slot_of(hot, entry->grain, entry->id);

            old[i] = entry->chain;
            entry->chain = slots[slot];
            slots[slot] = entry;
        }
    }
    free(old);
}

struct store_hot_entry *store_hot_add(struct store_hot *hot, enum store_grain grain, int64_t id)
{
    size_t size = sizeof(struct store_hot_entry) + store_bits_size(grain);
    struct store_hot_entry *entry = calloc(1, size);
    size_t slot;

    if (!entry)
        return NULL;
    if (hot->clean.count + hot->dirty.count >= hot->slots_count)
        grow(hot);
    slot = slot_of(hot, grain, id);
    entry->grain = grain;
    entry->id = id;
    entry->bytes = size;
    entry->chain = hot->slots[slot];
    hot->slots[slot] = entry;
    list_put(&hot->clean, entry);
    return entry;
}

void store_hot_changed(struct store_hot *hot, struct store_hot_entry *entry)
{
    if (entry->dirty)
        return;
    list_take(&hot->clean, entry);
    entry->dirty = true;
    list_put(&hot->dirty, entry);
}

void store_hot_native(struct store_hot_entry *entry, const void *bytes, size_t size)
{
    free(entry->native);
    entry->native = bytes ? malloc(size) : NULL;
    entry->native_size = entry->native ? size : 0;
    if (entry->native)
        memcpy(entry->native, bytes, size);
}

void store_hot_measure(struct store_hot *hot, struct store_hot_entry *entry)
{
    struct list *list = list_of(hot, entry);

    list->bytes -= entry->bytes;
    entry->bytes = sizeof *entry + store_bits_size(entry->grain) + entry->native_size +
                   (entry->sketch ? hc_sketch_memory(entry->sketch) : 0);
    list->bytes += entry->bytes;
}

static void drop(struct store_hot *hot, struct store_hot_entry *entry)
{
    struct store_hot_entry **place = &hot->slots[slot_of(hot, entry->grain, entry->id)];

    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    list_take(&hot->clean, entry);
    entry_free(entry);
}

void store_hot_trim(struct store_hot *hot)
{
    while (hot->clean.coldest && hot->clean.bytes + hot->dirty.bytes > hot->bytes_max)
        drop(hot, hot->clean.coldest);
}

void store_hot_forget(struct store_hot *hot)
{
    while (hot->clean.coldest)
        drop(hot, hot->clean.coldest);
}

bool store_hot_is_full(const struct store_hot *hot)
{
    return hot->dirty.bytes >= hot->bytes_max / 2;
}

static int entry_compare(const void *one, const void *other)
{
    const struct store_hot_entry *a = *(struct store_hot_entry *const *)one;
    const struct store_hot_entry *b = *(struct store_hot_entry *const *)other;

    if (a->grain != b->grain)
        return a->grain < b->grain ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

bool store_hot_dirty(struct store_hot *hot, struct store_hot_entry ***entries, size_t *count)
{
    struct store_hot_entry **list = calloc(hot->dirty.count + 1, sizeof(list[0]));
    size_t i = 0;

    if (!list)
        return false;
    for (struct store_hot_entry *e = hot->dirty.coldest; e; e = e->hotter)
        list[i++] = e;
    assert(i == hot->dirty.count);
    qsort(list, i, sizeof(list[0]), entry_compare);
    *entries = list;
    *count = i;
    return true;
}

void store_hot_clean(struct store_hot *hot)
{
    while (hot->dirty.coldest) {
        struct store_hot_entry *entry = hot->dirty.coldest;

        list_take(&hot->dirty, entry);
        entry->dirty = false;
        list_put(&hot->clean, entry);
        if (entry->native) {
            store_hot_native(entry, NULL, 0);
            store_hot_measure(hot, entry);
        }
    }
}
