/* A checkpoint and the sketches it rests on lie in different partitions of the
 * topic, so either may be read first. Checkpoints therefore wait until their
 * sequences have come, and are looked at again whenever twice as many wait as
 * were left over the last time: each costs a logarithm, in any order. When they
 * take too much memory all of them go into a file, to be counted at the end.
 *
 * What was counted is kept as intervals, which are few if it is counted in the
 * order in which it was read. So a checkpoint is counted early only next to one
 * that was, but for a number of gaps, and after one of its start was put aside
 * none is: in the end all come in order. It also means that of several copies of
 * a checkpoint the first one counts. */
#include <stdlib.h>

#include "coverage_inside.h"

#define WAITING_FIRST 1024
/* Checkpoints that are counted early beside a gap: each may cost a span, some 50
 * bytes, for each of its partitions. */
#define GAPS_MAX 1024

void coverage_hold(struct coverage *coverage, size_t bytes, const char *folder)
{
    coverage->pile_most = WAITING_FIRST;
    coverage->pile_bytes = bytes;
    coverage->pile_held = bytes / 2;
    coverage->pile.file.folder = folder;
}

const char *coverage_error(const struct coverage *coverage)
{
    return coverage->pile.file.error;
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

bool coverage_lacks(const struct waiting *waiting, struct coverage_unmet *unmet)
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

static void settle_starts(struct coverage *coverage)
{
    for (size_t i = 0; i < coverage->starts.count; i++) {
        struct start *start = coverage->starts.items[i];
        sequence_set_settle(&start->sequences);
        range_set_settle(&start->numbers);
    }
}

static bool was_counted(const struct waiting *waiting)
{
    int64_t number = (int64_t)waiting->record.number;
    return range_set_holds(&waiting->start->numbers, number, number + 1);
}

static bool is_same(const struct waiting *a, const struct waiting *b)
{
    return a->start == b->start && a->record.number == b->record.number;
}

/* Sorts those in memory, and marks the ones that were counted before or stand
 * there twice. */
static void mark_repeated(struct coverage *coverage)
{
    struct pile *pile = &coverage->pile;
    settle_starts(coverage);
    pile_sort(pile);
    for (size_t i = 0; i < pile->count; i++) {
        struct waiting *waiting = pile->items[i];
        waiting->repeated = was_counted(waiting) || (i > 0 && is_same(pile->items[i - 1], waiting));
    }
}

/* Whether others of its start were counted, and neither of its neighbours. */
static bool is_beside_gap(const struct waiting *waiting)
{
    struct range_set *numbers = &waiting->start->numbers;
    int64_t number = (int64_t)waiting->record.number;
    struct record_range run;
    range_set_settle(numbers);
    return numbers->count > 0 &&
           !(range_set_next(numbers, number - 1, &run) && run.from <= number + 1);
}

bool coverage_let_go(struct waiting *waiting, const struct coverage_unmet *unmet)
{
    const struct record_checkpoint *record = &waiting->record;
    if (waiting->repeated && waiting->shelved)
        return true; /* it is the same one, from a transaction that failed */
    if (!range_set_add(&waiting->start->claimed, (int64_t)record->sequence_first,
                       (int64_t)record->sequence_last + 1))
        return false;
    if (waiting->repeated)
        waiting->source->found.repeated++;
    else if (unmet->sequences > 0)
        return source_unmet(waiting->source, unmet);
    else
        return source_count(waiting->source, record);
    return true;
}

/* Counts it if that can be done before all was read; otherwise it is *kept. False:
 * no memory. */
static bool look_at(struct coverage *coverage, struct waiting *waiting, bool *kept)
{
    struct coverage_unmet unmet = {0};
    int64_t number = (int64_t)waiting->record.number;
    *kept = false;
    if (waiting->repeated)
        return coverage_let_go(waiting, &unmet);
    bool gap = is_beside_gap(waiting);
    *kept = waiting->start->aside || (gap && coverage->gaps == GAPS_MAX);
    if (!*kept && !coverage_lacks(waiting, &unmet))
        return false;
    *kept = *kept || unmet.sequences > 0;
    if (*kept)
        return true;
    coverage->gaps += gap;
    return range_set_add(&waiting->start->numbers, number, number + 1) &&
           coverage_let_go(waiting, &unmet);
}

/* Counts whatever can be counted of those in memory. On failure those that were
 * not looked at stay. */
static enum hc_status look_again(struct coverage *coverage)
{
    struct pile *pile = &coverage->pile;
    size_t left = 0, i;
    bool done = true;
    mark_repeated(coverage);
    pile->bytes = 0;
    for (i = 0; done && i < pile->count; i++) {
        struct waiting *waiting = pile->items[i];
        bool kept;
        done = look_at(coverage, waiting, &kept);
        if (kept) {
            pile->bytes += waiting->size;
            pile->items[left++] = waiting;
        } else {
            free(waiting);
        }
    }
    for (; i < pile->count; i++)
        pile->items[left++] = pile->items[i];
    pile->count = left;
    coverage->pile_most = left * 2 > WAITING_FIRST ? left * 2 : WAITING_FIRST;
    return done ? HC_OK : HC_ENOMEM;
}

enum hc_status coverage_settle(struct coverage *coverage)
{
    coverage->gaps = 0;
    return look_again(coverage);
}

/* Without room for the file they stay in memory. */
static void put_aside(struct coverage *coverage)
{
    if (!pile_put_aside(&coverage->pile))
        coverage->pile_bytes = coverage->pile_held = SIZE_MAX;
}

enum hc_status coverage_wait(struct coverage *coverage, struct waiting *waiting)
{
    struct pile *pile = &coverage->pile;
    enum hc_status status;
    if (!pile_add(pile, waiting)) {
        free(waiting);
        return HC_ENOMEM;
    }
    if (pile->count < coverage->pile_most && pile->bytes < coverage->pile_bytes)
        return HC_OK;
    status = look_again(coverage);
    if (status == HC_OK && pile->bytes > coverage->pile_held)
        put_aside(coverage);
    return status;
}

/* The last look at one of them. False: no memory. */
static bool resolve(struct waiting *waiting)
{
    struct coverage_unmet unmet = {0};
    return (waiting->repeated || coverage_lacks(waiting, &unmet)) &&
           coverage_let_go(waiting, &unmet);
}

enum hc_status coverage_resolve(struct coverage *coverage)
{
    struct pile_reader *reader = pile_reader_create(&coverage->pile);
    struct waiting *waiting, *last = NULL;
    if (!reader)
        return HC_ENOMEM;
    settle_starts(coverage);
    enum hc_status status = pile_next(reader, &waiting);
    while (status == HC_OK && waiting) {
        waiting->repeated = was_counted(waiting) || (last && is_same(last, waiting));
        free(last);
        last = waiting;
        status = resolve(waiting) ? pile_next(reader, &waiting) : HC_ENOMEM;
    }
    free(last);
    pile_reader_destroy(&reader);
    return status;
}
