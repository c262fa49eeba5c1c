/* /api/v1/streams: what there is to ask for. */
#include <string.h>

#include "api_ask.h"
#include "limits.h"

struct streams {
    struct text names; /* one after the other, each with its NUL */
    size_t count;
};

static void see_stream(void *context, const char *name)
{
    struct streams *streams = context;

    text_bytes(&streams->names, name, strlen(name) + 1);
    streams->count++;
}

/* "redis","trino" in JSON, redis trino in CSV */
static void write_profiles(unsigned profiles, bool csv, struct text *body)
{
    const char *between = "";

    for (unsigned p = HC_PROFILE_REDIS; p <= HC_PROFILE_KEYED; p++) {
        if (!(profiles & 1u << p))
            continue;
        text_string(body, between);
        text_format(body, csv ? "%s" : "\"%s\"", hc_profile_name((enum hc_profile)p));
        between = csv ? " " : ",";
    }
}

static void write_time(int64_t time_s, bool there, bool csv, struct text *body)
{
    const char *quote = csv ? "" : "\"";

    if (there) {
        text_string(body, quote);
        calendar_text_utc(time_s, body);
        text_string(body, quote);
    } else if (!csv) {
        text_string(body, "null");
    }
}

static void write_csv(const char *name, const struct store_about *about, struct text *body)
{
    text_char(body, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            text_char(body, '"');
        text_char(body, *c);
    }
    text_string(body, "\",");
    write_profiles(about->profiles, true, body);
    text_char(body, ',');
    write_time(about->first_s, about->to_s > 0, true, body);
    text_char(body, ',');
    write_time(about->to_s, about->to_s > 0, true, body);
    text_char(body, ',');
    write_time(about->main_s, about->to_s > 0, true, body);
    text_char(body, ',');
    write_time(about->main_to_s, about->to_s > 0, true, body);
    text_char(body, '\n');
}

static void write_json(const char *name, const struct store_about *about, struct text *body)
{
    text_string(body, "{\"stream\":");
    text_json_string(body, name, strlen(name));
    text_string(body, ",\"profiles\":[");
    write_profiles(about->profiles, false, body);
    text_string(body, "],\"first\":");
    write_time(about->first_s, about->to_s > 0, false, body);
    text_string(body, ",\"last\":");
    write_time(about->to_s, about->to_s > 0, false, body);
    text_string(body, ",\"from\":");
    write_time(about->main_s, about->to_s > 0, false, body);
    text_string(body, ",\"to\":");
    write_time(about->main_to_s, about->to_s > 0, false, body);
    text_char(body, '}');
}

static bool write_streams(struct api_ask *ask, const struct streams *streams, struct text *body)
{
    const char *name = streams->names.bytes;
    struct store_about about;

    for (size_t i = 0; i < streams->count; i++, name += strlen(name) + 1) {
        if (!api_in_time(ask))
            return false;
        if (!store_stream_about(ask->reader, name, &about))
            return api_fail_store(ask, store_reader_error(ask->reader));
        if (!ask->query.csv)
            text_string(body, i == 0 ? "\n" : ",\n");
        (ask->query.csv ? write_csv : write_json)(name, &about, body);
    }
    return true;
}

static bool answer(struct api_ask *ask, struct text *body)
{
    struct streams streams = {.count = 0};
    bool good = store_streams(ask->reader, see_stream, &streams);

    if (!good)
        api_fail_store(ask, store_reader_error(ask->reader));
    else if (streams.names.failed)
        good = api_no_memory(ask);
    text_string(body, ask->query.csv ? "stream,profiles,first,last,from,to\n" : "{\"streams\":[");
    good = good && write_streams(ask, &streams, body);
    if (!ask->query.csv)
        text_string(body, "\n]}\n");
    text_free(&streams.names);
    return good;
}

const struct api_endpoint api_streams = {.path = "/api/v1/streams",
                                         .file_name = "streams.csv",
                                         .rules = {.parameters = API_FORMAT},
                                         .answer = answer};
