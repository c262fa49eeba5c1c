/* Random numbers from the system, for names that must not meet. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* False when the system gives none. */
bool random_u64(uint64_t *number);

#endif
