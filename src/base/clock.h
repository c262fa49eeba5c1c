/* The two clocks of this machine. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since an arbitrary start; never goes back. */
int64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC; may jump. */
int64_t clock_wall_ms(void);

#endif
