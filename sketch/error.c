/* Names and texts of the statuses, by their pinned values. */
#include "headcount/error.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} statuses[] = {
    [HC_OK] = {"HC_OK", "done"},
    [HC_ENOMEM] = {"HC_ENOMEM", "there is no memory"},
    [HC_ERANGE] = {"HC_ERANGE", "an argument is outside its range"},
    [HC_EPROFILE] = {"HC_EPROFILE", "sketches of different profiles or keys do not merge"},
    [HC_EROOM] = {"HC_EROOM", "the buffer is too small"},
    [HC_ETRUNCATED] = {"HC_ETRUNCATED", "the bytes end before the sketch does"},
    [HC_EMAGIC] = {"HC_EMAGIC", "these bytes are not a sketch"},
    [HC_EVERSION] = {"HC_EVERSION", "the sketch was written by a newer version"},
    [HC_ECORRUPT] = {"HC_ECORRUPT", "the sketch holds what no encoder writes"},
    [HC_ECHECKSUM] = {"HC_ECHECKSUM", "the checksum does not match the content"},
    [HC_EPRECISION] = {"HC_EPRECISION", "the target form has no such precision"},
    [HC_EWIDE] = {"HC_EWIDE", "the interval is wider than the value"},
};

#define STATUSES (sizeof statuses / sizeof statuses[0])

const char *hc_status_name(enum hc_status status)
{
    return (size_t)status < STATUSES ? statuses[status].name : "HC_UNKNOWN";
}

const char *hc_status_text(enum hc_status status)
{
    return (size_t)status < STATUSES ? statuses[status].text : "an unknown status";
}
