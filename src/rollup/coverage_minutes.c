/* What a judged coverage says of minutes: the same for long stretches, which end
 * where a clock stands or a hole begins or ends. */
#include <assert.h>
#include <string.h>

#include "coverage_inside.h"

static bool same_topic(const struct source *a, const struct source *b)
{
    return strcmp(a->cluster, b->cluster) == 0 && strcmp(a->topic, b->topic) == 0;
}

/* A change at `at` ends the stretch that `time_s` lies in, if it comes later. */
static void end_before(int64_t at, int64_t time_s, int64_t *until_s)
{
    if (at > time_s && at < *until_s)
        *until_s = at;
}

/* Where the answer of one source changes. */
static void end_of_source(const struct source *source, int64_t minute_s, int64_t *until_s)
{
    struct record_range hidden;
    if (source->passed_s != NO_WATERMARK)
        end_before(source->passed_s - 59, minute_s, until_s);
    if (range_set_next(&source->hidden, minute_s, &hidden)) {
        end_before(hidden.from, minute_s, until_s);
        end_before(hidden.to, minute_s, until_s);
    }
}

struct coverage_minute coverage_minute(const struct coverage *coverage, const char *stream,
                                       int64_t minute_s)
{
    int64_t until_s;
    return coverage_minutes(coverage, stream, minute_s, &until_s);
}

struct coverage_minute coverage_minutes(const struct coverage *coverage, const char *stream,
                                        int64_t minute_s, int64_t *until_s)
{
    assert(coverage->judged);
    struct coverage_minute answer = {false, false};
    *until_s = INT64_MAX;
    int64_t end_s = minute_s + 60;
    bool topic_done = true;
    const struct stream *known = coverage_known_stream(coverage, stream);
    if (!known || known->sources_count == 0)
        return answer;
    answer.reached = known->begin_s <= minute_s && end_s <= known->reached_s;
    end_before(known->begin_s, minute_s, until_s);
    if (known->reached_s != NO_WATERMARK)
        end_before(known->reached_s - 59, minute_s, until_s);
    answer.complete = true;
    /* The input groups of one topic stand together. */
    for (size_t i = 0; i < known->sources_count; i++) {
        const struct source *source = coverage->sources.items[known->sources + i];
        if (i == 0 || !same_topic(coverage->sources.items[known->sources + i - 1], source)) {
            answer.complete = answer.complete && topic_done;
            topic_done = false;
        }
        end_of_source(source, minute_s, until_s);
        if (end_s <= source->passed_s &&
            !range_set_holds(&source->hidden, minute_s, minute_s + 1))
            topic_done = true;
    }
    answer.complete = answer.complete && topic_done;
    return answer;
}
