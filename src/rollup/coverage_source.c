#include "coverage_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A hole's frames may be ahead of the clock behind it by as much as frames may
 * be ahead at all, by default. */
#define AHEAD_S 3600

struct source *source_create(const struct record_checkpoint *record)
{
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return NULL;
    source->stream = strdup(record->stream);
    source->cluster = strdup(record->cluster);
    source->topic = strdup(record->topic);
    source->input_group = strdup(record->input_group);
    if (source->stream && source->cluster && source->topic && source->input_group)
        return source;
    source_destroy(source);
    return NULL;
}

void source_destroy(struct source *source)
{
    for (size_t i = 0; i < source->parts_count; i++) {
        struct part *part = &source->parts[i];
        free(part->read.spans);
        free(part->spans);
        range_set_free(&part->missing);
        range_set_free(&part->holes);
        range_set_free(&part->lost);
    }
    range_set_free(&source->hidden);
    free(source->unmet);
    free(source->partitions);
    free(source->parts);
    free(source->input_group);
    free(source->topic);
    free(source->cluster);
    free(source->stream);
    free(source);
}

int source_compare(const struct source *source, const struct record_checkpoint *record)
{
    int order = strcmp(source->stream, record->stream);
    if (order == 0)
        order = strcmp(source->cluster, record->cluster);
    if (order == 0)
        order = strcmp(source->topic, record->topic);
    if (order == 0)
        order = strcmp(source->input_group, record->input_group);
    return order;
}

/* A file begins at 0 and has an end; a Kafka partition is what is left of it. */
static bool is_file(const struct source *source)
{
    return strcmp(source->cluster, "file") == 0;
}

static bool grow_parts(struct source *source, size_t count)
{
    if (count <= source->parts_count)
        return true;
    struct part *parts = realloc(source->parts, count * sizeof(parts[0]));
    if (!parts)
        return false;
    memset(parts + source->parts_count, 0, (count - source->parts_count) * sizeof(parts[0]));
    source->parts = parts;
    source->parts_count = count;
    return true;
}

bool source_see(struct source *source, const struct record_checkpoint *record)
{
    size_t count = (size_t)record->partitions_total;
    for (size_t i = 0; i < record->partitions_count; i++) {
        size_t needed = (size_t)record->partitions[i].partition + 1;
        count = needed > count ? needed : count;
    }
    if (!grow_parts(source, count))
        return false;
    bool file = is_file(source);
    for (size_t i = 0; i < record->partitions_count; i++) {
        const struct record_partition *seen = &record->partitions[i];
        struct part *part = &source->parts[seen->partition];
        if (!part->seen || seen->from < part->first)
            part->first = file ? 0 : seen->from;
        if (!part->seen || seen->to > part->last)
            part->last = seen->to;
        part->seen = true;
        part->end = part->end || seen->end;
    }
    return true;
}

/* Whether `b` has a first watermark that comes before that of `a`. */
static bool begins_before(const struct span *a, const struct span *b)
{
    if (a->first_s == NO_WATERMARK || b->first_s == NO_WATERMARK)
        return b->first_s != NO_WATERMARK;
    if (a->first_from != b->first_from)
        return b->first_from < a->first_from;
    return b->first_s < a->first_s;
}

/* Whether `b` has a last watermark that comes behind that of `a`. */
static bool ends_behind(const struct span *a, const struct span *b)
{
    if (a->last_s == NO_WATERMARK || b->last_s == NO_WATERMARK)
        return b->last_s != NO_WATERMARK;
    if (a->last_to != b->last_to)
        return b->last_to > a->last_to;
    if (a->time_ms != b->time_ms)
        return b->time_ms > a->time_ms;
    return b->last_s < a->last_s;
}

/* Makes `into` longer by `next`, which begins in it or at its end. The last
 * watermark is that of the furthest position, and of two that tell of the same
 * position the one that was taken later; the first is that of the least. In
 * either case of two equals the lesser, so that the order in which pieces come
 * together makes no difference. No watermark says nothing. */
static void span_join(struct span *into, const struct span *next)
{
    assert(into->from <= next->from && next->from <= into->to);
    if (ends_behind(into, next)) {
        into->last_s = next->last_s;
        into->last_to = next->last_to;
        into->time_ms = next->time_ms;
    }
    if (begins_before(into, next)) {
        into->first_s = next->first_s;
        into->first_from = next->first_from;
    }
    if (next->to > into->to)
        into->to = next->to;
}

