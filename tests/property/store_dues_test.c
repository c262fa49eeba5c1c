/* Goal: an hour or a day is due from the commit on that has changed its users, by the
 * registers of its minutes, until its total was delivered, and never forgotten: not
 * when a commit comes in between, nor when the process ends before the settlement was
 * written. Who asks for dues later has all that are there. */
#include "check_main.h"
#include "store_kit.h"

#define START_S 1477785600 /* a UTC day begins */
#define HOURS 30
#define DAYS 2
#define ITEMS (HOURS + DAYS) /* hours, then days */

static struct store_kit kit;
static struct history history;
static struct record_reader *records;

struct item {
    bool used;       /* has users */
    enum { NOT_DUE, DUE, KEPT } state;
    uint64_t sent;
    int changed;     /* the last commit that did */
};

struct settlement {
    size_t item;
    int read; /* after that commit */
    uint64_t sent;
    bool final;
};

struct model {
    uint64_t digests[HOURS * 60]; /* of minutes; 0: no users */
    struct item items[ITEMS];
    int commits;
    struct settlement settled[64];
    size_t count;
};

struct seen {
    struct store_due dues[ITEMS];
    size_t items[ITEMS];
    size_t count;
};

static size_t item_of(enum store_due_grain grain, int64_t start_s)
{
    int64_t length_s = grain == STORE_DUE_DAY ? 86400 : 3600;
    size_t at = (size_t)((start_s - START_S) / length_s);

    ck_assert_int_eq((start_s - START_S) % length_s, 0);
    ck_assert_uint_lt(at, grain == STORE_DUE_DAY ? DAYS : HOURS);
    return grain == STORE_DUE_DAY ? HOURS + at : at;
}

static void note(void *context, const struct store_due *due)
{
    struct seen *seen = context;

    ck_assert_str_eq(due->stream, "users");
    ck_assert_uint_lt(seen->count, ITEMS);
    seen->items[seen->count] = item_of(due->grain, due->start_s);
    ck_assert(seen->count == 0 || seen->items[seen->count] > seen->items[seen->count - 1]);
    seen->dues[seen->count] = *due;
    seen->dues[seen->count++].stream = NULL;
}

static struct seen look(void)
{
    struct store_reader *reader = kit_read(&kit);
    struct seen seen = {0};

    ck_assert_msg(store_dues(reader, note, &seen), "%s", store_reader_error(reader));
    store_reader_close(&reader);
    return seen;
}

static void check(const struct model *model)
{
    struct seen seen = look();
    size_t at = 0;

    for (size_t i = 0; i < ITEMS; i++) {
        const struct item *item = &model->items[i];

        if (item->state == NOT_DUE)
            continue;
        ck_assert_uint_lt(at, seen.count);
        ck_assert_uint_eq(seen.items[at], i);
        ck_assert_int_eq(seen.dues[at].version == 0, item->state == KEPT);
        ck_assert_uint_eq(seen.dues[at].sent, item->sent);
        at++;
    }
    ck_assert_uint_eq(at, seen.count);
}

static void make_due(struct model *model, size_t item)
{
    model->items[item].used = true;
    model->items[item].state = DUE;
    model->items[item].changed = model->commits;
}

/* What lies in minutes that have changed in the file since the last time is due. */
static void take_digests(struct model *model)
{
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                     .calendar = history_calendar(CALENDAR_MINUTE, "UTC")};
    struct store_reader *reader = kit_read(&kit);
    struct rollup *rollup = store_roll_up(reader, &options);
    struct rollup_row row;

    ck_assert_ptr_nonnull(rollup);
    while (rollup_next(rollup, &row) == 1) {
        uint64_t *digest = &model->digests[(row.start_s - START_S) / 60];

        if (!row.sketch || *digest == hc_digest(row.sketch))
            continue;
        *digest = hc_digest(row.sketch);
        make_due(model, item_of(STORE_DUE_HOUR, row.start_s / 3600 * 3600));
        make_due(model, item_of(STORE_DUE_DAY, row.start_s / 86400 * 86400));
    }
    rollup_destroy(&rollup);
    store_reader_close(&reader);
    calendar_destroy(&options.calendar);
}

