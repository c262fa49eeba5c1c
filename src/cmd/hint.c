/* Why every frame is rejected, guessed from the first one: does another time
 * unit make it valid, and which fields does it have? */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "wire.h"

static bool valid_with(const struct config *config, enum decode_time_unit unit,
                       const struct message *message)
{
    char error[128];
    struct decode_options options = config->decode;
    options.time_unit = unit;
    struct decoder *decoder = decoder_create(&options, error, sizeof error);
    struct frame frame;
    bool valid = decoder && decoder_decode(decoder, message, &frame) == REJECT_NONE;
    decoder_destroy(&decoder);
    return valid;
}

/* "it has the fields a, b, c", if it is an object */
static void name_fields(const struct message *message, char *hint, size_t hint_size)
{
    struct json *json = json_create();
    if (json && json_parse(json, message->bytes, message->size) == JSON_OK &&
        json_kind(json, 0) == JSON_OBJECT) {
        size_t used = (size_t)snprintf(hint, hint_size, "the first one has the fields");
        const char *between = " ";
        for (int key = json_first(json, 0); key >= 0 && used < hint_size / 2;
             key = json_next(json, key)) {
            size_t size;
            const char *text = json_text(json, key, &size);
            used += (size_t)snprintf(hint + used, hint_size - used, "%s%.*s", between,
                                     (int)(size < 40 ? size : 40), text);
            between = ", ";
        }
        if (used < hint_size)
            snprintf(hint + used, hint_size - used,
                     ": --user-field, --time-field (b inside a is /a/b)");
    }
    json_destroy(&json);
}

/* Whether it is what headcountd writes itself, also where it is cut. */
static bool is_record(const struct message *message)
{
    static const char *const begins[] = {"{\"type\":\"sketch\",\"version\":",
                                         "{\"type\":\"checkpoint\",\"version\":"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (message->size > strlen(begins[i]) &&
            memcmp(message->bytes, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

void hint_for_rejected(const struct config *config, const struct pipeline *pipeline, char *hint,
                       size_t hint_size)
{
    static const struct {
        enum decode_time_unit unit;
        const char *hint;
    } units[] = {{DECODE_S, "values look like seconds: --time-unit s"},
                 {DECODE_MS, "values look like milliseconds: --time-unit ms"},
                 {DECODE_US, "values look like microseconds: --time-unit us"},
                 {DECODE_NS, "values look like nanoseconds: --time-unit ns"},
                 {DECODE_RFC3339, "values look like RFC 3339: --time-unit rfc3339"}};
    struct message message = {.timestamp_ms = MESSAGE_NO_TIMESTAMP};
    message.bytes = pipeline_first_rejected(pipeline, &message.size);
    snprintf(hint, hint_size, "the first one is no JSON object: --rejects keeps them to look at");
    if (message.size == 0)
        return;
    if (is_record(&message)) {
        snprintf(hint, hint_size, "these are records, which headcountd has written: headcount "
                                  "merge and headcount-board read them");
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit != config->decode.time_unit &&
            valid_with(config, units[i].unit, &message)) {
            snprintf(hint, hint_size, "%s", units[i].hint);
            return;
        }
    name_fields(&message, hint, hint_size);
}
