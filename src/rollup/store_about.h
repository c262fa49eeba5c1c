/* What a stream has in a store, without its sketches. Private to rollup. */
#ifndef ROLLUP_STORE_ABOUT_H
#define ROLLUP_STORE_ABOUT_H

#include "store.h"

/* In the transaction under way; false: store_file_error. */
bool store_about_read(struct store_file *file, const char *name, struct store_about *about);

#endif
