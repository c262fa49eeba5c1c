#include "headcount/version.h"

#define VERSION_QUOTE(number) #number
#define VERSION_TEXT(major, minor, patch) \
    VERSION_QUOTE(major) "." VERSION_QUOTE(minor) "." VERSION_QUOTE(patch)

const char *hc_version(void)
{
    return VERSION_TEXT(HC_VERSION_MAJOR, HC_VERSION_MINOR, HC_VERSION_PATCH);
}
