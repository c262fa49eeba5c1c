/* Sets are written as sorted runs, each as its distance from the one before and
 * its length, and a length of 0 at the end. In a stream that runs as it should
 * everything is one run, so that the whole is some hundred bytes for each start
 * of an instance and each partition, however many years it covers.
 *
 * Checkpoints that wait are written as they came; to load them is to note them
 * again, which says nothing new of what else is there. */
#include "coverage_state.h"

#include <assert.h>
#include <stdlib.h>

#include "coverage_inside.h"
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

static void save_source(struct text *text, struct source *source)
{
    const struct coverage_source *found = &source->found;

    state_put_string(text, source->stream);
    state_put_string(text, source->cluster);
    state_put_string(text, source->topic);
    state_put_string(text, source->input_group);
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
static void load_names(struct state_reader *reader, struct record_checkpoint *key)
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

    load_names(reader, &key);
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

static void save_waiting_partition(struct text *text, const struct record_partition *partition)
{
    state_put_uint(text, (uint64_t)partition->partition);
    state_put_int(text, partition->from);
    state_put_int(text, partition->to);
    state_put_int(text, partition->watermark_s);
    state_put_uint(text, partition->end);
    state_put_uint(text, partition->missing_count);
    for (size_t i = 0; i < partition->missing_count; i++) {
        state_put_int(text, partition->missing[i].from);
        state_put_int(text, partition->missing[i].to);
    }
}

static void save_waiting(struct text *text, const struct waiting *waiting)
{
    const struct record_checkpoint *record = &waiting->record;

    state_put_string(text, waiting->source->stream);
    state_put_string(text, waiting->source->cluster);
    state_put_string(text, waiting->source->topic);
    state_put_string(text, waiting->source->input_group);
    state_put_string(text, waiting->start->instance);
    state_put_int(text, waiting->start->epoch_ms);
    state_put_uint(text, record->number);
    state_put_int(text, record->time_ms);
    state_put_uint(text, (uint64_t)record->partitions_total);
    state_put_uint(text, record->sequence_first);
    state_put_uint(text, record->sequence_last);
    state_put_uint(text, record->replaced_count);
    for (size_t i = 0; i < record->replaced_count; i++)
        state_put_uint(text, record->replaced[i]);
    state_put_uint(text, record->frames);
    state_put_uint(text, record->rejects_lost);
    state_put_uint(text, REJECT_COUNT);
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        state_put_uint(text, record->rejected[reason]);
    state_put_uint(text, record->partitions_count);
    for (size_t i = 0; i < record->partitions_count; i++)
        save_waiting_partition(text, &record->partitions[i]);
}

/* The arrays of a checkpoint that is being loaded. */
struct loading {
    uint64_t *replaced;
    struct record_partition *partitions;
    struct record_range *missing; /* of all partitions, in room for all that is left */
    size_t missing_count, missing_room;
};

static void load_waiting_partition(struct state_reader *reader, struct loading *loading,
                                   struct record_partition *partition)
{
    uint64_t number = state_get_uint(reader);
    size_t count;

    partition->from = state_get_int(reader);
    partition->to = state_get_int(reader);
    partition->watermark_s = state_get_int(reader);
    partition->end = state_get_uint(reader);
    count = state_get_count(reader);
    state_expect(reader, number < RECORD_PARTITIONS_TOTAL && partition->from >= 0 &&
                             partition->from <= partition->to &&
                             count <= loading->missing_room - loading->missing_count);
    if (reader->failed)
        return;
    partition->partition = (int32_t)number;
    partition->missing = loading->missing + loading->missing_count;
    partition->missing_count = count;
    for (size_t i = 0; i < count; i++) {
        struct record_range *range = &loading->missing[loading->missing_count++];

        range->from = state_get_int(reader);
        range->to = state_get_int(reader);
    }
}

/* Everything behind the names. False: no memory. */
static bool load_numbers(struct state_reader *reader, struct loading *loading,
                         struct record_checkpoint *record)
{
    size_t reasons;

    record->number = state_get_uint(reader);
    record->time_ms = state_get_int(reader);
    record->partitions_total = (int32_t)state_get_uint(reader);
    record->sequence_first = state_get_uint(reader);
    record->sequence_last = state_get_uint(reader);
    record->replaced_count = state_get_count(reader);
    loading->replaced = calloc(record->replaced_count + 1, sizeof(loading->replaced[0]));
    if (!loading->replaced)
        return false;
    record->replaced = loading->replaced;
    for (size_t i = 0; i < record->replaced_count; i++)
        loading->replaced[i] = state_get_uint(reader);
    record->frames = state_get_uint(reader);
    record->rejects_lost = state_get_uint(reader);
    reasons = state_get_count(reader);
    state_expect(reader, reasons <= REJECT_COUNT && record->number <= RECORD_COUNT_MAX &&
                             record->sequence_first <= RECORD_COUNT_MAX &&
                             record->sequence_last <= RECORD_COUNT_MAX);
    for (size_t reason = 0; reason < reasons && !reader->failed; reason++)
        record->rejected[reason] = state_get_uint(reader);
    record->partitions_count = state_get_count(reader);
    state_expect(reader, record->partitions_count <= LIMIT_PARTITIONS);
    if (reader->failed)
        record->partitions_count = 0;
    loading->missing_room = (size_t)(reader->end - reader->at) / 2;
    loading->partitions = calloc(record->partitions_count + 1, sizeof(loading->partitions[0]));
    loading->missing = calloc(loading->missing_room + 1, sizeof(loading->missing[0]));
    if (!loading->partitions || !loading->missing)
        return false;
    record->partitions = loading->partitions;
    for (size_t i = 0; i < record->partitions_count; i++)
        load_waiting_partition(reader, loading, &loading->partitions[i]);
    return true;
}

static bool load_waiting(struct state_reader *reader, struct coverage *coverage)
{
    struct record_checkpoint record = {0};
    struct loading loading = {0};
    bool done;

    load_names(reader, &record);
    record.instance = state_get_string(reader);
    record.epoch_ms = state_get_int(reader);
    done = load_numbers(reader, &loading, &record);
    if (done && !reader->failed)
        done = coverage_add_checkpoint(coverage, &record) == HC_OK;
    free(loading.missing);
    free(loading.partitions);
    free(loading.replaced);
    return done;
}

enum hc_status coverage_save(struct coverage *coverage, struct text *text)
{
    if (coverage_settle(coverage) != HC_OK)
        return HC_ENOMEM;
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
    assert(coverage->pile.runs_count == 0);
    state_put_uint(text, coverage->pile.count);
    for (size_t i = 0; i < coverage->pile.count; i++)
        save_waiting(text, coverage->pile.items[i]);
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
    load_stream, load_start, load_source, load_waiting};

struct coverage *coverage_kept(void)
{
    struct coverage *coverage = coverage_create();

    if (coverage)
        coverage_hold(coverage, SIZE_MAX, NULL);
    return coverage;
}

struct coverage *coverage_load(struct state_reader *reader, enum coverage_use use)
{
    struct coverage *coverage = coverage_kept();
    size_t kinds = sizeof(loads) / sizeof(loads[0]) - (use == COVERAGE_JUDGE);
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
