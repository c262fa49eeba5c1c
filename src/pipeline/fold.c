/* Frames into windows, and room for them.
 *
 * Every valid frame is folded first and labelled afterwards: no decision about
 * time discards a user. When memory is short the coldest windows are published
 * early and let go once that is acknowledged; until then the run waits where
 * it is and the source is held back. */
#include <assert.h>
#include <string.h>

#include "log.h"
#include "pipeline_body.h"

/* How far memory is brought down once it has to be, as a divisor of the cap. */
#define ROOM_PART 4
/* Which frame is fetched into the cache beforehand, and how much of it: most end
 * or have both fields within that. */
#define FETCH_AHEAD 3
#define FETCH_BYTES 512
#define FETCH_LINE 64

static size_t room_target(const struct pipeline *p)
{
    return p->o.windows.memory_max - p->o.windows.memory_max / ROOM_PART;
}

/* Lets go of windows that are safe, the coldest first. */
static void let_go(struct pipeline *p, size_t target)
{
    struct window *next;
    for (struct window *w = window_coldest(p->windows);
         w && window_table_memory(p->windows) > target; w = next) {
        next = window_next_hotter(w);
        if (w->changed || w->in_flight > 0)
            continue;
        window_forget(p->windows, w);
        p->counters.evicted++;
    }
}

/* Publishes the coldest windows, as many as have to go. */
static void publish_coldest(struct pipeline *p, size_t target)
{
    size_t memory = window_table_memory(p->windows);
    for (struct window *w = window_coldest(p->windows); w && memory > target;
         w = window_next_hotter(w)) {
        if (w->changed && !publish_window(p, w))
            return;
        size_t bytes = window_memory(p->windows, w);
        memory = memory > bytes ? memory - bytes : 0;
    }
}

static void bring_down(struct pipeline *p, size_t target)
{
    p->last_window = NULL;
    let_go(p, target);
    if (window_table_memory(p->windows) > target) {
        publish_coldest(p, target);
        publish_acknowledgements(p, 0);
        let_go(p, target);
    }
}

/* The system gives no more memory, though the cap isn't reached: half of what is
 * held goes back to it. When nothing can go and no answer is awaited that would
 * change that, it's the end; what isn't committed is read again. */
static void give_back(struct pipeline *p)
{
    size_t before = window_table_count(p->windows);
    uint64_t times;
    if (log_limit_pass(&p->log_full, p->now_ms, &times))
        log_event(LOG_WARN, "memory_short", LOG_I("windows", (int64_t)before),
                  LOG_I("bytes", (int64_t)window_table_memory(p->windows)),
                  LOG_S("effect", "the system gives no more: minutes are published early"));
    bring_down(p, window_table_memory(p->windows) / 2);
    if (window_table_count(p->windows) == before && !publish_awaits(p))
        pipeline_end(p, PIPELINE_FAILED, "out of memory");
}

bool fold_make_room(struct pipeline *p)
{
    bring_down(p, room_target(p));
    if (!window_table_is_full(p->windows))
        return true;
    uint64_t times;
    if (log_limit_pass(&p->log_full, p->now_ms, &times))
        log_event(LOG_WARN, "memory_full",
                  LOG_I("windows", (int64_t)window_table_count(p->windows)),
                  LOG_I("bytes", (int64_t)window_table_memory(p->windows)),
                  LOG_S("effect", "reading waits until the output takes records"));
    return false;
}

/* A frame falls into another minute than the one before it. */
static void minute_note(struct pipeline *p, int64_t minute_s)
{
    if (minute_s < p->minute_first_s)
        p->minute_first_s = minute_s;
    if (minute_s > p->minute_last_s)
        p->minute_last_s = minute_s;
    if (minute_s + WINDOW_SECONDS > p->assigned_last_s)
        p->assigned_last_s = minute_s + WINDOW_SECONDS;
}

static bool fold_frame(struct pipeline *p, uint32_t slot, const struct frame *frame)
{
    if (window_table_is_full(p->windows) && !fold_make_room(p))
        return false;
    int64_t minute_s = frame->time_s - frame->time_s % WINDOW_SECONDS;
    struct window *window = p->last_window;
    if (!window || window->minute_s != minute_s) {
        window = window_table_get(p->windows, minute_s, WINDOW_GROUP_TOTAL);
        p->last_window = window;
        minute_note(p, minute_s);
    }
    if (!window ||
        window_add_user(p->windows, window, frame->user, frame->user_size) != HC_OK) {
        give_back(p);
        return false;
    }
    if (minute_s + WINDOW_SECONDS <= p->watermark.value_s) {
        window->late = true;
        p->counters.late++;
    }
    watermark_clock_note(&p->clocks[slot], frame->time_s, p->now_ms);
    p->slots[slot].noted = true;
    p->counters.frames++;
    return true;
}

static bool fold_message(struct pipeline *p, const struct message *message)
{
    struct frame frame;
    enum reject reason = decoder_decode(p->o.decoder, message, &frame);
    if (reason == REJECT_NONE) {
        if (!fold_frame(p, message->slot, &frame))
            return false;
    } else {
        if (p->o.rejects && !reject_set_aside(p, message, reason))
            return false;
        if (p->first_rejected_size == 0 && message->bytes) {
            p->first_rejected_size =
                message->size < FIRST_REJECTED_BYTES ? message->size : FIRST_REJECTED_BYTES;
            memcpy(p->first_rejected, message->bytes, p->first_rejected_size);
        }
        p->counters.rejected[reason]++;
    }
    p->counters.bytes += message->size;
    return true;
}

/* A frame is far from the processor when its turn comes, and an early exit is over
 * before the next lines are there: so a later one is asked for meanwhile. */
static void fetch_ahead(const struct message *message, const struct message *end)
{
    if (end - message <= FETCH_AHEAD || !message[FETCH_AHEAD].bytes)
        return;
    const char *bytes = message[FETCH_AHEAD].bytes;
    size_t size = message[FETCH_AHEAD].size;
    for (size_t at = 0; at < size && at < FETCH_BYTES; at += FETCH_LINE)
        __builtin_prefetch(bytes + at);
}

/* The messages of one partition up to the next one of another: where it stands is
 * noted once for all of them. False when one found no room. */
static bool fold_stretch(struct pipeline *p)
{
    const struct message *first = &p->run[p->run_next], *end = &p->run[p->run_count];
    const struct message *message = first;
    uint32_t slot = first->slot;
    assert(slot < p->slots_count);
    for (; message < end && message->slot == slot; message++) {
        fetch_ahead(message, end);
        if (!fold_message(p, message))
            break;
    }
    p->run_next = (size_t)(message - p->run);
    if (message == first)
        return false;
    p->slots[slot].at_end = false;
    checkpoints_read(p->checkpoints, slot, message[-1].next);
    return message == end || message->slot != slot;
}

bool fold_run(struct pipeline *p)
{
    if (reject_holds(p) || (p->doubts && !p->proven))
        return false;
    if (p->run_next == p->run_count)
        return true;
    p->news = true;
    while (p->run_next < p->run_count)
        if (!fold_stretch(p))
            return false;
    return true;
}
