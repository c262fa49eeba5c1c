/* Rows in the order of time: the buckets that have users, and between them
 * those that have none but hold minutes that are known to be zero.
 *
 * A minute that the clocks have passed and that the coverage calls complete is
 * known; so is one that has users. The coverage is asked of every minute once
 * for zeros and once for its bucket, and only where the clocks have been. */
#include <assert.h>
#include <string.h>

#include "limits.h"
#include "rollup_inside.h"

static const char *const state_names[] = {
    [ROLLUP_COMPLETE] = "complete", [ROLLUP_RUNNING] = "running", [ROLLUP_PARTIAL] = "partial"};

const char *rollup_state_name(enum rollup_state state)
{
    assert((unsigned)state <= ROLLUP_PARTIAL);
    return state_names[state];
}

/* The first minute that begins at `time_s` or after it. */
static int64_t minute_from(int64_t time_s)
{
    return time_s < 0 ? 0 : (time_s + ROLLUP_MINUTE_S - 1) / ROLLUP_MINUTE_S * ROLLUP_MINUTE_S;
}

/* A minute that some run counted in other profiles only is neither a zero nor
 * complete. */
static struct coverage_minute ask(struct rollup *rollup, int64_t minute_s)
{
    struct coverage_minute answer;

    if (minute_s < rollup->asked_s || minute_s >= rollup->asked_until_s) {
        rollup->asked_s = minute_s;
        rollup->asked = coverage_minutes(rollup->coverage, rollup_stream(rollup), minute_s,
                                         &rollup->asked_until_s);
    }
    answer = rollup->asked;
    if (rollup_profiles_lack(rollup->profiles, rollup->profile, minute_s) ||
        (rollup_minutes_has(rollup->named, minute_s) &&
         !rollup_minutes_has(rollup->minutes, minute_s)))
        answer.complete = false;
    return answer;
}

/* Where the clocks stand: of the stream's sources the furthest, of its
 * partitions the last. At most the last second there is, -1 when there is none. */
static int64_t clock_of(const struct rollup *rollup)
{
    int64_t furthest = -1;

    for (size_t i = 0; i < coverage_sources_count(rollup->coverage); i++) {
        const struct coverage_source *source = coverage_source(rollup->coverage, i);
        int64_t last = source->partitions_count ? LIMIT_TIME_S : -1;

        for (size_t p = 0; p < source->partitions_count; p++) {
            if (last > source->partitions[p].watermark_s)
                last = source->partitions[p].watermark_s;
        }
        furthest = furthest > last ? furthest : last;
    }
    return furthest;
}

/* The clocks have passed one run of minutes: from the first that was counted
 * in time, found by halving, to the last that is over. */
static void find_reach(struct rollup *rollup)
{
    int64_t low = 0;
    int64_t high = clock_of(rollup) / ROLLUP_MINUTE_S;

    rollup->reach_from_s = rollup->reach_to_s = 0;
    if (high <= 0 || !ask(rollup, (high - 1) * ROLLUP_MINUTE_S).reached)
        return;
    rollup->reach_to_s = high * ROLLUP_MINUTE_S;
    while (low < high - 1) {
        int64_t middle = low + (high - 1 - low) / 2;

        if (ask(rollup, middle * ROLLUP_MINUTE_S).reached)
            high = middle + 1;
        else
            low = middle + 1;
    }
    rollup->reach_from_s = low * ROLLUP_MINUTE_S;
}

bool rollup_finish(struct rollup *rollup)
{
    enum hc_status status = coverage_judge(rollup->coverage);

    if (status == HC_OK && !rollup_profiles_judge(rollup->profiles))
        status = HC_ENOMEM;
    if (status != HC_OK)
        return rollup_fail(rollup, status == HC_EROOM ? coverage_error(rollup->coverage)
                                                      : hc_status_text(status));
    rollup_table_sort(rollup->table);
    if (rollup_stream(rollup))
        find_reach(rollup);
    rollup_rewind(rollup);
    return true;
}

void rollup_rewind(struct rollup *rollup)
{
    rollup->next_bucket = 0;
    rollup->next_minute_s = minute_from(rollup->options.from_s);
    rollup->judged_s = INT64_MIN;
    rollup->shown_s = INT64_MIN;
    rollup->left_out = (struct rollup_left_out){0};
}

