/* One emitter for the threads of several workers.
 *
 *   worker 0 -- handle 0 --\
 *   worker 1 -- handle 1 ---- lock -- inner emitter
 *   worker 2 -- handle 2 --/
 *
 * Whoever polls moves the inner one along, and puts the acknowledgements that come
 * back where they belong: a token carries the number of its handle on the way.
 *
 * A handle with nothing under way may always leave one record with us, however full
 * the inner emitter is. So each waits for answers of its own when it is refused, and
 * what others have under way never looks like want of memory to it. */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "emit.h"
#include "limits.h"

/* In the token, below its highest bit, which is its owner's. */
#define NUMBER_SHIFT 57
#define NUMBER_MASK ((uint64_t)(LIMIT_WORKERS - 1) << NUMBER_SHIFT)
#define ACKS_AT_ONCE 256
/* Between two looks at the inner emitter while one waits. */
#define LOOK_MS 1
#define TEXT_BYTES 512

struct share_handle {
    struct emit base;
    struct share *share;
    unsigned number;
    int64_t passed_s;
    struct emit_ack *acks; /* ring, with room for all that is out */
    size_t first, count, room;
    size_t out;            /* records whose acknowledgement is not in the ring */
    struct emit_record left; /* its key and value are one block; a key of NULL: none */
    char text[TEXT_BYTES]; /* what failed() and down() answered */
};

struct share {
    pthread_mutex_t lock;
    struct emit *inner;
    int64_t passed_s; /* what the inner one was told */
    size_t count, alive;
    struct share_handle handles[];
};

static struct share_handle *of(struct emit *emit)
{
    return (struct share_handle *)emit;
}

/* Room for one more acknowledgement than is promised. */
static bool ring_reserve(struct share_handle *handle)
{
    size_t promised = handle->out + handle->count;
    size_t room = handle->room ? handle->room * 2 : ACKS_AT_ONCE;
    struct emit_ack *acks;

    if (promised < handle->room)
        return true;
    acks = malloc(room * sizeof *acks);
    if (!acks)
        return false;
    for (size_t i = 0; i < handle->count; i++)
        acks[i] = handle->acks[(handle->first + i) % handle->room];
    free(handle->acks);
    handle->acks = acks;
    handle->first = 0;
    handle->room = room;
    return true;
}

static void ring_put(struct share_handle *handle, struct emit_ack ack)
{
    assert(handle->count < handle->room && handle->out > 0);
    handle->acks[(handle->first + handle->count++) % handle->room] = ack;
    handle->out--;
}

static size_t ring_take(struct share_handle *handle, struct emit_ack *acks, size_t room)
{
    size_t taken = 0;

    for (; taken < room && handle->count > 0; taken++, handle->count--) {
        acks[taken] = handle->acks[handle->first];
        handle->first = (handle->first + 1) % handle->room;
    }
    return taken;
}

/* A copy that stays with us; of headers there is none. */
static enum emit_result leave(struct share_handle *handle, const struct emit_record *record)
{
    size_t size = record->key_size + record->value_size;
    char *bytes = record->headers ? NULL : malloc(size + 1);

    if (!bytes)
        return EMIT_FULL;
    if (record->key_size)
        memcpy(bytes, record->key, record->key_size);
    if (record->value_size)
        memcpy(bytes + record->key_size, record->value, record->value_size);
    handle->left = *record;
    handle->left.summary = NULL; /* was taken */
    handle->left.key = bytes;
    handle->left.value = record->value ? bytes + record->key_size : NULL;
    return EMIT_OK;
}

static void forget_left(struct share_handle *handle)
{
    free((char *)(uintptr_t)handle->left.key);
    handle->left.key = NULL;
}

static enum emit_result share_produce(struct emit *emit, const struct emit_record *record)
{
    struct share_handle *handle = of(emit);
    struct share *share = handle->share;
    struct emit_record numbered = *record;
    enum emit_result result = EMIT_FULL;

    assert((record->token & NUMBER_MASK) == 0);
    numbered.token |= (uint64_t)handle->number << NUMBER_SHIFT;
    pthread_mutex_lock(&share->lock);
    if (!handle->left.key && ring_reserve(handle)) {
        result = emit_produce(share->inner, &numbered);
        if (result == EMIT_FULL && handle->out == 0 && !emit_failed(share->inner))
            result = leave(handle, &numbered);
        handle->out += result == EMIT_OK;
    }
    pthread_mutex_unlock(&share->lock);
    return result;
}

