/* Sets are written as sorted runs, each as its distance from the one before and
 * its length, and a length of 0 at the end. In a stream that runs as it should
 * everything is one run, so that the whole is some hundred bytes for each start
 * of an instance and each partition, however many years it covers.
 */
#include "coverage_state.h"

#include <stdlib.h>

#include "coverage_shelf.h"
#include "record_limits.h"

static void put_run(struct text *text, int64_t *at, const struct record_range *run)
{
    state_put_uint(text, (uint64_t)(run->to - run->from));
    state_put_uint(text, (uint64_t)(run->from - *at));
    *at = run->to;
}

static void put_ranges(struct text *text, struct range_set *set)
{
    int64_t at = 0;

    range_set_settle(set);
    for (size_t i = 0; i < set->count; i++)
        put_run(text, &at, &set->ranges[i]);
    state_put_uint(text, 0);
}

/* The next run of a set; false at its end. */
static bool get_run(struct state_reader *reader, int64_t *at, struct record_range *run)
{
    uint64_t length = state_get_uint(reader);
    uint64_t gap = length ? state_get_uint(reader) : 0;

    if (reader->failed || length == 0)
        return false;
    state_expect(reader, gap <= (uint64_t)(INT64_MAX - *at) &&
                             length <= (uint64_t)(INT64_MAX - *at) - gap);
    if (reader->failed)
        return false;
    run->from = *at + (int64_t)gap;
    *at = run->to = run->from + (int64_t)length;
    return true;
}

/* False: no memory. */
static bool get_ranges(struct state_reader *reader, struct range_set *set)
{
    struct record_range run;
    int64_t at = 0;

    while (get_run(reader, &at, &run)) {
        if (!range_set_add(set, run.from, run.to))
            return false;
    }
    return true;
}

static void save_start(struct text *text, struct start *start)
{
    struct record_range run;
    int64_t at = 0;

    state_put_string(text, start->instance);
    state_put_int(text, start->epoch_ms);
    sequence_set_settle(&start->sequences);
    while (at < INT64_MAX && sequence_set_next(&start->sequences, at, &run))
        put_run(text, &at, &run);
    state_put_uint(text, 0);
    put_ranges(text, &start->claimed);
    put_ranges(text, &start->numbers);
}

static bool load_start(struct state_reader *reader, struct coverage *coverage)
{
    const char *instance = state_get_string(reader);
    int64_t epoch_ms = state_get_int(reader);
    struct start *start = coverage_find_start(coverage, instance, epoch_ms);

    return start && get_ranges(reader, &start->sequences.ranges) &&
           get_ranges(reader, &start->claimed) && get_ranges(reader, &start->numbers);
}

enum { PART_SEEN = 1, PART_END = 2 };

static void save_part(struct text *text, struct part *part)
{
    state_put_uint(text, (part->seen ? PART_SEEN : 0) | (part->end ? PART_END : 0));
    if (!part->seen)
        return;
    state_put_int(text, part->first);
    state_put_int(text, part->last);
    state_put_uint(text, part->positions);
    state_put_uint(text, part->read.count);
    state_put_uint(text, part->read.settled);
    for (size_t i = 0; i < part->read.count; i++) {
        const struct span *span = &part->read.spans[i];

        state_put_int(text, span->from);
        state_put_int(text, span->to);
        state_put_int(text, span->first_s);
        state_put_int(text, span->first_from);
        state_put_int(text, span->last_s);
        state_put_int(text, span->last_to);
        state_put_int(text, span->time_ms);
    }
    put_ranges(text, &part->missing);
}

static void load_span(struct state_reader *reader, struct span *span)
{
    span->from = state_get_int(reader);
    span->to = state_get_int(reader);
    span->first_s = state_get_int(reader);
    span->first_from = state_get_int(reader);
    span->last_s = state_get_int(reader);
    span->last_to = state_get_int(reader);
    span->time_ms = state_get_int(reader);
    state_expect(reader, span->from >= 0 && span->from <= span->to);
}

static bool load_part(struct state_reader *reader, struct part *part)
{
    uint64_t flags = state_get_uint(reader);
    size_t count, settled;

    part->seen = flags & PART_SEEN;
    part->end = flags & PART_END;
    if (!part->seen)
        return true;
    part->first = state_get_int(reader);
    part->last = state_get_int(reader);
    part->positions = state_get_uint(reader);
    count = state_get_count(reader);
    settled = (size_t)state_get_uint(reader);
    state_expect(reader, settled <= count);
    if (reader->failed)
        return true;
    part->read.spans = calloc(count + 1, sizeof(part->read.spans[0]));
    if (!part->read.spans)
        return false;
    part->read.room = count + 1;
    part->read.count = count;
    part->read.settled = settled;
    for (size_t i = 0; i < count; i++)
        load_span(reader, &part->read.spans[i]);
    return get_ranges(reader, &part->missing);
}

