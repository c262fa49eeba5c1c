/* Two coverages into one, for records that were read in several threads.
 *
 * Everything is a union of sets, a least or a greatest, but for sums over the
 * checkpoints that count. Those are right as long as no checkpoint counts twice. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_inside.h"

bool coverage_joins(struct coverage *into, struct coverage *from)
{
    for (size_t i = 0; i < from->starts.count; i++) {
        struct start *start = from->starts.items[i];
        struct start *other = coverage_known_start(into, start->instance, start->epoch_ms);
        if (!other)
            continue;
        range_set_settle(&start->numbers);
        range_set_settle(&other->numbers);
        if (range_set_meet(&start->numbers, &other->numbers))
            return false;
    }
    return true;
}

static bool join_streams(struct coverage *into, const struct coverage *from)
{
    for (size_t i = 0; i < from->streams.count; i++) {
        const struct stream *stream = from->streams.items[i];
        struct stream *joined = coverage_find_stream(into, stream->name);
        if (!joined)
            return false;
        if (stream->begin_s < joined->begin_s)
            joined->begin_s = stream->begin_s;
    }
    return true;
}

static bool join_starts(struct coverage *into, const struct coverage *from)
{
    for (size_t i = 0; i < from->starts.count; i++) {
        struct start *start = from->starts.items[i];
        struct start *joined = coverage_find_start(into, start->instance, start->epoch_ms);
        if (!joined || !sequence_set_unite(&joined->sequences, &start->sequences) ||
            !range_set_unite(&joined->claimed, &start->claimed) ||
            !range_set_unite(&joined->numbers, &start->numbers))
            return false;
    }
    return true;
}

/* The same source in `into`; NULL: no memory. */
static struct source *source_in(struct coverage *into, const struct source *source)
{
    const struct record_checkpoint key = {.stream = source->stream, .cluster = source->cluster,
                                          .topic = source->topic,
                                          .input_group = source->input_group};
    return coverage_find_source(into, &key);
}

static bool join_sources(struct coverage *into, const struct coverage *from)
{
    for (size_t i = 0; i < from->sources.count; i++) {
        struct source *joined = source_in(into, from->sources.items[i]);
        if (!joined || !source_join(joined, from->sources.items[i]))
            return false;
    }
    return true;
}

/* One that waited in `from` waits in `into`, which takes it over in any case. */
static enum hc_status wait_in(struct coverage *into, struct waiting *waiting)
{
    waiting->start = coverage_find_start(into, waiting->start->instance,
                                         waiting->start->epoch_ms);
    waiting->source = source_in(into, waiting->source);
    if (waiting->start && waiting->source)
        return coverage_wait(into, waiting);
    free(waiting);
    return HC_ENOMEM;
}

/* Those that wait in `from` wait in `into` from now on. */
static enum hc_status join_waiting(struct coverage *into, struct coverage *from)
{
    struct pile_reader *reader = pile_reader_create(&from->pile);
    struct waiting *waiting;
    if (!reader)
        return HC_ENOMEM;
    enum hc_status status = pile_next(reader, &waiting);
    while (status == HC_OK && waiting) {
        status = wait_in(into, waiting);
        if (status == HC_OK)
            status = pile_next(reader, &waiting);
    }
    if (status == HC_EROOM)
        memcpy(into->pile.file.error, from->pile.file.error, sizeof into->pile.file.error);
    pile_reader_destroy(&reader);
    return status;
}

enum hc_status coverage_join(struct coverage *into, struct coverage *from)
{
    assert(into != from && !into->judged && !from->judged);
    if (!join_streams(into, from) || !join_starts(into, from) || !join_sources(into, from))
        return HC_ENOMEM;
    return join_waiting(into, from);
}
