/* Goal: the span of a stream without its strays is what a reading of store_about.c's rule
 * minute by minute says: of random stretches of minutes whose sizes and gaps lie on the
 * rule's edges, at both ends, in one profile and in two; in whatever order they came. */
#include "check_main.h"
#include "store_kit.h"

#define DAY_S INT64_C(86400)
#define GAP_S (40 * DAY_S)
#define START_S INT64_C(1477785600)
#define MINUTES_MAX 16384
#define CASES 150

static struct store_kit kit;
static struct store *store;
static struct hc_sketch *sketches[HC_PROFILE_KEYED + 1];
static uint64_t random_state;

/* Of one profile, in order. */
struct minutes {
    int64_t times[MINUTES_MAX];
    size_t count;
};
static struct minutes first, second;

static void set_up(void)
{
    kit_make(&kit);
    store = kit_open(&kit);
    random_state = 11;
    for (int p = HC_PROFILE_REDIS; p < HC_PROFILE_KEYED; p++) {
        const struct hc_sketch_options options = {.profile = (enum hc_profile)p, .precision = 12};

        ck_assert_int_eq(hc_sketch_create(&options, &sketches[p]), HC_OK);
        ck_assert_int_eq(hc_sketch_add(sketches[p], "u", 1, NULL), HC_OK);
    }
}

static void tear_down(void)
{
    for (int p = HC_PROFILE_REDIS; p < HC_PROFILE_KEYED; p++)
        hc_sketch_destroy(&sketches[p]);
    store_close(&store);
    kit_remove(&kit);
}

static size_t below(size_t bound)
{
    return random_below(&random_state, bound);
}

/* `count` minutes, the first `gap_s` after the end of what is there. */
static void stretch(struct minutes *minutes, int64_t gap_s, size_t count, size_t apart)
{
    int64_t time_s = minutes->count ? minutes->times[minutes->count - 1] + 60 + gap_s
                                    : START_S + 60 * (int64_t)below(1440);

    ck_assert_uint_le(minutes->count + count, MINUTES_MAX);
    for (size_t i = 0; i < count; i++) {
        minutes->times[minutes->count++] = time_s;
        time_s += 60 * (1 + (int64_t)below(apart));
    }
}

static int64_t some_gap(void)
{
    static const int64_t gaps[] = {GAP_S - 60, GAP_S, GAP_S + 60, GAP_S + DAY_S, 9000 * DAY_S,
                                   DAY_S, 39 * DAY_S};

    return gaps[below(sizeof(gaps) / sizeof(gaps[0]))];
}

static void some_stretches(struct minutes *minutes)
{
    size_t main_count = 1 + below(130);

    minutes->count = 0;
    for (size_t i = below(3); i > 0; i--)
        stretch(minutes, some_gap(), 1 + below(main_count / 9 + 2), 1 + below(3));
    stretch(minutes, some_gap(), main_count, 1 + below(9));
    for (size_t i = below(3); i > 0; i--)
        stretch(minutes, some_gap(), 1 + below(main_count / 9 + 2), 1 + below(3));
}

static void add(const char *stream, enum hc_profile profile, int64_t minute_s, uint64_t sequence)
{
    const struct record record = {
        .kind = RECORD_SKETCH,
        .sketch = {.stream = stream, .minute_s = minute_s, .group = "{}", .instance = "i",
                   .epoch_ms = 7, .sequence = sequence, .fields = "", .sketch = sketches[profile]}};

    ck_assert_int_eq(store_add(store, &record), STORE_TAKEN);
}

/* From some minute on, and then those before it. */
static void add_all(const char *stream, enum hc_profile profile, const struct minutes *minutes)
{
    size_t start = minutes->count ? below(minutes->count) : 0;

    for (size_t i = 0; i < minutes->count; i++)
        add(stream, profile, minutes->times[(start + i) % minutes->count], i + 1);
}

static bool may_go(size_t strays, size_t of)
{
    return 1000 * strays <= of || (strays <= 10 && 10 * strays <= of);
}

