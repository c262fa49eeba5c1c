/* Readable lines of several workers: a minute is the union of what they have of it.
 *
 *   minutes:  | 13:39 shown | 13:40 shown, more came | 13:41 | 13:42 | ...
 *                                                    ^ passed_s: what ends here or
 *                                                      before is due when it has news
 *
 * A record's token comes back without waiting for the line of its minute, since
 * that may have to wait for other workers; but lines that stand in the outbox are
 * written before the tokens behind them come back. So a terminal that stands still
 * keeps the workers from going on, and what is kept here is bounded by the windows
 * that wait for their tokens.
 *
 * Minutes that were shown are kept too, as long as memory is there, because a late
 * user's line has to tell of the others as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"
#include "emit_stdout.h"
#include "headcount/sketch.h"
#include "limits.h"

/* Of lines; no record has it. */
#define LINE_TOKEN UINT64_MAX
/* More lines than this leave no room for tokens. */
#define LINES_MAX (LIMIT_RECORDS_IN_FLIGHT / 2)
#define MINUTE_S 60

struct union_minute {
    int64_t minute_s;
    struct hc_sketch *sketch;
    size_t bytes; /* of it */
    bool news;    /* since it was shown */
    bool shown;
    bool open;    /* somebody stopped in the middle of it */
};

struct emit_union {
    struct emit_stdout out; /* first */
    struct hc_sketch_options options;
    uint8_t key[HC_KEY_SIZE];
    struct union_minute *minutes; /* ascending */
    size_t count, room;
    size_t bytes, bytes_max;      /* of the sketches */
    int64_t passed_s;
    int64_t due_from_s, due_to_s; /* starts of minutes that may have to be shown: [from, to] */
};

static struct emit_union *of(struct emit *emit)
{
    return (struct emit_union *)emit;
}

static bool union_is_over(const struct emit_union *all, int64_t minute_s)
{
    return minute_s + MINUTE_S <= all->passed_s;
}

static void union_note_due(struct emit_union *all, int64_t from_s, int64_t to_s)
{
    if (from_s < all->due_from_s)
        all->due_from_s = from_s;
    if (to_s > all->due_to_s)
        all->due_to_s = to_s;
}

