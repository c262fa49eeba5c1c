#include "random.h"

#include <sys/random.h>

bool random_u64(uint64_t *number)
{
    return getrandom(number, sizeof *number, 0) == (ssize_t)sizeof *number;
}