struct rollup_left_out rollup_left_out(const struct rollup *rollup)
{
    return rollup->left_out;
}

static bool is_reached(const struct rollup *rollup, int64_t minute_s)
{
    return minute_s >= rollup->reach_from_s && minute_s < rollup->reach_to_s;
}

/* The first zero in [from, to), or INT64_MAX. */
static int64_t next_zero(struct rollup *rollup, int64_t from_s, int64_t to_s)
{
    int64_t minute_s = from_s > rollup->reach_from_s ? from_s : rollup->reach_from_s;

    if (to_s > rollup->reach_to_s)
        to_s = rollup->reach_to_s;
    for (; minute_s < to_s; minute_s += ROLLUP_MINUTE_S) {
        if (!rollup_minutes_has(rollup->minutes, minute_s) && ask(rollup, minute_s).complete)
            return minute_s;
    }
    return INT64_MAX;
}

/* The next minute from `minute_s` on that has users or was reached, or
 * INT64_MAX. */
static int64_t next_seen(const struct rollup *rollup, int64_t minute_s)
{
    int64_t users, reached = INT64_MAX;

    if (minute_s > LIMIT_TIME_S)
        return INT64_MAX;
    if (is_reached(rollup, minute_s))
        return minute_s;
    if (minute_s < rollup->reach_from_s)
        reached = rollup->reach_from_s;
    users = rollup_minutes_next(rollup->minutes, minute_s);
    return users < reached ? users : reached;
}

/* What a walk over a bucket's minutes found. */
struct walk {
    uint64_t minutes;         /* that have users or are zeros */
    int64_t first_s, last_s;  /* the first and the last of them */
    bool complete;            /* all that were seen are */
};

static struct walk walk_minutes(struct rollup *rollup, int64_t from_s, int64_t to_s)
{
    struct walk walk = {.first_s = INT64_MAX, .complete = true};

    for (int64_t minute_s = from_s;; minute_s += ROLLUP_MINUTE_S) {
        bool covered;

        minute_s = next_seen(rollup, minute_s);
        if (minute_s >= to_s)
            return walk;
        covered = ask(rollup, minute_s).complete;
        walk.complete = walk.complete && covered;
        if (!rollup_minutes_has(rollup->minutes, minute_s) &&
            !(covered && is_reached(rollup, minute_s)))
            continue;
        walk.minutes++;
        walk.first_s = walk.first_s < minute_s ? walk.first_s : minute_s;
        walk.last_s = minute_s;
    }
}

static enum rollup_state state_of(const struct rollup *rollup, const struct walk *walk,
                                  int64_t start_s, int64_t end_s)
{
    uint64_t all = (uint64_t)((minute_from(end_s) - minute_from(start_s)) / ROLLUP_MINUTE_S);

    if (walk->complete && walk->minutes == all)
        return ROLLUP_COMPLETE;
    if (rollup->reach_to_s > 0 && end_s > rollup->reach_to_s)
        return ROLLUP_RUNNING;
    return ROLLUP_PARTIAL;
}

/* "all" is not all of time, but what was asked for or is there. */
static void trim_all(const struct rollup *rollup, const struct walk *walk,
                     struct rollup_judged *judged)
{
    const struct rollup_options *options = &rollup->options;

    judged->start_s = options->from_given ? options->from_s : walk->first_s;
    judged->end_s = options->to_given ? options->to_s : walk->last_s + ROLLUP_MINUTE_S;
}

static void judge(struct rollup *rollup, const struct calendar_bucket *bucket)
{
    const struct rollup_options *options = &rollup->options;
    int64_t from_s = bucket->start_s > options->from_s ? bucket->start_s : options->from_s;
    int64_t to_s = bucket->end_s < options->to_s ? bucket->end_s : options->to_s;
    struct rollup_judged *judged = &rollup->judged;
    struct walk walk;

    if (rollup->judged_s == bucket->start_s)
        return;
    rollup->judged_s = bucket->start_s;
    walk = walk_minutes(rollup, minute_from(from_s), to_s);
    judged->start_s = bucket->start_s;
    judged->end_s = bucket->end_s;
    if (bucket->start_s == 0 && bucket->end_s == LIMIT_TIME_S + 1)
        trim_all(rollup, &walk, judged);
    judged->minutes = walk.minutes;
    judged->late = rollup->late ? rollup_minutes_count(rollup->late, minute_from(from_s),
                                                       minute_from(to_s))
                                : 0;
    judged->state = state_of(rollup, &walk, judged->start_s, judged->end_s);
}

