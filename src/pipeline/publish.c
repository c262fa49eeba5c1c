/* Everything behind the windows: labels, records, checkpoints, commits.
 *
 * At each tick the windows are labelled anew and a checkpoint begins. Its windows
 * are then produced in slices, one a turn, so that reading goes on between them
 * however many they are. A slice is measured by its work and not by the clock:
 * SLICE_WORK takes about as long as a batch of frames. It doubles with each eighth
 * of the emit interval that the checkpoint has been gathering, SLICE_DOUBLINGS
 * times at most. So gathering ends: the windows that are due are fixed when it
 * begins, and each turn produces one of them at least unless the output is full;
 * and it ends in time: after most of an interval nearly all of it goes into slices. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pipeline_body.h"

/* How long memory may be short; what time without asking ends that, beyond
 * --emit-every; in ms. */
#define STARVED_MS 5000
#define STARVED_PAUSE_MS 1000
/* The work of a slice, in bytes of sketches; what a record costs beside them. */
#define SLICE_WORK ((size_t)256 * 1024)
#define SLICE_RECORD_WORK 2048
#define SLICE_DOUBLINGS 5

enum record_state publish_state(const struct pipeline *p, struct window *window)
{
    if (window->minute_s + WINDOW_SECONDS > p->watermark.value_s) {
        window->late = false; /* the clock went back: it is open again */
        return RECORD_OPEN;
    }
    return window->late ? RECORD_LATE : RECORD_CLOSED;
}

/* A line that has no room yet waits, and with it the next record. */
static void print(struct pipeline *p, const struct emit_summary *summary)
{
    const struct emit_record line = {.summary = summary};
    if (emit_produce(p->o.print, &line) == EMIT_OK) {
        p->lines_unwritten++;
        p->line_waits = false;
    } else {
        p->line = *summary;
        p->line.sketch = NULL;
        p->line_waits = true;
    }
}

static void serve_print(struct pipeline *p)
{
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count;
    if (!p->o.print)
        return;
    do {
        count = emit_poll(p->o.print, 0, acks, ACKS_AT_ONCE);
        p->lines_unwritten -= count;
    } while (count == ACKS_AT_ONCE);
    if (p->line_waits)
        print(p, &p->line);
    if (emit_failed(p->o.print)) {
        log_event(LOG_ERROR, "print_failed", LOG_S("error", emit_failed(p->o.print)),
                  LOG_S("effect", "no more lines; counting goes on"));
        p->o.print = NULL;
        p->line_waits = false;
        p->lines_unwritten = 0;
    }
}

bool publish_awaits(const struct pipeline *p)
{
    for (struct window *w = window_coldest(p->windows); w; w = window_next_hotter(w))
        if (w->in_flight > 0)
            return true;
    return false;
}

/* Something was not taken: by an output that is full, which passes, or for want
 * of memory, which may not. That is the cause where the output has nothing of
 * ours; then waiting has an end. What isn't committed is read again. */
static void refused(struct pipeline *p)
{
    if (p->refused_ms == 0 || p->now_ms - p->refused_ms > p->o.emit_every_ms + STARVED_PAUSE_MS)
        p->refused_from_ms = p->now_ms;
    p->refused_ms = p->now_ms;
    if (p->now_ms - p->refused_from_ms >= STARVED_MS && p->records_out == 0)
        pipeline_end(p, PIPELINE_FAILED, "out of memory: nothing could be published");
}

/* Hands over the record in key and value. */
static enum emit_result produce(struct pipeline *p, const struct emit_summary *summary,
                                uint64_t token)
{
    if (p->key.failed || p->value.failed) {
        text_free(&p->key);
        text_free(&p->value);
        return EMIT_FULL; /* memory may come back */
    }
    const struct emit_record record = {.key = p->key.bytes,
                                       .key_size = p->key.size,
                                       .value = p->value.bytes,
                                       .value_size = p->value.size,
                                       .summary = summary,
                                       .token = token};
    enum emit_result result = emit_produce(p->o.output, &record);
    if (result == EMIT_OK && summary && p->o.print)
        print(p, summary);
    if (result == EMIT_OK) {
        p->refused_ms = 0;
        p->records_out++;
    }
    if (result == EMIT_TOO_LARGE)
        pipeline_end(p, PIPELINE_FAILED,
                     "a record of %zu bytes is larger than the output topic takes",
                     p->value.size);
    return result;
}

