/* headcount convert --from: the bytes of an engine as records.
 *
 * A sketch becomes the record of one minute, that in which it starts, whatever
 * time it is of. What the record can't know it does not claim: no fields, no
 * frames, and `late`, so that readers take no minute around it for one that was
 * counted and is empty.
 *
 * All records of a run are of one instance, "import/DIGEST/0", with a digest of
 * the first of them, epoch 0 and their numbers from 1 on: the same input gives
 * the same records. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "convert_bytes.h"
#include "convert_group.h"
#include "headcount/codec.h"
#include "input.h"
#include "number.h"
#include "record.h"
#include "shown.h"

#define INSTANCE_ROOM 32
/* Digits of a time, or RFC 3339. */
#define TIME_ROOM 64
/* A line's start and group. */
#define HEAD_MAX (1024 * 1024)
#define REASON_ROOM 256

struct importer {
    const struct convert_import *asked;
    struct convert_group *groups;
    struct text bytes; /* of the sketch under way */
    struct text out;
    char instance[INSTANCE_ROOM]; /* empty before the first record */
    uint64_t sequence;
    char reason[REASON_ROOM];     /* why the last sketch was refused */
};

/* False, so that a check can end with it. */
static bool refuse(struct importer *importer, const char *reason)
{
    snprintf(importer->reason, sizeof(importer->reason), "%s", reason);
    return false;
}

/* Sixteen digits that differ where the first records differ. */
static void name_instance(struct importer *importer, const struct record_sketch *record)
{
    struct text *text = &importer->out; /* empty, and emptied again */
    record_key_sketch(record, text);
    uint64_t key = text->failed ? 0 : hc_hash_bytes(HC_PROFILE_REDIS, text->bytes,
                                                    text->size).first;
    uint64_t parts[] = {key, hc_digest(record->sketch)};
    snprintf(importer->instance, sizeof(importer->instance), "import/%016" PRIx64 "/0",
             hc_hash_bytes(HC_PROFILE_REDIS, parts, sizeof(parts)).first);
    text_clear(text);
}

static bool print_record(struct importer *importer, int64_t minute_s, const char *group,
                         const struct hc_sketch *sketch)
{
    struct record_sketch record = {.stream = importer->asked->stream, .minute_s = minute_s,
                                   .group = group, .state = RECORD_LATE, .whole = true,
                                   .instance = importer->instance,
                                   .sequence = importer->sequence + 1, .fields = "",
                                   .estimate = hc_sketch_estimate(sketch), .sketch = sketch};
    text_clear(&importer->out);
    if (importer->instance[0] == '\0')
        name_instance(importer, &record);
    enum hc_status status = record_write_sketch(&record, &importer->out);
    text_char(&importer->out, '\n');
    if (status != HC_OK || importer->out.failed)
        return refuse(importer, "out of memory");
    importer->sequence++;
    fwrite(importer->out.bytes, 1, importer->out.size, stdout);
    return true;
}

/* Whether the bytes would be a sketch but for a line feed behind them. */
static bool has_line_feed(const struct importer *importer)
{
    const struct text *bytes = &importer->bytes;
    struct hc_sketch *sketch = NULL;
    if (bytes->size == 0 || bytes->bytes[bytes->size - 1] != '\n' ||
        importer->asked->engine->decode(bytes->bytes, bytes->size - 1, NULL, &sketch) != HC_OK)
        return false;
    hc_sketch_destroy(&sketch);
    return true;
}

static bool explain_decode(struct importer *importer, enum hc_status status)
{
    const char *text = hc_status_text(status);
    if (status == HC_EPRECISION)
        text = "it has a precision that headcount lacks";
    if (has_line_feed(importer))
        text = "a line feed too many at the end, as redis-cli adds one; \"head -c -1\" drops it";
    snprintf(importer->reason, sizeof(importer->reason), "no sketch of %s: %s",
             importer->asked->engine->name, text);
    return false;
}

/* The record of importer->bytes. False, and importer->reason says why. */
static bool import_bytes(struct importer *importer, int64_t minute_s, const char *group)
{
    const struct text *bytes = &importer->bytes;
    struct hc_sketch *sketch = NULL;
    enum hc_status status = importer->asked->engine->decode(bytes->bytes, bytes->size, NULL,
                                                            &sketch);
    if (status != HC_OK)
        return explain_decode(importer, status);
    bool done = print_record(importer, minute_s, group, sketch);
    hc_sketch_destroy(&sketch);
    return done;
}