static int span_compare(const void *one, const void *other)
{
    const struct span *a = one, *b = other;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static void spans_settle(struct span_set *set)
{
    if (set->settled == set->count)
        return;
    qsort(set->spans, set->count, sizeof(set->spans[0]), span_compare);
    size_t last = 0;
    for (size_t i = 1; i < set->count; i++) {
        if (set->spans[i].from > set->spans[last].to)
            set->spans[++last] = set->spans[i];
        else
            span_join(&set->spans[last], &set->spans[i]);
    }
    set->count = set->settled = last + 1;
}

/* As in range_set.c: half of the array is free after it. */
static bool spans_make_room(struct span_set *set)
{
    spans_settle(set);
    if (set->count < set->room / 2)
        return true;
    size_t room = set->room ? set->room * 2 : 4;
    struct span *spans = realloc(set->spans, room * sizeof(spans[0]));
    if (!spans)
        return set->count < set->room;
    set->spans = spans;
    set->room = room;
    return true;
}

/* Empty spans are kept too: they hold the watermark of a quiet partition. */
static bool spans_add(struct span_set *set, const struct span *span)
{
    struct span *last = set->count ? &set->spans[set->count - 1] : NULL;
    bool in_order = set->settled == set->count;
    if (in_order && last) {
        if (last->from <= span->from && span->from <= last->to) {
            span_join(last, span);
            return true;
        }
        in_order = last->to < span->from;
    }
    if (set->count == set->room && !spans_make_room(set))
        return false;
    set->spans[set->count++] = *span;
    if (in_order)
        set->settled = set->count;
    return true;
}

/* A partition's [from, to) without what is missing. Only its last piece ends
 * where the checkpoint's watermark was taken. */
static bool part_count(struct part *part, const struct record_partition *read, int64_t time_ms)
{
    struct span piece = {.from = read->from, .first_s = read->watermark_s,
                         .last_s = NO_WATERMARK, .last_to = read->to, .time_ms = time_ms};
    for (size_t i = 0; i < read->missing_count; i++) {
        const struct record_range *missing = &read->missing[i];
        piece.to = missing->from;
        piece.first_from = piece.from;
        if (!spans_add(&part->read, &piece) ||
            !range_set_add(&part->missing, missing->from, missing->to))
            return false;
        part->positions += (uint64_t)(piece.to - piece.from);
        piece.from = missing->to;
    }
    piece.to = read->to;
    piece.first_from = piece.from;
    piece.last_s = read->watermark_s;
    part->positions += (uint64_t)(piece.to - piece.from);
    return spans_add(&part->read, &piece);
}

bool source_count(struct source *source, const struct record_checkpoint *record)
{
    for (size_t i = 0; i < record->partitions_count; i++) {
        const struct record_partition *read = &record->partitions[i];
        assert((size_t)read->partition < source->parts_count);
        if (!part_count(&source->parts[read->partition], read, record->time_ms))
            return false;
    }
    source->found.checkpoints++;
    source->found.frames += record->frames;
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        source->found.rejected[reason] += record->rejected[reason];
    source->found.rejects_lost += record->rejects_lost;
    return true;
}

static bool part_join(struct part *into, const struct part *from)
{
    if (!from->seen)
        return true;
    if (!into->seen || from->first < into->first)
        into->first = from->first;
    if (!into->seen || from->last > into->last)
        into->last = from->last;
    into->seen = true;
    into->end = into->end || from->end;
    into->positions += from->positions;
    for (size_t i = 0; i < from->read.count; i++) {
        if (!spans_add(&into->read, &from->read.spans[i]))
            return false;
    }
    return range_set_unite(&into->missing, &from->missing);
}

bool source_join(struct source *into, const struct source *from)
{
    if (!grow_parts(into, from->parts_count))
        return false;
    for (size_t i = 0; i < from->parts_count; i++) {
        if (!part_join(&into->parts[i], &from->parts[i]))
            return false;
    }
    into->found.checkpoints += from->found.checkpoints;
    into->found.repeated += from->found.repeated;
    into->found.frames += from->found.frames;
    into->found.rejects_lost += from->found.rejects_lost;
    for (int reason = 0; reason < REJECT_COUNT; reason++)
        into->found.rejected[reason] += from->found.rejected[reason];
    return true;
}

bool source_unmet(struct source *source, const struct coverage_unmet *unmet)
{
    if (source->found.unmet_count == source->unmet_room) {
        size_t room = source->unmet_room ? source->unmet_room * 2 : 4;
        struct coverage_unmet *larger = realloc(source->unmet, room * sizeof(larger[0]));
        if (!larger)
            return false;
        source->unmet = larger;
        source->unmet_room = room;
    }
    source->unmet[source->found.unmet_count++] = *unmet;
    return true;
}

/* Frames between two clocks are missing: they concern the minutes that were
 * not over at the first and had begun at the second. */
static bool source_hide(struct source *source, int64_t before_s, int64_t after_s)
{
    int64_t from = before_s == NO_WATERMARK ? INT64_MIN : before_s - 59;
    int64_t to = after_s == NO_WATERMARK ? INT64_MAX : after_s + AHEAD_S + 1;
    return range_set_add(&source->hidden, from, to);
}

/* The gaps of one partition into `gaps`, and what they hide. */
static bool part_gaps(struct source *source, struct part *part, struct range_set *gaps)
{
    int64_t at = part->first, before_s = NO_WATERMARK;
    for (size_t i = 0; i < part->read.count; i++) {
        const struct span *span = &part->read.spans[i];
        if (span->from > at && (!range_set_add(gaps, at, span->from) ||
                                !source_hide(source, before_s, span->first_s)))
            return false;
        at = span->to;
        before_s = span->last_s;
    }
    if (part->last > at && (!range_set_add(gaps, at, part->last) ||
                            !source_hide(source, before_s, NO_WATERMARK)))
        return false;
    return true;
}

static bool part_ranges(struct source *source, struct part *part, uint64_t *uncovered)
{
    struct range_set gaps = {0};
    spans_settle(&part->read);
    range_set_settle(&part->missing);
    bool done = part_gaps(source, part, &gaps) &&
                range_set_subtract(&gaps, &part->missing, &part->holes) &&
                range_set_subtract(&gaps, &part->holes, &part->lost);
    *uncovered = done ? range_set_size(&gaps) : 0;
    range_set_free(&gaps);
    return done;
}

static bool part_spans(struct part *part)
{
    part->spans = calloc(part->read.count + 1, sizeof(part->spans[0]));
    for (size_t i = 0; part->spans && i < part->read.count; i++) {
        const struct span *span = &part->read.spans[i];
        part->spans[i] = (struct coverage_span){span->from, span->to, span->first_s,
                                                span->last_s};
    }
    return part->spans != NULL;
}

static bool part_judge(struct source *source, struct part *part, struct coverage_partition *found)
{
    uint64_t uncovered = 0;
    if (!part_ranges(source, part, &uncovered) || !part_spans(part))
        return false;
    size_t spans = part->read.count;
    *found = (struct coverage_partition){
        .seen = part->seen, .end = part->end, .first = part->first, .last = part->last,
        .spans = part->spans, .spans_count = spans,
        .holes = part->holes.ranges, .holes_count = part->holes.count,
        .lost = part->lost.ranges, .lost_count = part->lost.count,
        .watermark_s = spans ? part->read.spans[spans - 1].last_s : NO_WATERMARK};
    found->covered = (uint64_t)(part->last - part->first) - uncovered;
    found->again = part->positions - found->covered;
    found->open_end = part->seen && !part->end && is_file(source);
    return true;
}

bool source_judge(struct source *source)
{
    struct coverage_source *found = &source->found;
    source->partitions = calloc(source->parts_count + 1, sizeof(source->partitions[0]));
    if (!source->partitions)
        return false;
    found->whole = true;
    source->passed_s = source->reached_s = source->parts_count ? INT64_MAX : NO_WATERMARK;
    for (size_t i = 0; i < source->parts_count; i++) {
        struct coverage_partition *partition = &source->partitions[i];
        if (!part_judge(source, &source->parts[i], partition))
            return false;
        partition->partition = (int32_t)i;
        int64_t watermark_s = partition->watermark_s;
        if (watermark_s < source->reached_s)
            source->reached_s = watermark_s;
        if (!partition->end && watermark_s < source->passed_s)
            source->passed_s = watermark_s;
        found->whole = found->whole && partition->seen && !partition->open_end &&
                       partition->holes_count == 0 && partition->lost_count == 0;
    }
    range_set_settle(&source->hidden);
    found->stream = source->stream;
    found->cluster = source->cluster;
    found->topic = source->topic;
    found->input_group = source->input_group;
    found->partitions = source->partitions;
    found->partitions_count = source->parts_count;
    found->unmet = source->unmet;
    return true;
}
