/* What was read is kept by start, by stream and by source; checkpoints wait until
 * their sequences have come (coverage_resolve.c). */
#include "coverage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_inside.h"
#include "limits.h"

struct coverage *coverage_create(void)
{
    struct coverage *coverage = calloc(1, sizeof(*coverage));
    if (coverage)
        coverage_hold(coverage, LIMIT_WAITING_BYTES, NULL);
    return coverage;
}

static void start_destroy(struct start *start)
{
    sequence_set_free(&start->sequences);
    range_set_free(&start->claimed);
    range_set_free(&start->numbers);
    range_set_free(&start->fresh);
    free(start->instance);
    free(start);
}

void coverage_destroy(struct coverage **coverage)
{
    struct coverage *old = *coverage;
    if (!old)
        return;
    pile_free(&old->pile);
    free(old->loose);
    for (size_t i = 0; i < old->sources.count; i++)
        source_destroy(old->sources.items[i]);
    free(old->sources.items);
    for (size_t i = 0; i < old->streams.count; i++) {
        free(((struct stream *)old->streams.items[i])->name);
        free(old->streams.items[i]);
    }
    free(old->streams.items);
    for (size_t i = 0; i < old->starts.count; i++)
        start_destroy(old->starts.items[i]);
    free(old->starts.items);
    free(old);
    *coverage = NULL;
}

int start_compare(const void *item, const void *key)
{
    const struct start *a = item, *b = key;
    int order = strcmp(a->instance, b->instance);
    return order ? order : (a->epoch_ms > b->epoch_ms) - (a->epoch_ms < b->epoch_ms);
}

struct start *coverage_known_start(struct coverage *coverage, const char *instance,
                                   int64_t epoch_ms)
{
    struct start key = {.instance = (char *)(uintptr_t)instance, .epoch_ms = epoch_ms};
    bool found;
    size_t at = sorted_find(&coverage->starts, &key, start_compare, &found);
    return found ? coverage->starts.items[at] : NULL;
}

struct start *coverage_find_start(struct coverage *coverage, const char *instance,
                                  int64_t epoch_ms)
{
    struct start key = {.instance = (char *)(uintptr_t)instance, .epoch_ms = epoch_ms};
    if (coverage->start && start_compare(coverage->start, &key) == 0)
        return coverage->start;
    bool found;
    size_t at = sorted_find(&coverage->starts, &key, start_compare, &found);
    if (found)
        return coverage->start = coverage->starts.items[at];
    struct start *start = calloc(1, sizeof(*start));
    if (!start)
        return NULL;
    start->instance = strdup(instance);
    start->epoch_ms = epoch_ms;
    if (!start->instance || !sorted_insert(&coverage->starts, at, start)) {
        start_destroy(start);
        return NULL;
    }
    return coverage->start = start;
}

static int stream_compare(const void *item, const void *key)
{
    return strcmp(((const struct stream *)item)->name, key);
}

const struct stream *coverage_known_stream(const struct coverage *coverage, const char *name)
{
    bool found;
    size_t at = sorted_find(&coverage->streams, name, stream_compare, &found);
    return found ? coverage->streams.items[at] : NULL;
}

struct stream *coverage_find_stream(struct coverage *coverage, const char *name)
{
    if (coverage->stream && stream_compare(coverage->stream, name) == 0)
        return coverage->stream;
    bool found;
    size_t at = sorted_find(&coverage->streams, name, stream_compare, &found);
    if (found)
        return coverage->stream = coverage->streams.items[at];
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->begin_s = INT64_MAX;
    stream->name = strdup(name);
    if (!stream->name || !sorted_insert(&coverage->streams, at, stream)) {
        free(stream->name);
        free(stream);
        return NULL;
    }
    return coverage->stream = stream;
}

static int sources_compare(const void *item, const void *key)
{
    return source_compare(item, key);
}

struct source *coverage_find_source(struct coverage *coverage,
                                    const struct record_checkpoint *record)
{
    bool found;
    size_t at = sorted_find(&coverage->sources, record, sources_compare, &found);
    if (found)
        return coverage->sources.items[at];
    struct source *source = source_create(record);
    if (!source)
        return NULL;
    if (!sorted_insert(&coverage->sources, at, source)) {
        source_destroy(source);
        return NULL;
    }
    return source;
}

enum hc_status coverage_add_sketch(struct coverage *coverage, const struct record_sketch *record)
{
    assert(!coverage->judged && record->sequence < INT64_MAX);
    int64_t sequence = (int64_t)record->sequence;
    struct stream *stream = coverage_find_stream(coverage, record->stream);
    struct start *start = coverage_find_start(coverage, record->instance, record->epoch_ms);
    if (!stream || !start || !sequence_set_add(&start->sequences, sequence))
        return HC_ENOMEM;
    if (coverage->kept && !range_set_add(&start->fresh, sequence, sequence + 1))
        return HC_ENOMEM;
    if (record->state != RECORD_LATE && record->minute_s < stream->begin_s)
        stream->begin_s = record->minute_s;
    return HC_OK;
}

