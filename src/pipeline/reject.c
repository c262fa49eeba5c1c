/* Rejected frames, set aside with what is needed to judge and replay them.
 *
 * A file takes JSON lines with the bytes in base64; a topic takes the bytes as
 * they were, and the rest in headers. Bytes that were not kept (a line beyond
 * --max-frame) or do not fit the topic are left out, and the key with them:
 * source, position and size say where to find them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline_body.h"

#define SOURCE_NAME_MAX 4700 /* a path, its size and time */
/* With the sink down and "drop", a frame that often tries whether it is up. */
#define PROBE_MS 1000
/* A number as text. */
#define NUMBER_MAX 32

static bool from_file(const struct pipeline *p)
{
    return strcmp(p->assignment->cluster, "file") == 0;
}

/* "path size=… mtime=…" or "topic/partition". */
static void source_name(const struct pipeline *p, const struct message *message, char *name,
                        size_t room)
{
    if (from_file(p))
        snprintf(name, room, "%s", p->assignment->topic);
    else
        snprintf(name, room, "%s/%d", p->assignment->topic,
                 (int)p->slots[message->slot].partition);
}

static struct rejected describe(const struct pipeline *p, const struct message *message,
                                enum reject reason, const char *source)
{
    int64_t time_s = p->o.clock.wall_ms(p->o.clock.context) / 1000;
    bool kept = message->bytes || message->size == 0;
    const char *none = from_file(p) ? "" : NULL; /* a line has bytes, if none */
    return (struct rejected){.reason = reject_name(reason),
                             .source = source,
                             .position = message->position,
                             .time_s = time_s < 0              ? 0
                                       : time_s > LIMIT_TIME_S ? LIMIT_TIME_S
                                                               : time_s,
                             .timestamp_ms = message->timestamp_ms,
                             .size = message->size,
                             .key = message->key,
                             .key_size = message->key_size,
                             .frame = message->bytes ? message->bytes : kept ? none : NULL,
                             .kept = kept};
}

static enum emit_result produce_line(struct pipeline *p, const struct rejected *r, uint64_t token)
{
    text_clear(&p->value);
    rejected_write(r, &p->value);
    if (p->value.failed)
        return EMIT_FULL;
    const struct emit_record record = {
        .value = p->value.bytes, .value_size = p->value.size, .token = token};
    return emit_produce(p->o.rejects, &record);
}

/* A message with headers. */
static enum emit_result produce_message(struct pipeline *p, const struct rejected *r,
                                        uint64_t token)
{
    char position[NUMBER_MAX], time[NUMBER_MAX], size[NUMBER_MAX], timestamp[NUMBER_MAX];
    snprintf(position, sizeof position, "%lld", (long long)r->position);
    snprintf(time, sizeof time, "%lld", (long long)r->time_s);
    snprintf(size, sizeof size, "%zu", r->size);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)r->timestamp_ms);
    struct emit_header headers[8] = {{"reason", r->reason},
                                     {"source", r->source},
                                     {"position", position},
                                     {"time", time},
                                     {"size", size}};
    size_t count = 5;
    if (r->timestamp_ms != MESSAGE_NO_TIMESTAMP)
        headers[count++] = (struct emit_header){"timestamp", timestamp};
    if (!r->kept)
        headers[count++] = (struct emit_header){"omitted", "value"};
    const struct emit_record record = {.key = r->kept ? r->key : NULL,
                                       .key_size = r->kept ? r->key_size : 0,
                                       .value = r->kept ? r->frame : "",
                                       .value_size = r->kept ? r->size : 0,
                                       .headers = headers,
                                       .token = token};
    return emit_produce(p->o.rejects, &record);
}

enum emit_result reject_produce(struct pipeline *p, const struct rejected *r, uint64_t token)
{
    return p->o.rejects_as_lines ? produce_line(p, r, token) : produce_message(p, r, token);
}

/* Whether there is room for one more on its way, besides that of the sink. */
static bool has_room(const struct pipeline *p)
{
    const struct reject_sink *sink = &p->rejects;
    return checkpoints_reject_room(p->checkpoints) && sink->waiting == 0 && sink->alone == 0 &&
           sink->kept_bytes < LIMIT_BYTES_IN_FLIGHT;
}

/* Hands it over, without its bytes if they are too many. EMIT_FULL: not now. */
static enum emit_result hand_over(struct pipeline *p, struct rejected *r)
{
    uint64_t token = checkpoints_reject_produced(p->checkpoints);
    struct reject_kept *kept = p->rejects.kept ? reject_keep(r) : NULL;
    enum emit_result result = EMIT_FULL;
    if (kept || !p->rejects.kept)
        result = reject_produce(p, r, token);
    if (result == EMIT_TOO_LARGE) { /* where it stood still says which it was */
        r->kept = false;
        if (kept)
            kept->rejected.kept = false;
        result = reject_produce(p, r, token);
    }
    if (result == EMIT_OK) {
        reject_note_taken(p, token, kept);
    } else {
        checkpoints_reject_withdrawn(p->checkpoints, token);
        free(kept);
    }
    return result;
}

bool reject_set_aside(struct pipeline *p, const struct message *message, enum reject reason)
{
    struct reject_sink *sink = &p->rejects;
    bool drop = sink->down_ms >= 0 && p->o.rejects_drop;
    if (drop && (p->now_ms < sink->probe_ms || sink->out > 0)) {
        reject_lose(p, NULL);
        return true;
    }
    if (!has_room(p))
        return false;
    char source[SOURCE_NAME_MAX];
    source_name(p, message, source, sizeof source);
    struct rejected rejected = describe(p, message, reason, source);
    sink->probe_ms = p->now_ms + PROBE_MS;
    enum emit_result result = hand_over(p, &rejected);
    if (result == EMIT_FULL && !drop) {
        reject_note_full(p);
        return false;
    }
    if (result != EMIT_OK)
        reject_lose(p, result == EMIT_FULL ? NULL : "the topic does not even take headers");
    return true;
}
