/* /api/v1/openapi.json: openapi.json beside this file, which the build puts into the
 * program. */
#include "api_ask.h"

extern const unsigned char embedded_openapi[];
extern const size_t embedded_openapi_size;

static bool answer(struct api_ask *ask, struct text *body)
{
    (void)ask;
    text_bytes(body, embedded_openapi, embedded_openapi_size);
    return true;
}

const struct api_endpoint api_openapi = {.path = "/api/v1/openapi.json", .answer = answer};