enum hc_status coverage_add_checkpoint(struct coverage *coverage,
                                       const struct record_checkpoint *record)
{
    assert(!coverage->judged && record->number < INT64_MAX && record->sequence_last < INT64_MAX);
    struct start *start = coverage_find_start(coverage, record->instance, record->epoch_ms);
    struct source *source = coverage_find_source(coverage, record);
    if (!start || !source || !source_see(source, record))
        return HC_ENOMEM;
    struct waiting *waiting = waiting_create(record);
    if (!waiting)
        return HC_ENOMEM;
    waiting->start = start;
    waiting->source = source;
    return coverage_wait(coverage, waiting);
}

/* Finds the sources of each stream, and how far the furthest has come. */
static bool judge_streams(struct coverage *coverage)
{
    for (size_t i = 0; i < coverage->sources.count; i++) {
        const struct source *source = coverage->sources.items[i];
        struct stream *stream = coverage_find_stream(coverage, source->stream);
        if (!stream)
            return false;
        if (stream->sources_count++ == 0) {
            stream->sources = i;
            stream->reached_s = source->reached_s;
        }
        if (source->reached_s > stream->reached_s)
            stream->reached_s = source->reached_s;
    }
    return true;
}

/* What of one run of sequences no checkpoint names, into `kinds`: those between
 * checkpoints, and those after the last. False: no memory. */
static bool judge_run(const struct start *start, const struct record_range *run,
                      struct coverage_loose kinds[2])
{
    size_t claims = start->claimed.count;
    int64_t end = claims ? start->claimed.ranges[claims - 1].to : 0;
    struct range_set all = {0}, unclaimed = {0};
    if (range_set_holds(&start->claimed, run->from, run->to))
        return true;
    bool done = range_set_add(&all, run->from, run->to) &&
                range_set_subtract(&all, &start->claimed, &unclaimed);
    for (size_t i = 0; done && i < unclaimed.count; i++) {
        const struct record_range *range = &unclaimed.ranges[i];
        struct coverage_loose *kind = &kinds[range->from >= end];
        if (kind->sequences == 0)
            kind->sequence = (uint64_t)range->from;
        kind->sequences += (uint64_t)(range->to - range->from);
    }
    range_set_free(&all);
    range_set_free(&unclaimed);
    return done;
}

/* The records of one start that no checkpoint names become loose. */
static bool judge_start(struct coverage *coverage, struct start *start)
{
    struct coverage_loose kinds[2] = {{.instance = start->instance, .epoch_ms = start->epoch_ms},
                                      {.instance = start->instance, .epoch_ms = start->epoch_ms,
                                       .tail = true}};
    struct record_range run;
    sequence_set_settle(&start->sequences);
    range_set_settle(&start->claimed);
    for (int64_t at = 0; sequence_set_next(&start->sequences, at, &run); at = run.to) {
        if (!judge_run(start, &run, kinds))
            return false;
    }
    for (size_t k = 0; k < 2; k++) {
        if (kinds[k].sequences)
            coverage->loose[coverage->loose_count++] = kinds[k];
    }
    return true;
}

static bool judge_starts(struct coverage *coverage)
{
    coverage->loose = calloc(2 * coverage->starts.count + 1, sizeof(coverage->loose[0]));
    if (!coverage->loose)
        return false;
    for (size_t i = 0; i < coverage->starts.count; i++) {
        if (!judge_start(coverage, coverage->starts.items[i]))
            return false;
    }
    return true;
}

enum hc_status coverage_judge(struct coverage *coverage)
{
    assert(!coverage->judged);
    coverage->judged = true;
    enum hc_status status = coverage_resolve(coverage);
    if (status != HC_OK)
        return status;
    for (size_t i = 0; i < coverage->sources.count; i++) {
        if (!source_judge(coverage->sources.items[i]))
            return HC_ENOMEM;
    }
    return judge_streams(coverage) && judge_starts(coverage) ? HC_OK : HC_ENOMEM;
}

size_t coverage_sources_count(const struct coverage *coverage)
{
    assert(coverage->judged);
    return coverage->sources.count;
}

const struct coverage_source *coverage_source(const struct coverage *coverage, size_t index)
{
    assert(coverage->judged && index < coverage->sources.count);
    return &((const struct source *)coverage->sources.items[index])->found;
}

size_t coverage_loose_count(const struct coverage *coverage)
{
    assert(coverage->judged);
    return coverage->loose_count;
}

const struct coverage_loose *coverage_loose(const struct coverage *coverage, size_t index)
{
    assert(coverage->judged && index < coverage->loose_count);
    return &coverage->loose[index];
}
