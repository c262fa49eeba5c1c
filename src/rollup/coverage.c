/* A checkpoint and the sketches it rests on lie in different partitions of the
 * topic, so either may be read first. Checkpoints therefore wait until their
 * sequences have come, and are looked at again whenever twice as many wait as
 * were left over the last time: each costs a logarithm, in any order. */
#include "coverage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_inside.h"

#define WAITING_FIRST 1024

struct coverage *coverage_create(void)
{
    struct coverage *coverage = calloc(1, sizeof(*coverage));
    if (coverage)
        coverage->waiting_most = WAITING_FIRST;
    return coverage;
}

static void start_destroy(struct start *start)
{
    sequence_set_free(&start->sequences);
    range_set_free(&start->claimed);
    range_set_free(&start->numbers);
    free(start->instance);
    free(start);
}

void coverage_destroy(struct coverage **coverage)
{
    struct coverage *old = *coverage;
    if (!old)
        return;
    for (size_t i = 0; i < old->waiting_count; i++)
        free(old->waiting[i]);
    free(old->waiting);
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

static int start_compare(const void *item, const void *key)
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
    if (record->state != RECORD_LATE && record->minute_s < stream->begin_s)
        stream->begin_s = record->minute_s;
    return HC_OK;
}

/* A copy whose arrays lie behind it, all of them of 8-byte elements. */
static struct waiting *waiting_create(const struct record_checkpoint *record)
{
    size_t partitions_size = record->partitions_count * sizeof(struct record_partition);
    size_t replaced_size = record->replaced_count * sizeof(uint64_t);
    size_t missing_count = 0;
    for (size_t i = 0; i < record->partitions_count; i++)
        missing_count += record->partitions[i].missing_count;
    struct waiting *waiting = malloc(sizeof(*waiting) + partitions_size + replaced_size +
                                     missing_count * sizeof(struct record_range));
    if (!waiting)
        return NULL;
    struct record_partition *partitions = (struct record_partition *)(waiting + 1);
    struct record_range *missing = (struct record_range *)(partitions + record->partitions_count);
    *waiting = (struct waiting){.record = *record};
    waiting->record.partitions = partitions;
    for (size_t i = 0; i < record->partitions_count; i++) {
        partitions[i] = record->partitions[i];
        partitions[i].missing = missing;
        for (size_t m = 0; m < partitions[i].missing_count; m++)
            *missing++ = record->partitions[i].missing[m];
    }
    if (replaced_size)
        memcpy(missing, record->replaced, replaced_size);
    waiting->record.replaced = (const uint64_t *)missing;
    return waiting;
}

static int waiting_compare(const void *one, const void *other)
{
    const struct waiting *a = *(struct waiting *const *)one, *b = *(struct waiting *const *)other;
    int order = a->start == b->start ? 0 : start_compare(a->start, b->start);
    if (order == 0)
        order = (a->record.number > b->record.number) - (a->record.number < b->record.number);
    return order;
}

/* What of [from, to) was not read, into an empty set, which is settled after. */
static bool add_unread(const struct sequence_set *read, int64_t from, int64_t to,
                       struct range_set *unread)
{
    struct record_range run;
    while (from < to && sequence_set_next(read, from, &run) && run.from < to) {
        if (!range_set_add(unread, from, run.from))
            return false;
        from = run.to;
    }
    return range_set_add(unread, from, to);
}

/* Which sequences `waiting` lacks, into `unmet`; its `sequences` is 0 when it
 * lacks none. False: no memory. */
static bool waiting_lacks(const struct waiting *waiting, struct coverage_unmet *unmet)
{
    const struct record_checkpoint *record = &waiting->record;
    struct range_set replaced = {0}, unread = {0}, lacking = {0};
    int64_t first = (int64_t)record->sequence_first, last = (int64_t)record->sequence_last;
    bool done = false;
    *unmet = (struct coverage_unmet){waiting->start->instance, waiting->start->epoch_ms,
                                     record->number, 0, 0};
    if (first > last || sequence_set_holds(&waiting->start->sequences, first, last + 1))
        return true;
    for (size_t i = 0; i < record->replaced_count; i++) {
        int64_t sequence = (int64_t)record->replaced[i];
        if (!range_set_add(&replaced, sequence, sequence + 1))
            goto out;
    }
    range_set_settle(&replaced);
    if (!add_unread(&waiting->start->sequences, first, last + 1, &unread) ||
        !range_set_subtract(&unread, &replaced, &lacking))
        goto out;
    done = true;
    unmet->sequences = range_set_size(&lacking);
    unmet->sequence = lacking.count ? (uint64_t)lacking.ranges[0].from : 0;
out:
    range_set_free(&lacking);
    range_set_free(&unread);
    range_set_free(&replaced);
    return done;
}

/* Sorts those who wait, and marks the ones that were counted before or stand
 * there twice. */
