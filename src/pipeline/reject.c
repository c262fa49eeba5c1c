/* Rejected frames, set aside with what is needed to judge and replay them.
 *
 * A file takes JSON lines with the bytes in base64; a topic takes the bytes as
 * they were, and the rest in headers. Bytes that were not kept (a line beyond
 * --max-frame) or do not fit the topic are left out, and the key with them:
 * source, position and size say where to find them. */
#include <stdio.h>
#include <string.h>

#include "pipeline_body.h"

#define SOURCE_NAME_MAX 4200

/* "path size=… mtime=…" or "topic/partition". */
static void source_name(const struct pipeline *p, const struct message *message, char *name,
                        size_t room)
{
    if (strcmp(p->assignment->cluster, "file") == 0)
        snprintf(name, room, "%s", p->assignment->topic);
    else
        snprintf(name, room, "%s/%d", p->assignment->topic,
                 (int)p->slots[message->slot].partition);
}

static void write_line(struct pipeline *p, const struct message *message, enum reject reason,
                       const char *source)
{
    struct text *line = &p->value;
    text_clear(line);
    text_string(line, "{\"reason\":\"");
    text_string(line, reject_name(reason));
    text_string(line, "\",\"source\":");
    text_json_string(line, source, strlen(source));
    text_string(line, ",\"position\":");
    text_int(line, message->position);
    text_string(line, ",\"time\":\"");
    text_utc(line, p->o.clock.wall_ms(p->o.clock.context) / 1000);
    text_string(line, "\",\"size\":");
    text_int(line, (int64_t)message->size);
    if (message->bytes || message->size == 0) {
        text_string(line, ",\"frame\":\"");
        text_base64(line, message->bytes, message->size);
        text_char(line, '"');
    }
    text_char(line, '}');
}

/* A message with headers; its key and what was kept of its bytes go along if it
 * is `whole`. */
static enum emit_result produce_message(struct pipeline *p, const struct message *message,
                                        enum reject reason, const char *source, uint64_t token,
                                        bool whole)
{
    char position[32], time[32], size[32];
    int64_t now_s = p->o.clock.wall_ms(p->o.clock.context) / 1000;
    snprintf(position, sizeof position, "%lld", (long long)message->position);
    snprintf(time, sizeof time, "%lld", (long long)now_s);
    snprintf(size, sizeof size, "%zu", message->size);
    const struct emit_header headers[] = {{"reason", reject_name(reason)},
                                          {"source", source},
                                          {"position", position},
                                          {"time", time},
                                          {"size", size},
                                          {NULL, NULL}};
    bool kept = whole && message->bytes;
    const struct emit_record record = {.key = whole ? message->key : NULL,
                                       .key_size = whole ? message->key_size : 0,
                                       .value = kept ? message->bytes : NULL,
                                       .value_size = kept ? message->size : 0,
                                       .headers = headers,
                                       .token = token};
    return emit_produce(p->o.rejects, &record);
}

static enum emit_result produce_line(struct pipeline *p, const struct message *message,
                                     enum reject reason, const char *source, uint64_t token)
{
    write_line(p, message, reason, source);
    if (p->value.failed)
        return EMIT_FULL;
    const struct emit_record record = {
        .value = p->value.bytes, .value_size = p->value.size, .token = token};
    return emit_produce(p->o.rejects, &record);
}

bool reject_set_aside(struct pipeline *p, const struct message *message, enum reject reason)
{
    if (!checkpoints_reject_room(p->checkpoints))
        return false;
    char source[SOURCE_NAME_MAX];
    source_name(p, message, source, sizeof source);
    uint64_t token = checkpoints_reject_produced(p->checkpoints);
    enum emit_result result;
    if (p->o.rejects_as_lines) {
        result = produce_line(p, message, reason, source, token);
    } else {
        result = produce_message(p, message, reason, source, token, true);
        if (result == EMIT_TOO_LARGE) /* where it stood still says which it was */
            result = produce_message(p, message, reason, source, token, false);
    }
    if (result == EMIT_TOO_LARGE)
        pipeline_end(p, PIPELINE_FAILED, "the topic of the rejects does not even take headers");
    if (result != EMIT_OK)
        checkpoints_reject_withdrawn(p->checkpoints, token);
    return result == EMIT_OK;
}

void reject_acknowledgements(struct pipeline *p)
{
    if (!p->o.rejects)
        return;
    struct emit_ack acks[ACKS_AT_ONCE];
    size_t count;
    do {
        count = emit_poll(p->o.rejects, 0, acks, ACKS_AT_ONCE);
        for (size_t i = 0; i < count; i++) {
            if (acks[i].error) {
                pipeline_end(p, PIPELINE_FAILED, "a rejected frame could not be set aside: %s",
                             acks[i].error);
                return;
            }
            checkpoints_reject_acknowledged(p->checkpoints, acks[i].token);
        }
    } while (count == ACKS_AT_ONCE);
    const char *failed = emit_failed(p->o.rejects);
    if (failed)
        pipeline_end(p, PIPELINE_FAILED, "rejects: %s", failed);
}
