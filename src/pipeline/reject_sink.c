/* See reject_sink.h. Once a turn: what came back, what is tried again, and
 * whether the sink is up. */
#include "reject_sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pipeline_body.h"

/* Acknowledgements pause for 3 to 16 s when a broker dies; more is an outage. */
#define QUIET_MS 20000
/* When there is no time left for that. */
#define QUIET_LEAVING_MS 3000
/* Between two tries of what failed. */
#define RETRY_MS 1000
/* How long a frame may try whether the sink is up. */
#define PROBE_WAIT_MS 5000
#define SLOT(token) ((token) % LIMIT_RECORDS_IN_FLIGHT)

bool reject_create(struct pipeline *p)
{
    struct reject_sink *sink = &p->rejects;
    sink->first = sink->next = 1;
    sink->down_ms = sink->full_ms = -1;
    if (!p->o.rejects || p->o.rejects_as_lines)
        return true;
    sink->kept = calloc(LIMIT_RECORDS_IN_FLIGHT, sizeof *sink->kept);
    return sink->kept != NULL;
}

void reject_destroy(struct pipeline *p)
{
    for (size_t i = 0; p->rejects.kept && i < LIMIT_RECORDS_IN_FLIGHT; i++)
        free(p->rejects.kept[i]);
    free(p->rejects.kept);
}

/* Copies `size` bytes to *at and moves it on; where they are now. */
static const char *put(char **at, const char *bytes, size_t size)
{
    char *copy = *at;
    if (!bytes)
        return NULL;
    memcpy(copy, bytes, size);
    *at += size;
    return copy;
}

struct reject_kept *reject_keep(const struct rejected *r)
{
    size_t source = strlen(r->source) + 1, key = r->key ? r->key_size : 0;
    size_t bytes = sizeof(struct reject_kept) + source + key + (r->frame ? r->size : 0);
    struct reject_kept *kept = malloc(bytes);
    if (!kept)
        return NULL;
    char *at = (char *)(kept + 1);
    *kept = (struct reject_kept){.rejected = *r, .bytes = bytes};
    kept->rejected.source = put(&at, r->source, source);
    kept->rejected.key = put(&at, r->key, key);
    kept->rejected.frame = put(&at, r->frame, r->size);
    return kept; /* the reason is static */
}

void reject_note_taken(struct pipeline *p, uint64_t token, struct reject_kept *kept)
{
    struct reject_sink *sink = &p->rejects;
    if (sink->out++ == 0) {
        sink->quiet_ms = p->now_ms;
        sink->first = token;
    }
    sink->next = token + 1;
    sink->full_ms = -1;
    if (sink->down_ms >= 0)
        sink->forget_ms = p->now_ms + PROBE_WAIT_MS;
    if (!kept)
        return;
    assert(!sink->kept[SLOT(token)]);
    sink->kept[SLOT(token)] = kept;
    sink->kept_bytes += kept->bytes;
}

void reject_note_full(struct pipeline *p)
{
    if (p->rejects.full_ms < 0)
        p->rejects.full_ms = p->now_ms;
}

void reject_lose(struct pipeline *p, const char *why)
{
    uint64_t times;
    p->counters.rejects_lost++;
    p->news = true;
    if (why && log_limit_pass(&p->log_lost, p->now_ms, &times))
        log_event(LOG_ERROR, "rejects_lost", LOG_S("sink", p->o.rejects_name),
                  LOG_S("error", why), LOG_I("times", (int64_t)times));
}

static struct reject_kept *kept_of(const struct reject_sink *sink, uint64_t token)
{
    return sink->kept ? sink->kept[SLOT(token)] : NULL;
}

/* Nothing more is to be done about it. */
static void settle(struct pipeline *p, uint64_t token)
{
    struct reject_sink *sink = &p->rejects;
    struct reject_kept *kept = kept_of(sink, token);
    if (kept) {
        sink->waiting -= kept->failed;
        sink->kept_bytes -= kept->bytes;
        sink->kept[SLOT(token)] = NULL;
        free(kept);
    }
    if (sink->alone == token)
        sink->alone = 0;
    sink->out--;
    checkpoints_reject_acknowledged(p->checkpoints, token);
}

static void go_down(struct pipeline *p, const char *why)
{
    struct reject_sink *sink = &p->rejects;
    if (sink->down_ms >= 0)
        return;
    sink->down_ms = p->now_ms;
    sink->forget_ms = p->now_ms;
    sink->probe_ms = p->now_ms + RETRY_MS;
    sink->lost_before = p->counters.rejects_lost;
    log_event(LOG_ERROR, "rejects_down", LOG_S("sink", p->o.rejects_name), LOG_S("error", why),
              LOG_S("effect", p->o.rejects_drop ? "rejected frames are lost, and counted"
                                                : "reading waits until it takes them again"));
}

static void come_up(struct pipeline *p)
{
    struct reject_sink *sink = &p->rejects;
    log_event(LOG_WARN, "rejects_up", LOG_S("sink", p->o.rejects_name),
              LOG_I("down_ms", p->now_ms - sink->down_ms),
              LOG_I("lost", (int64_t)(p->counters.rejects_lost - sink->lost_before)));
    sink->down_ms = sink->full_ms = -1;
    sink->quiet_ms = p->now_ms;
}

/* It will be tried again: alone if it may have been too large, and after that
 * without its bytes. */
