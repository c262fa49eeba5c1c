/* See window.h. The number of buckets is fixed by the memory cap, since the cap
 * bounds the number of windows: no growth, no pause. Memory is counted as the
 * sketches report it plus the table's own structures. */
#include "window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A window of one user takes about this much a profile; it sets the number of
 * buckets. */
#define WINDOW_BYTES_TYPICAL 512
#define BUCKETS_MIN ((size_t)1 << 8)
#define BUCKETS_MAX ((size_t)1 << 22)
/* Minutes let go are remembered by their number modulo this: 45 days in a row
 * are told apart, and where they are not, a window is called not whole. */
#define LET_GO_MINUTES 65536
#define CACHE_LINE 64
/* So much of a sketch is fetched: its head, and more of a small one. */
#define SKETCH_HEAD 128

struct window_table {
    struct hc_sketch_options sketches[WINDOW_PROFILES_MAX];
    size_t sketches_count;
    size_t memory_max;
    size_t memory;
    size_t memory_peak;
    size_t growth_max; /* what one more user can add */
    size_t count;
    uint64_t round;
    size_t buckets_count; /* a power of two */
    struct window **buckets;
    struct window *coldest, *hottest;
    struct window *changed_first, *changed_last;
    uint8_t let_go[LET_GO_MINUTES / 8];
};

static size_t window_bytes(const struct window_table *table)
{
    return sizeof(struct window) + table->sketches_count * sizeof(struct window_sketch);
}

size_t window_memory(const struct window_table *table, const struct window *window)
{
    size_t bytes = window_bytes(table);
    for (size_t i = 0; i < table->sketches_count; i++)
        bytes += window->sketches[i].memory;
    return bytes;
}

size_t window_table_profiles(const struct window_table *table)
{
    return table->sketches_count;
}

static void memory_add(struct window_table *table, size_t bytes)
{
    table->memory += bytes;
    if (table->memory > table->memory_peak)
        table->memory_peak = table->memory;
}

struct window_table *window_table_create(const struct window_options *options)
{
    assert(options->sketches_count >= 1 && options->sketches_count <= WINDOW_PROFILES_MAX);
    struct window_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->sketches_count = options->sketches_count;
    table->memory_max = options->memory_max;
    table->growth_max = window_bytes(table);
    for (size_t i = 0; i < options->sketches_count; i++) {
        table->sketches[i] = options->sketches[i];
        table->growth_max += 2 * ((size_t)1 << options->sketches[i].precision) + 256;
    }
    table->buckets_count = BUCKETS_MIN;
    while (table->buckets_count < BUCKETS_MAX &&
           table->buckets_count * WINDOW_BYTES_TYPICAL * table->sketches_count <
               options->memory_max)
        table->buckets_count *= 2;
    table->buckets = calloc(table->buckets_count, sizeof *table->buckets);
    if (!table->buckets) {
        free(table);
        return NULL;
    }
    memory_add(table, sizeof *table + table->buckets_count * sizeof *table->buckets);
    return table;
}

static void window_free(struct window_table *table, struct window *window)
{
    for (size_t i = 0; i < table->sketches_count; i++)
        hc_sketch_destroy(&window->sketches[i].sketch);
    free(window);
}

void window_table_destroy(struct window_table **table)
{
    if (!*table)
        return;
    for (struct window *w = (*table)->coldest, *next; w; w = next) {
        next = w->hotter;
        window_free(*table, w);
    }
    free((*table)->buckets);
    free(*table);
    *table = NULL;
}