static bool read_start(struct importer *importer, const char *text, size_t size,
                       int64_t *minute_s)
{
    char copy[TIME_ROOM];
    if (size >= sizeof(copy))
        return refuse(importer, "the start is not a time");
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strlen(copy) != size || !number_time_s(copy, minute_s))
        return refuse(importer, "the start is not a time, in Unix seconds or RFC 3339");
    if (*minute_s % 60 != 0)
        return refuse(importer, "the start is not that of a minute");
    return true;
}

/* start TAB group TAB characters. The start has no tab, nor have these, and a
 * group only as white space. */
static bool read_columns(struct importer *importer, const char *line, size_t size,
                         int64_t *minute_s, const char **group)
{
    const char *end = line + size, *error;
    const char *first = memchr(line, '\t', size);
    const char *last = first ? memrchr(first + 1, '\t', (size_t)(end - first - 1)) : NULL;
    if (!last)
        return refuse(importer, "not a start, a group and a sketch with tabs between them; "
                                "for sketches alone there is --minute");
    if (!read_start(importer, line, (size_t)(first - line), minute_s))
        return false;
    *group = convert_group_read(importer->groups, first + 1, (size_t)(last - first - 1), &error);
    if (!*group)
        return refuse(importer, error);
    error = convert_bytes_read(importer->asked->format, last + 1, (size_t)(end - last - 1),
                               &importer->bytes);
    return error ? refuse(importer, error) : true;
}

static bool import_line(struct importer *importer, const char *line, size_t size,
                        const char *asked_group)
{
    int64_t minute_s = importer->asked->minute_s;
    const char *group = asked_group, *error;
    if (minute_s == CONVERT_MINUTE_EACH)
        return read_columns(importer, line, size, &minute_s, &group) &&
               import_bytes(importer, minute_s, group);
    if (memchr(line, '\t', size))
        return refuse(importer, "with --minute a line is a sketch alone, and here is a tab");
    error = convert_bytes_read(importer->asked->format, line, size, &importer->bytes);
    return error ? refuse(importer, error) : import_bytes(importer, minute_s, group);
}

static int import_lines(struct importer *importer, const char *group)
{
    const struct convert_import *asked = importer->asked;
    const char *line;
    size_t size;
    struct input *input = input_create(&(struct input_options){
        .command = asked->name, .paths = asked->files->items, .count = asked->files->count,
        .line_max = HEAD_MAX + CONVERT_DIGITS_MAX});
    if (!input) {
        say("%s: out of memory\n", asked->name);
        return EXIT_FAILED;
    }
    while (!ferror(stdout) && input_line(input, &line, &size)) {
        if (!import_line(importer, line, size, group))
            input_refuse(input, importer->reason);
    }
    return input_close(&input);
}

/* A sketch a file. */
static int import_files(struct importer *importer, const char *group)
{
    const struct args_list *files = importer->asked->files;
    int code = EXIT_DONE;
    for (size_t i = 0; i < (files->count ? files->count : 1) && !ferror(stdout); i++) {
        const char *path = files->count ? files->items[i] : "-";
        const char *error = convert_bytes_file(path, &importer->bytes);
        if (!error && import_bytes(importer, importer->asked->minute_s, group))
            continue;
        say("%s: %s: %s\n", importer->asked->name,
            strcmp(path, "-") == 0 ? "stdin" : path, error ? error : importer->reason);
        code = EXIT_FAILED;
    }
    return code;
}

int convert_import(const struct convert_import *import)
{
    struct importer importer = {.asked = import, .groups = convert_group_create()};
    struct text group = {0};
    const char *canonical, *error = "out of memory";
    int code = EXIT_FAILED;
    assert(import->format != CONVERT_RAW || import->minute_s != CONVERT_MINUTE_EACH);
    canonical = importer.groups ? convert_group_read(importer.groups, import->group,
                                                     strlen(import->group), &error) : NULL;
    if (canonical)
        text_string(&group, canonical);
    if (!canonical || group.failed) {
        say("%s: --group %s: %s\n", import->name, import->group, error);
        code = importer.groups ? EXIT_USAGE : EXIT_FAILED;
    } else if (import->format == CONVERT_RAW) {
        code = import_files(&importer, group.bytes);
    } else {
        code = import_lines(&importer, group.bytes);
    }
    text_free(&group);
    text_free(&importer.out);
    text_free(&importer.bytes);
    convert_group_destroy(&importer.groups);
    return code;
}