static void give_back(struct share *share, const struct emit_ack *ack)
{
    unsigned number = (unsigned)((ack->token & NUMBER_MASK) >> NUMBER_SHIFT);
    struct emit_ack own = *ack;

    own.token &= ~NUMBER_MASK;
    ring_put(&share->handles[number], own);
}

/* What was left with us, again. */
static void produce_left(struct share *share)
{
    for (size_t i = 0; i < share->count; i++) {
        struct share_handle *handle = &share->handles[i];
        enum emit_result result;

        if (!handle->left.key)
            continue;
        result = emit_failed(share->inner) ? EMIT_TOO_LARGE
                                           : emit_produce(share->inner, &handle->left);
        if (result == EMIT_FULL)
            continue;
        if (result == EMIT_TOO_LARGE)
            give_back(share, &(struct emit_ack){.token = handle->left.token,
                                                .error = "not accepted", .too_large = true});
        forget_left(handle);
    }
}

static void move_along(struct share *share)
{
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count;

    produce_left(share);
    do {
        count = emit_poll(share->inner, 0, acks, ACKS_AT_ONCE);
        for (size_t i = 0; i < count; i++)
            give_back(share, &acks[i]);
    } while (count == ACKS_AT_ONCE);
}

/* Who does not wait lets another one who is at it do the work. */
static size_t share_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    struct share_handle *handle = of(emit);
    struct share *share = handle->share;
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;

    assert(timeout_ms >= 0 && room > 0);
    for (;;) {
        size_t taken;
        bool waits;

        if (timeout_ms > 0)
            pthread_mutex_lock(&share->lock);
        else if (pthread_mutex_trylock(&share->lock) != 0)
            return 0;
        move_along(share);
        taken = ring_take(handle, acks, room);
        waits = taken == 0 && handle->out > 0;
        pthread_mutex_unlock(&share->lock);
        if (!waits || clock_monotonic_ms() >= until_ms)
            return taken;
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* A copy of what the inner one says: others poll it while it is read. */
static const char *told(struct share_handle *handle, const char *(*ask)(struct emit *emit))
{
    struct share *share = handle->share;
    const char *text;

    pthread_mutex_lock(&share->lock);
    text = ask(share->inner);
    if (text)
        snprintf(handle->text, sizeof handle->text, "%s", text);
    pthread_mutex_unlock(&share->lock);
    return text ? handle->text : NULL;
}

static const char *share_failed(struct emit *emit)
{
    return told(of(emit), emit_failed);
}

static const char *share_down(struct emit *emit)
{
    return told(of(emit), emit_down);
}

static void share_forget(struct emit *emit)
{
    struct share *share = of(emit)->share;

    pthread_mutex_lock(&share->lock);
    emit_forget(share->inner);
    pthread_mutex_unlock(&share->lock);
}

static void share_passed(struct emit *emit, int64_t time_s)
{
    struct share *share = of(emit)->share;
    int64_t all_s = INT64_MAX;

    pthread_mutex_lock(&share->lock);
    of(emit)->passed_s = time_s;
    for (size_t i = 0; i < share->count; i++)
        if (share->handles[i].passed_s < all_s)
            all_s = share->handles[i].passed_s;
    if (all_s != share->passed_s)
        emit_passed(share->inner, share->passed_s = all_s);
    pthread_mutex_unlock(&share->lock);
}

static void share_destroy(struct emit *emit)
{
    struct share *share = of(emit)->share;
    bool last;

    pthread_mutex_lock(&share->lock);
    last = --share->alive == 0;
    pthread_mutex_unlock(&share->lock);
    if (!last)
        return;
    for (size_t i = 0; i < share->count; i++) {
        forget_left(&share->handles[i]);
        free(share->handles[i].acks);
    }
    emit_destroy(&share->inner);
    pthread_mutex_destroy(&share->lock);
    free(share);
}

static const struct emit_ops share_ops = {
    .produce = share_produce,
    .poll = share_poll,
    .failed = share_failed,
    .destroy = share_destroy,
    .down = share_down,
    .forget = share_forget,
    .passed = share_passed,
};

bool emit_share(struct emit *inner, size_t count, struct emit **handles)
{
    struct share *share;

    assert(count > 1 && count <= LIMIT_WORKERS);
    share = calloc(1, sizeof *share + count * sizeof share->handles[0]);
    if (!share || pthread_mutex_init(&share->lock, NULL) != 0) {
        free(share);
        return false;
    }
    share->inner = inner;
    share->count = share->alive = count;
    share->passed_s = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        share->handles[i] = (struct share_handle){
            .base = {.ops = &share_ops}, .share = share, .number = (unsigned)i,
            .passed_s = INT64_MIN};
        handles[i] = &share->handles[i].base;
    }
    return true;
}
