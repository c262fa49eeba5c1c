/* Frames are put together from a pool of members that is made once: a frame
 * costs a random number and a copy for each of its members.
 *
 * Frames hold what makes real ones hard: `uid` and `ts` as keys of inner
 * objects and as text inside strings, keys that stand twice, all escapes,
 * Cyrillic and emoji as they are and as \u, brackets in strings, numbers of all
 * forms, empty containers. The two fields that count stand anywhere among the
 * members of the root; the time is a number or a string, now and then with a
 * fraction; the id is a string, now and then with an escape in it. */
#include "generate_frame.h"

#include <stdlib.h>
#include <string.h>

#include "generate_random.h"

#define MEMBERS 1024 /* in the pool */
#define DEPTH_MAX 4
/* Above this the pool's members are too long to keep to the size. */
#define MEMBER_BYTES_MAX 420

struct generate_frames {
    struct generate_random random;
    uint64_t user_seed;
    size_t size;
    bool crlf;
    struct text pool;            /* members behind each other: ,"key":value */
    uint32_t begins[MEMBERS + 1]; /* where they begin in the pool */
};

static const char *const keys[] = {
    "agent",    "amount",  "anchor", "batch", "browser", "campaign", "cart",   "channel", "city",
    "client",   "context", "cookie", "depth", "device",  "event",    "flags",  "form",    "geo",
    "host",     "in",      "item",   "lang",  "level",   "map",      "method", "note",    "page",
    "path",     "price",   "quote",  "ref",   "region",  "screen",   "tags",   "target",  "tid",
    "timezone", "token",   "tss",    "ui",    "uids",    "url",      "variant", "ключ",   "a\\\"b"};

/* A '_' becomes a space or an escape. */
static const char *const sentences[] = {
    "counting_people_is_not_counting_visits",
    "a_sketch_forgets_the_names_and_keeps_the_number",
    "whoever_comes_twice_is_still_one",
    "the_minute_ends_when_the_clock_says_so_and_not_before",
    "brackets_}{][_and_commas_,:_mean_nothing_in_here",
    "late_ones_are_welcome_too",
    "nobody_reads_this_field_but_it_has_to_be_skipped",
    "тихо_падает_снег_на_пустую_дорогу",
    "сегодня_пришло_больше_людей,_чем_вчера",
    "кто_стучится_дважды,_тот_всё_равно_один",
    "naïve_façade_señor_Zürich",
    "日本語の_テキスト",
    "emoji_😀_and_\\ud83d\\ude00_are_the_same",
    "\\u0441\\u043d\\u0435\\u0433_is_снег",
    "{\\\"uid\\\":\\\"decoy\\\",\\\"ts\\\":3}_is_only_text",
    "\\\\\\\\\\\"_ends_with_backslashes_\\\\"};
static const char *const spaces[] = {" ",   " ",   " ",   "\\n", "\\t",     "\\r",     "\\b",
                                     "\\f", "\\/", "\\\"", "\\\\", "\\u0000", "\\u2028"};
static const char *const numbers[] = {"0", "-1", "96", "171", "0.794481", "-1.5e-3", "2E8",
                                      "18446744073709551616", "1468244340", "0.0"};

static const char digits[] = "0123456789abcdef";

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void put_sentence(struct generate_random *random, struct text *text)
{
    const char *sentence = sentences[generate_random_below(random, COUNT(sentences))];
    const char *space = spaces[generate_random_below(random, COUNT(spaces))];

    text_char(text, '"');
    for (const char *c = sentence; *c; c++) {
        if (*c == '_')
            text_string(text, space);
        else
            text_char(text, *c);
    }
    text_char(text, '"');
}

static void put_scalar(struct generate_random *random, struct text *text)
{
    switch (generate_random_below(random, 8)) {
    case 0:
        text_string(text, numbers[generate_random_below(random, COUNT(numbers))]);
        break;
    case 1:
        text_string(text, generate_random_below(random, 2) ? "true" : "false");
        break;
    case 2:
        text_string(text, "null");
        break;
    default:
        put_sentence(random, text);
    }
}

static void put_object(struct generate_random *random, struct text *text, int depth);

static void put_value(struct generate_random *random, struct text *text, int depth)
{
    uint64_t kind = generate_random_below(random, 8);
    uint64_t count = generate_random_below(random, 4);

    if (depth == DEPTH_MAX || kind < 6) {
        put_scalar(random, text);
    } else if (kind == 6) {
        put_object(random, text, depth + 1);
    } else {
        text_char(text, '[');
        for (uint64_t i = 0; i < count; i++) {
            if (i)
                text_char(text, ',');
            put_value(random, text, depth + 1);
        }
        text_char(text, ']');
    }
}

/* The fields that count do not count in here. */
static void put_decoy(struct generate_random *random, struct text *text)
{
    if (generate_random_below(random, 2))
        text_format(text, "\"uid\":\"decoy-%u\"", (unsigned)generate_random_below(random, 100));
    else
        text_format(text, "\"ts\":%u", (unsigned)generate_random_below(random, 2000000000));
}

