#include "decode_judge.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame_oracle.h"
#include "limits.h"
#include "text.h"

struct decode_judge {
    struct decode_options options;
    struct json_pointer *pointers[FIELDS];
    struct search_path paths[FIELDS];
    struct frame_oracle *oracle;
    struct json *json;        /* to read strictly by */
    struct decoder *fast;
    struct decoder *strict;
    struct decoder *finisher; /* strict, and with room for brackets */
    struct text finished;
    char *area;               /* between two pages that can't be touched */
    size_t area_size;
    size_t page;
};

static void map_area(struct decode_judge *judge)
{
    judge->page = (size_t)sysconf(_SC_PAGESIZE);
    judge->area_size = (judge->options.frame_max / judge->page + 1) * judge->page;
    judge->area = mmap(NULL, judge->area_size + 2 * judge->page, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(judge->area != MAP_FAILED);
    judge->area += judge->page;
    if (mprotect(judge->area, judge->area_size, PROT_READ | PROT_WRITE) != 0)
        abort();
}

static void compile(struct decode_judge *judge, int field, const char *name)
{
    const char *error;

    judge->pointers[field] = json_pointer_create(name, &error);
    assert(judge->pointers[field]);
}

struct decode_judge *decode_judge_create(const struct decode_options *options)
{
    struct decode_judge *judge = calloc(1, sizeof *judge);
    struct decode_options asked = *options;
    char error[128];

    assert(judge);
    judge->options = *options;
    judge->oracle = frame_oracle_create(options->frame_max);
    judge->json = json_create();
    assert(judge->json && json_reserve(judge->json, options->frame_max));
    asked.strict = false;
    judge->fast = decoder_create(&asked, error, sizeof error);
    asked.strict = true;
    judge->strict = decoder_create(&asked, error, sizeof error);
    asked.frame_max += LIMIT_DEPTH;
    judge->finisher = decoder_create(&asked, error, sizeof error);
    assert(judge->fast && judge->strict && judge->finisher);
    if (options->user_from == DECODE_USER_FIELD)
        compile(judge, FIELD_USER, options->user_field);
    if (options->time_from == DECODE_TIME_FIELD)
        compile(judge, FIELD_TIME, options->time_field);
    for (int i = 0; i < FIELDS; i++) {
        if (!search_path_create(&judge->paths[i], judge->pointers[i]))
            abort();
    }
    map_area(judge);
    return judge;
}

void decode_judge_destroy(struct decode_judge **judge)
{
    struct decode_judge *j = *judge;

    if (!j)
        return;
    for (int i = 0; i < FIELDS; i++) {
        search_path_destroy(&j->paths[i]);
        json_pointer_destroy(&j->pointers[i]);
    }
    munmap(j->area - j->page, j->area_size + 2 * j->page);
    text_free(&j->finished);
    decoder_destroy(&j->finisher);
    decoder_destroy(&j->strict);
    decoder_destroy(&j->fast);
    json_destroy(&j->json);
    frame_oracle_destroy(&j->oracle);
    free(j);
    *judge = NULL;
}

static void complain(const char *who, const char *what, const char *bytes, size_t size)
{
    struct text hex = {0};

    text_hex(&hex, bytes, size);
    fprintf(stderr, "%s: %s\n%.*s\n%s\n", who, what, (int)size, bytes, hex.bytes);
    abort();
}

static bool same_field(const struct field *a, const struct field *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FIELD_MISSING || a->kind == FIELD_OTHER)
        return true;
    return a->text == b->text && a->size == b->size;
}

static void check_fields(const char *who, const struct field expected[FIELDS],
                         const struct field found[FIELDS], const char *bytes, size_t size)
{
    for (int field = 0; field < FIELDS; field++) {
        if (!same_field(&expected[field], &found[field]))
            complain(who, field == FIELD_USER ? "the user" : "the time", bytes, size);
    }
}

/* Each way against the oracle, in whose hands the frame's end is left. */
static bool check_ways(struct decode_judge *judge, const char *bytes, size_t size, size_t *stop)
{
    const struct fast_way *const *ways;
    size_t count = fast_ways(&ways), found_stop;
    struct field expected[FIELDS], found[FIELDS];
    bool good = frame_oracle_read(judge->oracle, judge->pointers, bytes, size, expected, stop);

    for (size_t i = 0; i < count; i++) {
        if (ways[i]->read(judge->paths, bytes, size, false, found, &found_stop) != good)
            complain(ways[i]->name, good ? "damage" : "no damage", bytes, size);
        if (!good)
            continue;
        if (found_stop != *stop)
            complain(ways[i]->name, "it stopped elsewhere", bytes, size);
        check_fields(ways[i]->name, expected, found, bytes, size);
    }
    return good;
}

