#include "health.h"

void health_answer(struct http_response *response, const char *well, const char *wrong)
{
    response->status = wrong ? 503 : 200;
    response->type = "text/plain; charset=utf-8";
    response->cache = "no-store";
    text_format(&response->body, "%s\n", wrong ? wrong : well);
}

void health_start(struct health_progress *progress, int64_t now_ms)
{
    progress->good_ms = now_ms;
}

void health_note(struct health_progress *progress, bool good, int64_t now_ms)
{
    if (good)
        progress->good_ms = now_ms;
}

bool health_is_stuck(const struct health_progress *progress, int64_t now_ms, int64_t patience_ms)
{
    return now_ms - progress->good_ms > patience_ms;
}
