/* A rejected frame on its way to its sink, held to the one in the log. See
 * sim.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "rejected.h"
#include "sim.h"

static const char *header_value(const struct emit_record *record, const char *name)
{
    for (const struct emit_header *header = record->headers; header && header->name; header++)
        if (strcmp(header->name, name) == 0)
            return header->value;
    return "";
}

static struct rejected from_message(const struct emit_record *record)
{
    bool kept = strcmp(header_value(record, "omitted"), "value") != 0;
    return (struct rejected){
        .reason = header_value(record, "reason"),
        .source = header_value(record, "source"),
        .position = strtoll(header_value(record, "position"), NULL, 10),
        .timestamp_ms = strtoll(header_value(record, "timestamp"), NULL, 10),
        .size = (size_t)strtoull(header_value(record, "size"), NULL, 10),
        .key = record->key,
        .key_size = record->key_size,
        .frame = record->value,
        .kept = kept};
}

/* A line's own reader leaves out where the frame stood. */
static struct rejected from_line(struct sim *sim, const struct emit_record *record,
                                 char reason[32], char source[32])
{
    struct rejected r;
    const char *wrong = rejected_read(sim->json, record->value, record->value_size,
                                      &sim->reject_key, &sim->reject_frame, &r);
    SIM_CHECK(sim, !wrong, "a line of the rejects file: %s", wrong);
    const char *at = strstr(record->value, "\"position\":");
    SIM_CHECK(sim, at && sscanf(record->value, "{\"reason\":\"%31[a-z_0-9]\",\"source\":\"%31[^\"]",
                                reason, source) == 2, "no place in reject %s", record->value);
    r.reason = reason;
    r.source = source;
    r.position = strtoll(at + strlen("\"position\":"), NULL, 10);
    return r;
}

static bool equal(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

void sim_reject_judge(struct sim *sim, const struct emit_record *record, int32_t *partition,
                      int64_t *position)
{
    char reason[32], source[32];
    struct rejected r = sim->sink_lines ? from_line(sim, record, reason, source)
                                        : from_message(record);
    SIM_CHECK(sim, strncmp(r.source, "frames/", 7) == 0, "a reject from '%s'", r.source);
    *partition = (int32_t)strtol(r.source + 7, NULL, 10);
    *position = r.position;
    SIM_CHECK(sim, *partition >= 0 && *partition < SIM_PARTITIONS && *position >= 0 &&
                       *position < SIM_FRAMES,
              "a reject from %d/%lld", *partition, (long long)*position);
    struct sim_partition *p = &sim->partitions[*partition];
    const struct sim_frame *frame = &p->log[*position];
    bool was_too_large = p->too_large >> *position & 1;
    SIM_CHECK(sim, !frame->hidden && strcmp(r.reason, reject_name(frame->reason)) == 0,
              "the frame %d/%lld is rejected for '%s'", *partition, (long long)*position,
              r.reason);
    SIM_CHECK(sim, r.size == frame->size && r.timestamp_ms == frame->timestamp_ms,
              "the reject %d/%lld has %zu bytes of %lld ms", *partition, (long long)*position,
              r.size, (long long)r.timestamp_ms);
    SIM_CHECK(sim, r.kept || was_too_large, "the reject %d/%lld is without its bytes",
              *partition, (long long)*position);
    SIM_CHECK(sim, !r.kept || (equal(r.frame, r.size, frame->bytes, frame->size) &&
                               equal(r.key, r.key_size, frame->key, strlen(frame->key))),
              "the reject %d/%lld has other bytes", *partition, (long long)*position);
}