static void mark_repeated(struct coverage *coverage)
{
    for (size_t i = 0; i < coverage->starts.count; i++) {
        struct start *start = coverage->starts.items[i];
        sequence_set_settle(&start->sequences);
        range_set_settle(&start->numbers);
    }
    if (coverage->waiting_count)
        qsort(coverage->waiting, coverage->waiting_count, sizeof(coverage->waiting[0]),
              waiting_compare);
    for (size_t i = 0; i < coverage->waiting_count; i++) {
        struct waiting *waiting = coverage->waiting[i];
        int64_t number = (int64_t)waiting->record.number;
        waiting->repeated =
            range_set_holds(&waiting->start->numbers, number, number + 1) ||
            (i > 0 && waiting_compare(&coverage->waiting[i - 1], &coverage->waiting[i]) == 0);
    }
}

/* Counts whatever can be counted. With `last`, the others never will be.
 * On failure those that were not looked at stay. */
static enum hc_status coverage_resolve(struct coverage *coverage, bool last)
{
    size_t kept = 0, i;
    bool done = true;
    mark_repeated(coverage);
    for (i = 0; done && i < coverage->waiting_count; i++) {
        struct waiting *waiting = coverage->waiting[i];
        struct coverage_unmet unmet = {0};
        int64_t number = (int64_t)waiting->record.number;
        done = waiting->repeated || waiting_lacks(waiting, &unmet);
        if (done && unmet.sequences > 0 && !last) {
            coverage->waiting[kept++] = waiting;
            continue;
        }
        if (done && waiting->repeated)
            waiting->source->found.repeated++;
        else if (done && unmet.sequences > 0)
            done = source_unmet(waiting->source, &unmet);
        else if (done)
            done = source_count(waiting->source, &waiting->record) &&
                   range_set_add(&waiting->start->numbers, number, number + 1);
        free(waiting);
    }
    for (; i < coverage->waiting_count; i++)
        coverage->waiting[kept++] = coverage->waiting[i];
    coverage->waiting_count = kept;
    coverage->waiting_most = kept * 2 > WAITING_FIRST ? kept * 2 : WAITING_FIRST;
    return done ? HC_OK : HC_ENOMEM;
}

bool coverage_wait(struct coverage *coverage, struct waiting *waiting)
{
    if (coverage->waiting_count == coverage->waiting_room) {
        size_t room = coverage->waiting_room ? coverage->waiting_room * 2 : 64;
        struct waiting **larger = realloc(coverage->waiting, room * sizeof(larger[0]));
        if (!larger)
            return false;
        coverage->waiting = larger;
        coverage->waiting_room = room;
    }
    coverage->waiting[coverage->waiting_count++] = waiting;
    return true;
}

enum hc_status coverage_look_again(struct coverage *coverage)
{
    if (coverage->waiting_count < coverage->waiting_most)
        return HC_OK;
    return coverage_resolve(coverage, false);
}

enum hc_status coverage_add_checkpoint(struct coverage *coverage,
                                       const struct record_checkpoint *record)
{
    assert(!coverage->judged && record->number < INT64_MAX && record->sequence_last < INT64_MAX);
    struct start *start = coverage_find_start(coverage, record->instance, record->epoch_ms);
    struct source *source = coverage_find_source(coverage, record);
    if (!start || !source || !source_see(source, record))
        return HC_ENOMEM;
    if (!range_set_add(&start->claimed, (int64_t)record->sequence_first,
                       (int64_t)record->sequence_last + 1))
        return HC_ENOMEM;
    struct waiting *waiting = waiting_create(record);
    if (!waiting)
        return HC_ENOMEM;
    waiting->start = start;
    waiting->source = source;
    if (!coverage_wait(coverage, waiting)) {
        free(waiting);
        return HC_ENOMEM;
    }
    return coverage_look_again(coverage);
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
    if (coverage_resolve(coverage, true) != HC_OK)
        return HC_ENOMEM;
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

static bool same_topic(const struct source *a, const struct source *b)
{
    return strcmp(a->cluster, b->cluster) == 0 && strcmp(a->topic, b->topic) == 0;
}

struct coverage_minute coverage_minute(const struct coverage *coverage, const char *stream,
                                       int64_t minute_s)
{
    assert(coverage->judged);
    struct coverage_minute answer = {false, false};
    int64_t end_s = minute_s + 60;
    bool found, topic_done = true;
    size_t at = sorted_find(&coverage->streams, stream, stream_compare, &found);
    const struct stream *known = found ? coverage->streams.items[at] : NULL;
    if (!known || known->sources_count == 0)
        return answer;
    answer.reached = known->begin_s <= minute_s && end_s <= known->reached_s;
    answer.complete = true;
    /* The input groups of one topic stand together. */
    for (size_t i = 0; i < known->sources_count; i++) {
        const struct source *source = coverage->sources.items[known->sources + i];
        if (i == 0 || !same_topic(coverage->sources.items[known->sources + i - 1], source)) {
            answer.complete = answer.complete && topic_done;
            topic_done = false;
        }
        if (end_s <= source->passed_s &&
            !range_set_holds(&source->hidden, minute_s, minute_s + 1))
            topic_done = true;
    }
    answer.complete = answer.complete && topic_done;
    return answer;
}
