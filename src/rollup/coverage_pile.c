/* An entry of the file is a head and the bytes of waiting_write. The head holds
 * addresses: the file has no name and ends with the process. A sum over both
 * notices a disk that gives back something else.
 *
 * Runs are merged with a heap of cursors, each with a small buffer of its own. So
 * what is in memory is a few KiB for each run, which has a few thousand
 * checkpoints. */
#include "coverage_pile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_inside.h"
#include "headcount/hash.h"

#define BUFFER_BYTES 4096
#define WRITE_BYTES ((size_t)64 * 1024)

struct head {
    uint64_t sum; /* of all that comes behind it */
    uint64_t size; /* of the bytes behind the head */
    uint64_t number;
    struct start *start;
    struct source *source;
};

void pile_free(struct pile *pile)
{
    for (size_t i = 0; i < pile->count; i++)
        free(pile->items[i]);
    free(pile->items);
    free(pile->runs);
    spill_file_close(&pile->file);
    *pile = (struct pile){.file = pile->file};
}

bool pile_add(struct pile *pile, struct waiting *waiting)
{
    if (pile->count == pile->room) {
        size_t room = pile->room ? pile->room * 2 : 64;
        struct waiting **larger = realloc(pile->items, room * sizeof(larger[0]));
        if (!larger)
            return false;
        pile->items = larger;
        pile->room = room;
    }
    pile->items[pile->count++] = waiting;
    pile->bytes += waiting->size;
    return true;
}

static int compare_keys(const struct start *start, uint64_t number, const struct start *other,
                        uint64_t other_number)
{
    int order = start == other ? 0 : start_compare(start, other);
    return order ? order : (number > other_number) - (number < other_number);
}

static int compare_items(const void *one, const void *other)
{
    const struct waiting *a = *(struct waiting *const *)one, *b = *(struct waiting *const *)other;
    int order = compare_keys(a->start, a->record.number, b->start, b->record.number);
    return order ? order : b->shelved - a->shelved;
}

void pile_sort(struct pile *pile)
{
    if (pile->count)
        qsort(pile->items, pile->count, sizeof(pile->items[0]), compare_items);
}

/* Over the bytes of an entry that stand behind the sum. */
static uint64_t sum_of(const unsigned char *entry, size_t size)
{
    size_t begin = sizeof(uint64_t);
    return hc_hash_bytes(HC_PROFILE_REDIS, entry + begin, size - begin).first;
}

static void write_entry(const struct waiting *waiting, struct text *text)
{
    struct head head = {.number = waiting->record.number, .start = waiting->start,
                        .source = waiting->source};
    size_t begin = text->size;
    text_bytes(text, &head, sizeof(head));
    waiting_write(waiting, text);
    if (text->failed)
        return;
    head.size = text->size - begin - sizeof(head);
    memcpy(text->bytes + begin, &head, sizeof(head));
    head.sum = sum_of((unsigned char *)text->bytes + begin, sizeof(head) + head.size);
    memcpy(text->bytes + begin, &head, sizeof(head));
}

static bool write_entries(struct pile *pile)
{
    struct text text = {0};
    bool done = true;
    for (size_t i = 0; done && i < pile->count; i++) {
        write_entry(pile->items[i], &text);
        done = !text.failed;
        if (done && (text.size >= WRITE_BYTES || i + 1 == pile->count)) {
            done = spill_file_write(&pile->file, text.bytes, text.size);
            text_clear(&text);
        }
    }
    text_free(&text);
    return done;
}

static bool runs_grow(struct pile *pile)
{
    if (pile->runs_count < pile->runs_room)
        return true;
    size_t room = pile->runs_room ? pile->runs_room * 2 : 16;
    struct pile_run *larger = realloc(pile->runs, room * sizeof(larger[0]));
    if (!larger)
        return false;
    pile->runs = larger;
    pile->runs_room = room;
    return true;
}

