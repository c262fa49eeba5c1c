#include "frame.h"

#include <assert.h>

static const char *const names[] = {
#define REJECT_NAME(upper, lower) [REJECT_##upper] = #lower,
    REJECT_REASONS(REJECT_NAME)
#undef REJECT_NAME
};

const char *reject_name(enum reject reason)
{
    assert((unsigned)reason < REJECT_COUNT);
    return names[reason];
}
