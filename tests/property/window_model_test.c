/* Goal: under random operations and a small memory cap the table of windows
 * equals a plain array of windows with sets of ids: keys, contents, heat, the
 * changed list, rounds, labels, and every byte of memory; also when allocations
 * fail. Who asks window_table_is_full before each user stays below the cap, in
 * the middle of a call, too.
 *
 * HEADCOUNT_SEED lives one history again, HEADCOUNT_HISTORIES sets how many. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "sim_memory.h"
#include "test_random.h"
#include "window.h"

#define HISTORIES 300
#define STEPS 3000
#define MINUTES 24
#define GROUPS 3
#define KEYS (MINUTES * GROUPS)
#define IDS 600
#define FIRST_MINUTE_S INT64_C(1468244340)

/* What the model knows of a window. */
struct model {
    struct window *window; /* NULL: not in the table */
    struct hc_sketch *sketches[WINDOW_PROFILES_MAX];
    uint8_t ids[IDS / 8];
    uint64_t frames, round, heat, change; /* stamps of the last use, and of joining the list */
    uint32_t in_flight;
    bool changed, was_let_go, failed;
    bool due[WINDOW_PROFILES_MAX]; /* content that was not published */
    size_t turn;                   /* of publishing: whose it is */
    uint64_t turn_round;
};

static struct {
    uint64_t seed, random, stamp, round;
    int step;
    unsigned fails; /* in 1/256 of the occasions */
    struct hc_sketch_options options[WINDOW_PROFILES_MAX];
    size_t profiles, base, memory_max, peak;
    struct window_table *table;
    struct model models[KEYS];
    size_t count;
    /* The allocator of the table's sketches. */
    size_t bytes, bytes_peak;
    unsigned fail_at;
} t;

static const char *const groups[GROUPS] = {WINDOW_GROUP_TOTAL, "{\"a\":1}", "{\"a\":2}"};

static void broken(const char *what, int line)
{
    ck_abort_msg("line %d: %s: HEADCOUNT_SEED=%llu, step %d", line, what,
                 (unsigned long long)t.seed, t.step);
}

#define expect(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static unsigned below(size_t bound)
{
    return (unsigned)((random_next(&t.random) >> 32) * bound >> 32);
}

/* Blocks carry their size, so that the allocator knows what is held. */
static void *resize(void *context, void *pointer, size_t size)
{
    size_t *old = pointer ? (size_t *)pointer - 2 : NULL, had = old ? *old : 0;
    size_t *block;

    (void)context;
    if (t.fail_at > 0 && --t.fail_at == 0)
        return NULL;
    block = malloc(size + 2 * sizeof *block);
    if (!block)
        return NULL;
    *block = size;
    memcpy(block + 2, pointer ? pointer : "", had < size ? had : pointer ? size : 0);
    t.bytes += size; /* both are held for a moment */
    if (t.bytes > t.bytes_peak)
        t.bytes_peak = t.bytes;
    t.bytes -= had;
    free(old);
    return block + 2;
}

static void release(void *context, void *pointer)
{
    size_t *block = (size_t *)pointer - 2;

    (void)context;
    t.bytes -= *block;
    free(block);
}

static const struct hc_allocator allocator = {resize, release, NULL};

static int64_t minute_of(size_t key)
{
    return FIRST_MINUTE_S + (int64_t)(key / GROUPS) * WINDOW_SECONDS;
}

static size_t window_size(void)
{
    return sizeof(struct window) + t.profiles * sizeof(struct window_sketch);
}

/* The present model with the smallest stamp above `after`, or NULL. */
static struct model *next_by(uint64_t after, bool changed_only)
{
    struct model *best = NULL;

    for (size_t i = 0; i < KEYS; i++) {
        struct model *model = &t.models[i];
        uint64_t stamp = changed_only ? model->change : model->heat;
        uint64_t least = !best ? UINT64_MAX : changed_only ? best->change : best->heat;

        if (model->window && (!changed_only || model->changed) && stamp > after && stamp < least)
            best = model;
    }
    return best;
}

static void expect_lists(void)
{
    const struct window *window = window_coldest(t.table);
    uint64_t stamp = 0;

    for (struct model *m = next_by(0, false); m; m = next_by(stamp, false)) {
        expect(window == m->window);
        stamp = m->heat;
        window = window_next_hotter(window);
    }
    expect(!window);
    window = window_first_changed(t.table);
    stamp = 0;
    for (struct model *m = next_by(0, true); m; m = next_by(stamp, true)) {
        expect(window == m->window && window->round == m->round);
        stamp = m->change;
        window = window_next_changed(window);
    }
    expect(!window);
}

