/* Goal: the actives of the last days, and of a day so far, are those of a sketch of
 * all users who were there: counted from the truth, in zones whose days have 23 to
 * 25 hours and where a day is missing, with days that nobody came and days that are
 * not covered. */
#include "actives.h"
#include "check_main.h"
#include "store_kit.h"

struct life {
    struct store_kit kit;
    struct history history;
    struct store_reader *reader;
    struct calendar *calendar;
    struct rollup *rollup;
    int64_t from_s; /* of the rows */
};

static void begin(struct life *life, int64_t start_s, enum calendar_grain grain, const char *zone,
                  uint64_t seed)
{
    struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1};
    struct record_reader *records = record_reader_create();
    struct store *store;

    *life = (struct life){0};
    history_make(&life->history, &(struct history_options){.seed = seed, .start_s = start_s,
                                                           .steps = 15, .frames = 25,
                                                           .step_minutes = 1900, .users = 400});
    kit_make(&life->kit);
    store = kit_open(&life->kit);
    for (size_t i = 0; i < life->history.count; i++)
        kit_add(store, records, &life->history.lines[i]);
    ck_assert(store_flush(store));
    store_close(&store);
    record_reader_destroy(&records);
    life->reader = kit_read(&life->kit);
    options.calendar = life->calendar = history_calendar(grain, zone);
    if (seed % 2) {
        struct calendar_bucket day;

        /* Whole days from the first row on, and none before it. */
        ck_assert(calendar_find(life->calendar, start_s + 3 * 86400, &day));
        options.from_given = true;
        options.from_s = life->from_s = day.start_s;
    }
    life->rollup = store_roll_up(life->reader, &options);
    ck_assert_ptr_nonnull(life->rollup);
}

static void end(struct life *life)
{
    rollup_destroy(&life->rollup);
    calendar_destroy(&life->calendar);
    store_reader_close(&life->reader);
    kit_remove(&life->kit);
    history_free(&life->history);
}

/* What a sketch of all users in [from_s, to_s) says. */
static double count_users(const struct life *life, int64_t from_s, int64_t to_s)
{
    const struct history *history = &life->history;
    struct hc_sketch *sketch = history_sketch(14);
    double value;

    for (size_t i = 0; i < history->truth_count; i++) {
        if (history->truth[i].minute_s >= from_s && history->truth[i].minute_s >= life->from_s &&
            history->truth[i].minute_s < to_s)
            history_add_user(sketch, history->truth[i].user);
    }
    value = hc_sketch_estimate(sketch).value;
    hc_sketch_destroy(&sketch);
    return value;
}

START_TEST(rolling)
{
    static const struct {
        const char *zone;
        int64_t start_s;
    } places[] = {{"UTC", 1477778400}, {"Europe/Zurich", 1477000000},
                  {"Pacific/Apia", 1324500000}, {"Asia/Kathmandu", 1477778400}};
    static const unsigned widths[] = {1, 2, 7, 28};
    struct life life;
    unsigned rows = 0, complete = 0;

    begin(&life, places[_i].start_s, CALENDAR_DAY, places[_i].zone, 60 + (uint64_t)_i);
    for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
        struct actives *actives = actives_rolling(life.rollup, life.calendar, widths[w]);
        struct actives_row row;
        int more;

        rollup_rewind(life.rollup);
        while ((more = actives_next(actives, &row)) == 1) {
            struct calendar_bucket day;
            int64_t start_s = row.end_s;

            for (unsigned i = 0; i < widths[w]; i++) {
                ck_assert(calendar_find(life.calendar, start_s - 1, &day));
                start_s = day.start_s;
            }
            ck_assert_int_eq(row.start_s, start_s);
            ck_assert_double_eq(row.estimate.value,
                                count_users(&life, row.start_s, row.end_s));
            ck_assert_uint_le(row.rows, widths[w]);
            ck_assert(!row.complete || row.rows == widths[w]);
            complete += row.complete && widths[w] == 7;
            rows++;
        }
        ck_assert_int_eq(more, 0);
        actives_destroy(&actives);
    }
    ck_assert_uint_gt(rows, 60);
    ck_assert_uint_gt(complete, 3);
    end(&life);
}
END_TEST

START_TEST(so_far)
{
    struct life life;
    struct actives *actives;
    struct actives_row row;
    int64_t first_s = -1, last_s = 0;
    double before = 0;
    unsigned rows = 0;

    begin(&life, 1477778400, _i ? CALENDAR_MINUTE : CALENDAR_HOUR, "UTC", 70);
    actives = actives_so_far(life.rollup);
    while (actives_next(actives, &row) == 1 && rows < 300) {
        ck_assert(first_s < 0 || row.start_s == first_s);
        ck_assert_int_gt(row.end_s, last_s);
        ck_assert_double_eq(row.estimate.value,
                            count_users(&life, row.start_s, row.end_s));
        ck_assert_double_ge(row.estimate.value, before);
        before = row.estimate.value;
        first_s = row.start_s;
        last_s = row.end_s;
        ck_assert_uint_eq(row.rows, ++rows);
    }
    ck_assert_uint_ge(rows, 50);
    actives_destroy(&actives);
    end(&life);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_loop_test(tests, rolling, 0, 4);
    tcase_add_loop_test(tests, so_far, 0, 2);
}
