#include "unsettled.h"

#include <assert.h>
#include <stdlib.h>

#include "limits.h"

#define ROOM_MIN 8

void unsettled_init(struct unsettled *u)
{
    *u = (struct unsettled){.next = 1};
}

void unsettled_free(struct unsettled *u)
{
    free(u->sent);
    free(u->failed);
    unsettled_init(u);
}

/* The record of a sequence, or NULL when it is not kept any more. */
static struct sent *find(const struct unsettled *u, uint64_t sequence)
{
    size_t low = 0, high = u->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (u->sent[middle].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low < u->count && u->sent[low].sequence == sequence ? &u->sent[low] : NULL;
}

/* Room to note all that could leave. */
static bool failed_make_room(struct unsettled *u)
{
    size_t room = u->failed_count + u->count;
    if (room <= u->failed_room)
        return true;
    uint64_t *failed = realloc(u->failed, 2 * room * sizeof *failed);
    if (!failed)
        return false;
    u->failed = failed;
    u->failed_room = 2 * room;
    return true;
}

static bool has_failed(const struct sent *sent)
{
    return sent->answered && !sent->settled;
}

/* Takes failures that directly follow another out of their chains: whatever
 * settles that one settles them. One that follows a record in flight stays,
 * since that may be delivered and settles nothing behind it. */
static void drop_failures(struct unsettled *u)
{
    for (size_t i = u->first; i < u->count; i++) {
        struct sent *sent = &u->sent[i];
        struct sent *before = find(u, sent->previous);
        if (before && before->dropped) {
            sent->previous = before->previous;
            before = find(u, sent->previous);
        }
        sent->dropped = before && has_failed(before) && has_failed(sent) && sent->followed;
    }
}

/* Removes what nobody asks for any more, and notes what was not delivered. */
static void tidy(struct unsettled *u)
{
    if (!failed_make_room(u))
        return;
    drop_failures(u);
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        const struct sent *sent = &u->sent[i];
        if (!sent->dropped && !(sent->settled && sent->answered)) {
            u->sent[kept++] = *sent;
            continue;
        }
        if (!sent->delivered)
            u->failed[u->failed_count++] = sent->sequence;
        if (!sent->settled)
            u->not_settled--;
    }
    u->count = kept;
    u->first = 0;
    while (u->first < u->count && u->sent[u->first].settled)
        u->first++;
}

bool unsettled_make_room(struct unsettled *u)
{
    if (u->not_answered >= LIMIT_RECORDS_IN_FLIGHT)
        return false;
    if (u->count < u->room)
        return true;
    tidy(u);
    if (u->count >= u->room / 4 * 3) { /* or tidying would not pay */
        size_t room = u->room ? 2 * u->room : ROOM_MIN;
        struct sent *sent = realloc(u->sent, room * sizeof *sent);
        if (sent) {
            u->sent = sent;
            u->room = room;
        }
    }
    return u->count < u->room;
}

uint64_t unsettled_produced(struct unsettled *u, uint64_t previous, void *owner)
{
    assert(u->count < u->room && previous < u->next);
    struct sent *before = find(u, previous);
    if (before)
        before->followed = true;
    u->sent[u->count++] =
        (struct sent){.sequence = u->next, .previous = previous, .owner = owner};
    u->not_settled++;
    u->not_answered++;
    return u->next++;
}

void unsettled_withdrawn(struct unsettled *u, uint64_t sequence)
{
    assert(u->count > 0 && sequence + 1 == u->next);
    const struct sent *last = &u->sent[u->count - 1];
    assert(last->sequence == sequence && !last->answered && !last->settled);
    struct sent *before = find(u, last->previous);
    if (before)
        before->followed = false;
    u->count--;
    u->next--;
    u->not_settled--;
    u->not_answered--;
}

void *unsettled_answered(struct unsettled *u, uint64_t sequence, bool delivered)
{
    struct sent *sent = find(u, sequence);
    assert(sent && !sent->answered);
    void *owner = sent->owner;
    sent->answered = true;
    sent->delivered = delivered;
    u->not_answered--;
    while (delivered && sent && !sent->settled) {
        sent->settled = true;
        u->not_settled--;
        sent = find(u, sent->previous);
    }
    while (u->first < u->count && u->sent[u->first].settled)
        u->first++;
    return owner;
}

uint64_t unsettled_from(const struct unsettled *u)
{
    return u->first < u->count ? u->sent[u->first].sequence : u->next;
}

size_t unsettled_replaced_max(const struct unsettled *u)
{
    return u->failed_count + u->count;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void unsettled_replaced(const struct unsettled *u, uint64_t first, uint64_t last,
                        uint64_t *replaced, size_t *count)
{
    size_t n = 0;
    for (size_t i = 0; i < u->failed_count; i++)
        if (u->failed[i] >= first && u->failed[i] <= last)
            replaced[n++] = u->failed[i];
    for (size_t i = 0; i < u->count && u->sent[i].sequence <= last; i++)
        if (u->sent[i].sequence >= first && !u->sent[i].delivered)
            replaced[n++] = u->sent[i].sequence;
    qsort(replaced, n, sizeof *replaced, ascending);
    *count = n;
}

void unsettled_forget(struct unsettled *u, uint64_t last)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->failed_count; i++)
        if (u->failed[i] > last)
            u->failed[kept++] = u->failed[i];
    u->failed_count = kept;
}