static void commit(struct model *model, struct store *store)
{
    ck_assert_msg(store_flush(store), "%s", store_error(store));
    for (size_t i = 0; i < model->count; i++) {
        const struct settlement *settled = &model->settled[i];
        struct item *item = &model->items[settled->item];
        bool current = item->changed <= settled->read && item->state != NOT_DUE;

        if (item->state == NOT_DUE)
            continue;
        if (!settled->final)
            item->sent = settled->sent;
        if (current)
            item->state = settled->final ? NOT_DUE : KEPT;
        if (current && settled->final)
            item->sent = 0;
    }
    model->count = 0;
    model->commits++;
    take_digests(model);
}

static void add_some(struct store *store, uint64_t *random)
{
    for (uint64_t i = random_below(random, 12); i > 0; i--)
        kit_add(store, records, &history.lines[random_below(random, history.count)]);
}

/* Some of what was seen after the commit `read` is delivered. */
static void settle_some(struct model *model, struct store *store, const struct seen *seen,
                        int read, uint64_t *random)
{
    for (size_t i = 0; i < seen->count && model->count < 60; i++) {
        struct store_due due = seen->dues[i];
        bool final = random_below(random, 2);

        if (random_below(random, 3))
            continue;
        due.sent = 1 + random_below(random, 1000);
        ck_assert_int_eq(store_settle(store, &due, final), HC_OK);
        model->settled[model->count++] =
            (struct settlement){seen->items[i], read, due.sent, final};
    }
}

static struct store *open_store(bool dues)
{
    const struct store_options options = {.path = kit.path, .dues = dues};
    struct store *store = store_open(&options, kit.error, sizeof kit.error);

    ck_assert_msg(store != NULL, "%s", kit.error);
    return store;
}

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    history_make(&history, &(struct history_options){.seed = 16, .start_s = START_S, .steps = 10,
                                                     .frames = 40, .step_minutes = 160,
                                                     .users = 500});
    kit_make(&kit);
    records = record_reader_create();
}

static void tear_down(void)
{
    record_reader_destroy(&records);
    kit_remove(&kit);
    history_free(&history);
}

START_TEST(lives)
{
    struct store *store = open_store(true);
    struct model *model = calloc(1, sizeof *model);
    uint64_t random = 33 + (uint64_t)_i;
    struct seen seen = {0};
    int read = 0;

    for (int round = 0; round < 120; round++) {
        if (random_below(&random, 3) == 0) {
            seen = look();
            read = model->commits;
        }
        add_some(store, &random);
        if (random_below(&random, 2)) {
            settle_some(model, store, &seen, read, &random);
            seen.count = 0;
        }
        if (random_below(&random, 10) == 0) {
            store_close(&store); /* what was not written is lost, settlements too */
            store = open_store(true);
            seen.count = model->count = 0;
        }
        commit(model, store);
        if (random_below(&random, 3) == 0) /* which is no change */
            ck_assert_int_ge(store_tidy(store), 0);
        check(model);
    }
    store_close(&store);
    free(model);
}
END_TEST

/* They make due what they lie in all the same. */
START_TEST(minutes_that_are_not_kept)
{
    struct store *store = open_store(true);
    struct seen seen;

    ck_assert_int_eq(store_keep_minutes(store, START_S + 172800), 0);
    ck_assert_uint_eq(look().count, 0);
    for (size_t i = 0; i < history.count; i++)
        kit_add(store, records, &history.lines[i]);
    ck_assert(store_flush(store));
    seen = look();
    ck_assert_uint_gt(seen.count, 20);
    for (size_t i = 0; i < history.truth_count; i++) {
        size_t item = item_of(STORE_DUE_HOUR, history.truth[i].minute_s / 3600 * 3600), at = 0;

        while (at < seen.count && seen.items[at] != item)
            at++;
        ck_assert_uint_lt(at, seen.count);
    }
    store_close(&store);
}
END_TEST

/* Whatever there is, after a run that did not keep them. */
START_TEST(asked_for_later)
{
    struct model *model = calloc(1, sizeof *model);
    uint64_t random = 4;
    struct store *store;

    for (int round = 0; round < 3; round++) {
        store = open_store(false);
        for (int i = 0; i < 5; i++)
            add_some(store, &random);
        commit(model, store);
        ck_assert_uint_eq(look().count, 0);
        store_close(&store);
        store = open_store(true);
        for (size_t i = 0; i < ITEMS; i++) {
            model->items[i].state = model->items[i].used ? DUE : NOT_DUE;
            model->items[i].sent = 0;
        }
        check(model);
        add_some(store, &random);
        commit(model, store);
        check(model);
        store_close(&store);
    }
    free(model);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, lives, 0, 3);
    tcase_add_test(tests, minutes_that_are_not_kept);
    tcase_add_test(tests, asked_for_later);
}