static void wait_for_retry(struct pipeline *p, uint64_t token, bool too_large)
{
    struct reject_sink *sink = &p->rejects;
    struct reject_kept *kept = kept_of(sink, token);
    if (sink->alone == token)
        sink->alone = 0;
    if (too_large && kept->too_large && !kept->rejected.kept) {
        reject_lose(p, "the topic does not even take headers");
        settle(p, token);
        return;
    }
    kept->rejected.kept &= !too_large || !kept->too_large;
    kept->too_large |= too_large;
    kept->failed = true;
    if (sink->waiting++ == 0)
        sink->retry_ms = too_large ? p->now_ms : p->now_ms + RETRY_MS;
}

static void take_ack(struct pipeline *p, const struct emit_ack *ack)
{
    if (!ack->error) {
        p->rejects.quiet_ms = p->now_ms;
        settle(p, ack->token);
        return;
    }
    bool kept = kept_of(&p->rejects, ack->token) != NULL;
    if (kept && ack->too_large) {
        wait_for_retry(p, ack->token, true);
        return;
    }
    go_down(p, ack->error);
    if (p->o.rejects_drop) {
        reject_lose(p, NULL);
        settle(p, ack->token);
    } else if (kept) {
        wait_for_retry(p, ack->token, false);
    } else {
        pipeline_end(p, PIPELINE_FAILED, "a rejected frame could not be set aside: %s",
                     ack->error);
    }
}

/* How many were acknowledged as safe. */
static size_t take_acks(struct pipeline *p)
{
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count, safe = 0;
    do {
        count = emit_poll(p->o.rejects, 0, acks, ACKS_AT_ONCE);
        for (size_t i = 0; i < count && !p->ended; i++) {
            safe += !acks[i].error;
            take_ack(p, &acks[i]);
        }
    } while (count == ACKS_AT_ONCE && !p->ended);
    return safe;
}

/* One of those that wait, again. False: the sink takes no more. */
static bool try_again(struct pipeline *p, uint64_t token, struct reject_kept *kept)
{
    struct reject_sink *sink = &p->rejects;
    enum emit_result result = reject_produce(p, &kept->rejected, token);
    if (result == EMIT_TOO_LARGE && kept->rejected.kept) {
        kept->rejected.kept = false;
        result = reject_produce(p, &kept->rejected, token);
    }
    if (result == EMIT_FULL)
        return false;
    kept->failed = false;
    sink->waiting--;
    if (result == EMIT_TOO_LARGE) {
        reject_lose(p, "the topic does not even take headers");
        settle(p, token);
    } else if (kept->too_large) {
        sink->alone = token;
    }
    return true;
}

/* All that wait; those that may have been too large one after the other, so that
 * no batch is judged in the place of a frame. */
static void retry(struct pipeline *p)
{
    struct reject_sink *sink = &p->rejects;
    bool large_waits = false;
    if (sink->waiting == 0 || p->now_ms < sink->retry_ms || sink->alone)
        return;
    while (sink->first < sink->next && !kept_of(sink, sink->first))
        sink->first++;
    for (uint64_t token = sink->first; token < sink->next && sink->waiting > 0; token++) {
        struct reject_kept *kept = kept_of(sink, token);
        if (!kept || !kept->failed)
            continue;
        bool large = kept->too_large;
        large_waits |= large;
        if (large && (sink->alone || sink->out > sink->waiting))
            continue;
        if (sink->alone || !try_again(p, token, kept))
            break;
    }
    sink->retry_ms = large_waits ? p->now_ms : p->now_ms + RETRY_MS;
}

/* With "drop", what is out can't hold the checkpoints for ever. */
static void give_up(struct pipeline *p)
{
    struct reject_sink *sink = &p->rejects;
    if (!p->o.rejects_drop || sink->down_ms < 0 || sink->out == 0)
        return;
    for (uint64_t token = sink->first; sink->kept && token < sink->next; token++) {
        struct reject_kept *kept = kept_of(sink, token);
        if (kept && kept->failed) {
            reject_lose(p, NULL);
            settle(p, token);
        }
    }
    if (sink->out > 0 && p->now_ms >= sink->forget_ms) {
        sink->forget_ms = p->now_ms + PROBE_WAIT_MS;
        emit_forget(p->o.rejects);
    }
}

static void judge(struct pipeline *p, size_t safe)
{
    struct reject_sink *sink = &p->rejects;
    const char *why = emit_down(p->o.rejects);
    int64_t quiet_ms = p->closing ? QUIET_LEAVING_MS : QUIET_MS;
    if (!why && sink->out > 0 && p->now_ms - sink->quiet_ms >= quiet_ms)
        why = "nothing is acknowledged";
    if (!why && sink->out == 0 && sink->full_ms >= 0 && p->now_ms - sink->full_ms >= quiet_ms)
        why = "nothing is taken";
    if (why)
        go_down(p, why);
    else if (sink->down_ms >= 0 && sink->waiting == 0 &&
             (safe > 0 || (sink->out == 0 && !p->o.rejects_drop)))
        come_up(p);
}

void reject_acknowledgements(struct pipeline *p)
{
    if (!p->o.rejects)
        return;
    size_t safe = take_acks(p);
    if (p->ended)
        return;
    const char *failed = emit_failed(p->o.rejects);
    if (failed && !p->o.rejects_drop) {
        pipeline_end(p, PIPELINE_FAILED, "rejects: %s", failed);
        return;
    }
    if (failed)
        go_down(p, failed);
    else
        judge(p, safe);
    give_up(p);
    retry(p);
}

bool reject_holds(const struct pipeline *p)
{
    const struct reject_sink *sink = &p->rejects;
    bool tries = sink->out == 0 && sink->full_ms >= 0; /* only a frame can tell whether it is up */
    return p->o.rejects && !p->o.rejects_drop && sink->down_ms >= 0 && !tries;
}