/* The last byte but for white space, and it is the root's. */
static bool ends_at(const char *bytes, size_t size, size_t stop)
{
    while (size > 0 && strchr(" \t\r\n", bytes[size - 1]))
        size--;
    return stop == size - 1 && bytes[stop] == '}';
}

/* The same of the whole frame, against a check byte by byte and jsmn. */
static void check_whole(struct decode_judge *judge, const char *bytes, size_t size)
{
    const struct fast_way *const *ways;
    size_t count = fast_ways(&ways), stop;
    struct field expected[FIELDS], found[FIELDS];
    bool good = decode_strict(judge->json, judge->pointers, bytes, size, expected) == REJECT_NONE;

    for (size_t i = 0; i < count; i++) {
        if (ways[i]->read(judge->paths, bytes, size, true, found, &stop) != good)
            complain(ways[i]->name, good ? "whole: damage" : "whole: no damage", bytes, size);
        if (good && !ends_at(bytes, size, stop))
            complain(ways[i]->name, "whole: its end", bytes, size);
        if (good)
            check_fields(ways[i]->name, expected, found, bytes, size);
    }
}

static bool is_damage(enum reject reason)
{
    return reason == REJECT_EMPTY || reason == REJECT_NOT_JSON || reason == REJECT_TOO_DEEP ||
           reason == REJECT_BAD_ESCAPE || reason == REJECT_BAD_UTF8 || reason == REJECT_NOT_OBJECT;
}

static enum reject decode(struct decoder *decoder, const char *bytes, size_t size,
                          struct frame *frame)
{
    struct message message = {.bytes = bytes,
                              .size = size,
                              .key = "key",
                              .key_size = 3,
                              .timestamp_ms = INT64_C(1468244385000)};

    return decoder_decode(decoder, &message, frame);
}

static bool same_frame(enum reject a, const struct frame *one, enum reject b,
                       const struct frame *other)
{
    if (a || b)
        return a == b;
    return one->time_s == other->time_s && one->user_size == other->user_size &&
           memcmp(one->user, other->user, one->user_size) == 0;
}

/* What was read, with its open brackets closed and nothing else behind it. */
static void finish(struct decode_judge *judge, const char *bytes, size_t stop)
{
    size_t brackets_size;
    const char *brackets = frame_oracle_brackets(judge->oracle, &brackets_size);

    text_clear(&judge->finished);
    text_bytes(&judge->finished, bytes, stop);
    if (bytes[stop] == '{' || bytes[stop] == '[' || brackets_size == 0)
        text_char(&judge->finished, bytes[stop]);
    text_bytes(&judge->finished, brackets, brackets_size);
    assert(!judge->finished.failed);
}

enum reject decode_judge_check(struct decode_judge *judge, const char *bytes, size_t size,
                               bool *only_strict)
{
    char *copy = judge->area + judge->area_size - size;
    struct frame fast, strict, finished;
    enum reject reason, strict_reason, finished_reason;
    size_t stop;
    bool good;

    assert(size <= judge->options.frame_max);
    if (size > 0)
        memcpy(copy, bytes, size);
    good = check_ways(judge, copy, size, &stop);
    check_whole(judge, copy, size);
    reason = decode(judge->fast, copy, size, &fast);
    strict_reason = decode(judge->strict, copy, size, &strict);
    if (only_strict)
        *only_strict = good && is_damage(strict_reason);
    if (!good || !is_damage(strict_reason)) {
        if (!same_frame(reason, &fast, strict_reason, &strict))
            complain("strict", reject_name(strict_reason), copy, size);
        if (good == is_damage(reason))
            complain("fast", reject_name(reason), copy, size);
        return reason;
    }
    finish(judge, copy, stop);
    finished_reason = decode(judge->finisher, judge->finished.bytes, judge->finished.size,
                             &finished);
    if (!same_frame(reason, &fast, finished_reason, &finished))
        complain("strict, of what was read", reject_name(finished_reason), copy, size);
    return reason;
}
