/* Pointers in the order of some key, for a few thousand of them. */
#ifndef ROLLUP_SORTED_H
#define ROLLUP_SORTED_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise; free `items`. The pointers are the user's own. */
struct sorted {
    void **items;
    size_t count, room;
};

/* Compares an item with a key: less than, equal to or greater than 0. */
typedef int sorted_compare(const void *item, const void *key);

/* Where the item of this key stands, or, with *found false, where it belongs. */
size_t sorted_find(const struct sorted *sorted, const void *key, sorted_compare *compare,
                   bool *found);
/* False when there is no memory. */
bool sorted_insert(struct sorted *sorted, size_t at, void *item);

#endif
