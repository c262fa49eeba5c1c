/* Memory that runs out when a test says so. A test that uses it is linked with
 * --wrap for malloc, calloc and realloc (see tests/CMakeLists.txt), so that our
 * own calls come through here; the system's libraries are not concerned. */
#ifndef SUPPORT_SIM_MEMORY_H
#define SUPPORT_SIM_MEMORY_H

#include <stdint.h>

/* The n-th allocation from now on, in whatever thread, fails, once; 0: none does. */
void memory_fail_at(uint64_t n);
/* How many have failed since then. */
uint64_t memory_failed(void);

#endif
