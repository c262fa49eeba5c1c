/* Which hours and days are due, for a writer. Private to rollup. */
#ifndef ROLLUP_STORE_DUES_H
#define ROLLUP_STORE_DUES_H

#include "store.h"
#include "store_hot.h"

struct store_settled {
    struct store_due due; /* without its name */
    bool final;
};

/* Zero-initialise. */
struct store_dues {
    bool kept;
    int64_t version; /* of what becomes due in the next commit */
    struct store_settled *settled; /* since the last */
    size_t count, room;
};

/* From now on they are kept or not. False on failure: store_file_error. */
bool store_dues_begin(struct store_dues *dues, struct store_file *file, bool kept);
void store_dues_free(struct store_dues *dues);
/* False: no memory. */
bool store_dues_settle(struct store_dues *dues, const struct store_due *due, bool final);
/* In the transaction under way: what was settled, and then what `entries` change, which
 * are all that are written, in the order of (grain, id); minutes from `minutes_from_s`
 * on are kept as such. False: store_file_error. */
bool store_dues_save(const struct store_dues *dues, struct store_file *file,
                     struct store_hot_entry *const *entries, size_t count,
                     int64_t minutes_from_s);
/* That was committed. */
void store_dues_saved(struct store_dues *dues);

#endif