bool pile_put_aside(struct pile *pile)
{
    struct pile_run run = {.from = pile->file.end};
    if (!runs_grow(pile))
        return false;
    if (!write_entries(pile)) {
        pile->file.end = run.from;
        pile->file.error[0] = '\0';
        return false;
    }
    run.to = pile->file.end;
    pile->runs[pile->runs_count++] = run;
    for (size_t i = 0; i < pile->count; i++) {
        pile->items[i]->start->aside = true;
        free(pile->items[i]);
    }
    pile->count = pile->bytes = 0;
    return true;
}

/* Where a run, or the items in memory, are read. */
struct cursor {
    int64_t at, to;    /* in the file: not in the buffer yet */
    unsigned char *buffer;
    size_t used, filled, room;
    size_t next;       /* of the items, for the cursor that has no run */
    struct head head;  /* of what comes next */
};

struct pile_reader {
    struct pile *pile;
    struct cursor *cursors;  /* [runs + 1], the last for the items */
    struct cursor **heap;    /* the one with the least head is the first */
    size_t heap_count;
    bool begun;
};

struct pile_reader *pile_reader_create(struct pile *pile)
{
    size_t count = pile->runs_count + 1;
    struct pile_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return NULL;
    reader->pile = pile;
    reader->cursors = calloc(count, sizeof(reader->cursors[0]));
    reader->heap = calloc(count, sizeof(struct cursor *));
    if (!reader->cursors || !reader->heap) {
        pile_reader_destroy(&reader);
        return NULL;
    }
    for (size_t i = 0; i < pile->runs_count; i++) {
        reader->cursors[i].at = pile->runs[i].from;
        reader->cursors[i].to = pile->runs[i].to;
    }
    pile_sort(pile);
    return reader;
}

/* What was not taken out is lost. */
void pile_reader_destroy(struct pile_reader **reader)
{
    struct pile_reader *old = *reader;
    if (!old)
        return;
    for (size_t i = 0; old->cursors && i < old->pile->runs_count; i++)
        free(old->cursors[i].buffer);
    old->pile->runs_count = 0;
    free(old->heap);
    free(old->cursors);
    free(old);
    *reader = NULL;
}

/* Has at least `size` bytes in the buffer from `used` on. */
static enum hc_status cursor_fill(struct pile *pile, struct cursor *cursor, size_t size)
{
    size_t kept = cursor->filled - cursor->used, more;
    if (kept >= size)
        return HC_OK;
    if (cursor->room < size || !cursor->buffer) {
        size_t room = size > BUFFER_BYTES ? size : BUFFER_BYTES;
        unsigned char *larger = realloc(cursor->buffer, room);
        if (!larger)
            return HC_ENOMEM;
        cursor->buffer = larger;
        cursor->room = room;
    }
    memmove(cursor->buffer, cursor->buffer + cursor->used, kept);
    cursor->used = 0;
    more = cursor->room - kept;
    if ((int64_t)more > cursor->to - cursor->at)
        more = (size_t)(cursor->to - cursor->at);
    cursor->filled = kept;
    if (!spill_file_read(&pile->file, cursor->buffer + kept, more, cursor->at))
        return HC_EROOM;
    cursor->at += (int64_t)more;
    cursor->filled += more;
    return cursor->filled >= size ? HC_OK : HC_EROOM;
}

static bool cursor_is_at_end(const struct pile_reader *reader, const struct cursor *cursor)
{
    if (cursor == &reader->cursors[reader->pile->runs_count])
        return cursor->next == reader->pile->count;
    return cursor->at == cursor->to && cursor->used == cursor->filled;
}

