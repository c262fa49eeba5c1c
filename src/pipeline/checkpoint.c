/* See checkpoint.h; unsettled.h keeps the records. */
#include "checkpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"
#include "unsettled.h"

enum stage { STAGE_GATHERING, STAGE_WAITING, STAGE_WRITTEN };

struct checkpoint {
    uint64_t number;
    enum stage stage;
    uint64_t sequence_last; /* it rests on all records up to this one */
    uint64_t reject_last;
    int64_t *to;
    struct checkpoint_mark *marks;
    uint64_t frames;
    uint64_t rejected[REJECT_COUNT];
};

struct slot {
    int64_t start;
    int64_t next;       /* read so far */
    int64_t safe;       /* of the last acknowledged checkpoint */
    int64_t committing;
    int64_t committed;
};

struct checkpoints {
    struct unsettled records;
    uint64_t sequence_covered; /* last sequence of the last acknowledged checkpoint */
    bool *rejects_done; /* [LIMIT_RECORDS_IN_FLIGHT], by number modulo */
    uint64_t reject_base, reject_next;

    bool assigned, commits_forbidden;
    bool committing; /* may outlive the assignment it began in */
    struct slot *slots;
    size_t slots_count;
    int64_t *from; /* [slots_count] for the view */
    struct checkpoint_missing *missing;
    size_t missing_count, missing_room;
    uint64_t *view_replaced;
    struct checkpoint_missing *view_missing;

    struct checkpoint under_way[LIMIT_CHECKPOINTS]; /* oldest first */
    size_t under_way_count;
    uint64_t number_last;
    uint64_t frames_covered;
    uint64_t rejected_covered[REJECT_COUNT];
};

struct checkpoints *checkpoints_create(void)
{
    struct checkpoints *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    unsettled_init(&c->records);
    c->rejects_done = calloc(LIMIT_RECORDS_IN_FLIGHT, sizeof *c->rejects_done);
    c->reject_base = c->reject_next = 1;
    if (!c->rejects_done)
        checkpoints_destroy(&c);
    return c;
}

static void under_way_drop(struct checkpoints *c)
{
    struct checkpoint *oldest = &c->under_way[0];
    free(oldest->to);
    free(oldest->marks);
    c->under_way_count--;
    memmove(oldest, oldest + 1, c->under_way_count * sizeof *oldest);
}

void checkpoints_unassign(struct checkpoints *c)
{
    while (c->under_way_count > 0)
        under_way_drop(c);
    free(c->slots);
    free(c->from);
    c->slots = NULL;
    c->from = NULL;
    c->slots_count = 0;
    c->missing_count = 0;
    c->assigned = false;
    c->commits_forbidden = false;
}

void checkpoints_destroy(struct checkpoints **checkpoints)
{
    struct checkpoints *c = *checkpoints;
    if (!c)
        return;
    checkpoints_unassign(c);
    unsettled_free(&c->records);
    free(c->rejects_done);
    free(c->missing);
    free(c->view_replaced);
    free(c->view_missing);
    free(c);
    *checkpoints = NULL;
}

bool checkpoints_assign(struct checkpoints *c, const int64_t *starts, size_t count,
                        const struct counters *counters)
{
    checkpoints_unassign(c);
    c->slots = calloc(count + 1, sizeof *c->slots);
    c->from = calloc(count + 1, sizeof *c->from);
    if (!c->slots || !c->from)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &c->slots[i];
        slot->start = slot->next = slot->safe = slot->committing = slot->committed = starts[i];
    }
    c->slots_count = count;
    c->frames_covered = counters->frames;
    memcpy(c->rejected_covered, counters->rejected, sizeof c->rejected_covered);
    c->assigned = true;
    return true;
}

bool checkpoints_assigned(const struct checkpoints *c)
{
    return c->assigned;
}

void checkpoints_forbid_commits(struct checkpoints *c)
{
    c->commits_forbidden = true;
}

bool checkpoints_commits_forbidden(const struct checkpoints *c)
{
    return c->commits_forbidden;
}

bool checkpoints_read(struct checkpoints *c, uint32_t slot, int64_t next)
{
    assert(slot < c->slots_count);
    if (next <= c->slots[slot].next)
        return false;
    c->slots[slot].next = next;
    return true;
}

int64_t checkpoints_position(const struct checkpoints *c, uint32_t slot)
{
    assert(slot < c->slots_count);
    return c->slots[slot].next;
}

static bool grow(void **items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? 2 * *room : 16;
    void *more = realloc(*items, wanted * size);
    if (!more)
        return false;
    *items = more;
    *room = wanted;
    return true;
}