static struct window **bucket_of(const struct window_table *table, int64_t minute_s,
                                 const char *group)
{
    uint64_t hash = (uint64_t)minute_s / WINDOW_SECONDS;
    for (const char *c = group; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return &table->buckets[(hash >> 32) & (table->buckets_count - 1)];
}

static uint8_t *let_go_byte(struct window_table *table, int64_t minute_s, uint8_t *bit)
{
    uint64_t number = (uint64_t)minute_s / WINDOW_SECONDS % LET_GO_MINUTES;
    *bit = (uint8_t)(1u << (number % 8));
    return &table->let_go[number / 8];
}

static void heat_unlink(struct window_table *table, struct window *window)
{
    *(window->colder ? &window->colder->hotter : &table->coldest) = window->hotter;
    *(window->hotter ? &window->hotter->colder : &table->hottest) = window->colder;
}

static void heat_link(struct window_table *table, struct window *window)
{
    window->hotter = NULL;
    window->colder = table->hottest;
    *(table->hottest ? &table->hottest->hotter : &table->coldest) = window;
    table->hottest = window;
}

static struct window *window_make(struct window_table *table, int64_t minute_s, const char *group)
{
    struct window *window = calloc(1, window_bytes(table));
    if (!window)
        return NULL;
    for (size_t i = 0; i < table->sketches_count; i++) {
        if (hc_sketch_create(&table->sketches[i], &window->sketches[i].sketch) != HC_OK) {
            window_free(table, window);
            return NULL;
        }
        window->sketches[i].memory = hc_sketch_memory(window->sketches[i].sketch);
    }
    uint8_t bit;
    window->minute_s = minute_s;
    window->group = group;
    window->closed_ms = -1;
    window->published_state = WINDOW_UNPUBLISHED;
    for (size_t i = 0; i < table->sketches_count; i++)
        window->sketches[i].published_state = WINDOW_UNPUBLISHED;
    window->whole = !(*let_go_byte(table, minute_s, &bit) & bit);
    memory_add(table, window_memory(table, window));
    return window;
}

struct window *window_table_find(const struct window_table *table, int64_t minute_s,
                                 const char *group)
{
    struct window *window = *bucket_of(table, minute_s, group);
    while (window && (window->minute_s != minute_s ||
                      (window->group != group && strcmp(window->group, group) != 0)))
        window = window->same_hash;
    return window;
}

struct window *window_table_get(struct window_table *table, int64_t time_s, const char *group)
{
    assert(time_s >= 0);
    int64_t minute_s = time_s - time_s % WINDOW_SECONDS;
    struct window *window = window_table_find(table, minute_s, group);
    if (!window) {
        window = window_make(table, minute_s, group);
        if (!window)
            return NULL;
        struct window **bucket = bucket_of(table, minute_s, group);
        window->same_hash = *bucket;
        *bucket = window;
        heat_link(table, window);
        table->count++;
    } else if (window != table->hottest) {
        heat_unlink(table, window);
        heat_link(table, window);
    }
    return window;
}

static void fetch_bytes(const void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += CACHE_LINE)
        __builtin_prefetch((const char *)bytes + at, 1);
}

/* Also the neighbours that it leaves when it becomes the hottest. */
static void fetch_sketches(const struct window_table *table, const struct window *window)
{
    for (size_t i = 0; i < table->sketches_count; i++)
        fetch_bytes(window->sketches[i].sketch, SKETCH_HEAD);
    if (window->colder)
        __builtin_prefetch(&window->colder->hotter, 1);
    if (window->hotter)
        __builtin_prefetch(&window->hotter->colder, 1);
}

void window_table_fetch(const struct window_table *table, int64_t minute_s, const char *group,
                        enum window_fetch step)
{
    struct window *const *bucket = bucket_of(table, minute_s, group);
    const struct window *window;
    switch (step) {
    case WINDOW_FETCH_BUCKET:
        __builtin_prefetch(bucket);
        break;
    case WINDOW_FETCH_WINDOW:
        if (*bucket)
            fetch_bytes(*bucket, window_bytes(table));
        break;
    case WINDOW_FETCH_SKETCHES:
        window = window_table_find(table, minute_s, group);
        if (window)
            fetch_sketches(table, window);
        break;
    }
}

void window_table_fetch_user(const struct window_table *table, int64_t minute_s,
                             const char *group, const void *user, size_t size)
{
    const struct window *window = window_table_find(table, minute_s, group);
    for (size_t i = 0; window && i < table->sketches_count; i++)
        hc_sketch_prefetch(window->sketches[i].sketch, user, size);
}

static void list_join(struct window_table *table, struct window *window)
{
    if (window->changed)
        return;
    window->changed = true;
    window->round = table->round;
    window->changed_after = NULL;
    window->changed_before = table->changed_last;
    *(table->changed_last ? &table->changed_last->changed_after : &table->changed_first) = window;
    table->changed_last = window;
}

