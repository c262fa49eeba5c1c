/* Which hours of which series are written now, of those that were written last. Private
 * to rollup. */
#ifndef ROLLUP_STORE_WARM_H
#define ROLLUP_STORE_WARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_warm_hour {
    int64_t id;
    unsigned touches; /* since it is among them */
};

struct store_warm {
    struct store_warm_hour *hours; /* [most], the last touched first */
    size_t count, most;
};

/* False: no memory. store_warm_free in any case. */
bool store_warm_make(struct store_warm *warm, size_t most);
void store_warm_free(struct store_warm *warm);
/* One more touch of it: how many there were, this one too, while it stayed among the
 * last `most`. */
unsigned store_warm_touch(struct store_warm *warm, int64_t id);

#endif