void coverage_put_names(struct text *text, const struct source *source)
{
    state_put_string(text, source->stream);
    state_put_string(text, source->cluster);
    state_put_string(text, source->topic);
    state_put_string(text, source->input_group);
}

static void save_source(struct text *text, struct source *source)
{
    const struct coverage_source *found = &source->found;

    coverage_put_names(text, source);
    state_put_uint(text, found->checkpoints);
    state_put_uint(text, found->repeated);
    state_put_uint(text, found->frames);
    state_put_uint(text, found->rejects_lost);
    state_put_uint(text, REJECT_COUNT);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        state_put_uint(text, found->rejected[reason]);
    state_put_uint(text, source->parts_count);
    for (size_t i = 0; i < source->parts_count; i++)
        save_part(text, &source->parts[i]);
}

static void load_sums(struct state_reader *reader, struct coverage_source *found)
{
    size_t reasons;

    found->checkpoints = state_get_uint(reader);
    found->repeated = state_get_uint(reader);
    found->frames = state_get_uint(reader);
    found->rejects_lost = state_get_uint(reader);
    reasons = state_get_count(reader);
    state_expect(reader, reasons <= REJECT_COUNT);
    for (size_t reason = 0; reason < reasons && !reader->failed; reason++)
        found->rejected[reason] = state_get_uint(reader);
}

/* One after the other, as an initialiser would not promise. */
void coverage_get_names(struct state_reader *reader, struct record_checkpoint *key)
{
    key->stream = state_get_string(reader);
    key->cluster = state_get_string(reader);
    key->topic = state_get_string(reader);
    key->input_group = state_get_string(reader);
}

static bool load_source(struct state_reader *reader, struct coverage *coverage)
{
    struct record_checkpoint key = {0};
    struct source *source;
    size_t parts;

    coverage_get_names(reader, &key);
    source = coverage_find_source(coverage, &key);
    if (!source)
        return false;
    load_sums(reader, &source->found);
    parts = state_get_count(reader);
    state_expect(reader, parts <= RECORD_PARTITIONS_TOTAL && source->parts_count == 0);
    if (reader->failed)
        return true;
    key.partitions_total = (int32_t)parts;
    if (!source_see(source, &key))
        return false;
    for (size_t i = 0; i < parts && !reader->failed; i++) {
        if (!load_part(reader, &source->parts[i]))
            return false;
    }
    return true;
}

enum hc_status coverage_save(struct coverage *coverage, const struct coverage_shelf *shelf,
                             struct text *text)
{
    enum hc_status status = coverage_shelve(coverage, shelf);

    if (status != HC_OK)
        return status;
    state_put_uint(text, coverage->streams.count);
    for (size_t i = 0; i < coverage->streams.count; i++) {
        const struct stream *stream = coverage->streams.items[i];

        state_put_string(text, stream->name);
        state_put_int(text, stream->begin_s);
    }
    state_put_uint(text, coverage->starts.count);
    for (size_t i = 0; i < coverage->starts.count; i++)
        save_start(text, coverage->starts.items[i]);
    state_put_uint(text, coverage->sources.count);
    for (size_t i = 0; i < coverage->sources.count; i++)
        save_source(text, coverage->sources.items[i]);
    return text->failed ? HC_ENOMEM : HC_OK;
}

static bool load_stream(struct state_reader *reader, struct coverage *coverage)
{
    struct stream *stream = coverage_find_stream(coverage, state_get_string(reader));

    if (stream)
        stream->begin_s = state_get_int(reader);
    return stream != NULL;
}

static bool (*const loads[])(struct state_reader *, struct coverage *) = {
    load_stream, load_start, load_source};

struct coverage *coverage_kept(void)
{
    struct coverage *coverage = coverage_create();

    if (!coverage)
        return NULL;
    coverage_hold(coverage, SIZE_MAX, NULL);
    coverage->kept = true;
    return coverage;
}

struct coverage *coverage_load(struct state_reader *reader)
{
    struct coverage *coverage = coverage_kept();
    size_t kinds = sizeof(loads) / sizeof(loads[0]);
    bool done = coverage != NULL;

    for (size_t kind = 0; done && kind < kinds; kind++) {
        size_t count = state_get_count(reader);

        for (size_t i = 0; done && i < count && !reader->failed; i++)
            done = loads[kind](reader, coverage);
    }
    if (!done || reader->failed)
        coverage_destroy(&coverage);
    return coverage;
}