static void list_leave(struct window_table *table, struct window *window)
{
    if (!window->changed)
        return;
    struct window *before = window->changed_before, *after = window->changed_after;
    *(before ? &before->changed_after : &table->changed_first) = after;
    *(after ? &after->changed_before : &table->changed_last) = before;
    window->changed = false;
}

void window_mark_changed(struct window_table *table, struct window *window)
{
    for (size_t i = 0; i < table->sketches_count; i++)
        window->sketches[i].changed = true;
    list_join(table, window);
}

void window_mark_failed(struct window_table *table, struct window *window, uint64_t sequence)
{
    window->failed = true;
    for (size_t i = 0; i < table->sketches_count; i++) {
        if (window->sketches[i].sequence != sequence)
            continue;
        window->sketches[i].changed = true;
        list_join(table, window);
        return;
    }
    window_mark_changed(table, window);
}

/* All sketches have had their turn. */
static void publishing_end(struct window_table *table, struct window *window, int state)
{
    bool failed = window->failed;
    window->publishing = 0;
    window->published_state = state;
    window->failed = false;
    list_leave(table, window);
    for (size_t i = 0; i < table->sketches_count; i++) {
        struct window_sketch *sketch = &window->sketches[i];
        if (!sketch->changed && sketch->published_state == state)
            continue;
        sketch->changed = true; /* or its label has, since its turn */
        window->failed = failed;
        list_join(table, window);
    }
}

struct window_sketch *window_publish_next(struct window_table *table, struct window *window,
                                          int state)
{
    /* What was produced before the round began may have changed before it, too. */
    if (window->publishing_round != table->round)
        window->publishing = 0;
    window->publishing_round = table->round;
    for (; window->publishing < table->sketches_count; window->publishing++) {
        struct window_sketch *sketch = &window->sketches[window->publishing];
        if (sketch->changed || sketch->published_state != state)
            return sketch;
    }
    publishing_end(table, window, state);
    return NULL;
}

void window_published(struct window *window, int state)
{
    struct window_sketch *sketch = &window->sketches[window->publishing++];
    sketch->changed = false;
    sketch->published_state = state;
}

/* Only what changes a sketch may change its size. */
static void sketch_changed(struct window_table *table, struct window *window,
                           struct window_sketch *sketch)
{
    table->memory -= sketch->memory;
    sketch->memory = hc_sketch_memory(sketch->sketch);
    memory_add(table, sketch->memory);
    sketch->changed = true;
    list_join(table, window);
}

enum hc_status window_add_user(struct window_table *table, struct window *window,
                               const void *user, size_t size)
{
    /* Profiles share the id, not the hash. A failure in the middle leaves some
     * with the user: adding again changes nothing there. */
    for (size_t i = 0; i < table->sketches_count; i++) {
        struct window_sketch *sketch = &window->sketches[i];
        int changed = 0;
        enum hc_status status = hc_sketch_add(sketch->sketch, user, size, &changed);
        if (changed)
            sketch_changed(table, window, sketch);
        if (status != HC_OK)
            return status;
    }
    window->frames++;
    return HC_OK;
}

void window_forget(struct window_table *table, struct window *window)
{
    assert(!window->changed && window->in_flight == 0);
    struct window **link = bucket_of(table, window->minute_s, window->group);
    while (*link != window)
        link = &(*link)->same_hash;
    *link = window->same_hash;
    heat_unlink(table, window);
    uint8_t bit;
    *let_go_byte(table, window->minute_s, &bit) |= bit;
    table->memory -= window_memory(table, window);
    table->count--;
    window_free(table, window);
}

uint64_t window_table_round(const struct window_table *table)
{
    return table->round;
}

void window_table_next_round(struct window_table *table)
{
    table->round++;
}

struct window *window_first_changed(const struct window_table *table)
{
    return table->changed_first;
}

struct window *window_next_changed(const struct window *window)
{
    return window->changed_after;
}

struct window *window_coldest(const struct window_table *table)
{
    return table->coldest;
}

struct window *window_next_hotter(const struct window *window)
{
    return window->hotter;
}

size_t window_table_count(const struct window_table *table)
{
    return table->count;
}

size_t window_table_memory(const struct window_table *table)
{
    return table->memory;
}

size_t window_table_memory_peak(const struct window_table *table)
{
    return table->memory_peak;
}

bool window_table_is_full(const struct window_table *table)
{
    return table->memory + table->growth_max > table->memory_max;
}