static void expect_content(size_t key)
{
    static uint8_t registers[2][1 << 10];
    const struct model *model = &t.models[key];
    const struct window *window = window_table_find(t.table, minute_of(key), groups[key % GROUPS]);
    size_t bytes = window_size();

    expect(window == model->window);
    if (!window)
        return;
    expect(window->minute_s == minute_of(key) && window->group == groups[key % GROUPS]);
    expect(window->frames == model->frames && window->changed == model->changed);
    expect(!window->whole || !model->was_let_go);
    for (size_t i = 0; i < t.profiles; i++) {
        size_t size = (size_t)1 << t.options[i].precision;
        struct hc_sketch *truth;

        expect(hc_sketch_create(&(struct hc_sketch_options){HC_PROFILE_REDIS,
                                                            t.options[i].precision, NULL, NULL},
                                &truth) == HC_OK);
        for (uint16_t id = 0; id < IDS; id++)
            if (model->ids[id / 8] >> id % 8 & 1)
                hc_sketch_add(truth, &id, sizeof id, NULL);
        hc_sketch_registers(truth, registers[0], size);
        hc_sketch_registers(window->sketches[i].sketch, registers[1], size);
        expect(memcmp(registers[0], registers[1], size) == 0);
        bytes += hc_sketch_memory(window->sketches[i].sketch);
        hc_sketch_destroy(&truth);
    }
    expect(window_memory(t.table, window) == bytes);
}

static void expect_memory(void)
{
    size_t memory = t.base + t.count * window_size() + t.bytes;

    if (memory > t.peak)
        t.peak = memory;
    expect(window_table_count(t.table) == t.count);
    expect(window_table_memory(t.table) == memory);
    expect(window_table_memory_peak(t.table) == t.peak);
}

static void mark_changed(struct model *model)
{
    if (!model->changed) {
        model->round = t.round;
        model->change = ++t.stamp;
    }
    model->changed = true;
}

static void model_forget(struct model *model)
{
    for (size_t i = 0; i < t.profiles; i++)
        hc_sketch_destroy(&model->sketches[i]);
    memset(model, 0, sizeof *model);
    model->was_let_go = true;
    t.count--;
}

static void publish_all(struct window *window)
{
    do {
        while (window_publish_next(t.table, window, 0))
            window_published(window, 0);
    } while (window->changed);
}

/* Publishes and lets go from the cold end until there is room. */
static void make_room(void)
{
    while (window_table_is_full(t.table)) {
        struct model *model = next_by(0, false);

        expect(model); /* an empty table has room */
        publish_all(model->window);
        model->window->in_flight = 0;
        window_forget(t.table, model->window);
        model_forget(model);
        expect_memory();
    }
}

static bool arm(void)
{
    bool fails = below(256) < t.fails;

    t.fail_at = fails ? 1 + below(6) : 0;
    memory_fail_at(fails && below(2));
    return fails;
}

static void disarm(void)
{
    t.fail_at = 0;
    memory_fail_at(0);
}

static struct window *get(size_t key)
{
    struct model *model = &t.models[key];
    size_t count = t.count, bytes = t.bytes;
    bool fails = arm();
    int64_t time_s = minute_of(key) + below(WINDOW_SECONDS);
    struct window *window = window_table_get(t.table, time_s, groups[key % GROUPS]);

    disarm();
    if (!window) {
        expect(fails && !model->window && t.count == count && t.bytes == bytes);
        expect_lists();
        return NULL;
    }
    expect(!model->window || model->window == window);
    if (!model->window) {
        bool minute_was_let_go = false;

        for (size_t i = 0; i < GROUPS; i++)
            minute_was_let_go |= t.models[key / GROUPS * GROUPS + i].was_let_go;
        expect(!window->changed && !window->failed && !window->late && !window->frames);
        expect(window->closed_ms == -1 && window->published_state == WINDOW_UNPUBLISHED);
        expect(window->in_flight == 0 && (window->whole || minute_was_let_go));
        for (size_t i = 0; i < t.profiles; i++) {
            struct hc_sketch_options options = {HC_PROFILE_REDIS, t.options[i].precision, NULL,
                                                NULL};

            expect(window->sketches[i].sequence == 0);
            model->due[i] = true; /* never published */
            expect(hc_sketch_create(&options, &model->sketches[i]) == HC_OK);
        }
        t.count++;
    }
    model->window = window;
    model->heat = ++t.stamp;
    return window;
}

/* Hints for a window that may be there or not; the model knows nothing of them. */
static void fetch(size_t key, uint16_t id)
{
    const char *group = groups[key % GROUPS];

    for (int step = WINDOW_FETCH_BUCKET; step <= WINDOW_FETCH_SKETCHES; step++)
        window_table_fetch(t.table, minute_of(key), group, (enum window_fetch)step);
    window_table_fetch_user(t.table, minute_of(key), group, &id, sizeof id);
}