/* Whether more than LIMIT_ZERO_ROWS buckets between `zero_s` and `limit_s` hold
 * zeros. False with *good false: no memory. */
static bool is_long_run(struct rollup *rollup, int64_t zero_s, int64_t limit_s, bool *good)
{
    struct calendar_bucket bucket;

    for (int rows = 0; rows < LIMIT_ZERO_ROWS; rows++) {
        *good = calendar_find(rollup->options.calendar, zero_s, &bucket);
        if (!*good)
            return false;
        zero_s = next_zero(rollup, minute_from(bucket.end_s), limit_s);
        if (zero_s == INT64_MAX)
            return false;
    }
    return true;
}

/* Leaves the run of zeros from *zero_s to `limit_s` out if it is too long to
 * show; *zero_s is then INT64_MAX. False: no memory. */
static bool limit_run(struct rollup *rollup, int64_t *zero_s, int64_t limit_s)
{
    struct rollup_left_out *left_out = &rollup->left_out;
    int64_t end_s = limit_s < rollup->reach_to_s ? limit_s : rollup->reach_to_s;
    bool good = true;

    if (rollup->options.from_given || rollup->options.to_given || *zero_s < rollup->shown_s)
        return true;
    rollup->shown_s = end_s;
    if (!is_long_run(rollup, *zero_s, limit_s, &good))
        return good;
    if (end_s - *zero_s > left_out->end_s - left_out->start_s) {
        left_out->start_s = *zero_s;
        left_out->end_s = end_s;
    }
    left_out->runs++;
    rollup->next_minute_s = minute_from(end_s);
    *zero_s = INT64_MAX;
    return true;
}

static bool fill_users(struct rollup *rollup, struct rollup_bucket *bucket, struct rollup_row *row)
{
    row->group = bucket->group;
    row->record_state = bucket->state;
    row->frames = rollup_bucket_frames(bucket);
    if (bucket->is_number) {
        row->estimate = bucket->estimate;
        return true;
    }
    row->sketch = rollup_bucket_sketch(rollup->table, bucket);
    if (!row->sketch)
        return rollup_fail(rollup, rollup_table_error(rollup->table));
    row->estimate = hc_sketch_estimate(row->sketch);
    return true;
}

int rollup_next(struct rollup *rollup, struct rollup_row *row)
{
    struct rollup_bucket *users = NULL;
    struct calendar_bucket bucket;
    int64_t limit_s = rollup->options.to_s;
    int64_t zero_s;

    if (rollup->next_bucket < rollup_table_count(rollup->table)) {
        users = rollup_table_bucket(rollup->table, rollup->next_bucket);
        limit_s = users->start_s;
    }
    *row = (struct rollup_row){.group = "{}", .record_state = RECORD_CLOSED};
    zero_s = next_zero(rollup, rollup->next_minute_s, limit_s);
    if (zero_s != INT64_MAX && !limit_run(rollup, &zero_s, limit_s))
        goto no_memory;
    if (zero_s != INT64_MAX) {
        if (!calendar_find(rollup->options.calendar, zero_s, &bucket))
            goto no_memory;
    } else if (users) {
        rollup->next_bucket++;
        bucket = (struct calendar_bucket){users->start_s, users->end_s};
        if (!fill_users(rollup, users, row))
            return -1;
    } else {
        return 0;
    }
    rollup->next_minute_s = minute_from(bucket.end_s);
    judge(rollup, &bucket);
    row->start_s = rollup->judged.start_s;
    row->end_s = rollup->judged.end_s;
    row->minutes = rollup->judged.minutes;
    row->late = rollup->judged.late;
    row->state = rollup->judged.state;
    return 1;

no_memory:
    rollup_fail(rollup, hc_status_text(HC_ENOMEM));
    return -1;
}