/* Its next head; not at the end. */
static enum hc_status cursor_look(struct pile_reader *reader, struct cursor *cursor)
{
    struct pile *pile = reader->pile;
    if (cursor == &reader->cursors[pile->runs_count]) {
        const struct waiting *item = pile->items[cursor->next];
        cursor->head = (struct head){.number = item->record.number, .start = item->start};
        return HC_OK;
    }
    enum hc_status status = cursor_fill(pile, cursor, sizeof(cursor->head));
    if (status != HC_OK)
        return status;
    memcpy(&cursor->head, cursor->buffer + cursor->used, sizeof(cursor->head));
    size_t left = cursor->filled - cursor->used + (size_t)(cursor->to - cursor->at);
    size_t size = sizeof(cursor->head) + cursor->head.size;
    status = cursor->head.size <= left - sizeof(cursor->head) ? cursor_fill(pile, cursor, size)
                                                              : HC_EROOM;
    if (status == HC_OK && sum_of(cursor->buffer + cursor->used, size) != cursor->head.sum)
        status = HC_EROOM;
    return status;
}

static enum hc_status cursor_take(struct pile_reader *reader, struct cursor *cursor,
                                  struct waiting **waiting)
{
    struct pile *pile = reader->pile;
    if (cursor == &reader->cursors[pile->runs_count]) {
        *waiting = pile->items[cursor->next];
        pile->items[cursor->next++] = NULL;
        return HC_OK;
    }
    *waiting = waiting_read(cursor->buffer + cursor->used + sizeof(cursor->head),
                            cursor->head.size);
    if (!*waiting)
        return HC_ENOMEM;
    (*waiting)->record.number = cursor->head.number;
    (*waiting)->start = cursor->head.start;
    (*waiting)->source = cursor->head.source;
    cursor->used += sizeof(cursor->head) + cursor->head.size;
    return HC_OK;
}

/* Whether `a` comes before `b`. */
static bool comes_first(const struct cursor *a, const struct cursor *b)
{
    int order = compare_keys(a->head.start, a->head.number, b->head.start, b->head.number);
    return order ? order < 0 : a < b;
}

/* Puts what stands at `at` where it belongs among those below it. */
static void sink(struct pile_reader *reader, size_t at)
{
    struct cursor **heap = reader->heap, *cursor = heap[at];
    for (size_t below; (below = 2 * at + 1) < reader->heap_count; at = below) {
        if (below + 1 < reader->heap_count && comes_first(heap[below + 1], heap[below]))
            below++;
        if (!comes_first(heap[below], cursor))
            break;
        heap[at] = heap[below];
    }
    heap[at] = cursor;
}

static enum hc_status begin(struct pile_reader *reader)
{
    reader->begun = true;
    for (size_t i = 0; i <= reader->pile->runs_count; i++) {
        struct cursor *cursor = &reader->cursors[i];
        if (cursor_is_at_end(reader, cursor))
            continue;
        enum hc_status status = cursor_look(reader, cursor);
        if (status != HC_OK)
            return status;
        reader->heap[reader->heap_count++] = cursor;
    }
    for (size_t i = reader->heap_count / 2; i-- > 0;)
        sink(reader, i);
    return HC_OK;
}

/* Says what is wrong, where the file gave something but not what was written. */
static enum hc_status blame(struct pile_reader *reader, enum hc_status status)
{
    char *error = reader->pile->file.error;
    if (status == HC_EROOM && !*error)
        (void)snprintf(error, sizeof(reader->pile->file.error),
                       "temporary file: it is not what was written");
    return status;
}

enum hc_status pile_next(struct pile_reader *reader, struct waiting **waiting)
{
    enum hc_status status = reader->begun ? HC_OK : begin(reader);
    *waiting = NULL;
    if (status != HC_OK || reader->heap_count == 0)
        return blame(reader, status);
    struct cursor *least = reader->heap[0];
    status = cursor_take(reader, least, waiting);
    if (status != HC_OK)
        return status;
    if (cursor_is_at_end(reader, least))
        reader->heap[0] = reader->heap[--reader->heap_count];
    else
        status = cursor_look(reader, least);
    if (status == HC_OK && reader->heap_count > 0)
        sink(reader, 0);
    if (status != HC_OK) {
        free(*waiting);
        *waiting = NULL;
    }
    return blame(reader, status);
}