/* Adds a user; what was refused is tried again. */
static void add(size_t key)
{
    struct model *model = &t.models[key];
    uint16_t id = (uint16_t)below(IDS);

    fetch((size_t)below(KEYS), id);
    bool fails = arm(), any = false;
    enum hc_status status = window_add_user(t.table, model->window, &id, sizeof id);

    disarm();
    expect(status == HC_OK || (status == HC_ENOMEM && fails));
    expect(model->window->frames == model->frames + (status == HC_OK));
    if (status != HC_OK)
        expect(window_add_user(t.table, model->window, &id, sizeof id) == HC_OK);
    for (size_t i = 0; i < t.profiles; i++) {
        int changed = 0;

        hc_sketch_add(model->sketches[i], &id, sizeof id, &changed);
        model->due[i] |= changed;
        any |= changed;
    }
    if (any)
        mark_changed(model);
    model->ids[id / 8] |= (uint8_t)(1u << id % 8);
    model->frames++;
}

static void count_user(size_t key)
{
    make_room();
    t.bytes_peak = t.bytes;
    if (get(key)) {
        add(key);
        expect(window_table_memory(t.table) <= t.memory_max);
        expect(t.base + t.count * window_size() + t.bytes_peak <= t.memory_max);
    }
}

/* Publishes up to `most` sketches. Of each that had changed when its turn came,
 * once a round. */
static void publish_some(struct model *model, unsigned most)
{
    struct window *window = model->window;
    bool left = false;

    if (model->turn_round != t.round)
        model->turn = 0;
    model->turn_round = t.round;
    for (; model->turn < t.profiles; model->turn++) {
        if (!model->due[model->turn])
            continue;
        expect(window_publish_next(t.table, window, 0) == &window->sketches[model->turn]);
        if (most-- == 0)
            return;
        window_published(window, 0);
        model->due[model->turn] = false;
    }
    expect(!window_publish_next(t.table, window, 0));
    model->turn = 0;
    for (size_t i = 0; i < t.profiles; i++)
        left |= model->due[i];
    model->changed = false;
    model->failed = left && model->failed;
    if (left)
        mark_changed(model);
}

/* Something else happens to a window that is there. */
static void disturb(size_t key)
{
    struct model *model = &t.models[key];
    struct window *window = model->window;

    switch (below(8)) {
    case 0:
        t.round++;
        window_table_next_round(t.table);
        break;
    case 1:
        window_mark_failed(t.table, window, UINT64_MAX);
        mark_changed(model);
        model->failed = true;
        for (size_t i = 0; i < t.profiles; i++)
            model->due[i] = true;
        break;
    case 2:
    case 3:
    case 4:
        publish_some(model, below(2) ? below(3) : UINT_MAX);
        expect(window->failed == model->failed && window->changed == model->changed);
        break;
    default:
        if (!model->changed && below(4) == 0) {
            window_forget(t.table, window);
            model_forget(model);
        }
    }
    expect(window_table_round(t.table) == t.round);
}

static void live(uint64_t seed)
{
    struct window_options options = {t.options, 0, 0};

    memset(&t, 0, sizeof t);
    t.seed = t.random = seed;
    t.fails = below(3) * 40;
    t.profiles = options.sketches_count = 1 + below(3);
    for (size_t i = 0; i < t.profiles; i++)
        t.options[i] = (struct hc_sketch_options){HC_PROFILE_REDIS, 4 + below(7), &allocator,
                                                      NULL};
    t.memory_max = options.memory_max = 24000 + below(200000);
    t.table = window_table_create(&options);
    expect(t.table);
    t.base = t.peak = window_table_memory(t.table);
    for (t.step = 0; t.step < STEPS; t.step++) {
        size_t key = below(KEYS);

        if (below(4) > 0 || !t.models[key].window)
            count_user(key);
        else
            disturb(key);
        expect_memory();
        if (t.step % 16 == 0)
            expect_lists();
        if (t.step % 64 == 0)
            expect_content(below(KEYS));
    }
    for (size_t key = 0; key < KEYS; key++) {
        expect_content(key);
        for (size_t i = 0; i < t.profiles; i++)
            hc_sketch_destroy(&t.models[key].sketches[i]);
    }
    window_table_destroy(&t.table);
    expect(!t.table && t.bytes == 0);
}

START_TEST(the_table_equals_the_model)
{
    const char *one = getenv("HEADCOUNT_SEED"), *many = getenv("HEADCOUNT_HISTORIES");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one ? 1 : many ? strtoull(many, NULL, 10) : HISTORIES;

    for (uint64_t seed = first; seed < first + count; seed++)
        live(seed);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, the_table_equals_the_model);
}
