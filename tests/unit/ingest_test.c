/* Goal: the records of a source are in the store when the source is at its end, or
 * wants its partitions back: of files whole, of partitions up to the position that
 * is written with them. What is no record is counted and left out. While the disk
 * is full the source is held and asked again, nothing is lost, and a run that was
 * half taken goes on where it stopped. */
#include "check_main.h"
#include "ingest.h"
#include "store_faults.h"
#include "store_kit.h"

/* A Kafka topic of two partitions, every third line in the second. */
struct topic {
    struct source base;
    const struct history *history;
    struct message *messages;
    size_t at, batch;
    bool held, assigned, revoked, released;
    unsigned polls_held;
    struct source_assignment assignment;
    struct source_partition partitions[2];
};

static void topic_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct topic *topic = (struct topic *)source;
    size_t left = topic->history->count - topic->at;

    (void)timeout_ms;
    *step = (struct source_step){.kind = SOURCE_NOTHING};
    topic->polls_held += topic->held;
    if (topic->held)
        return;
    if (!topic->assigned) {
        topic->assigned = true;
        step->kind = SOURCE_ASSIGNED;
        step->assignment = &topic->assignment;
    } else if (left > 0) {
        step->kind = SOURCE_MESSAGES;
        step->messages = topic->messages + topic->at;
        step->count = left < topic->batch ? left : topic->batch;
        topic->at += step->count;
    } else {
        step->kind = topic->revoked ? SOURCE_FINISHED : SOURCE_REVOKED;
        topic->revoked = true;
    }
}

static void topic_release(struct source *source)
{
    ((struct topic *)source)->released = true;
}

static void topic_hold(struct source *source, bool held)
{
    ((struct topic *)source)->held = held;
}

static const struct source_ops topic_ops = {
    .poll = topic_poll, .release = topic_release, .hold = topic_hold};

static void topic_make(struct topic *topic, const struct history *history, size_t batch)
{
    int64_t next[2] = {100, 5000};

    *topic = (struct topic){.base = {&topic_ops}, .history = history, .batch = batch,
                            .partitions = {{.partition = 3}, {.partition = 7}},
                            .assignment = {.cluster = "lkc", .topic = "uniques",
                                           .partitions_total = 8, .count = 2}};
    topic->assignment.partitions = topic->partitions;
    topic->messages = calloc(history->count, sizeof(topic->messages[0]));
    for (size_t i = 0; i < history->count; i++) {
        uint32_t slot = i % 3 == 0;

        topic->messages[i] = (struct message){.bytes = history->lines[i].bytes,
                                              .size = history->lines[i].size, .slot = slot,
                                              .position = next[slot], .next = next[slot] + 1};
        next[slot]++;
    }
}

static struct store_kit kit;
static struct history history;

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    history_make(&history, &(struct history_options){.seed = 8, .start_s = 1477778400,
                                                     .steps = 6, .frames = 40,
                                                     .step_minutes = 30, .users = 900});
    kit_make(&kit);
    faults_set(FAULT_NONE, 0);
}

static void tear_down(void)
{
    faults_set(FAULT_NONE, 0);
    kit_remove(&kit);
    history_free(&history);
}

static void check_rows(size_t count)
{
    const struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1};
    const struct calendar_options calendar = {.grain = CALENDAR_MINUTE};
    struct store_reader *reader = kit_read(&kit);

    kit_same(reader, &history, count, options, &calendar);
    store_reader_close(&reader);
}

static void check_position(struct store *store, int32_t partition, int64_t next)
{
    struct store_position position = {"lkc", "uniques", partition, -1};

    ck_assert_int_eq(store_go_on(store, &position), 1);
    ck_assert_int_eq(position.next, next);
}