static bool publish_sketch(struct pipeline *p, struct window *window, struct window_sketch *held,
                           enum record_state state)
{
    if (p->line_waits)
        return false;
    if (!checkpoints_record_room(p->checkpoints)) {
        refused(p);
        return false;
    }
    uint64_t sequence = checkpoints_record_produced(p->checkpoints, held->sequence, window);
    struct record_sketch record = {.stream = p->o.stream,
                                   .minute_s = window->minute_s,
                                   .group = window->group,
                                   .state = state,
                                   .whole = window->whole,
                                   .frames = window->frames,
                                   .instance = p->o.instance,
                                   .epoch_ms = p->o.epoch_ms,
                                   .sequence = sequence,
                                   .fields = p->o.fields,
                                   .estimate = hc_sketch_estimate(held->sketch),
                                   .sketch = held->sketch,
                                   .codec = p->codec};
    text_clear(&p->key);
    text_clear(&p->value);
    record_key_sketch(&record, &p->key);
    enum emit_result result = EMIT_FULL;
    if (record_write_sketch(&record, &p->value) == HC_OK) {
        const struct emit_summary summary = {.minute_s = window->minute_s,
                                             .uniques = record.estimate.value,
                                             .low = record.estimate.low,
                                             .high = record.estimate.high,
                                             .state = record_state_name(state),
                                             .interim = state == RECORD_OPEN && !p->ending,
                                             .sketch = held->sketch};
        /* People want each minute once: in the first profile. */
        result = produce(p, held == window->sketches ? &summary : NULL, sequence);
    }
    if (result != EMIT_OK) {
        checkpoints_record_withdrawn(p->checkpoints, sequence);
        refused(p);
        return false;
    }
    held->sequence = sequence;
    window->in_flight++;
    p->counters.records++;
    return true;
}

/* One window's records, as far as `left` goes. */
static bool publish_records(struct pipeline *p, struct window *window, size_t *left)
{
    enum record_state state = publish_state(p, window);
    struct window_sketch *sketch;
    while ((sketch = window_publish_next(p->windows, window, (int)state))) {
        p->sliced = *left == 0;
        if (p->sliced || !publish_sketch(p, window, sketch, state))
            return false;
        window_published(window, (int)state);
        size_t work = SLICE_RECORD_WORK + hc_sketch_memory(sketch->sketch);
        *left -= work < *left ? work : *left;
    }
    if (state == RECORD_OPEN)
        window->closed_ms = -1;
    else if (window->closed_ms < 0)
        window->closed_ms = p->now_ms;
    return true;
}

bool publish_window(struct pipeline *p, struct window *window)
{
    size_t all = SIZE_MAX;
    return publish_records(p, window, &all);
}

static void record_failed(struct pipeline *p, struct window *window, const struct emit_ack *ack)
{
    uint64_t times;
    window_mark_failed(p->windows, window, ack->token);
    p->counters.records_failed++;
    if (p->leaving && p->next_tick_ms > p->now_ms + LAST_PAUSE_MS)
        p->next_tick_ms = p->now_ms + LAST_PAUSE_MS;
    if (log_limit_pass(&p->log_failed, p->now_ms, &times))
        log_event(LOG_WARN, "record_failed", LOG_S("error", ack->error),
                  LOG_I("times", (int64_t)times),
                  LOG_S("effect", "published again at the next checkpoint"));
}

static void acknowledge(struct pipeline *p, const struct emit_ack *ack)
{
    if (ack->token & TOKEN_CHECKPOINT) {
        if (checkpoints_answered(p->checkpoints, ack->token & ~TOKEN_CHECKPOINT, !ack->error)) {
            p->counters.checkpoints++;
            p->acknowledged_ms = p->o.clock.wall_ms(p->o.clock.context);
            p->lost_told = p->lost_telling;
            p->commit_due = true;
        }
        if (ack->error)
            p->news = true;
        return;
    }
    struct window *window =
        checkpoints_record_answered(p->checkpoints, ack->token, ack->error == NULL);
    assert(window->in_flight > 0);
    window->in_flight--;
    if (ack->error)
        record_failed(p, window, ack);
}

void publish_acknowledgements(struct pipeline *p, int timeout_ms)
{
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count;
    serve_print(p);
    do {
        count = emit_poll(p->o.output, timeout_ms, acks, ACKS_AT_ONCE);
        timeout_ms = 0;
        p->records_out -= count;
        for (size_t i = 0; i < count; i++)
            acknowledge(p, &acks[i]);
    } while (count == ACKS_AT_ONCE);
    const char *failed = emit_failed(p->o.output);
    if (failed)
        pipeline_end(p, PIPELINE_FAILED, "output: %s", failed);
}

/* Labels that changed are published like content; closed windows are let go
 * when their time is over. */