/* Where `minute_s` stands, or would. */
static size_t union_find(const struct emit_union *all, int64_t minute_s)
{
    size_t from = 0, to = all->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (all->minutes[middle].minute_s < minute_s)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct union_minute *union_insert(struct emit_union *all, size_t at, int64_t minute_s)
{
    struct union_minute minute = {.minute_s = minute_s};

    if (all->count == all->room) {
        size_t room = all->room ? all->room * 2 : 64;
        struct union_minute *more = realloc(all->minutes, room * sizeof *more);

        if (!more)
            return NULL;
        all->minutes = more;
        all->room = room;
    }
    if (hc_sketch_create(&all->options, &minute.sketch) != HC_OK)
        return NULL;
    memmove(all->minutes + at + 1, all->minutes + at, (all->count - at) * sizeof minute);
    all->count++;
    all->minutes[at] = minute;
    return &all->minutes[at];
}

/* False: no memory. */
static bool union_add(struct emit_union *all, const struct emit_summary *summary)
{
    size_t at = union_find(all, summary->minute_s);
    bool found = at < all->count && all->minutes[at].minute_s == summary->minute_s;
    struct union_minute *minute =
        found ? &all->minutes[at] : union_insert(all, at, summary->minute_s);
    int changed;

    if (!minute || hc_sketch_union(minute->sketch, summary->sketch, &changed) != HC_OK)
        return false;
    all->bytes -= minute->bytes;
    minute->bytes = sizeof *minute + hc_sketch_memory(minute->sketch);
    all->bytes += minute->bytes;
    minute->news |= changed || !found;
    minute->open |= !summary->interim && strcmp(summary->state, "open") == 0;
    if (minute->news && union_is_over(all, minute->minute_s))
        union_note_due(all, minute->minute_s, minute->minute_s);
    return true;
}

static bool union_show(struct emit_union *all, struct union_minute *minute)
{
    struct hc_estimate estimate = hc_sketch_estimate(minute->sketch);
    bool open = minute->open || !union_is_over(all, minute->minute_s);
    const struct emit_summary summary = {.minute_s = minute->minute_s,
                                         .uniques = estimate.value,
                                         .low = estimate.low,
                                         .high = estimate.high,
                                         .state = minute->shown ? "late"
                                                  : open        ? "open"
                                                                : "closed"};

    if (all->out.box.count >= LINES_MAX ||
        emit_lines_add(&all->out, &summary, LINE_TOKEN) != EMIT_OK)
        return false;
    minute->shown = true;
    minute->news = false;
    return true;
}

/* Forgets the oldest minutes when memory is short. */
static void union_make_room(struct emit_union *all)
{
    size_t kept = 0;

    if (all->bytes <= all->bytes_max)
        return;
    for (size_t i = 0; i < all->count; i++) {
        struct union_minute *minute = &all->minutes[i];

        if (all->bytes > all->bytes_max && (!minute->news || union_show(all, minute))) {
            all->bytes -= minute->bytes;
            hc_sketch_destroy(&minute->sketch);
        } else {
            all->minutes[kept++] = *minute;
        }
    }
    all->count = kept;
}

/* What has passed and was not shown as it is, as far as there is room. */
static void union_show_due(struct emit_union *all)
{
    if (all->due_from_s > all->due_to_s)
        return;
    for (size_t i = union_find(all, all->due_from_s); i < all->count; i++) {
        struct union_minute *minute = &all->minutes[i];

        if (minute->minute_s > all->due_to_s || !union_is_over(all, minute->minute_s))
            break;
        if (minute->news && !union_show(all, minute)) {
            all->due_from_s = minute->minute_s;
            return;
        }
    }
    all->due_from_s = INT64_MAX;
    all->due_to_s = INT64_MIN;
}

static enum emit_result union_produce(struct emit *emit, const struct emit_record *record)
{
    struct emit_union *all = of(emit);

    if (all->out.failed)
        return EMIT_FULL;
    if (record->summary && record->summary->sketch && !union_add(all, record->summary)) {
        all->out.failed = true;
        snprintf(all->out.error, sizeof all->out.error, "out of memory");
        return EMIT_FULL;
    }
    union_show_due(all);
    union_make_room(all);
    return outbox_add(&all->out.box, record->token, NULL, 0);
}

/* Tokens of lines are nobody's. */
static size_t union_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct emit_union *all = of(emit);
    size_t count, kept = 0;

    if (!all->out.failed)
        union_show_due(all);
    do {
        count = emit_stdout_poll(emit, timeout_ms, acks, room);
        for (size_t i = 0; i < count; i++)
            if (acks[i].token != LINE_TOKEN)
                acks[kept++] = acks[i];
        timeout_ms = 0;
    } while (count > 0 && kept == 0);
    return kept;
}

static void union_passed(struct emit *emit, int64_t time_s)
{
    struct emit_union *all = of(emit);
    int64_t was_s = all->passed_s;

    all->passed_s = time_s;
    if (time_s > was_s)
        union_note_due(all, was_s < 0 ? 0 : was_s - MINUTE_S, time_s);
}

static void union_destroy(struct emit *emit)
{
    struct emit_union *all = of(emit);

    for (size_t i = 0; i < all->count; i++)
        hc_sketch_destroy(&all->minutes[i].sketch);
    explicit_bzero(all->key, sizeof all->key);
    free(all->minutes);
    emit_stdout_destroy(emit);
}

static const struct emit_ops union_ops = {
    .produce = union_produce,
    .poll = union_poll,
    .failed = emit_stdout_failed,
    .destroy = union_destroy,
    .passed = union_passed,
};

struct emit *emit_union_create(const struct hc_sketch_options *options, size_t memory_max)
{
    struct emit_union *all = calloc(1, sizeof *all);

    if (!all)
        return NULL;
    if (!emit_stdout_init(&all->out, &union_ops)) {
        free(all);
        return NULL;
    }
    all->out.over_progress = emit_lines_over_progress();
    all->options = *options;
    if (options->key) {
        memcpy(all->key, options->key, sizeof all->key);
        all->options.key = all->key;
    }
    all->bytes_max = memory_max;
    all->passed_s = INT64_MIN;
    all->due_from_s = INT64_MAX;
    all->due_to_s = INT64_MIN;
    return &all->out.base;
}