static void put_object(struct generate_random *random, struct text *text, int depth)
{
    uint64_t count = generate_random_below(random, 4);

    text_char(text, '{');
    for (uint64_t i = 0; i < count; i++) {
        if (i)
            text_char(text, ',');
        if (generate_random_below(random, 4) == 0) {
            put_decoy(random, text);
            continue;
        }
        text_format(text, "\"%s\":", keys[generate_random_below(random, COUNT(keys))]);
        put_value(random, text, depth);
    }
    text_char(text, '}');
}

static void put_member(struct generate_random *random, struct text *text)
{
    size_t begin = text->size;

    text_format(text, ",\"%s\":", keys[generate_random_below(random, COUNT(keys))]);
    put_value(random, text, 1);
    if (text->failed || text->size - begin <= MEMBER_BYTES_MAX)
        return;
    text->size = begin;
    text_string(text, ",\"long\":null");
}

struct generate_frames *generate_frames_create(const struct generate_frames_options *options)
{
    struct generate_frames *frames = calloc(1, sizeof *frames);

    if (!frames)
        return NULL;
    frames->random.state = options->seed ^ UINT64_C(0x66726d65);
    frames->user_seed = options->seed ^ UINT64_C(0x75736572);
    frames->size = options->size;
    frames->crlf = options->crlf;
    for (size_t i = 0; i < MEMBERS; i++) {
        frames->begins[i] = (uint32_t)frames->pool.size;
        put_member(&frames->random, &frames->pool);
    }
    frames->begins[MEMBERS] = (uint32_t)frames->pool.size;
    if (frames->pool.failed)
        generate_frames_destroy(&frames);
    return frames;
}

void generate_frames_destroy(struct generate_frames **frames)
{
    if (!*frames)
        return;
    text_free(&(*frames)->pool);
    free(*frames);
    *frames = NULL;
}

void generate_frames_uid(const struct generate_frames *frames, uint64_t number,
                         char uid[GENERATE_UID_SIZE])
{
    struct generate_random random = {frames->user_seed + number * UINT64_C(0xd1342543de82ef95)};
    uint64_t bits = generate_random_next(&random);

    for (int i = 0; i < GENERATE_UID_SIZE; i++, bits >>= 4) {
        if (i == 16)
            bits = generate_random_next(&random);
        uid[i] = digits[bits & 15];
    }
}

static void put_uid(struct generate_frames *frames, const char *uid, struct text *text)
{
    text_string(text, ",\"uid\":\"");
    if (generate_random_below(&frames->random, 256) == 0) {
        text_format(text, "\\u00%02x", (unsigned)uid[0]);
        text_bytes(text, uid + 1, GENERATE_UID_SIZE - 1);
    } else {
        text_bytes(text, uid, GENERATE_UID_SIZE);
    }
    text_char(text, '"');
}

static void put_time(struct generate_frames *frames, int64_t time_s, struct text *text)
{
    uint64_t form = generate_random_below(&frames->random, 32);
    bool string = form % 4 == 0;

    text_string(text, string ? ",\"ts\":\"" : ",\"ts\":");
    text_int(text, time_s);
    if (form < 2)
        text_string(text, ".75");
    if (string)
        text_char(text, '"');
}

/* From a fifth to two and a half times the average, most of them small. */
static size_t frame_size(struct generate_frames *frames)
{
    double unit = generate_random_unit(&frames->random);

    return (size_t)((double)frames->size * (0.22 + 2.34 * unit * unit));
}

/* Where in a frame of that size a field goes: anywhere, and now and then first
 * or last of all. */
static size_t field_place(struct generate_frames *frames, size_t size)
{
    switch (generate_random_below(&frames->random, 16)) {
    case 0:
        return 0;
    case 1:
        return size;
    default:
        return generate_random_below(&frames->random, size + 1);
    }
}

void generate_frames_write(struct generate_frames *frames, const char uid[GENERATE_UID_SIZE],
                           int64_t time_s, struct text *text)
{
    size_t begin = text->size;
    size_t size = frame_size(frames);
    size_t uid_at = begin + field_place(frames, size);
    size_t time_at = begin + field_place(frames, size);
    bool uid_done = false, time_done = false;

    while (!uid_done || !time_done || text->size - begin < size) {
        if (text->failed)
            return;
        if (!uid_done && text->size >= uid_at) {
            put_uid(frames, uid, text);
            uid_done = true;
        } else if (!time_done && text->size >= time_at) {
            put_time(frames, time_s, text);
            time_done = true;
        } else {
            uint64_t i = generate_random_below(&frames->random, MEMBERS);

            text_bytes(text, frames->pool.bytes + frames->begins[i],
                       frames->begins[i + 1] - frames->begins[i]);
        }
    }
    text->bytes[begin] = '{'; /* it was the first member's comma */
    text_string(text, frames->crlf ? "}\r\n" : "}\n");
}
