/* Frames into windows, and room for them.
 *
 * With many windows a frame's own is mostly far from the processor: its bucket, the
 * window, the sketch, and the place in there, each known only when the one before
 * has come. So frames wait in a group until all of theirs can be fetched at once.
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
/* With so many windows they are no longer in the nearest caches. */
#define GROUP_WINDOWS 64
/* Both ways of a frame are whole loops. */
#define INLINE static inline __attribute__((always_inline))

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

INLINE bool fold_frame(struct pipeline *p, uint32_t slot, const struct frame *frame)
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

/* Has all that the group's frames will touch fetched, step by step for all of them:
 * so each step's wait is one for all. */
static void group_fetch(const struct pipeline *p, size_t count)
{
    const struct grouped *frames = p->group.frames;
    for (size_t i = 0; i < count; i++)
        window_table_fetch(p->windows, frames[i].minute_s, WINDOW_GROUP_TOTAL,
                           WINDOW_FETCH_WINDOW);
    for (size_t i = 0; i < count; i++)
        window_table_fetch(p->windows, frames[i].minute_s, WINDOW_GROUP_TOTAL,
                           WINDOW_FETCH_SKETCHES);
    for (size_t i = 0; i < count; i++)
        window_table_fetch_user(p->windows, frames[i].minute_s, WINDOW_GROUP_TOTAL,
                                frames[i].user, frames[i].user_size);
}

/* The frames of the group into their windows. The first that found no room is
 * where the run stands then, and those behind it are decoded again. */
static bool group_end(struct pipeline *p)
{
    size_t count = p->group.count;
    p->group.count = 0;
    group_fetch(p, count);
    for (size_t i = 0; i < count; i++) {
        const struct grouped *grouped = &p->group.frames[i];
        const struct frame frame = {grouped->user, grouped->user_size, grouped->time_s};
        if (!fold_frame(p, grouped->message->slot, &frame)) {
            p->group.stands = grouped->message;
            return false;
        }
        p->counters.bytes += grouped->message->size;
    }
    return true;
}

/* Whether the window of a frame may be far away: with few of them, or in order, it
 * is that of the frame before, or another at hand. */
static bool group_pays(const struct pipeline *p, const struct frame *frame)
{
    int64_t minute_s = frame->time_s - frame->time_s % WINDOW_SECONDS;
    return frame->user_size <= GROUP_USER_BYTES &&
           (p->group.count > 0 || !p->last_window || p->last_window->minute_s != minute_s);
}

/* The frame waits for others, while its window is looked for. */
static bool group_add(struct pipeline *p, const struct message *message, const struct frame *frame)
{
    struct grouped *grouped = &p->group.frames[p->group.count++];
    grouped->message = message;
    grouped->time_s = frame->time_s;
    grouped->minute_s = frame->time_s - frame->time_s % WINDOW_SECONDS;
    grouped->user_size = frame->user_size;
    memcpy(grouped->user, frame->user, frame->user_size);
    window_table_fetch(p->windows, grouped->minute_s, WINDOW_GROUP_TOTAL, WINDOW_FETCH_BUCKET);
    return p->group.count < GROUP_FRAMES || group_end(p);
}

/* Keeps the first frame that was rejected; one whose fields were looked at tells more of
 * what is wrong with all of them than one that is damaged. */
static void keep_rejected(struct pipeline *p, const struct message *message, enum reject reason)
{
    bool fields = reason >= REJECT_NO_USER && reason <= REJECT_TIME_LATE;
    uint64_t of_fields = 0;

    for (int i = REJECT_NO_USER; i <= REJECT_TIME_LATE; i++)
        of_fields += p->counters.rejected[i];
    if (!message->bytes || (p->first_rejected_size > 0 && (!fields || of_fields > 0)))
        return;
    p->first_rejected_size =
        message->size < FIRST_REJECTED_BYTES ? message->size : FIRST_REJECTED_BYTES;
    memcpy(p->first_rejected, message->bytes, p->first_rejected_size);
}

/* A message that was decoded, with its frame if it has a valid one. */
INLINE bool fold_decoded(struct pipeline *p, const struct message *message, enum reject reason,
                         const struct frame *frame)
{
    if (reason == REJECT_NONE) {
        if (!fold_frame(p, message->slot, frame))
            return false;
    } else {
        if (p->o.rejects && !reject_set_aside(p, message, reason))
            return false;
        keep_rejected(p, message, reason);
        p->counters.rejected[reason]++;
    }
    p->counters.bytes += message->size;
    return true;
}

static bool fold_message(struct pipeline *p, const struct message *message)
{
    struct frame frame;
    enum reject reason = decoder_decode(p->o.decoder, message, &frame);
    return fold_decoded(p, message, reason, &frame);
}

/* The same, but that a valid frame may be counted later, with others. */
static bool fold_grouped(struct pipeline *p, const struct message *message)
{
    struct frame frame;
    enum reject reason = decoder_decode(p->o.decoder, message, &frame);
    if (reason == REJECT_NONE && group_pays(p, &frame))
        return group_add(p, message, &frame);
    return group_end(p) && fold_decoded(p, message, reason, &frame);
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

/* Few windows are at hand anyway. */
static bool groups_pay(const struct pipeline *p)
{
    return window_table_count(p->windows) >=
           (p->o.group_windows ? p->o.group_windows : GROUP_WINDOWS);
}

/* The messages of one partition up to the next one of another: where it stands is
 * noted once for all of them. False when one found no room. */
static bool fold_stretch(struct pipeline *p)
{
    const struct message *first = &p->run[p->run_next], *end = &p->run[p->run_count];
    const struct message *message = first;
    bool grouped = groups_pay(p);
    uint32_t slot = first->slot;
    assert(slot < p->slots_count);
    p->group.stands = NULL;
    for (; message < end && message->slot == slot; message++) {
        fetch_ahead(message, end);
        if (!(grouped ? fold_grouped(p, message) : fold_message(p, message)))
            break;
    }
    if ((p->group.count > 0 && !group_end(p)) || p->group.stands)
        message = p->group.stands;
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
