/* A checkpoint waits on the shelf under the first sequence that it lacks. When that was
 * read it is taken, and counted or put back under the next one. So one that lacks a
 * sequence which never comes is written once, and never looked at again.
 *
 * When the transaction fails, the shelf is as it was. What was counted stays counted,
 * and its row is erased with the next one, without a word; what was taken and not
 * counted is taken again, and one of the two is dropped like that, too. */
#include "coverage_shelf.h"

#include <stdlib.h>

#include "limits.h"

bool coverage_is_full(const struct coverage *coverage)
{
    return coverage->pile.bytes > LIMIT_WAITING_BYTES;
}

enum hc_status coverage_unshelve(struct coverage *coverage, const struct coverage_shelved *one)
{
    struct state_reader reader = state_open(one->bytes, one->size);
    struct record_checkpoint key = {0};
    struct start *start;
    struct source *source;
    struct waiting *waiting;

    coverage_get_names(&reader, &key);
    if (reader.failed)
        return HC_ECORRUPT;
    start = coverage_find_start(coverage, one->instance, one->epoch_ms);
    source = coverage_find_source(coverage, &key);
    waiting = start && source ? waiting_read(reader.at, (size_t)(reader.end - reader.at)) : NULL;
    if (!waiting)
        return HC_ENOMEM;
    waiting->start = start;
    waiting->source = source;
    waiting->record.number = (uint64_t)one->number;
    waiting->shelved = true;
    if (pile_add(&coverage->pile, waiting))
        return HC_OK;
    free(waiting);
    return HC_ENOMEM;
}

struct taking {
    struct coverage *coverage;
    enum hc_status status;
};

static bool take_one(void *context, const struct coverage_shelved *one)
{
    struct taking *taking = context;

    taking->status = coverage_unshelve(taking->coverage, one);
    return taking->status == HC_OK;
}

/* All of a start that lack what is fresh. */
static enum hc_status take(struct coverage *coverage, struct start *start,
                           const struct coverage_shelf *shelf)
{
    struct taking taking = {.coverage = coverage};

    range_set_settle(&start->fresh);
    for (size_t i = 0; i < start->fresh.count; i++) {
        const struct record_range *run = &start->fresh.ranges[i];
        const struct coverage_shelved of = {
            .instance = start->instance, .epoch_ms = start->epoch_ms, .lacks = run->from};

        if (!shelf->take(shelf->context, &of, run->to, take_one, &taking))
            return taking.status == HC_ENOMEM ? HC_ENOMEM : HC_EROOM;
    }
    return HC_OK;
}

static int put(const struct waiting *waiting, const struct coverage_unmet *unmet,
               const struct coverage_shelf *shelf, struct text *text)
{
    struct coverage_shelved one = {.instance = waiting->start->instance,
                                   .epoch_ms = waiting->start->epoch_ms,
                                   .number = (int64_t)waiting->record.number,
                                   .lacks = (int64_t)unmet->sequence};

    text_clear(text);
    coverage_put_names(text, waiting->source);
    waiting_write(waiting, text);
    state_seal(text, 0);
    one.bytes = text->bytes;
    one.size = text->size;
    return text->failed ? -1 : shelf->put(shelf->context, &one);
}

/* One that the first look left. *stays: it is on the shelf now, and in memory until that
 * is committed. */
static enum hc_status put_one(struct waiting *waiting, const struct coverage_shelf *shelf,
                              struct text *text, bool *stays)
{
    int64_t number = (int64_t)waiting->record.number;
    struct coverage_unmet unmet;
    int done = 1;

    *stays = true;
    if (!coverage_lacks(waiting, &unmet))
        return HC_ENOMEM;
    if (unmet.sequences > 0)
        done = put(waiting, &unmet, shelf, text);
    if (done < 0)
        return text->failed ? HC_ENOMEM : HC_EROOM;
    waiting->repeated = done == 0;
    *stays = unmet.sequences > 0 && !waiting->repeated;
    if (*stays)
        return HC_OK;
    /* It waited for a gap only, or stands there already. */
    if (!waiting->repeated && !range_set_add(&waiting->start->numbers, number, number + 1))
        return HC_ENOMEM;
    return coverage_let_go(waiting, &unmet) ? HC_OK : HC_ENOMEM;
}

static enum hc_status put_all(struct pile *pile, const struct coverage_shelf *shelf)
{
    enum hc_status status = HC_OK;
    struct text text = {0};
    size_t left = 0;

    for (size_t i = 0; i < pile->count; i++) {
        struct waiting *waiting = pile->items[i];
        bool stays = true;

        if (status == HC_OK)
            status = put_one(waiting, shelf, &text, &stays);
        if (stays || status != HC_OK) {
            pile->items[left++] = waiting;
        } else {
            pile->bytes -= waiting->size;
            free(waiting);
        }
    }
    pile->count = left;
    text_free(&text);
    return status;
}

enum hc_status coverage_shelve(struct coverage *coverage, const struct coverage_shelf *shelf)
{
    enum hc_status status = HC_OK;

    for (size_t i = 0; status == HC_OK && i < coverage->starts.count; i++)
        status = take(coverage, coverage->starts.items[i], shelf);
    if (status == HC_OK)
        status = coverage_settle(coverage);
    return status == HC_OK ? put_all(&coverage->pile, shelf) : status;
}

void coverage_saved(struct coverage *coverage)
{
    pile_free(&coverage->pile);
    for (size_t i = 0; i < coverage->starts.count; i++)
        range_set_free(&((struct start *)coverage->starts.items[i])->fresh);
}