/* The rule, said of minutes: widens [*from_s, *to_s). */
static void expect(const struct minutes *minutes, int64_t *from_s, int64_t *to_s)
{
    size_t head = 0, tail = minutes->count;

    for (size_t i = 1; i < minutes->count; i++) {
        if (minutes->times[i] - minutes->times[i - 1] - 60 <= GAP_S)
            continue;
        if (may_go(i, minutes->count))
            head = i;
        if (may_go(minutes->count - i, minutes->count) && i < tail)
            tail = i;
    }
    if (minutes->count == 0)
        return;
    ck_assert_uint_lt(head, tail);
    if (*to_s == 0 || minutes->times[head] < *from_s)
        *from_s = minutes->times[head];
    if (minutes->times[tail - 1] + 60 > *to_s)
        *to_s = minutes->times[tail - 1] + 60;
}

static void check(const char *stream)
{
    struct store_reader *reader;
    struct store_about about;
    int64_t from_s = 0, to_s = 0;

    ck_assert_msg(store_flush(store), "%s", store_error(store));
    reader = kit_read(&kit);
    ck_assert_msg(store_stream_about(reader, stream, &about), "%s", store_reader_error(reader));
    store_reader_close(&reader);
    expect(&first, &from_s, &to_s);
    expect(&second, &from_s, &to_s);
    ck_assert_int_eq(about.main_s, from_s);
    ck_assert_int_eq(about.main_to_s, to_s);
    ck_assert_int_le(about.first_s, from_s);
    ck_assert_int_ge(about.to_s, to_s);
    ck_assert(second.count > 0 || (about.first_s == first.times[0] &&
                                   about.to_s == first.times[first.count - 1] + 60));
}

START_TEST(as_the_rule_says)
{
    unsigned cut = 0;

    for (unsigned i = 0; i < CASES; i++) {
        char stream[16];
        int64_t from_s = 0, to_s = 0;

        snprintf(stream, sizeof stream, "s%u", i);
        second.count = 0;
        some_stretches(&first);
        if (i % 3 == 0)
            some_stretches(&second);
        add_all(stream, HC_PROFILE_TRINO, &first);
        add_all(stream, HC_PROFILE_REDIS, &second);
        check(stream);
        expect(&first, &from_s, &to_s);
        cut += from_s != first.times[0];
    }
    ck_assert_uint_gt(cut, CASES / 20); /* there were strays to find */
}
END_TEST

/* Of 11,000 minutes 11 are strays at either end, and 12 are not; of 5,020 ten are. */
START_TEST(of_many_minutes)
{
    static const struct {
        size_t before, most, behind;
        bool first_goes, last_goes;
    } cases[] = {{11, 10978, 11, true, true}, {12, 10977, 11, false, true},
                 {0, 10988, 12, false, false}, {10, 5000, 10, true, true},
                 {11, 5000, 11, false, false}};

    second.count = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char stream[16];
        int64_t from_s = 0, to_s = 0;

        snprintf(stream, sizeof stream, "m%zu", i);
        first.count = 0;
        stretch(&first, 0, cases[i].before, 1);
        stretch(&first, 9000 * DAY_S, cases[i].most, 1);
        stretch(&first, 500 * DAY_S, cases[i].behind, 1);
        add_all(stream, HC_PROFILE_REDIS, &first);
        check(stream);
        expect(&first, &from_s, &to_s);
        ck_assert_int_eq(from_s != first.times[0], cases[i].first_goes);
        ck_assert_int_eq(to_s != first.times[first.count - 1] + 60, cases[i].last_goes);
    }
}
END_TEST

/* A site that was off for a year keeps its older half, and a stream of which there is one
 * minute, or none, has that. */
START_TEST(what_is_no_stray)
{
    struct store_reader *reader;
    struct store_about about;

    second.count = 0;
    first.count = 0;
    stretch(&first, 0, 150, 5);
    stretch(&first, 365 * DAY_S, 1200, 5);
    add_all("off", HC_PROFILE_REDIS, &first);
    check("off");
    reader = kit_read(&kit);
    ck_assert(store_stream_about(reader, "off", &about));
    ck_assert_int_eq(about.main_s, first.times[0]);
    ck_assert(store_stream_about(reader, "none", &about));
    ck_assert(about.to_s == 0 && about.main_to_s == 0 && about.main_s == 0);
    store_reader_close(&reader);
    first.count = 0;
    stretch(&first, 0, 1, 1);
    add_all("one", HC_PROFILE_REDIS, &first);
    check("one");
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, as_the_rule_says);
    tcase_add_test(tests, of_many_minutes);
    tcase_add_test(tests, what_is_no_stray);
}