static void label_windows(struct pipeline *p)
{
    struct window *next;
    bool last = p->leaving && p->ending && !p->last_begun &&
                (p->o.print || p->o.output_for_people);
    for (struct window *w = window_coldest(p->windows); w; w = next) {
        next = window_next_hotter(w);
        enum record_state state = publish_state(p, w);
        if (w->changed || w->frames == 0)
            continue; /* one without frames waits for the memory of its first user */
        if (state != RECORD_OPEN && w->published_state != (int)state) {
            window_mark_changed(p->windows, w);
        } else if (state == RECORD_OPEN && last) {
            window_mark_changed(p->windows, w); /* people have not seen it yet */
        } else if (state != RECORD_OPEN && w->in_flight == 0 && w->closed_ms >= 0 &&
                   p->now_ms - w->closed_ms >= KEEP_CLOSED_MS) {
            if (w == p->last_window)
                p->last_window = NULL;
            window_forget(p->windows, w);
        }
    }
}

/* All minutes of an ended file have passed; but a damaged time far ahead of its
 * clock must not declare the time up to there empty. */
static int64_t ended_watermark(const struct pipeline *p, const struct watermark_clock *clock)
{
    if (clock->value_s == WATERMARK_NONE || p->assigned_last_s <= clock->value_s + END_AHEAD_S)
        return p->assigned_last_s;
    return clock->value_s - clock->value_s % WINDOW_SECONDS + WINDOW_SECONDS;
}

static void begin_checkpoint(struct pipeline *p)
{
    for (size_t i = 0; i < p->slots_count; i++) {
        const struct watermark_clock *clock = &p->clocks[i];
        p->marks[i] = (struct checkpoint_mark){
            .watermark_s = watermark_of_partition(&p->watermark, clock, p->max_lag_s),
            .idle = clock->idle,
            .end = clock->ended};
        if (clock->ended && p->slots[i].slice) {
            /* The rest of its last minute stands in the next slice. */
            p->marks[i].end = false;
            p->marks[i].watermark_s = clock->value_s == WATERMARK_NONE
                                          ? WATERMARK_NONE
                                          : clock->value_s - p->max_lag_s;
        } else if (clock->ended) {
            p->marks[i].watermark_s = ended_watermark(p, clock);
        }
    }
    if (!checkpoints_begin(p->checkpoints, p->marks, &p->counters)) {
        refused(p);
        return;
    }
    window_table_next_round(p->windows);
    p->last_checkpoint_ms = p->gathering_ms = p->now_ms;
    p->news = false;
    p->last_begun = p->leaving;
    status_doubt_times(p);
}

/* What failed goes out again, even when no checkpoint can begin. */
static void publish_failed(struct pipeline *p)
{
    struct window *next;
    for (struct window *w = window_first_changed(p->windows); w; w = next) {
        next = window_next_changed(w);
        if ((w->failed || !p->assignment || reject_holds(p)) && !publish_window(p, w))
            return;
    }
}

/* From the tick on that labelled the windows, all of them being produced. At the
 * end of a file everything has passed; of what follows nothing is known. */
static void pass(struct pipeline *p)
{
    if (!p->passed_due || checkpoints_gathering(p->checkpoints))
        return;
    p->passed_due = false;
    emit_passed(p->o.output, p->passed_s);
    if (p->o.print)
        emit_passed(p->o.print, p->passed_s);
}

void publish_tick(struct pipeline *p)
{
    bool urgent = p->leaving && !p->last_begun && checkpoints_can_begin(p->checkpoints);
    if (p->now_ms < p->next_tick_ms && !urgent)
        return;
    if (p->now_ms >= p->next_tick_ms)
        p->next_tick_ms = p->now_ms + p->o.emit_every_ms;
    label_windows(p);
    if (pipeline_in_doubt(p))
        return;
    bool wanted = p->news || window_first_changed(p->windows) ||
                  p->now_ms - p->last_checkpoint_ms >= QUIET_CHECKPOINT_MS;
    if (urgent && !wanted)
        p->last_begun = true; /* the last one has told everything */
    if (p->slots_count > 0 && p->watermark.value_s != WATERMARK_ALL)
        p->passed_s = p->watermark.value_s;
    if (wanted && checkpoints_can_begin(p->checkpoints))
        begin_checkpoint(p);
    else
        publish_failed(p);
    p->passed_due = !window_first_changed(p->windows) || checkpoints_gathering(p->checkpoints);
}