bool checkpoints_missing(struct checkpoints *c, uint32_t slot, int64_t from, int64_t to)
{
    assert(slot < c->slots_count && from < to);
    if (!grow((void **)&c->missing, c->missing_count, &c->missing_room, sizeof *c->missing))
        return false;
    c->missing[c->missing_count++] = (struct checkpoint_missing){slot, from, to};
    checkpoints_read(c, slot, to);
    return true;
}

bool checkpoints_record_room(struct checkpoints *c)
{
    return unsettled_make_room(&c->records);
}

uint64_t checkpoints_record_produced(struct checkpoints *c, uint64_t previous, void *owner)
{
    return unsettled_produced(&c->records, previous, owner);
}

void checkpoints_record_withdrawn(struct checkpoints *c, uint64_t sequence)
{
    unsettled_withdrawn(&c->records, sequence);
}

void *checkpoints_record_answered(struct checkpoints *c, uint64_t sequence, bool delivered)
{
    return unsettled_answered(&c->records, sequence, delivered);
}

bool checkpoints_reject_room(const struct checkpoints *c)
{
    return c->reject_next - c->reject_base < LIMIT_RECORDS_IN_FLIGHT;
}

uint64_t checkpoints_reject_produced(struct checkpoints *c)
{
    assert(checkpoints_reject_room(c));
    c->rejects_done[c->reject_next % LIMIT_RECORDS_IN_FLIGHT] = false;
    return c->reject_next++;
}

void checkpoints_reject_withdrawn(struct checkpoints *c, uint64_t number)
{
    assert(number + 1 == c->reject_next && number >= c->reject_base);
    c->reject_next--;
}

void checkpoints_reject_acknowledged(struct checkpoints *c, uint64_t number)
{
    assert(number >= c->reject_base && number < c->reject_next);
    c->rejects_done[number % LIMIT_RECORDS_IN_FLIGHT] = true;
    while (c->reject_base < c->reject_next &&
           c->rejects_done[c->reject_base % LIMIT_RECORDS_IN_FLIGHT])
        c->reject_base++;
}

bool checkpoints_gathering(const struct checkpoints *c)
{
    return c->under_way_count > 0 &&
           c->under_way[c->under_way_count - 1].stage == STAGE_GATHERING;
}

bool checkpoints_can_begin(const struct checkpoints *c)
{
    return c->assigned && c->under_way_count < LIMIT_CHECKPOINTS && !checkpoints_gathering(c);
}

bool checkpoints_begin(struct checkpoints *c, const struct checkpoint_mark *marks,
                       const struct counters *counters)
{
    assert(checkpoints_can_begin(c));
    struct checkpoint *checkpoint = &c->under_way[c->under_way_count];
    memset(checkpoint, 0, sizeof *checkpoint);
    checkpoint->to = calloc(c->slots_count + 1, sizeof *checkpoint->to);
    checkpoint->marks = calloc(c->slots_count + 1, sizeof *checkpoint->marks);
    if (!checkpoint->to || !checkpoint->marks) {
        free(checkpoint->to);
        free(checkpoint->marks);
        return false;
    }
    for (size_t i = 0; i < c->slots_count; i++) {
        checkpoint->to[i] = c->slots[i].next;
        checkpoint->marks[i] = marks[i];
    }
    checkpoint->frames = counters->frames;
    memcpy(checkpoint->rejected, counters->rejected, sizeof checkpoint->rejected);
    checkpoint->number = ++c->number_last;
    checkpoint->stage = STAGE_GATHERING;
    c->under_way_count++;
    return true;
}

void checkpoints_gathered(struct checkpoints *c)
{
    assert(checkpoints_gathering(c));
    struct checkpoint *checkpoint = &c->under_way[c->under_way_count - 1];
    checkpoint->stage = STAGE_WAITING;
    checkpoint->sequence_last = c->records.next - 1;
    checkpoint->reject_last = c->reject_next - 1;
}