START_TEST(whole_files)
{
    char path[TEST_PATH_ROOM + 8];
    const char *const paths[] = {path};
    struct source_file_options options = {.paths = paths, .count = 1, .frame_max = 1 << 24};
    struct store *store = kit_open(&kit);
    struct ingest *ingest;
    struct source *source;
    FILE *file;
    int64_t now_ms = 1000;

    snprintf(path, sizeof path, "%s.copy", kit.path);
    file = fopen(path, "wb");
    for (size_t i = 0; i < history.count; i++)
        fprintf(file, "%s\n%s", history.lines[i].bytes, i % 20 ? "" : "no record\n  \r\n\n");
    ck_assert_int_eq(fclose(file), 0);
    source = source_file_create(&options, kit.error, sizeof kit.error);
    ck_assert_msg(source != NULL, "%s", kit.error);
    ingest = ingest_create(&(struct ingest_options){.store = store, .source = source,
                                                    .flush_ms = 1000});
    while (ingest_turn(ingest, 10, now_ms++) == INGEST_GOING)
        continue;
    ck_assert_int_eq(ingest_turn(ingest, 10, now_ms), INGEST_END);
    ck_assert_uint_eq(ingest_counts(ingest)->records, history.count);
    ck_assert_uint_eq(ingest_counts(ingest)->refused, (history.count + 19) / 20);
    check_rows(history.count);
    ingest_destroy(&ingest);
    source_destroy(&source);
    store_close(&store);
}
END_TEST

START_TEST(partitions)
{
    struct store *store = kit_open(&kit);
    struct topic topic;
    struct ingest *ingest;
    size_t second = (history.count + 2) / 3;

    topic_make(&topic, &history, 10);
    ingest = ingest_create(&(struct ingest_options){.store = store, .source = &topic.base,
                                                    .flush_ms = 1000});
    ck_assert_int_eq(ingest_turn(ingest, 0, 0), INGEST_GOING); /* ASSIGNED */
    ck_assert_int_eq(ingest_turn(ingest, 0, 0), INGEST_GOING); /* the first run */
    ck_assert_int_eq(ingest_turn(ingest, 0, 999), INGEST_GOING);
    ck_assert_uint_eq(ingest_counts(ingest)->flushes, 0);
    ck_assert_int_eq(ingest_turn(ingest, 0, 1000), INGEST_GOING); /* flushes 20 lines */
    ck_assert_uint_eq(ingest_counts(ingest)->flushes, 1);
    check_rows(20);
    while (ingest_turn(ingest, 0, 1001) == INGEST_GOING)
        ck_assert(!topic.released || ingest_counts(ingest)->flushes == 2);
    ck_assert(topic.released);
    check_rows(history.count);
    store_close(&store);
    store = kit_open(&kit);
    check_position(store, 3, 100 + (int64_t)(history.count - second));
    check_position(store, 7, 5000 + (int64_t)second);
    ingest_destroy(&ingest);
    store_close(&store);
    free(topic.messages);
}
END_TEST

/* Little memory, so that the store has to write in the middle of a run. */
START_TEST(full_disks)
{
    struct store *store = kit_open_with(&kit, 20000);
    struct topic topic;
    struct ingest *ingest;
    enum ingest_state state = INGEST_GOING;
    int64_t now_ms = 0;
    uint64_t taken;

    topic_make(&topic, &history, history.count);
    ingest = ingest_create(&(struct ingest_options){.store = store, .source = &topic.base,
                                                    .flush_ms = 1000});
    ck_assert_int_eq(ingest_turn(ingest, 0, now_ms), INGEST_GOING);
    faults_set(FAULT_FULL, 3);
    while (state == INGEST_GOING)
        state = ingest_turn(ingest, 0, now_ms);
    ck_assert_int_eq(state, INGEST_HELD);
    ck_assert(topic.held);
    taken = ingest_counts(ingest)->records;
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_lt(taken, history.count);
    check_position(store, 3, 100 + (int64_t)(taken - (taken + 2) / 3));
    check_position(store, 7, 5000 + (int64_t)((taken + 2) / 3));
    for (now_ms = 1; now_ms < 5000; now_ms += 500)
        ck_assert_int_eq(ingest_turn(ingest, 0, now_ms), INGEST_HELD);
    ck_assert_uint_gt(ingest_counts(ingest)->failures, 3);
    ck_assert_uint_lt(ingest_counts(ingest)->failures, 8);
    ck_assert_uint_eq(ingest_counts(ingest)->records, taken);
    faults_set(FAULT_NONE, 0);
    do
        state = ingest_turn(ingest, 0, now_ms += 500);
    while (state != INGEST_END);
    ck_assert(!topic.held);
    ck_assert_uint_eq(ingest_counts(ingest)->records, history.count);
    check_rows(history.count);
    ingest_destroy(&ingest);
    store_close(&store);
    free(topic.messages);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, whole_files);
    tcase_add_test(tests, partitions);
    tcase_add_test(tests, full_disks);
}
