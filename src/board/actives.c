/* A union can't be taken back, so a window that slides is united anew for each row:
 * 28 days are 28 unions of some 0.5 us. What was before the window is dropped. */
#include "actives.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/sketch.h"

struct day {
    int64_t start_s, end_s;
    struct hc_sketch *sketch; /* owned; NULL: no users */
    bool complete;
};

struct actives {
    struct rollup *rollup;
    struct calendar *calendar; /* NULL: so far */
    unsigned days_max;
    unsigned first, count;     /* of the ring */
    struct day days[];         /* [days_max], a ring */
};

static struct actives *make(struct rollup *rollup, struct calendar *calendar, unsigned days)
{
    struct actives *actives = calloc(1, sizeof *actives + days * sizeof(struct day));

    if (!actives)
        return NULL;
    actives->rollup = rollup;
    actives->calendar = calendar;
    actives->days_max = days;
    return actives;
}

struct actives *actives_rolling(struct rollup *rollup, struct calendar *calendar, unsigned days)
{
    assert(days >= 1 && days <= ACTIVES_DAYS_MAX && calendar);
    return make(rollup, calendar, days);
}

struct actives *actives_so_far(struct rollup *rollup)
{
    return make(rollup, NULL, 1);
}

void actives_destroy(struct actives **actives)
{
    if (!*actives)
        return;
    for (unsigned i = 0; i < (*actives)->days_max; i++)
        hc_sketch_destroy(&(*actives)->days[i].sketch);
    free(*actives);
    *actives = NULL;
}

/* The next row of all groups together; as rollup_next. */
static int next_total(struct actives *actives, struct rollup_row *row)
{
    int more;

    do
        more = rollup_next(actives->rollup, row);
    while (more == 1 && strcmp(row->group, "{}") != 0);
    return more;
}

/* Where the window that ends with the day from `start_s` on begins. */
static bool window_start(struct actives *actives, int64_t *start_s)
{
    struct calendar_bucket bucket;

    for (unsigned i = 1; i < actives->days_max && *start_s > 0; i++) {
        if (!calendar_find(actives->calendar, *start_s - 1, &bucket))
            return false;
        *start_s = bucket.start_s;
    }
    return true;
}

static struct day *day_at(struct actives *actives, unsigned index)
{
    return &actives->days[(actives->first + index) % actives->days_max];
}

static void drop_before(struct actives *actives, int64_t start_s)
{
    while (actives->count > 0 && day_at(actives, 0)->start_s < start_s) {
        hc_sketch_destroy(&day_at(actives, 0)->sketch);
        actives->first = (actives->first + 1) % actives->days_max;
        actives->count--;
    }
}

static bool push(struct actives *actives, const struct rollup_row *row)
{
    struct day *day = day_at(actives, actives->count);

    assert(actives->count < actives->days_max && !day->sketch);
    *day = (struct day){.start_s = row->start_s, .end_s = row->end_s,
                        .complete = row->state == ROLLUP_COMPLETE};
    actives->count++;
    return !row->sketch || hc_sketch_copy(row->sketch, &day->sketch) == HC_OK;
}

static bool unite(struct hc_sketch **into, const struct hc_sketch *sketch)
{
    if (!sketch)
        return true;
    return (*into ? hc_sketch_union(*into, sketch, NULL) : hc_sketch_copy(sketch, into)) == HC_OK;
}

static int next_rolling(struct actives *actives, struct actives_row *row)
{
    struct hc_sketch *sum = NULL;
    struct rollup_row last;
    int more = next_total(actives, &last);
    bool done = true;
    int64_t at_s;

    if (more != 1)
        return more;
    *row = (struct actives_row){.start_s = last.start_s, .end_s = last.end_s, .complete = true};
    if (!window_start(actives, &row->start_s))
        return -1;
    drop_before(actives, row->start_s);
    done = push(actives, &last);
    at_s = row->start_s;
    for (unsigned i = 0; done && i < actives->count; i++) {
        const struct day *day = day_at(actives, i);

        row->complete = row->complete && day->complete && day->start_s == at_s;
        at_s = day->end_s;
        row->rows++;
        done = unite(&sum, day->sketch);
    }
    if (sum)
        row->estimate = hc_sketch_estimate(sum);
    hc_sketch_destroy(&sum);
    return done ? 1 : -1;
}

/* The ring's only day holds what was united up to now. */
static int next_so_far(struct actives *actives, struct actives_row *row)
{
    struct day *all = &actives->days[0];
    struct rollup_row last;
    int more = next_total(actives, &last);

    if (more != 1)
        return more;
    if (actives->count == 0)
        *all = (struct day){.start_s = last.start_s, .end_s = last.start_s, .complete = true};
    all->complete = all->complete && last.start_s == all->end_s && last.state == ROLLUP_COMPLETE;
    all->end_s = last.end_s;
    actives->count++;
    if (!unite(&all->sketch, last.sketch))
        return -1;
    *row = (struct actives_row){.start_s = all->start_s, .end_s = all->end_s,
                                .rows = actives->count, .complete = all->complete};
    if (all->sketch)
        row->estimate = hc_sketch_estimate(all->sketch);
    return 1;
}

int actives_next(struct actives *actives, struct actives_row *row)
{
    return actives->calendar ? next_rolling(actives, row) : next_so_far(actives, row);
}