static int missing_order(const void *a, const void *b)
{
    const struct checkpoint_missing *x = a, *y = b;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* The losses between the last acknowledged checkpoint and this one. */
static bool view_missing(struct checkpoints *c, const struct checkpoint *checkpoint,
                         struct checkpoint_view *view)
{
    struct checkpoint_missing *list =
        realloc(c->view_missing, (c->missing_count + 1) * sizeof *list);
    if (!list)
        return false;
    c->view_missing = list;
    size_t count = 0;
    for (size_t i = 0; i < c->missing_count; i++)
        if (c->missing[i].to <= checkpoint->to[c->missing[i].slot])
            list[count++] = c->missing[i];
    qsort(list, count, sizeof *list, missing_order);
    view->missing = list;
    view->missing_count = count;
    return true;
}

/* Sequences of the checkpoint's range that settled without being delivered. */
static bool view_replaced(struct checkpoints *c, const struct checkpoint *checkpoint,
                          struct checkpoint_view *view)
{
    uint64_t first = c->sequence_covered + 1, last = checkpoint->sequence_last;
    uint64_t *list =
        realloc(c->view_replaced, (unsettled_replaced_max(&c->records) + 1) * sizeof *list);
    if (!list)
        return false;
    c->view_replaced = list;
    unsettled_replaced(&c->records, first, last, list, &view->replaced_count);
    view->replaced = list;
    view->sequence_first = first;
    view->sequence_last = last;
    return true;
}

bool checkpoints_ready(struct checkpoints *c, struct checkpoint_view *view)
{
    view->number = 0;
    if (c->under_way_count == 0 || c->under_way[0].stage != STAGE_WAITING)
        return false;
    struct checkpoint *checkpoint = &c->under_way[0];
    if (unsettled_from(&c->records) <= checkpoint->sequence_last ||
        c->reject_base <= checkpoint->reject_last)
        return false;
    view->number = checkpoint->number;
    if (!view_missing(c, checkpoint, view) || !view_replaced(c, checkpoint, view))
        return false;
    for (size_t i = 0; i < c->slots_count; i++)
        c->from[i] = c->slots[i].safe;
    view->slots = c->slots_count;
    view->from = c->from;
    view->to = checkpoint->to;
    view->marks = checkpoint->marks;
    view->frames = checkpoint->frames - c->frames_covered;
    for (size_t i = 0; i < REJECT_COUNT; i++)
        view->rejected[i] = checkpoint->rejected[i] - c->rejected_covered[i];
    return true;
}

void checkpoints_written(struct checkpoints *c, uint64_t number)
{
    assert(c->under_way_count > 0 && c->under_way[0].number == number);
    c->under_way[0].stage = STAGE_WRITTEN;
}

/* Forgets what the acknowledged checkpoint has told. */
static void covered_forget(struct checkpoints *c, const struct checkpoint *checkpoint)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->missing_count; i++)
        if (c->missing[i].to > checkpoint->to[c->missing[i].slot])
            c->missing[kept++] = c->missing[i];
    c->missing_count = kept;
    unsettled_forget(&c->records, checkpoint->sequence_last);
}

bool checkpoints_answered(struct checkpoints *c, uint64_t number, bool delivered)
{
    if (c->under_way_count == 0 || c->under_way[0].number != number)
        return false;
    struct checkpoint *checkpoint = &c->under_way[0];
    assert(checkpoint->stage == STAGE_WRITTEN);
    if (delivered) {
        for (size_t i = 0; i < c->slots_count; i++)
            c->slots[i].safe = checkpoint->to[i];
        c->sequence_covered = checkpoint->sequence_last;
        c->frames_covered = checkpoint->frames;
        memcpy(c->rejected_covered, checkpoint->rejected, sizeof c->rejected_covered);
        covered_forget(c, checkpoint);
    }
    under_way_drop(c);
    return delivered;
}

size_t checkpoints_commit_begin(struct checkpoints *c, struct source_position *positions,
                                size_t room)
{
    if (c->committing || c->commits_forbidden)
        return 0;
    assert(room >= c->slots_count);
    size_t count = 0;
    for (size_t i = 0; i < c->slots_count; i++) {
        struct slot *slot = &c->slots[i];
        slot->committing = slot->safe;
        if (slot->safe > slot->committed)
            positions[count++] = (struct source_position){(uint32_t)i, slot->safe};
    }
    c->committing = count > 0;
    return count;
}

void checkpoints_commit_ended(struct checkpoints *c, bool done)
{
    assert(c->committing);
    if (done) /* of a former assignment: `committing` is the start of the present one */
        for (size_t i = 0; i < c->slots_count; i++)
            c->slots[i].committed = c->slots[i].committing;
    c->committing = false;
}

bool checkpoints_committing(const struct checkpoints *c)
{
    return c->committing;
}

bool checkpoints_all_safe(const struct checkpoints *c)
{
    for (size_t i = 0; i < c->slots_count; i++)
        if (c->slots[i].safe < c->slots[i].next)
            return false;
    return true;
}

bool checkpoints_all_committed(const struct checkpoints *c)
{
    for (size_t i = 0; i < c->slots_count; i++)
        if (c->slots[i].committed < c->slots[i].next)
            return false;
    return true;
}

size_t checkpoints_under_way(const struct checkpoints *c)
{
    return c->under_way_count;
}

uint64_t checkpoints_unsettled(const struct checkpoints *c)
{
    return c->records.not_settled;
}
