/* How far the partitions of the topics of records were read. Private to rollup. */
#ifndef ROLLUP_STORE_PLACES_H
#define ROLLUP_STORE_PLACES_H

#include "store_file.h"

struct store_place;
/* Zero-initialise. */
struct store_places {
    struct store_place *places;
    size_t count, room;
    size_t last; /* used */
};

void store_places_free(struct store_places *places);
/* False: no memory. */
bool store_places_note(struct store_places *places, const struct store_position *position);
/* Whether it was noted; then position->next. */
bool store_places_know(struct store_places *places, struct store_position *position);
/* Writes what is new, in the transaction under way; false: store_file_error. Tell it
 * with store_places_saved that it was committed. */
bool store_places_save(const struct store_places *places, struct store_file *file);
void store_places_saved(struct store_places *places);

#endif