/* The record's partitions and ranges from the view. */
static bool fill_partitions(struct pipeline *p, const struct checkpoint_view *view)
{
    struct record_range *ranges =
        realloc(p->ranges, (view->missing_count + 1) * sizeof *ranges);
    if (!ranges)
        return false;
    p->ranges = ranges;
    size_t at = 0;
    for (size_t i = 0; i < view->slots; i++) {
        size_t first = at;
        for (; at < view->missing_count && view->missing[at].slot == i; at++)
            ranges[at] = (struct record_range){view->missing[at].from, view->missing[at].to};
        p->partitions[i] = (struct record_partition){.partition = p->slots[i].partition,
                                                     .from = view->from[i],
                                                     .to = view->to[i],
                                                     .missing = ranges + first,
                                                     .missing_count = at - first,
                                                     .watermark_s = view->marks[i].watermark_s,
                                                     .idle = view->marks[i].idle,
                                                     .end = view->marks[i].end};
    }
    return true;
}

static void publish_checkpoint(struct pipeline *p, const struct checkpoint_view *view)
{
    if (!fill_partitions(p, view)) {
        refused(p);
        return;
    }
    struct record_checkpoint record = {.stream = p->o.stream,
                                       .instance = p->o.instance,
                                       .epoch_ms = p->o.epoch_ms,
                                       .number = view->number,
                                       .time_ms = p->o.clock.wall_ms(p->o.clock.context),
                                       .cluster = p->assignment->cluster,
                                       .topic = p->assignment->topic,
                                       .partitions_total = p->assignment->partitions_total,
                                       .input_group = p->o.input_group,
                                       .sequence_first = view->sequence_first,
                                       .sequence_last = view->sequence_last,
                                       .replaced = view->replaced,
                                       .replaced_count = view->replaced_count,
                                       .partitions = p->partitions,
                                       .partitions_count = view->slots,
                                       .frames = view->frames};
    memcpy(record.rejected, view->rejected, sizeof record.rejected);
    p->lost_telling = p->counters.rejects_lost;
    record.rejects_lost = p->lost_telling - p->lost_told;
    text_clear(&p->key);
    text_clear(&p->value);
    record_key_checkpoint(&record, &p->key);
    if (record_write_checkpoint(&record, &p->value) == HC_OK &&
        produce(p, NULL, view->number | TOKEN_CHECKPOINT) == EMIT_OK)
        checkpoints_written(p->checkpoints, view->number);
    else
        refused(p);
}

void publish_committed(struct pipeline *p, const char *error)
{
    checkpoints_commit_ended(p->checkpoints, error == NULL);
    if (!error) {
        p->counters.commits++;
        return;
    }
    uint64_t times;
    p->counters.commits_failed++;
    if (!p->leaving)
        p->news = true; /* or a quiet stream had no checkpoint to try it again with */
    if (log_limit_pass(&p->log_commit, p->now_ms, &times))
        log_event(LOG_WARN, "commit_failed", LOG_S("error", error), LOG_I("times", (int64_t)times),
                  LOG_S("effect", "tried again with the next checkpoint"));
}

/* A commit follows each acknowledged checkpoint; the last one before leaving is
 * tried a few times. */
static void commit(struct pipeline *p)
{
    if (!p->o.commits || checkpoints_committing(p->checkpoints))
        return;
    if (p->last_begun && checkpoints_under_way(p->checkpoints) == 0 &&
        p->now_ms - p->last_commit_ms >= LAST_PAUSE_MS && p->last_commits < LAST_COMMITS)
        p->commit_due = true;
    if (!p->commit_due)
        return;
    p->commit_due = false;
    size_t count = checkpoints_commit_begin(p->checkpoints, p->positions, p->slots_count);
    if (count == 0)
        return;
    if (p->last_begun)
        p->last_commits++;
    p->last_commit_ms = p->now_ms;
    if (!source_commit(p->o.source, p->positions, count, p->o.fingerprint))
        publish_committed(p, "not accepted");
}

static size_t slice_work(const struct pipeline *p)
{
    int64_t eighths = (p->now_ms - p->gathering_ms) * 8 / p->o.emit_every_ms;
    size_t work = p->o.slice_work ? p->o.slice_work : SLICE_WORK;
    return work << (eighths < SLICE_DOUBLINGS ? eighths : SLICE_DOUBLINGS);
}

/* The next slice of a checkpoint's windows. True when all of them are produced. */
static bool publish_slice(struct pipeline *p)
{
    size_t left = slice_work(p);
    struct window *w;
    while ((w = window_first_changed(p->windows)) && w->round < window_table_round(p->windows))
        if (!publish_records(p, w, &left))
            return false;
    return true;
}

void publish_go_on(struct pipeline *p)
{
    p->sliced = false;
    if (checkpoints_gathering(p->checkpoints)) {
        if (!publish_slice(p))
            return;
        checkpoints_gathered(p->checkpoints);
    }
    pass(p);
    struct checkpoint_view view;
    if (checkpoints_ready(p->checkpoints, &view))
        publish_checkpoint(p, &view);
    else if (view.number > 0)
        refused(p);
    commit(p);
}
