/* Any bytes as a sketch of the profile `redis`: support/foreign_fuzz.h. */
#include "foreign_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_form(HC_PROFILE_REDIS, data, size);
}
